"""What a period will cost at the pace a group keeps, and how sure that is.

    pace = Pace(first_day, settled)                      # nano-dollars a UTC day, oldest first
    outlook = pace.forecast(november, seen=(31 * NANO, 4 * NANO))
    if isinstance(outlook, Forecast):
        outlook.total, outlook.low, outlook.high, outlook.probability_over(budget)

A day's forecast is level x weekday factor; the level is the median of three: the mean of the last 7 days,
that of the last 28, and simple exponential smoothing of the weekday-adjusted days. No trend is carried
on: extrapolated trends hurt. Days seen but not settled (the running one among them) can only grow, so
what was seen of each is its floor. How sure it is, it learns from its own past errors at the same
horizon. `python -m tests.evaluation` scores it beside what others do.

Everything is a function of the days. A `Pace` remembers what it worked out, so ten thresholds of a
group, or the probability on every day of its month, cost little more than its first forecast.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate, cycle, pairwise
from math import erfc, exp, log, sqrt
from typing import Literal, Self

from bot.core.period import DAY, Span, midnight
from bot.core.weekdays import WEEK, Weekdays, median

NEEDS_HISTORY = 14
"""Settled days since a group's first spend that a forecast needs, or else `NEEDS_OF_PERIOD`."""
NEEDS_OF_PERIOD = 5
CONFIDENCE = 0.8
RELEASE = 0.3
"""How far below its confidence a forecast falls before it is taken back."""
SMOOTHING = 0.2
"""The best of 0.1 to 0.5 on every other public series; the others scored it, where 0.2 to 0.5 differ little."""
QUIET_WEEKDAY = 0.1
"""Smoothing leaves out weekdays on which next to nothing happens: dividing by their factor magnifies noise."""
MONTH = 4 * WEEK
ORIGINS = 30
"""Past days from which the forecaster is asked what it would have said."""
FEWEST_ORIGINS = 4
WIDENED = 1.4
"""Errors of neighbouring origins resemble each other: unwidened 80% intervals covered 71%."""
NARROWEST = 0.03
UNPROVEN = 0.35
"""The spread assumed with fewer than `FEWEST_ORIGINS` origins."""
WORST_ERROR = 3.0
"""A past log error counts for no more (twenty times off): launches and silences have no finite one."""
TENTH = 1.2815515655446004
"""Standard deviations above the middle beyond which lies a tenth of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Why there is no forecast: too little `history`, or a period of one `day`, which has none."""

    reason: Literal["history", "day"]
    have_days: int = 0
    need_days: int = NEEDS_HISTORY


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a period will come to, in nano-dollars. `low` to `high` holds it four times in five."""

    period: Span
    settled_until: date
    """The first day that was not settled; the days before it are exact."""
    certain: int
    """What the period cannot fall below: the settled sum and what was seen of the days since."""
    total: int
    low: int
    high: int
    sigma: float
    """The standard deviation of the logarithm of what is still to come; 0 when nothing is."""
    origins: int
    """How many past forecasts at this horizon `sigma` was learned from; with fewer than 4 it is assumed."""
    past_error: float | None
    """The median of |actual / forecast - 1| of those, as a ratio; None without any."""
    known: int
    """The settled sum with credits seen since: what is not to come."""
    to_come: float

    def probability_over(self, at: int) -> float:
        """Return the probability that the period's total is at or above `at`."""
        if at <= self.certain:
            return 1.0
        if self.to_come <= 0 or self.sigma <= 0:
            return float(at <= self.total)
        return erfc((log(at - self.known) - log(self.to_come)) / self.sigma / sqrt(2)) / 2


