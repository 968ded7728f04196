"""Costs and usage: written only where they changed, read as sums, now or as they were known at an instant."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bot.core.metrics import Metric
from bot.core.period import epoch
from bot.edge.store import checksums, months
from bot.edge.store.fact_tables import UsageValues
from bot.edge.store.series_index import SeriesIndex
from bot.edge.store.sql import cells, raw, run, upsert
from bot.edge.store.tables import ORGANIZATION

if TYPE_CHECKING:  # reports read the store without loading an HTTP client
    from bot.edge.openai import Reading, Rows

Key = tuple[int, int]
"""(bucket, series id)"""
Values = tuple[int | None, ...]
Row = tuple[int | None, ...]
"""A key, instants and values, as a table has them."""


@dataclass(frozen=True, slots=True)
class Table:
    """A fact table, its history, and the value columns both carry."""

    fact: str
    history: str
    values: tuple[str, ...]


COSTS = Table("cost_fact", "cost_history", ("amount_nano", "quantity_micro"))
_METRICS = tuple(UsageValues.model_fields)
USAGE = {
    "1d": Table("usage_day", "usage_day_history", _METRICS),
    "1h": Table("usage_hour", "usage_hour_history", _METRICS),
}


def table_of(source: str, width: str) -> Table:
    """Return where a source's values of a bucket width are kept."""
    return COSTS if source == "costs" else USAGE[width]


def store(tx: Connection, index: SeriesIndex, reading: "Reading", now: datetime) -> int:
    """Make the stored window equal to what was read and return how many values changed.

    A value that did not change is not written. A changed one keeps the old value in the history. One that
    vanished from a bucket that was answered is zero from now on; buckets that were not answered stay.
    """
    table = table_of(reading.source, reading.width)
    stored = _window(tx, table, reading)
    seen = int(now.timestamp())
    found = index.ids(tx, reading.source, reading.columns, list(reading.groups.values()))
    ids = dict(zip(reading.groups, found, strict=True))
    zero = _zero(table, reading)
    replaced: list[Row] = []
    written: list[list[Any]] = []
    counts: dict[int, int] = {}
    for bucket in sorted(reading.rows):
        rows = reading.rows[bucket]
        old = stored.get(bucket)
        if old is None:
            written.append(_made(bucket, rows, ids, seen))
            counts[bucket] = len(written[-1]) // (3 + len(reading.metrics))
            continue
        fresh = {ids[number]: values for number, values in rows.by_group().items()}
        changed: list[Row] = []
        for key, values in fresh.items():
            known = old.get(key)
            if known is None:
                if any(values):
                    changed.append((bucket, key, seen, *values))
            elif known[1:] != values:
                _replace((bucket, key), known, values, seen, replaced, changed)
        for key, known in old.items():
            if key not in fresh and any(known[1:]):
                _replace((bucket, key), known, zero, seen, replaced, changed)
        counts[bucket] = len(changed)
        written.append(cells(sorted(changed)))
    _write(tx, table, reading.metrics, replaced, written, {bucket for bucket in counts if counts[bucket]})
    checksums.keep(tx, reading)
    return sum(counts.values())


def _made(bucket: int, rows: "Rows", ids: Mapping[int, int], seen: int) -> list[Any]:
    """Return the values to write of a bucket of which nothing is stored, row after row in the order of their key.

    Column by column: to make a tuple of each row would take as long as to write it.
    """
    series = list(map(ids.__getitem__, rows.groups))
    order = sorted(range(len(series)), key=series.__getitem__)
    if not all(rows.columns[0]):  # what begins with a count that is not zero is worth writing
        worth = list(map(any, zip(*rows.columns, strict=True)))
        order = [place for place in order if worth[place]]
    values = [_of(column, order) for column in rows.columns]
    columns: list[list[Any]] = [[bucket] * len(order), _of(series, order), [seen] * len(order), *values]
    found: list[Any] = [None] * (len(columns) * len(order))
    for place, column in enumerate(columns):
        found[place :: len(columns)] = column
    return found


def _of(column: Sequence[int | None], order: Sequence[int]) -> list[int | None]:
    return list(map(column.__getitem__, order))


def _replace(
    place: Key, old: Values, values: Values, seen: int, replaced: list[Row], written: list[Row]
) -> None:
    since = old[0]
    assert since is not None
    # A clock that stepped back must neither end a value before it began nor lose it.
    at = seen if seen >= since else since + 1
    if at > since:
        replaced.append((*place, since, at, *old[1:]))
    written.append((*place, at, *values))


def _zero(table: Table, reading: "Reading") -> Values:
    """Return what a vanished row is worth now."""
    return (0, None) if table is COSTS else (0,) * len(reading.metrics)


def _window(tx: Connection, table: Table, reading: "Reading") -> dict[int, dict[int, Values]]:
    """Return what is stored of the buckets that were read: by series, the instant of its reading and the values."""
    if not reading.rows:
        return {}
    columns = ", ".join(("bucket", "series_id", "observed_at", *reading.metrics))
    rows = run(
        tx,
        f"SELECT {columns} FROM {table.fact} WHERE bucket >= ? AND bucket <= ? "  # noqa: S608 - our own names
        "AND series_id IN (SELECT id FROM series WHERE organization_id = ? AND source = ?)",
        (min(reading.rows), max(reading.rows), ORGANIZATION, reading.source),
    )
    found: dict[int, dict[int, Values]] = {}
    for row in raw(rows):
        found.setdefault(row[0], {})[row[1]] = row[2:]
    return found


