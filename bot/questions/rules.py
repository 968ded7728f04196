"""`rules`: what is watched, and the projects with spend this month that no budget watches."""

from dataclasses import replace
from datetime import UTC

from bot.core import builtin
from bot.core.listing import Listing, listing, narrowed
from bot.core.period import DAY, Period, Span
from bot.core.spend import cuts_of
from bot.loading import load_spend
from bot.questions import Asked


def answer(asked: Asked) -> Listing:
    """Return what is watched."""
    store, rules = asked.store, asked.rules
    today = asked.now.astimezone(UTC).date()
    month = Period("month").containing(today)
    assert month is not None
    span = Span(month.start, today + DAY)
    with store.reading() as tx:
        spend = load_spend(tx, store, rules.book, cuts_of([span]), now=asked.now)
    links = {rule.id: rules.voice.link(rule) for rule in rules.book.rules}
    told = listing(rules.book, spend, span, today, rules.voice.fallback, links)
    if rules.book.built_in:
        told = replace(told, notes=(builtin.NOTE, builtin.CLOSES, *told.notes))
    if rules.trouble:
        told = replace(told, notes=(rules.trouble, *told.notes))
    return narrowed(told, rules.book, spend, asked.query.filters, span)
