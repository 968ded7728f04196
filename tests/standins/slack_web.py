"""The Web API's methods over a workspace in memory: channels, members, messages, threads, history."""

import itertools
import json
import secrets
import time
from dataclasses import dataclass, field

from tests.standins.slack_rooms import RoomMethods
from tests.standins.slack_rules import Refused, check_message
from tests.standins.slack_uploads import FileMethods
from tests.standins.slack_views import ViewMethods, check_view

TEAM = {"team_id": "T1TEAM", "team": "Example"}
BOT = {"user_id": "U1BOT", "bot_id": "B1BOT"}


@dataclass
class Channel:
    id: str
    name: str
    is_member: bool = True
    is_archived: bool = False
    is_private: bool = False
    user: str = ""

    @property
    def kind(self):
        return "im" if self.user else "groups" if self.is_private else "channels"


@dataclass
class Message:
    channel: str
    ts: str
    text: str
    blocks: list
    attachments: list
    metadata: dict | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    edited: bool = False
    deleted: bool = False
    updates: int = 0
    files: list = field(default_factory=list)
    author: str = ""
    """Who wrote it, when it was not the bot."""

    def shown(self, *, with_metadata: bool) -> dict:
        held = {
            "type": "message",
            "ts": self.ts,
            "text": self.text,
            "blocks": self.blocks,
            "attachments": self.attachments,
        }
        held |= {"user": self.author} if self.author else {"user": BOT["user_id"], "bot_id": BOT["bot_id"]}
        if self.files:
            held["files"] = [{"id": each} for each in self.files]
        if self.thread_ts:
            held["thread_ts"] = self.thread_ts
        if self.broadcast:
            held["subtype"] = "thread_broadcast"
        if with_metadata and self.metadata:
            held["metadata"] = self.metadata
        return held


@dataclass
class Whisper:
    """What one person alone saw, until they reloaded."""

    channel: str
    user: str
    text: str
    blocks: list
    attachments: list
    thread_ts: str | None = None


