"""Files in Slack: uploaded for a message to show, or sent to a room; ready only when Slack has looked at them."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from bot.edge.addresses import check_base_url, is_loopback
from bot.edge.slack_call import Caller, word
from bot.edge.slack_trouble import SlackTrouble, from_wire

_LOOKS = (0.5, 1.0, 2.0, 4.0, 2.5)
"""Seconds before each further look at a file: ten in all."""


class Files:
    """Uploads: needs the scopes files:write and files:read. `sleep` passes the time between two looks."""

    def __init__(self, caller: Caller, sleep: Callable[[float], None]) -> None:
        self._caller = caller
        self._sleep = sleep

    def upload(self, content: bytes, name: str, title: str) -> str:
        """Return the id of a file that stands in no room and can be shown by `slack_file`.

        Raises SlackTrouble `not_ready` when Slack has not looked at it within ten seconds: shown before, it
        refuses the whole message.
        """
        file_id = self._put(content, name)
        self._caller.again("files.completeUploadExternal", json={"files": [{"id": file_id, "title": title}]})
        self._looked(file_id, lambda held: bool(held.get("mimetype")), "not_ready")
        return file_id

    def send(
        self, channel_id: str, content: bytes, name: str, title: str, comment: str, thread_ts: str | None
    ) -> str:
        """Return the id of a file that stands in a room.

        Raises SlackTrouble `not_shared` (uncertain) when Slack said ok and did not put it there.
        """
        file_id = self._put(content, name)
        # No alt_txt here: with one, Slack says ok and shares nothing.
        asked: dict[str, Any] = {"files": [{"id": file_id, "title": title}], "channel_id": channel_id}
        if comment:
            asked["initial_comment"] = comment
        if thread_ts is not None:
            asked["thread_ts"] = thread_ts
        self._caller.once("files.completeUploadExternal", json=asked)
        self._looked(file_id, lambda held: _shared(held, channel_id), "not_shared")
        return file_id

    def _put(self, content: bytes, name: str) -> str:
        """Return the id of what was uploaded; nobody sees it yet, so a failure here changed nothing."""
        place = self._caller.again(
            "files.getUploadURLExternal", params={"filename": name, "length": len(content)}
        )
        address = check_base_url("Slack's upload address", word(place, "upload_url"))
        hosts: list[Any] = [HTTPSHandler()]
        if is_loopback(urlsplit(address).hostname or ""):
            hosts.append(ProxyHandler({}))
        try:
            with build_opener(*hosts).open(
                Request(address, data=content, method="POST"),  # noqa: S310  https or loopback, checked above
                timeout=self._caller.timeout,
            ) as answer:
                answer.read()
        except HTTPError as refused:
            with refused:
                raise SlackTrouble("passing", f"http_{refused.code}", detail="upload") from None
        except (OSError, ValueError) as error:
            raise SlackTrouble("passing", from_wire(error).code, detail="upload") from None
        return word(place, "file_id")

    def _looked(self, file_id: str, ready: Callable[[Mapping[str, Any]], bool], code: str) -> None:
        for wait in (*_LOOKS, None):
            held = self._caller.again("files.info", params={"file": file_id}).get("file") or {}
            if ready(held):
                return
            if wait is not None:
                self._sleep(wait)
        raise SlackTrouble("uncertain" if code == "not_shared" else "passing", code, detail=file_id)


def _shared(held: Mapping[str, Any], channel_id: str) -> bool:
    shares = held.get("shares") or {}
    listed = {where for kind in ("channels", "groups", "ims") for where in held.get(kind) or ()}
    return channel_id in listed or any(
        channel_id in (shares.get(kind) or {}) for kind in ("public", "private")
    )
