"""`report` and `top`: what was spent, from one scan."""

from datetime import UTC

from bot.core.report import Report, report, spans_needed
from bot.core.spend import cuts_of
from bot.loading import load_spend
from bot.questions import Asked


def answer(asked: Asked) -> Report:
    """Return what was spent."""
    cuts = cuts_of(spans_needed(asked.query))
    with asked.store.reading() as tx:
        spend = load_spend(tx, asked.store, asked.rules.book, cuts, now=asked.now)
    return report(asked.query, spend, asked.now.astimezone(UTC).date())
