"""How a series' days of the week differ, learned from nothing but its own past.

The factor of a weekday is the median ratio of its days to the 7-day mean centred on them, over at most
eight weeks, shrunk towards 1 by n / (n + 1) and normalised so that the seven average 1. A ratio needs the
three days after it, so what was known on an earlier day never changes: factors can be asked for any day
of the past, each from what came before it.

The seven places of the week are counted from the first day of the series; no calendar is needed.
"""

from collections.abc import Sequence
from itertools import accumulate

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

    def __init__(self, days: Sequence[float]) -> None:
        before = [0.0, *accumulate(days)]
        self._ratios: list[float | None] = [None] * len(days)
        for place in range(HALF, len(days) - HALF):
            around = before[place + HALF + 1] - before[place - HALF]
            # Not `> 0`: subtracting running sums may leave a trace of what is truly nothing.
            if around > before[-1] * 1e-12:
                self._ratios[place] = days[place] * WEEK / around
        self._shrunk: dict[int, float] = {}
        self._known: dict[int, tuple[float, ...]] = {}

    def factors(self, known: int) -> tuple[float, ...]:
        """Return seven factors, by place of the week, from the first `known` days alone."""
        found = self._known.get(known)
        if found is None:
            last = known - 1 - HALF
            raw = [1.0] * WEEK
            for place in range(last, last - WEEK, -1):
                raw[place % WEEK] = self._of(place)
            mean = sum(raw) / WEEK
            found = tuple(factor / mean for factor in raw) if mean > 0 else (1.0,) * WEEK
            self._known[known] = found
        return found

    def _of(self, place: int) -> float:
        """Return the shrunk factor of a day's weekday, from that day and the seven like it before it."""
        if place < HALF:
            return 1.0
        found = self._shrunk.get(place)
        if found is None:
            alike = self._ratios[max(HALF, place - WEEK * (WEEKS - 1)) : place + 1][::-WEEK]
            seen = [ratio for ratio in alike if ratio is not None]
            count = len(seen)
            found = 1.0 if not count else 1.0 + (median(seen) - 1.0) * count / (count + 1)
            self._shrunk[place] = found
        return found
