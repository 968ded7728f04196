"""`refresh`: fetch what OpenAI knows now, and say what changed."""

from bot.core.outcome import Outcome
from bot.questions import Asked


def answer(asked: Asked) -> Outcome:
    """Return what changed; operators alone may ask, because each time costs OpenAI's patience with everybody."""
    if why := asked.asker.lacks("operator"):
        return Outcome(why, done=False, refused=True)
    if asked.app is None:
        said = "Whoever answers here cannot reach OpenAI: the next poll reads what there is."
        return Outcome(said, done=False, refused=True)
    from bot.refreshing import refresh  # noqa: PLC0415 - an HTTP client that other questions do without

    return refresh(asked.app, asked.asker.who).outcome
