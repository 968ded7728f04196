"""Why spend changed: the change taken apart by each dimension, by price, volume and mix, and by who is new.

Everything here groups the same integers, one pair for each series: the parts of every dimension add up to the
change, and so do price, volume, mix and what is not countable.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.core.chart import Chart
from bot.core.culprit import Culprit, culprit
from bot.core.dimension import model_of
from bot.core.effects import SAME, Billed, Effects, Item, effects
from bot.core.movers import called, movers
from bot.core.period import show_span
from bot.core.question import Query
from bot.core.sides import Against, Side
from bot.core.spend import Spend
from bot.core.telling import Blame, Part
from bot.core.units import USD, Unit

DIMENSIONS = ("project", "model", "line_item", "api_key", "user")
"""What a change is taken apart by."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One value of a dimension, on both sides."""

    value: str
    name: str
    before: int
    after: int
    first: date | None = None
    """Its first day with spend, where that makes it a newcomer."""

    @property
    def change(self) -> int:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A change by one dimension: the parts add up to it."""

    dimension: str
    parts: tuple[Moved, ...]
    """Those that moved with the whole first, the largest of them first; none that is nothing on both sides."""

    def fewer(self, most: int) -> tuple[tuple[Moved, ...], int, Moved]:
        """Return at most `most` parts, how many others there are, and what those come to."""
        shown, rest = self.parts[:most], self.parts[most:]
        before, after = sum(part.before for part in rest), sum(part.after for part in rest)
        return shown, len(rest), Moved("", "", before, after)

    @property
    def told(self) -> bool:
        """Tell whether anything is told by this dimension."""
        return any(part.value for part in self.parts)


@dataclass(frozen=True, slots=True)
class Alert:
    """The alert that is asked about."""

    fingerprint: str
    subject: str
    rule: str
    period: str


@dataclass(frozen=True, slots=True)
class Why:
    """An answer to `why`. Figures in `unit`, nano-dollars mostly."""

    query: Query
    against: Against
    before: int | None
    """What it is held against; None where that is not known."""
    after: int | None
    breakdowns: tuple[Breakdown, ...] = ()
    effects: Effects | None = None
    """None where it is no money that changed."""
    blame: Blame | None = None
    """Mostly because of whom, and since when."""
    newcomers: tuple[tuple[str, Moved], ...] = ()
    """(dimension, value) of what never was there before, the largest first."""
    why_not: str = ""
    """Why it cannot be taken apart; '' where it is."""
    alert: Alert | None = None
    unit: Unit = USD
    as_of: datetime | None = None
    history_from: date | None = None
    today: date = date.max
    notes: tuple[str, ...] = ()
    chart: Chart | None = None

    @property
    def change(self) -> int | None:
        """Return what changed; None where that is not known."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def shown(self) -> tuple[Breakdown, ...]:
        """Return the dimensions that a reader is shown: the one asked for, or all that tell something apart."""
        if self.query.by:
            return tuple(each for each in self.breakdowns if each.dimension in self.query.by)
        return tuple(each for each in self.breakdowns if each.told and len(each.parts) > 1)

    @property
    def new(self) -> tuple[tuple[str, Moved], ...]:
        """Return the newcomers people are told of: the line items of a new model say nothing more."""
        models = {part.value for dimension, part in self.newcomers if dimension == "model"}
        return tuple(
            (dimension, part)
            for dimension, part in self.newcomers
            if dimension != "line_item" or model_of(part.value) not in models
        )

    @property
    def untold(self) -> tuple[str, ...]:
        """Return the dimensions by which nothing is told apart."""
        return tuple(each.dimension for each in self.breakdowns if each.parts and not each.told)


def drawn(answer: Why) -> Chart | None:
    """Return the parts that moved most as a chart, by the first dimension that is shown; None where none is."""
    if answer.change is None or not answer.shown or not answer.unit.dollars:
        return None
    breakdown, against = answer.shown[0], answer.against
    rows = [(part.name, part.before, part.after) for part in breakdown.parts]
    before = "usual" if against.usual else show_span(against.versus)
    return movers(called(breakdown.dimension), rows, against.span, before)


