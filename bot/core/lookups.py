"""What does not change while series, names and rules stay the same: values, groups, and what a scope admits."""

from collections.abc import Collection, Iterable, Mapping

from bot.core.dimension import Series, reader
from bot.core.rules.book import Rulebook
from bot.core.rules.select import Called, NameOf, Pattern, Scope
from bot.core.stretches import ByStretch, Rows

_Group = tuple[str, ...]


class Lookups:
    """The values of every series by dimension, and the groups they form. Each is read once, when it is asked for."""

    def __init__(
        self, series: Mapping[int, Series], name_of: NameOf, book: Rulebook, models: Collection[str]
    ) -> None:
        self.within: dict[tuple[Scope, _Group], ByStretch] = {}
        """What was worked out of stretches, by what was asked of them."""
        self.rows: dict[Scope, Rows] = {}
        self._series = series
        self._name_of = name_of
        self._book = book
        self._models = models
        self._columns: dict[str, dict[int, str]] = {}
        self._teams: dict[str, str] = {}
        self._called: dict[str, Called] = {}
        self._holders: dict[str, dict[str, list[int]]] = {}
        self._meant: dict[tuple[str, tuple[Pattern, ...]], Collection[str]] = {}
        self._groups: dict[_Group, dict[int, _Group]] = {}
        self._members: dict[tuple[Scope, _Group], dict[int, _Group]] = {}

    def column(self, dimension: str) -> dict[int, str]:
        """Return the value of a dimension by series; '' is unattributed."""
        known = self._columns.get(dimension)
        if known is None:
            read = reader(dimension, self._team_of, self._models)
            known = self._columns[dimension] = {key: read(series) for key, series in self._series.items()}
        return known

    def groups(self, dimensions: _Group) -> dict[int, _Group]:
        """Return the group of each series: its values of the dimensions, in their order."""
        known = self._groups.get(dimensions)
        if known is None:
            columns = [self.column(dimension) for dimension in dimensions]
            if columns:
                rows = zip(*[column.values() for column in columns], strict=True)
                # Equal groups are one object: they are compared ten thousand times.
                one: dict[_Group, _Group] = {}
                known = {key: one.setdefault(row, row) for key, row in zip(self._series, rows, strict=True)}
            else:
                known = dict.fromkeys(self._series, ())
            self._groups[dimensions] = known
        return known

    def members(self, scope: Scope, by: _Group) -> dict[int, _Group]:
        """Return the series that a scope admits, each with its group of the dimensions `by`."""
        if scope.everything:
            return self.groups(by)
        known = self._members.get((scope, by))
        if known is None:
            groups = self.groups(by)
            known = self._members[scope, by] = {key: groups[key] for key in self._admitted(scope)}
        return known

    def _admitted(self, scope: Scope) -> Iterable[int]:
        """Return the series of a scope, in the order of their ids.

        A term is asked once of each value, whatever series have it and whatever rules share it.
        """
        found: Collection[int] | None = None
        for dimension, patterns in scope.select.terms:
            meant = self._meaning(dimension, patterns)
            if found is None:
                holders = self._holding(dimension)
                found = [key for value in meant for key in holders[value]]
            else:
                column = self.column(dimension)
                found = [key for key in found if column[key] in meant]
        left = self._series if found is None else sorted(found)
        for dimension, patterns in scope.excluded.terms:
            meant, column = self._meaning(dimension, patterns), self.column(dimension)
            left = [key for key in left if column[key] not in meant]
        return left

    def _holding(self, dimension: str) -> dict[str, list[int]]:
        """Return the series that have each value."""
        known = self._holders.get(dimension)
        if known is None:
            known = self._holders[dimension] = {}
            for key, value in self.column(dimension).items():
                known.setdefault(value, []).append(key)
        return known

    def _meaning(self, dimension: str, patterns: tuple[Pattern, ...]) -> Collection[str]:
        """Return the values that are meant by any of the patterns, of those that some series has."""
        known = self._meant.get((dimension, patterns))
        if known is None:
            called = self._called.get(dimension)
            if called is None:
                values = self._holding(dimension)
                names = {value: self._name_of(dimension, value) for value in values}
                called = self._called[dimension] = Called(names)
            known = self._meant[dimension, patterns] = called.meant(patterns)
        return known

    def _team_of(self, project_id: str) -> str:
        if not project_id:
            return ""
        known = self._teams.get(project_id)
        if known is None:
            name = self._name_of("project", project_id)
            known = self._teams[project_id] = self._book.team_of(project_id, name)
        return known
