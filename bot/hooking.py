"""Events → deliveries to webhooks, written with the decision. Quiet hours are for people alone; silences hold."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.core.dimension import described
from bot.core.incident import Event, Incident
from bot.core.rooms import Room, Target, hooks_of, ops_hook
from bot.core.rules.book import Rulebook
from bot.core.telling import Telling
from bot.edge.store import hooks, incidents, outbox, records
from bot.overlays import Overlays
from bot.render import events as drawn

log = logging.getLogger("budgetbot.say")

HELD = "held-event:"
"""Marks the last event of an incident that a silence keeps from a webhook."""


def tell(
    tx: Connection,
    over: Overlays,
    events: Sequence[Event],
    states: Mapping[str, Incident],
    tellings: Mapping[str, Telling],
) -> None:
    """Write what webhooks are sent of new events; of what is silenced the last one is kept until the silence ends."""
    for event in events:
        rule = over.book.rule(event.rule_id)
        if rule is None:
            continue
        incident = states[event.fingerprint]
        for hook in hooks_of(over.book, rule, event.group, over.names):
            name = hook.target.address
            opens = event.opens_a_room and hook.hears(event.severity)
            mark = f"{HELD}{name}:{event.fingerprint}"
            if not opens and not records.marker(tx, mark) and not hooks.heard(tx, name, event.fingerprint):
                continue
            each = rule.scope.each
            group = described(each, event.group, over.names.of) if len(each) == len(event.group) else {}
            payload = drawn.alert(event, incident, tellings[event.fingerprint], group, rule.labels)
            silence = over.silence_of(incident)
            if silence is not None:
                records.mark(tx, mark, json.dumps({"key": event.key, "payload": payload}))
                why = over.hold_of(silence).why
                log.info("held back", extra={"rule": rule.id, "incident": event.fingerprint, "why": why})
                continue
            records.mark(tx, mark, "")
            _write(tx, event.key, hook.target, payload, over.now)


def release(tx: Connection, over: Overlays) -> None:
    """Send what no silence keeps any more: the last event of each incident that still matters to the webhook."""
    kept = records.markers(tx, HELD)
    if not kept:
        return
    known = incidents.by_fingerprint(tx, {mark.rpartition(":")[2] for mark in kept})
    for mark, value in kept.items():
        name, _, fingerprint = mark.removeprefix(HELD).rpartition(":")
        incident = known.get(fingerprint)
        if incident is not None and over.silence_of(incident) is not None:
            continue
        records.mark(tx, mark, "")
        if incident is None or not (
            incident.state == "firing" or incident.late or hooks.heard(tx, name, fingerprint)
        ):
            continue
        event = json.loads(value)
        _write(tx, event["key"], Target("webhook", name), event["payload"], over.now)


def escalate(tx: Connection, over: Overlays, incident: Incident, hook: Room, why: str) -> None:
    """Send a critical alert that nobody acknowledged to the webhook of the next route, once."""
    payload = drawn.unacknowledged(incident, incidents.telling(incident), why, over.now)
    _write(tx, f"{incident.fingerprint}:escalated", hook.target, payload, over.now)


def trouble(
    tx: Connection, book: Rulebook, what: str, key: str, body: Mapping[str, object], now: datetime
) -> None:
    """Send the bot's own trouble, or that it is over, where a webhook hears of it; `what` is in trouble."""
    hook = ops_hook(book)
    if hook is not None:
        _write(tx, key, hook.target, drawn.trouble(what, body, now), now)


def _write(tx: Connection, key: str, target: Target, payload: Mapping[str, Any], now: datetime) -> None:
    body = {"id": drawn.identity(key), "payload": payload}
    outbox.say(tx, f"{key}:{target}", target, hooks.FORM, body, now)
