"""Injected trouble: how much of it each detector finds at the same rate of false alarms."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from math import exp, log
from random import Random
from statistics import mean, median

from bot.core.unusual import NEEDS_HISTORY, Scored, episodes, score

from .series import Series

FALSE_ALARM_DAYS = 60
Detector = Callable[[Series], list[Scored]]


def _scored(series: Series, of: Callable[[tuple[int, ...], int], float]) -> list[Scored]:
    return [
        Scored(series.first + timedelta(days=place), series.values[place], 0, of(series.values, place))
        for place in range(NEEDS_HISTORY, len(series.values))
    ]


def week_over_week(series: Series) -> list[Scored]:
    def rise(values: tuple[int, ...], place: int) -> float:
        before = values[place - 7]
        return values[place] / before - 1 if before > 0 else 10.0 * (values[place] > 0)

    return _scored(series, rise)


def median_mad(series: Series) -> list[Scored]:
    """Median and median absolute deviation of the 28 days before."""
    return _scored(series, lambda values, place: _robust(values[max(0, place - 28) : place], values[place]))


def weekday_median_mad(series: Series) -> list[Scored]:
    """The same over the same weekday of 8 weeks: slow, and therefore good at long events."""
    return _scored(series, lambda values, place: _robust(values[place - 7 :: -7][:8], values[place], 0.05))


def _robust(window: tuple[int, ...], value: int, least: float = 0.01) -> float:
    middle = median(window)
    spread = 1.4826 * median(abs(one - middle) for one in window)
    return (value - middle) / max(spread, least * abs(middle), 1)


def ours(series: Series) -> list[Scored]:
    return list(score(series.first, series.values))


OURS = "10- and 28-day weekday log z-score"
DETECTORS: dict[str, Detector] = {
    "week over week, percent": week_over_week,
    "median/MAD, 28 days": median_mad,
    "median/MAD, same weekday": weekday_median_mad,
    OURS: ours,
}


def _spike(day: int) -> float:
    return 1.0 if day == 0 else 0.0


def _burst(day: int) -> float:
    return 0.8 if day < 3 else 0.0


def _shift(day: int) -> float:
    return 0.6


def _ramp(day: int) -> float:
    return min(2.0, (day + 1) / 5)


KINDS: dict[str, tuple[Callable[[int], float], int]] = {
    "spike": (_spike, 1),
    "burst": (_burst, 3),
    "shift": (_shift, 5),
    "ramp": (_ramp, 8),
}
"""Its shape (share of the size by day), and the days within which it must be found."""


@dataclass(frozen=True)
class Injection:
    kind: str
    at: int
    size: float

    def into(self, series: Series) -> Series:
        """Return the series up to the last day on which it must be found, 20 weeks of it being enough."""
        shape, days = KINDS[self.kind]
        start = max(0, (self.at - 140) // 7 * 7)
        raised = [
            round(value * (1 + (self.size - 1) * shape(place)))
            for place, value in enumerate(series.values[self.at : self.at + days])
        ]
        values = (*series.values[start : self.at], *raised)
        return replace(series, first=series.first + timedelta(days=start), values=values)


def injections(series: Series, seed: int, each: int) -> list[Injection]:
    """Return `each` of every kind, 1.5 to 4 times the usual, on days that have at least 30 before them."""
    random = Random(f"{seed} {series.name}")
    found = []
    launch = next(place for place, value in enumerate(series.values) if value > 0)
    for kind, (_, days) in KINDS.items():
        for _ in range(each):
            at = random.randrange(launch + 30, len(series.values) - days)
            found.append(Injection(kind, at, exp(random.uniform(log(1.5), log(4)))))
    return found


def false_alarms(series: Series, days: list[Scored], threshold: float) -> int:
    return sum(series.place(episode.since) not in series.unusual for episode in episodes(days, threshold))


def rate(runs: list[tuple[Series, list[Scored]]], threshold: float) -> float:
    """Return the false alarms per series in 60 days."""
    days = sum(len(scored) for _, scored in runs)
    return sum(false_alarms(*run, threshold) for run in runs) * FALSE_ALARM_DAYS / max(1, days)


def tune(runs: list[tuple[Series, list[Scored]]]) -> float:
    """Return the lowest threshold above which there is nowhere more than one false alarm per 60 days."""
    steps = sorted(
        {round(day.score, 2) for _, scored in runs for day in scored if day.score > 0}, reverse=True
    )
    threshold = steps[0] if steps else 0.0
    for step in steps:
        if rate(runs, step) > 1:
            break
        threshold = step
    return threshold


def recall(detector: Detector, threshold: float, series: list[Series], seed: int, each: int) -> dict:
    """Return the share found: of each kind, the mean over series, and of the worst series."""
    kinds, by_series = defaultdict(list), defaultdict(list)
    for one in series:
        for injection in injections(one, seed, each):
            day = one.first + timedelta(days=injection.at)
            scored = detector(injection.into(one))
            found = any(each.score >= threshold for each in scored if each.day >= day)
            kinds[injection.kind].append(found)
            by_series[one.name].append(found)
    means = [mean(found) for found in by_series.values()]
    return {**{kind: mean(found) for kind, found in kinds.items()}, "mean": mean(means), "worst": min(means)}


def evaluate(tuning: list[Series], scoring: list[Series], seed: int, each: int = 8) -> dict:
    """Return, by detector, what a threshold tuned on one half does on the other, and recall at equal alarms.

    At equal alarms: the threshold that gives each detector one false alarm per series per 60 days on the
    very series it is scored on, so that none is quieter than another.
    """
    rows = {}
    for name, detector in DETECTORS.items():
        own = [(one, detector(one)) for one in scoring]
        tuned, equal = tune([(one, detector(one)) for one in tuning]), tune(own)
        rows[name] = {
            "threshold": tuned,
            "false_alarms_per_60_days": rate(own, tuned),
            "recall": recall(detector, tuned, scoring, seed, each),
            "equal_threshold": equal,
            "equal_recall": recall(detector, equal, scoring, seed, each),
        }
    return {"tuned_on": len(tuning), "scored_on": len(scoring), "detectors": rows}
