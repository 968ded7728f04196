"""Speaks to Slack: posts once, edits, looks for what was posted, shows views, asks who is who."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.edge.slack_call import Caller, word
from bot.edge.slack_files import Files
from bot.edge.slack_trouble import SlackTrouble

__all__ = ["ChannelInfo", "Identity", "Person", "Posted", "Slack", "SlackTrouble"]

EVENT_TYPE = "budget_alert"
_CHANNEL_ID, _USER_ID = re.compile(r"[CGD][A-Z0-9]{2,}"), re.compile(r"[UW][A-Z0-9]{2,}")
_PAGE, _CHANNELS_PAGE = 200, 1_000
_SLACK_CLOCK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands, as Slack answered: always use this channel id afterwards (a person's is a D…)."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are. `scopes` is None when Slack did not say: then try, and believe only missing_scope."""

    team_id: str
    team: str
    user_id: str
    bot_id: str
    scopes: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A channel that the token can see; `name` has no `#`."""

    id: str
    name: str
    is_member: bool
    is_archived: bool
    is_private: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A member, or a stranger from a shared channel (another `team_id`); `tz` is an IANA name or empty."""

    id: str
    name: str
    team_id: str
    tz: str
    is_bot: bool
    is_restricted: bool
    deleted: bool


class Slack:
    """One workspace through one bot token. Safe to share between threads; every call may raise SlackTrouble."""

    def __init__(
        self, token: str, base_url: str, *, timeout: float = 30, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Make the clients; nothing is sent. Raises SetupWrong unless `base_url` is https or loopback."""
        self._caller = Caller(token, base_url, timeout=timeout)
        self._files = Files(self._caller, sleep)
        self._ids: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Slack({self._caller.base_url})"

    def post(
        self,
        channel: str,
        message: Mapping[str, Any],
        *,
        notice: str,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> Posted:
        """Post `message` (text, blocks, attachments) to a channel id or name, or to a user id as a direct message.

        `notice` travels as metadata, which anyone in the workspace can read: an id only. Sent once: after `uncertain`,
        `find` says whether it arrived.
        """
        marked = {"event_type": EVENT_TYPE, "event_payload": {"notice": notice}}
        return self._posted(channel, message, thread_ts, broadcast=broadcast, metadata=marked)

    def say(self, channel: str, message: Mapping[str, Any], thread_ts: str | None = None) -> Posted:
        """Post `message` without a notice: an answer to somebody who asked. Sent once, and not looked for."""
        return self._posted(channel, message, thread_ts)

    def whisper(
        self, channel: str, user: str, message: Mapping[str, Any], thread_ts: str | None = None
    ) -> None:
        """Show `message` to one person in a channel or a thread of it; gone when they reload."""
        payload = {**_spoken(message), "channel": channel, "user": user}
        if thread_ts is not None:
            payload["thread_ts"] = thread_ts
        self._caller.once("chat.postEphemeral", json=payload)

    def update(self, channel: str, ts: str, message: Mapping[str, Any]) -> None:
        """Replace what a message says; its metadata stays. Safe to repeat. `channel` is the id Slack answered."""
        # An absent list could leave the old blocks standing under the new text.
        said = {"blocks": [], "attachments": []} | _spoken(message)
        self._caller.again("chat.update", json={**said, "channel": channel, "ts": ts})

    def find(self, channel: str, notice: str, since: datetime, thread_ts: str | None = None) -> Posted | None:
        """Return where the notice stands that was sent at `since` or later, or None when it did not arrive.

        Raises SlackTrouble with code missing_scope when the token may not read the channel's history.
        """
        channel_id = self._channel_id(channel)
        asked: dict[str, Any] = {
            "channel": channel_id,
            "oldest": f"{(since - _SLACK_CLOCK).timestamp():.6f}",
            "include_all_metadata": True,
            "limit": _PAGE,
        }
        if thread_ts is not None:
            asked["ts"] = thread_ts
        method = "conversations.history" if thread_ts is None else "conversations.replies"
        for message in self._caller.pages(method, asked, "messages"):
            metadata = message.get("metadata") or {}
            held = metadata.get("event_payload") or {}
            if metadata.get("event_type") == EVENT_TYPE and held.get("notice") == notice:
                return Posted(channel=channel_id, ts=word(message, "ts"))
        return None

    def whoami(self) -> Identity:
        """Return who the token is and what it may do."""
        answer = self._caller.again("auth.test")
        scopes = next(
            (value for key, value in answer.headers.items() if key.lower() == "x-oauth-scopes"), None
        )
        return Identity(
            team_id=word(answer, "team_id"),
            team=answer.get("team", ""),
            user_id=word(answer, "user_id"),
            bot_id=answer.get("bot_id", ""),
            scopes=None if scopes is None else frozenset(filter(None, map(str.strip, scopes.split(",")))),
        )

    def channels(self) -> dict[str, ChannelInfo]:
        """Return every public channel and the private ones the bot is in, by id, archived ones too."""
        asked = {
            "types": "public_channel,private_channel",
            "exclude_archived": False,
            "limit": _CHANNELS_PAGE,
        }
        found = {
            channel.id: channel
            for channel in map(_channel, self._caller.pages("conversations.list", asked, "channels"))
        }
        self._ids = {channel.name: channel.id for channel in found.values() if not channel.is_archived}
        return found

    def user(self, user_id: str) -> Person:
        """Return a person by id."""
        held: Mapping[str, Any] = self._caller.again("users.info", params={"user": user_id}).get("user", {})
        return Person(
            id=word(held, "id"),
            name=held.get("profile", {}).get("display_name") or held.get("real_name") or held.get("name", ""),
            team_id=held.get("team_id", ""),
            tz=held.get("tz") or "",
            is_bot=bool(held.get("is_bot")),
            is_restricted=bool(held.get("is_restricted") or held.get("is_ultra_restricted")),
            deleted=bool(held.get("deleted")),
        )

    def groups(self) -> dict[str, str]:
        """Return the user groups: handle (lower case) → id. Needs the scope usergroups:read."""
        held = self._caller.again("usergroups.list").get("usergroups") or ()
        return {str(each.get("handle", "")).lower(): str(each.get("id", "")) for each in held}

    def members(self, group_id: str) -> frozenset[str]:
        """Return the ids of a user group's members."""
        held = self._caller.again("usergroups.users.list", params={"usergroup": group_id})
        return frozenset(map(str, held.get("users") or ()))

    def channel(self, channel_id: str) -> ChannelInfo:
        """Return what is known of a channel."""
        asked = {"channel": self._channel_id(channel_id)}
        return _channel(self._caller.again("conversations.info", params=asked).get("channel") or {})

    def join(self, channel_id: str) -> None:
        """Enter a public channel. Needs the scope channels:join."""
        self._caller.again("conversations.join", params={"channel": self._channel_id(channel_id)})

    def direct(self, user: str) -> str:
        """Return the id of the channel in which we speak to one person alone."""
        opened = self._caller.again("conversations.open", params={"users": user})
        return word(opened.get("channel") or {}, "id")

    def permalink(self, channel: str, ts: str) -> str:
        """Return the address of a message. `channel` is the id Slack answered."""
        asked = {"channel": channel, "message_ts": ts}
        return word(self._caller.again("chat.getPermalink", params=asked), "permalink")

    # Views

    def open_view(self, trigger: str, view: Mapping[str, Any]) -> str:
        """Open a modal for whoever pulled the trigger, and return its id.

        A trigger is good for three seconds and one view: `expired_trigger_id`, `exchanged_trigger_id`.
        """
        answer = self._caller.once("views.open", json={"trigger_id": trigger, "view": dict(view)})
        return word(answer.get("view") or {}, "id")

    def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Show something else in a modal that is open."""
        self._caller.again("views.update", json={"view_id": view_id, "view": dict(view)})

    def publish(self, user: str, view: Mapping[str, Any], hash: str = "") -> str:  # noqa: A002  Slack's own word
        """Show somebody their Home tab and return its hash.

        With the `hash` of what it replaces, raises SlackTrouble `hash_conflict` when it shows something newer.
        """
        asked: dict[str, Any] = {"user_id": user, "view": dict(view)}
        if hash:
            asked["hash"] = hash
        answer = self._caller.again("views.publish", json=asked)
        return str((answer.get("view") or {}).get("hash") or "")

    def validate(self, held: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> list[str]:
        """Return what Slack itself finds wrong with blocks, a message or a view; nothing where it would take them."""
        key = "blocks" if not isinstance(held, Mapping) else "view" if "type" in held else "message"
        try:
            self._caller.again("blocks.validate", params={key: json.dumps(held)})
        except SlackTrouble as trouble:
            if trouble.kind != "payload":
                raise
            return list(trouble.errors) or [trouble.code]
        return []

    # Files

    def upload(self, content: bytes, name: str, title: str) -> str:
        """Upload a file that stands in no room, and return its id once `slack_file` may show it.

        Needs files:write and files:read. Raises SlackTrouble `not_ready` when Slack takes longer than ten seconds.
        """
        return self._files.upload(content, name, title)

    def send_file(
        self,
        channel: str,
        content: bytes,
        name: str,
        title: str,
        comment: str = "",
        thread_ts: str | None = None,
    ) -> str:
        """Put a file into a channel or before a person, and return its id once it stands there. Sent once.

        Needs files:write and files:read. Raises SlackTrouble `not_shared` when Slack said ok and did not.
        """
        return self._files.send(self._channel_id(channel), content, name, title, comment, thread_ts)

    def _posted(
        self,
        channel: str,
        message: Mapping[str, Any],
        thread_ts: str | None,
        *,
        broadcast: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> Posted:
        payload = {**_spoken(message), "channel": channel, "unfurl_links": False, "unfurl_media": False}
        if metadata is not None:
            payload["metadata"] = metadata
        if thread_ts is not None:
            payload |= {"thread_ts": thread_ts, "reply_broadcast": broadcast}
        answer = self._caller.once("chat.postMessage", json=payload)
        return Posted(channel=word(answer, "channel"), ts=word(answer, "ts"))

    def _channel_id(self, channel: str) -> str:
        """Return the id that history needs: of a name from the channels, of a person from the direct message."""
        if _CHANNEL_ID.fullmatch(channel):
            return channel
        if _USER_ID.fullmatch(channel):
            return self.direct(channel)
        name = channel.removeprefix("#")
        if name not in self._ids:
            self.channels()
        if name not in self._ids:
            raise SlackTrouble("permanent", "channel_not_found")
        return self._ids[name]


def _spoken(message: Mapping[str, Any]) -> dict[str, Any]:
    return {key: message[key] for key in ("text", "blocks", "attachments") if key in message}


def _channel(held: Mapping[str, Any]) -> ChannelInfo:
    return ChannelInfo(
        id=word(held, "id"),
        name=held.get("name", ""),
        is_member=bool(held.get("is_member")),
        is_archived=bool(held.get("is_archived")),
        is_private=bool(held.get("is_private")),
    )
