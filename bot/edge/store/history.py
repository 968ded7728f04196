"""Every figure with when it was seen: what a backtest replays. One scan of facts and history for each metric."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlmodel import col

from bot.core.metrics import Metric
from bot.core.period import epoch
from bot.core.timeline import Observation
from bot.edge.store.facts import USAGE
from bot.edge.store.sql import run
from bot.edge.store.tables import ORGANIZATION, PollRow, PollSource, utc


def costs(tx: Connection, since: date) -> list[Observation]:
    """Return every cost of the days from `since` on that was ever known, in the order it was seen."""
    statement = (
        "SELECT observed_at, bucket, series_id, amount_nano FROM cost_fact WHERE bucket >= ? "
        "UNION ALL SELECT observed_at, bucket, series_id, amount_nano FROM cost_history WHERE bucket >= ? "
        "ORDER BY 1"
    )
    return _observations(tx, statement, (epoch(since),) * 2)


def usage(tx: Connection, metric: Metric, since: date) -> list[Observation]:
    """Return every daily figure of a metric that was ever known, in the order it was seen."""
    table, marks = USAGE["1d"], ", ".join("?" * len(metric.sources))
    parts = (
        f"SELECT observed_at, bucket, series_id, {metric.name} FROM {name} WHERE bucket >= ? "  # noqa: S608 - our own names
        f"AND {metric.name} IS NOT NULL AND series_id IN (SELECT id FROM series WHERE source IN ({marks}))"
        for name in (table.fact, table.history)
    )
    return _observations(tx, f"{' UNION ALL '.join(parts)} ORDER BY 1", (epoch(since), *metric.sources) * 2)


def figures(tx: Connection, since: date) -> int:
    """Return how many costs of the days from `since` on were ever known."""
    return sum(
        run(tx, f"SELECT count(*) FROM {table} WHERE bucket >= ?", (epoch(since),)).scalar_one()  # noqa: S608 - our own names
        for table in ("cost_fact", "cost_history")
    )


def polls(tx: Connection, since: datetime, until: datetime) -> list[tuple[datetime, bool]]:
    """Return when costs were read completely, and whether anything had changed; in the order of time."""
    rows = tx.execute(
        select(col(PollRow.now), col(PollRow.changed))
        .join(PollSource, col(PollSource.poll_id) == col(PollRow.id))
        .where(
            col(PollRow.organization_id) == ORGANIZATION,
            col(PollSource.source) == "costs",
            col(PollSource.complete).is_(True),
            col(PollRow.now) >= since,
            col(PollRow.now) <= until,
        )
        .order_by(col(PollRow.now))
    )
    return [(utc(now), changed > 0) for now, changed in rows]


def first_poll(tx: Connection) -> datetime | None:
    """Return when costs were first read completely; None before that."""
    row = tx.execute(
        select(col(PollRow.now))
        .join(PollSource, col(PollSource.poll_id) == col(PollRow.id))
        .where(
            col(PollRow.organization_id) == ORGANIZATION,
            col(PollSource.source) == "costs",
            col(PollSource.complete).is_(True),
        )
        .order_by(col(PollRow.now))
        .limit(1)
    ).first()
    return utc(row[0]) if row else None


def _observations(tx: Connection, statement: str, values: Sequence[Any]) -> list[Observation]:
    result = run(tx, statement, tuple(values))
    assert result.cursor is not None
    make = Observation._make
    return [make(row) for row in result.cursor.fetchall()]
