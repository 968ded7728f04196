"""`forecast`: what is stored → what each budget's running period will come to. One scan for all of them."""

from dataclasses import replace
from datetime import UTC

from bot.core.ahead import Forecasts
from bot.core.lookout import look_ahead, rules_asked
from bot.dated import notes
from bot.edge.store import records
from bot.loading import load_view
from bot.questions import SHOWN, Asked


def answer(asked: Asked) -> Forecasts:
    """Return what each budget's running period will come to; people see those likeliest to be passed."""
    book, query, now = asked.rules.book, asked.query, asked.now.astimezone(UTC)
    rules = rules_asked(book, query.filters, now)
    with asked.store.reading() as tx:
        view = load_view(tx, asked.store, replace(book, rules=rules), now, answering=True)
        last = records.last_poll(tx)
    told = look_ahead(book, rules, view, query.filters, now, None if asked.every else SHOWN)
    return replace(told, notes=tuple(notes(asked.rules, view, last, now)))
