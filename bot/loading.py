"""Stored facts → everything a rule may look at, each source from one grouped scan."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from bot.core.evaluate import needs
from bot.core.kinds import KINDS
from bot.core.live.estimate import SETTLE
from bot.core.metrics import METRICS
from bot.core.needs import Needs
from bot.core.period import DAY, Span
from bot.core.rules.book import Rulebook
from bot.core.spend import Spend, cuts_of
from bot.core.view import COST, LIVE, Source, View
from bot.edge.store import facts, limits, records
from bot.edge.store.store import Store
from bot.viewing import load_live, load_usage

FIRST_ASKED = "costs first asked"
"""The mark of when costs were asked for that never came."""
LATELY = 8 * DAY
"""Usage older than this does not tell that costs are late."""


def load_spend(
    tx: Connection,
    store: Store,
    book: Rulebook,
    at: Sequence[date],
    *,
    now: datetime | None = None,
) -> Spend:
    """Return costs cut at the given days, with names, from one grouped scan; none of the days after `now`."""
    series, models = store.index.refresh(tx)
    state = records.stored(tx).get(("costs", "1d"))
    return Spend(
        at,
        facts.sums(tx, at, before=now.astimezone(UTC).date() + DAY if now else None),
        series,
        records.names(tx),
        book,
        models=models,
        history_from=state.since if state and state.read_at else None,
        as_of=state.read_at if state else None,
    )


def load_view(
    tx: Connection,
    store: Store,
    book: Rulebook,
    now: datetime,
    more: Iterable[Span] = (),
    *,
    answering: bool = False,
    missed: Collection[str] = (),
    judged: Rulebook | None = None,
) -> View:
    """Return what every rule of the book, or of it those of `judged`, needs to be judged at `now`.

    `more` are spans somebody else asks for.
    `answering` leaves out the days after `now`: who asks about the past is not told of what came later.
    `missed` are the sources that this poll could not read. Live spend is worked out only where some rule needs it.
    """
    wanted = needs(judged or book, now)
    until = now if answering else None
    cost = load_spend(tx, store, book, cuts_of((*wanted.spans, *more)), now=until)
    days = _days(wanted, cost, now)
    live = None
    if LIVE in wanted.metrics and days:
        live = load_live(tx, store, book, now, days[0], _settle(book, now))
    return View(
        cost,
        daily=load_spend(tx, store, book, days, now=until) if COST in wanted.metrics and days else None,
        usage=load_usage(tx, store, book, wanted.metrics & METRICS.keys(), days, now),
        live=live.live if live else None,
        estimated=live.estimated if live else None,
        unpriced=live.unpriced if live else {},
        estimates=live.estimates if live else None,
        limits=limits.read(tx, now),
        sources=_marked(sources(tx, now), missed),
    )


def _marked(known: dict[str, Source], missed: Collection[str]) -> dict[str, Source]:
    """Return the sources with a mark on those that this poll could not read, those that were never read too."""
    return known | {name: replace(known.get(name, Source(name)), missed=True) for name in missed}


def _settle(book: Rulebook, now: datetime) -> timedelta:
    """Return after how long live spend is what is billed alone: no rule about it takes a day for settled before."""
    asking = (rule for rule in book.rules if LIVE in KINDS[rule.kind].needs(rule, now).metrics)
    return max((rule.settle for rule in asking), default=SETTLE)


def _days(wanted: Needs, cost: Spend, now: datetime) -> tuple[date, ...]:
    """Return every day from the first that some rule looks at one by one, up to the end of today."""
    if wanted.daily is None or cost.history_from is None:
        return ()
    today = now.astimezone(UTC).date()
    first = max(wanted.daily, cost.history_from)
    return tuple(first + place * DAY for place in range((today - first).days + 2))


def sources(tx: Connection, now: datetime) -> dict[str, Source]:
    """Return how fresh each source is that the organization is offered, costs at least."""
    states = {name: state for (name, width), state in records.stored(tx).items() if width == "1d"}
    newest = facts.newest_days(tx, now.astimezone(UTC).date() - LATELY)
    asked = records.marker(tx, FIRST_ASKED)
    return {"costs": Source("costs", asked_at=datetime.fromisoformat(asked) if asked else None)} | {
        name: Source(name, state.read_at, newest.get(name), state.refused)
        for name, state in states.items()
        if state.offered and state.read_at is not None
    }
