"""Stored facts → what rules and reports look at, each from a grouped scan."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from bot.core.accuracy import Score
from bot.core.live.estimate import SETTLE, Estimates, estimate, unsettled_from
from bot.core.live.meters import SOURCES
from bot.core.live.prices import DAYS
from bot.core.live.spends import Live, spends
from bot.core.metrics import METRICS
from bot.core.period import DAY, midnight
from bot.core.rules.book import Rulebook
from bot.core.spend import Spend
from bot.edge.prices import list_prices
from bot.edge.store import facts, live, records
from bot.edge.store.store import Store

LEARNED = DAYS * DAY
IN_AFTER = timedelta(hours=1)
"""How long after a day's end its usage is in: it lags 5 to 15 minutes (openai-usage-api, 10)."""


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
        for read in [_read(metric.sources, states.values())]
    }


def _read(sources: Collection[str], states: Iterable[records.Stored]) -> list[records.Stored]:
    """Return the states of those sources that have been read completely."""
    return [
        state
        for state in states
        if state.source in sources and state.width == "1d" and state.since and state.read_at
    ]


def load_live(
    tx: Connection,
    store: Store,
    book: Rulebook,
    now: datetime,
    since: date | None = None,
    settle: timedelta = SETTLE,
) -> Live | None:
    """Return live spend, cut at every day from `since` (the month before this one) to today; None without costs.

    It is as old as the oldest of what it is made of: costs, and the usage endpoints that bills follow.
    """
    states = records.stored(tx)
    costs = states.get(("costs", "1d"))
    estimates = load_estimates(tx, store, now, settle)
    if costs is None or costs.read_at is None or estimates is None:
        return None
    today = now.astimezone(UTC).date()
    first = since or (today.replace(day=1) - DAY).replace(day=1)
    series, models = store.index.refresh(tx)
    cuts = [first + DAY * place for place in range((today - first).days + 2)]
    read = [state.read_at for state in _read(SOURCES, states.values()) if state.read_at]
    return spends(
        estimates,
        cuts,
        facts.sums(tx, cuts, before=today + DAY),
        series,
        records.names(tx),
        book,
        models=models,
        history_from=costs.since,
        as_of=min([costs.read_at, *read]),
    )


def load_estimates(
    tx: Connection, store: Store, now: datetime, settle: timedelta = SETTLE
) -> Estimates | None:
    """Return what every line of the unsettled days is estimated at: none without usage; None without costs."""
    states = records.stored(tx)
    costs = states.get(("costs", "1d"))
    if costs is None or costs.read_at is None or costs.since is None:
        return None
    until = now.astimezone(UTC).date() + DAY
    unsettled = unsettled_from(costs.read_at, now, settle)
    if not _read(SOURCES, states.values()):
        return Estimates(unsettled)
    learned = unsettled - LEARNED
    series, models = store.index.refresh(tx)
    return estimate(
        live.days_used(tx, store.index.usage(tx), learned, until),
        live.days_billed(tx, series, learned, until),
        unsettled,
        now,
        list_prices(now),
        models,
    )


def keep_score(tx: Connection, estimates: Estimates, now: datetime) -> int:
    """Keep the last estimate made of each day before it is billed, and return how many lines changed.

    A day's figure is final an hour after its end, when its usage is in: what is estimated of it later, people
    did not see on the day. A day that nobody estimated in time is kept as it is first estimated.
    """
    changed = 0
    by_day: dict[date, dict[tuple[str, str], Score]] = {}
    for line in estimates.lines:
        if not line.metered:
            continue
        lines = by_day.setdefault(line.day, {})
        key = (line.series.project_id, line.series.line_item)
        before = lines.get(key)
        estimated = line.estimated + (before.estimated if before else 0)
        lines[key] = Score(line.day, *key, estimated, line.known and (before is None or before.known), now)
    for day, lines in by_day.items():
        if now < midnight(day + DAY) + IN_AFTER or not live.is_scored(tx, day):
            changed += live.keep(tx, day, lines.values())
    return changed
