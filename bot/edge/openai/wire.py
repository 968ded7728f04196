"""What a page of buckets looks like, decoded typed and summed exactly.

One struct per source and grouping, made from the table, with the needed fields only: whatever else a row
carries is skipped undecoded, and a required field that is missing is an error, never a zero.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Annotated, Any, Literal

import msgspec

from bot.core.money import LARGEST, NANO, nano
from bot.edge.openai.errors import Foreign, Unfit
from bot.edge.openai.scaling import Unsure, scaled
from bot.edge.openai.sources import SOURCES, Source

Group = tuple[str, ...]
"""The values of the columns a source was grouped by; '' where it tells none."""
Values = tuple[int | None, ...]
Rows = dict[int, Values]
"""A bucket: the number of a group → its values."""

Count = Annotated[int, msgspec.Meta(ge=-LARGEST - 1, le=LARGEST)]
MICRO = 10**6
MILLION = Decimal(MICRO)
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
MOST_DIGITS = 13
"""Before the point, less one, of a quantity whose millionths may still fit a column."""
CURRENCY = "usd"
"""Lower case: the upper-case USD of OpenAI's spend limits counts cents."""

Results = Sequence[msgspec.Struct]


class Bucket(msgspec.Struct, gc=False):
    """A span of time and its rows, not decoded yet; an empty one is a confirmed zero."""

    object: Literal["bucket"]
    start_time: int
    end_time: int
    results: msgspec.Raw


class Page(msgspec.Struct, gc=False):
    """The envelope. `next_page` is opaque."""

    object: Literal["page"]
    data: list[Bucket]
    has_more: bool
    next_page: str | None = None


class Amount(msgspec.Struct, gc=False, frozen=True):
    """Dollars: the live API sends strings of up to 39 decimals, or numbers; both are read from their text."""

    value: Decimal
    currency: str


class QuickAmount(msgspec.Struct, gc=False, frozen=True):
    """The same where binary numbers can tell it: what they leave in doubt is read again as an Amount."""

    value: float
    currency: Literal["usd"]


class Groups:
    """The distinct groups of a span, numbered as they are met: rows carry the number alone.

    Not safe to use from many threads at once.
    """

    def __init__(self) -> None:
        self._values: list[Group] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._texts: dict[str, str] = {}
        """Equal texts are one object: what is looked up a million times stays near the processor."""

    def numbers(self, told: list[tuple[Any, ...]]) -> list[int]:
        """Return the number of each group as the wire tells it: nulls, booleans and texts."""
        found: list[Any] = list(map(self._numbers.get, told))
        if None in found:
            for place, number in enumerate(found):
                if number is None:
                    found[place] = self._number(told[place])
        return found

    def of(self, rows: Iterable[Rows]) -> dict[int, Group]:
        """Return the groups of some rows, by their number."""
        return {number: self._values[number] for number in sorted(set().union(*rows))}

    def _number(self, told: tuple[Any, ...]) -> int:
        same = self._texts.setdefault
        told = tuple([same(part, part) if isinstance(part, str) else part for part in told])
        group = told if all(isinstance(part, str) for part in told) else tuple(map(_text, told))
        number = self._numbers.setdefault(group, len(self._values))
        if number == len(self._values):
            self._values.append(group)
        self._numbers[told] = number
        return number


@dataclass(frozen=True, slots=True)
class Shape:
    """How one source's buckets are read under one grouping.

    `rows(results, groups)` decodes a bucket's results and sums them by group. Raises Unfit, and what msgspec raises.
    """

    columns: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: Callable[[msgspec.Raw, Groups], Rows]


decode_page = msgspec.json.Decoder(Page, strict=False).decode


@lru_cache(maxsize=256)
def shape(source_name: str, group_by: tuple[str, ...]) -> Shape:
    """Return how buckets of `source_name` grouped by `group_by` are read."""
    source = SOURCES[source_name]
    costs = source.name == "costs"
    # Quantities of different units cannot be summed, so the unit is part of the key wherever there is one.
    columns = (*group_by, "quantity_unit") if costs and "line_item" in group_by else group_by
    rows = _costs(source, columns) if costs else _usage(source, columns)
    return Shape(columns, source.metrics, rows)


