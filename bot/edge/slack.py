"""Speaks to Slack: posts once, edits, looks for what was posted, asks who is who."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.edge.addresses import check_base_url, is_loopback
from bot.edge.slack_trouble import SlackTrouble, from_answer, from_wire

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.web import SlackResponse

__all__ = ["ChannelInfo", "Identity", "Person", "Posted", "Slack", "SlackTrouble"]

EVENT_TYPE = "budget_alert"
_CHANNEL_ID, _USER_ID = re.compile(r"[CGD][A-Z0-9]{2,}"), re.compile(r"[UW][A-Z0-9]{2,}")
_PAGE, _CHANNELS_PAGE, _PAGES = 200, 1_000, 200
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

    def __init__(self, token: str, base_url: str, *, timeout: float = 30) -> None:
        """Make the clients; nothing is sent. Raises SetupWrong unless `base_url` is https or loopback."""
        # Imported here because commands that never speak should not wait for it.
        from slack_sdk import WebClient  # noqa: PLC0415
        from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler  # noqa: PLC0415
        from slack_sdk.http_retry.builtin_interval_calculators import (  # noqa: PLC0415
            FixedValueRetryIntervalCalculator,
        )

        address = check_base_url("SLACK_API_URL", base_url).rstrip("/") + "/"

        def client(*handlers: ConnectionErrorRetryHandler) -> "WebClient":
            made = WebClient(token.strip(), base_url=address, retry_handlers=[*handlers])
            made.timeout = timeout  # type: ignore[assignment]  # declared whole, handed to urllib as it is
            if is_loopback(urlsplit(address).hostname or ""):
                made.proxy = None  # slack_sdk takes a proxy from the environment, whatever no_proxy says
            return made

        # Slack has no idempotency key: a post whose answer is lost must not be repeated by the library.
        self._once = client()
        self._again = client(
            ConnectionErrorRetryHandler(interval_calculator=FixedValueRetryIntervalCalculator(0.2))
        )
        self._ids: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Slack({self._once.base_url})"

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
        payload: dict[str, Any] = {
            **_spoken(message),
            "channel": channel,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"notice": notice}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if thread_ts is not None:
            payload |= {"thread_ts": thread_ts, "reply_broadcast": broadcast}
        answer = _call(self._once, "chat.postMessage", json=payload)
        return Posted(channel=_word(answer, "channel"), ts=_word(answer, "ts"))

    def update(self, channel: str, ts: str, message: Mapping[str, Any]) -> None:
        """Replace what a message says; its metadata stays. Safe to repeat. `channel` is the id Slack answered."""
        # An absent list could leave the old blocks standing under the new text.
        said = {"blocks": [], "attachments": []} | _spoken(message)
        _call(self._again, "chat.update", json={**said, "channel": channel, "ts": ts})

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
        for message in self._pages(method, asked, "messages"):
            metadata = message.get("metadata") or {}
            held = metadata.get("event_payload") or {}
            if metadata.get("event_type") == EVENT_TYPE and held.get("notice") == notice:
                return Posted(channel=channel_id, ts=_word(message, "ts"))
        return None

    def whoami(self) -> Identity:
        """Return who the token is and what it may do."""
        answer = _call(self._again, "auth.test")
        scopes = next(
            (value for key, value in answer.headers.items() if key.lower() == "x-oauth-scopes"), None
        )
        return Identity(
            team_id=_word(answer, "team_id"),
            team=answer.get("team", ""),
            user_id=_word(answer, "user_id"),
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
            held["id"]: ChannelInfo(
                id=held["id"],
                name=held.get("name", ""),
                is_member=bool(held.get("is_member")),
                is_archived=bool(held.get("is_archived")),
                is_private=bool(held.get("is_private")),
            )
            for held in self._pages("conversations.list", asked, "channels")
        }
        self._ids = {channel.name: channel.id for channel in found.values() if not channel.is_archived}
        return found

    def user(self, user_id: str) -> Person:
        """Return a person by id."""
        held: Mapping[str, Any] = _call(self._again, "users.info", params={"user": user_id}).get("user", {})
        return Person(
            id=_word(held, "id"),
            name=held.get("profile", {}).get("display_name") or held.get("real_name") or held.get("name", ""),
            team_id=held.get("team_id", ""),
            tz=held.get("tz") or "",
            is_bot=bool(held.get("is_bot")),
            is_restricted=bool(held.get("is_restricted") or held.get("is_ultra_restricted")),
            deleted=bool(held.get("deleted")),
        )

    def groups(self) -> dict[str, str]:
        """Return the user groups: handle (lower case) → id. Needs the scope usergroups:read."""
        held = _call(self._again, "usergroups.list").get("usergroups") or ()
        return {str(each.get("handle", "")).lower(): str(each.get("id", "")) for each in held}

    def members(self, group_id: str) -> frozenset[str]:
        """Return the ids of a user group's members."""
        held = _call(self._again, "usergroups.users.list", params={"usergroup": group_id})
        return frozenset(map(str, held.get("users") or ()))

    def _channel_id(self, channel: str) -> str:
        """Return the id that history needs: of a name from the channels, of a person from the direct message."""
        if _CHANNEL_ID.fullmatch(channel):
            return channel
        if _USER_ID.fullmatch(channel):
            opened = _call(self._again, "conversations.open", params={"users": channel})
            return _word(opened.get("channel", {}), "id")
        name = channel.removeprefix("#")
        if name not in self._ids:
            self.channels()
        if name not in self._ids:
            raise SlackTrouble("permanent", "channel_not_found")
        return self._ids[name]

    def _pages(self, method: str, asked: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
        cursor, seen = "", set[str]()
        for _ in range(_PAGES):
            answer = _call(self._again, method, params={**asked, "cursor": cursor} if cursor else asked)
            yield from answer.get(key) or ()
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
            if cursor in seen:
                break
            seen.add(cursor)
        raise SlackTrouble("passing", "endless_pages", detail=method)


def _spoken(message: Mapping[str, Any]) -> dict[str, Any]:
    return {key: message[key] for key in ("text", "blocks", "attachments") if key in message}


def _call(client: "WebClient", method: str, **asked: Any) -> "SlackResponse":
    from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415  as above

    try:
        return client.api_call(method, **asked)
    except SlackApiError as error:
        raise from_answer(error) from None
    except (OSError, HTTPException, ValueError, SlackClientError) as error:
        # `from None`: the cause may quote a header with the token in it.
        raise from_wire(error) from None


def _word(answer: "Mapping[str, Any] | SlackResponse", key: str) -> str:
    """Return what an ok answer must hold. Without it, what happened is not certain."""
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise SlackTrouble("uncertain", "unreadable_answer", detail=f"no {key}")
    return value
