"""What an alert of stale data says: how old it is, how old it may be, and what it means for the others."""

from bot.render import blocks
from bot.render.alert_words import Told, reason_of, who
from bot.render.figures import Figures, Show, duration
from bot.render.kinds import settled
from bot.render.kinds.words import Words


def headline(told: Told) -> str:
    """Return the first line: `Costs could not be read since 22 Nov 09:00 UTC: for 4 h 5 min, where 3 h is allowed`."""
    if settled.is_over(told):
        return f"{who(told)} {ended(told)}"
    note = blocks.clean(told.telling.note) or "costs are too old"
    return f"*{blocks.escape(note[:1].upper() + note[1:])}*: {sentence(told)}"


def sentence(told: Told) -> str:
    """Return `for 4 h 5 min, where 3 h is allowed`."""
    return f"for {_age(told)}, where {_allowed(told)} is allowed"


def _age(told: Told) -> str:
    return duration(told.incident.value)


def _allowed(told: Told) -> str:
    return duration(told.incident.amount)


def cell(told: Figures, _show: Show) -> str:
    """Return `for 4 h 5 min, 3 h allowed`."""
    return f"for {duration(told.value)}, {duration(told.amount)} allowed"


def facts(told: Told) -> list[str]:
    """Return the age, what is allowed, and what it means for the other rules."""
    found = [f"*Stale*\nfor {_age(told)}", f"*Allowed*\n{_allowed(told)}"]
    if not settled.is_over(told):
        found.append(
            "*Meanwhile*\nalerts rest on what was read before: nothing is lost, and nothing newer is seen"
        )
    return found


def ended(told: Told) -> str:
    """Return that costs are fresh again."""
    if told.incident.reason not in settled.OVER:
        return f"are no longer watched here ({reason_of(told)}): stale {sentence(told)}"
    return "are read and fresh again"


def in_thread(told: Told) -> str:
    """Return that costs are fresh again, as a line of the thread."""
    return ended(told).removeprefix("are ")


def _figure(_told: Told, value: int) -> str:
    return duration(value)


WORDS = Words(
    "stale source", "stale sources", headline, sentence, cell, facts, in_thread, figure=_figure, notes=False
)
