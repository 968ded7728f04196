"""Events → messages and thread lines: what opens in a room is gathered, the rest joins its message."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from bot.core.incident import Event, Incident
from bot.core.rooms import Message, Opening, Room, Target, plan, reached, rooms_of
from bot.core.rules.book import Rulebook
from bot.core.spend import Group, Names
from bot.core.telling import Telling
from bot.edge.store import cards, outbox
from bot.overlays import Overlays
from bot.render.alert_lines import line
from bot.render.alert_words import Told, mention
from bot.voice import Voice

log = logging.getLogger("budgetbot.say")


def say(
    tx: Connection,
    book: Rulebook,
    events: Sequence[Event],
    ids: Mapping[str, int],
    states: Mapping[str, Incident],
    firing: Sequence[Incident],
    tellings: Mapping[str, Telling],
    names: Names,
    first: set[str],
    now: datetime,
    voice: Voice,
) -> None:
    """Turn events into messages and thread lines: what opens in a room is gathered, the rest joins its message."""
    known = {**{i.fingerprint: i for i in firing}, **states}
    _follow_routes(tx, book, known, names, voice)
    over = Overlays.read(tx, book, names, now)
    members = cards.cards_of(tx, [*{event.fingerprint for event in events}, *(i.fingerprint for i in firing)])
    known_cards = cards.cards(tx, set(members.values()))
    messages: dict[str, list[tuple[Target, int]]] = {}
    for (fingerprint, target), card_id in members.items():
        messages.setdefault(fingerprint, []).append((target, card_id))
    openings: dict[tuple[str, Target], Opening] = {}
    for event in events:
        incident = states[event.fingerprint]
        rooms = rooms_at(book, event.rule_id, event.group, names, voice)
        for room in rooms:
            key = (event.fingerprint, room.target)
            if key not in members and event.opens_a_room and room.hears(event.severity):
                since = event.rule_id if event.rule_id in first else ""
                openings[key] = opening(incident, event.key, room, event.severity, first_of=since)
        hearing = reached(book, rooms)
        looked_after = over.acknowledged(incident)
        for target, card_id in messages.get(event.fingerprint, ()):
            card = known_cards[card_id]
            if not card.posted:
                quiet = target in hearing and hearing[target].quiet_until(now)
                if incident.state == "ok" and not card.held:
                    outbox.withdraw(tx, card_id, event.fingerprint)
                elif event.severity == "critical" and not (card.held or quiet):
                    # What is silenced, or waits for the morning, is let go one by one: see overlays.
                    outbox.hurry(tx, card_id, now)
                continue
            mentions = next((room.mention for room in rooms if room.target == target), ())
            loud = not event.quiet and not looked_after
            text = line(event, Told(incident, tellings[event.fingerprint]), named=card.members > 1 or loud)
            if loud and event.severity == "critical" and mentions:
                text = f"{text} {' '.join(mention(who) for who in mentions)}"
            key_ = f"{event.key}:{target}:reply"
            hold = over.hold(incident, hearing.get(target), event.severity)
            if hold:
                log.info(
                    "held back", extra={"rule": event.rule_id, "incident": event.fingerprint, "why": hold.why}
                )
            outbox.reply(tx, key_, ids[event.key], card_id, text, broadcast=loud, hold=hold)
    told = {fingerprint for fingerprint, _ in (*members, *openings)}
    for incident in firing:
        # Nobody heard of it yet: its rule had no route, or its severity was below every floor.
        if incident.fingerprint in told:
            continue
        for room in rooms_at(book, incident.rule_id, incident.group, names, voice):
            if room.hears(incident.severity):
                # The instant is part of the key: one that was withdrawn unsaid may be said at another.
                key_ = f"{incident.fingerprint}:heard:{now.isoformat()}"
                openings[incident.fingerprint, room.target] = opening(
                    incident, key_, room, incident.severity, first_of=incident.rule_id
                )
    speaking: list[Opening] = []
    for (fingerprint, target), each in openings.items():
        silence = over.silence_of(known[fingerprint])
        if silence is None:
            speaking.append(each)
        else:
            hold = over.hold_of(silence)
            log.info(
                "held back",
                extra={"rule": known[fingerprint].rule_id, "incident": fingerprint, "why": hold.why},
            )
            outbox.open_message(tx, Message(target, (each,), now), ids, now, hold=hold)
    open_all(tx, speaking, ids, now)


def opening(
    incident: Incident, event: str, room: Room, severity: str, *, first_of: str = "", urgent: bool = False
) -> Opening:
    """Return the first that is said of an incident in a room."""
    over = incident.value - incident.amount
    return Opening(
        incident.fingerprint, event, room, severity, over, first_of, value=incident.value, urgent=urgent
    )


def open_all(
    tx: Connection, openings: Sequence[Opening], ids: Mapping[str, int], now: datetime
) -> dict[Target, int]:
    """Write the messages that openings become; return those that are due at once, by room."""
    planned = plan(openings, cards.rooms(tx), cards.waiting(tx), now)
    written: dict[Target, int] = {}
    for message in planned.messages:
        card_id = outbox.open_message(tx, message, ids, now)
        if message.due_at <= now:
            written[message.target] = card_id
    for target, until in planned.gathers.items():
        outbox.gather(tx, target, until)
    return written


def say_in_threads(
    tx: Connection, fingerprint: str, what: str, text: str, *, broadcast: bool = False
) -> None:
    """Write a line into the thread of each message an incident stands in, once for `what`; edit the messages."""
    members = cards.cards_of(tx, [fingerprint])
    known_cards = cards.cards(tx, set(members.values()))
    for (_, target), card_id in members.items():
        if known_cards[card_id].posted:
            key = f"{fingerprint}:{what}:{target}:reply"
            outbox.reply(tx, key, None, card_id, text, broadcast=broadcast)
    outbox.touch(tx, [fingerprint])


def rooms_of_incident(book: Rulebook, incident: Incident, names: Names, voice: Voice) -> dict[Target, Room]:
    """Return the rooms that hear of an incident, those that hear next among them."""
    return reached(book, rooms_at(book, incident.rule_id, incident.group, names, voice))


def _follow_routes(
    tx: Connection, book: Rulebook, known: Mapping[str, Incident], names: Names, voice: Voice
) -> None:
    """Let messages that could not be posted go where their rule speaks now: its route may have been mended."""
    for card_id, (target, fingerprint) in cards.unposted(tx).items():
        incident = known.get(fingerprint)
        if incident is None:
            continue
        rooms = [room.target for room in rooms_at(book, incident.rule_id, incident.group, names, voice)]
        taken = {at for _, at in cards.cards_of(tx, [fingerprint])}
        free = [room for room in rooms if room not in taken]
        if target not in rooms and free:
            outbox.move(tx, card_id, free[0])


def rooms_at(book: Rulebook, rule_id: str, group: Group, names: Names, voice: Voice) -> tuple[Room, ...]:
    """Return where a rule speaks of a group; nowhere when there is no such rule any more."""
    rule = book.rule(rule_id)
    return rooms_of(book, rule, group, names, voice.fallback) if rule is not None else ()
