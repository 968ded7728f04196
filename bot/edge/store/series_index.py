"""Series: the source and dimension values that facts are kept by, and their ids."""

import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import itemgetter

from sqlalchemy import Connection

from bot.core.dimension import COLUMNS, Series
from bot.edge.store.fact_tables import SERIES_COLUMNS
from bot.edge.store.sql import run
from bot.edge.store.tables import ORGANIZATION


def _places(names: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """Return what reads these fields of a Series off a row of (id, source, the columns of a series)."""
    columns = ("id", "endpoint", *COLUMNS)
    first, *more = [columns.index(name) for name in names]
    return itemgetter(first, *more)


_FIELDS = tuple(field.name for field in fields(Series))
_COST_OF, _USAGE_OF = _places(_FIELDS[:4]), _places(_FIELDS)


class SeriesIndex:
    """Source and dimension values → series id, kept in memory and completed from the database as it grows.

    Safe to share: people ask for reports while a poll adds series.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._clear()

    def _clear(self) -> None:
        self._ids: dict[tuple[str, ...], int] = {}
        self._groups: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], int]] = {}
        self._series: dict[int, Series] = {}
        self._usage: dict[int, Series] = {}
        self._models: set[str] = set()
        self._last = 0

    def refresh(self, tx: Connection) -> tuple[Mapping[int, Series], frozenset[str]]:
        """Learn the series added since the last call; return the cost series by id, and the models usage knows.

        What is returned is a picture: another thread's failed write may make the index start over at any moment.
        """
        with self._lock:
            self._refresh(tx)
            return self._series.copy(), frozenset(self._models)

    def usage(self, tx: Connection) -> Mapping[int, Series]:
        """Return the usage series by id, those added since the last call too; a picture like `refresh`'s."""
        with self._lock:
            self._refresh(tx)
            return self._usage.copy()

    def _refresh(self, tx: Connection) -> None:
        columns = ", ".join(("id", "source", *SERIES_COLUMNS))
        rows = run(
            tx,
            f"SELECT {columns} FROM series WHERE organization_id = ? AND id > ? ORDER BY id",  # noqa: S608 - our own column names
            (ORGANIZATION, self._last),
        )
        for row in rows:
            # Thousands of series name the same few hundred projects, models and keys: each text is held once.
            values = (row[0], *map(sys.intern, row[1:]))
            self._ids[values[1:]] = values[0]
            self._last = values[0]
            if values[1] == "costs":
                self._series[values[0]] = Series(*_COST_OF(values))
                continue
            series = self._usage[values[0]] = Series(*_USAGE_OF(values))
            if series.model:
                self._models.add(series.model)

    def forget(self) -> None:
        """Start over: after a transaction that failed, ids it handed out may never have been."""
        with self._lock:
            self._clear()

    def ids(
        self, tx: Connection, source: str, columns: tuple[str, ...], groups: Sequence[tuple[str, ...]]
    ) -> list[int]:
        """Return the id of each group of values over `columns`, in their order, adding series never seen before."""
        with self._lock:
            return self._find(tx, source, columns, groups)

    def _find(
        self, tx: Connection, source: str, columns: tuple[str, ...], groups: Sequence[tuple[str, ...]]
    ) -> list[int]:
        known = self._groups.setdefault((source, columns), {})
        found = list(map(known.get, groups))
        if None in found:
            places = [columns.index(column) if column in columns else -1 for column in COLUMNS]
            # A column that was not asked for reads the '' put behind each group.
            wanted = {
                group: (source, *[(*group, "")[place] for place in places])
                for group, id_ in zip(groups, found, strict=True)
                if id_ is None
            }
            self._add(tx, wanted.values())
            known.update({group: self._ids[key] for group, key in wanted.items()})
        return [known[group] for group in groups]

    def _add(self, tx: Connection, keys: Iterable[tuple[str, ...]]) -> None:
        """Make a series of each key that is none yet."""
        new = {key for key in keys if key not in self._ids}
        if new:
            marks = ", ".join("?" * (len(SERIES_COLUMNS) + 2))
            names = ", ".join(("organization_id", "source", *SERIES_COLUMNS))
            run(
                tx,
                f"INSERT INTO series ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608 - our own column names
                [(ORGANIZATION, *key) for key in sorted(new)],
            )
            self._refresh(tx)
