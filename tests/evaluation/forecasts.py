"""The total of a month, forecast on some of its days: percentage errors, and how often the interval held."""

from collections import defaultdict
from datetime import timedelta
from statistics import mean

from bot.core.forecast import Forecast, Pace
from bot.core.period import Span

from .series import Series

DAYS = (1, 2, 3, 5, 7, 14)
HISTORY = 28


def run_rate(known: tuple[int, ...], settled: int, days: int) -> float:
    """What most tools do: the days so far, stretched over the month."""
    return sum(known[-settled:]) / settled * days


def seasonal_naive(known: tuple[int, ...], settled: int, days: int) -> float:
    """Every day to come is like the one a week before it."""
    week = known[-7:]
    return sum(known[-settled:]) + sum(week[n % 7] for n in range(days - settled))


BASELINES = {"linear run-rate": run_rate, "seasonal naive": seasonal_naive}
OURS = "level × weekday"


class Paces:
    """Paces of a series as it was known, shared where nothing was late."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self._whole = Pace(series.first, series.values)

    def forecast(self, span: Span, until: int) -> Forecast | None:
        known = self.series.known(until)
        day = self.series.first + timedelta(days=until)
        pace = self._whole if known == self.series.values[:until] else Pace(self.series.first, known)
        found = pace.forecast(span, until=day)
        return found if isinstance(found, Forecast) else None


def evaluate(series: list[Series]) -> dict:
    """Return MAPE (mean over series) by settled day of the month and method, and coverage of the interval."""
    errors = {name: defaultdict(list) for name in (*BASELINES, OURS)}
    held, months = defaultdict(list), 0
    for one in series:
        own = {name: defaultdict(list) for name in errors}
        paces = Paces(one)
        for span in one.months(HISTORY):
            actual = one.total(span)
            views = {day: paces.forecast(span, one.place(span.start) + day) for day in DAYS}
            if actual <= 0 or not all(views.values()):
                continue  # nobody can be right in percent about nothing, or before a launch
            months += 1
            for day, view in views.items():
                known = one.known(one.place(span.start) + day)
                own[OURS][day].append(abs(view.total / actual - 1))
                held[day].append(view.low <= actual <= view.high)
                for name, forecast in BASELINES.items():
                    own[name][day].append(abs(forecast(known, day, span.days) / actual - 1))
        for name, days in own.items():
            for day, found in days.items():
                errors[name][day].append(100 * mean(found))
    rows = {name: [mean(days[day]) for day in DAYS] for name, days in errors.items()}
    return {
        "months": months,
        "series": len(errors[OURS][1]),
        "mape": {name: [*row, mean(row)] for name, row in rows.items()},
        "coverage": [100 * mean(held[day]) for day in DAYS] + [100 * mean(mean(held[day]) for day in DAYS)],
    }
