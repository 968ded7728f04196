"""What nobody acknowledged: said again once a day, and in another room when it stands for too long."""

from collections.abc import Mapping
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from bot import hooking
from bot.core.incident import Incident
from bot.core.rooms import Room, Target, hook_of, room_of
from bot.core.rules.book import Rulebook
from bot.edge.store import cards, held, outbox, records
from bot.overlays import Overlays
from bot.render.alert_words import in_words
from bot.saying import open_all, opening, rooms_of_incident
from bot.voice import Voice

SINCE = "critical_since"
"""Where a message notes since when nobody looks after an incident that turned critical."""

Standing = dict[tuple[str, Target], tuple[int, Room, bool]]
"""(incident, room) → its message there, what the room's route says, and whether it is posted already."""


def remind(tx: Connection, over: Overlays, current: Mapping[str, Incident], voice: Voice) -> None:
    """Write one message for each room at its hour that lists the critical incidents nobody acknowledged.

    Once a day, late where the bot slept through the hour, and not for days that are past.
    """
    hours = [clock for clock in _hours(over.book) if _is_due(tx, over, clock)]
    if not hours:
        return
    heard_now = cards.events_at(tx, over.now)
    listed: dict[tuple[time, Target], list[Incident]] = {}
    for (fingerprint, target), (_, room, posted) in _unattended(tx, over, current, voice).items():
        if room.remind in hours and fingerprint not in heard_now and posted:
            listed.setdefault((room.remind, target), []).append(current[fingerprint])
    for (clock, target), incidents in listed.items():
        worst = sorted(incidents, key=lambda each: (each.amount - each.value, each.fingerprint))
        body: dict[str, object] = {"fingerprints": [each.fingerprint for each in worst]}
        day = _local(over).date().isoformat()
        outbox.say(tx, f"remind:{day}:{clock:%H:%M}:{target}", target, "remind", body, over.now)
    for clock in hours:
        records.mark(tx, _marker(clock), _local(over).date().isoformat())


def escalate(tx: Connection, over: Overlays, current: Mapping[str, Incident], voice: Voice) -> None:
    """Say in the next room what has been critical for too long without anybody acknowledging it, once."""
    if not any(route.escalate for route in over.book.routes.values()):
        return
    standing = _unattended(tx, over, current, voice)
    members = cards.cards_of(tx, list(current))
    noted = held.notes(tx, set(members.values()), SINCE)
    for (fingerprint, target), card_id in members.items():
        if fingerprint in noted.get(card_id, {}) and (fingerprint, target) not in standing:
            outbox.note(tx, card_id, SINCE, {fingerprint: None})
    for (fingerprint, _), (card_id, room, _) in standing.items():
        there = room_of(over.book, room.escalate.to) if room.escalate else None
        hook = hook_of(over.book, room.escalate.to) if room.escalate else None
        if room.escalate is None or (there is None and hook is None):
            continue
        since = noted.get(card_id, {}).get(fingerprint, "")
        if not since:
            outbox.note(tx, card_id, SINCE, {fingerprint: over.now.isoformat()})
        elif over.now - datetime.fromisoformat(since) >= room.escalate.after:
            if hook is not None:
                told = f"nobody has acknowledged it for {in_words(room.escalate.after)}"
                hooking.escalate(tx, over, current[fingerprint], hook, told)
            if there is not None:
                _say_there(tx, over, current[fingerprint], room, there)


def _say_there(tx: Connection, over: Overlays, incident: Incident, room: Room, there: Room) -> None:
    assert room.escalate is not None
    key = f"{incident.fingerprint}:escalated:{there.target}"
    known = cards.cards_of(tx, [incident.fingerprint])
    told = f"nobody has acknowledged it for {in_words(room.escalate.after)}"
    card_id = known.get((incident.fingerprint, there.target))
    if card_id is None:
        urgent = opening(incident, key, there, incident.severity, urgent=True)
        card_id = open_all(tx, [urgent], {}, over.now)[there.target]
        outbox.note(tx, card_id, "escalated", {incident.fingerprint: told})
    elif not held.notes(tx, [card_id], "escalated").get(card_id, {}).get(incident.fingerprint):
        # It stands there already: for whoever hears that room, the news is that nobody looks after it.
        outbox.note(tx, card_id, "escalated", {incident.fingerprint: told})
        outbox.reply(
            tx, key, None, card_id, f":arrow_double_up: {told[0].upper()}{told[1:]}.", broadcast=True
        )


def _unattended(tx: Connection, over: Overlays, current: Mapping[str, Incident], voice: Voice) -> Standing:
    """Return the critical incidents that are said in a room, are not silenced, and nobody looks after."""
    critical = [
        incident
        for incident in current.values()
        if incident.state == "firing"
        and incident.severity == "critical"
        and over.acknowledged(incident) is None
        and over.silence_of(incident) is None
    ]
    members = cards.cards_of(tx, [incident.fingerprint for incident in critical])
    known_cards = cards.cards(tx, set(members.values()))
    rooms = {
        incident.fingerprint: rooms_of_incident(over.book, incident, over.names, voice)
        for incident in critical
    }
    return {
        (fingerprint, target): (
            card_id,
            rooms[fingerprint].get(target) or Room(target, ""),
            known_cards[card_id].posted,
        )
        for (fingerprint, target), card_id in members.items()
        if known_cards[card_id].posted
        or (not known_cards[card_id].held and known_cards[card_id].due_at <= over.now)
    }


def _hours(book: Rulebook) -> set[time]:
    """Return the hours at which any room is reminded: those of the routes, and that of rooms without one."""
    said = {route.remind for route in book.routes.values()} | {Room(Target("slack", ""), "").remind}
    return {clock for clock in said if clock is not None}


def _is_due(tx: Connection, over: Overlays, clock: time) -> bool:
    local = _local(over)
    at = datetime.combine(local.date(), clock, local.tzinfo)
    return over.now >= at and records.marker(tx, _marker(clock)) != local.date().isoformat()


def _local(over: Overlays) -> datetime:
    return over.now.astimezone(ZoneInfo(over.book.timezone))


def _marker(clock: time) -> str:
    return f"reminded:{clock:%H:%M}"
