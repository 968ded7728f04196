"""`compare`: two ranges side by side, from one scan."""

from dataclasses import replace
from datetime import UTC

from bot.core.compared import Compared, compare, drawn, ranges
from bot.core.spend import cuts_of
from bot.loading import load_spend
from bot.questions import Asked


def answer(asked: Asked) -> Compared:
    """Return what changed between two ranges."""
    with asked.store.reading() as tx:
        spend = load_spend(tx, asked.store, asked.rules.book, cuts_of(ranges(asked.query)), now=asked.now)
    told = compare(asked.query, spend, asked.now.astimezone(UTC).date())
    return replace(told, chart=drawn(told)) if asked.query.chart and not asked.every else told
