"""Files: an address to send bytes to, completed, and ready only after Slack has looked at them."""

import itertools
import json
from dataclasses import dataclass

from tests.standins.slack_rules import Refused

KINDS = {"png": "image/png", "csv": "text/csv", "json": "application/json", "jsonl": "text/plain"}


@dataclass
class File:
    id: str
    name: str
    length: int
    title: str = ""
    content: bytes | None = None
    completed: bool = False
    looks: int = 0
    channel: str = ""
    message_ts: str = ""

    def ready(self, after: int) -> bool:
        return self.completed and self.looks > after


class FileMethods:
    """files.* of the Web API, and the address that takes the bytes."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.ready_after = 1
        """How many looks at a file find it unready."""
        self.shares = True
        """Slack may say ok and not share."""
        self._file_ids = itertools.count(1)

    def ready_files(self) -> list[str]:
        """Return the files that a message may show by now."""
        return [held.id for held in self.files.values() if held.ready(self.ready_after)]

    def receive_file(self, file_id: str, content: bytes) -> int:
        """Take the bytes at the upload address and return the status Slack answers."""
        held = self.files.get(file_id)
        if held is None or held.content is not None or len(content) != held.length:
            return 400
        held.content = content
        return 200

    def _files_getUploadURLExternal(self, args):  # noqa: N802  Slack's own word
        self._need("files:write")
        name, length = str(args.get("filename") or ""), int(args.get("length") or 0)
        if not name or length < 1:
            raise Refused("invalid_arguments", ["must be more than 0 [json-pointer:/length]"])
        held = File(f"F{next(self._file_ids):08d}", name, length)
        self.files[held.id] = held
        return {"upload_url": f"{self.slack.origin}/upload/{held.id}", "file_id": held.id}

    def _files_completeUploadExternal(self, args):  # noqa: N802  Slack's own word
        self._need("files:write")
        listed = args.get("files")
        listed = json.loads(listed) if isinstance(listed, str) else listed
        channel_id = args.get("channel_id") or args.get("channels") or ""
        channel = self.channels.get(channel_id)
        if channel_id and (channel is None or (channel.is_private and not channel.is_member)):
            raise Refused("channel_not_found")
        if channel is not None and not channel.is_member:
            raise Refused("not_in_channel")
        thread_ts = args.get("thread_ts") or None
        if thread_ts and not self._find(channel_id, thread_ts):
            raise Refused("thread_not_found")
        done = []
        for each in listed:
            held = self.files.get(each.get("id", ""))
            if held is None or held.content is None:
                raise Refused("file_not_found")
            held.title, held.completed = each.get("title") or held.name, True
            if channel is not None and self.shares and "alt_txt" not in each:
                message = self.add(channel.id, str(args.get("initial_comment") or ""), thread_ts=thread_ts)
                message.files = [held.id]
                held.channel, held.message_ts = channel.id, message.ts
            done.append({"id": held.id, "title": held.title})
        return {"files": done}

    def _files_info(self, args):
        self._need("files:read")
        held = self.files.get(args.get("file", ""))
        if held is None or not held.completed:
            raise Refused("file_not_found")
        held.looks += 1
        ready = held.ready(self.ready_after)
        shown = {"id": held.id, "name": held.name, "title": held.title, "size": held.length}
        shown["mimetype"] = (
            KINDS.get(held.name.rpartition(".")[2], "application/octet-stream") if ready else ""
        )
        if ready and held.channel:
            kind = "private" if self.channels[held.channel].kind != "channels" else "public"
            shown["shares"] = {kind: {held.channel: [{"ts": held.message_ts}]}}
        return {"file": shown}
