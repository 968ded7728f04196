"""Periods of UTC days. OpenAI's cost buckets are UTC days, so every period rolls over at 00:00 UTC.

A `Span` is half-open: `start` belongs to it, `end` does not. A `Period` is what a rule says (`month`,
`{rolling: 30d}`); asked which span contains a day, it answers without dividing by elapsed time.
"""

from calendar import month_abbr, month_name
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

DAY = timedelta(days=1)


def midnight(day: date) -> datetime:
    """Return the instant a UTC day begins."""
    return datetime.combine(day, time(), UTC)


def epoch(day: date) -> int:
    """Return the Unix second a UTC day begins: the key of its bucket."""
    return (day.toordinal() - _EPOCH_ORDINAL) * 86_400


_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The UTC days from `start` up to, without, `end`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last(self) -> date:
        """Return the last day inside."""
        return self.end - DAY

    @property
    def ends_at(self) -> datetime:
        """Return the instant after which the span is over."""
        return midnight(self.end)

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


def show_day(day: date) -> str:
    """Return `22 Nov`."""
    return f"{day.day} {month_abbr[day.month]}"


def show_span(span: Span) -> str:
    """Return `1–22 Nov`, `28 Oct – 3 Nov`, `2026-10-01 – 2027-01-31` across years."""
    first, last = span.start, span.last
    if first == last:
        return show_day(first)
    if first.year != last.year:
        return f"{first} – {last}"
    if first.month == last.month:
        return f"{first.day}–{show_day(last)}"
    return f"{show_day(first)} – {show_day(last)}"


PeriodKind = Literal["day", "week", "month", "quarter", "year", "rolling", "fixed"]


@dataclass(frozen=True, slots=True)
class Period:
    """What a rule's `period` says, with the calendar it counts by."""

    kind: PeriodKind
    week_starts: int = 0
    """Monday is 0."""
    year_starts: tuple[int, int] = (1, 1)
    """Month and day a (fiscal) year begins; its quarters begin three, six and nine months later."""
    rolling_days: int = 0
    fixed: Span | None = None

    def containing(self, day: date) -> Span | None:
        """Return the span that `day` belongs to; None outside a fixed period. Rolling: the days up to it."""
        match self.kind:
            case "day":
                return Span(day, day + DAY)
            case "week":
                start = day - timedelta(days=(day.weekday() - self.week_starts) % 7)
                return Span(start, start + timedelta(days=7))
            case "month":
                return self._months(day.replace(day=1), 1)
            case "quarter":
                start = self._year_start(day)
                while (following := _add_months(start, 3)) <= day:
                    start = following
                return self._months(start, 3)
            case "year":
                return self._months(self._year_start(day), 12)
            case "rolling":
                return Span(day - timedelta(days=self.rolling_days - 1), day + DAY)
            case "fixed":
                return self.fixed if self.fixed and day in self.fixed else None

    def before(self, span: Span) -> Span | None:
        """Return the span that ended where `span` begins; None where periods do not follow one another."""
        if self.kind in ("rolling", "fixed"):
            return None
        return self.containing(span.start - DAY)

    @property
    def runs(self) -> bool:
        """Tell whether breaches form runs (days, weeks, rolling) instead of one incident a period."""
        return self.kind in ("day", "week", "rolling")

    def name(self, span: Span) -> str:
        """Return how people call the span: `November`, `Q4`, `22 Nov`, `the week of 16 Nov`, `the last 30 days`."""
        match self.kind:
            case "day":
                return show_day(span.start)
            case "week":
                return f"the week of {show_day(span.start)}"
            case "month":
                return month_name[span.start.month]
            case "quarter" if self.year_starts == (1, 1):
                return f"Q{(span.start.month + 2) // 3} {span.start.year}"
            case "quarter":
                return f"the quarter from {show_day(span.start)}"
            case "year" if self.year_starts == (1, 1):
                return str(span.start.year)
            case "year":
                return f"the year from {show_day(span.start)} {span.start.year}"
            case "rolling":
                return f"the last {self.rolling_days} days"
            case "fixed":
                return show_span(span)

    def _year_start(self, day: date) -> date:
        month, first = self.year_starts
        start = date(day.year, month, first)
        return start if start <= day else date(day.year - 1, month, first)

    def _months(self, start: date, months: int) -> Span:
        return Span(start, _add_months(start, months))


def _add_months(day: date, months: int) -> date:
    # Calendars may not start a year after the 28th, so the day exists in every month.
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, day.day)
