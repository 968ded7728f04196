"""Streams of requests: how much flows on a day, and how it spreads over the day's minutes.

Counts up to a minute are rounded down from the day's total, so that the minutes, the hours and the day
of one stream always add up to each other, whichever way they are asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import accumulate
from random import Random

from bot.demo.tariff import Charge, charges

MINUTES = 1_440
DAILY_GROWTH = 0.0012
NOISE = 0.12


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How work spreads: a factor for each weekday from Monday, a weight for each hour (UTC)."""

    weekdays: tuple[float, ...]
    hours: tuple[int, ...]

    def until(self, total: int, minute: int) -> int:
        """Return how much of a day's total has come before this minute of the day."""
        hour, rest = divmod(minute, 60)
        before = _before(self.hours)
        passed = before[hour] * 60 + (self.hours[hour] * rest if rest else 0)
        return total * passed // (before[-1] * 60)


@cache
def _before(hours: tuple[int, ...]) -> tuple[int, ...]:
    """Return the weight that has passed when each hour begins, and the whole day's."""
    return (0, *accumulate(hours))


OFFICE = Rhythm(
    (1.0, 1.04, 1.05, 1.02, 0.92, 0.16, 0.12),
    (1, 1, 1, 1, 2, 4, 9, 14, 18, 20, 19, 16, 18, 20, 19, 17, 13, 9, 6, 4, 3, 2, 2, 1),
)
CUSTOMERS = Rhythm(
    (0.98, 0.97, 0.99, 1.0, 1.06, 0.86, 0.82),
    (4, 3, 2, 2, 3, 5, 8, 11, 13, 14, 14, 15, 15, 14, 14, 14, 15, 17, 19, 20, 18, 14, 9, 6),
)
NIGHTLY = Rhythm((1.0, 1.0, 1.0, 1.0, 1.0, 0.35, 0.35), (10, 25, 30, 20, 8) + (0,) * 19)
STEADY = Rhythm((1.0,) * 7, (1,) * 24)


@dataclass(frozen=True, slots=True)
class Turn:
    """The story's hand: from `since` until before `until`, a stream carries `factor` times as much."""

    since: date
    until: date
    factor: float


@dataclass(frozen=True, slots=True)
class Stream:
    """One use of one model or tool with one key, about `usd` dollars on a usual working day.

    `per_request` says what a request takes of each count. A stream that `needs_turn` flows only in its
    turns. The bill of one that is `billed_on` a later day is unknown before.
    """

    name: str
    project_id: str | None
    api_key_id: str | None
    source: str
    model: str | None
    usd: float
    per_request: Mapping[str, float]
    rhythm: Rhythm = CUSTOMERS
    user_id: str | None = None
    surface: str = ""
    batch: bool = False
    more: Mapping[str, str | bool | None] = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()
    since: date = date.min
    until: date = date.max
    needs_turn: bool = False
    billed_on: date | None = None

    def dims(self) -> dict[str, str | bool | None]:
        """Return the dimensions of its usage, by the API's names."""
        dims = {
            "project_id": self.project_id,
            "user_id": self.user_id,
            "api_key_id": self.api_key_id,
            "model": self.model,
        }
        return dims | ({"batch": self.batch} if self.source == "completions" else {}) | dict(self.more)

    def charges(self) -> tuple[Charge, ...]:
        return charges(self.source, self.model, self.surface, batch=self.batch)

    def totals(self, day: date, seed: int, anchor: date) -> dict[str, int]:
        """Return the counts of a whole day, none when nothing flows; growth is measured from `anchor`."""
        factor = self._factor(day)
        if not factor:
            return {}
        chance = Random(f"{seed}/{self.name}/{day.toordinal()}")  # nosec B311 # noqa: S311 - a story's dice, not a secret's
        noise = 1 + NOISE * (chance.random() + chance.random() + chance.random() - 1.5)
        growth = 1 + DAILY_GROWTH * (day - anchor).days
        requests = self._usual_requests() * self.rhythm.weekdays[day.weekday()] * factor * noise * growth
        return {"requests": int(requests)} | {
            count: int(requests * each * (1 + 0.02 * (chance.random() - 0.5)))
            for count, each in self.per_request.items()
        }

    def _factor(self, day: date) -> float:
        if not self.since <= day < self.until:
            return 0.0
        turned = [turn.factor for turn in self.turns if turn.since <= day < turn.until]
        if self.needs_turn and not turned:
            return 0.0
        factor = 1.0
        for each in turned:
            factor *= each
        return factor

    def _usual_requests(self) -> float:
        cost = sum(
            (charge.price * Decimal(str(self.per_request.get(charge.count, 0))) for charge in self.charges()),
            Decimal(0),
        )
        return self.usd / float(cost) if cost else self.usd  # what is free is counted in requests


def one_day(day: date, factor: float) -> Turn:
    return Turn(day, day + timedelta(days=1), factor)
