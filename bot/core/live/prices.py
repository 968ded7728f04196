"""What the organization itself pays for a unit: learned from its last settled days.

The price of a line item is what was billed under it divided by what *usage* counted on the same days: its unit
price (amount / quantity) times the share of the counted that is billed. So discounts, tiers and contracts are in
it, and free tokens, bundles and lines that share one count (`evals | gpt-5.2, input`) too, which amount / quantity
alone overstates. Two things refine it:

- Batch and service tiers have prices of their own, under the same line item. The prices of the ways of asking are
  fitted to all projects' days by least squares, held near their common price where the days do not tell them apart.
- A project that was billed before is scaled to its own bills, but for days whose bill is out of all proportion;
  others pay what all projects together do.

Days count half as much every 3.5 days, so that a changed price is followed within a week.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

from bot.core.dimension import Series
from bot.core.live.meters import Meters

DAYS = 14
"""Settled days that prices are learned from."""
HALF = 3.5
UNBILLED = 3
"""Settled days of use without a line on the bill, after which a thing is taken to be free."""
NEAR = 0.001
"""How much weight the common price has against what the days tell of each way of asking."""

Way = tuple[str, str]
"""(batch, service tier) of usage: two ways to ask for the same work, at two prices."""
ORDINARY: Way = ("", "")
Counts = Mapping[Way, float]
Rates = Mapping[Way, float]
"""Nano-dollars a unit."""


class User(NamedTuple):
    """Who used something, and how it was asked for."""

    project_id: str
    api_key_id: str
    model: str
    way: Way


@dataclass(frozen=True, slots=True)
class Price:
    """What a line item costs a unit, by way of asking."""

    line_item: str
    rates: Rates
    usual: float
    """For ways never seen before: the ordinary price, which batch and flex do not exceed."""

    def of(self, counts: Counts) -> float:
        """Return the nano-dollars of so many."""
        return sum(count * self.rates.get(way, self.usual) for way, count in counts.items())

    def scaled(self, factor: float) -> "Price":
        return Price(
            self.line_item, {way: rate * factor for way, rate in self.rates.items()}, self.usual * factor
        )


@dataclass(slots=True)
class _Day:
    """A settled day of one project and meter."""

    day: date
    weight: float
    counts: Counts
    billed: Mapping[str, int]


class Prices:
    """The prices of a meter, as settled days tell them."""

    def __init__(
        self,
        counted: Mapping[str, Mapping[date, Counts]],
        lines: Mapping[str, Mapping[date, Mapping[str, int]]],
        meters: Meters,
        until: date,
    ) -> None:
        """Take project → day → counts, and what was billed: project → day → line → nano-dollars."""
        self._counted = counted
        self._lines = lines
        self._meters = meters
        self._until = until
        self._known: dict[str, tuple[Price, ...] | None] = {}
        self._fitted: dict[tuple[str, frozenset[str]], Price] = {}

    def of(self, project_id: str) -> tuple[Price, ...] | None:
        """Return what a project's use is billed as; empty when it is free, None when nobody knows."""
        if project_id not in self._known:
            self._known[project_id] = self._find(project_id)
        return self._known[project_id]

    def _find(self, project_id: str) -> tuple[Price, ...] | None:
        lines = sorted(self._charged(project_id))
        if lines:
            common = [self._fit(line, frozenset((line,))) for line in lines]
            credible = _credible(self._of(project_id), common)
            return tuple(_scaled(price, credible) for price in common)
        return () if len(self._used(project_id)) >= UNBILLED else self._common

    def _used(self, project_id: str) -> Mapping[date, Counts]:
        return self._counted.get(project_id, {})

    def _charged(self, project_id: str) -> set[str]:
        """Return the lines under which a project's use was billed."""
        billed = self._lines.get(project_id)
        if billed is None:
            return set()
        used = self._used(project_id)
        return {line for day, amounts in billed.items() if day in used for line in amounts}

    def _of(self, project_id: str) -> list[_Day]:
        """Return the days on which a project used it."""
        billed = self._lines.get(project_id, {})
        return [
            _Day(day, 0.5 ** ((self._until - day).days / HALF), counts, billed.get(day, {}))
            for day, counts in self._used(project_id).items()
        ]

    @cached_property
    def _common(self) -> tuple[Price, ...] | None:
        """What all projects together pay, under plain lines if there are any."""
        lines = {line for project_id in self._counted for line in self._charged(project_id)}
        plain = {line for line in lines if not self._meters.has_surface(line)} or lines
        if plain:
            return tuple(self._fit(line, frozenset(plain)) for line in sorted(plain))
        return () if len({day for used in self._counted.values() for day in used}) >= UNBILLED else None

    def _fit(self, line: str, among: frozenset[str]) -> Price:
        """Return a line's price over all projects that were billed under one of `among`."""
        key = (line, among)
        if key not in self._fitted:
            days = [
                day
                for project_id in self._counted
                if not among.isdisjoint(self._charged(project_id))
                for day in self._of(project_id)
            ]
            self._fitted[key] = _fit(line, days)
        return self._fitted[key]


