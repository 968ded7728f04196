"""The score of live spend: what days were estimated to cost, against what they were billed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bot.core.live.meters import line_of
from bot.core.money import show_percent
from bot.core.period import Span

DAYS = 30
"""Settled days that are scored."""


@dataclass(frozen=True, slots=True)
class Score:
    """The last estimate made of a line of a day before it was billed."""

    day: date
    project_id: str
    line_item: str
    estimated: int
    known: bool
    """Priced by the organization's own bills; False where a public price list had to do."""
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Compared:
    """An estimate and a bill, in nano-dollars."""

    estimated: int = 0
    billed: int = 0

    @property
    def error(self) -> float | None:
        """Return how far the estimate was off, as a share of the bill: 0.02 is 2% too high; None without a bill."""
        return (self.estimated - self.billed) / self.billed if self.billed > 0 else None

    def __add__(self, other: "Compared") -> "Compared":
        return Compared(self.estimated + other.estimated, self.billed + other.billed)


@dataclass(frozen=True, slots=True)
class DayScore:
    """One settled day. What usage does not count (credits, training hours) is in none of its figures."""

    day: date
    all: Compared
    own: Compared
    """The lines that were priced by the organization's own bills."""
    listed: int
    """How much of the estimate came from a public price list."""
    missed: int
    """How much was billed under lines of which nothing had been estimated."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The settled days that were estimated while they were not billed yet, oldest first."""

    span: Span
    """The days that were looked at."""
    days: tuple[DayScore, ...] = ()
    as_of: datetime | None = None

    @property
    def all(self) -> Compared:
        return sum((day.all for day in self.days), Compared())

    @property
    def own(self) -> Compared:
        return sum((day.own for day in self.days), Compared())

    @property
    def listed(self) -> int:
        return sum(day.listed for day in self.days)

    @property
    def missed(self) -> int:
        return sum(day.missed for day in self.days)

    @property
    def usual(self) -> float | None:
        """Return how far off a day was, up or down, as a share of the bill and weighted by it; None without bills."""
        billed = self.all.billed
        if billed <= 0:
            return None
        return sum(abs(day.all.estimated - day.all.billed) for day in self.days) / billed

    @property
    def worst(self) -> DayScore | None:
        """Return the day that was furthest off in dollars."""
        return max(self.days, key=lambda day: abs(day.all.estimated - day.all.billed), default=None)

    @property
    def unscored(self) -> int:
        """Return how many of the days nobody had estimated."""
        return self.span.days - len(self.days)


def accuracy(
    scores: Iterable[Score],
    billed: Mapping[date, Mapping[tuple[str, str], int]],
    span: Span,
    models: Collection[str] = (),
    as_of: datetime | None = None,
) -> Accuracy:
    """Return how good the estimates of a span of settled days were: `billed` is day → (project, line item) → nano."""
    by_day: dict[date, dict[tuple[str, str], Score]] = {}
    for score in scores:
        if score.day in span:
            by_day.setdefault(score.day, {})[score.project_id, score.line_item] = score
    counted = {line: line_of(line, models) is not None for lines in billed.values() for _, line in lines}
    return Accuracy(
        span,
        tuple(_day(day, by_day[day], billed.get(day, {}), counted) for day in sorted(by_day)),
        as_of,
    )


def _day(
    day: date,
    estimated: Mapping[tuple[str, str], Score],
    billed: Mapping[tuple[str, str], int],
    counted: Mapping[str, bool],
) -> DayScore:
    all_billed = missed = own_billed = 0
    for key, amount in billed.items():
        score = estimated.get(key)
        if score is None and not counted[key[1]]:
            continue
        all_billed += amount
        if score is None:
            missed += amount
        elif score.known:
            own_billed += amount
    whole = sum(score.estimated for score in estimated.values())
    listed = sum(score.estimated for score in estimated.values() if not score.known)
    return DayScore(day, Compared(whole, all_billed), Compared(whole - listed, own_billed), listed, missed)


def show_error(error: float | None) -> str:
    """Return `+1.2%`, `−0.4%`, `0.0%`; a dash where nothing was billed."""
    if error is None:
        return "—"
    rounded = round(error * 100, 1) + 0.0
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{abs(rounded):,.1f}%"


def show_listed(answer: Accuracy) -> str:
    """Return how much of the estimates a public price list told: `3%`."""
    return show_percent(answer.listed, answer.all.estimated)
