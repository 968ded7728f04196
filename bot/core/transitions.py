"""What can become of one incident in one tick: it opens, rises, falls, goes on, ends; aloud or in silence."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from bot.core.incident import Event, Finding, Incident, Reason, Transition, fingerprint
from bot.core.rules.book import rank
from bot.core.spend import Group
from bot.core.units import Unit


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one rule and group, and why; the silent ones too."""

    rule_id: str
    group: Group
    reason: str
    events: tuple[Event, ...] = ()
    incident: Incident | None = None
    """Its state from now on, when it differs from before."""


def higher(finding: Finding, incident: Incident) -> bool:
    """Tell whether a level above all that people were told of is true."""
    top = finding.top
    if top is None:
        return False
    said = max((finding.place(label) for label in incident.said_levels), default=-1)
    if said < 0 and incident.announced and not any(map(is_forecast, incident.said_levels)):
        # None of the announced levels exists any more: what was heard of the spending decides.
        return incident.said < top.at(finding.amount)
    return finding.place(top.label) > said


def is_forecast(label: str) -> bool:
    """Tell whether a level is about the forecast, by its name."""
    return label.startswith("forecast ")


def graver(finding: Finding, incident: Incident) -> bool:
    """Tell whether the finding is more severe than every level people were told of."""
    every = (*finding.levels, *getattr(finding.rule, "thresholds", ()))
    said = (level.severity for level in every if level.label in incident.said_levels)
    return rank(finding.severity or "") > max((rank(severity) for severity in said), default=-1)


def near(finding: Finding, incident: Incident) -> bool:
    """Tell whether the value is only just below the incident's level, so that it would flap."""
    place = finding.place(incident.level)
    if place < 0 or finding.value <= 0 or finding.holding is not None:
        return False
    at = finding.levels[place].at(finding.amount)
    return at - finding.rule.unit.margin(finding.amount) <= finding.value < at


