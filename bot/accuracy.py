"""How good live spend has been: the estimates kept of the last settled days, against their bills."""

from datetime import UTC, date, datetime, timedelta

from bot.core.accuracy import DAYS, Accuracy, accuracy
from bot.core.live.estimate import SETTLE
from bot.core.period import DAY, Span
from bot.edge.store import live, records
from bot.edge.store.store import Store


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
