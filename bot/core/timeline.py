"""What was known when: figures by day and series as they were seen, and their sums at any instant."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from bot.core.period import DAY, epoch

BACKFILLED = timedelta(days=36)
"""Polls read the last 35 days again: what is first seen later than that was fetched as history."""


class Observation(NamedTuple):
    """A figure, and when it became known (Unix seconds); `day` is the Unix second its UTC day begins."""

    seen: int
    day: int
    series: int
    value: int


def as_it_would_have_been(rows: Iterable[Observation], first_poll: int) -> list[Observation]:
    """Return the observations in the order of time; history fetched at once counts as known when its day ended.

    `rows` come in the order they were seen, and `first_poll` is when the first poll was complete: what it read
    of older days says nothing about when a bot that had been there would have known it.
    """
    told: list[Observation] = []
    known: set[tuple[int, int]] = set()
    late = int(BACKFILLED.total_seconds())
    for row in rows:
        key, ended = (row.day, row.series), row.day + 86_400
        if key not in known:
            known.add(key)
            fetched_as_history = row.seen <= first_poll or row.seen > ended + late
            if fetched_as_history and row.seen > ended:
                told.append(row._replace(seen=ended))
                continue
        told.append(row)
    told.sort(key=lambda row: row.seen)
    return told


class Timeline:
    """Learns observations in the order of time, and sums up what is known so far.

    A stretch that was shown is never changed afterwards: where its figures change, another one takes its place.
    So the same object means the same figures, and whoever works something out of it need not do so twice.
    """

    def __init__(self, rows: Sequence[Observation]) -> None:
        self._rows = rows
        self._place = 0
        self._days: dict[int, dict[int, int]] = {}
        self._months: dict[int, dict[int, int]] = {}
        self._shown: set[int] = set()
        """Days somebody holds, and that must be copied before they change."""
        self._sums: dict[tuple[date, date], dict[int, int]] = {}

    def learn(self, until: int) -> set[int]:
        """Take in what was seen up to `until` (Unix seconds), and return the days whose figures changed."""
        rows, days, months = self._rows, self._days, self._months
        changed: set[int] = set()
        place = self._place
        while place < len(rows) and rows[place].seen <= until:
            _, day, series, value = rows[place]
            of_day = self._of(day) if day not in changed else days[day]
            changed.add(day)
            before = of_day.get(series, 0)
            of_day[series] = value
            month = _month(day)
            of_month = months.get(month)
            if of_month is None:
                of_month = months[month] = {}
            of_month[series] = of_month.get(series, 0) + value - before
            place += 1
        self._place = place
        if changed:
            first, last = min(changed), max(changed)
            self._sums = {
                (start, end): total
                for (start, end), total in self._sums.items()
                if last < epoch(start) or epoch(end) <= first
            }
        return changed

    def stretches(self, cuts: Sequence[date]) -> list[dict[int, int]]:
        """Return the sums by series between each two cuts."""
        return [self._sum(start, end) for start, end in pairwise(cuts)]

    def _of(self, day: int) -> dict[int, int]:
        """Return a day's figures to be changed."""
        held = self._days.get(day)
        if held is None or day in self._shown:
            held = self._days[day] = {} if held is None else held.copy()
            self._shown.discard(day)
        return held

    def _sum(self, start: date, end: date) -> dict[int, int]:
        if end - start == DAY:
            day = epoch(start)
            self._shown.add(day)
            return self._days.get(day, _NOTHING)
        total = self._sums.get((start, end))
        if total is None:
            total = {}
            for part in self._parts(start, end):
                if not total:
                    total = part.copy()
                    continue
                for series, value in part.items():
                    total[series] = total.get(series, 0) + value
            self._sums[start, end] = total
        return total

    def _parts(self, start: date, end: date) -> Iterator[dict[int, int]]:
        """Yield whole months where they fit, and days elsewhere."""
        day = start
        while day < end:
            following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            if day.day == 1 and following <= end:
                part, day = self._months.get(epoch(day)), following
            else:
                part, day = self._days.get(epoch(day)), day + DAY
            if part:
                yield part


_NOTHING: dict[int, int] = {}
_MONTHS: dict[int, int] = {}


def day_of(day: int) -> date:
    """Return the day that begins at a Unix second."""
    return _EPOCH + timedelta(days=day // 86_400)


_EPOCH = date(1970, 1, 1)


def _month(day: int) -> int:
    """Return the Unix second at which the month of a day begins."""
    found = _MONTHS.get(day)
    if found is None:
        found = _MONTHS[day] = epoch(day_of(day).replace(day=1))
    return found
