"""Usage in columns: eight bytes for each count, so that only one meter's counts are made things of at a time."""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from bot.core.dimension import Series
from bot.core.live.meters import Cell, counted
from bot.core.live.prices import User, Way

_ORDINARY = frozenset(("default", "standard", "auto"))


@dataclass(slots=True)
class _Table:
    """Rows of one model that count the same cells."""

    users: "array[int]" = field(default_factory=lambda: array("i"))
    """By number."""
    days: "array[int]" = field(default_factory=lambda: array("i"))
    """As ordinals."""
    counts: "array[float]" = field(default_factory=lambda: array("d"))
    """Those of the first row, cell by cell, then those of the second."""


class Tally:
    """What rows of usage count, by model and cell.

    A large organization has a million counts in two weeks, of which the price of a meter needs some thousands. As
    dicts they took 200 MB at once, and left the process half as large again as it had been.
    """

    def __init__(self, like: "Tally | None" = None) -> None:
        """Count nothing yet; `like` is another tally, of mostly the same users."""
        self._numbers: dict[Series, int] = {} if like is None else like._numbers  # noqa: SLF001 - its own kind
        self._users: list[User] = [] if like is None else like._users  # noqa: SLF001 - its own kind
        self._ways: dict[Way, Way] = {}
        self._tables: dict[str, dict[tuple[Cell, ...], _Table]] = {}

    def add(self, day: date, series: Series, counts: Mapping[str, int | None]) -> None:
        """Take in a row of usage, its counts by the wire's names."""
        number = self._numbers.get(series)
        if number is None:
            number = self._numbers[series] = len(self._users)
            self._users.append(self._user(series))
        found = counted(series, counts)
        cells = tuple(found)
        tables = self._tables.setdefault(series.model, {})
        table = tables.get(cells)
        if table is None:
            table = tables[cells] = _Table()
        table.users.append(number)
        table.days.append(day.toordinal())
        table.counts.extend(found.values())

    @property
    def models(self) -> Collection[str]:
        """Return the models that were used, '' where usage names none."""
        return self._tables.keys()

    @property
    def pairs(self) -> Collection[tuple[str, Cell]]:
        """Return what was counted: models, each with its cells."""
        return {
            (model, cell): None
            for model, tables in self._tables.items()
            for cells in tables
            for cell in cells
        }

    def of(self, pairs: Iterable[tuple[str, Cell]]) -> Iterator[tuple[date, User, float]]:
        """Yield each count of some models' cells, with its day and user."""
        for model, cell in pairs:
            for cells, table in self._tables.get(model, {}).items():
                if cell in cells:
                    yield from zip(
                        map(date.fromordinal, table.days),
                        map(self._users.__getitem__, table.users),
                        table.counts[cells.index(cell) :: len(cells)],
                        strict=True,
                    )

    def _user(self, series: Series) -> User:
        way = (series.batch if series.batch == "true" else "", _tier(series.service_tier))
        return User(series.project_id, series.api_key_id, series.model, self._ways.setdefault(way, way))


def _tier(name: str) -> str:
    return "" if name in _ORDINARY else name
