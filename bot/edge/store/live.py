"""What live spend is made of, in one scan each, and the score of past estimates."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, select
from sqlmodel import col

from bot.core.accuracy import Score
from bot.core.dimension import Series
from bot.core.live.estimate import Used
from bot.core.metrics import METRICS
from bot.core.period import DAY, epoch
from bot.edge.store.facts import sums
from bot.edge.store.sql import raw, run
from bot.edge.store.tables import ORGANIZATION, EstimateRow, utc

BILLED_BY = (
    "input_tokens",
    "input_cached_tokens",
    "input_uncached_tokens",
    "input_cache_write_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "input_cached_audio_tokens",
    "input_cached_image_tokens",
    "output_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "images",
    "characters",
    "seconds",
    "usage_bytes",
    "num_sessions",
    "num_requests",
)
"""The metrics that bills follow."""
assert METRICS.keys() >= set(BILLED_BY)
BATCH = 250
"""Rows that are fetched at once."""


def days_used(tx: Connection, series: Mapping[int, Series], since: date, until: date) -> Iterator[Used]:
    """Yield every row of daily usage from `since` up to `until`, with what it tells."""
    rows = run(
        tx,
        f"SELECT bucket, series_id, {', '.join(BILLED_BY)} FROM usage_day WHERE bucket >= ? AND bucket < ?",  # noqa: S608 - our own column names
        (epoch(since), epoch(until)),
        stream=True,
    )
    days = {epoch(day): day for day in _days(since, until)}
    # Some at a time: all of them are 40 MB in a large organization, and each is let go when it is counted.
    with closing(rows):
        while some := rows.fetchmany(BATCH):
            for bucket, series_id, *counts in some:
                yield Used(days[bucket], series[series_id], dict(zip(BILLED_BY, counts, strict=True)))


def days_billed(
    tx: Connection, series: Mapping[int, Series], since: date, until: date
) -> dict[date, dict[Series, int]]:
    """Return what is billed on each day from `since` up to `until` so far, by cost series."""
    cuts = [*_days(since, until), until]
    billed: dict[date, dict[Series, int]] = {}
    for (day, _), stretch in zip(pairwise(cuts), sums(tx, cuts), strict=True):
        lines = billed[day] = {}
        for series_id, amount in stretch.items():
            known = series[series_id]
            lines[known] = lines.get(known, 0) + amount  # one line in two units is two series
    return billed


def _days(since: date, until: date) -> list[date]:
    return [since + DAY * place for place in range((until - since).days)]


def scores(tx: Connection, since: date, until: date) -> list[Score]:
    """Return the estimates kept of the days from `since` up to `until`."""
    table = EstimateRow.__table__  # type: ignore[attr-defined]
    rows = tx.execute(
        select(table).where(
            col(EstimateRow.organization_id) == ORGANIZATION,
            col(EstimateRow.day) >= since.isoformat(),
            col(EstimateRow.day) < until.isoformat(),
        )
    )
    return [
        Score(
            date.fromisoformat(row.day),
            row.project_id,
            row.line_item,
            row.estimated_nano,
            row.known,
            utc(row.made_at),
        )
        for row in rows
    ]


def is_scored(tx: Connection, day: date) -> bool:
    """Tell whether an estimate of a day is kept."""
    statement = "SELECT 1 FROM estimate WHERE organization_id = ? AND day = ? LIMIT 1"
    return run(tx, statement, (ORGANIZATION, day.isoformat())).first() is not None


def keep(tx: Connection, day: date, fresh: Iterable[Score]) -> int:
    """Make what is kept of a day equal to `fresh`, and return how many lines changed.

    Statements of our own: what SQLAlchemy remembers of one that it composes would be made while the estimates of a
    large organization are in memory, and keep their memory from being given back.
    """
    which = (ORGANIZATION, day.isoformat())
    rows = run(
        tx,
        "SELECT project_id, line_item, estimated_nano, known FROM estimate WHERE organization_id = ? AND day = ?",
        which,
    )
    stored = {(*which, *row[:2]): (row[2], bool(row[3])) for row in raw(rows)}
    wanted = {(*which, score.project_id, score.line_item): score for score in fresh}
    changed = [
        (key, score) for key, score in wanted.items() if stored.get(key) != (score.estimated, score.known)
    ]
    gone = [key for key in stored if key not in wanted]
    if gone:
        run(
            tx,
            "DELETE FROM estimate WHERE organization_id = ? AND day = ? AND project_id = ? AND line_item = ?",
            gone,
        )
    if changed:
        made_at = _bound(tx, changed[0][1].made_at)
        run(
            tx,
            "INSERT INTO estimate (organization_id, day, project_id, line_item, estimated_nano, known, made_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (organization_id, day, project_id, line_item) DO UPDATE "
            "SET estimated_nano = excluded.estimated_nano, known = excluded.known, made_at = excluded.made_at",
            [(*key, score.estimated, score.known, made_at) for key, score in changed],
        )
    return len(changed) + len(gone)


def _bound(tx: Connection, at: datetime) -> Any:
    """Return an instant as the column has it, in this database."""
    column = EstimateRow.__table__.c.made_at  # type: ignore[attr-defined]
    bind = column.type.dialect_impl(tx.dialect).bind_processor(tx.dialect)
    return bind(at) if bind else at
