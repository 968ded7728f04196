"""How a series' days of the week differ, learned from nothing but its own past.

The factor of a weekday is the median ratio of its days to the 7-day mean centred on them, over at most
eight weeks, shrunk towards 1 by n / (n + 1) and normalised so that the seven average 1. A ratio needs the
three days after it, so what was known on an earlier day never changes: factors can be asked for any day
of the past, each from what came before it.

The seven places of the week are counted from the first day of the series; no calendar is needed.
"""

from collections.abc import Iterable, Sequence

WEEK = 7
WEEKS = 8
HALF = WEEK // 2


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the middle two; `values` must not be empty."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


class Weekdays:
    """The weekday factors of a series of daily values (none negative), as known on each of its days."""

    def __init__(self, days: Iterable[float] = ()) -> None:
        self._days: list[float] = []
        self._before = [0.0]
        self._ratios: list[float | None] = []
        self._shrunk = [1.0] * (WEEK + HALF)
        """The factor of each day's weekday, from that day and those like it before; a week of 1 comes first."""
        for day in days:
            self.add(day)

    def add(self, value: float) -> None:
        """Learn the next day: it completes the week around the day three days before it."""
        self._days.append(value)
        self._before.append(self._before[-1] + value)
        self._ratios.append(None)
        place = len(self._days) - 1 - HALF
        if place < HALF:
            return
        around = self._before[place + HALF + 1] - self._before[place - HALF]
        # Subtracting running sums may leave a trace of what is truly nothing.
        if around > self._before[-1] * 1e-12:
            self._ratios[place] = self._days[place] * WEEK / around
        alike = self._ratios[max(0, place - WEEK * (WEEKS - 1)) : place + 1][::-WEEK]
        seen = [ratio for ratio in alike if ratio is not None]
        count = len(seen)
        self._shrunk.append(1.0 + (median(seen) - 1.0) * count / (count + 1) if count else 1.0)

    def factors(self, known: int) -> list[float]:
        """Return seven factors, by place of the week, from the first `known` days alone."""
        first = max(known - WEEK - HALF, -WEEK)
        newest = self._shrunk[first + WEEK : first + 2 * WEEK]
        mean = sum(newest) / WEEK
        if mean <= 0:
            return [1.0] * WEEK
        turn = -first % WEEK
        return [factor / mean for factor in newest[turn:] + newest[:turn]]
