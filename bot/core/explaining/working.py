"""How a rule comes to its answer for one group, line by line, as any kind of rule tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from bot.core.units import Unit


@dataclass(frozen=True, slots=True)
class Step:
    """One line of arithmetic: `80% of $12,000.00 = $9,600.00: reached on 18 Nov`."""

    text: str
    """It may hold names from outside: escaped where that matters."""
    holds: bool | None = None
    """Whether it is true; None of what is no condition."""


@dataclass(frozen=True, slots=True)
class DayLine:
    """The figures of one day, one for each column."""

    day: date
    figures: tuple[int, ...]
    note: str = ""
    """`80%` on the day that reached it, `not settled`, `score 2.3`."""


@dataclass(frozen=True, slots=True)
class Working:
    """What a rule looked at, what it reckoned, and what would make it speak."""

    steps: tuple[Step, ...] = ()
    would: tuple[str, ...] = ()
    """What would make it fire, or fire higher, a sentence without its full stop each."""
    columns: tuple[tuple[str, Unit], ...] = ()
    """What the figures of the days are called, and what they count."""
    days: tuple[DayLine, ...] = ()
    """Oldest first."""


def percent(share: float) -> str:
    """Return a probability as people read it, never rounded to certainty."""
    if share > 0.995:
        return "over 99%" if share < 1 else "100%"
    return "under 1%" if 0 < share < 0.005 else f"{share:.0%}"


def listed(words: Iterable[str]) -> str:
    """Return `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
