"""Findings + what was said + now → incidents and events, each with its reason.

Month, quarter, year and fixed budgets have one incident a period; days, weeks, rolling periods and the rules
about settled days form runs; what is so now is one incident for as long as it is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby

from bot.core.foresight import foresee
from bot.core.incident import Finding, Incident, Reason
from bot.core.rules.book import Rulebook
from bot.core.runs import Runs, same
from bot.core.spend import Group
from bot.core.transitions import Decision, Transitions, higher, near

__all__ = ["Decision", "Said", "decide"]


@dataclass(frozen=True, slots=True)
class Said:
    """What the database remembers: open and lately closed incidents, and how many runs there were."""

    incidents: tuple[Incident, ...] = ()
    runs: Mapping[tuple[str, Group], int] = field(default_factory=dict)
    rules: frozenset[str] = frozenset()
    """Rules evaluated before: a rule's first evaluation announces nothing that was over before it."""


def decide(
    book: Rulebook,
    findings: Sequence[Finding],
    said: Said,
    now: datetime,
    *,
    organization: str,
    learning: Collection[str] = (),
) -> list[Decision]:
    """Return one decision for each (rule, group) that has a finding or an incident.

    `learning` names rules that could not be judged for want of history: their incidents stay as they are.
    """
    known: dict[tuple[str, Group], list[Incident]] = {}
    for incident in said.incidents:
        known.setdefault((incident.rule_id, incident.group), []).append(incident)
    decisions: list[Decision] = []
    seen: set[tuple[str, Group]] = set()
    again = Transitions(now, organization, first=False)
    anew = Transitions(now, organization, first=True)
    for key, group in groupby(sorted(findings, key=_order), key=lambda f: (f.rule.id, f.group)):
        seen.add(key)
        do = again if key[0] in said.rules else anew
        mine, incidents = list(group), known.get(key, [])
        shape = mine[0].rule.shape
        fitting = [incident for incident in incidents if _is_run(incident) == (shape != "period")]
        match shape:
            case "run":
                decisions.extend(Runs(do, mine).decide(fitting, said.runs.get(key, 0)))
            case "now":
                decisions.append(_as_it_is(do, mine[-1], fitting, said.runs.get(key, 0)))
            case _:
                decisions.extend(_periods(do, mine, fitting))
        decisions.extend(
            do.end(incident, Reason.PERIOD_CHANGED)
            for incident in incidents
            if incident not in fitting and incident.state != "ended"
        )
    for key, incidents in known.items():
        if key not in seen and key[0] not in learning:
            decisions.extend(
                again.end(incident, _why_left(incident, book, now))
                for incident in incidents
                if incident.state != "ended"
            )
    return decisions


def _order(finding: Finding) -> tuple[str, Group, date]:
    return (finding.rule.id, finding.group, finding.span.start)


def _is_run(incident: Incident) -> bool:
    return incident.occurrence.startswith("#")


def _why_left(incident: Incident, book: Rulebook, now: datetime) -> Reason:
    rule = book.rule(incident.rule_id)
    if rule is None:
        return Reason.RULE_REMOVED
    if not rule.active_on(now.date()):
        return Reason.INACTIVE
    if incident.span.ends_at <= now:
        return Reason.RUN_OVER if _is_run(incident) else Reason.PERIOD_OVER
    return Reason.GROUP_LEFT


# -- as long as it is so --------------------------------------------------------------------------------


def _as_it_is(do: Transitions, finding: Finding, incidents: list[Incident], count: int) -> Decision:
    open_ = next((incident for incident in incidents if incident.state != "ended"), None)
    if finding.top is None:
        if open_ is None:
            return Decision(finding.rule.id, finding.group, Reason.BELOW)
        return do.end(open_, Reason.OVER, aloud=finding.rule.ends_aloud)
    if open_ is None:
        return do.open(finding, f"#{count + 1}")
    heard = open_.announced
    decision = do.follow(finding, open_) if heard else do.quietly(finding, open_, Reason.BEFORE_THE_RULE)
    return replace(decision, incident=None) if same(decision.incident, open_) else decision


# -- one incident a period -----------------------------------------------------------------------------


def _periods(do: Transitions, findings: Iterable[Finding], incidents: list[Incident]) -> Iterable[Decision]:
    by_start = {incident.occurrence: incident for incident in incidents}
    for finding in findings:
        incident = by_start.pop(finding.span.start.isoformat(), None)
        decision = _period(do, finding, incident)
        if incident is not None and same(decision.incident, incident):
            decision = replace(decision, incident=None)
        yield decision
    for incident in by_start.values():
        if incident.state != "ended":
            # No longer judged: the bot slept through the end of it, or the rule counts otherwise now.
            over = incident.span.ends_at <= do.now
            yield do.end(incident, Reason.PERIOD_OVER if over else Reason.PERIOD_CHANGED)


def _period(do: Transitions, finding: Finding, incident: Incident | None) -> Decision:
    if incident is None:
        if finding.foremost is None:
            return Decision(finding.rule.id, finding.group, Reason.BELOW)
        return _opened(do, finding, finding.span.start.isoformat())
    if not incident.announced:
        top = finding.top
        if top is None or finding.place(top.label) <= finding.place(incident.level):
            return do.quietly(finding, incident, Reason.BEFORE_THE_RULE)
        return _opened(do, finding, incident.occurrence)
    if incident.state == "ended" and finding.closed:
        return _restate(do, finding, incident)
    if incident.state == "ended":
        # Its rule was taken out, or switched off, and is back within the period.
        incident = replace(incident, state="firing" if incident.level else "ok", ended_at=None)
    decision = foresee(do, finding, incident, do.follow(finding, incident))
    return _close(do, decision, incident) if finding.closed else decision


def _opened(do: Transitions, finding: Finding, occurrence: str) -> Decision:
    decision = do.open(finding, occurrence)
    incident = decision.incident
    if finding.closed and incident is not None and incident.state != "ended":
        # Opened late: the message itself says that the period is over.
        return replace(decision, incident=replace(incident, state="ended", ended_at=do.now))
    return decision


def _close(do: Transitions, decision: Decision, before: Incident) -> Decision:
    """End an incident whose period is over, on top of what else became of it."""
    ended = do.end(decision.incident or before, Reason.PERIOD_OVER)
    return replace(ended, events=(*decision.events, *ended.events))


def _restate(do: Transitions, finding: Finding, incident: Incident) -> Decision:
    if higher(finding, incident):
        return do.say(finding, incident, "restated", Reason.RESTATED, loud=True)
    if abs(finding.value - incident.said) > finding.rule.unit.margin(finding.amount):
        return do.say(finding, incident, "restated", Reason.RESTATED)
    return do.quietly(finding, incident, Reason.ALREADY_SAID, keep_level=near(finding, incident))
