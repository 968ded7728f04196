"""Stored spend → decisions → messages to be: one transaction for the state and what is to be said of it."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from bot.closing import close, closing
from bot.core.decide import Said, decide
from bot.core.evaluate import Evaluation, evaluate, next_boundary
from bot.core.incident import Event, Finding, Incident
from bot.core.needs import settled_until
from bot.core.outlook import Courses, days_needed, has_course
from bot.core.period import Span
from bot.core.rules.book import Rule, Rulebook
from bot.core.spend import Group, Spend
from bot.core.telling import Teller, Telling
from bot.edge.store import incidents, outbox, records
from bot.edge.store.store import Store
from bot.edge.store.tables import ORGANIZATION
from bot.loading import load_spend, load_view
from bot.saying import say
from bot.voice import Voice

log = logging.getLogger("budgetbot.judge")

EVALUATED = "evaluated"
LOOKED_INTO = 200
"""Incidents of one tick whose spend is taken apart and looked ahead: when thousands change, the gravest."""


class Evaluated(msgspec.Struct, frozen=True):
    """What the last evaluation rested on, and when the same data can next mean something else."""

    now: datetime
    version: int
    book: str
    again_at: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What one tick decided."""

    events: tuple[Event, ...] = ()
    findings: int = 0
    skipped: str = ""
    """Why nothing was evaluated."""


def last_evaluated(tx: Connection) -> Evaluated | None:
    """Return what the last evaluation rested on."""
    text = records.marker(tx, EVALUATED)
    return msgspec.json.decode(text, type=Evaluated) if text else None


def judge(store: Store, book: Rulebook, now: datetime, poll_id: int | None, voice: Voice) -> Judged:
    """Evaluate the book if anything can have changed, and write what it decides."""
    with store.writing() as tx:
        before = last_evaluated(tx)
        if before is not None and now < before.now:
            return Judged(
                skipped=f"now is earlier than the last evaluation at {before.now:%Y-%m-%dT%H:%M:%SZ}"
            )
        version = records.version(tx)
        if (
            before is not None
            and (before.version, before.book) == (version, book.hash)
            and now < before.again_at
        ):
            return Judged(skipped="nothing changed and no boundary passed")
        months = closing(book, now)
        view = load_view(tx, store, book, now, [span for span, _ in months])
        spend = view.cost
        if spend.history_from is None:
            return Judged(skipped="no costs are stored yet")
        active = [rule for rule in book.rules if rule.active_on(now.date())]
        incidents.rename(tx, active)
        incidents.forget_changed(tx, book.rules)
        known = incidents.said(tx, now.date())
        evaluation = evaluate(book, view, now, _watched(known))
        for rule_id, error in evaluation.broken.items():
            log.error("rule could not be evaluated", extra={"rule": rule_id}, exc_info=error)
        events = _decide(tx, store, book, active, known, evaluation, spend, now, poll_id, voice)
        for span, rules in months:
            close(tx, book, span, rules, view, now, voice)
        mark = Evaluated(now, version, book.hash, next_boundary(book, now))
        records.mark(tx, EVALUATED, msgspec.json.encode(mark).decode())
    return Judged(tuple(events), len(evaluation.findings))


def _watched(known: Said) -> dict[str, set[Group]]:
    watched: dict[str, set[Group]] = {}
    for incident in known.incidents:
        watched.setdefault(incident.rule_id, set()).add(incident.group)
    return watched


def _decide(
    tx: Connection,
    store: Store,
    book: Rulebook,
    active: Sequence[Rule],
    known: Said,
    evaluation: Evaluation,
    spend: Spend,
    now: datetime,
    poll_id: int | None,
    voice: Voice,
) -> list[Event]:
    learning = {unjudged.rule_id for unjudged in evaluation.unjudged if unjudged.keeps}
    decisions = decide(book, evaluation.findings, known, now, organization=ORGANIZATION, learning=learning)
    changed = [decision.incident for decision in decisions if decision.incident is not None]
    teller = Teller(spend, book, voice.commit)
    spoken = {event.fingerprint for decision in decisions for event in decision.events}
    tellings = _tellings(changed, evaluation.findings, spoken, book, teller, voice)
    tellings |= _outlooks(tx, store, book, changed, evaluation.findings, tellings, spoken, spend, now)
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
    say(tx, book, new, ids, states, unheard, tellings, spend.names, first, now, voice)
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
                "group": list(event.group),
                "transition": event.transition,
                "threshold": event.level,
                "reason": event.reason,
            },
        )
    return new


def _tellings(
    changed: Iterable[Incident],
    findings: Sequence[Finding],
    spoken: Collection[str],
    book: Rulebook,
    teller: Teller,
    voice: Voice,
) -> dict[str, Telling]:
    """Return what each changed incident's card says: anew where the period is judged, else as it was."""
    judged: dict[tuple[str, Group, Span], Finding] = {(f.rule.id, f.group, f.span): f for f in findings}
    told: dict[str, Telling] = {}
    gravest_first = sorted(changed, key=lambda i: (i.fingerprint not in spoken, i.amount - i.value))
    for place, incident in enumerate(gravest_first):
        finding = judged.get((incident.rule_id, incident.group, incident.span))
        if finding is not None:
            parts = None
            if place >= LOOKED_INTO:
                parts = incidents.telling(incident).parts if incident.facts else ()
            told[incident.fingerprint] = teller.tell(finding, voice.link(finding.rule), parts)
            continue
        rule = book.rule(incident.rule_id)
        known = (
            incidents.telling(incident)
            if incident.facts
            else Telling(
                incident.rule_id,
                rule.name if rule else incident.rule_id,
                teller.named(rule, incident.group) if rule else (),
            )
        )
        told[incident.fingerprint] = replace(known, commit=voice.commit[:7])
    return told


def _outlooks(
    tx: Connection,
    store: Store,
    book: Rulebook,
    changed: Sequence[Incident],
    findings: Sequence[Finding],
    tellings: Mapping[str, Telling],
    spoken: Collection[str],
    spend: Spend,
    now: datetime,
) -> dict[str, Telling]:
    """Return the tellings with what their periods are on course for.

    Looked at anew where something is said, and when another day has settled: one more scan, by day, for all of
    them; otherwise the last look stands.
    """
    judged = {(f.rule.id, f.group, f.span): f for f in findings if has_course(f, now)}
    told: dict[str, Telling] = {}
    anew: dict[str, Finding] = {}
    for incident in changed:
        before = incidents.telling(incident).outlook if incident.facts else None
        finding = judged.get((incident.rule_id, incident.group, incident.span))
        told[incident.fingerprint] = replace(tellings[incident.fingerprint], outlook=before)
        if finding is None or incident.state != "firing":
            continue
        day = settled_until(finding.rule, now).isoformat()
        if incident.fingerprint in spoken or before is None or before.settled_until != day:
            anew[incident.fingerprint] = finding
    if len(anew) > LOOKED_INTO:
        first = sorted(anew, key=lambda key: (key not in spoken, anew[key].amount - anew[key].value))
        anew = {fingerprint: anew[fingerprint] for fingerprint in first[:LOOKED_INTO]}
    days = sorted({day for finding in anew.values() for day in days_needed(finding, spend, now)})
    if days:
        courses = Courses(load_spend(tx, store, book, days), now)
        for fingerprint, finding in anew.items():
            told[fingerprint] = replace(tellings[fingerprint], outlook=courses.of(finding))
    return told
