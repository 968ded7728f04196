"""Findings + what was said + now → incidents and events, each with its reason.

Month, quarter, year and fixed budgets have one incident a period. Days, weeks and rolling periods form
runs: one incident for as long as the trouble goes on, however long and however revisions move its days.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby

from bot.core.incident import Event, Finding, Incident, Reason, Transition, fingerprint
from bot.core.money import NANO, show_usd
from bot.core.period import Span
from bot.core.rules.book import Rulebook, rank
from bot.core.spend import Group

WITHIN = {"day": timedelta(days=3), "week": timedelta(days=7), "rolling": timedelta(days=3)}
"""A breach this soon after the last one continues its run."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one rule and group, and why; the silent ones too."""

    rule_id: str
    group: Group
    reason: str
    events: tuple[Event, ...] = ()
    incident: Incident | None = None
    """Its state from now on, when it differs from before."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the database remembers: open and lately closed incidents, and how many runs there were."""

    incidents: tuple[Incident, ...] = ()
    runs: Mapping[tuple[str, Group], int] = field(default_factory=dict)
    rules: frozenset[str] = frozenset()
    """Rules evaluated before: a rule's first evaluation announces nothing that was over before it."""


def decide(
    book: Rulebook, findings: Sequence[Finding], said: Said, now: datetime, *, organization: str
) -> list[Decision]:
    """Return one decision for each (rule, group) that has a finding or an incident."""
    known: dict[tuple[str, Group], list[Incident]] = {}
    for incident in said.incidents:
        known.setdefault((incident.rule_id, incident.group), []).append(incident)
    decisions: list[Decision] = []
    seen: set[tuple[str, Group]] = set()
    for key, group in groupby(sorted(findings, key=_order), key=lambda f: (f.rule.id, f.group)):
        seen.add(key)
        first = key[0] not in said.rules
        judge = _Judge(now, organization, first)
        mine = list(group)
        if mine[0].rule.period.runs:
            decisions.extend(judge.runs(mine, known.get(key, []), said.runs.get(key, 0)))
        else:
            decisions.extend(judge.periods(mine, known.get(key, [])))
    judge = _Judge(now, organization, first=False)
    decisions.extend(
        judge.leave(incident, book)
        for key, incidents in known.items()
        if key not in seen
        for incident in incidents
        if incident.state != "ended" and _left(incident, book, now)
    )
    return decisions


def _order(finding: Finding) -> tuple[str, Group, date]:
    return (finding.rule.id, finding.group, finding.span.start)


def _left(incident: Incident, book: Rulebook, now: datetime) -> bool:
    rule = book.rule(incident.rule_id)
    return rule is None or rule.active_on(now.date())


