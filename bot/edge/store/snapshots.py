"""Every stored cost, day by day: streamed, so that years of them need no more memory than a day."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, CursorResult

from bot.core.dimension import Series
from bot.core.period import epoch
from bot.edge.store.sql import run
from bot.edge.store.tables import ORGANIZATION

BATCH = 5_000


class Cost(NamedTuple):
    """A stored cost."""

    series_id: int
    observed_at: int
    """Unix seconds."""
    nano: int
    micro: int | None
    """Its quantity, in millionths."""


def cost_series(tx: Connection) -> dict[int, tuple[Series, str]]:
    """Return each cost series with the unit of its quantity."""
    rows = run(
        tx,
        "SELECT id, project_id, line_item, api_key_id, user_id, quantity_unit FROM series "
        "WHERE organization_id = ? AND source = 'costs'",
        (ORGANIZATION,),
    )
    return {row[0]: (Series(*row[1:5]), row[5]) for row in rows}


def costs(tx: Connection, since: date, until: date) -> Iterator[tuple[int, list[Cost]]]:
    """Yield the costs of each UTC day from `since` up to `until` that has any, with the Unix second it begins."""
    rows = run(
        tx,
        "SELECT bucket, series_id, observed_at, amount_nano, quantity_micro FROM cost_fact "
        "WHERE bucket >= ? AND bucket < ? ORDER BY bucket, series_id",
        (epoch(since), epoch(until)),
        stream=True,
    )
    with closing(rows):
        for bucket, day in groupby(_fetched(rows), itemgetter(0)):
            yield bucket, [Cost(*row[1:]) for row in day]


def _fetched(rows: CursorResult[*tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    while batch := rows.fetchmany(BATCH):
        yield from batch
