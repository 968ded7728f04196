"""What unsettled days come to: each meter's use at the organization's own price, where the bill is not ahead of it.

The larger of the bill so far and the estimate counts, for each day, project and meter. Not for each line item:
lines that share a meter are told apart by how the work was asked for, which usage does not know, so what one
line's estimate misses is on another's bill and would be counted twice. Not for a whole project either, where a
line that is billed in full would hide one that has just begun to run away.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bot.core.dimension import Series
from bot.core.live.meters import STORED, Cell, Meter, Meters, counted
from bot.core.live.prices import Price, Prices, Way, learn
from bot.core.period import DAY, midnight

SETTLE = timedelta(hours=36)
"""How long after its end a day's bill is final, where nobody says otherwise."""
LONGEST = 7 * DAY
"""How far back days are estimated at most."""

ListPrice = Callable[[str, str, Way], float | None]
"""(model, part, way of asking) → nano-dollars a unit on a public list; None where it has no price."""

_ORDINARY = frozenset(("default", "standard", "auto"))


@dataclass(frozen=True, slots=True)
class Used:
    """One row of usage: a UTC day of a usage series, its counts by the wire's names."""

    day: date
    series: Series
    counts: Mapping[str, int]


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


_Place = tuple[date, str, Meter]
_Use = dict[tuple[str, str], dict[Way, float]]
"""What a project used of a meter on a day: (key, usage's model) → way of asking → count."""


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
    today a level has been stored for.
    """
    rows = [(row.day, row.series, counted(row.series, row.counts)) for row in used]
    meters = _meters(rows, billed, since, models)
    settled: dict[Meter, dict[str, dict[date, dict[Way, float]]]] = {}
    uses: dict[_Place, _Use] = {}
    asked: dict[Series, tuple[Way, dict[Cell, dict[date, dict[Way, float]]]]] = {}
    same: dict[Way, Way] = {}
    for day, series, cells in rows:
        model, project_id = series.model, series.project_id
        known = asked.get(series)
        if known is None:
            way = (series.batch if series.batch == "true" else "", _tier(series.service_tier))
            known = asked[series] = same.setdefault(way, way), {}
        way, days_of = known
        for cell, count in cells.items():
            if day < since:
                days = days_of.get(cell)
                if days is None:
                    of_meter = settled.setdefault(meters.of(model, cell), {})
                    days = days_of[cell] = of_meter.setdefault(project_id, {})
                ways = days.get(day)
                if ways is None:
                    ways = days[day] = {}
                ways[way] = ways.get(way, 0.0) + count
                continue
            meter = meters.of(model, cell)
            share = _gone_by(day, now) if meter.part == STORED else 1.0
            use = uses.setdefault((day, project_id, meter), {})
            ways = use.setdefault((series.api_key_id, model), {})
            ways[way] = ways.get(way, 0.0) + count * share
    prices = learn(settled, _by_project(billed, since), meters, since)
    return _Maker(meters, prices, list_price, since).all(uses, billed)


def _meters(
    rows: Sequence[tuple[date, Series, Mapping[Cell, int]]],
    billed: Mapping[date, Mapping[Series, int]],
    since: date,
    models: Collection[str],
) -> Meters:
    settled: dict[str, set[Cell]] = {}
    current: dict[str, set[Cell]] = {}
    for day, series, cells in rows:
        (settled if day < since else current).setdefault(series.model, set()).update(cells)
    items = {series.line_item for lines in billed.values() for series in lines}
    names = {model for model in (*settled, *current) if model}
    return Meters(items, names.union(models), _pairs(settled), _pairs(current))


def _pairs(cells: Mapping[str, Iterable[Cell]]) -> set[tuple[str, Cell]]:
    return {(model, cell) for model, some in cells.items() for cell in some}


def _tier(name: str) -> str:
    return "" if name in _ORDINARY else name


def _gone_by(day: date, now: datetime) -> float:
    """Return how much of the day has gone by: what is stored is billed by the hour."""
    return max(0.0, min((now - midnight(day)) / DAY, 1.0))


def _by_project(
    billed: Mapping[date, Mapping[Series, int]], before: date
) -> dict[tuple[date, str], dict[str, int]]:
    found: dict[tuple[date, str], dict[str, int]] = {}
    for day, lines in billed.items():
        if day < before:
            for series, amount in lines.items():
                of_project = found.setdefault((day, series.project_id), {})
                of_project[series.line_item] = of_project.get(series.line_item, 0) + amount
    return found


class _Maker:
    """Prices the use of unsettled days and sets it against what is billed of them."""

    def __init__(self, meters: Meters, prices: Prices, list_price: ListPrice, since: date) -> None:
        self._meters = meters
        self._prices = prices
        self._list_price = list_price
        self._since = since
        self._unpriced: list[Unpriced] = []

    def all(self, uses: Mapping[_Place, _Use], billed: Mapping[date, Mapping[Series, int]]) -> Estimates:
        so_far: dict[_Place, dict[tuple[str, str], int]] = {}
        lines: list[Estimate] = []
        for day, amounts in billed.items():
            for series, amount in amounts.items() if day >= self._since else ():
                meter = self._meters.of_line(series.line_item)
                if meter is None:
                    lines.append(Estimate(day, series, amount, amount, 0, metered=False))
                    continue
                by_line = so_far.setdefault((day, series.project_id, meter), {})
                key = (series.line_item, series.api_key_id)
                by_line[key] = by_line.get(key, 0) + amount
        for place in sorted({*so_far, *uses}, key=_order):
            found, known = self._priced(place, uses.get(place, {}))
            charged = so_far.get(place, {})
            if found or charged:
                lines += _set_against(place, found, charged, known=known)
        return Estimates(self._since, tuple(lines), tuple(self._unpriced))

    def _priced(self, place: _Place, use: _Use) -> tuple[dict[tuple[str, str], int], bool]:
        """Return (line item, key) → nano-dollars, and whether the organization's own bills told the price."""
        day, project_id, meter = place
        if not use:
            return {}, True
        own = self._prices.of(project_id, meter)
        found: dict[tuple[str, str], float] = {}
        for (api_key_id, model), ways in use.items():
            prices = own
            if prices is None:
                listed = self._listed(meter, model, ways)
                if listed is None:
                    count = round(sum(ways.values()))
                    self._unpriced.append(Unpriced(day, project_id, api_key_id, meter, count))
                    continue
                prices = (listed,)
            for price in prices:
                key = (price.line_item, api_key_id)
                found[key] = found.get(key, 0.0) + price.of(ways)
        return {key: round(amount) for key, amount in found.items()}, own is not None

    def _listed(self, meter: Meter, model: str, ways: Collection[Way]) -> Price | None:
        rates = {way: self._list_price(model, meter.part, way) for way in ways}
        known = {way: rate for way, rate in rates.items() if rate is not None}
        return Price(meter.line_item, known, 0.0) if len(known) == len(rates) else None


def _order(place: _Place) -> tuple[date, str, str, str]:
    day, project_id, meter = place
    return day, project_id, meter.model, meter.part


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
    day, project_id, _ = place
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
