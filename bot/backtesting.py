"""Stored snapshots → what rules would have said, each figure known when it was seen."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from bot.core.alike import one_of_each
from bot.core.backtest import (
    MOST_STEPS,
    Backtest,
    Difference,
    Progress,
    Told,
    backtest,
    begins,
    difference,
    instants,
)
from bot.core.difference import edits, renamed
from bot.core.dimension import Series
from bot.core.errors import SetupWrong
from bot.core.evaluate import needs, next_boundary
from bot.core.limits import Limits
from bot.core.metrics import METRICS
from bot.core.needs import Needs
from bot.core.period import DAY, midnight
from bot.core.rules.book import Rulebook
from bot.core.spend import Names, Spend, cuts_of
from bot.core.timeline import Observation, Timeline, as_it_would_have_been, day_of
from bot.core.view import LIVE, Source, View
from bot.edge.collector import without_collector
from bot.edge.store import history, limits, records
from bot.edge.store.store import Store

LATELY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Past:
    """Everything stored that some rulebook looks at, in the order it was seen."""

    cost: Sequence[Observation]
    usage: Mapping[str, Sequence[Observation]]
    cost_series: Mapping[int, Series]
    usage_series: Mapping[int, Series]
    models: frozenset[str]
    names: Names
    limits: Limits
    history_from: date
    first_poll: datetime
    polls: Sequence[tuple[datetime, bool]]
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def run(
    store: Store,
    book: Rulebook,
    since: date | None,
    until: datetime,
    *,
    other: Rulebook | None = None,
    revision: str = "",
    progress: Progress | None = None,
    most: int = MOST_STEPS,
) -> Backtest:
    """Replay what is stored from `since` up to `until` under `book`, and compare with `other` (the rules before).

    Without `since` it is the last 90 days, or as many as are stored. Raises SetupWrong when nothing is stored.
    """
    books = [book] if other is None else [book, other]
    with store.reading() as tx:
        since = since or _lately(tx, until)
        past = load(tx, store, books, since, until)
    start = midnight(since)
    shown = _Shared(progress, len(books))
    with without_collector():
        told = [_tell(past, each, start, until, shown.next(), most) for each in books]
    changed = None
    if other is not None:
        starts, stops = difference(told[1], told[0], renamed(other, book))
        changed = Difference(edits(other, book), tuple(starts), tuple(stops), revision)
    notes = (*_notes(past, books, start, until), *_unjudged(told[0].learning))
    return Backtest(book, past.names, start, until, told[0], other, changed, notes, past.first_poll)


class _Shared:
    """One bar for replays that follow one another."""

    def __init__(self, progress: Progress | None, replays: int) -> None:
        self._progress = progress
        self._replays = replays
        self._begun = 0

    def next(self) -> Progress | None:
        """Return what the next replay tells how far it is."""
        told, before, self._begun = self._progress, self._begun, self._begun + 1
        if told is None:
            return None
        return lambda done, of: told(before * of + done, self._replays * of)


def _lately(tx: Connection, until: datetime) -> date:
    state = records.stored(tx).get(("costs", "1d"))
    lately = (until - LATELY).date()
    return max(lately, state.since) if state is not None and state.since is not None else lately


def load(tx: Connection, store: Store, books: Sequence[Rulebook], since: date, until: datetime) -> Past:
    """Read everything the rulebooks look at, from one scan of each metric."""
    state = records.stored(tx).get(("costs", "1d"))
    first_poll = history.first_poll(tx)
    if state is None or state.since is None or first_poll is None:
        raise SetupWrong(
            "No costs are stored yet, so there is nothing to replay.",
            "Run budgetbot sync --since, or let the first poll fetch the history.",
        )
    start = min(begins(book, midnight(since)) for book in books)
    wanted = [needs(one_of_each(book), now) for book in books for now in (start, until)]
    earliest = min((day for each in wanted for day in (each.first, each.daily) if day), default=since)
    earliest = max(min(earliest, start.date()), state.since)
    metrics = {name for each in wanted for name in each.metrics if name in METRICS}
    cost_series, models = store.index.refresh(tx)
    seen = int(first_poll.timestamp())
    return Past(
        as_it_would_have_been(history.costs(tx, earliest), seen),
        {
            name: as_it_would_have_been(history.usage(tx, METRICS[name], earliest), seen)
            for name in sorted(metrics)
        },
        cost_series,
        store.index.usage(tx) if metrics else {},
        models,
        records.names(tx),
        limits.read(tx, until),
        state.since,
        first_poll,
        history.polls(tx, start, until),
        {source: each.refused for (source, width), each in records.stored(tx).items() if width == "1d"},
    )


def replay(past: Past, book: Rulebook, since: date, until: datetime, *, most: int = MOST_STEPS) -> Told:
    """Return what a rulebook would have said since a day."""
    with without_collector():
        return _tell(past, book, midnight(since), until, None, most)


def _tell(
    past: Past,
    book: Rulebook,
    since: datetime,
    until: datetime,
    progress: Progress | None,
    most: int = MOST_STEPS,
) -> Told:
    # What a bot that was there since its first poll knew, it knew from then on.
    start = begins(book, since)
    if since.date() >= past.first_poll.date():
        start = max(start, past.first_poll)
    moments = instants(book, _looked(book, past.polls), start, until, most)
    return backtest(book, moments, Seen(past, book).look, since, progress)


def _looked(book: Rulebook, polls: Sequence[tuple[datetime, bool]]) -> list[datetime]:
    """Return the polls that evaluated anything: something had changed, or a boundary had passed."""
    book = one_of_each(book)
    told: list[datetime] = []
    again: datetime | None = None
    for now, changed in polls:
        if changed or again is None or now >= again:
            told.append(now)
            again = next_boundary(book, now)
    return told


class Seen:
    """Shows what was known at instants that only go on."""

    def __init__(self, past: Past, book: Rulebook) -> None:
        self._past = past
        self._book = book
        self._needing = one_of_each(book)
        self._cost = Timeline(past.cost)
        self._usage = {name: Timeline(rows) for name, rows in past.usage.items()}
        self._like: dict[str, Spend] = {}
        self._wanted = Needs()
        self._boundary: datetime | None = None

    def look(self, now: datetime) -> tuple[View, Collection[date]]:
        """Return everything the rules may look at, as it was known at `now`, and the days that have changed."""
        seen, past = int(now.timestamp()), self._past
        changed: set[int] = set()
        for timeline in (self._cost, *self._usage.values()):
            changed |= timeline.learn(seen)
        if self._boundary is None or now >= self._boundary:
            self._wanted, self._boundary = needs(self._needing, now), next_boundary(self._needing, now)
        wanted = self._wanted
        days: tuple[date, ...] = ()
        if wanted.daily is not None:
            first, today = max(wanted.daily, past.history_from), now.date()
            days = tuple(first + place * DAY for place in range((today - first).days + 2))
        daily = self._spend("", days, now) if days else None
        view = View(
            self._spend("", cuts_of(wanted.spans), now),
            daily=daily,
            usage={name: self._spend(name, days, now) for name in wanted.metrics if name in self._usage},
            live=daily if LIVE in wanted.metrics else None,
            limits=past.limits,
            sources={source: Source(source, now, None, refused) for source, refused in past.refused.items()},
        )
        return view, {day_of(day) for day in changed}

    def _spend(self, metric: str, cuts: Sequence[date], now: datetime) -> Spend:
        """Return the sums of a usage metric, or of cost."""
        past = self._past
        built = Spend(
            cuts,
            (self._usage[metric] if metric else self._cost).stretches(cuts),
            past.usage_series if metric else past.cost_series,
            past.names,
            self._book,
            models=past.models,
            history_from=past.history_from,
            as_of=now,
            level=bool(metric) and METRICS[metric].level,
            like=self._like.get(metric),
        )
        self._like.setdefault(metric, built)
        return built


def _unjudged(learning: Sequence[str]) -> Iterator[str]:
    if learning:
        named = ", ".join(learning[:10]) + (f" and {len(learning) - 10} others" if len(learning) > 10 else "")
        yield f"Still learning at the end, for want of history: {named}."


def _notes(past: Past, books: Sequence[Rulebook], since: datetime, until: datetime) -> list[str]:
    notes = []
    if since < past.first_poll:
        notes.append(
            f"Before the first poll ({past.first_poll:%Y-%m-%d %H:%M} UTC) each day counts as known when it ended."
        )
    if since.date() < past.history_from:
        notes.append(f"Costs are stored from {past.history_from} on; nothing is judged before.")
    rules = [rule for book in books for rule in book.rules]
    if any(rule.metric == LIVE for rule in rules):
        notes.append(
            "Live spend is replayed as it was billed: estimates of the past are not kept by project."
        )
    if any(rule.kind == "native_limit" for rule in rules) or any(needs(book, until).limits for book in books):
        notes.append("OpenAI's hard limits count as they are now: their past is not known.")
    return notes