def _write(
    tx: Connection,
    table: Table,
    metrics: Sequence[str],
    replaced: list[Row],
    written: Iterable[list[Any]],
    buckets: Collection[int],
) -> None:
    if table is COSTS:
        months.forget(tx, buckets)
    names = ("bucket", "series_id", "observed_at", *metrics)
    past = ("bucket", "series_id", "observed_at", "replaced_at", *metrics)
    changes = f"DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names[2:])}"
    # The tables are clustered: writing in key order doubles the rate.
    upsert(tx, table.history, past, [cells(sorted(replaced))], 3, "DO NOTHING")
    upsert(tx, table.fact, names, written, 2, changes)


def sums(
    tx: Connection, cuts: Sequence[date], *, known_at: datetime | None = None, before: date | None = None
) -> list[dict[int, int]]:
    """Return nano-dollars by cost series for each stretch between two cuts: one statement, whatever the rules.

    Days from `before` on are left out: who asks about a past day is not told of those after it. `known_at`
    answers with the values as they were known at that instant.
    """
    return _sums(tx, COSTS, "amount_nano", (), cuts, known_at, before)


def metric_sums(
    tx: Connection,
    metric: Metric,
    cuts: Sequence[date],
    *,
    width: str = "1d",
    known_at: datetime | None = None,
    before: date | None = None,
) -> list[dict[int, int]]:
    """Return a usage metric by usage series for each stretch, as `sums` does; only where the metric counts.

    `width` names the buckets to read. A level adds up over neither days nor hours: cut it at every day, at 1d.
    """
    if metric.level and width != "1d":
        raise ValueError(f"{metric.name} is a level: hours of it do not add up")
    return _sums(tx, USAGE[width], metric.name, metric.sources, cuts, known_at, before)


def newest_days(tx: Connection, since: date) -> dict[str, date]:
    """Return the newest UTC day with a figure by source: of costs whenever it was, of usage from `since` on.

    A day of costs has one that is not zero, a day of usage a request; what is not counted in requests has none.
    """
    days: dict[str, date] = {}
    # Clustered by day, so that the first row from the end that is not zero is soon found.
    newest = run(
        tx, "SELECT bucket FROM cost_fact WHERE amount_nano != 0 ORDER BY bucket DESC LIMIT 1"
    ).scalar()
    if newest is not None:
        days["costs"] = datetime.fromtimestamp(newest, UTC).date()
    rows = run(
        tx,
        # By series first: a planner may take the series one by one, and read all these days for each of them.
        "SELECT s.source, MAX(n.newest) FROM (SELECT series_id, MAX(bucket) AS newest FROM usage_day "
        "WHERE bucket >= ? AND (num_model_requests > 0 OR num_requests > 0) GROUP BY series_id) AS n "
        "JOIN series s ON s.id = n.series_id WHERE s.organization_id = ? GROUP BY s.source",
        (epoch(since), ORGANIZATION),
    )
    return days | {row[0]: datetime.fromtimestamp(row[1], UTC).date() for row in rows}


def _sums(
    tx: Connection,
    table: Table,
    column: str,
    sources: Sequence[str],
    cuts: Sequence[date],
    known_at: datetime | None,
    before: date | None,
) -> list[dict[int, int]]:
    rows = table.fact
    values: tuple[int | str, ...] = ()
    if known_at is not None:
        rows = (
            f"(SELECT bucket, series_id, {column} FROM {table.fact} WHERE observed_at <= ? "  # noqa: S608 - our own names
            f"UNION ALL SELECT bucket, series_id, {column} FROM {table.history} "
            "WHERE observed_at <= ? AND replaced_at > ?) AS known"
        )
        values = (int(known_at.timestamp()),) * 3
    counts = ""
    if sources:
        marks = ", ".join("?" * len(sources))
        counts = (
            f" AND {column} IS NOT NULL AND series_id IN "  # noqa: S608 - our own names
            f"(SELECT id FROM series WHERE organization_id = ? AND source IN ({marks}))"
        )
    kept = table is COSTS and known_at is None  # months tell what is known now
    parts = months.parts(tx, rows, cuts, before, kept=kept)
    found: list[dict[int, int]] = [{} for _ in parts]
    # A series has one row a day: nothing is to be added up there, and nothing to be sorted for it.
    added = [
        part.table == months.MONTHS or part.end - part.start > 86_400 or table is USAGE["1h"]
        for part in parts
    ]
    for first in range(0, len(parts), 250):  # SQLite joins at most 500 selects
        some = range(first, min(first + 250, len(parts)))
        statement = " UNION ALL ".join(
            f"SELECT {i}, series_id, {f'CAST(SUM({column}) AS bigint)' if added[i] else column} "  # noqa: S608 - numbers and our own names
            f"FROM {parts[i].table} WHERE bucket >= ? AND bucket < ?{counts}{' GROUP BY series_id' if added[i] else ''}"
            for i in some
        )
        bound: list[int | str] = []
        for i in some:
            bound += (*values, parts[i].start, parts[i].end)
            bound += (ORGANIZATION, *sources) if sources else ()
        cursor: Any = run(tx, statement, tuple(bound)).cursor
        for place, series_id, amount in cursor:
            found[place][series_id] = amount
    stretches: list[dict[int, int]] = [{} for _ in cuts[1:]]
    for part, figures in zip(parts, found, strict=True):
        stretch = stretches[part.place]
        if not stretch:
            stretches[part.place] = figures
            continue
        for series_id, amount in figures.items():
            stretch[series_id] = stretch.get(series_id, 0) + amount
    return stretches
