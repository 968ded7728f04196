"""Who and since when, for all that is spoken of at once: two scans of days at most, and one of hours."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from bot.core.blame import Suspect, Suspects
from bot.core.comparison import Question, question
from bot.core.incident import Finding
from bot.core.live.meters import Meters
from bot.core.period import DAY, Span
from bot.core.rules.book import Rulebook
from bot.core.spend import Spend
from bot.core.telling import Blame
from bot.core.trail import HOUR, Trail, to_the_hour
from bot.core.view import LIVE, View, is_money
from bot.edge.store import records
from bot.edge.store.billed import first_days
from bot.edge.store.hours import hours
from bot.edge.store.store import Store
from bot.loading import load_spend
from bot.viewing import load_usage


def days_needed(questions: Iterable[Question], view: View, now: datetime) -> tuple[date, ...]:
    """Return every day that must be known to answer, today's end included; () without history."""
    first = min((asked.first for asked in questions), default=None)
    if first is None or view.history_from is None:
        return ()
    today = now.astimezone(UTC).date()
    first = min(max(first, view.history_from), today)
    return tuple(first + place * DAY for place in range((today - first).days + 2))


def blame(
    tx: Connection,
    store: Store,
    book: Rulebook,
    view: View,
    questions: Mapping[str, Question],
    costs: Spend,
    now: datetime,
) -> dict[str, Blame]:
    """Answer each question, by its key; `costs` are billed, cut at the days they need or more."""
    suspects: dict[str, Suspect] = {}
    maybe_new: dict[str, dict[tuple[str, str], list[int]]] = {}
    for metric, asked in _by_metric(questions).items():
        if (known := _suspects(tx, store, book, view, metric, asked.values(), costs, now)) is not None:
            looked = {key: known.of(each) for key, each in asked.items()}
            suspects |= looked
            if is_money(metric):
                maybe_new |= {key: known.maybe_new(each) for key, each in looked.items()}
    trails = {key: suspect.trail for key, suspect in suspects.items() if suspect.trail is not None}
    found = {key: suspect.blame for key, suspect in suspects.items()}
    found |= _to_the_hour(tx, store, costs, trails, found, now)
    return found | _first_seen(tx, view, found, maybe_new, now)


def look(
    tx: Connection,
    store: Store,
    book: Rulebook,
    view: View,
    finding: Finding,
    now: datetime,
    *,
    first_day: date | None = None,
    reason: str = "",
) -> Blame | None:
    """Say who and since when of one finding, for who asks why; None where its figure has no parts.

    `first_day` and `reason` are its incident's, where there is one.
    """
    asked = question(finding, first_day or finding.span.start, reason, now)
    days = days_needed([asked] if asked else [], view, now)
    if asked is None or not days:
        return None
    return blame(tx, store, book, view, {"": asked}, load_spend(tx, store, book, days, now=now), now).get("")


def _by_metric(questions: Mapping[str, Question]) -> dict[str, dict[str, Question]]:
    found: dict[str, dict[str, Question]] = {}
    for key, asked in questions.items():
        found.setdefault(asked.finding.rule.metric, {})[key] = asked
    return found


def _suspects(
    tx: Connection,
    store: Store,
    book: Rulebook,
    view: View,
    metric: str,
    questions: Iterable[Question],
    costs: Spend,
    now: datetime,
) -> Suspects | None:
    """Return what takes the figures of a metric apart; None where nothing of it is known."""
    if is_money(metric):
        source = view.sources.get("costs")
        live = view.live if metric == LIVE else None
        return Suspects(costs, now, live=live, refused=source.refused if source else ())
    days = days_needed(questions, view, now)
    daily = load_usage(tx, store, book, (metric,), days, now)[metric] if days else None
    return Suspects(daily, now) if daily is not None and daily.history_from is not None else None


def _first_seen(
    tx: Connection,
    view: View,
    found: Mapping[str, Blame],
    maybe_new: Mapping[str, Mapping[tuple[str, str], Collection[int]]],
    now: datetime,
) -> dict[str, Blame]:
    """Return the blames that began on somebody's first day in all that is stored: few series are looked up."""
    wanted = {each for values in maybe_new.values() for ids in values.values() for each in ids}
    if not wanted or view.history_from is None:
        return {}
    first = first_days(tx, wanted, Span(view.history_from, now.astimezone(UTC).date() + DAY))
    return {
        key: replace(found[key], first_seen=True)
        for key, values in maybe_new.items()
        for ids in values.values()
        if found[key].since[:10]
        == min((first[each].isoformat() for each in ids if each in first), default="")
        and found[key].since
    }


# -- hours -----------------------------------------------------------------------------------------


def _to_the_hour(
    tx: Connection,
    store: Store,
    costs: Spend,
    trails: Mapping[str, Trail],
    found: Mapping[str, Blame],
    now: datetime,
) -> dict[str, Blame]:
    """Return the blames that hours tell more of: one scan for all of them."""
    if not trails:
        return {}
    usage, states = store.index.usage(tx), records.stored(tx)
    since = {
        source: state.since for (source, width), state in states.items() if width == "1h" and state.since
    }
    meters = Meters(set(costs.column("line_item").values()), costs.models, ())
    billed_as = {model: meters.model(model) for model in {series.model for series in usage.values()}}
    following: dict[str, list[int]] = {}
    for key, trail in trails.items():
        mine = [
            number
            for number, series in usage.items()
            if series.endpoint in since
            and trail.follows(series, series.model if trail.metric else billed_as[series.model])
        ]
        if mine:
            following[key] = mine
    names = tuple(dict.fromkeys(name for key in following for name in trails[key].metrics))
    spans = {_seconds(trails[key], now) for key in following}
    wanted = {number for numbers in following.values() for number in numbers}
    counts = _counts(hours(tx, names, spans, wanted) if following else (), names)
    told: dict[str, Blame] = {}
    for key, numbers in following.items():
        trail = trails[key]
        row: dict[datetime, int] = {}
        for number in numbers:
            for at, counted in counts.get(number, {}).items():
                row[at] = row.get(at, 0) + trail.count(usage[number], counted)
        known_from = max(since[usage[number].endpoint] for number in numbers)
        told[key] = to_the_hour(found[key], trail, row, known_from)
    return told


def _seconds(trail: Trail, now: datetime) -> tuple[int, int]:
    start, end = trail.hours
    return int(start.timestamp()), int(min(end, now.replace(minute=0, second=0) + HOUR).timestamp())


def _counts(
    rows: Collection[Sequence[int]], names: Sequence[str]
) -> dict[int, dict[datetime, dict[str, int | None]]]:
    found: dict[int, dict[datetime, dict[str, int | None]]] = {}
    for bucket, number, *counts in rows:
        at = datetime.fromtimestamp(bucket, UTC)
        found.setdefault(number, {})[at] = dict(zip(names, counts, strict=True))
    return found