def _credible(own: list[_Day], prices: Sequence[Price]) -> list[_Day]:
    """Return the days whose bill is not out of all proportion: one that is late would pass for a low price.

    Out of proportion is less than half or more than twice what the middle day pays.
    """
    ratios = []
    for day in own:
        expected = sum(price.of(day.counts) for price in prices)
        ratios.append(sum(day.billed.values()) / expected if expected > 0 else 0.0)
    middle = _middle(ratios, [day.weight for day in own])
    if len(own) < UNBILLED or middle <= 0:
        return own
    return [day for day, ratio in zip(own, ratios, strict=True) if middle / 2 <= ratio <= middle * 2]


def _middle(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the weighted median."""
    rest = sum(weights) / 2
    for value, weight in sorted(zip(values, weights, strict=True)):
        rest -= weight
        if rest <= 0:
            return value
    return 0.0


def _scaled(price: Price, own: list[_Day]) -> Price:
    """Return the price at which the days of a project come to what it was billed."""
    billed = sum(day.weight * day.billed.get(price.line_item, 0) for day in own)
    expected = sum(day.weight * price.of(day.counts) for day in own)
    if expected > 0:
        return price.scaled(billed / expected)
    return Price(price.line_item, {}, _ratio(own, price.line_item))


def _ratio(days: Iterable[_Day], line: str) -> float:
    known = [(day.weight * day.billed.get(line, 0), day.weight * sum(day.counts.values())) for day in days]
    billed, counted = sum(pair[0] for pair in known), sum(pair[1] for pair in known)
    return max(billed / counted, 0.0) if counted > 0 else 0.0


def _fit(line: str, days: list[_Day]) -> Price:
    """Return the non-negative prices that best explain the days, near their common price where those do not tell.

    Each day's error counts in proportion to its size, as errors of sums do. Coordinate descent: a handful of
    ways, and it begins at the common price, which is the answer when there is only one.
    """
    usual = _ratio(days, line)
    ways = sorted({way for day in days for way in day.counts})
    if len(ways) == 1:
        return Price(line, {ways[0]: usual}, usual)
    products = {(one, other): 0.0 for one in ways for other in ways}
    billed = dict.fromkeys(ways, 0.0)
    held = 0.0
    for day in days:
        counted = sum(day.counts.values())
        weight = day.weight / counted
        held += NEAR * weight * counted * counted
        for one, count in day.counts.items():
            billed[one] += weight * count * day.billed.get(line, 0)
            for other, more in day.counts.items():
                products[one, other] += weight * count * more
    rates = dict.fromkeys(ways, usual)
    for _ in range(500):
        moved = 0.0
        for way in ways:
            others = sum(products[way, other] * rates[other] for other in ways if other != way)
            rate = max((billed[way] - others + held * usual) / (products[way, way] + held), 0.0)
            moved, rates[way] = max(moved, abs(rate - rates[way])), rate
        if moved <= usual * 1e-9:
            break
    return Price(line, rates, rates.get(ORDINARY, usual))


def learn(
    counts: Iterable[tuple[date, User, float]],
    bills: Iterable[tuple[date, Series, int]],
    meters: Meters,
    until: date,
) -> Prices:
    """Return the prices of a meter told by its use on settled days and its bills, those before `until`.

    What was not used on a day has no count there, and no zero either.
    Credits and corrections (negative lines) say nothing of a price and are left out.
    """
    counted: dict[str, dict[date, dict[Way, float]]] = {}
    for day, (project_id, _, _, way), count in counts:
        days = counted.get(project_id)
        if days is None:
            days = counted[project_id] = {}
        ways = days.get(day)
        if ways is None:
            days[day] = {way: count}
        else:
            ways[way] = ways.get(way, 0.0) + count
    billed: dict[str, dict[date, dict[str, int]]] = {}
    for day, series, amount in bills:
        if day < until:
            lines = billed.setdefault(series.project_id, {}).setdefault(day, {})
            lines[series.line_item] = lines.get(series.line_item, 0) + amount
    for bills_of in billed.values():
        for day, lines in bills_of.items():
            bills_of[day] = {line: amount for line, amount in lines.items() if amount >= 0}
    return Prices(counted, billed, meters, until)
