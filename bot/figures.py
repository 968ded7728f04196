"""What is known of the days on both sides of a change: billed, live or counted, each from one scan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from bot.core.comparison import USUAL
from bot.core.effects import Billed
from bot.core.period import DAY, Span
from bot.core.rules.book import Rulebook
from bot.core.sides import Against, Side
from bot.core.spend import Spend, cuts_of
from bot.core.view import COST, LIVE
from bot.edge.store import billed, records
from bot.edge.store.store import Store
from bot.viewing import load_live, load_usage


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one metric by series, cut where a change needs it."""

    metric: str
    told: Spend
    """Knows every series by its dimensions, and how fresh the figures are."""
    side: Callable[[Span], Sequence[Side]]
    """The stretches of a span whose ends are cuts."""
    row: Callable[[Sequence[int], Span], list[int]]
    """What some series came to together on each day."""
    units: Mapping[int, str]
    """The unit of a series' quantities, in the API's words; none where it is not known."""

    def seen(self, span: Span) -> dict[int, date]:
        """Return the first day of a span on which each series came to something; its first day of one stretch."""
        stretches, found = self.side(span), dict[int, date]()
        for place, stretch in enumerate(stretches):
            day = span.start + place * DAY if len(stretches) > 1 else span.start
            for series_id, known in stretch.items():
                if known.amount > 0:
                    found.setdefault(series_id, day)
        return found


def figures(
    tx: Connection, store: Store, book: Rulebook, metric: str, against: Against, now: datetime
) -> Figures:
    """Return the figures of a metric on the days of a change; none after `now`."""
    now = now.astimezone(UTC)
    if metric == COST:
        return _costs(tx, store, book, against, now)
    if metric == LIVE:
        return _live(tx, store, book, against, now) or _costs(tx, store, book, against, now)
    usage = load_usage(tx, store, book, (metric,), _days(against, now), now)[metric]

    def counts(span: Span) -> list[Side]:
        days = [day for day in usage.cuts[:-1] if day in span]
        return [{each: Billed(count) for each, count in usage.on(day).items()} for day in days]

    return Figures(metric, usage, counts, _rows_of(usage), {})


def _costs(tx: Connection, store: Store, book: Rulebook, against: Against, now: datetime) -> Figures:
    cuts = cuts_of(against.spans)
    scan = billed.billed(tx, cuts, now.date() + DAY)
    series, models = store.index.refresh(tx)
    state = records.stored(tx).get(("costs", "1d"))
    told = Spend(
        cuts,
        [{each: known.amount for each, known in stretch.items()} for stretch in scan],
        series,
        records.names(tx),
        book,
        models=models,
        history_from=state.since if state and state.read_at else None,
        as_of=state.read_at if state else None,
    )

    def stretches(span: Span) -> Sequence[Side]:
        return scan[cuts.index(span.start) : cuts.index(span.end)]

    return Figures(COST, told, stretches, lambda ids, span: billed.days(tx, ids, span), billed.units(tx))


def _live(tx: Connection, store: Store, book: Rulebook, against: Against, now: datetime) -> Figures | None:
    """Return billed costs with estimates of the unsettled days beside them; None without costs."""
    days = _days(against, now)
    live = load_live(tx, store, book, now, days[0])
    if live is None:
        return None
    scan = billed.billed(tx, days, days[-1])

    def stretches(span: Span) -> list[Side]:
        known = [(day, stretch) for day, stretch in zip(days[:-1], scan, strict=True) if day in span]
        return [{**stretch, **_bare(live.estimated.on(day))} for day, stretch in known]

    return Figures(LIVE, live.live, stretches, _rows_of(live.live), billed.units(tx))


def _days(against: Against, now: datetime) -> list[date]:
    """Return every day from the first that tells what was usual to the end of today."""
    first = min(against.versus.start, against.span.start - USUAL)
    return [first + n * DAY for n in range((now.date() - first).days + 2)]


def _bare(estimates: Mapping[int, int]) -> dict[int, Billed]:
    """Return estimates as something billed without a quantity."""
    return {each: Billed(amount, 0, abs(amount)) for each, amount in estimates.items()}


def _rows_of(spend: Spend) -> Callable[[Sequence[int], Span], list[int]]:
    known = set(spend.cuts[:-1])

    def row(ids: Sequence[int], span: Span) -> list[int]:
        days = (span.start + n * DAY for n in range(span.days))
        return [sum(spend.on(day).get(each, 0) for each in ids) if day in known else 0 for day in days]

    return row
