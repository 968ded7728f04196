"""What a rule's judgement is made of: parts that are judged by themselves, and what each of them rests on."""

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from bot.core.kinds import budget
from bot.core.needs import settled_until
from bot.core.period import Span
from bot.core.rules.book import Budget, Rule
from bot.core.settled import Comparing


class Piece(NamedTuple):
    """A part of a rule's judgement that is judged by itself."""

    key: Hashable
    """While it stays the same, the clock says nothing new."""
    first: date
    until: date
    """The days whose figures it rests on: [first, until)."""
    span: Span | None = None
    """The one period it is about; None for the whole rule."""


@dataclass(slots=True)
class Parts:
    """What the judgement of rules that are alike is made of, up to the next boundary."""

    pieces: tuple[Piece, ...]
    order: tuple[Hashable, ...] = field(init=False)
    keys: frozenset[Hashable] = field(init=False)
    touched: dict[Hashable, Piece] = field(default_factory=dict)
    """Those that rest on what changed since the last look, or on more than figures."""

    def __post_init__(self) -> None:
        self.order = tuple(piece.key for piece in self.pieces)
        self.keys = frozenset(self.order)

    def touch(self, days: Collection[date]) -> None:
        """Take note of the days whose figures changed since the last look."""
        self.touched = {piece.key: piece for piece in self.pieces if piece.key is None or _rests(piece, days)}

    def stale(self, known: Collection[Hashable]) -> Collection[Piece]:
        """Return the pieces to be judged where those of some keys are known."""
        touched = self.touched
        if self.keys == known:
            return touched.values()
        return [piece for piece in self.pieces if piece.key not in known or piece.key in touched]


def _rests(piece: Piece, days: Collection[date]) -> bool:
    return any(piece.first <= day < piece.until for day in days)


def pieces(rule: Rule, now: datetime, boundary: datetime) -> tuple[Piece, ...]:
    """Return what a rule's judgement is made of from `now` up to `boundary`."""
    if isinstance(rule, Budget):
        return tuple(_periods(rule, now))
    if isinstance(rule, Comparing):
        return (Piece(boundary, date.min, settled_until(rule, now)),)
    if rule.kind == "first_seen":
        return (Piece(boundary, date.min, date.max),)
    # What it says depends on the hour, or on more than figures.
    return (Piece(None, date.min, date.max),)


def _periods(rule: Budget, now: datetime) -> Iterator[Piece]:
    for span in budget.spans(rule, now):
        closed = now >= span.ends_at
        foresees = rule.foresees and not closed
        first = date.min if foresees or rule.hold_days > 1 else span.start
        stands = (settled_until(rule, now) if foresees else None, now.date() if rule.hold_days > 1 else None)
        yield Piece((span, closed, stands), first, span.end, span)
