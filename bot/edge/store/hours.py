"""Usage by the hour, of some series: read for what is looked into, never for everything."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection

from bot.core.metrics import METRICS
from bot.edge.store.sql import run


def hours(
    tx: Connection, metric_names: Sequence[str], spans: Iterable[tuple[int, int]], series: Collection[int]
) -> list[tuple[int, ...]]:
    """Return (hour, series id, the count of each metric or None), hours as Unix seconds.

    Only of the given series, and of hours in one of the half-open spans; spans that touch are read once.
    """
    assert METRICS.keys() >= set(metric_names)
    wanted = set(series)
    found: list[tuple[int, ...]] = []
    for start, end in _merged(spans) if wanted else ():
        rows = run(
            tx,
            f"SELECT bucket, series_id, {', '.join(metric_names)} FROM usage_hour "  # noqa: S608 - our own names
            "WHERE bucket >= ? AND bucket < ?",
            (start, end),
        )
        assert rows.cursor is not None
        # Clustered by hour: the hours stand in a row, and picking series here beats looking each of them up.
        found += [row for row in rows.cursor.fetchall() if row[1] in wanted]
    return found


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
