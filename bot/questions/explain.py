"""`explain`: why a rule says what it says."""

from bot.core.explanation import Explanation
from bot.core.query import Misread
from bot.explaining import explain
from bot.questions import Asked


def answer(asked: Asked) -> Explanation | Misread:
    """Return how a rule, or an alert, came to be what it is; or what may have been meant."""
    return explain(asked.store, asked.rules, asked.query, asked.now)
