"""Daily series: their values, what was known of them when, and which days are unusual by construction."""

import csv
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from bot.core.period import Period, Span

MONTH = Period("month")
UNIT = 1_000_000
"""Series of public data are in their own units; this keeps six decimals of them as integers."""


@dataclass(frozen=True)
class Late:
    """A day first seen as `value`, whose true value was known once the day `known_on` had begun."""

    value: int
    known_on: int


@dataclass(frozen=True)
class Series:
    name: str
    first: date
    values: tuple[int, ...]
    late: dict[int, Late] = field(default_factory=dict)
    """Settled days, by place, that were revised afterwards."""
    unusual: frozenset[int] = frozenset()
    """Places of days on which an alarm is no false alarm."""

    def known(self, until: int) -> tuple[int, ...]:
        """Return the first `until` days as they were known when the last of them had settled."""
        if not any(until - 10 <= place < until < late.known_on for place, late in self.late.items()):
            return self.values[:until]
        return tuple(
            self.late[place].value if place in self.late and self.late[place].known_on > until else value
            for place, value in enumerate(self.values[:until])
        )

    def months(self, history: int):
        """Yield the calendar months that lie inside with at least `history` days before them."""
        span = MONTH.containing(self.first)
        while span.end <= self.first + timedelta(days=len(self.values)):
            if self.place(span.start) >= history:
                yield span
            span = MONTH.containing(span.end)

    def place(self, day: date) -> int:
        return (day - self.first).days

    def total(self, span: Span) -> int:
        return sum(self.values[self.place(span.start) : self.place(span.end)])


def load(folder: Path) -> list[Series]:
    """Return the series of `date,value` files, one row a day; of a file with gaps its longest stretch."""
    return [_read(path) for path in sorted(folder.glob("*.csv"))]


def _read(path: Path) -> Series:
    with path.open(newline="", encoding="utf-8") as lines:
        rows = sorted((date.fromisoformat(row["date"]), float(row["value"])) for row in csv.DictReader(lines))
    stretches, before = [], None
    for day, value in rows:
        if before is None or day - before > timedelta(days=1):
            stretches.append((day, []))
        stretches[-1][1].append(round(value * UNIT))
        before = day
    first, values = max(stretches, key=lambda stretch: len(stretch[1]))
    return Series(path.stem, first, tuple(values))


def halves(series: list[Series]) -> tuple[list[Series], list[Series]]:
    """Return every other series to tune on, and the rest to score on."""
    ordered = sorted(series, key=lambda one: one.name)
    return ordered[0::2], ordered[1::2]