@dataclass(frozen=True, slots=True)
class Taken:
    """A change with the series it is made of, before anybody looked at their days."""

    before: int
    after: int
    changes: Mapping[int, int]
    breakdowns: tuple[Breakdown, ...]
    culprit: Culprit | None

    @property
    def change(self) -> int:
        return self.after - self.before

    @property
    def sign(self) -> int:
        return -1 if self.change < 0 else 1


def take(before: Side, after: Side, series: Iterable[int], told: Spend, dimensions: Sequence[str]) -> Taken:
    """Return the change of some series, taken apart by each dimension."""
    nothing = Billed()
    pairs = {
        each: (before.get(each, nothing).amount, after.get(each, nothing).amount)
        for each in series
        if each in before or each in after
    }
    changes = {each: now - then for each, (then, now) in pairs.items()}
    sign = -1 if sum(changes.values()) < 0 else 1
    found = []
    for dimension in dimensions:
        column = told.column(dimension)
        sums: dict[str, list[int]] = {}
        for each, (then, now) in pairs.items():
            held = sums.setdefault(column[each], [0, 0])
            held[0] += then
            held[1] += now
        parts = [
            Moved(value, told.names.of(dimension, value), then, now)
            for value, (then, now) in sums.items()
            if then or now
        ]
        parts.sort(key=lambda part: (-sign * part.change, -part.after, part.name, part.value))
        found.append(Breakdown(dimension, tuple(parts)))
    return Taken(
        sum(then for then, _ in pairs.values()),
        sum(now for _, now in pairs.values()),
        changes,
        tuple(found),
        culprit(changes, sign, told, dimensions),
    )


def effects_of(
    before: Side, after: Side, series: Iterable[int], told: Spend, units: Mapping[int, str]
) -> Effects:
    """Return price, volume and mix of some series, by line item of each project; `units` are the API's words."""
    projects, lines = told.column("project"), told.column("line_item")
    sides: dict[tuple[str, str], list[list[int]]] = {}
    counted: dict[tuple[str, str], set[str]] = {}
    for each in series:
        pair = (before.get(each), after.get(each))
        if pair == (None, None):
            continue
        unit, factor = SAME.get(units.get(each, ""), (units.get(each, ""), 1))
        key = (projects[each], lines[each])
        held = sides.setdefault(key, [[0, 0, 0], [0, 0, 0]])
        for side, billed in zip(held, pair, strict=True):
            if billed is None:
                continue
            amount, quantity, bare = billed
            side[0] += amount
            side[1] += quantity * factor
            side[2] += bare
            if quantity:
                counted.setdefault(key, set()).add(unit)
    return effects(
        Item(key, frozenset(counted.get(key, ())), Billed(*then), Billed(*now))
        for key, (then, now) in sides.items()
    )


def share(change: int, of: int) -> int:
    """Return a part's share of the change in percent, rounded down towards nothing; 0 of nothing."""
    if not of:
        return 0
    size = abs(change) * 100 // abs(of)
    return size if (change < 0) == (of < 0) else -size


def blamed(
    taken: Taken, new: Iterable[tuple[str, Moved]], since: date | None, known: Blame | None = None
) -> Blame | None:
    """Return mostly because of whom, and since when; None where no part stands out.

    `known` is what an alert says already: where it blames the same, it knows the hour.
    """
    found = taken.culprit
    if found is None:
        return None
    days = [part.first for dimension, part in new if (dimension, part.value) in found.values and part.first]
    told = Blame(
        found.parts,
        share(found.change, taken.change * taken.sign),
        min(days).isoformat() if days else since.isoformat() if since else "",
        fell=taken.sign < 0,
        first_seen=bool(days),
    )
    if known is not None and _same(known.parts, found.parts) and known.since:
        told = Blame(
            told.parts, told.share, known.since, known.since_hour, fell=told.fell, first_seen=told.first_seen
        )
    return told


def _same(one: Sequence[Part], other: Sequence[Part]) -> bool:
    return (
        bool(one) and bool(other) and (one[0].dimension, one[0].name) == (other[0].dimension, other[0].name)
    )
