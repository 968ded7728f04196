"""Stored spend → decisions → messages to be: one transaction for the state and what is to be said of it."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from bot import concerns, hooking
from bot.closing import close, closing
from bot.core.decide import Said, decide
from bot.core.evaluate import Evaluation, evaluate, needs, next_boundary
from bot.core.incident import Event, Finding, Incident
from bot.core.kinds.freshness import COSTS, Freshness
from bot.core.live.estimate import Estimates
from bot.core.rules.book import Rule, Rulebook
from bot.core.spend import Group
from bot.core.view import LIVE, View
from bot.edge.store import incidents, outbox, records
from bot.edge.store.store import Store
from bot.edge.store.tables import ORGANIZATION
from bot.loading import load_view
from bot.overlays import Overlays
from bot.saying import say
from bot.told import tell
from bot.voice import Voice

log = logging.getLogger("budgetbot.judge")

EVALUATED = "evaluated"


class Evaluated(msgspec.Struct, frozen=True):
    """What the last evaluation rested on, and when the same data can next mean something else."""

    now: datetime
    version: int
    book: str
    again_at: datetime
    missed: tuple[str, ...] = ()
    """The sources that could not be read: who reads them was not judged."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one tick decided."""

    events: tuple[Event, ...] = ()
    findings: int = 0
    skipped: str = ""
    """Why nothing was evaluated."""
    estimates: Estimates | None = None
    """What live spend was made of, where some rule is about it."""


def last_evaluated(tx: Connection) -> Evaluated | None:
    """Return what the last evaluation rested on."""
    text = records.marker(tx, EVALUATED)
    return msgspec.json.decode(text, type=Evaluated) if text else None


def judge(
    store: Store,
    book: Rulebook,
    now: datetime,
    poll_id: int | None,
    voice: Voice,
    missed: Collection[str] = (),
) -> Judged:
    """Evaluate the book if anything can have changed, and write what it decides.

    Rules that read one of the sources that were `missed` are not judged; the others are.
    """
    missing = tuple(sorted(missed))
    with store.writing() as tx:
        before = last_evaluated(tx)
        if before is not None and now < before.now:
            return Judged(
                skipped=f"now is earlier than the last evaluation at {before.now:%Y-%m-%dT%H:%M:%SZ}"
            )
        version = records.version(tx)
        if (
            before is not None
            and (before.version, before.book, before.missed) == (version, book.hash, missing)
            and now < before.again_at
        ):
            return Judged(skipped="nothing changed and no boundary passed")
        months = closing(book, now) if COSTS not in missing else []
        view = load_view(tx, store, book, now, [span for span, _ in months], missed=missing)
        if view.history_from is None:
            return Judged(skipped="no costs are stored yet")
        active = [rule for rule in book.rules if rule.active_on(now.date())]
        incidents.rename(tx, active)
        incidents.forget_changed(tx, book.rules)
        apart = {rule.id for rule in _freshness(book)}
        known = _about(incidents.said(tx, now.date()), lambda rule_id: rule_id not in apart)
        evaluation = evaluate(book, view, now, _watched(known))
        found = tuple(finding for finding in evaluation.findings if finding.rule.id not in apart)
        evaluation = replace(evaluation, findings=found)
        for rule_id, error in evaluation.broken.items():
            log.error("rule could not be evaluated", extra={"rule": rule_id}, exc_info=error)
        judged = [rule for rule in active if rule.id not in apart]
        concerns.speak(tx, book, evaluation, now, voice)
        events = _decide(tx, store, book, judged, known, evaluation, view, now, poll_id, voice)
        for span, rules in months:
            close(tx, store, book, span, rules, view, now, voice, new=before is None)
        mark = Evaluated(now, version, book.hash, _again(book, now), missing)
        records.mark(tx, EVALUATED, msgspec.json.encode(mark).decode())
    return Judged(tuple(events), len(evaluation.findings), estimates=view.estimates)


