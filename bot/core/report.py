"""Facts and a question → a table of what was spent. The rows always add up to the total."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from bot.core.filters import scope_of
from bot.core.period import DAY, Period, Span, show_day
from bot.core.question import Query
from bot.core.ranges import before
from bot.core.spend import Group, Spend
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
class Report:
    """An answer to `report` or `top`. Money in nano-dollars."""

    query: Query
    span: Span
    by: tuple[str, ...]
    rows: tuple[Row, ...]
    """Every group: the largest first, or in order of time."""
    total: int
    before: int | None
    """The total of the range it is compared with; None where not all of it is stored."""
    compared: Span
    as_of: datetime | None
    history_from: date | None
    notes: tuple[str, ...] = ()
    """What the reader must know: days that are not stored, a running day, a dimension nobody tells."""

    @property
    def shown(self) -> tuple[Row, ...]:
        """Return the rows the question asks to see."""
        return self.rows[: self.query.top] if self.query.top is not None else self.rows

    @property
    def others(self) -> tuple[int, int]:
        """Return how many rows are not shown, and what they come to."""
        rest = self.rows[len(self.shown) :]
        return len(rest), sum(row.amount for row in rest)


def spans_needed(query: Query, today: date) -> tuple[Span, ...]:
    """Return every span the scan must be cut at to answer the question."""
    del today
    assert query.span is not None
    unit = _unit(query)
    pieces = tuple(piece for piece, _ in _pieces(query.span, unit)) if unit else ()
    return (query.span, before(query.range_words, query.span), *pieces)


def report(query: Query, spend: Spend, today: date) -> Report:
    """Return the answer from a scan cut at `spans_needed`."""
    span = query.span
    assert span is not None
    compared = before(query.range_words, span)
    scope = scope_of(query.filters)
    plain = tuple(dimension for dimension in query.by if dimension not in TIMES)
    unit = _unit(query)
    known_before = spend.history_from is not None and compared.start >= spend.history_from
    earlier = spend.within(scope, compared, plain) if known_before else {}
    sums: dict[Group, int] = {}
    names: dict[Group, tuple[str, ...]] = {}
    for piece, label in _pieces(span, unit) if unit else ((span, ""),):
        for group, amount in spend.within(scope, piece, plain).items():
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
            earlier.get(key, 0) if known_before and not unit else None,
        )
        for key, amount in sums.items()
        if amount or _stands(key, query.by)
    ]
    if unit:
        place = query.by.index(unit)
        rows.sort(key=lambda row: (row.group[place], -row.amount, row.names))
    else:
        rows.sort(key=lambda row: (-row.amount, row.names))
    return Report(
        query,
        span,
        query.by,
        tuple(rows),
        total,
        sum(earlier.values()) if known_before else None,
        compared,
        spend.as_of,
        spend.history_from,
        tuple(_notes(query, span, spend, today, rows)),
    )


def _unit(query: Query) -> str:
    return next((dimension for dimension in query.by if dimension in TIMES), "")


def _pieces(span: Span, unit: str) -> Iterator[tuple[Span, str]]:
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


def _stands(key: Group, by: tuple[str, ...]) -> bool:
    """Tell whether a row without money says something: a quiet day among days does."""
    return len(by) == 1 and by[0] in TIMES and bool(key)


def _notes(query: Query, span: Span, spend: Spend, today: date, rows: list[Row]) -> Iterator[str]:
    if spend.history_from is None:
        yield "No costs are stored yet: the first poll fetches them."
        return
    if span.start < spend.history_from:
        yield f"Costs are stored from {spend.history_from} on: earlier days are missing from these figures."
    if span.start <= today < span.end:
        yield f"Today ({show_day(today)}) is still running."
    elif span.end > today - DAY:
        yield f"{show_day(span.last)} has not settled yet."
    for dimension, word in (("api_key", "api key"), ("user", "user")):
        if dimension in query.by and rows:
            place = query.by.index(dimension)
            if not any(row.group[place] for row in rows):
                yield f"OpenAI does not tell costs by {word} for this organization."