@dataclass(frozen=True, slots=True)
class Transitions:
    """The transitions at one instant: every method returns values and changes nothing."""

    now: datetime
    organization: str
    first: bool
    """The rule is evaluated for the first time: what was over before it is recorded and not announced."""

    def open(self, finding: Finding, occurrence: str, days: tuple[date, ...] = ()) -> Decision:
        """Begin an incident."""
        rule, top, foremost = finding.rule, finding.top, finding.foremost
        assert foremost is not None
        silent = self.first and finding.closed
        over = silent and rule.shape != "now"
        labels = tuple(level.label for level in (*finding.reached, *finding.foreseen))
        reason = Reason.FIRST if top else Reason.FORESEEN
        if finding.closed and rule.shape != "now":
            reason = Reason.LATE
        if silent:
            reason = Reason.BEFORE_THE_RULE
        incident = Incident(
            fingerprint=fingerprint(rule.id, self.organization, finding.group, occurrence),
            rule_id=rule.id,
            group=finding.group,
            occurrence=occurrence,
            # What is so goes on unsaid for as long as it is so; what is over is over.
            state="ended" if over else "firing",
            level=top.label if top else "",
            severity=finding.severity or "",
            said_levels=() if silent else labels,
            value=finding.value,
            amount=finding.amount,
            said=finding.value,
            peak=finding.value,
            span=finding.span,
            days=tuple(sorted({*days, finding.span.start})),
            opened_at=self.now,
            changed_at=self.now,
            ended_at=self.now if over else None,
            reason=reason,
            forecast=finding.foreseen[-1].label if finding.foreseen else "",
        )
        if silent:
            return Decision(rule.id, finding.group, reason, (), incident)
        incident, event = self.event(incident, finding, "fired", foremost.label, reason, passed=labels)
        return Decision(rule.id, finding.group, reason, (event,), incident)

    def follow(self, finding: Finding, incident: Incident) -> Decision:
        """The same period again: a level higher, a level lower, or only another figure."""
        because = _because(incident, finding)
        if higher(finding, incident):
            loud = graver(finding, incident)
            return self.say(finding, incident, "raised", Reason.HIGHER, loud=loud, because=because)
        before = finding.place(incident.level)
        after = finding.place(finding.top.label) if finding.top else -1
        if before < 0 and incident.level:
            # The rule no longer has the level it stood at: nothing happened that anybody should hear.
            return self.quietly(finding, incident, Reason.BUDGET_CHANGED)
        if after > before:
            if _another_day(finding, incident) and incident.reason != Reason.CORRECTED and not because:
                return self.go_on(finding, incident)
            loud = finding.value * 10 >= incident.peak * 11
            return self.say(finding, incident, "recrossed", Reason.RECROSSED, loud=loud, because=because)
        if after < before:
            if incident.amount < finding.amount:
                return self._retire(finding, incident)
            if near(finding, incident):
                return self.quietly(finding, incident, Reason.NEAR, keep_level=True)
            return self.say(finding, incident, "corrected", Reason.CORRECTED)
        if _another_day(finding, incident):
            return self.go_on(finding, incident)
        return self.quietly(finding, incident, Reason.ALREADY_SAID)

    def go_on(self, finding: Finding, run: Incident, *, keep_span: bool = False) -> Decision:
        """A run's later day: the message is edited, and people hear of it only 25% above the run's peak."""
        grew = finding.value * 4 >= run.peak * 5 and run.said < finding.value
        if grew and not finding.rule.falls:
            return self.say(finding, run, "continued", Reason.RUN_GOES_ON, keep_span=keep_span)
        if keep_span:
            return Decision(
                run.rule_id, run.group, Reason.ALREADY_SAID, (), replace(run, changed_at=self.now)
            )
        return self.quietly(finding, run, Reason.RUN_GOES_ON)

    def _retire(self, finding: Finding, incident: Incident) -> Decision:
        """The amount went up: levels no longer true are retired, to be announced again when they come."""
        reached = {level.label for level in finding.reached}
        kept = tuple(label for label in incident.said_levels if label in reached) or incident.said_levels[:1]
        return self.quietly(finding, replace(incident, said_levels=kept), Reason.BUDGET_CHANGED)

    def say(
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
        reached = tuple(level.label for level in finding.reached)
        new = tuple(label for label in reached if label not in incident.said_levels)
        taken = self._take(finding, incident, reason, keep_span=keep_span)
        known = {*incident.said_levels, *new}
        ordered = tuple(level.label for level in finding.levels if level.label in known)
        taken = replace(
            taken,
            said=finding.value,
            said_levels=(*(label for label in incident.said_levels if label not in ordered), *ordered),
            peak=max(incident.peak, incident.value, finding.value),
        )
        taken, event = self.event(
            taken,
            finding,
            transition,
            finding.top.label if finding.top else "",
            reason,
            passed=new,
            said_before=incident.said,
            loud=loud,
            because=because,
        )
        # A forecast that stands beside it has said its own severity.
        event = replace(
            event, severity=max((level.severity for level in finding.reached), key=rank, default="")
        )
        return Decision(taken.rule_id, taken.group, reason, (event,), taken)

    def quietly(
        self, finding: Finding, incident: Incident, reason: Reason, *, keep_level: bool = False
    ) -> Decision:
        """Take the figures over; if they changed, the message is edited and nobody is notified."""
        taken = self._take(finding, incident, reason, keep_level=keep_level)
        return Decision(incident.rule_id, incident.group, reason, (), taken)

    def end(self, incident: Incident, reason: Reason, *, aloud: bool = True) -> Decision:
        """The period or the run is over, or its rule is gone."""
        # The final card shows the figure, so a later change is measured from it.
        ended = replace(
            incident,
            state="ended",
            ended_at=self.now,
            changed_at=self.now,
            reason=reason,
            said=incident.value,
        )
        if incident.state == "ok" or not incident.announced or not aloud:
            # Corrected before: the thread has said so already.
            return Decision(incident.rule_id, incident.group, reason, (), ended)
        ended, event = self.event(ended, None, "ended", incident.foremost, reason, said_before=incident.said)
        return Decision(incident.rule_id, incident.group, reason, (event,), ended)

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
        # An ended one keeps why it ended, and a mere figure does not change why it stands as it does.
        kept = incident.state == "ended" or reason in (Reason.ALREADY_SAID, Reason.NEAR)
        # The bar of a run's later day is what came before that day, or it would rise with every poll.
        peak = incident.peak if _another_day(finding, incident) else max(incident.peak, finding.value)
        why = incident.reason if kept else reason
        if keep_span:
            return replace(incident, peak=peak, reason=why, changed_at=self.now)
        state = incident.state
        if state != "ended":
            state = "firing" if top or keep_level or incident.forecast else "ok"
        return replace(
            incident,
            peak=peak,
            reason=why,
            changed_at=self.now,
            value=finding.value,
            amount=finding.amount,
            span=finding.span,
            state=state,
            level=incident.level if keep_level else top.label if top else "",
            severity=incident.severity if keep_level else finding.severity or "",
        )

    def event(
        self,
        incident: Incident,
        finding: Finding | None,
        transition: Transition,
        level: str,
        reason: str,
        *,
        passed: tuple[str, ...] = (),
        said_before: int = 0,
        loud: bool = False,
        because: str = "",
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
            value=finding.value if finding else incident.value,
            severity=(finding.severity or "") if finding else incident.severity,
            said_before=said_before,
            passed=passed,
            quiet=not loud,
            because=because,
            period=finding.period if finding else "",
            days=tuple(day for day in incident.days if finding and day <= finding.span.start),
        )
        return replace(incident, counts={**incident.counts, counted: n + 1}), event


def _another_day(finding: Finding, incident: Incident) -> bool:
    """Tell whether a run stands at a later day (or week) than its first."""
    return finding.rule.shape == "run" and len(incident.days) > 1


def _because(incident: Incident, finding: Finding) -> str:
    """Return what changed the budget, when the spending alone would not have reached the level."""
    top = finding.top
    if top is None or incident.amount == finding.amount or finding.holding is not None:
        return ""
    if finding.value >= top.at(incident.amount):
        return ""
    unit = finding.rule.unit
    return f"the budget changed from {_round(incident.amount, unit)} to {_round(finding.amount, unit)}"


def _round(amount: int, unit: Unit) -> str:
    return unit.show(amount, cents=amount % unit.scale != 0)
