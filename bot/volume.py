"""How much each rule says: what `check` tells beside what is wrong."""

from datetime import datetime, timedelta

from bot.backtesting import Past, load, replay
from bot.core.backtest import Much
from bot.core.metrics import METRICS
from bot.core.period import DAY, Span
from bot.core.rules.book import Rule, Rulebook
from bot.core.spend import Spend
from bot.core.timeline import Timeline
from bot.edge.store import history
from bot.edge.store.store import Store

LATELY = timedelta(days=60)
LOOKS = 400
"""Four a day, with the weeks before that a replay begins with."""
MOST_RULES = 200
MOST_FIGURES = 300_000
"""Beyond so many figures a replay is no longer quick; `backtest` takes the time it needs."""


def how_much(store: Store, book: Rulebook, now: datetime) -> tuple[tuple[Much, ...], str]:
    """Return what each rule would have said in the last 60 days, looked at four times a day; else why it is not told.

    Nothing of either where nothing is stored.
    """
    if not book.rules:
        return (), ""
    with store.reading() as tx:
        since = (now - LATELY).date()
        if history.first_poll(tx) is None:
            return (), ""
        if len(book.rules) > MOST_RULES or history.figures(tx, since) > MOST_FIGURES:
            return (), "what the rules would have said is too much to replay here; ask budgetbot backtest"
        past = load(tx, store, [book], since, now)
    told = replay(past, book, since, now, most=LOOKS)
    days = (now.date() - max(since, past.history_from)).days
    counts = _Counts(past, book, now, Span(max(since, past.history_from), now.date() + DAY))
    return tuple(Much(rule.id, counts.of(rule), len(told.of(rule.id)), days) for rule in book.rules), ""


class _Counts:
    """How many groups rules look at."""

    def __init__(self, past: Past, book: Rulebook, now: datetime, span: Span) -> None:
        self._past = past
        self._now = int(now.timestamp())
        self._book = book
        self._cuts = [span.start + place * DAY for place in range(span.days + 1)]
        self._spends: dict[str, Spend] = {}

    def of(self, rule: Rule) -> int | None:
        """Return how many groups have anything; None of a rule that looks at no spend."""
        if rule.kind == "freshness":
            return None
        metric = rule.metric if rule.metric in METRICS else ""
        return len(self._spend(metric).days(rule.scope)) if self._cuts else 0

    def _spend(self, metric: str) -> Spend:
        known = self._spends.get(metric)
        if known is None:
            past = self._past
            timeline = Timeline(past.usage[metric] if metric else past.cost)
            timeline.learn(self._now)
            known = self._spends[metric] = Spend(
                self._cuts,
                timeline.stretches(self._cuts),
                past.usage_series if metric else past.cost_series,
                past.names,
                self._book,
                models=past.models,
                level=bool(metric) and METRICS[metric].level,
            )
        return known
