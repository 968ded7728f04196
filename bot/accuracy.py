"""How good live spend has been: the estimates kept of the last settled days, against their bills."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

from bot.core.accuracy import DAYS, Accuracy, accuracy
from bot.core.live.estimate import SETTLE, Estimates
from bot.core.live.meters import SOURCES
from bot.core.period import DAY, Span
from bot.edge.store import live, records
from bot.edge.store.store import Store
from bot.viewing import keep_score, load_estimates

SCORED = "live spend scored"
"""The mark of the hour in which estimates were last kept."""


def read_accuracy(store: Store, now: datetime, days: int = DAYS, settle: timedelta = SETTLE) -> Accuracy:
    """Return the score of the last `days` settled days at `now`; empty where none was estimated."""
    with store.reading() as tx:
        state = records.stored(tx).get(("costs", "1d"))
        read_at = state.read_at if state else None
        # A day that settled after costs were last read has no final bill to be held against.
        until = (min(read_at or now, now) - settle).astimezone(UTC).date()
        span = Span(until - DAY * days, until)
        series, models = store.index.refresh(tx)
        billed: dict[date, dict[tuple[str, str], int]] = {}
        for day, lines in live.days_billed(tx, series, span.start, span.end).items():
            told = billed[day] = {}
            for known, amount in lines.items():
                key = (known.project_id, known.line_item)
                told[key] = told.get(key, 0) + amount
        return accuracy(live.scores(tx, span.start, span.end), billed, span, models, read_at)


def score(store: Store, now: datetime, missed: Collection[str] = (), known: Estimates | None = None) -> int:
    """Keep what the days that are not billed are estimated at, and return how many lines changed.

    Whatever the rules are about; `known` are the estimates of this instant, where rules had them made. Once an hour
    is enough, and in the hour after midnight every time: then the day before gets its last estimate. So an
    organization of 400 projects and models, whose estimate takes a second, spends half a minute a day on its score.
    Where a source could not be read (`missed`), what is kept stands; where no usage was ever read, nothing is
    estimated and nothing scored.
    """
    if not {"costs", *SOURCES}.isdisjoint(missed):
        return 0
    hour = now.astimezone(UTC).strftime("%Y-%m-%dT%H")
    with store.reading() as tx:
        if not hour.endswith("T00") and records.marker(tx, SCORED) >= hour:
            return 0
        estimates = known or load_estimates(tx, store, now)
    if estimates is None or not estimates.lines:
        return 0
    with store.writing() as tx:
        records.mark(tx, SCORED, hour)
        return keep_score(tx, estimates, now)
