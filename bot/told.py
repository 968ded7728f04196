"""What the cards of changed incidents say: decided with the state, so that delivery asks nobody."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from bot import blaming
from bot.core.blame import NOT_YET
from bot.core.comparison import Question, question
from bot.core.incident import Finding, Incident
from bot.core.needs import settled_until
from bot.core.outlook import Courses, days_needed, has_course, limited_by
from bot.core.period import Span
from bot.core.rules.book import Rulebook
from bot.core.spend import Group, Spend
from bot.core.telling import Teller, Telling
from bot.core.view import View
from bot.edge.store import incidents
from bot.edge.store.store import Store
from bot.loading import load_spend
from bot.voice import Voice

T = TypeVar("T")
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
    teller = Teller(view, book, voice.commit, voice.authors)
    tellings = _tellings(changed, findings, spoken, book, teller, voice)
    return _Looks(tx, store, book, view, changed, findings, spoken, now).add_to(tellings)


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


class _Looks:
    """Looks into what changed: who it is and since when, what the period is on course for, when OpenAI cuts it off.

    Looked at anew where something is said, and when another day has settled: one more scan of costs, by day, for
    all of them; otherwise the last look stands.
    """

    def __init__(
        self,
        tx: Connection,
        store: Store,
        book: Rulebook,
        view: View,
        changed: Sequence[Incident],
        findings: Sequence[Finding],
        spoken: Collection[str],
        now: datetime,
    ) -> None:
        self._tx, self._store, self._book, self._view, self._now = tx, store, book, view, now
        self._changed = changed
        self._spoken = spoken
        self._judged = {(f.rule.id, f.group, f.span): f for f in findings}

    def add_to(self, tellings: Mapping[str, Telling]) -> dict[str, Telling]:
        """Return the tellings with what the looks found."""
        told: dict[str, Telling] = {}
        ahead: dict[str, Finding] = {}
        back: dict[str, Question] = {}
        for incident in self._changed:
            key = incident.fingerprint
            finding = self._judged.get((incident.rule_id, incident.group, incident.span))
            known = told[key] = self._as_before(tellings[key], incident, finding)
            if finding is None or not (incident.state != "ended" or incident.late):
                continue
            if self._has_course(finding, incident) and self._looks(incident, finding, known.looked):
                ahead[key] = finding
            if incident.state == "ok":
                continue
            asked = question(finding, incident.first_day, incident.reason, self._now)
            last = known.blame.looked if known.blame and known.blame.why_not != NOT_YET else ""
            if asked is not None and self._looks(incident, finding, last):
                back[key] = asked
        ahead = self._gravest(ahead, ahead)
        back = self._gravest(back, {key: asked.finding for key, asked in back.items()})
        needed = {day for f in ahead.values() for day in days_needed(f, self._view.cost, self._now)}
        days = sorted(needed.union(blaming.days_needed(back.values(), self._view, self._now)))
        if not days:
            return told
        costs = load_spend(self._tx, self._store, self._book, days)
        self._look_ahead(told, ahead, costs)
        found = blaming.blame(self._tx, self._store, self._book, self._view, back, costs, self._now)
        return told | {key: replace(told[key], blame=each) for key, each in found.items()}

    def _as_before(self, known: Telling, incident: Incident, finding: Finding | None) -> Telling:
        """Return the telling with what the last look found, and with the limit as it is now."""
        if incident.facts:
            before = incidents.telling(incident)
            known = replace(
                known,
                outlook=before.outlook,
                cut_off_at=before.cut_off_at,
                looked=before.looked,
                blame=before.blame,
            )
        limit = limited_by(finding, self._view.limits, self._view.names) if finding else None
        if limit is not None:
            known = replace(known, hard_limit=limit.amount or 0, enforcing=limit.enforcing)
        return known

    def _has_course(self, finding: Finding, incident: Incident) -> bool:
        limited = limited_by(finding, self._view.limits, self._view.names) is not None
        return incident.state != "ended" and (limited or has_course(finding, self._now))

    def _looks(self, incident: Incident, finding: Finding, last: str) -> bool:
        """Tell whether to look anew; `last` is the first day that was not settled at the last look."""
        settled = settled_until(finding.rule, self._now).isoformat()
        return incident.fingerprint in self._spoken or last != settled

    def _gravest(self, asked: dict[str, T], findings: Mapping[str, Finding]) -> dict[str, T]:
        if len(asked) <= LOOKED_INTO:
            return asked
        order = sorted(
            asked, key=lambda key: (key not in self._spoken, findings[key].amount - findings[key].value)
        )
        return {key: asked[key] for key in order[:LOOKED_INTO]}

    def _look_ahead(self, told: dict[str, Telling], anew: Mapping[str, Finding], costs: Spend) -> None:
        courses = Courses(costs, self._now)
        for fingerprint, finding in anew.items():
            looked = settled_until(finding.rule, self._now).isoformat()
            course = has_course(finding, self._now) and finding.rule.metric == "cost"
            cut = courses.cut_off(finding, self._view.limits)
            told[fingerprint] = replace(
                told[fingerprint],
                outlook=courses.of(finding) if course else None,
                looked=looked,
                cut_off_at=cut.at.strftime(INSTANT) if cut and cut.at else "",
            )
