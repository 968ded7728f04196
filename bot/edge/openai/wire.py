"""What a page of buckets looks like, decoded typed and summed exactly.

One struct per source and grouping, made from the table, with the needed fields only: whatever else a row
carries is skipped undecoded, and a required field that is missing is an error, never a zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal, Protocol

import msgspec

from bot.core.money import LARGEST, nano
from bot.edge.openai.sources import SOURCES, Source

Key = tuple[int | str, ...]
Values = tuple[int | None, ...]
Rows = dict[Key, Values]

Count = Annotated[int, msgspec.Meta(ge=-LARGEST - 1, le=LARGEST)]
MILLION = Decimal(10**6)
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
MOST_DIGITS = 13
"""Before the point, less one, of a quantity whose millionths may still fit a column."""
CURRENCY = "usd"
"""Lower case: the upper-case USD of OpenAI's spend limits counts cents."""


class Unfit(ValueError):
    """A value that the contract rules out; the text is half a sentence."""


class Foreign(Unfit):
    """An amount in another currency."""


class Bucket(Protocol):
    """A span of time and its rows; an empty one is a confirmed zero."""

    start_time: int
    end_time: int
    results: Sequence[msgspec.Struct]


class Page(Protocol):
    """The envelope. `next_page` is opaque."""

    data: Sequence[Bucket]
    has_more: bool
    next_page: str | None


class Amount(msgspec.Struct, gc=False, frozen=True):
    """Dollars: the live API sends strings of up to 39 decimals, or numbers; both are read from their text."""

    value: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Shape:
    """How one source's page is read under one grouping.

    `add(rows, start, results)` sums a bucket's results into `rows` and raises Unfit.
    """

    columns: tuple[str, ...]
    metrics: tuple[str, ...]
    decode: Callable[[bytes | bytearray], Page]
    add: Callable[[Rows, int, Sequence[msgspec.Struct]], None]


@lru_cache(maxsize=256)
def shape(source_name: str, group_by: tuple[str, ...]) -> Shape:
    """Return how pages of `source_name` grouped by `group_by` are read."""
    source = SOURCES[source_name]
    costs = source.name == "costs"
    # Quantities of different units cannot be summed, so the unit is part of the key wherever there is one.
    columns = (*group_by, "quantity_unit") if costs and "line_item" in group_by else group_by
    fields: list[Any] = [(name, (bool if name == "batch" else str) | None, None) for name in columns]
    if costs:
        fields += [("amount", Amount), ("quantity", Decimal | None, None)]
    else:
        fields += [
            (name, Count) if name in source.required else (name, Count | None, None)
            for name in source.metrics
        ]
    decoder = msgspec.json.Decoder(_page(source, fields), strict=False)  # "30.0" and 30.0 are counts too
    if costs:
        add = _costs_adder(len(columns), with_quantity="line_item" in group_by)
    else:
        add = _usage_adder(len(columns), columns.index("batch") if "batch" in columns else None)
    return Shape(columns, source.metrics, decoder.decode, add)


def micro(quantity: Decimal) -> int:
    """Return a quantity in millionths, half-even; Unfit when no 64-bit column holds it."""
    if not quantity:
        return 0
    if not quantity.is_finite() or quantity.adjusted() > MOST_DIGITS:
        raise Unfit(f"a quantity of {quantity:.3e}")
    scaled = int(EXACT.to_integral_value(EXACT.multiply(quantity, MILLION)))
    if not -LARGEST <= scaled <= LARGEST:
        raise Unfit(f"a quantity of {quantity:.3e}")
    return scaled


def _page(source: Source, fields: list[Any]) -> Any:
    row: Any = msgspec.defstruct("Row", [*fields, ("object", Literal[source.object])], kw_only=True, gc=False)
    bucket: Any = msgspec.defstruct(
        "Bucket",
        [("object", Literal["bucket"]), ("start_time", int), ("end_time", int), ("results", list[row])],
        gc=False,
    )
    return msgspec.defstruct(
        "Page",
        [
            ("object", Literal["page"]),
            ("data", list[bucket]),
            ("has_more", bool),
            ("next_page", str | None, None),
        ],
        gc=False,
    )


def _costs_adder(width: int, *, with_quantity: bool) -> Callable[[Rows, int, Sequence[msgspec.Struct]], None]:
    astuple = msgspec.structs.astuple

    def add(rows: Rows, start: int, results: Sequence[msgspec.Struct]) -> None:
        for row in results:
            fields = astuple(row)
            key = (start, *fields[:width])
            if None in key:
                key = tuple("" if part is None else part for part in key)
            amount, quantity = fields[width], fields[width + 1]
            if amount.currency != CURRENCY:
                raise Foreign(f"an amount in {amount.currency!r}")
            try:
                worth = nano(amount.value)
            except ValueError as error:
                raise Unfit(f"an amount that cannot be: {error}") from None
            values = (worth, micro(quantity) if with_quantity and quantity is not None else None)
            known = rows.get(key)
            rows[key] = values if known is None else _sum(known, values)

    return add


def _usage_adder(width: int, batch: int | None) -> Callable[[Rows, int, Sequence[msgspec.Struct]], None]:
    astuple = msgspec.structs.astuple

    def add(rows: Rows, start: int, results: Sequence[msgspec.Struct]) -> None:
        for row in results:
            fields = astuple(row)
            key = (start, *fields[:width])
            if None in key:
                key = tuple("" if part is None else part for part in key)
            if batch is not None and isinstance(key[batch + 1], bool):
                key = (*key[: batch + 1], str(key[batch + 1]).lower(), *key[batch + 2 :])
            values = fields[width:-1]
            known = rows.get(key)
            rows[key] = values if known is None else _sum(known, values)

    return add


def _sum(known: Values, more: Values) -> Values:
    """Return both together; what both lack stays unknown."""
    total = tuple(
        new if old is None else old if new is None else old + new
        for old, new in zip(known, more, strict=True)
    )
    if any(value is not None and abs(value) > LARGEST for value in total):
        raise Unfit("a sum larger than can be stored")
    return total
