"""`help`: what can be asked."""

from bot.core.helping import Help, helped
from bot.questions import Asked


def answer(asked: Asked) -> Help:
    """Return what can be asked, or everything about one verb."""
    return helped(asked.query.topic)
