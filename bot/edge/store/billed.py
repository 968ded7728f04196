"""What was billed, with its quantities, its first days and its days: for who asks why."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from bot.core.effects import Billed
from bot.core.period import DAY, Span, epoch
from bot.edge.store import months
from bot.edge.store.sql import listed, raw, run
from bot.edge.store.tables import ORGANIZATION

PROBED = 1_000
"""So many series are looked up one by one; more are found sooner by reading all."""


def billed(tx: Connection, cuts: Sequence[date], before: date) -> list[dict[int, Billed]]:
    """Return amounts, quantities and amounts without one by cost series for each stretch between two cuts.

    One statement; days from `before` on are left out.
    """
    stretches: list[dict[int, Billed]] = [{} for _ in cuts[1:]]
    days = (
        "(SELECT bucket, series_id, amount_nano, COALESCE(quantity_micro, 0) AS quantity_micro, "
        "CASE WHEN quantity_micro IS NULL THEN ABS(amount_nano) ELSE 0 END AS bare_nano FROM cost_fact) AS days"
    )
    parts = months.parts(tx, days, cuts, before)
    for first in range(0, len(parts), 250):  # SQLite joins at most 500 selects
        some = parts[first : first + 250]
        statement = " UNION ALL ".join(
            f"SELECT {part.place}, series_id, SUM(amount_nano), SUM(quantity_micro), SUM(bare_nano) "  # noqa: S608 - numbers and our own names
            f"FROM {part.table} WHERE bucket >= ? AND bucket < ? GROUP BY series_id"
            for part in some
        )
        rows = run(tx, statement, tuple(edge for part in some for edge in (part.start, part.end)))
        for place, series_id, *values in raw(rows):
            known = stretches[place].get(series_id, Billed())
            stretches[place][series_id] = known + Billed(*map(int, values))
    return stretches


def units(tx: Connection) -> dict[int, str]:
    """Return the unit of each cost series that has one, in the API's words."""
    rows = run(
        tx,
        "SELECT id, quantity_unit FROM series "
        "WHERE organization_id = ? AND source = 'costs' AND quantity_unit != ''",
        (ORGANIZATION,),
    )
    return {row[0]: row[1] for row in rows}


def first_days(tx: Connection, series: Collection[int], span: Span) -> dict[int, date]:
    """Return the first day of a span with spend of each of some cost series.

    Few series are looked for day by day, where their rows are keyed: a history of years has millions of others.
    """
    if not series:
        return {}
    chosen, wanted = listed(tx, series)
    if len(series) <= PROBED:
        days_of, every = listed(tx, [epoch(span.start + place * DAY) for place in range(span.days)])
        rows = run(
            tx,
            f"SELECT f.series_id, MIN(f.bucket) FROM {days_of} d CROSS JOIN {chosen} w "  # noqa: S608 - our own names
            "CROSS JOIN cost_fact f WHERE f.bucket = d.value AND f.series_id = w.value "
            "AND f.amount_nano > 0 GROUP BY f.series_id",
            (every, wanted),
        )
    else:
        rows = run(
            tx,
            "SELECT series_id, MIN(bucket) FROM cost_fact WHERE bucket >= ? AND bucket < ? "  # noqa: S608 - our own names
            f"AND series_id IN {chosen} AND amount_nano > 0 GROUP BY series_id",
            (epoch(span.start), epoch(span.end), wanted),
        )
    return {series_id: datetime.fromtimestamp(bucket, UTC).date() for series_id, bucket in raw(rows)}


def days(tx: Connection, series: Collection[int], span: Span) -> list[int]:
    """Return what some cost series came to together on each day of a span, in nano-dollars."""
    chosen, ids = listed(tx, series)
    rows = run(
        tx,
        "SELECT bucket, SUM(amount_nano) FROM cost_fact WHERE bucket >= ? AND bucket < ? "  # noqa: S608 - our own names
        f"AND series_id IN {chosen} GROUP BY bucket",
        (epoch(span.start), epoch(span.end), ids),
    )
    found = {datetime.fromtimestamp(bucket, UTC).date(): int(amount) for bucket, amount in rows}
    return [found.get(span.start + place * DAY, 0) for place in range(span.days)]