class Pace:
    """A group's settled days, and what they say about the next.

    `settled` holds nano-dollars (or any metric's integers) of consecutive UTC days from `first` on, oldest
    first, a day without rows as 0. A group is judged from its first spend: zeros before it are no history.
    Credits count in sums, and as nothing in the pace: money given back says nothing about tomorrow.
    """

    def __init__(self, first: date, settled: Iterable[int] = ()) -> None:
        self.first = first
        self.settled_until = first
        self._sums = [0]
        self._launch = first
        self._launched = False
        self._days: list[float] = []
        self._before = [0.0]
        self._weekdays = Weekdays()
        self._levels: dict[int, float] = {}
        self._ahead: dict[int, tuple[float, tuple[float, ...]]] = {}
        """What a day is worth from a day on, and the sums of the factors of the first 0 to 7 days ahead."""
        self._errors: dict[tuple[int, int], tuple[float, ...]] = {}
        self._chances: dict[tuple[Span, int, date], float | None] = {}
        for value in settled:
            self.add(value)

    def add(self, value: int) -> None:
        """Learn the next settled day: what was worked out for the days before it stays true."""
        self._sums.append(self._sums[-1] + value)
        if value > 0 and not self._launched:
            self._launched, self._launch = True, self.settled_until
            self._days, self._before, self._weekdays = [], [0.0], Weekdays()
            self._levels, self._ahead, self._errors, self._chances = {}, {}, {}, {}
        self.settled_until += DAY
        self._days.append(float(max(value, 0)))
        self._before.append(self._before[-1] + self._days[-1])
        self._weekdays.add(self._days[-1])

    @classmethod
    def of(cls, days: Mapping[date, int], span: Span) -> Self:
        """Return the pace over the settled days of `span`; a day that `days` does not hold cost nothing."""
        return cls(
            span.start, [days.get(span.start + timedelta(days=place), 0) for place in range(span.days)]
        )

    def needs(self, period: Span, until: date | None = None) -> Needs | None:
        """Return what is missing for a forecast of `period`; None when it can be made."""
        if period.days <= 1:
            return Needs("day")
        until = self._until(until)
        have = (until - self._launch).days
        of_period = (until - max(self._launch, period.start)).days
        if have >= NEEDS_HISTORY or of_period >= NEEDS_OF_PERIOD or until >= period.end:
            return None
        return Needs("history", max(have, 0))

    def forecast(self, period: Span, seen: Sequence[int] = (), until: date | None = None) -> Forecast | Needs:
        """Return what `period` will come to.

        `seen` holds what was seen so far of the days after the settled ones, in order: each is its day's
        floor. `until` looks from an earlier day, as if the days from it on were not settled yet.
        """
        until = self._until(until)
        if needs := self.needs(period, until):
            return needs
        known = self.settled_of(period, until)
        ahead = self._path(period, seen, until)
        floor, to_come = 0, 0.0
        for _, got, expected in ahead:
            floor += max(got, 0)
            known += min(got, 0)
            to_come += expected
        errors = self.past_errors(until, (period.end - until).days)
        sigma = _spread(errors) if ahead else 0.0
        total, low, high = (
            known + max(round(to_come * exp(away * sigma)), floor) for away in (0.0, -TENTH, TENTH)
        )
        past = median([abs(exp(error) - 1) for error in errors]) if errors else None
        return Forecast(
            period, until, known + floor, total, low, high, sigma, len(errors), past, known, to_come
        )

    def settled_of(self, period: Span, until: date | None = None) -> int:
        """Return the exact sum of the settled days of `period`; days before `first` are not known, and count 0."""
        return (
            self._sums[self._place(min(self._until(until), period.end))]
            - self._sums[self._place(period.start)]
        )

    def probabilities(self, period: Span, at: int) -> list[float]:
        """Return P(total >= at) as of the end of each settled day of `period`, where there was a forecast.

        From the days as they are known now: a revision rewrites what should have been said.
        """
        last = min(self.settled_until, period.end)
        days = (last - period.start).days
        seen = (self._chance(period, at, period.start + n * DAY) for n in range(1, days + 1))
        return [chance for chance in seen if chance is not None]

    def _chance(self, period: Span, at: int, until: date) -> float | None:
        key = (period, at, until)
        if key not in self._chances:
            view = self.forecast(period, until=until)
            self._chances[key] = view.probability_over(at) if isinstance(view, Forecast) else None
        return self._chances[key]

    def crosses(
        self, period: Span, amount: int, seen: Sequence[int] = (), now: datetime | None = None
    ) -> datetime | None:
        """Return the instant the path of `forecast` reaches `amount`; None when it does not within `period`.

        Within a day it grows evenly; on the running day from what was seen at `now`. An instant still to
        come is never before `now`. Without enough history None too: ask `needs` why.
        """
        if self.needs(period):
            return None
        known, day = 0.0, max(period.start, self.first)
        if amount <= 0:
            return midnight(period.start)
        while day < min(self.settled_until, period.end):
            value = self.settled_of(Span(day, day + DAY))
            if known + value >= amount:
                return _within(midnight(day), midnight(day + DAY), (amount - known) / value)
            known, day = known + value, day + DAY
        for day, got, expected in self._path(period, seen, self.settled_until):
            known += min(got, 0)
            starts, ends, rest, floor = midnight(day), midnight(day + DAY), expected, max(got, 0)
            if known + floor >= amount:
                until = min(ends, max(now, starts)) if now else ends
                return _within(starts, until, (amount - known) / floor)
            if known + expected >= amount:
                if now and now > starts:
                    rest, known, starts = expected - floor, known + floor, min(now, ends)
                found = _within(starts, ends, (amount - known) / rest)
                return max(found, now) if now else found
            known += expected
        return None

    def past_errors(self, until: date, horizon: int) -> tuple[float, ...]:
        """Return log(actual / forecast) of the next `horizon` days from up to 30 past days, newest first.

        Only days settled before `until` are looked at, so nothing in it comes from the future.
        """
        newest = self._at(until) - horizon
        found = self._errors.get((newest, horizon))
        if found is None:
            origins = range(newest, max(NEEDS_HISTORY, newest - ORIGINS + 1) - 1, -1)
            found = tuple(self._error(origin, horizon) for origin in origins) if horizon > 0 else ()
            self._errors[newest, horizon] = found
        return found

    def _error(self, origin: int, horizon: int) -> float:
        ahead = self._ahead.get(origin)
        if ahead is None:
            factors, turn = self._weekdays.factors(origin), origin % WEEK
            sums = tuple(accumulate(factors[turn:] + factors[:turn], initial=0.0))
            ahead = self._ahead[origin] = (self._level(origin), sums)
        level, sums = ahead
        whole, rest = divmod(horizon, WEEK)
        forecast = level * (WEEK * whole + sums[rest])
        actual = self._before[origin + horizon] - self._before[origin]
        if forecast <= 0 or actual <= 0:
            return 0.0 if forecast <= 0 and actual <= 0 else WORST_ERROR if actual > 0 else -WORST_ERROR
        return max(-WORST_ERROR, min(WORST_ERROR, log(actual / forecast)))

    def _path(self, period: Span, seen: Sequence[int], until: date) -> list[tuple[date, int, float]]:
        """Return each day of `period` that is not settled: what was seen of it, and what it will come to."""
        origin = self._at(until)
        factors, level = self._weekdays.factors(origin), self._level(origin)
        path = []
        begin = max(0, (period.start - until).days)
        day = until + begin * DAY
        for place in range(begin, (period.end - until).days):
            got = seen[place] if place < len(seen) else 0
            expected = level * factors[(origin + place) % WEEK]
            path.append((day, got, max(float(got), expected)))
            day += DAY
        return path

    def _level(self, origin: int) -> float:
        """Return what a day is worth, from the first `origin` days since the launch alone."""
        found = self._levels.get(origin)
        if found is None:
            found = self._levels[origin] = median(self._three(origin)) if origin else 0.0
        return found

    def _three(self, origin: int) -> tuple[float, float, float]:
        before = self._before
        week = min(WEEK, origin)
        month = min(MONTH, origin // WEEK * WEEK or origin)  # whole weeks: each weekday as often
        of_week = (before[origin] - before[origin - week]) / week
        of_month = (before[origin] - before[origin - month]) / month
        # Starting from the month's mean, what is older than a month would weigh 0.8 ** 28 = 0.2%.
        smooth, oldest = of_month, max(0, origin - MONTH)
        factors = self._weekdays.factors(origin)
        in_step = factors[oldest % WEEK :] + factors[: oldest % WEEK]
        for value, factor in zip(self._days[oldest:origin], cycle(in_step), strict=False):
            if factor >= QUIET_WEEKDAY:
                smooth += SMOOTHING * (value / factor - smooth)
        return of_week, of_month, smooth

    def _until(self, until: date | None) -> date:
        return self.settled_until if until is None else min(max(until, self.first), self.settled_until)

    def _place(self, day: date) -> int:
        return min(max((day - self.first).days, 0), len(self._sums) - 1)

    def _at(self, day: date) -> int:
        return max((day - self._launch).days, 0)


def raised(probabilities: Sequence[float], confidence: float = CONFIDENCE) -> bool:
    """Tell whether a forecast alert stands after these settled days' probabilities, oldest first.

    Two days in a row at or above `confidence` raise it; two in a row below `confidence` - 0.3 take it back.
    """
    stands = False
    for before, today in pairwise(probabilities):
        if min(before, today) >= confidence:
            stands = True
        elif max(before, today) < confidence - RELEASE:
            stands = False
    return stands


def _spread(errors: Sequence[float]) -> float:
    if len(errors) < FEWEST_ORIGINS:
        return UNPROVEN
    return max(NARROWEST, WIDENED * sqrt(sum(error * error for error in errors) / len(errors)))


def _within(start: datetime, end: datetime, share: float) -> datetime:
    return start + (end - start) * min(max(share, 0.0), 1.0)
