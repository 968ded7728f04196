"""`forecast`: what is stored → what each budget's running period will come to. One scan for all of them."""

from dataclasses import replace
from datetime import datetime

from bot.core.ahead import Forecasts
from bot.core.lookout import look_ahead, rules_asked
from bot.core.question import Query
from bot.core.rules.book import Rulebook
from bot.core.view import View
from bot.edge.store.store import Store
from bot.loading import load_view


def forecasts(
    store: Store, book: Rulebook, query: Query, now: datetime, most: int | None = None
) -> tuple[Forecasts, View]:
    """Return the answer to `forecast`, and what was read for it; of people's, the `most` likely to be passed."""
    rules = rules_asked(book, query.filters, now)
    with store.reading() as tx:
        view = load_view(tx, store, replace(book, rules=rules), now, answering=True)
    return look_ahead(book, rules, view, query.filters, now, most), view
