"""`accuracy`: how good live spend was."""

from bot.accuracy import read_accuracy
from bot.core.accuracy import Accuracy
from bot.questions import Asked


def answer(asked: Asked) -> Accuracy:
    """Return the score of the last settled days."""
    return read_accuracy(asked.store, asked.now)
