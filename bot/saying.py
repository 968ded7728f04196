"""Events → messages and thread lines: what opens in a room is gathered, the rest joins its message."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from bot.core.incident import Event, Incident
from bot.core.rooms import Opening, Room, Target, plan, rooms_of
from bot.core.rules.book import Rulebook
from bot.core.spend import Group, Names
from bot.core.telling import Telling
from bot.edge.store import outbox
from bot.render.alert_lines import line
from bot.render.alert_words import Told, mention
from bot.voice import Voice


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
    _follow_routes(tx, book, {**{i.fingerprint: i for i in firing}, **states}, names, voice)
    members = outbox.cards_of(
        tx, [*{event.fingerprint for event in events}, *(i.fingerprint for i in firing)]
    )
    cards = outbox.cards(tx, set(members.values()))
    messages: dict[str, list[tuple[Target, int]]] = {}
    for (fingerprint, target), card_id in members.items():
        messages.setdefault(fingerprint, []).append((target, card_id))
    openings: dict[tuple[str, Target], Opening] = {}
    for event in events:
        incident = states[event.fingerprint]
        rooms = _rooms(book, event.rule_id, event.group, names, voice)
        for room in rooms:
            key = (event.fingerprint, room.target)
            if key not in members and _opens(event) and room.hears(event.severity):
                over = incident.value - incident.amount
                since = event.rule_id if event.rule_id in first else ""
                openings[key] = Opening(event.fingerprint, event.key, room, event.severity, over, since)
        for target, card_id in messages.get(event.fingerprint, ()):
            card = cards[card_id]
            if not card.posted:
                if incident.state == "ok":
                    outbox.withdraw(tx, card_id, event.fingerprint)
                elif event.severity == "critical":
                    outbox.hurry(tx, card_id, now)
                continue
            mentions = next((room.mention for room in rooms if room.target == target), ())
            text = line(
                event, Told(incident, tellings[event.fingerprint]), named=card.members > 1 or not event.quiet
            )
            if not event.quiet and event.severity == "critical" and mentions:
                text = f"{text} {' '.join(mention(who) for who in mentions)}"
            key_ = f"{event.key}:{target}:reply"
            outbox.reply(tx, key_, ids[event.key], card_id, text, broadcast=not event.quiet)
    told = {fingerprint for fingerprint, _ in (*members, *openings)}
    for incident in firing:
        # Nobody heard of it yet: its rule had no route, or its severity was below every floor.
        if incident.fingerprint in told:
            continue
        for room in _rooms(book, incident.rule_id, incident.group, names, voice):
            if room.hears(incident.severity):
                # The instant is part of the key: one that was withdrawn unsaid may be said at another.
                over, key_ = (
                    incident.value - incident.amount,
                    f"{incident.fingerprint}:heard:{now.isoformat()}",
                )
                opening = Opening(
                    incident.fingerprint, key_, room, incident.severity, over, first_of=incident.rule_id
                )
                openings[incident.fingerprint, room.target] = opening
    planned = plan(list(openings.values()), outbox.rooms(tx), outbox.waiting(tx), now)
    for message in planned.messages:
        outbox.open_message(tx, message, ids, now)
    for target, until in planned.gathers.items():
        outbox.gather(tx, target, until)


def _follow_routes(
    tx: Connection, book: Rulebook, known: Mapping[str, Incident], names: Names, voice: Voice
) -> None:
    """Let messages that could not be posted go where their rule speaks now: its route may have been mended."""
    for card_id, (target, fingerprint) in outbox.unposted(tx).items():
        incident = known.get(fingerprint)
        if incident is None:
            continue
        rooms = [room.target for room in _rooms(book, incident.rule_id, incident.group, names, voice)]
        taken = {at for _, at in outbox.cards_of(tx, [fingerprint])}
        free = [room for room in rooms if room not in taken]
        if target not in rooms and free:
            outbox.move(tx, card_id, free[0])


def _opens(event: Event) -> bool:
    """Tell whether a room that has heard nothing of the incident should hear this."""
    return event.transition in ("fired", "raised", "recrossed", "continued") or not event.quiet


def _rooms(book: Rulebook, rule_id: str, group: Group, names: Names, voice: Voice) -> tuple[Room, ...]:
    rule = book.rule(rule_id)
    return rooms_of(book, rule, group, names, voice.fallback) if rule is not None else ()
