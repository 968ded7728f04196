"""What live spend is made of, in one scan each, and the score of past estimates."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date
from itertools import pairwise

from sqlalchemy import Connection, delete, select
from sqlmodel import col

from bot.core.accuracy import Score
from bot.core.dimension import Series
from bot.core.live.estimate import Used
from bot.core.metrics import METRICS
from bot.core.period import DAY, epoch
from bot.edge.store.facts import sums
from bot.edge.store.incidents import upsert
from bot.edge.store.sql import run
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


def keep(tx: Connection, day: date, fresh: Iterable[Score]) -> int:
    """Make what is kept of a day equal to `fresh`, and return how many lines changed."""
    stored = {(score.project_id, score.line_item): score for score in scores(tx, day, day + DAY)}
    wanted = {(score.project_id, score.line_item): score for score in fresh}
    changed = [score for key, score in wanted.items() if _figure(stored.get(key)) != _figure(score)]
    gone = [key for key in stored if key not in wanted]
    for project_id, line_item in gone:
        tx.execute(
            delete(EstimateRow).where(
                col(EstimateRow.organization_id) == ORGANIZATION,
                col(EstimateRow.day) == day.isoformat(),
                col(EstimateRow.project_id) == project_id,
                col(EstimateRow.line_item) == line_item,
            )
        )
    upsert(
        tx,
        EstimateRow,
        [_row(score) for score in changed],
        key=("organization_id", "day", "project_id", "line_item"),
    )
    return len(changed) + len(gone)


def _figure(score: Score | None) -> tuple[int, bool] | None:
    return (score.estimated, score.known) if score else None


def _row(score: Score) -> dict[str, object]:
    return {
        "organization_id": ORGANIZATION,
        "day": score.day.isoformat(),
        "project_id": score.project_id,
        "line_item": score.line_item,
        "estimated_nano": score.estimated,
        "known": score.known,
        "made_at": score.made_at,
    }