def judge_freshness(
    store: Store, book: Rulebook, now: datetime, poll_id: int | None, voice: Voice
) -> tuple[Event, ...]:
    """Judge how old the data is, if rules are about that: at every tick, for it ages even when no poll succeeds."""
    rules = _freshness(book)
    if not rules:
        return ()
    own = replace(book, rules=rules)
    with store.writing() as tx:
        before = last_evaluated(tx)
        if before is not None and now < before.now:
            return ()
        known = _about(incidents.said(tx, now.date()), {rule.id for rule in rules}.__contains__)
        view = load_view(tx, store, own, now)
        evaluation = evaluate(own, view, now, _watched(known))
        active = [rule for rule in rules if rule.active_on(now.date())]
        return tuple(_decide(tx, store, own, active, known, evaluation, view, now, poll_id, voice))


def _again(book: Rulebook, now: datetime) -> datetime:
    """Return when the same data can next mean something else: live spend grows with the hours things are stored."""
    boundary = next_boundary(book, now)
    if LIVE not in needs(book, now).metrics:
        return boundary
    return min(boundary, now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))


def _freshness(book: Rulebook) -> tuple[Rule, ...]:
    return tuple(rule for rule in book.rules if isinstance(rule, Freshness))


def _about(known: Said, meant: Callable[[str], bool]) -> Said:
    """Return what was said of the rules whose ids are meant."""
    return replace(known, incidents=tuple(each for each in known.incidents if meant(each.rule_id)))


def _watched(known: Said) -> dict[str, set[Group]]:
    watched: dict[str, set[Group]] = {}
    for incident in known.incidents:
        watched.setdefault(incident.rule_id, set()).add(incident.group)
    return watched


def _estimated_otherwise(
    known: Iterable[Incident], changed: Iterable[Incident], findings: Iterable[Finding]
) -> list[Incident]:
    """Return the incidents whose figure is what it was, but of which another part is estimated now."""
    live = {(each.rule.id, each.group, each.span): each for each in findings if each.rule.metric == LIVE}
    if not live:
        return []
    told_anyway = {incident.fingerprint for incident in changed}
    found = []
    for incident in known:
        finding = live.get((incident.rule_id, incident.group, incident.span))
        if finding is None or incident.fingerprint in told_anyway or not incident.facts:
            continue
        telling = incidents.telling(incident)
        if (telling.estimated, telling.note) != (finding.estimated, finding.note):
            found.append(incident)
    return found


def _decide(
    tx: Connection,
    store: Store,
    book: Rulebook,
    active: Sequence[Rule],
    known: Said,
    evaluation: Evaluation,
    view: View,
    now: datetime,
    poll_id: int | None,
    voice: Voice,
) -> list[Event]:
    learning = {unjudged.rule_id for unjudged in evaluation.unjudged if unjudged.keeps}
    decisions = decide(book, evaluation.findings, known, now, organization=ORGANIZATION, learning=learning)
    changed = [decision.incident for decision in decisions if decision.incident is not None]
    changed += _estimated_otherwise(known.incidents, changed, evaluation.findings)
    spoken = {event.fingerprint for decision in decisions for event in decision.events}
    tellings = tell(tx, store, book, view, changed, evaluation.findings, spoken, now, voice)
    states = {
        incident.fingerprint: replace(incident, facts=incidents.facts(tellings[incident.fingerprint]))
        for incident in changed
    }
    incidents.write(tx, states.values(), poll_id)
    events = [event for decision in decisions for event in decision.events]
    ids = incidents.record(tx, events, poll_id)
    new = [event for event in events if event.key in ids]
    first = {rule.id for rule in active} - known.rules
    firing = {i.fingerprint: i for i in known.incidents if i.state == "firing" and i.announced} | states
    unheard = [i for i in firing.values() if i.state == "firing" and i.announced]
    say(tx, book, new, ids, states, unheard, tellings, view.names, first, now, voice)
    if new:
        hooking.tell(tx, Overlays.read(tx, book, view.names, now), new, states, tellings)
    outbox.touch(tx, list(states))
    unready = {
        unjudged.rule_id for unjudged in evaluation.unjudged if unjudged.keeps and unjudged.group is None
    }
    incidents.remember_rules(tx, [r for r in active if r.id in first and r.id not in unready], now)
    for event in new:
        log.info(
            "decided",
            extra={
                "rule": event.rule_id,
                "incident": event.fingerprint,
                "group": list(event.group),
                "transition": event.transition,
                "threshold": event.level,
                "severity": event.severity,
                "reason": event.reason,
            },
        )
    return new
