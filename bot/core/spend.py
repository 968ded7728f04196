"""What was spent, cut into stretches of days: one grouped scan that every rule and every report reads."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.core.dimension import NAMED_BY_ID, UNATTRIBUTED, Series
from bot.core.lookups import Lookups
from bot.core.period import Span
from bot.core.rules.book import Rulebook
from bot.core.rules.select import Scope
from bot.core.stretches import ByStretch, Rows

Group = tuple[str, ...]
"""The dimension values of a group, in the order asked; '' is unattributed."""


@dataclass(frozen=True, slots=True)
class Names:
    """What people call the ids: (dimension, id) → current name, and the names of each dimension."""

    current: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def of(self, dimension: str, value: str) -> str:
        """Return the name of a value: itself where it has no other, `(no project)` where there is none."""
        if not value:
            return UNATTRIBUTED[dimension]
        if dimension in NAMED_BY_ID:
            return self.current.get((dimension, value)) or value
        return value


def cuts_of(spans: Iterable[Span]) -> tuple[date, ...]:
    """Return the days at which the scan must be cut so that every span is a sum of whole stretches."""
    return tuple(sorted({day for span in spans for day in (span.start, span.end)}))


class Spend:
    """Cost or a usage metric by series and stretch, and the sums people ask of it, in nano-dollars or units.

    `stretches[i]` holds series id → sum for the days from `cuts[i]` up to `cuts[i + 1]`. What each series comes to
    over a span is added up once; a scope adds up the series that are its own, however many rules there are.

    Of a `level` (bytes stored), series add up within a day, and a span's value is its highest day: what is
    stored on thirty days is not thirty times as much. Its stretches must be single days.
    """

    def __init__(
        self,
        cuts: Sequence[date],
        stretches: Sequence[Mapping[int, int]],
        series: Mapping[int, Series],
        names: Names,
        book: Rulebook,
        *,
        models: Collection[str] = (),
        history_from: date | None = None,
        as_of: datetime | None = None,
        level: bool = False,
        like: "Spend | None" = None,
    ) -> None:
        """Lay out a scan of stretches that never change.

        `like` is another one of the same metric, series, names and book: what was worked out of its lookups, and
        of those of its stretches that this one has too, is not worked out again.
        """
        self.cuts = tuple(cuts)
        self.level = level
        self.names = names
        self.history_from = history_from
        """The first day whose costs are stored without a hole up to now; None when nothing is stored."""
        self.as_of = as_of
        """The instant of the last complete poll of costs."""
        self._stretches = stretches
        self._models = frozenset(models)
        # What another one worked out is of the same series, names and book.
        looked = Lookups(series, names.of, book, self._models) if like is None else like._looked  # noqa: SLF001 - its own kind
        self._looked: Lookups = looked
        self._totals: dict[tuple[int, int], Mapping[int, int]] = {}
        self._sums: dict[tuple[tuple[str, ...], Span], dict[Group, int]] = {}

    def by(self, dimensions: tuple[str, ...], span: Span) -> Mapping[Group, int]:
        """Return the sum of each group over `span`, whose ends must be cuts; unseen groups are absent.

        Of a level: the highest day of each group.
        """
        known = self._sums.get((dimensions, span))
        if known is None:
            known = self._sums[dimensions, span] = self.within(_EVERYTHING, span, dimensions)
        return known

    def within(self, scope: Scope, span: Span, by: tuple[str, ...] | None = None) -> dict[Group, int]:
        """Return the sums of what `scope` admits over `span`, grouped by its `each`, or by `by`.

        Of a level: the highest day of what it admits.
        """
        wanted = scope.each if by is None else by
        first, last = self._places(span)
        if last == first + 1:
            return self._in_stretch(scope, wanted, first)
        if not self.level:
            return self._folded(scope, wanted, self._total(first, last))
        total: dict[Group, int] = {}
        for place in range(first, last):
            _raise(total, self._in_stretch(scope, wanted, place))
        return total

    def days(self, scope: Scope) -> dict[Group, list[int]]:
        """Return what each group of `scope` came to on each day; the scan must be cut at every one of them."""
        if not self._stretches:
            return {}
        if (self.cuts[-1] - self.cuts[0]).days != len(self._stretches):
            raise KeyError("a scan that is not cut at every day has no days")
        rows = self._looked.rows.get(scope)
        if rows is None or self.cuts[0] < rows.first:
            rows = self._looked.rows[scope] = Rows(self.cuts[0])
        return rows.of(
            self.cuts[0],
            self._stretches,
            lambda place: self._in_stretch(scope, scope.each, place),
        )

    def _in_stretch(self, scope: Scope, wanted: tuple[str, ...], place: int) -> dict[Group, int]:
        """Return the sums of what `scope` admits in one stretch."""
        known = self._looked.within.get((scope, wanted))
        if known is None:
            known = self._looked.within[scope, wanted] = ByStretch()
        stretch = self._stretches[place]
        found = known.get(stretch)
        if found is None:
            found = known.put(stretch, self._folded(scope, wanted, stretch))
        return found

    def _folded(self, scope: Scope, wanted: tuple[str, ...], totals: Mapping[int, int]) -> dict[Group, int]:
        """Return the sums of what `scope` admits of what each series comes to."""
        found: dict[Group, int] = {}
        get, members = found.get, self._looked.members(scope, wanted)
        if scope.everything:
            for series_id, amount in totals.items():
                group = members[series_id]
                found[group] = get(group, 0) + amount
            return found
        amount_of = totals.get
        for series_id, group in members.items():
            known = amount_of(series_id)
            if known is not None:
                found[group] = get(group, 0) + known
        return found

    def _total(self, first: int, last: int) -> Mapping[int, int]:
        """Return what each series comes to over some stretches.

        The spans that rules look at mostly end today and hold one another: the longer one adds to the shorter.
        """
        while last > first + 1 and not self._stretches[last - 1]:
            last -= 1  # nothing is known of the days to come
        known = self._totals.get((first, last))
        if known is None:
            held = min((start for start, end in self._totals if end == last and start > first), default=last)
            known = _added(self._stretches[first:held], self._totals.get((held, last), {}))
            self._totals[first, last] = known
        return known

    def keys(self, scope: Scope, span: Span) -> tuple[tuple[str, ...], dict[Group, list[Group]]]:
        """Return the dimensions `by` must be asked for, and which of its groups make up each group of `scope`."""
        dimensions = tuple(dict.fromkeys((*scope.each, *scope.dimensions)))
        width = len(scope.each)
        found: dict[Group, list[Group]] = {}
        for group in self.by(dimensions, span):
            if scope.admits(dict(zip(dimensions, group, strict=True)), self.names.of):
                found.setdefault(group[:width], []).append(group)
        return dimensions, found

    @property
    def models(self) -> Collection[str]:
        """Return the models usage has reported: a line item without a comma may be one."""
        return self._models

    def on(self, day: date) -> Mapping[int, int]:
        """Return the sums by series of the stretch that begins on `day`, which must be a cut."""
        return self._stretches[self._cut(day)]

    def column(self, dimension: str) -> Mapping[int, str]:
        """Return the value of a dimension by series; '' is unattributed."""
        return self._looked.column(dimension)

    def series_in(self, scope: Scope) -> dict[Group, list[int]]:
        """Return which series make up each group of `scope`, those among them that came to nothing too."""
        found: dict[Group, list[int]] = {}
        for series_id, group in self._looked.members(scope, scope.each).items():
            found.setdefault(group, []).append(series_id)
        return found

    def _places(self, span: Span) -> tuple[int, int]:
        """Return the place of the first stretch of a span, and of the first one after it."""
        first, last = self._cut(span.start), self._cut(span.end)
        if self.level and last - first != span.days:
            raise KeyError(f"{span.start} to {span.end} is not cut at every day, which a level needs")
        return first, last

    def _cut(self, day: date) -> int:
        place = bisect_left(self.cuts, day)
        if place == len(self.cuts) or self.cuts[place] != day:
            raise KeyError(f"{day} is no cut of this scan")
        return place


_EVERYTHING = Scope()


def _added(stretches: Sequence[Mapping[int, int]], known: Mapping[int, int]) -> dict[int, int]:
    """Return what each series comes to over all of the stretches, and what is known already."""
    total = dict(known)
    get = total.get
    for stretch in stretches:
        if not total:
            total.update(stretch)
            continue
        for series_id, amount in stretch.items():
            total[series_id] = get(series_id, 0) + amount
    return total


def _raise(highest: dict[Group, int], stretch: Mapping[Group, int]) -> None:
    """Raise each group of `highest` to what it is in the stretch, where that is more."""
    for group, amount in stretch.items():
        highest[group] = max(highest.get(group, amount), amount)
