"""Two ranges side by side: what each group came to in both, and what changed. The rows add up to the totals.

A range that is not stored whole is told for what is stored of it, and nothing is said to have changed: the
difference to a hole is no difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from bot.core.chart import Chart
from bot.core.filters import scope_of
from bot.core.movers import called, movers
from bot.core.period import Span, show_span
from bot.core.question import Query
from bot.core.ranges import before
from bot.core.rounding import half_even
from bot.core.spend import Group, Spend
from bot.core.stored import notes, stored, untold

Mark = Literal["new", "gone", ""]


@dataclass(frozen=True, slots=True)
class Pair:
    """One group in both ranges. Money in nano-dollars."""

    group: Group
    names: tuple[str, ...]
    amount: int | None
    """None where nothing of the range is stored."""
    before: int | None
    """What it came to in the range it is compared with; None where nothing of that is stored."""
    change: int | None
    """None where either range is not stored whole."""
    mark: Mark = ""
    """It spent nothing in the range it is compared with, or spends nothing any more."""


@dataclass(frozen=True, slots=True)
class Fewer:
    """As many rows as there is room for, and one for all the others."""

    rows: tuple[Pair, ...]
    others: int
    rest: Pair | None


@dataclass(frozen=True, slots=True)
class Compared:
    """An answer to `compare`."""

    query: Query
    span: Span
    versus: Span
    by: tuple[str, ...]
    rows: tuple[Pair, ...]
    """Every group: the largest change first; the largest amount first where no change is known."""
    total: Pair
    as_of: datetime | None
    history_from: date | None
    today: date
    notes: tuple[str, ...] = ()
    chart: Chart | None = None

    @property
    def stored(self) -> Span | None:
        """Return the days of the range that are stored; None when none of them is."""
        return stored(self.span, self.history_from, self.as_of)

    @property
    def stored_before(self) -> Span | None:
        """Return the days that are stored of the range it is compared with; None when none of them is."""
        return stored(self.versus, self.history_from, self.as_of)

    @property
    def whole(self) -> bool:
        """Tell whether both ranges are stored whole, so that their difference means something."""
        return self.stored == self.span and self.stored_before == self.versus

    @property
    def by_day(self) -> bool:
        """Tell whether the ranges differ in length, so that only their days compare."""
        return self.span.days != self.versus.days

    def daily(self, pair: Pair) -> tuple[int | None, int | None]:
        """Return what a row came to on an average stored day of both ranges, half-even to the nano-dollar."""
        return _a_day(pair.amount, self.stored), _a_day(pair.before, self.stored_before)

    @property
    def asked(self) -> tuple[Pair, ...]:
        """Return the rows the question asks to see."""
        return self.rows[: self.query.top] if self.query.top is not None else self.rows

    def fewer(self, most: int) -> Fewer:
        """Return at most `most` of the rows asked for, and what all the others come to together."""
        shown = self.asked[:most]
        rest = self.rows[len(shown) :]
        return Fewer(shown, len(rest), _together(rest) if rest else None)


def _a_day(amount: int | None, span: Span | None) -> int | None:
    if amount is None or span is None:
        return None
    return half_even(amount, span.days)


def ranges(query: Query) -> tuple[Span, Span]:
    """Return the range that is asked about and the one it is compared with: the one named, or the usual one before."""
    assert query.span is not None
    return query.span, query.versus or before(query.range_words, query.span)


def compare(query: Query, spend: Spend, today: date) -> Compared:
    """Return the answer from a scan cut at both ranges."""
    span, versus = ranges(query)
    scope = scope_of(query.filters)
    known, known_before = (stored(each, spend.history_from, spend.as_of) for each in (span, versus))
    now = spend.within(scope, span, query.by) if known else {}
    then = spend.within(scope, versus, query.by) if known_before else {}
    whole = known == span and known_before == versus
    rows = []
    for group in dict.fromkeys((*now, *then)):
        amount, was = now.get(group, 0), then.get(group, 0)
        if not amount and not was:
            continue
        names = tuple(spend.names.of(each, value) for each, value in zip(query.by, group, strict=True))
        mark: Mark = "new" if not was else "gone" if not amount else ""
        rows.append(
            Pair(
                group,
                names,
                amount if known else None,
                was if known_before else None,
                amount - was if whole else None,
                mark if whole else "",
            )
        )
    rows.sort(key=_order)
    total = Pair(
        (),
        (),
        sum(now.values()) if known else None,
        sum(then.values()) if known_before else None,
        sum(now.values()) - sum(then.values()) if whole else None,
    )
    said = notes((span, versus), query.filters, spend, today, untold(query.by, (row.group for row in rows)))
    return Compared(
        query, span, versus, query.by, tuple(rows), total, spend.as_of, spend.history_from, today, said
    )


def drawn(answer: Compared) -> Chart | None:
    """Return the largest changes as a chart; None where nothing can be compared."""
    if not answer.whole:
        return None
    rows = [(" · ".join(row.names), row.before or 0, row.amount or 0) for row in answer.rows]
    by = " and ".join(called(dimension) for dimension in answer.by)
    return movers(by, rows, answer.span, show_span(answer.versus))


def _order(row: Pair) -> tuple[int, int, tuple[str, ...], Group]:
    amount, was = row.amount or 0, row.before or 0
    size = max(amount, was) if row.change is None else abs(row.change)
    return (-size, -amount, row.names, row.group)


def _together(rows: Sequence[Pair]) -> Pair:
    def total(values: Sequence[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    return Pair(
        (),
        (),
        total([row.amount for row in rows]),
        total([row.before for row in rows]),
        total([row.change for row in rows]),
    )
