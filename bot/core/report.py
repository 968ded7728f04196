"""Facts and a question → a table of what was spent. The rows always add up to the total."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from bot.core.chart import Chart
from bot.core.filters import scope_of
from bot.core.period import Period, Span
from bot.core.question import Query
from bot.core.ranges import before
from bot.core.spend import Group, Spend
from bot.core.stored import notes, stored, untold
from bot.core.verbs import TIMES


@dataclass(frozen=True, slots=True)
class Row:
    """One group: its values in the order asked (ids, or the first day of a day, week or month), and its money."""

    group: Group
    names: tuple[str, ...]
    amount: int
    share: float
    """Of the total; 0.0 of nothing."""
    before: int | None = None
    """The same group in the range it is compared with; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Shortened:
    """As many rows as there is room for, and what the others come to."""

    rows: tuple[Row, ...]
    others: int = 0
    amount: int = 0
    earlier: bool = False
    """The others are the earlier days, and stand before the rows."""


@dataclass(frozen=True, slots=True)
class Report:
    """An answer to `report` or `top`. Money in nano-dollars."""

    query: Query
    span: Span
    by: tuple[str, ...]
    rows: tuple[Row, ...]
    """Every group: the largest first, or in order of time where no number of rows was asked."""
    total: int
    before: int | None
    """The total of the range it is compared with; None where not all of it, or of this one, is stored."""
    compared: Span
    as_of: datetime | None
    history_from: date | None
    today: date
    notes: tuple[str, ...] = ()
    """What the reader must know: days that are not stored, a running day, a dimension nobody tells."""
    chart: Chart | None = None

    @property
    def shown(self) -> tuple[Row, ...]:
        """Return the rows the question asks to see."""
        return self.rows[: self.query.top] if self.query.top is not None else self.rows

    @property
    def others(self) -> tuple[int, int]:
        """Return how many rows are not shown, and what they come to."""
        rest = self.rows[len(self.shown) :]
        return len(rest), sum(row.amount for row in rest)

    @property
    def stored(self) -> Span | None:
        """Return the days of the range that are stored; None when none of them is."""
        return stored(self.span, self.history_from, self.as_of)

    @property
    def in_time(self) -> bool:
        """Tell whether the rows follow one another in time."""
        return bool(_unit(self.query)) and self.query.top is None

    def shortened(self, most: int) -> Shortened:
        """Return at most `most` of the rows to be shown: the largest, or the latest where they follow time."""
        if self.in_time:
            rows, rest = self.rows[-most:], self.rows[:-most]
        else:
            rows = self.shown[:most]
            rest = self.rows[len(rows) :]
        return Shortened(rows, len(rest), sum(row.amount for row in rest), self.in_time)


def spans_needed(query: Query) -> tuple[Span, ...]:
    """Return every span the scan must be cut at to answer the question."""
    assert query.span is not None
    unit = _unit(query)
    cut = tuple(piece for piece, _ in pieces(query.span, unit)) if unit else ()
    return (query.span, before(query.range_words, query.span), *cut)


def report(query: Query, spend: Spend, today: date) -> Report:
    """Return the answer from a scan cut at `spans_needed`."""
    span = query.span
    assert span is not None
    compared = before(query.range_words, span)
    scope = scope_of(query.filters)
    plain = tuple(dimension for dimension in query.by if dimension not in TIMES)
    unit = _unit(query)
    known = stored(span, spend.history_from, spend.as_of)
    comparable = known == span and spend.history_from is not None and compared.start >= spend.history_from
    earlier = spend.within(scope, compared, plain) if comparable else {}
    sums: dict[Group, int] = {}
    names: dict[Group, tuple[str, ...]] = {}
    quiet: set[Group] = set()
    for piece, label in pieces(span, unit) if unit else ((span, ""),):
        found = spend.within(scope, piece, plain)
        if unit and not plain and known and piece.start < known.end and piece.end > known.start:
            # A day on which nothing was spent says so; a day nobody read does not read as one.
            quiet.add((label,))
            found = found or {(): 0}
        for group, amount in found.items():
            told = tuple(spend.names.of(d, value) for d, value in zip(plain, group, strict=True))
            key, shown = _place(query.by, label, group), _place(query.by, label, told)
            sums[key] = sums.get(key, 0) + amount
            names[key] = shown
    total = sum(sums.values())
    rows = [
        Row(
            key,
            names[key],
            amount,
            amount / total if total else 0.0,
            earlier.get(key, 0) if comparable and not unit else None,
        )
        for key, amount in sums.items()
        if amount or key in quiet
    ]
    if unit and query.top is None:
        place = query.by.index(unit)
        rows.sort(key=lambda row: (row.group[place], -row.amount, row.names, row.group))
    else:
        rows.sort(key=lambda row: (-row.amount, row.names, row.group))
    return Report(
        query,
        span,
        query.by,
        tuple(rows),
        total,
        sum(earlier.values()) if comparable else None,
        compared,
        spend.as_of,
        spend.history_from,
        today,
        notes((span,), query.filters, spend, today, untold(query.by, (row.group for row in rows))),
    )


def _unit(query: Query) -> str:
    return next((dimension for dimension in query.by if dimension in TIMES), "")


def pieces(span: Span, unit: str) -> Iterator[tuple[Span, str]]:
    """Yield the days, weeks or months inside a span, clipped to it, with the first day of each."""
    period = Period(unit)  # type: ignore[arg-type]
    day = span.start
    while day < span.end:
        whole = period.containing(day)
        assert whole is not None
        piece = Span(max(whole.start, span.start), min(whole.end, span.end))
        yield piece, f"{whole.start:%Y-%m}" if unit == "month" else whole.start.isoformat()
        day = piece.end


def _place(by: tuple[str, ...], label: str, group: tuple[str, ...]) -> tuple[str, ...]:
    """Put the time's label where the question asked for it."""
    rest = iter(group)
    return tuple(label if dimension in TIMES else next(rest) for dimension in by)
