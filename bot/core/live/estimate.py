"""What unsettled days come to: each meter's use at the organization's own price, where the bill is not ahead of it.

The larger of the bill so far and the estimate counts, for each day, project and meter. Not for each line item:
lines that share a meter are told apart by how the work was asked for, which usage does not know, so what one
line's estimate misses is on another's bill and would be counted twice. Not for a whole project either, where a
line that is billed in full would hide one that has just begun to run away.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bot.core.dimension import Series
from bot.core.live.meters import STORED, Cell, Meter, Meters
from bot.core.live.prices import Price, Prices, User, Way, learn
from bot.core.live.tally import Tally
from bot.core.period import DAY, midnight

SETTLE = timedelta(hours=36)
"""How long after its end a day's bill is final, where nobody says otherwise."""
LONGEST = 7 * DAY
"""How far back days are estimated at most."""

ListPrice = Callable[[str, str, Way], float | None]
"""(model, part, way of asking) → nano-dollars a unit on a public list; None where it has no price."""


@dataclass(frozen=True, slots=True)
class Used:
    """One row of usage: a UTC day of a usage series, its counts by the wire's names; None where it has none."""

    day: date
    series: Series
    counts: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One line of one unsettled day: what it is estimated to come to, and what is billed of it so far."""

    day: date
    series: Series
    """Project, line item and, where usage tells it, the key."""
    estimated: int
    billed: int
    added: int
    """What counts beyond the bill so far. A meter's lines share what it exceeds the bill by."""
    known: bool = True
    """Priced by the organization's own bills; False where a public price list had to do."""
    metered: bool = True
    """False for what usage does not count: it is estimated as what is billed so far."""


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Use that neither the bills nor a price list can price: it costs something, and nobody knows what."""

    day: date
    project_id: str
    api_key_id: str
    meter: Meter
    count: int


@dataclass(frozen=True, slots=True)
class Estimates:
    """Every line of every unsettled day, and what could not be estimated."""

    since: date
    """The first day that is not settled."""
    lines: tuple[Estimate, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()


def unsettled_from(costs_read_at: datetime, now: datetime, settle: timedelta) -> date:
    """Return the first day whose bill is not final: costs must have been read after it settled.

    When costs have not been read for days, those days are estimated too, up to LONGEST.
    """
    final = (min(costs_read_at, now) - settle).astimezone(UTC).date()
    return max(final, now.astimezone(UTC).date() - LONGEST)


_Place = tuple[date, str]
"""A day of a project."""
_Use = dict[tuple[str, str], dict[Way, float]]
"""What a project used of a meter on a day: (key, usage's model) → way of asking → count."""
_Bill = tuple[date, Series, int]
"""What a day of a cost series was billed, in nano-dollars."""


def estimate(
    used: Iterable[Used],
    billed: Mapping[date, Mapping[Series, int]],
    since: date,
    now: datetime,
    list_price: ListPrice,
    models: Collection[str] = (),
) -> Estimates:
    """Return what each day from `since` on comes to; the days before it are settled and tell the prices.

    `used` and `billed` (nano-dollars by day and cost series) are of the same days, `now` tells how much of
    today a level has been stored for. Meters are worked out one after the other, because what all of them need at
    once is a hundred times what comes of it.
    """
    settled = Tally()
    current = Tally(like=settled)
    for row in used:
        (settled if row.day < since else current).add(row.day, row.series, row.counts)
    billing: set[Series] = set().union(*billed.values())
    names = {model for model in (*settled.models, *current.models, *models) if model}
    meters = Meters({series.line_item for series in billing}, names, settled.pairs, current.pairs)
    billed_as: dict[Meter | None, list[Series]] = {None: []}
    for series in billing:
        billed_as.setdefault(meters.of_line(series.line_item), []).append(series)
    unmetered = set(billed_as.pop(None))
    lines = [
        Estimate(day, series, amount, amount, 0, metered=False)
        for day, amounts in billed.items()
        if day >= since
        for series, amount in amounts.items()
        if series in unmetered
    ]
    counted_as: dict[Meter, list[tuple[str, Cell]]] = {meter: [] for meter in billed_as if meter is not None}
    for model, cell in dict.fromkeys((*settled.pairs, *current.pairs)):
        counted_as.setdefault(meters.of(model, cell), []).append((model, cell))
    found: list[tuple[_Place, Meter, list[Estimate], list[Unpriced]]] = []
    for meter, pairs in counted_as.items():
        uses = _uses(meter, current.of(pairs), now)
        bills = _bills(billed, billed_as.get(meter, ()))
        prices = learn(settled.of(pairs) if uses else (), bills, meters, since)
        found += _Maker(meter, prices, list_price).all(uses, [bill for bill in bills if bill[0] >= since])
    found.sort(key=lambda each: (*each[0], each[1]))
    lines += [line for _, _, some, _ in found for line in some]
    return Estimates(since, tuple(lines), tuple(lost for *_, some in found for lost in some))


def _bills(billed: Mapping[date, Mapping[Series, int]], wanted: Iterable[Series]) -> list[_Bill]:
    """Return what some series were billed, on each day that has a bill of them."""
    return [
        (day, series, amount)
        for series in wanted
        for day, amounts in billed.items()
        if (amount := amounts.get(series)) is not None
    ]


def _gone_by(day: date, now: datetime) -> float:
    """Return how much of the day has gone by: what is stored is billed by the hour."""
    return max(0.0, min((now - midnight(day)) / DAY, 1.0))


def _uses(meter: Meter, counts: Iterable[tuple[date, User, float]], now: datetime) -> dict[_Place, _Use]:
    """Return what each project used of a meter on each unsettled day."""
    uses: dict[_Place, _Use] = {}
    for day, (project_id, api_key_id, model, way), count in counts:
        share = _gone_by(day, now) if meter.part == STORED else 1.0
        use = uses.setdefault((day, project_id), {})
        ways = use.setdefault((api_key_id, model), {})
        ways[way] = ways.get(way, 0.0) + count * share
    return uses


class _Maker:
    """Prices the use of a meter on unsettled days and sets it against what is billed of it."""

    def __init__(self, meter: Meter, prices: Prices, list_price: ListPrice) -> None:
        self._meter = meter
        self._prices = prices
        self._list_price = list_price

    def all(
        self, uses: Mapping[_Place, _Use], billed: Iterable[_Bill]
    ) -> Iterator[tuple[_Place, Meter, list[Estimate], list[Unpriced]]]:
        """Yield the lines of each day and project, and what nobody can price; nothing of those without either."""
        so_far: dict[_Place, dict[tuple[str, str], int]] = {}
        for day, series, amount in billed:
            by_line = so_far.setdefault((day, series.project_id), {})
            key = (series.line_item, series.api_key_id)
            by_line[key] = by_line.get(key, 0) + amount
        for place in {**so_far, **uses}:
            unpriced: list[Unpriced] = []
            found, known = self._priced(place, uses.get(place, {}), unpriced)
            charged = so_far.get(place, {})
            if found or charged or unpriced:
                lines = _set_against(place, found, charged, known=known)
                yield place, self._meter, lines, unpriced

    def _priced(
        self, place: _Place, use: _Use, unpriced: list[Unpriced]
    ) -> tuple[dict[tuple[str, str], int], bool]:
        """Return (line item, key) → nano-dollars, and whether the organization's own bills told the price."""
        day, project_id = place
        if not use:
            return {}, True
        own = self._prices.of(project_id)
        found: dict[tuple[str, str], float] = {}
        for (api_key_id, model), ways in use.items():
            prices = own
            if prices is None:
                listed = self._listed(model, ways)
                if listed is None:
                    count = round(sum(ways.values()))
                    unpriced.append(Unpriced(day, project_id, api_key_id, self._meter, count))
                    continue
                prices = (listed,)
            for price in prices:
                key = (price.line_item, api_key_id)
                found[key] = found.get(key, 0.0) + price.of(ways)
        return {key: round(amount) for key, amount in found.items()}, own is not None

    def _listed(self, model: str, ways: Collection[Way]) -> Price | None:
        rates = {way: self._list_price(model, self._meter.part, way) for way in ways}
        known = {way: rate for way, rate in rates.items() if rate is not None}
        return Price(self._meter.line_item, known, 0.0) if len(known) == len(rates) else None


def _set_against(
    place: _Place,
    estimated: Mapping[tuple[str, str], int],
    billed: Mapping[tuple[str, str], int],
    *,
    known: bool,
) -> list[Estimate]:
    """Return a meter's lines: what its estimate exceeds the bill by goes where the bill is behind.

    A correction (a negative line) is not made up for.
    """
    day, project_id = place
    charged = {key: max(amount, 0) for key, amount in billed.items()}
    excess = max(sum(estimated.values()) - sum(charged.values()), 0)
    keys = sorted({*estimated, *billed})
    behind = [max(estimated.get(key, 0) - charged.get(key, 0), 0) for key in keys]
    return [
        Estimate(
            day,
            Series(project_id, line_item, api_key_id),
            estimated.get((line_item, api_key_id), 0),
            billed.get((line_item, api_key_id), 0),
            added,
            known,
        )
        for (line_item, api_key_id), added in zip(keys, _shared(excess, behind), strict=True)
    ]


def _shared(amount: int, weights: Sequence[int]) -> list[int]:
    """Return `amount` in parts proportional to the weights, to the last nano-dollar."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [amount * weight // whole for weight in weights]
    parts[weights.index(max(weights))] += amount - sum(parts)
    return parts
