"""The scores of a rule's series, each day reckoned once, and the threshold that a day of them must reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from threading import Lock

from bot.core.incident import Reason
from bot.core.period import DAY
from bot.core.settled import Settled
from bot.core.spend import Group
from bot.core.unusual import (
    ACCEPTED_AFTER,
    BASE,
    LOOKED_BACK,
    NEEDS_HISTORY,
    Scored,
    Scorer,
    Stretch,
    stretches,
    threshold_on,
)

EPISODE = 2 * ACCEPTED_AFTER * DAY
"""How long before a judged day its episode may have begun."""


class Memory:
    """What was scored before. Once a day a series is a day longer, and only that day is scored."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[tuple[date, tuple[int, ...]], Scorer] = {}
        self._lock = Lock()
        self.added = 0
        """Days that were scored, in all."""

    def scored(self, first: date, row: tuple[int, ...]) -> tuple[Scored, ...]:
        """Return what `unusual.score` says of a series: a function of its arguments alone."""
        with self._lock:  # who polls and who answers ask at once
            scorer = self._known.pop((first, row), None)
            if scorer is None:
                scorer = self._known.pop((first, row[:-1]), None)
                new = row[-1:] if scorer else row
                scorer = scorer or Scorer(first)
                for value in new:
                    scorer.add(value)
                self.added += len(new)
            self._known[first, row] = scorer  # the last to be forgotten
            while len(self._known) > self._most:
                del self._known[next(iter(self._known))]
            return tuple(scorer.scored)


MEMORY = Memory(4096)


class Thresholds:
    """The rule's own threshold on any day, never below the base."""

    def __init__(self, heard: tuple[tuple[tuple[date, float], ...], ...], a_week: float) -> None:
        self._heard = heard
        self._a_week = a_week
        self._known: dict[date, float] = {}

    def on(self, day: date) -> float:
        """Return what a day's score must reach: nothing that came later moves it."""
        if day not in self._known:
            since = day - EPISODE - LOOKED_BACK * DAY
            seen = tuple(
                kept for days in self._heard if (kept := tuple(one for one in days if since < one[0] <= day))
            )
            self._known[day] = _threshold(day, seen, self._a_week)
        return self._known[day]


@lru_cache(maxsize=4096)  # a threshold rests on settled days, which hardly ever change
def _threshold(day: date, heard: tuple[tuple[tuple[date, float], ...], ...], a_week: float) -> float:
    return threshold_on(day, heard, a_week)


@dataclass(slots=True)
class Series:
    """The settled days of one group, with their scores."""

    group: Group
    known: Settled
    row: tuple[int, ...]
    least: Sequence[int]
    scored: bool
    """Wanted even where every day is to be ignored."""
    scores: Mapping[date, Scored] = field(init=False)
    high: tuple[tuple[date, float], ...] = field(init=False)
    """The days that are high by the base, and not to be ignored, with their scores."""

    def __post_init__(self) -> None:
        # Where no day counts for anything there is nothing that its scores could say.
        counts = any(value >= least for value, least in zip(self.row, self.least, strict=True))
        days = MEMORY.scored(self.known.first, self.row) if counts or self.scored else ()
        self.scores = {day.day: day for day in days}
        self.high = tuple(
            (day.day, day.score)
            for day in days
            if day.score >= BASE and day.value >= self.least[self.known.place(day.day)]
        )

    @property
    def spent(self) -> bool:
        """Tell whether there is anything in the last judged days."""
        return any(self.row[-len(self.known.judged) :])

    @property
    def learning(self) -> str:
        """Return why no day of it is scored."""
        launch = next((place for place, value in enumerate(self.row) if value > 0), len(self.row))
        days = len(self.row) - launch
        return f"{Reason.LEARNING}: {days} settled days since its first, needs {NEEDS_HISTORY + 1}"

    def on(self, day: date) -> int:
        """Return what a day came to."""
        return self.row[self.known.place(day)]

    def runs(self, thresholds: Thresholds) -> list[Stretch]:
        """Return its episodes that reach into the judged days, each day by its own threshold."""
        since = self.known.judged[0] - EPISODE
        return stretches(day for day, height in self.high if day >= since and height >= thresholds.on(day))
