"""What an alert of stale data says: how old it is, how old it may be, and what it means for the others."""

from bot.render import blocks
from bot.render.alert_words import Told, reason_of
from bot.render.figures import Figures, Show, duration
from bot.render.kinds import settled
from bot.render.kinds.words import Words


def headline(told: Told) -> str:
    """Return the first line: `No costs for 3 h 20 min, where 3 h are allowed: what is spent is not seen`."""
    if settled.is_over(told):
        return f"The data {ended(told)}"
    return f"*The data is {_age(told)} old*, where {_allowed(told)} is allowed{_why(told)}"


def _age(told: Told) -> str:
    return duration(told.incident.value)


def _allowed(told: Told) -> str:
    return duration(told.incident.amount)


def _why(told: Told) -> str:
    return f": {blocks.escape(blocks.clean(told.telling.note))}" if told.telling.note else ""


def sentence(told: Told) -> str:
    """Return `3 h 20 min old, where 3 h is allowed`."""
    return f"{_age(told)} old, where {_allowed(told)} is allowed"


def cell(told: Figures, _show: Show) -> str:
    """Return `3 h 20 min old, 3 h allowed`."""
    return f"{duration(told.value)} old, {duration(told.amount)} allowed"


def facts(told: Told) -> list[str]:
    """Return the age and what is allowed."""
    return [f"*Age*\n{_age(told)}", f"*Allowed*\n{_allowed(told)}"]


def ended(told: Told) -> str:
    """Return that it is fresh again."""
    if told.incident.reason not in settled.OVER:
        return f"is no longer watched here ({reason_of(told)}): last {sentence(told)}"
    return "is fresh again"


def in_thread(told: Told) -> str:
    """Return that it is fresh again, as a line of the thread."""
    return settled.in_thread(told, ended(told))


def _figure(_told: Told, value: int) -> str:
    return duration(value)


WORDS = Words(
    "stale source", "stale sources", headline, sentence, cell, facts, in_thread, figure=_figure, notes=False
)
