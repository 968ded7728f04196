"""Days, weeks, rolling periods and judged days form runs: one incident for as long as the trouble goes on.

However long it is, and however revisions move its days, a run stays one incident with one message.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from operator import attrgetter

from bot.core.foresight import foresee
from bot.core.incident import Finding, Incident, Reason
from bot.core.transitions import Decision, Transitions, graver, higher, near


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of one rule and group."""

    do: Transitions
    findings: list[Finding]
    """Its judged days, oldest first."""

    def decide(self, incidents: list[Incident], count: int) -> Iterable[Decision]:
        """Return what becomes of the known runs, and of new ones; `count` runs have been numbered so far."""
        rule = self.findings[0].rule
        within = rule.touching
        runs = sorted(incidents, key=lambda incident: incident.first_day)
        changed: dict[str, Decision] = {}
        silent: Decision | None = None
        for finding in self.findings:
            place = _place(runs, finding.span.start, within)
            if place is None:
                if finding.foremost is None:
                    why = Reason.PENDING if finding.pending else Reason.BELOW
                    silent = Decision(rule.id, finding.group, why)
                    continue
                count += 1
                decision = self.do.open(finding, f"#{count}")
                assert decision.incident is not None
                runs.append(decision.incident)
            else:
                decision = _if_changed(self._in_run(finding, runs[place]), runs[place])
                if decision.incident is not None:
                    runs[place] = decision.incident
            _merge(changed, decision)
        # Without a row today there is no finding of today: it is the calendar that ends a run.
        newest = rule.newest(self.do.now) or self.findings[-1].span.start
        for incident in runs:
            if incident.state == "ended" or newest - incident.span.start < rule.quiet_for:
                continue
            if incident.reason == Reason.LATE and incident.opened_at == self.do.now:
                # Opened late: the message itself says that it is over.
                over = replace(incident, state="ended", ended_at=self.do.now)
                _merge(changed, Decision(rule.id, incident.group, Reason.LATE, (), over))
            else:
                _merge(changed, self.do.end(incident, Reason.RUN_OVER))
        return list(changed.values()) or ([silent] if silent else [])

    def _in_run(self, finding: Finding, run: Incident) -> Decision:
        start = finding.span.start
        if start == run.span.start and run.announced and (finding.foreseen or run.forecast):
            if finding.top is None and not run.level:
                decision = self.do.quietly(finding, run, Reason.ALREADY_SAID)
            else:
                decision = self.do.follow(finding, _with(run, start))
            return foresee(self.do, finding, run, decision)
        if finding.top is None:
            if start in run.days:
                return self._clear(finding, run)
            if start == run.span.start and run.announced:
                return self.do.quietly(finding, run, Reason.ALREADY_SAID)
            return Decision(run.rule_id, run.group, Reason.BELOW)
        if not run.announced:
            return self._unheard(finding, run)
        grown = _with(run, start)
        if start == run.span.start:
            return self.do.follow(finding, grown)
        if start < run.span.start:
            # A day that was over before the rule's first evaluation stays unsaid unless it grows.
            grew = start not in run.days or finding.value > run.peak
            if grew and higher(finding, run):
                loud = graver(finding, run)
                return self.do.say(finding, grown, "raised", Reason.HIGHER, loud=loud, keep_span=True)
            if start in run.days:
                return Decision(run.rule_id, run.group, Reason.ALREADY_SAID)
            return self.do.go_on(finding, grown, keep_span=True)
        peak = max(run.peak, run.value)
        grown = replace(grown, span=finding.span, state="firing", ended_at=None, peak=peak)
        if higher(finding, run):
            loud = graver(finding, run)
            return self.do.say(finding, grown, "raised", Reason.HIGHER, loud=loud)
        return self.do.go_on(finding, grown)

    def _unheard(self, finding: Finding, run: Incident) -> Decision:
        """A run that was over before the rule's first evaluation, and was not announced."""
        start = finding.span.start
        grown = _with(run, start)
        if finding.closed and self.do.first:
            later, peak = max(run.span, finding.span), max(run.peak, finding.value)
            grown = replace(grown, span=later, peak=peak)
            return Decision(run.rule_id, run.group, Reason.BEFORE_THE_RULE, (), grown)
        top = finding.top.label if finding.top else ""
        peak = max(run.peak, finding.value)
        if start in run.days and (
            finding.value <= run.peak or finding.place(top) <= finding.place(run.level)
        ):
            return Decision(run.rule_id, run.group, Reason.BEFORE_THE_RULE, (), replace(run, peak=peak))
        opened = self.do.open(finding, run.occurrence, run.days)
        assert opened.incident is not None
        return replace(opened, incident=replace(opened.incident, peak=peak))

    def _clear(self, finding: Finding, run: Incident) -> Decision:
        """A breached day was revised below every level."""
        last = finding.span.start == run.span.start
        if last and near(finding, run):
            return self.do.quietly(finding, run, Reason.NEAR, keep_level=True)
        days = tuple(day for day in run.days if day != finding.span.start)
        cleared = replace(run, days=days)
        if not run.announced or (days and not last):
            return Decision(run.rule_id, run.group, Reason.CORRECTED, (), cleared)
        said = self.do.say(finding, cleared, "corrected", Reason.CORRECTED)
        before = next((f for f in self.findings if days and f.span.start == days[-1] and f.top), None)
        if before is not None and higher(before, run):
            before = None  # it was over before the rule's first evaluation, and nobody was told of it
        if before is None or said.incident is None:
            return said
        # The day before stands again as the run's last: the message shows it.
        stands = self.do.quietly(before, said.incident, Reason.CORRECTED).incident
        return replace(said, incident=stands)


def _place(runs: list[Incident], start: date, within: timedelta) -> int | None:
    """Return the run a day belongs to: the one that has it, else the latest it is near enough to."""
    for i, run in enumerate(runs):
        if start in run.days or start == run.span.start:
            return i
    return next((i for i in reversed(range(len(runs))) if _touches(runs[i], start, within)), None)


def _touches(run: Incident, start: date, within: timedelta) -> bool:
    return run.first_day - within <= start <= run.span.start + within


def _with(run: Incident, day: date) -> Incident:
    """Return the run with a breached day more."""
    return run if day in run.days else replace(run, days=tuple(sorted((*run.days, day))))


def _if_changed(decision: Decision, before: Incident) -> Decision:
    if not same(decision.incident, before):
        return decision
    return Decision(decision.rule_id, decision.group, decision.reason, decision.events)


_STATE = attrgetter(*(part.name for part in fields(Incident) if part.name not in ("reason", "changed_at")))


def same(after: Incident | None, before: Incident) -> bool:
    """Tell whether nothing about an incident changed but when it was looked at."""
    return after is None or after is before or bool(_STATE(after) == _STATE(before))


def _merge(changed: dict[str, Decision], decision: Decision) -> None:
    """Fold the decisions on one incident into one: all events, the last state, the last reason that spoke."""
    key = decision.incident.fingerprint if decision.incident else f"silent {decision.reason}"
    before = changed.get(key)
    if before is None:
        changed[key] = decision
        return
    if before.events:
        reason = decision.reason if decision.events else before.reason
        decision = replace(decision, reason=reason, events=(*before.events, *decision.events))
    changed[key] = decision
