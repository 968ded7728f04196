"""The seam between what all alerts share and what a kind of rule says in its own words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.render import blocks
from bot.render.alert_words import Told, levels
from bot.render.figures import Figures, Show, alone, exact


def _exact(told: Told, value: int) -> str:
    return alone(value, told.unit, exact)


def _no_money(_told: Told) -> int | None:
    return None


def _standing(told: Told) -> list[str]:
    return [told.incident.foremost] if told.incident.foremost else []


@dataclass(frozen=True, slots=True)
class Words:
    """What differs by kind. Sentences are escaped mrkdwn; a cell is plain text."""

    one: str
    """What one of its alerts is called: `budget`."""
    several: str
    headline: Callable[[Told], str]
    """The first line: what, how much, so what."""
    sentence: Callable[[Told], str]
    """Its figures in full, for a line of the thread: `$10,284.17 of $12,000.00 (85%)`."""
    cell: Callable[[Figures, Show], str]
    """Its figures in short, for a row of a table: `$10,284 of $12,000`."""
    facts: Callable[[Told], list[str]]
    """Its figures one by one, for the card: a title and a text each."""
    ended: Callable[[Told], str]
    """How it came out, in the thread."""
    over: Callable[[Told], int | None] = _no_money
    """Nano-dollars above what it is held against; None where that is not money, or says nothing."""
    passed: Callable[[Told], list[str]] = _standing
    """The levels that stand, lowest first."""
    figure: Callable[[Told, int], str] = _exact
    """One figure alone: `$12,140.00`, `35%`, `3 h 20 min`."""
    level: Callable[[str], str] = blocks.escape
    """A level in words: `more than $1,000 over the usual`."""
    notes: bool = True
    """What the judge has to say beside the figures stands below the first line, and not in it."""
    rose: Callable[[Told, Sequence[str], str], str] | None = None
    """(told, the levels announced, ` because ...` or '') → what has come to stand."""
    again: Callable[[Told, str, str], str] | None = None
    """(told, the level, ` because ...` or '') → it stands again."""
    cleared: Callable[[Told, str], str] | None = None
    """(told, the forecast level) → it is not foreseen any more."""

    def risen(self, told: Told, labels: Sequence[str], because: str) -> str:
        """Return what has come to stand."""
        if self.rose is not None:
            return self.rose(told, labels, because)
        return f"{self.levels(labels)}{because}: {self.sentence(told)}"

    def stands_again(self, told: Told, label: str, because: str) -> str:
        """Return that a level stands again."""
        if self.again is not None:
            return self.again(told, label, because)
        return f"{self.level(label)} again{because}: {self.sentence(told)}"

    def taken_back(self, told: Told, label: str) -> str:
        """Return that a forecast level is not foreseen any more."""
        if self.cleared is not None:
            return self.cleared(told, label)
        return f"{self.level(label)} no longer: {self.sentence(told)}"

    def levels(self, labels: Sequence[str]) -> str:
        """Return the gravest of some levels in words."""
        return self.level(labels[-1]) if labels else levels(labels)
