"""A case played: its rule evaluated at every hour, by the poll's own evaluation and decisions.

Between two hours at which nothing new is known, no boundary passes and no key changes, evaluating again finds
the same (`evaluate` is a function of rules, data and boundaries), so those hours are passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.cases.bind import Bound, Version
from bot.core.cases.card import telling_of
from bot.core.cases.case import Expectation
from bot.core.cases.ledger import Ledger
from bot.core.decide import Decision
from bot.core.evaluate import Evaluation, evaluate, next_boundary
from bot.core.incident import Event, Finding, Incident, Reason, Unjudged
from bot.core.kinds.budget import amount_of
from bot.core.period import midnight
from bot.core.replay import Replay
from bot.core.rules.book import Budget, Rule, Rulebook
from bot.core.spend import Group
from bot.core.status import State
from bot.core.telling import Telling
from bot.core.view import View

HOUR = timedelta(hours=1)
ALWAYS_LOOKS = ("freshness",)
"""Kinds that are judged after failed polls too."""
AT_ANY_HOUR = (*ALWAYS_LOOKS, "native_limit")
"""Kinds whose boundaries are of any hour: data grows old, a cut-off comes near."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a thread, or the message itself, as it was when it was said."""

    event: Event
    incident: Incident
    telling: Telling


@dataclass(frozen=True, slots=True)
class Seen:
    """What a case came to at an instant."""

    state: State
    rule: Rule
    reasons: tuple[str, ...]
    """Why, the word that people were told first."""
    level: str = ""
    severity: str = ""
    value: int | None = None
    amount: int | None = None
    incident: Incident | None = None
    telling: Telling | None = None
    lines: tuple[Line, ...] = ()
    """What was said of the incident, oldest first."""
    messages: int = 0
    replies: int = 0

    def is_in(self, state: str) -> bool:
        """Tell whether a state is true: after an incident has ended, all is well too."""
        return state == self.state or (state == "ok" and self.state == "ended")