def micro(quantity: Decimal) -> int:
    """Return a quantity in millionths, half-even; Unfit when no 64-bit column holds it."""
    if not quantity:
        return 0
    if not quantity.is_finite() or quantity.adjusted() > MOST_DIGITS:
        raise Unfit(f"a quantity of {quantity:.3e}")
    millionths = int(EXACT.to_integral_value(EXACT.multiply(quantity, MILLION)))
    if not -LARGEST <= millionths <= LARGEST:
        raise Unfit(f"a quantity of {quantity:.3e}")
    return millionths


def _decoder(
    source: Source, columns: Sequence[str], fields: Sequence[Any]
) -> Callable[[msgspec.Raw], Results]:
    own: list[Any] = [(name, (bool if name == "batch" else str) | None, None) for name in columns]
    row: Any = msgspec.defstruct(
        "Row", [*own, *fields, ("object", Literal[source.object])], kw_only=True, gc=False
    )
    return msgspec.json.Decoder(list[row], strict=False).decode  # "30.0" and 30.0 are counts too


def _usage(source: Source, columns: Sequence[str]) -> Callable[[msgspec.Raw, Groups], Rows]:
    width = len(columns)
    decode = _decoder(
        source,
        columns,
        [(name, Count) if name in source.required else (name, Count | None, None) for name in source.metrics],
    )
    keys, values = itemgetter(slice(width)), itemgetter(slice(width, -1))

    def rows(results: msgspec.Raw, groups: Groups) -> Rows:
        fields = list(map(msgspec.structs.astuple, decode(results)))
        numbers = groups.numbers(list(map(keys, fields)))
        found = dict(zip(numbers, map(values, fields), strict=True))
        return found if len(found) == len(fields) else _summed(numbers, list(map(values, fields)))

    return rows


def _costs(source: Source, columns: Sequence[str]) -> Callable[[msgspec.Raw, Groups], Rows]:
    width, counted = len(columns), "line_item" in columns
    keys = itemgetter(slice(width))
    quick = _decoder(source, columns, [("amount", QuickAmount), ("quantity", float | None, None)])
    exact = _decoder(source, columns, [("amount", Amount), ("quantity", Decimal | None, None)])

    def quickly(results: msgspec.Raw, groups: Groups) -> Rows:
        fields = list(map(msgspec.structs.astuple, quick(results)))
        worth = scaled([one[width].value for one in fields], float(NANO))
        quantities: Sequence[int | None] = [None] * len(fields)
        if counted:
            told = [one[width + 1] for one in fields]
            some = scaled([each for each in told if each is not None], float(MICRO))
            if len(some) == len(told):
                quantities = some
            elif some:
                rest = iter(some)
                quantities = [None if each is None else next(rest) for each in told]
        numbers = groups.numbers(list(map(keys, fields)))
        found: Rows = dict(zip(numbers, zip(worth, quantities, strict=True), strict=True))
        if len(found) < len(fields):
            raise Unsure  # a group came twice: its sum may be too large, and is no question of speed
        return found

    def exactly(results: msgspec.Raw, groups: Groups) -> Rows:
        fields = list(map(msgspec.structs.astuple, exact(results)))
        values = [_cost(one[width], one[width + 1] if counted else None) for one in fields]
        return _summed(groups.numbers(list(map(keys, fields))), values)

    def rows(results: msgspec.Raw, groups: Groups) -> Rows:
        try:
            return quickly(results, groups)
        except (
            Unsure,
            msgspec.ValidationError,
            ValueError,
        ):  # whatever is wrong with it, the exact reading says it in its words
            return exactly(results, groups)

    return rows


def _cost(amount: Amount, quantity: Decimal | None) -> Values:
    if amount.currency != CURRENCY:
        raise Foreign(f"an amount in {amount.currency!r}")
    try:
        worth = nano(amount.value)
    except ValueError as error:
        raise Unfit(f"an amount that cannot be: {error}") from None
    return worth, None if quantity is None else micro(quantity)


def _text(value: bool | str | None) -> str:
    """Return a column's value as it is kept."""
    return "" if value is None else value if isinstance(value, str) else str(value).lower()


def _summed(numbers: Sequence[int], values: Sequence[Values]) -> Rows:
    rows: Rows = {}
    for number, more in zip(numbers, values, strict=True):
        known = rows.get(number)
        rows[number] = more if known is None else _sum(known, more)
    return rows


def _sum(known: Values, more: Values) -> Values:
    """Return both together; what both lack stays unknown."""
    total = tuple(
        new if old is None else old if new is None else old + new
        for old, new in zip(known, more, strict=True)
    )
    if any(value is not None and abs(value) > LARGEST for value in total):
        raise Unfit("a sum larger than can be stored")
    return total
