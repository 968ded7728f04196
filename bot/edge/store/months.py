"""Costs of whole months, added up by series: a year is twelve figures a series and not 365.

A month is kept here only while it equals the days: who writes or deletes costs of its days deletes it in the same
transaction, and a poll ends by adding up what is over and missing. So nobody has to ask how old a figure is, and what
is missing is read day by day. A month without any cost has no rows and nothing to read either way.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection

from bot.core.period import DAY, epoch
from bot.edge.store import records
from bot.edge.store.sql import listed, raw, run

if TYPE_CHECKING:  # a store writes facts, which forget months
    from bot.edge.store.store import Store

DAYS, MONTHS = "cost_fact", "cost_month"
SHORTEST = 28
"""Days of the shortest month."""


class Part(NamedTuple):
    """A table, and the buckets of it from `start` up to `end` that belong to a stretch."""

    place: int
    """Of the stretch."""
    table: str
    start: int
    end: int


def parts(
    tx: Connection, days: str, cuts: Sequence[date], before: date | None = None, *, kept: bool = True
) -> list[Part]:
    """Return what each stretch between two cuts is added up from: the months that are `kept`, and `days`, a table.

    Days from `before` on are left out.
    """
    last = before or date.max
    stretches = [(start, min(end, last)) for start, end in pairwise(cuts)]
    wide = [(start, end) for start, end in stretches if (end - start).days >= SHORTEST]
    ready = _kept(tx, wide[0][0], wide[-1][1]) if kept and wide else []
    found: list[Part] = []
    for place, (start, end) in enumerate(stretches):
        day = start
        for month in ready if (end - start).days >= SHORTEST else ():
            after = _next(month)
            if month < day or after > end:
                continue
            if day < month:
                found.append(Part(place, days, epoch(day), epoch(month)))
            follows = day == month and found and found[-1].place == place
            begun = found.pop().start if follows else epoch(month)
            found.append(Part(place, MONTHS, begun, epoch(after)))
            day = after
        if day < end:
            found.append(Part(place, days, epoch(day), epoch(end)))
    return found


def forget(tx: Connection, buckets: Iterable[int]) -> None:
    """Delete the months of days whose costs change; in the transaction that changes them."""
    days = {datetime.fromtimestamp(bucket, UTC).date() for bucket in set(buckets)}
    if days:
        chosen, months = listed(tx, {epoch(day.replace(day=1)) for day in days})
        run(tx, f"DELETE FROM cost_month WHERE bucket IN {chosen}", (months,))  # noqa: S608 - our own names


def forget_before(tx: Connection, bucket: int) -> None:
    """Delete the months of every day before one; in the transaction that deletes those days."""
    run(tx, "DELETE FROM cost_month WHERE bucket < ?", (bucket,))


def add_up(store: "Store", today: date) -> None:
    """Keep what is missing of the months that are over and stored from their first day on, a transaction each."""
    with store.reading() as tx:
        state = records.stored(tx).get(("costs", "1d"))
        lacking = _missing(tx, state.since, today) if state and state.since else ()
    for month in lacking:
        with store.writing() as tx:
            keep(tx, month)


def _missing(tx: Connection, since: date, until: date) -> list[date]:
    """Return the whole months from `since` up to `until` that have costs and are not kept."""
    kept = set(_kept(tx, since, until))
    found = []
    month = since if since.day == 1 else _next(since)
    while _next(month) <= until:
        some = "SELECT 1 FROM cost_fact WHERE bucket >= ? AND bucket < ? LIMIT 1"
        if month not in kept and run(tx, some, _ends(month)).fetchone():
            found.append(month)
        month = _next(month)
    return found


def keep(tx: Connection, month: date) -> None:
    """Keep a month, given by its first day; what is kept of it already equals its days."""
    run(
        tx,
        "INSERT INTO cost_month (bucket, series_id, amount_nano, quantity_micro, bare_nano) "
        "SELECT CAST(? AS bigint), series_id, SUM(amount_nano), SUM(COALESCE(quantity_micro, 0)), "
        "SUM(CASE WHEN quantity_micro IS NULL THEN ABS(amount_nano) ELSE 0 END) "
        "FROM cost_fact WHERE bucket >= ? AND bucket < ? GROUP BY series_id ON CONFLICT DO NOTHING",
        (epoch(month), *_ends(month)),
    )


def wrong(tx: Connection) -> Iterator[tuple[date, int]]:
    """Yield each month that does not equal its days, with how many of its series differ."""
    for month in _kept(tx, date.min, date.max):
        count = run(
            tx,
            "SELECT COUNT(*) FROM (SELECT series_id FROM ("
            "SELECT series_id, amount_nano, quantity_micro, bare_nano FROM cost_month WHERE bucket = ? "
            "UNION ALL SELECT series_id, -amount_nano, -COALESCE(quantity_micro, 0), "
            "CASE WHEN quantity_micro IS NULL THEN -ABS(amount_nano) ELSE 0 END "
            "FROM cost_fact WHERE bucket >= ? AND bucket < ?) AS both_ways GROUP BY series_id "
            "HAVING SUM(amount_nano) <> 0 OR SUM(quantity_micro) <> 0 OR SUM(bare_nano) <> 0) AS differing",
            (epoch(month), *_ends(month)),
        ).scalar_one()
        if count:
            yield month, count


def _kept(tx: Connection, since: date, until: date) -> list[date]:
    """Return the first days, in order, of the months from `since` up to `until` that are kept."""
    rows = run(
        tx,  # from one month to the next along the key, past the series of each
        "WITH RECURSIVE kept(bucket) AS (SELECT MIN(bucket) FROM cost_month WHERE bucket >= ? UNION ALL "
        "SELECT (SELECT MIN(m.bucket) FROM cost_month m WHERE m.bucket > kept.bucket) FROM kept "
        "WHERE kept.bucket IS NOT NULL) SELECT bucket FROM kept WHERE bucket < ?",
        (epoch(since), epoch(until)),
    )
    return [datetime.fromtimestamp(row[0], UTC).date() for row in raw(rows)]


def _ends(month: date) -> tuple[int, int]:
    return epoch(month), epoch(_next(month))


def _next(day: date) -> date:
    """Return the first day of the month after that of a day."""
    return (day.replace(day=28) + 4 * DAY).replace(day=1)