@dataclass(slots=True)
class Trail:
    """What became of one group so far."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    tellings: dict[str, Telling] = field(default_factory=dict)
    reason: str = ""

    @property
    def foremost(self) -> Incident | None:
        """Return the incident that counts: one that fires, else the latest."""
        order = {"firing": 2, "ok": 1, "ended": 0}
        known = sorted(
            self.incidents.values(), key=lambda one: (one.state == "firing", one.opened_at, order[one.state])
        )
        return known[-1] if known else None


class Player:
    """Plays one case."""

    def __init__(self, bound: Bound, *, every_hour: bool = False) -> None:
        self._bound = bound
        self._every_hour = every_hour
        self._ledger = Ledger(bound)
        self._versions = list(bound.versions)
        self._version = self._versions.pop(0)
        self._rule = self._version.rule
        assert self._rule is not None, "a case begins with its rule"
        self._book = _alone(self._version)
        self._replay = Replay(self._book)
        self._reads = any(expectation.reads for expectation in bound.case.expects)
        self._trails: dict[Group, Trail] = {group: Trail() for group in bound.groups.values()}
        self._read_at = midnight(bound.case.first_day)
        self._fixed = self._instants()
        self.evaluated = 0
        """How often the rule was evaluated."""

    def play(self) -> Iterator[tuple[Expectation, Seen]]:
        """Yield what came at each expectation's instant, in the order of time."""
        waiting = sorted(self._bound.case.expects, key=lambda one: one.at)
        at = self._read_at
        while waiting:
            self._tick(at)
            while waiting and waiting[0].at == at:
                expectation = waiting.pop(0)
                yield expectation, self._seen(expectation, at)
            if waiting:
                at = self._next(at)

    # -- when --------------------------------------------------------------------------------------

    def _instants(self) -> list[datetime]:
        """Return every instant at which something can change from outside, latest first."""
        case = self._bound.case
        hours = {
            *(_hour(known.seen) for known in self._bound.known),
            *(_hour(edit.at) for edit in case.edits),
            *(_hour(limit.since) for limit in case.limits if limit.since),
            *(_hour(outage.end) for outage in case.outages),
            # Before the clock moves, and before polls fail, the last poll says how far the bot has come.
            *(hour for step in case.clock for hour in (_hour_before(step.at), _hour(step.at))),
            *(_hour_before(outage.start) for outage in case.outages),
        }
        # What people look at is as it is then, not as it was at the full hour before.
        return sorted({*hours, *(one.at for one in case.expects)}, reverse=True)

    def _next(self, at: datetime) -> datetime:
        fixed = self._fixed
        while fixed and fixed[-1] <= at:
            fixed.pop()
        coming = fixed[-1:]
        now, last = self._clock(at), self._replay.at_last
        behind = last is not None and now < last
        if self._every_hour or behind or self._rule_kind in AT_ANY_HOUR:
            coming = [*coming, _hour(at + timedelta(microseconds=1))]
        elif not self._out(at):
            coming = [*coming, _hour(at + (next_boundary(self._book, now) - now))]
        return min(coming)

    @property
    def _rule_kind(self) -> str:
        return self._rule.kind if self._rule else ""

    def _clock(self, at: datetime) -> datetime:
        """Return what the machine's clock shows."""
        return at + timedelta(seconds=sum(step.seconds for step in self._bound.case.clock if step.at <= at))

    def _out(self, at: datetime) -> bool:
        return any(outage.start <= at < outage.end for outage in self._bound.case.outages)

    # -- one poll ----------------------------------------------------------------------------------

    def _tick(self, at: datetime) -> None:
        out = self._out(at)
        if out and self._rule_kind not in ALWAYS_LOOKS:
            return
        if not out:
            self._ledger.learn(at)
            self._read_at = at
        while self._versions and self._versions[0].since is not None and self._versions[0].since <= at:
            self._version = self._versions.pop(0)
            self._rule = self._version.rule or self._rule
            self._book = _alone(self._version)
            self._replay.edit(self._book)
        now = self._clock(at)
        view = self._view(now)
        self.evaluated += 1
        for decision in self._replay.at(view, now):
            if decision.rule_id == self._bound.case.rule_id and decision.group in self._trails:
                self._follow(decision, view, now)

    def _view(self, now: datetime) -> View:
        return self._ledger.view(self._book, self._version.rule, now, self._read_at)

    def _follow(self, decision: Decision, view: View, now: datetime) -> None:
        trail = self._trails[decision.group]
        trail.reason = decision.reason
        if decision.incident is None:
            return
        mark = decision.incident.fingerprint
        trail.incidents[mark] = decision.incident
        if decision.events:
            telling = self._telling(decision.incident, trail, self._replay.last, view, now)
            trail.lines += [Line(event, decision.incident, telling) for event in decision.events]

    def _telling(
        self, incident: Incident, trail: Trail, evaluation: Evaluation, view: View, now: datetime
    ) -> Telling:
        """Return what an incident's card says, by what is judged now, or as it was when it last was."""
        key = (incident.rule_id, incident.group, incident.span)
        finding = next(
            (one for one in evaluation.findings if (one.rule.id, one.group, one.span) == key), None
        )
        if finding is None or not self._reads:
            assert self._rule is not None
            return trail.tellings.get(incident.fingerprint, Telling(incident.rule_id, self._rule.name))
        telling = telling_of(finding, incident, view, self._book, self._ledger, now)
        trail.tellings[incident.fingerprint] = telling
        return telling

    # -- what came ---------------------------------------------------------------------------------

    def _seen(self, expectation: Expectation, at: datetime) -> Seen:
        assert self._rule is not None
        group = self._bound.group_of(expectation)
        now = max(self._clock(at), self._replay.at_last or at)
        view, trail = self._view(now), self._trails[group]
        evaluation = evaluate(self._book, view, now)
        finding = _current(evaluation, self._rule, group)
        incident = trail.foremost
        told = [
            line for line in trail.lines if incident and line.incident.fingerprint == incident.fingerprint
        ]
        reasons = [line.event.reason for line in told[-1:]]
        reasons += [incident.reason] if incident else []
        reasons += [trail.reason or str(_quiet(self._rule, group, view, now))]
        state, level, severity = self._state(evaluation, group, incident, finding, reasons)
        # Beside an incident that is over, what counts is the period that goes on, unless its end is asked about.
        over = state != "firing" and expectation.state != "ended" and finding is not None
        shows = finding if over or incident is None else incident
        opened = sum(line.event.opens for line in trail.lines)
        return Seen(
            state=state,
            rule=self._rule,
            reasons=tuple(dict.fromkeys(map(str, reasons))),
            level=level,
            severity=severity,
            value=shows.value if shows else None,
            amount=shows.amount if shows else None,
            incident=incident,
            telling=self._telling(incident, trail, evaluation, view, now)
            if incident and expectation.reads
            else None,
            lines=tuple(told),
            messages=opened,
            replies=len(trail.lines) - opened,
        )

    def _state(
        self,
        evaluation: Evaluation,
        group: Group,
        incident: Incident | None,
        finding: Finding | None,
        reasons: list[str],
    ) -> tuple[State, str, str]:
        """Return state, level and severity; what keeps the rule from being judged is the first reason."""
        if self._version.rule is None:
            reasons.insert(0, str(Reason.RULE_REMOVED))
            return ("ended" if incident else "inactive"), "", ""
        unjudged = _unjudged(evaluation, self._version.rule, group)
        if unjudged is not None and not (
            incident and incident.state == "firing" and unjudged.state == "learning"
        ):
            reasons.insert(0, unjudged.reason)
            return unjudged.state, "", ""
        if incident is not None and incident.state == "firing":
            return "firing", incident.foremost, incident.severity
        if finding is not None and finding.pending:
            reasons.insert(0, str(Reason.PENDING))
            return "pending", "", ""
        return ("ended" if incident is not None and incident.state == "ended" else "ok"), "", ""


def _quiet(rule: Rule, group: Group, view: View, now: datetime) -> Reason:
    """Return why nothing was ever decided of a group."""
    span = rule.period.containing(now.date()) if isinstance(rule, Budget) else None
    if span and isinstance(rule, Budget) and amount_of(rule, group, view.names, view.limits, span) is None:
        return Reason.UNCOVERED
    return Reason.BELOW


def _hour(at: datetime) -> datetime:
    """Return the first full hour at or after an instant."""
    whole = at.replace(minute=0, second=0, microsecond=0)
    return whole if whole == at else whole + HOUR


def _hour_before(at: datetime) -> datetime:
    """Return the last full hour before an instant."""
    return _hour(at) - HOUR


def _alone(version: Version) -> Rulebook:
    """Return the rulebook with the rule of the case alone: what it takes from others, it holds."""
    return replace(version.book, rules=(version.rule,) if version.rule else ())


def _current(evaluation: Evaluation, rule: Rule, group: Group) -> Finding | None:
    """Return what is true of a group in its newest judged span."""
    mine = [one for one in evaluation.findings if one.rule.id == rule.id and one.group == group]
    return max(mine, key=lambda one: one.span.start, default=None)


def _unjudged(evaluation: Evaluation, rule: Rule, group: Group) -> Unjudged | None:
    return next(
        (one for one in evaluation.unjudged if one.rule_id == rule.id and one.group in (None, group)), None
    )
