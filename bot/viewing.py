"""Stored facts → what rules and reports look at, each from a grouped scan."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from bot.core.metrics import METRICS, Metric
from bot.core.period import DAY
from bot.core.rules.book import Rulebook
from bot.core.spend import Spend
from bot.edge.store import facts, records
from bot.edge.store.store import Store


def load_usage(
    tx: Connection,
    store: Store,
    book: Rulebook,
    metric_names: Iterable[str],
    days: Sequence[date],
    now: datetime,
) -> dict[str, Spend]:
    """Return each metric by its wire name, cut at the given days and with names; no days after `now`.

    A metric's history begins where all of its sources are stored, and it is as old as its oldest source;
    sources that this organization is not offered, or that were never read, do not count.
    """
    wanted = [METRICS[name] for name in dict.fromkeys(metric_names)]
    if not wanted:
        return {}
    series = store.index.usage(tx)
    names, states = records.names(tx), records.stored(tx)
    before = now.astimezone(UTC).date() + DAY
    return {
        metric.name: Spend(
            days,
            facts.metric_sums(tx, metric, days, before=before),
            series,
            names,
            book,
            history_from=max((state.since for state in read if state.since), default=None),
            as_of=min((state.read_at for state in read if state.read_at), default=None),
            level=metric.level,
        )
        for metric in wanted
        for read in [_read(metric, states.values())]
    }


def _read(metric: Metric, states: Iterable[records.Stored]) -> list[records.Stored]:
    """Return the states of the metric's sources that have been read completely."""
    return [
        state
        for state in states
        if state.source in metric.sources and state.width == "1d" and state.since and state.read_at
    ]
