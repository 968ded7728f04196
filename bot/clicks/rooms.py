"""What happens to the rooms we speak in: a door opens, one shuts, a name changes, the app itself is put out."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bot.core.audience import audience, called, is_id
from bot.core.rooms import Target, ops_room
from bot.edge.slack import ChannelInfo, SlackTrouble
from bot.edge.store import delivery, doors, outbox, records

if TYPE_CHECKING:
    from bot.desk import Desk

log = logging.getLogger("budgetbot.rooms")

MEND = {
    "tokens_revoked": "Slack revoked the app's token: nobody hears me. Install the app again and set SLACK_BOT_TOKEN.",
    "app_uninstalled": "The app was taken out of the workspace: nobody hears me. Install it again and set both tokens.",
}


def heard(desk: "Desk", payload: Mapping[str, Any]) -> None:
    """Take what Slack says of a room, or of the app."""
    event = payload["event"]
    kind = str(event["type"])
    if kind in MEND:
        # Nothing ends: what is to be said waits, and Slack is asked again now and then.
        log.error(MEND[kind], extra={"happened": kind})
    elif kind == "member_joined_channel":
        if str(event.get("user")) in _ourselves(desk, payload):
            _entered(desk, str(event["channel"]))
    elif kind in ("channel_archive", "group_archive"):
        _archived(desk, str(event["channel"]), str(payload.get("event_id") or ""))
    elif kind in ("channel_rename", "group_rename"):
        channel = event["channel"]
        _renamed(desk, str(channel["id"]), str(channel["name"]), str(payload.get("event_id") or ""))


def _ourselves(desk: "Desk", payload: Mapping[str, Any]) -> Collection[str]:
    told = [str(each.get("user_id")) for each in payload.get("authorizations") or () if each.get("is_bot")]
    return told or (desk.slack.whoami().user_id,)


def _entered(desk: "Desk", channel: str) -> None:
    """Say what waits for a room that lets us in; where nothing does, not a word."""
    known = _looked_up(desk, channel)
    with desk.store.writing() as tx:
        names = doors.addresses(tx, channel) | _names(channel, known.name if known else "")
        waiting = doors.opened(tx, names, desk.clock())
    log.info("let in", extra={"channel": channel, "waiting": waiting})


def _archived(desk: "Desk", channel: str, event_id: str) -> None:
    known = _looked_up(desk, channel)
    with desk.store.writing() as tx:
        spoken = _Spoken.read(desk, tx)
        for target in spoken.among(
            doors.addresses(tx, channel) | _names(channel, known.name if known else "")
        ):
            spoken.shut(
                target,
                f"archived:{channel}:{event_id}",
                f"{called(target.address)} was archived, and rules speak there.",
                "Unarchive it, or write another channel in the rule file.",
            )


def _renamed(desk: "Desk", channel: str, name: str, event_id: str) -> None:
    """Tell whose rules name a channel by what it was called before; where they name the new one, say what waits."""
    with desk.store.writing() as tx:
        spoken = _Spoken.read(desk, tx)
        if spoken.among({name, f"#{name}"}):
            doors.opened(tx, {name, f"#{name}"}, desk.clock())
        former = doors.addresses(tx, channel) - _names(channel, name)
        for target in spoken.among(former):
            if not is_id(target.address):
                spoken.shut(
                    target,
                    f"renamed:{channel}:{event_id}",
                    f"{called(target.address)} is called #{name} now, and rules speak in it by its old name.",
                    f"Write {name} in the rule file, or {channel}, which no renaming changes.",
                )


@dataclass(frozen=True, slots=True)
class _Spoken:
    """The places that rules speak in, and where trouble with one of them is told."""

    tx: Connection
    targets: tuple[Target, ...]
    ops: tuple[Target, ...]
    now: datetime

    @classmethod
    def read(cls, desk: "Desk", tx: Connection) -> "_Spoken":
        now = desk.clock()
        rules = desk.rules(now)
        fallback = rules.voice.fallback
        room = ops_room(rules.book, fallback)
        ops = [Target("slack", fallback)] if fallback else []
        ops += [room.target] if room else []
        targets = audience(rules.book, records.names(tx), fallback)
        return cls(tx, tuple(targets), tuple(ops), now)

    def among(self, addresses: Collection[str]) -> list[Target]:
        """Return the targets that these addresses are."""
        return [target for target in self.targets if target.address in addresses]

    def shut(self, target: Target, key: str, happened: str, remedy: str) -> None:
        """Remember that a room takes nothing any more, and say it once where somebody hears it."""
        if not delivery.trouble(self.tx, target, happened):
            return  # whoever tried to speak there has told already
        room = next(
            (each for each in self.ops if each.address.lstrip("#") != target.address.lstrip("#")), None
        )
        log.error("room lost", extra={"target": str(target), "why": happened, "remedy": remedy})
        if room is not None:
            # The first of them is where the courier takes what a room refuses.
            moved = " What is to be said there comes here." if room == self.ops[0] else ""
            body: dict[str, Any] = {"happened": f"{happened}{moved}", "remedy": remedy}
            outbox.say(self.tx, f"{key}:{target}", room, "ops", body, self.now)


def _looked_up(desk: "Desk", channel: str) -> ChannelInfo | None:
    """Return what Slack tells of a channel; None where it tells nothing, as of a private one that is gone."""
    try:
        return desk.slack.channel(channel)
    except SlackTrouble as trouble:
        log.info("not looked up", extra={"channel": channel, "why": str(trouble)})
        return None


def _names(channel: str, name: str) -> frozenset[str]:
    return frozenset({channel, name, f"#{name}"} if name else {channel})
