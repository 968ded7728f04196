"""What is old enough is let go of, a day at a time, so that nobody waits for it."""

from collections.abc import Callable
from datetime import date

from sqlalchemy import Connection, delete, func, or_, select, update
from sqlmodel import col

from bot.core.period import DAY, epoch, midnight
from bot.edge.store import checksums, months
from bot.edge.store.sql import run
from bot.edge.store.store import Store
from bot.edge.store.tables import (
    ORGANIZATION,
    EstimateRow,
    EventRow,
    IncidentRow,
    PollRow,
    PollSource,
    SourceState,
)

FACTS = ("cost_fact", "usage_day", "usage_hour")
HISTORIES = ("cost_history", "usage_day_history", "usage_hour_history")
SECONDS = 86_400
POLLS = 5_000
Progress = Callable[[str, int], None]


def prune(store: Store, before: date, progress: Progress | None = None) -> dict[str, int]:
    """Delete every figure of the UTC days before `before`, and polls that nothing refers to; return rows by table.

    Alerts, what people did and the names of things stay. First it is noted that those days are not stored any more:
    a report that is asked meanwhile, or after a crash, says so and never shows a part for the whole.
    """
    counts: dict[str, int] = {}

    def told(table: str, rows: int) -> None:
        counts[table] = counts.get(table, 0) + rows
        if progress is not None:
            progress(table, counts[table])

    with store.writing() as tx:
        tx.execute(
            update(SourceState)
            .where(
                col(SourceState.organization_id) == ORGANIZATION,
                col(SourceState.since).is_not(None),
                col(SourceState.since) < before.isoformat(),
            )
            .values(since=before.isoformat())
        )
    for table in (*FACTS, *HISTORIES):
        while (first := _first(store, table)) is not None and first < epoch(before):
            end = min(epoch(before), first - first % SECONDS + SECONDS)
            with store.writing() as tx:
                checksums.forget_before(tx, end)
                if table == months.DAYS:
                    months.forget_before(tx, end)
                told(table, run(tx, f"DELETE FROM {table} WHERE bucket < ?", (end,)).rowcount)  # noqa: S608 - our own names
    with store.writing() as tx:
        made = delete(EstimateRow).where(col(EstimateRow.day) < before.isoformat())
        told("estimate", tx.execute(made).rowcount)
    while True:
        with store.writing() as tx:
            some = _polls(tx, before)
            if not some:
                return counts
            tx.execute(delete(PollSource).where(col(PollSource.poll_id).in_(some)))
            told("poll", tx.execute(delete(PollRow).where(col(PollRow.id).in_(some))).rowcount)


def _first(store: Store, table: str) -> int | None:
    with store.reading() as tx:
        found: int | None = run(tx, f"SELECT MIN(bucket) FROM {table}").scalar()  # noqa: S608 - our own names
        return found


def _polls(tx: Connection, before: date) -> list[int]:
    """Return polls of old that no alert refers to; never the last one."""
    last = select(func.max(col(PollRow.id))).scalar_subquery()
    used = or_(
        select(1).where(col(IncidentRow.poll_id) == col(PollRow.id)).exists(),
        select(1).where(col(EventRow.poll_id) == col(PollRow.id)).exists(),
    )
    rows = tx.execute(
        select(col(PollRow.id))
        .where(col(PollRow.now) < midnight(before), col(PollRow.id) != last, ~used)
        .order_by(col(PollRow.id))
        .limit(POLLS)
    )
    return [row[0] for row in rows if row[0] is not None]


def keeps(days: int, today: date) -> date:
    """Return the first day that is kept when so many days are, today included."""
    return today - (days - 1) * DAY
