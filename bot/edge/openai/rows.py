"""What is read of a bucket: columns side by side, and the groups their rows belong to, each numbered once."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

from bot.core.money import LARGEST
from bot.edge.openai.errors import Unfit

Group = tuple[str, ...]
"""The values of the columns a source was grouped by; '' where it tells none."""
Values = tuple[int | None, ...]
Column = Sequence[int | None]
Told = tuple[Any, ...]
"""A group as the wire tells it: nulls, booleans and texts."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Rows:
    """A bucket: the number of each row's group, none twice, and for each metric a column of as many values."""

    groups: Sequence[int]
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.groups)

    def by_group(self) -> dict[int, Values]:
        """Return the number of each group → its values."""
        return dict(zip(self.groups, zip(*self.columns, strict=True), strict=True))


class _Numbers(dict[Told, int]):
    """Each group, as told and as kept → its number; one that is asked for and never met gets the next."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[Group] = []
        self._texts: dict[str, str] = {}
        """Equal texts are one object: what is looked up a million times stays near the processor."""

    def __missing__(self, told: Told) -> int:
        same = self._texts.setdefault
        told = tuple([same(part, part) if isinstance(part, str) else part for part in told])
        group = told if all(isinstance(part, str) for part in told) else tuple(map(_text, told))
        number = self.setdefault(group, len(self.groups))
        if number == len(self.groups):
            self.groups.append(group)
        self[told] = number
        return number


class Groups:
    """The distinct groups of a span, numbered as they are met: rows carry the number alone.

    Not safe to use from many threads at once.
    """

    def __init__(self) -> None:
        self._numbers = _Numbers()

    def numbers(self, rows: Iterable[Row], told: Callable[[Row], Told]) -> list[int]:
        """Return the number of each row's group; `told` reads it off the row."""
        # One row after the other and not a list of all: what was just decoded is still near the processor.
        return list(map(self._numbers.__getitem__, map(told, rows)))

    def of(self, buckets: Iterable[Rows]) -> dict[int, Group]:
        """Return the groups of some buckets, by their number."""
        numbers = set(chain.from_iterable(rows.groups for rows in buckets))
        return {number: self._numbers.groups[number] for number in sorted(numbers)}


def bucket(numbers: Sequence[int], columns: Iterable[Sequence[int | None]]) -> Rows:
    """Return a bucket, the rows of a group summed; raises Unfit when a sum is too large."""
    if len(set(numbers)) < len(numbers):
        summed: dict[int, Values] = {}
        for number, more in zip(numbers, zip(*columns, strict=True), strict=True):
            known = summed.get(number)
            summed[number] = more if known is None else _sum(known, more)
        numbers, columns = list(summed), zip(*summed.values(), strict=True)
    return Rows(numbers, tuple(map(_packed, columns)))


def _packed(values: Sequence[int | None]) -> Column:
    """Return a column as the plain words of the machine, where none is unknown: a fifth of what objects take."""
    try:
        return array("q", values)  # type: ignore[type-var]
    except TypeError:
        return values


def _text(value: bool | str | None) -> str:
    """Return a column's value as it is kept."""
    return "" if value is None else value if isinstance(value, str) else str(value).lower()


def _sum(known: Values, more: Values) -> Values:
    """Return both together; what both lack stays unknown."""
    total = tuple(
        new if old is None else old if new is None else old + new
        for old, new in zip(known, more, strict=True)
    )
    if any(value is not None and abs(value) > LARGEST for value in total):
        raise Unfit("a sum larger than can be stored")
    return total
