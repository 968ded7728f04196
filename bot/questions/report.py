"""`report` and `top`: what was spent, from one scan, and drawn where that is asked for."""

from dataclasses import replace
from datetime import UTC

from bot.core.charted import charted, cuts_for, follows_time, month_shown, wanted
from bot.core.course import course
from bot.core.report import Report, report, spans_needed
from bot.core.spend import cuts_of
from bot.edge.store import limits
from bot.loading import load_spend
from bot.questions import Asked


def answer(asked: Asked) -> Report:
    """Return what was spent; with a chart for people who ask for one, or for spend in time."""
    query, now = asked.query, asked.now.astimezone(UTC)
    today, book = now.date(), asked.rules.book
    drawn = wanted(query) and not asked.every
    in_time = drawn and follows_time(query)
    cuts = cuts_of([*spans_needed(query), *(cuts_for(query, today) if in_time else ())])
    with asked.store.reading() as tx:
        spend = load_spend(tx, asked.store, book, cuts, now=now)
        known = limits.read(tx, now) if in_time else None
    told = report(query, spend, today)
    if not drawn:
        return told
    how = course(book, spend, query.filters, known, month_shown(query, today), now) if known else None
    return replace(told, chart=charted(told, spend, how, today))
