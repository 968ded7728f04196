"""What was spent, cut into stretches of days: one grouped scan that every rule and every report reads."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice

from bot.core.dimension import NAMED_BY_ID, UNATTRIBUTED, Series, reader
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


@dataclass(slots=True)
class _Admitted:
    groups: list[tuple[Group, Group]] = field(default_factory=list)
    asked: int = 0
    """How many of the groups that were seen have been asked about."""


@dataclass(slots=True)
class _Lookups:
    """What does not change from one scan to the next while series, names and rules stay the same."""

    columns: dict[str, dict[int, str]] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=dict)
    groups: dict[tuple[str, ...], dict[Group, None]] = field(default_factory=dict)
    admitted: dict[tuple[Scope, tuple[str, ...], int], _Admitted] = field(default_factory=dict)
    grouped: dict[tuple[str, ...], ByStretch] = field(default_factory=dict)
    within: dict[tuple[Scope, tuple[str, ...]], ByStretch] = field(default_factory=dict)
    rows: dict[Scope, Rows] = field(default_factory=dict)


class Spend:
    """Cost or a usage metric by series and stretch, and the sums people ask of it, in nano-dollars or units.

    `stretches[i]` holds series id → sum for the days from `cuts[i]` up to `cuts[i + 1]`. Groupings are
    remembered, so a thousand rules that look at projects share one pass over the series.

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
        self._series = series
        self._book = book
        self._models = frozenset(models)
        self._looked: _Lookups = like._looked if like is not None else _Lookups()  # noqa: SLF001 - its own kind
        self._grouped: dict[tuple[str, ...], list[dict[Group, int]]] = {}
        self._sums: dict[tuple[tuple[str, ...], Span], dict[Group, int]] = {}

    def by(self, dimensions: tuple[str, ...], span: Span) -> Mapping[Group, int]:
        """Return the sum of each group over `span`, whose ends must be cuts; unseen groups are absent.

        Of a level: the highest day of each group.
        """
        known = self._sums.get((dimensions, span))
        if known is not None:
            return known
        stretches = self._of(dimensions, span)
        if len(stretches) == 1:
            return stretches[0]
        total: dict[Group, int] = {}
        for stretch in stretches:
            if self.level:
                _raise(total, stretch)
                continue
            for group, amount in stretch.items():
                total[group] = total.get(group, 0) + amount
        self._sums[dimensions, span] = total
        return total

    def within(self, scope: Scope, span: Span, by: tuple[str, ...] | None = None) -> dict[Group, int]:
        """Return the sums of what `scope` admits over `span`, grouped by its `each`, or by `by`.

        Of a level: the highest day of what it admits.
        """
        wanted = scope.each if by is None else by
        dimensions = tuple(dict.fromkeys((*wanted, *scope.dimensions)))
        first = self._cut(span.start)
        if self._cut(span.end) == first + 1:
            return self._in_stretch(scope, wanted, dimensions, first)
        if not self.level:
            return self._admit(scope, dimensions, len(wanted), self.by(dimensions, span))
        total: dict[Group, int] = {}
        for stretch in self._of(dimensions, span):
            _raise(total, self._admit(scope, dimensions, len(wanted), stretch))
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
        dimensions = scope.dimensions
        return rows.of(
            self.cuts[0],
            self._stretches,
            lambda place: self._in_stretch(scope, scope.each, dimensions, place),
        )

    def _in_stretch(
        self, scope: Scope, wanted: tuple[str, ...], dimensions: tuple[str, ...], place: int
    ) -> dict[Group, int]:
        """Return the sums of what `scope` admits in one stretch."""
        known = self._looked.within.get((scope, wanted))
        if known is None:
            known = self._looked.within[scope, wanted] = ByStretch()
        stretch = self._stretches[place]
        found = known.get(stretch)
        if found is None:
            sums = self._group(dimensions)[place]
            found = known.put(stretch, self._admit(scope, dimensions, len(wanted), sums))
        return found

    def _admit(
        self, scope: Scope, dimensions: tuple[str, ...], width: int, sums: Mapping[Group, int]
    ) -> dict[Group, int]:
        """Return what of `sums` the scope admits, by the first `width` dimensions."""
        total: dict[Group, int] = {}
        if not scope.select.terms and not scope.excluded.terms:
            for group, amount in sums.items():
                key = group[:width]
                total[key] = total.get(key, 0) + amount
            return total
        for group, key in self._admitted(scope, dimensions, width):
            known = sums.get(group)
            if known is not None:
                total[key] = total.get(key, 0) + known
        return total

    def _admitted(self, scope: Scope, dimensions: tuple[str, ...], width: int) -> list[tuple[Group, Group]]:
        """Return the groups of `dimensions` that a scope admits, each with the group it counts to.

        Each group that was ever seen is asked about once, however many spans and scans there are.
        """
        seen = self._looked.groups.setdefault(dimensions, {})
        found = self._looked.admitted.setdefault((scope, dimensions, width), _Admitted())
        if found.asked < len(seen):
            for group in islice(seen, found.asked, None):
                if scope.admits(dict(zip(dimensions, group, strict=True)), self.names.of):
                    found.groups.append((group, group[:width]))
            found.asked = len(seen)
        return found.groups

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
        return self._column(dimension)

    def series_in(self, scope: Scope) -> dict[Group, list[int]]:
        """Return which series make up each group of `scope`, those among them that came to nothing too."""
        columns = [self._column(dimension) for dimension in scope.dimensions]
        width = len(scope.each)
        verdicts: dict[Group, bool] = {}
        found: dict[Group, list[int]] = {}
        for series_id in self._series:
            values = tuple([column[series_id] for column in columns])
            admitted = verdicts.get(values)
            if admitted is None:
                told = dict(zip(scope.dimensions, values, strict=True))
                admitted = verdicts[values] = scope.admits(told, self.names.of)
            if admitted:
                found.setdefault(values[:width], []).append(series_id)
        return found

    def _of(self, dimensions: tuple[str, ...], span: Span) -> list[dict[Group, int]]:
        first, last = self._cut(span.start), self._cut(span.end)
        if self.level and last - first != span.days:
            raise KeyError(f"{span.start} to {span.end} is not cut at every day, which a level needs")
        return self._group(dimensions)[first:last]

    def _cut(self, day: date) -> int:
        place = bisect_left(self.cuts, day)
        if place == len(self.cuts) or self.cuts[place] != day:
            raise KeyError(f"{day} is no cut of this scan")
        return place

    def _group(self, dimensions: tuple[str, ...]) -> list[dict[Group, int]]:
        known = self._grouped.get(dimensions)
        if known is not None:
            return known
        columns = [self._column(dimension) for dimension in dimensions]
        seen = self._looked.groups.setdefault(dimensions, {})
        before = self._looked.grouped.setdefault(dimensions, ByStretch())
        grouped: list[dict[Group, int]] = []
        for stretch in self._stretches:
            sums = before.get(stretch)
            if sums is None:
                sums = {}
                for series_id, amount in stretch.items():
                    group = tuple([column[series_id] for column in columns])
                    sums[group] = sums.get(group, 0) + amount
                before.put(stretch, sums)
                seen.update(dict.fromkeys(sums))
            grouped.append(sums)
        self._grouped[dimensions] = grouped
        return grouped

    def _column(self, dimension: str) -> dict[int, str]:
        known = self._looked.columns.get(dimension)
        if known is None:
            read = reader(dimension, self._team_of, self._models)
            known = self._looked.columns[dimension] = {
                key: read(series) for key, series in self._series.items()
            }
        return known

    def _team_of(self, project_id: str) -> str:
        if not project_id:
            return ""
        known = self._looked.teams.get(project_id)
        if known is None:
            name = self.names.of("project", project_id)
            known = self._looked.teams[project_id] = self._book.team_of(project_id, name)
        return known


def _raise(highest: dict[Group, int], stretch: Mapping[Group, int]) -> None:
    """Raise each group of `highest` to what it is in the stretch, where that is more."""
    for group, amount in stretch.items():
        highest[group] = max(highest.get(group, amount), amount)
