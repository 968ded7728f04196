"""Stored costs → snapshots for machines, one after the other: ordered, exact, whatever their number."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bot.core.dimension import Series, model_of, reader
from bot.core.exported import Snapshot
from bot.core.filters import Filter, scope_of
from bot.core.period import DAY, Span
from bot.core.rules.book import Rulebook
from bot.core.spend import Names
from bot.edge.store import records, snapshots
from bot.edge.store.store import Store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is to export."""

    names: Names
    as_of: datetime | None
    """The instant of the last complete poll of costs."""
    rows: Iterator[Snapshot]
    """By day, then by project, key, user and line item; read while they are taken."""


def stock(
    store: Store, book: Rulebook, span: Span | None, filters: Sequence[Filter], now: datetime
) -> Iterator[Stock]:
    """Yield, once, what is stored of a span (None: everything) up to `now`; it can be read until the next step."""
    with store.reading() as tx:
        names = records.names(tx)
        state = records.stored(tx).get(("costs", "1d"))
        _, models = store.index.refresh(tx)
        known = _admitted(snapshots.cost_series(tx), book, names, models, filters)
        until = now.astimezone(UTC).date() + DAY
        since, end = (span.start, min(span.end, until)) if span else (EPOCH.date(), until)
        days = snapshots.costs(tx, since, end)
        with closing(days):  # type: ignore[type-var]  # a generator can be closed
            yield Stock(names, state.read_at if state else None, _rows(days, known, models))


def _rows(
    days: Iterator[tuple[int, list[snapshots.Cost]]],
    known: dict[int, tuple[Series, str]],
    models: frozenset[str],
) -> Iterator[Snapshot]:
    called: dict[str, str] = {}
    for bucket, costs in days:
        day: date = (EPOCH + timedelta(seconds=bucket)).date()
        held = [(*known[cost.series_id], cost) for cost in costs if cost.series_id in known]
        held.sort(key=lambda each: (_order(each[0]), each[1], each[2].series_id))
        for series, unit, cost in held:
            if series.line_item not in called:
                called[series.line_item] = model_of(series.line_item, models)
            at = EPOCH + timedelta(seconds=cost.observed_at)
            yield Snapshot(day, series, called[series.line_item], cost.nano, cost.micro, unit, at)


def _order(series: Series) -> tuple[str, ...]:
    return series.project_id, series.api_key_id, series.user_id, series.line_item


def _admitted(
    known: dict[int, tuple[Series, str]],
    book: Rulebook,
    names: Names,
    models: frozenset[str],
    filters: Sequence[Filter],
) -> dict[int, tuple[Series, str]]:
    """Return the series that pass the filters, judged as those of a report are."""
    scope = scope_of(filters)
    if not scope.dimensions:
        return known
    teams: dict[str, str] = {}

    def team_of(project_id: str) -> str:
        if project_id not in teams:
            name = names.of("project", project_id)
            teams[project_id] = book.team_of(project_id, name) if project_id else ""
        return teams[project_id]

    read = {dimension: reader(dimension, team_of, models) for dimension in scope.dimensions}
    return {
        key: (series, unit)
        for key, (series, unit) in known.items()
        if scope.admits({dimension: get(series) for dimension, get in read.items()}, names.of)
    }