class WebApi(RoomMethods, ViewMethods, FileMethods):
    """Slack's side of each method; called under the stand-in's lock."""

    def __init__(self, slack) -> None:
        ViewMethods.__init__(self)
        FileMethods.__init__(self)
        self.slack = slack
        self.channels = {}
        self.users = {}
        self.groups: dict[str, tuple[str, list[str]]] = {}
        """User groups: id → (handle, members)."""
        self.messages: list[Message] = []
        self.whispers: list[Whisper] = []
        self.tickets: set[str] = set()
        self.page = 1_000
        self._clock = itertools.count(1)
        self._dms = itertools.count(1)
        for channel in (
            Channel("C1OPS", "ops"),
            Channel("C2RESEARCH", "research"),
            Channel("C3ELSEWHERE", "elsewhere", is_member=False),
            Channel("C4OLD", "old", is_archived=True),
            Channel("G5SECRET", "secret", is_private=True),
            Channel("G6HIDDEN", "hidden", is_private=True, is_member=False),
        ):
            self.channels[channel.id] = channel
        for user_id, more in {
            "U1ALICE": {"tz": "Europe/Berlin"},
            "U2BOB": {"tz": "America/New_York"},
            "U3GUEST": {"is_restricted": True},
            "U4LEFT": {"deleted": True},
            "U5STRANGER": {"team_id": "T2OTHER"},
        }.items():
            name = user_id[2:].lower()
            self.users[user_id] = {
                "id": user_id,
                "name": name,
                "team_id": "T1TEAM",
                "profile": {"display_name": name},
            } | more

    def carry_out(self, method: str, args: dict, token: str) -> dict:
        if method == "blocks.validate":  # the one method that asks nobody who they are
            return self._blocks_validate(args)
        wanted = self.slack.app_token if method == "apps.connections.open" else self.slack.bot_token
        if not token:
            raise Refused("not_authed")
        if token != wanted:
            raise Refused("invalid_auth")
        known = getattr(self, "_" + method.replace(".", "_"), None)
        if known is None:
            raise Refused("unknown_method")
        return known(args)

    # Methods

    def _auth_test(self, args):
        return {"url": "https://example.slack.com/", "user": "budgetbot", **TEAM, **BOT}

    def _apps_connections_open(self, args):
        ticket = secrets.token_hex(8)
        self.tickets.add(ticket)
        return {"url": f"{self.slack.people.socket_url}?ticket={ticket}&app_id=A1"}

    def _chat_postMessage(self, args):  # noqa: N802  Slack's own word
        self._need("chat:write")
        channel = self._addressed(args.get("channel", ""))
        check_message(args, self.ready_files())
        metadata = _object(args.get("metadata"))
        if metadata is not None:
            if not isinstance(metadata.get("event_type"), str) or not isinstance(
                metadata.get("event_payload"), dict
            ):
                raise Refused("invalid_metadata_format")
            if len(json.dumps(metadata)) > 16_000:
                raise Refused("metadata_too_large")
        thread_ts = args.get("thread_ts")
        if thread_ts and not self._find(channel.id, thread_ts):
            raise Refused("thread_not_found")
        message = self.add(channel.id, str(args.get("text") or "")[:40_000], thread_ts=thread_ts)
        message.blocks = _object(args.get("blocks")) or []
        message.attachments = _object(args.get("attachments")) or []
        message.metadata = metadata
        message.broadcast = bool(thread_ts) and _true(args.get("reply_broadcast"))
        return {"channel": channel.id, "ts": message.ts, "message": message.shown(with_metadata=False)}

    def _chat_update(self, args):
        self._need("chat:write")
        channel = self.channels.get(args.get("channel", ""))
        if channel is None:
            raise Refused("channel_not_found")
        message = self._find(channel.id, args.get("ts", ""))
        if message is None:
            raise Refused("message_not_found")
        text = args.get("text")
        if text is not None and len(text) > 4_000:
            raise Refused("msg_too_long")
        check_message(args, self.ready_files())
        blocks, attachments = _object(args.get("blocks")), _object(args.get("attachments"))
        if text is not None:
            message.text = text
            message.edited = not blocks
            message.blocks = blocks or []  # text without blocks removes them
        elif blocks is not None:
            message.blocks = blocks
        if attachments is not None:
            message.attachments = attachments
        if "metadata" in args:
            message.metadata = _object(args["metadata"]) or None
        message.updates += 1
        return {"channel": channel.id, "ts": message.ts, "text": message.text}

    def _chat_delete(self, args):
        self._need("chat:write")
        message = self._find(args.get("channel", ""), args.get("ts", ""))
        if message is None:
            raise Refused("message_not_found")
        message.deleted = True
        return {"channel": message.channel, "ts": message.ts}

    def _chat_postEphemeral(self, args):  # noqa: N802  Slack's own word
        self._need("chat:write")
        channel = self._addressed(args.get("channel", ""))
        check_message(args, self.ready_files())
        if args.get("user") not in self.users:
            raise Refused("user_not_in_channel")
        thread_ts = args.get("thread_ts") or None
        if thread_ts and not self._find(channel.id, thread_ts):
            raise Refused("thread_not_found")
        shown = (_object(args.get(key)) or [] for key in ("blocks", "attachments"))
        self.whispers.append(
            Whisper(channel.id, args["user"], str(args.get("text") or ""), *shown, thread_ts=thread_ts)
        )
        return {"message_ts": self._now(), "channel": channel.id}

    def _blocks_validate(self, args):
        blocks, message, view = (_object(args.get(key)) for key in ("blocks", "message", "view"))
        try:
            if view is not None:
                check_view(view, self.ready_files())
            else:
                said = (
                    {"text": "words", "blocks": blocks}
                    if blocks is not None
                    else {"text": "words", **message}
                )
                check_message(said, self.ready_files())
        except Refused as refusal:
            kind = "view" if view is not None else "message" if message is not None else "blocks"
            told = [said.rstrip("]").split(" [json-pointer:") for said in refusal.errors or [refusal.code]]
            errors = [
                {"pointer": (place or [""])[0], "code": "failed_constraint", "message": said}
                for said, *place in told
            ]
            raise Refused(f"invalid_{kind}", errors) from None
        return {}

    def _chat_getPermalink(self, args):  # noqa: N802  Slack's own word
        message = self._find(args.get("channel", ""), args.get("message_ts", ""))
        if message is None:
            raise Refused("message_not_found")
        link = f"https://example.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
        return {"channel": message.channel, "permalink": link}

    # What they share

    def add(self, channel: str, text: str, *, thread_ts: str | None = None, author: str = "") -> Message:
        """Let a message stand in a channel."""
        message = Message(channel, self._now(), text, [], [], thread_ts=thread_ts, author=author)
        self.messages.append(message)
        return message

    def _need(self, scope: str) -> None:
        if self.slack.scopes is not None and scope not in self.slack.scopes.split(","):
            raise Refused("missing_scope", extra={"needed": scope, "provided": self.slack.scopes})

    def _now(self) -> str:
        return f"{int(time.time())}.{next(self._clock):06d}"

    def _addressed(self, address: str) -> Channel:
        """Return where chat.postMessage would write: an id, a name with or without #, or a person."""
        if address in self.users:
            return self._direct(address)
        channel = self.channels.get(address) or next(
            (
                held
                for held in self.channels.values()
                if held.name == address.removeprefix("#") and not held.user
            ),
            None,
        )
        if channel is None or (channel.is_private and not channel.is_member):
            raise Refused("channel_not_found")
        if channel.is_archived:
            raise Refused("is_archived")
        if not channel.is_member:
            raise Refused("not_in_channel")
        return channel

    def _direct(self, user: str) -> Channel:
        if user not in self.users:
            raise Refused("user_not_found")
        for channel in self.channels.values():
            if channel.user == user:
                return channel
        channel = Channel(f"D{next(self._dms)}DM", "", user=user)
        self.channels[channel.id] = channel
        return channel

    def _in(self, channel: str) -> list[Message]:
        return [held for held in self.messages if held.channel == channel and not held.deleted]

    def _find(self, channel: str, ts: str) -> Message | None:
        return next((held for held in self._in(channel) if held.ts == ts), None)


def _object(held):
    return json.loads(held) if isinstance(held, str) and held else held


def _true(held) -> bool:
    return held in (True, "1", "true", "True")