def slack_of(amount: int) -> int:
    """Return how far below a level a value must fall before the level is taken back: 2% of the amount, $1 at least."""
    return max(amount * 2 // 100, NANO)


class _Judge:
    """One tick's judgement of one rule and group: every method returns values and changes nothing."""

    def __init__(self, now: datetime, organization: str, first: bool) -> None:
        self.now = now
        self.organization = organization
        self.first = first

    # -- one incident a period --------------------------------------------------------------------

    def periods(self, findings: Iterable[Finding], incidents: list[Incident]) -> Iterable[Decision]:
        by_start = {incident.occurrence: incident for incident in incidents}
        for finding in findings:
            incident = by_start.pop(finding.span.start.isoformat(), None)
            yield self._period(finding, incident)
        for incident in by_start.values():
            # Its period is no longer judged: the bot slept through the end of it.
            if incident.state != "ended":
                yield self._end(incident, Reason.PERIOD_OVER)

    def _period(self, finding: Finding, incident: Incident | None) -> Decision:
        if incident is None:
            if finding.top is None:
                return Decision(finding.rule.id, finding.group, Reason.BELOW)
            opened = self._open(finding, finding.span.start.isoformat())
            return self._close(opened) if finding.closed else opened
        if not incident.announced:
            if finding.top is None or not _higher(finding, incident.level):
                return self._quietly(finding, incident, Reason.BEFORE_THE_RULE)
            opened = self._open(finding, incident.occurrence)
            return self._close(opened) if finding.closed else opened
        if incident.state == "ended":
            return self._restate(finding, incident)
        decision = self._follow(finding, incident)
        return self._close(decision, incident) if finding.closed else decision

    def _close(self, decision: Decision, before: Incident | None = None) -> Decision:
        """End an incident whose period is over, on top of what else became of it."""
        incident = decision.incident or before
        if incident is None or incident.state == "ended":
            return decision
        if not incident.announced or before is None:
            # Opened late: the message itself says that the period is over.
            return replace(decision, incident=replace(incident, state="ended", ended_at=self.now))
        ended = self._end(incident, Reason.PERIOD_OVER)
        return replace(ended, events=(*decision.events, *ended.events))

    def _restate(self, finding: Finding, incident: Incident) -> Decision:
        moved = abs(finding.value - incident.said)
        if _higher(finding, _top_said(finding, incident)):
            return self._say(finding, incident, "restated", Reason.RESTATED, loud=True)
        if moved > slack_of(finding.amount):
            return self._say(finding, incident, "restated", Reason.RESTATED)
        return self._quietly(finding, incident, Reason.ALREADY_SAID)

    # -- runs --------------------------------------------------------------------------------------

    def runs(self, findings: list[Finding], incidents: list[Incident], count: int) -> Iterable[Decision]:
        within = WITHIN[findings[0].rule.period.kind]
        runs = sorted(incidents, key=lambda incident: incident.first_day)
        changed: dict[str, Decision] = {}
        silent: Decision | None = None
        for finding in findings:
            place = next(
                (i for i in reversed(range(len(runs))) if _touches(runs[i], finding.span, within)), None
            )
            if place is None:
                if finding.top is None:
                    silent = Decision(finding.rule.id, finding.group, Reason.BELOW)
                    continue
                count += 1
                decision = self._open(finding, f"#{count}")
                assert decision.incident is not None
                runs.append(decision.incident)
            else:
                decision = self._in_run(finding, runs[place], findings)
                if decision.incident is not None:
                    runs[place] = decision.incident
            changed = _merge(changed, decision)
        today = findings[-1].span.start
        for incident in runs:
            if incident.state != "ended" and today - incident.span.start > within:
                changed = _merge(changed, self._end(incident, Reason.RUN_OVER))
        return changed.values() if changed else [silent] if silent else []

    def _in_run(self, finding: Finding, run: Incident, findings: list[Finding]) -> Decision:
        start = finding.span.start
        if finding.top is None:
            if start not in run.days:
                return Decision(run.rule_id, run.group, Reason.BELOW)
            return self._clear_day(finding, run, findings)
        if not run.announced:
            if finding.closed and self.first:
                grown = replace(run, days=_with(run.days, start), span=max(run.span, finding.span))
                return Decision(run.rule_id, run.group, Reason.BEFORE_THE_RULE, (), grown)
            if start in run.days and not _higher(finding, run.level):
                return Decision(run.rule_id, run.group, Reason.BEFORE_THE_RULE)
            opened = self._open(finding, run.occurrence)
            assert opened.incident is not None
            return replace(opened, incident=replace(opened.incident, days=_with(run.days, start)))
        if start == run.span.start:
            return self._follow(finding, run)
        if start in run.days:
            return Decision(run.rule_id, run.group, Reason.ALREADY_SAID)
        grown = replace(run, days=_with(run.days, start))
        if start < run.span.start:
            if _higher(finding, _top_said(finding, run)):
                return self._say(
                    finding, grown, "raised", Reason.HIGHER, loud=_graver(finding, run), keep_span=True
                )
            return Decision(
                run.rule_id, run.group, Reason.ALREADY_SAID, (), replace(grown, changed_at=self.now)
            )
        grown = replace(grown, span=finding.span, state="firing", ended_at=None)
        if _higher(finding, _top_said(finding, run)):
            return self._say(finding, grown, "raised", Reason.HIGHER, loud=_graver(finding, run))
        if finding.value * 4 >= run.peak * 5:
            return self._say(finding, grown, "continued", Reason.RUN_GOES_ON)
        return self._quietly(finding, grown, Reason.RUN_GOES_ON)

    def _clear_day(self, finding: Finding, run: Incident, findings: list[Finding]) -> Decision:
        """A breached day was revised below every level."""
        if finding.span.start == run.span.start:
            level = finding.level(run.level)
            if level and finding.value >= level.at(finding.amount) - slack_of(finding.amount):
                return self._quietly(finding, run, Reason.NEAR)
        days = tuple(day for day in run.days if day != finding.span.start)
        if days and finding.span.start != run.span.start:
            return Decision(run.rule_id, run.group, Reason.CORRECTED, (), replace(run, days=days))
        if not days:
            cleared = replace(run, level="", severity="", state="ok" if run.state == "firing" else run.state)
            if not run.announced:
                return self._quietly(finding, cleared, Reason.CORRECTED)
            return self._say(finding, cleared, "corrected", Reason.CORRECTED)
        before = next((f for f in findings if f.span.start == days[-1]), None)
        last = replace(run, days=days, span=before.span if before else Span(days[-1], finding.span.start))
        if before is None or before.top is None:
            return self._say(finding, last, "corrected", Reason.CORRECTED, keep_span=True)
        return self._say(before, last, "corrected", Reason.CORRECTED)

    # -- what both share ---------------------------------------------------------------------------

    def _open(self, finding: Finding, occurrence: str) -> Decision:
        rule, top = finding.rule, finding.top
        assert top is not None
        silent = self.first and finding.closed
        labels = tuple(level.label for level in finding.reached)
        incident = Incident(
            fingerprint=fingerprint(rule.id, self.organization, finding.group, occurrence),
            rule_id=rule.id,
            group=finding.group,
            occurrence=occurrence,
            state="ended" if silent else "firing",
            level=top.label,
            severity=finding.severity or "",
            said_levels=() if silent else labels,
            value=finding.value,
            amount=finding.amount,
            said=finding.value,
            peak=finding.value,
            span=finding.span,
            days=(finding.span.start,),
            opened_at=self.now,
            changed_at=self.now,
            ended_at=self.now if silent else None,
            reason=Reason.BEFORE_THE_RULE if silent else Reason.FIRST,
        )
        if silent:
            return Decision(rule.id, finding.group, Reason.BEFORE_THE_RULE, (), incident)
        incident, event = self._event(incident, "fired", top.label, Reason.FIRST, passed=labels)
        return Decision(rule.id, finding.group, Reason.FIRST, (event,), incident)

    def _follow(self, finding: Finding, incident: Incident) -> Decision:
        """The same period again: a level higher, a level lower, or only another figure."""
        top = finding.top
        moved = incident.amount != finding.amount
        if top is not None and _higher(finding, _top_said(finding, incident)):
            because = _because(incident, finding) if moved else ""
            loud = _graver(finding, incident)
            return self._say(finding, incident, "raised", Reason.HIGHER, loud=loud, because=because)
        current = finding.level(incident.level)
        at = current.at(finding.amount) if current else 0
        if top is not None and (current is None or top.at(finding.amount) > at):
            loud = finding.value * 10 >= incident.peak * 11
            if moved:
                return self._quietly(finding, incident, Reason.BUDGET_CHANGED)
            return self._say(finding, incident, "recrossed", Reason.RECROSSED, loud=loud)
        lower = current is not None and (top is None or top.at(finding.amount) < at)
        if lower and moved:
            # The amount went up: levels no longer true are retired, to be announced again when they come.
            reached = tuple(level.label for level in finding.reached)
            kept = (
                tuple(label for label in incident.said_levels if label in reached) or incident.said_levels[:1]
            )
            return self._quietly(finding, replace(incident, said_levels=kept), Reason.BUDGET_CHANGED)
        if lower:
            if finding.value >= at - slack_of(finding.amount):
                return self._quietly(finding, incident, Reason.NEAR, keep_level=True)
            return self._say(finding, incident, "corrected", Reason.CORRECTED)
        return self._quietly(finding, incident, Reason.ALREADY_SAID)

    def _say(
        self,
        finding: Finding,
        incident: Incident,
        transition: Transition,
        reason: Reason,
        *,
        loud: bool = False,
        because: str = "",
        keep_span: bool = False,
    ) -> Decision:
        """Take the finding's figures over, and tell people in the incident's own thread."""
        labels = tuple(level.label for level in finding.reached)
        new = tuple(label for label in labels if label not in incident.said_levels)
        taken = self._take(finding, incident, reason, keep_span=keep_span)
        taken = replace(taken, said=finding.value, said_levels=(*incident.said_levels, *new))
        top = finding.top
        taken, event = self._event(
            taken,
            transition,
            top.label if top else "",
            reason,
            passed=new,
            said_before=incident.said,
            loud=loud,
            because=because,
            value=finding.value,
        )
        return Decision(taken.rule_id, taken.group, reason, (event,), taken)

    def _quietly(
        self, finding: Finding, incident: Incident, reason: Reason, *, keep_level: bool = False
    ) -> Decision:
        """Take the figures over; if they changed, the message is edited and nobody is notified."""
        taken = self._take(finding, incident, reason, keep_level=keep_level)
        same = replace(taken, reason=incident.reason, changed_at=incident.changed_at) == incident
        return Decision(incident.rule_id, incident.group, reason, (), None if same else taken)

    def _take(
        self,
        finding: Finding,
        incident: Incident,
        reason: Reason,
        *,
        keep_level: bool = False,
        keep_span: bool = False,
    ) -> Incident:
        top = finding.top
        changed = replace(
            incident, peak=max(incident.peak, finding.value), reason=reason, changed_at=self.now
        )
        if keep_span:
            return changed
        state = incident.state
        if state != "ended":
            state = "firing" if top or keep_level else "ok"
        return replace(
            changed,
            value=finding.value,
            amount=finding.amount,
            span=finding.span,
            state=state,
            level=incident.level if keep_level else top.label if top else "",
            severity=incident.severity if keep_level else finding.severity or "",
        )

    def _event(
        self,
        incident: Incident,
        transition: Transition,
        level: str,
        reason: str,
        *,
        passed: tuple[str, ...] = (),
        said_before: int = 0,
        loud: bool = False,
        because: str = "",
        value: int | None = None,
    ) -> tuple[Incident, Event]:
        counted = f"{transition} {level}"
        n = incident.counts.get(counted, 0)
        event = Event(
            fingerprint=incident.fingerprint,
            rule_id=incident.rule_id,
            group=incident.group,
            transition=transition,
            level=level,
            n=n,
            at=self.now,
            reason=reason,
            value=incident.value if value is None else value,
            severity=incident.severity,
            said_before=said_before,
            passed=passed,
            quiet=not loud,
            because=because,
        )
        return replace(incident, counts={**incident.counts, counted: n + 1}), event

    def _end(self, incident: Incident, reason: Reason) -> Decision:
        ended = replace(incident, state="ended", ended_at=self.now, changed_at=self.now, reason=reason)
        if incident.state == "ok" or not incident.announced:
            # Corrected before: the thread has said so already.
            return Decision(incident.rule_id, incident.group, reason, (), ended)
        ended, event = self._event(ended, "ended", incident.level, reason, said_before=incident.said)
        return Decision(incident.rule_id, incident.group, reason, (event,), replace(ended, said=ended.value))

    def leave(self, incident: Incident, book: Rulebook) -> Decision:
        """End the incident of a rule that was removed, or of a group the rule no longer selects."""
        gone = book.rule(incident.rule_id) is None
        return self._end(incident, Reason.RULE_REMOVED if gone else Reason.GROUP_LEFT)


def _top_said(finding: Finding, incident: Incident) -> str:
    """Return the highest level people were told of, by today's amounts."""
    said = [level for level in finding.levels if level.label in incident.said_levels]
    return said[-1].label if said else ""


def _higher(finding: Finding, label: str) -> bool:
    """Tell whether a level above `label` is true."""
    top = finding.top
    if top is None:
        return False
    order = [level.label for level in finding.levels]
    return label not in order or order.index(top.label) > order.index(label)


def _graver(finding: Finding, incident: Incident) -> bool:
    said = (level.severity for level in finding.levels if level.label in incident.said_levels)
    return rank(finding.severity or "") > max((rank(severity) for severity in said), default=-1)


def _because(incident: Incident, finding: Finding) -> str:
    return f"the budget changed from {show_usd(incident.amount)} to {show_usd(finding.amount)}"


def _touches(run: Incident, span: Span, within: timedelta) -> bool:
    return run.first_day - within <= span.start <= run.span.start + within


def _with(days: tuple[date, ...], day: date) -> tuple[date, ...]:
    return tuple(sorted({*days, day}))


def _merge(changed: dict[str, Decision], decision: Decision) -> dict[str, Decision]:
    """Fold the decisions on one incident into one: all events, the last state, the last reason that spoke."""
    key = decision.incident.fingerprint if decision.incident else ""
    before = changed.get(key)
    if before is None:
        if not key:
            key = f"silent {decision.reason}"
        return {**changed, key: decision}
    reason = decision.reason if decision.events or not before.events else before.reason
    return {**changed, key: replace(decision, reason=reason, events=(*before.events, *decision.events))}
