"""What a budget's period will come to at the pace its group keeps: told on the card, never a reason to speak."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bot.core.forecast import Forecast, Pace
from bot.core.incident import Finding
from bot.core.limited import limited_project
from bot.core.limits import CutOff, Limit, Limits, cut_off
from bot.core.needs import settled_until
from bot.core.period import DAY, Span
from bot.core.rules.select import Scope
from bot.core.spend import Group, Names, Spend

LOOKS_BACK = timedelta(days=100)
"""Eight weeks of weekdays, thirty past forecasts and a month ahead of the first of them."""
KINDS = ("week", "month", "quarter", "year", "fixed")
"""Periods that have a course: a day has none, and a rolling one ends today."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a period is on course for. Money in nano-dollars; `low` to `high` holds it four times in five."""

    total: int
    low: int
    high: int
    settled_until: str
    """The first day that was not settled when this was said."""
    runs_out_at: str = ""
    """ISO 8601 instant at which the amount is used up; '' when it is not within the period."""


def has_course(finding: Finding, now: datetime) -> bool:
    """Tell whether the finding's period is one that goes on and has a course."""
    return finding.rule.cadence in KINDS and not finding.closed and now.astimezone(UTC).date() in finding.span


def limited_by(finding: Finding, limits: Limits, names: Names) -> Limit | None:
    """Return OpenAI's hard limit that the finding's project is under, or the organization; None where none is set."""
    project = limited_project(finding.rule, finding.group, names)
    if project is None:
        return None
    limit = limits.of(project)
    return limit if limit.status == "set" and limit.amount is not None else None


def days_needed(finding: Finding, spend: Spend, now: datetime) -> tuple[date, ...]:
    """Return every day the scan must be cut at to look ahead, today's end included; () without history."""
    if spend.history_from is None:
        return ()
    today = now.astimezone(UTC).date()
    starts = min(finding.span.start, today.replace(day=1), settled_until(finding.rule, now) - LOOKS_BACK)
    first = max(spend.history_from, starts)
    return tuple(first + timedelta(days=n) for n in range((today - first).days + 2))


class Courses:
    """Looks ahead for many groups over one daily scan."""

    def __init__(self, daily: Spend, now: datetime) -> None:
        self._daily = daily
        self._now = now
        self._days = [Span(day, day + DAY) for day in daily.cuts[:-1]]
        self._keys: dict[Scope, tuple[tuple[str, ...], dict[Group, list[Group]]]] = {}

    def of(self, finding: Finding) -> Outlook | None:
        """Return what the finding's period is on course for; None while there is too little history."""
        until = settled_until(finding.rule, self._now)
        amounts = self._amounts(finding)
        settled = [amount for day, amount in zip(self._days, amounts, strict=True) if day.start < until]
        if not settled:
            return None
        pace, seen = Pace(self._days[0].start, settled), amounts[len(settled) :]
        ahead = pace.forecast(finding.span, seen)
        if not isinstance(ahead, Forecast):
            return None
        runs_out = (
            pace.crosses(finding.span, finding.amount, seen, self._now)
            if finding.value < finding.amount
            else None
        )
        return Outlook(
            ahead.total,
            ahead.low,
            ahead.high,
            until.isoformat(),
            runs_out.strftime("%Y-%m-%dT%H:%M:%SZ") if runs_out else "",
        )

    def cut_off(self, finding: Finding, limits: Limits) -> CutOff | None:
        """Return when OpenAI stops answering the finding's project; None where no limit is known to be set."""
        names = self._daily.names
        limit = limited_by(finding, limits, names)
        project = limited_project(finding.rule, finding.group, names)
        if limit is None or project is None:
            return None
        until = settled_until(finding.rule, self._now)
        if project:
            amounts = [self._daily.by(("project",), day).get((project,), 0) for day in self._days]
        else:
            amounts = [self._daily.by((), day).get((), 0) for day in self._days]
        settled = [amount for day, amount in zip(self._days, amounts, strict=True) if day.start < until]
        if not settled:
            return None
        return cut_off(limit, Pace(self._days[0].start, settled), amounts[len(settled) :], self._now)

    def _amounts(self, finding: Finding) -> list[int]:
        """Return what the finding's group spent on each day of the scan."""
        scope = finding.rule.scope
        if set(scope.dimensions) <= set(scope.each):
            # What the rule selects by, its groups are told apart by: the group's spend is all in the scope.
            return [self._daily.by(scope.each, day).get(finding.group, 0) for day in self._days]
        known = self._keys.get(scope)
        if known is None:
            whole = Span(self._days[0].start, self._days[-1].end)
            known = self._keys[scope] = self._daily.keys(scope, whole)
        dimensions, keys = known
        mine = keys.get(finding.group, ())
        return [
            sum(sums.get(key, 0) for key in mine)
            for sums in (self._daily.by(dimensions, d) for d in self._days)
        ]
