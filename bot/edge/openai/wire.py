"""What a page of buckets looks like, decoded typed and summed exactly.

One struct per source and grouping, made from the table, with the needed fields only: whatever else a row
carries is skipped undecoded, and a required field that is missing is an error, never a zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec

from bot.core.money import LARGEST, NANO, nano
from bot.edge.openai.errors import Foreign, Unfit
from bot.edge.openai.rows import Groups, Rows, Told, bucket
from bot.edge.openai.scaling import Unsure, scaled
from bot.edge.openai.sources import SOURCES, Source

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
    decode = _decoder(
        source,
        columns,
        [(name, Count) if name in source.required else (name, Count | None, None) for name in source.metrics],
    )
    told, metrics = _told(columns), [attrgetter(name) for name in source.metrics]

    def rows(results: msgspec.Raw, groups: Groups) -> Rows:
        found = decode(results)
        return bucket(groups.numbers(found, told), [list(map(metric, found)) for metric in metrics])

    return rows


def _costs(source: Source, columns: Sequence[str]) -> Callable[[msgspec.Raw, Groups], Rows]:
    told, counted = _told(columns), "line_item" in columns
    quick = _decoder(source, columns, [("amount", QuickAmount), ("quantity", float | None, None)])
    exact = _decoder(source, columns, [("amount", Amount), ("quantity", Decimal | None, None)])

    def quickly(results: msgspec.Raw, groups: Groups) -> Rows:
        found: Any = quick(results)
        numbers = groups.numbers(found, told)
        worth = scaled([row.amount.value for row in found], float(NANO))
        quantities = _millionths([row.quantity for row in found]) if counted else [None] * len(found)
        return bucket(numbers, (worth, quantities))

    def exactly(results: msgspec.Raw, groups: Groups) -> Rows:
        found: Any = exact(results)
        worth = [_worth(row.amount) for row in found]
        quantities = [None if row.quantity is None or not counted else micro(row.quantity) for row in found]
        return bucket(groups.numbers(found, told), (worth, quantities))

    def rows(results: msgspec.Raw, groups: Groups) -> Rows:
        try:
            return quickly(results, groups)
        except (Unsure, msgspec.ValidationError, ValueError):
            return exactly(results, groups)  # and whatever is wrong with it, this says in its words

    return rows


def _told(columns: Sequence[str]) -> Callable[[Any], Told]:
    """Return what reads the group off a row."""
    if not columns:
        return lambda _: ()
    first, *more = columns
    get: Any = attrgetter(first, *more)
    return get if more else lambda row: (get(row),)


def _millionths(values: Sequence[float | None]) -> Sequence[int | None]:
    """Return quantities in millionths; raises Unsure."""
    try:
        return scaled(values, float(MICRO))  # type: ignore[arg-type]
    except TypeError:  # one is unknown
        some = iter(scaled([value for value in values if value is not None], float(MICRO)))
        return [None if value is None else next(some) for value in values]


def _worth(amount: Amount) -> int:
    if amount.currency != CURRENCY:
        raise Foreign(f"an amount in {amount.currency!r}")
    try:
        return nano(amount.value)
    except ValueError as error:
        raise Unfit(f"an amount that cannot be: {error}") from None
