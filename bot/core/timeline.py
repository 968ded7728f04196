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
    """Learns observations in the order of time, and sums up what is known so far."""

    def __init__(self, rows: Sequence[Observation]) -> None:
        self._rows = rows
        self._place = 0
        self._days: dict[int, dict[int, int]] = {}
        self._months: dict[int, dict[int, int]] = {}

    def learn(self, until: int) -> int:
        """Take in what was seen up to `until` (Unix seconds), and return how many figures that were."""
        began, rows, days, months = self._place, self._rows, self._days, self._months
        place = began
        while place < len(rows) and rows[place].seen <= until:
            _, day, series, value = rows[place]
            of_day = days.get(day)
            if of_day is None:
                of_day = days[day] = {}
            before = of_day.get(series, 0)
            of_day[series] = value
            month = _month(day)
            of_month = months.get(month)
            if of_month is None:
                of_month = months[month] = {}
            of_month[series] = of_month.get(series, 0) + value - before
            place += 1
        self._place = place
        return place - began

    def stretches(self, cuts: Sequence[date]) -> list[dict[int, int]]:
        """Return the sums by series between each two cuts."""
        return [self._sum(start, end) for start, end in pairwise(cuts)]

    def _sum(self, start: date, end: date) -> dict[int, int]:
        if end - start == DAY:
            return self._days.get(epoch(start), {})
        total: dict[int, int] = {}
        for part in self._parts(start, end):
            if not total:
                total = part.copy()
                continue
            for series, value in part.items():
                total[series] = total.get(series, 0) + value
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


_MONTHS: dict[int, int] = {}


def _month(day: int) -> int:
    """Return the Unix second at which the month of a day begins."""
    found = _MONTHS.get(day)
    if found is None:
        found = _MONTHS[day] = epoch((date(1970, 1, 1) + timedelta(days=day // 86_400)).replace(day=1))
    return found
