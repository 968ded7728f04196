"""`doctor`: whether everything works, asked of a bot that runs."""

from bot.core.health import Health
from bot.core.outcome import Outcome
from bot.questions import Asked


def answer(asked: Asked) -> Health | Outcome:
    """Return what was found; for admins alone, because it names channels, scopes and settings."""
    if why := asked.asker.lacks("admin", looks=True):
        return Outcome(f"{why} In a shell, budgetbot doctor tells more.", done=False, refused=True)
    if asked.app is None:
        return Outcome(
            "Only a bot that runs can look at itself: budgetbot doctor does it in a shell.", done=False
        )
    from bot.doctor import from_inside  # noqa: PLC0415 - an HTTP client that other questions do without

    return from_inside(asked.app, asked.rules, asked.now)
