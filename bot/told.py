"""What the cards of changed incidents say: decided with the state, so that delivery asks nobody."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bot.core.incident import Finding, Incident
from bot.core.needs import settled_until
from bot.core.outlook import Courses, days_needed, has_course, limited_by
from bot.core.period import Span
from bot.core.rules.book import Rulebook
from bot.core.spend import Group
from bot.core.telling import Teller, Telling
from bot.core.view import View
from bot.edge.store import incidents
from bot.edge.store.store import Store
from bot.loading import load_spend
from bot.voice import Voice

INSTANT = "%Y-%m-%dT%H:%M:%SZ"
LOOKED_INTO = 200
"""Incidents of one tick whose spend is taken apart and looked ahead: when thousands change, the gravest."""


def tell(
    tx: Connection,
    store: Store,
    book: Rulebook,
    view: View,
    changed: Sequence[Incident],
    findings: Sequence[Finding],
    spoken: Collection[str],
    now: datetime,
    voice: Voice,
) -> dict[str, Telling]:
    """Return what each changed incident's card says, by fingerprint; `spoken` are those something is said of."""
    teller = Teller(view, book, voice.commit)
    tellings = _tellings(changed, findings, spoken, book, teller, voice)
    return tellings | _outlooks(tx, store, book, view, changed, findings, tellings, spoken, now)


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
    view: View,
    changed: Sequence[Incident],
    findings: Sequence[Finding],
    tellings: Mapping[str, Telling],
    spoken: Collection[str],
    now: datetime,
) -> dict[str, Telling]:
    """Return the tellings with what their periods are on course for, and when OpenAI will cut them off.

    Looked at anew where something is said, and when another day has settled: one more scan, by day, for all of
    them; otherwise the last look stands.
    """
    judged = {(f.rule.id, f.group, f.span): f for f in findings}
    told: dict[str, Telling] = {}
    anew: dict[str, Finding] = {}
    for incident in changed:
        before = incidents.telling(incident) if incident.facts else None
        finding = judged.get((incident.rule_id, incident.group, incident.span))
        limit = limited_by(finding, view.limits) if finding else None
        known = tellings[incident.fingerprint]
        if before is not None:
            known = replace(known, outlook=before.outlook, cut_off_at=before.cut_off_at, looked=before.looked)
        if limit is not None:
            known = replace(known, hard_limit=limit.amount or 0, enforcing=limit.enforcing)
        told[incident.fingerprint] = known
        if finding is None or incident.state != "firing" or not (limit or has_course(finding, now)):
            continue
        if incident.fingerprint in spoken or known.looked != settled_until(finding.rule, now).isoformat():
            anew[incident.fingerprint] = finding
    if len(anew) > LOOKED_INTO:
        first = sorted(anew, key=lambda key: (key not in spoken, anew[key].amount - anew[key].value))
        anew = {fingerprint: anew[fingerprint] for fingerprint in first[:LOOKED_INTO]}
    days = sorted({day for finding in anew.values() for day in days_needed(finding, view.cost, now)})
    if not days:
        return told
    courses = Courses(load_spend(tx, store, book, days), now)
    for fingerprint, finding in anew.items():
        looked = settled_until(finding.rule, now).isoformat()
        ahead = courses.of(finding) if has_course(finding, now) and finding.rule.metric == "cost" else None
        cut = courses.cut_off(finding, view.limits)
        told[fingerprint] = replace(
            told[fingerprint],
            outlook=ahead,
            looked=looked,
            cut_off_at=cut.at.strftime(INSTANT) if cut and cut.at else "",
        )
    return told
