"""Price, volume and mix: how much of a change is more use, use of dearer things, and dearer use of the same.

The variances of managerial accounting (Horngren, Datar, Rajan: Cost Accounting, a managerial emphasis, on sales
quantity, sales mix and price variances), over the quantities that the bill itself tells beside its amounts. What
is counted in one unit (tokens, images, seconds) is a basket; its items are the line items of each project. With
a, q the amount and quantity of an item, A, Q those of its basket, 0 before and 1 after:

    volume = (Q1 - Q0) · A0 / Q0              as much more of everything, at what it cost before
    mix    = sum of q1 · a0 / q0 - A0 - volume  the shift between the items, at what each cost before
    price  = A1 - sum of q1 · a0 / q0           what each item costs more than it did

An item that was not there before has no old price: it stands at its new one, and is mix. A basket that was not
there is volume. What has no quantity, on either side, or two that do not add up, is not countable, and told apart.

Only (Q1 - Q0) · A0 / Q0 and each q1 · a0 / q0 are rounded (half-even, to the nano-dollar); the rest are
differences of integers. So price + volume + mix + uncounted is the change, exactly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bot.core.rounding import half_even

SAME: Mapping[str, tuple[str, int]] = {
    "1000_tokens": ("tokens", 1_000),
    "duration_seconds": ("seconds", 1),
    "duration_minutes": ("seconds", 60),
    "duration_hours": ("seconds", 3_600),
    "gibibyte_hours": ("gibibyte hours", 1),
}
"""A unit of the costs API → the one it is counted in here, and how many of that it is."""


class Billed(NamedTuple):
    """What the bill says of something: nano-dollars, millionths of its unit, and amounts without any quantity."""

    amount: int = 0
    quantity: int = 0
    bare: int = 0
    """The size of the amounts beside which no quantity stood."""

    def __add__(self, other: object) -> "Billed":
        assert isinstance(other, Billed)
        return Billed(self.amount + other.amount, self.quantity + other.quantity, self.bare + other.bare)


@dataclass(frozen=True, slots=True)
class Item:
    """A line item of a project, before and after."""

    key: tuple[str, str]
    """(project id, line item)"""
    units: frozenset[str]
    """The units its quantities are in, '' where the API did not say; those of `SAME` are turned already."""
    before: Billed
    after: Billed

    @property
    def countable(self) -> bool:
        """Tell whether its quantities say what was bought: one unit, beside every amount, on both sides."""
        return len(self.units - {""}) <= 1 and _whole(self.before) and _whole(self.after)


def _whole(side: Billed) -> bool:
    return not side.bare and side.quantity >= 0 and (side.quantity > 0 or not side.amount)


@dataclass(frozen=True, slots=True)
class Basket:
    """All that is counted in one unit. Quantities in millionths, money in nano-dollars."""

    unit: str
    """`tokens`; '' where the API does not say."""
    quantity_before: int
    quantity: int
    before: int
    amount: int
    volume: int
    mix: int
    price: int


@dataclass(frozen=True, slots=True)
class Effects:
    """A change in nano-dollars, taken apart."""

    volume: int
    mix: int
    price: int
    uncounted: int
    """What changed in amounts without a quantity."""
    baskets: tuple[Basket, ...] = ()
    """The largest first, by what changed."""
    known: bool = True
    """Some quantity is told at all."""

    @property
    def change(self) -> int:
        return self.volume + self.mix + self.price + self.uncounted


def effects(items: Iterable[Item]) -> Effects:
    """Return price, volume and mix of some items."""
    found: dict[tuple[str, tuple[str, str] | None], list[Item]] = {}
    uncounted = 0
    for item in items:
        if not item.countable:
            uncounted += item.after.amount - item.before.amount
            continue
        unit = next(iter(item.units - {""}), "")
        # What has no unit is only ever counted with itself.
        found.setdefault((unit, None if unit else item.key), []).append(item)
    baskets = [_basket(unit, held) for (unit, _), held in found.items()]
    baskets = [each for each in baskets if each.quantity or each.quantity_before]
    baskets.sort(key=lambda each: (-abs(each.amount - each.before), each.unit))
    return Effects(
        sum(each.volume for each in baskets),
        sum(each.mix for each in baskets),
        sum(each.price for each in baskets),
        uncounted,
        tuple(baskets),
        bool(baskets),
    )


def _basket(unit: str, items: list[Item]) -> Basket:
    before = sum(item.before.amount for item in items)
    amount = sum(item.after.amount for item in items)
    quantity_before = sum(item.before.quantity for item in items)
    quantity = sum(item.after.quantity for item in items)
    if not quantity_before:
        return Basket(unit, 0, quantity, before, amount, amount - before, 0, 0)
    volume = half_even((quantity - quantity_before) * before, quantity_before)
    at_old_prices = sum(_at_old_price(item) for item in items)
    return Basket(
        unit,
        quantity_before,
        quantity,
        before,
        amount,
        volume,
        at_old_prices - before - volume,
        amount - at_old_prices,
    )


def _at_old_price(item: Item) -> int:
    """Return what the quantity of now would have cost before; at the price of now where there was none."""
    if not item.before.quantity:
        return item.after.amount
    return half_even(item.after.quantity * item.before.amount, item.before.quantity)
