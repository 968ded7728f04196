"""What was to be foretold in the middle of a period that is over: its forecast is held against what it came to."""

from bot.core.forecast import Forecast, Pace
from bot.core.forecasting import LOOKS_BACK
from bot.core.groups import OTHER
from bot.core.period import DAY, Span
from bot.core.rules.select import Scope
from bot.core.spend import Group, Spend
from bot.core.weekdays import median


def looked(period: Span) -> Span:
    """Return the days a forecast in the middle of the period rests on: the last of them is the last that counts."""
    return Span(period.start - LOOKS_BACK, period.start + period.days // 2 * DAY)


class Hindsight:
    """Forecasts of many groups as they were in the middle of a period, from its first half and the days before.

    `daily` is cut at every day of `looked(period)` that is known. The days are taken as they are known now.
    """

    def __init__(self, daily: Spend, period: Span) -> None:
        self._period = period
        wanted = looked(period)
        self._until = wanted.end
        self._days = [Span(day, day + DAY) for day in daily.cuts[:-1] if day in wanted]
        self._daily = daily
        self._sums: dict[Scope, list[dict[Group, int]]] = {}

    def of(self, scope: Scope, group: Group) -> int | None:
        """Return what the period of a group was on course for, nano-dollars; None where nobody could have known."""
        if not self._days or group[:1] == (OTHER,):
            return None
        if scope not in self._sums:
            self._sums[scope] = [self._daily.within(scope, day) for day in self._days]
        settled = [sums.get(group, 0) for sums in self._sums[scope]]
        if not any(settled) or self._days[-1].end < self._until:
            return None
        told = Pace(self._days[0].start, settled).forecast(self._period)
        return told.total if isinstance(told, Forecast) else None


def usual_error(pairs: list[tuple[int, int]]) -> float | None:
    """Return the median of |forecast / actual - 1| over (forecast, actual); None without any."""
    errors = [abs(forecast / actual - 1) for forecast, actual in pairs if actual > 0]
    return median(errors) if errors else None
