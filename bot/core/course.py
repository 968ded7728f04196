"""A month as it went and as it is likely to go on, day by day, for what a question selects."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import accumulate

from bot.core.filters import Filter, scope_of
from bot.core.forecast import NEEDS_HISTORY, Forecast, Pace
from bot.core.forecasting import LOOKS_BACK
from bot.core.kinds.budget import amount_of
from bot.core.limits import Limits
from bot.core.needs import settled_until
from bot.core.period import DAY, Period, Span
from bot.core.rules.book import Budget, Origin, Rulebook
from bot.core.spend import Group, Spend
from bot.core.view import COST, LIVE

ASKED = Budget("", "budget", Origin("", 0), period=Period("month"))
"""The month of what nobody has set a budget for."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a month has come to by the end of a day: `low` to `high` holds it four times in five."""

    low: int
    total: int
    high: int


@dataclass(frozen=True, slots=True)
class Course:
    """A month's spend. Money in nano-dollars."""

    month: Span
    spent: tuple[int, ...]
    """What was spent from the month's start to the end of each day that is known, the running one among them."""
    amount: int | None = None
    """The budget of just this; None where there is none."""
    ahead: tuple[Reach, ...] = ()
    """What it will have come to at the end of each day after those; empty without a forecast."""
    why: str = ""
    """Why there is no forecast of a month that runs."""

    @property
    def known_until(self) -> date:
        """Return the first day of which nothing is known."""
        return self.month.start + len(self.spent) * DAY

    @property
    def total(self) -> int:
        """Return what was spent so far."""
        return self.spent[-1] if self.spent else 0

    @property
    def end(self) -> Reach | None:
        """Return what the month will come to; None without a forecast, and of a month that is over."""
        return self.ahead[-1] if self.ahead else None


def month_of(span: Span, today: date) -> Span | None:
    """Return the month that a range is: a whole one, or the running one so far; None of any other range."""
    month = Period("month").containing(span.start)
    if month is None or span.start != month.start:
        return None
    return month if span.end == month.end or span.end == today + DAY <= month.end else None


def days_needed(month: Span, today: date) -> Span:
    """Return the days the scan must be cut at, every one of them: a month that runs is looked ahead from its past."""
    if today not in month:
        return month
    return Span(month.start - LOOKS_BACK, today + DAY)


def course(
    book: Rulebook, spend: Spend, filters: Sequence[Filter], limits: Limits, month: Span, now: datetime
) -> Course | None:
    """Return how the month goes, from a scan cut at every one of `days_needed`; None where not all of it is stored."""
    begins, read = spend.history_from, spend.as_of
    if begins is None or read is None or month.start < begins or read.date() < month.start:
        return None
    # Of the days since costs were last read nothing is known: they are not days without spend.
    moment = now if now - read < DAY else read
    until = min(month.end, moment.date() + DAY)
    rule, amount = budget_of(book, spend, filters, limits, Span(month.start, until))
    told = Course(month, _summed(_days(spend, filters, Span(month.start, until))), amount)
    if until >= month.end:
        return told
    first, settled_end = max(month.start - LOOKS_BACK, begins), settled_until(rule, moment)
    settled = _days(spend, filters, Span(first, settled_end)) if first < settled_end else []
    seen = _days(spend, filters, Span(max(first, settled_end), until))
    if not any(settled):
        return replace(told, why=f"needs {NEEDS_HISTORY} settled days, has 0")
    pace = Pace(first, settled)
    whole = pace.forecast(month, seen)
    if not isinstance(whole, Forecast):
        return replace(told, why=f"needs {whole.need_days} settled days, has {whole.have_days}")
    return replace(told, ahead=_ahead(pace, month, seen, until))


def budget_of(
    book: Rulebook, spend: Spend, filters: Sequence[Filter], limits: Limits, span: Span
) -> tuple[Budget, int | None]:
    """Return the monthly budget of just what the filters select, and its amount; the bare month where there is none."""
    for metric in (COST, LIVE):
        for rule in book.rules:
            if not (isinstance(rule, Budget) and rule.period.kind == "month" and rule.metric == metric):
                continue
            if not rule.active_on(span.last):
                continue
            group = _group_of(rule, spend, filters, span)
            if group is None:
                continue
            amount = amount_of(rule, group, spend.names, limits, span)
            if amount is not None:
                return rule, amount
    return ASKED, None


def _group_of(rule: Budget, spend: Spend, filters: Sequence[Filter], span: Span) -> Group | None:
    """Return the group of a rule that is just what the filters select: `search-prod` of a budget for each project."""
    asked, scope = scope_of(filters), rule.scope
    if not scope.each and (scope.select, scope.excluded) == (asked.select, asked.excluded):
        return ()
    if len(filters) != 1 or set(scope.dimensions) != {filters[0].key}:
        return None
    key, names = filters[0].key, spend.names.of
    wanted = [group for group in spend.by((key,), span) if filters[0].admits(group[0], names(key, group[0]))]
    held = [group for group in spend.by((key,), span) if scope.admits({key: group[0]}, names)]
    if not scope.each:
        # `search-*` and `search-prod` are the same sum where nothing else is called so.
        return () if wanted and wanted == held else None
    return wanted[0] if len(wanted) == 1 and filters[0].op == "=" and wanted[0] in held else None


def _days(spend: Spend, filters: Sequence[Filter], span: Span) -> list[int]:
    scope = scope_of(filters)
    days = (span.start + n * DAY for n in range(span.days))
    return [spend.within(scope, Span(day, day + DAY)).get((), 0) for day in days]


def _summed(days: Sequence[int]) -> tuple[int, ...]:
    return tuple(accumulate(days))


def _ahead(pace: Pace, month: Span, seen: Sequence[int], until: date) -> tuple[Reach, ...]:
    """Return what the forecasts of ever shorter parts of the month say, so that the last is the month's own."""
    reached: list[Reach] = []
    for back in range((month.end - until).days):
        part = pace.forecast(Span(month.start, month.end - back * DAY), seen)
        assert isinstance(part, Forecast)  # what the whole month needs is enough for a part of it
        # Near days may be less sure than far ones, and credits fall: a sum that grows is drawn as one.
        later = reached[-1] if reached else Reach(part.low, part.total, part.high)
        reached.append(
            Reach(min(part.low, later.low), min(part.total, later.total), min(part.high, later.high))
        )
    return tuple(reversed(reached))
