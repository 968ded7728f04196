"""Which days are unusual for a series: for its level, its noise and the weekday.

    days = score(first_day, settled)                     # nano-dollars a UTC day, oldest first
    threshold = threshold_for([days, ...], per_week=3)   # `at_most`, over all the groups of a rule
    verdict = judge(days, threshold, ignore_below=50 * NANO)
    if verdict and verdict.episode: verdict.day.value, verdict.day.expected, verdict.episode.since

A day's score is the mean of two z-scores of its weekday-adjusted logarithm, against the 10 and the 28 days
before it: the short window learns a new level, the long one knows how much noise is usual. Only settled days
are scored, never one with fewer than 14 before it. High days are kept out of the windows, so a spike does not
hide the next and a new level stays high. Scores do not depend on a rule's threshold: a group is scored once.

A high day opens an *episode*; two normal days in a row end it. After 14 days a new level is accepted: the
windows forget what was before it. `python -m tests.evaluation` scores all this beside simpler detectors.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import exp, log, sqrt

from bot.core.weekdays import WEEK, Weekdays, median

NEEDS_HISTORY = 14
"""Settled days, since the first spend, before a day that is scored."""
WINDOWS = (10, 28)
BASE = 1.5
"""The score of one false alarm per series per 60 days on the tuning half of the evaluation: every other one of
24 generated series (seed 7) and 18 public ones. The other half, being noisier, had 2.0 in 60 days."""
CLIPPED = 2.0
"""Standard deviations below the usual at which a day joins the windows clipped."""
NOISE = 0.15
"""Added to the deviation as an independent part, chosen on the tuning half: no series is so even that 15% says much."""
TRACE = 0.1
"""Share of the level added before the logarithm: a nearly silent day is no infinite surprise."""
QUIET_WEEKDAY = 0.05
NORMAL_DAYS = 2
"""Days in a row below the threshold that end an episode."""
ACCEPTED_AFTER = 14
"""Days of an episode after which its level is the usual one."""
LOOKED_BACK = 8 * WEEK
"""Days over which `at_most` asks how often a threshold would have spoken."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A settled day beside what was expected of it, in nano-dollars."""

    day: date
    value: int
    expected: int
    score: float
    """Standard deviations above the expected, negative below."""

    @property
    def over(self) -> int:
        """Return by how much the day is above the expected; negative below."""
        return self.value - self.expected


@dataclass(frozen=True, slots=True)
class Episode:
    """A run of high days, which is one incident however long."""

    since: date
    last_high: date
    peak: Scored
    """Its highest-scored day."""
    ended: date | None = None
    """The day that ended it: the second normal one, or the one on which its level was accepted."""
    accepted: bool = False
    """It ended because it went on for 14 days: a new level, to be said once."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the newest settled day says."""

    day: Scored
    threshold: float
    high: bool
    """This day itself is at or above the threshold."""
    episode: Episode | None
    """The episode that goes on or ended on this day; None on a usual day."""


def score(first: date, settled: Iterable[int]) -> tuple[Scored, ...]:
    """Return every day of consecutive settled days (nano-dollars from `first` on) that can be scored.

    Empty with fewer than 15 days since the first spend. Credits count as nothing spent. A hundred days take
    about a millisecond; earlier scores never change because a later day is appended.
    """
    scorer = Scorer(first)
    for value in settled:
        scorer.add(value)
    return tuple(scorer.scored)


class Scorer:
    """Scores the days of one series as they come: a day more costs no more than that day."""

    def __init__(self, first: date) -> None:
        self.scored: list[Scored] = []
        self._next = first
        self._days = 0
        """Since the first spend."""
        self._before = [0.0]
        self._weekdays = Weekdays()
        self._unit = 1.0
        """Positions are logarithms measured from the first day: small, so that their squares are exact."""
        self._true: list[float] = []
        self._windows = _Windows()
        self._high_since, self._normal = -1, 0

    def add(self, settled: int) -> None:
        """Take in the next day."""
        day, value = self._next, float(max(settled, 0))
        self._next += timedelta(days=1)
        if not self._days and settled <= 0:
            return
        place = self._days
        self._unit = self._unit if place else value
        self._days += 1
        self._before.append(self._before[-1] + value)
        factor = max(self._weekdays.factors(place)[place % WEEK], QUIET_WEEKDAY)
        self._weekdays.add(value)
        level = _level(self._before, place)
        position = log((value / factor + TRACE * level) / self._unit)
        self._true.append(position)
        if place < NEEDS_HISTORY:
            self._windows.add(position)
            return
        short, long = (self._windows.of(length) for length in WINDOWS)
        z = (position - short[0]) / short[1] / 2 + (position - long[0]) / long[1] / 2
        expected = max(0.0, (exp(self._windows.middle()) * self._unit - TRACE * level) * factor)
        self.scored.append(Scored(day, settled, round(expected), z))
        if z < BASE:
            self._windows.add(position if z >= -CLIPPED else long[0] - long[1] * CLIPPED)
        self._learn(place, z)

    def _learn(self, place: int, z: float) -> None:
        """Keep what is high out of the windows, until it has been the level for so long that it is usual."""
        if z >= BASE:
            self._high_since, self._normal = (place if self._high_since < 0 else self._high_since), 0
        elif self._high_since >= 0:
            self._normal += 1
            self._high_since = -1 if self._normal == NORMAL_DAYS else self._high_since
        if self._high_since >= 0 and place - self._high_since + 1 >= ACCEPTED_AFTER:
            self._windows = _Windows(self._true[self._high_since :])
            self._high_since, self._normal = -1, 0


def episodes(
    days: Iterable[Scored], threshold: float = BASE, ignore_below: int | Sequence[int] = 0
) -> list[Episode]:
    """Return the episodes of scored days, oldest first; the last one goes on unless it has `ended`.

    A day is high when its score is at or above `threshold` and its value at or above `ignore_below`: an
    amount, or one amount for each of `days` where it is a share of something that moves.
    """
    found: list[Episode] = []
    current: Episode | None = None
    normal = 0
    for place, day in enumerate(days):
        least = ignore_below if isinstance(ignore_below, int) else ignore_below[place]
        if day.score >= threshold and day.value >= least:
            normal = 0
            if current is None:
                current = Episode(day.day, day.day, day)
            peak = day if day.score > current.peak.score else current.peak
            current = replace(current, last_high=day.day, peak=peak)
        else:
            normal += 1
        if current is None:
            continue
        accepted = (day.day - current.since).days + 1 >= ACCEPTED_AFTER
        if accepted or normal >= NORMAL_DAYS:
            found.append(replace(current, ended=day.day, accepted=accepted and normal < NORMAL_DAYS))
            current = None
    return [*found, current] if current else found


def judge(
    days: Sequence[Scored], threshold: float = BASE, ignore_below: int | Sequence[int] = 0
) -> Verdict | None:
    """Return what the newest of `days` says; None when none could be scored (the series is still learning)."""
    if not days:
        return None
    newest = days[-1]
    known = episodes(days, threshold, ignore_below)
    last = known[-1] if known and known[-1].ended in (None, newest.day) else None
    return Verdict(newest, threshold, last is not None and last.last_high == newest.day, last)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The high days of one episode, oldest first."""

    days: tuple[date, ...]

    @property
    def since(self) -> date:
        return self.days[0]

    @property
    def accepted(self) -> bool:
        """Tell whether it went on for 14 days, the last of which may be normal."""
        return (self.days[-1] - self.since).days + NORMAL_DAYS >= ACCEPTED_AFTER


def stretches(high: Iterable[date]) -> list[Stretch]:
    """Return the episodes that high days form, given oldest first: as `episodes` does, without the normal days."""
    found: list[list[date]] = []
    for day in high:
        if found and _goes_on(found[-1][0], found[-1][-1], day):
            found[-1].append(day)
        else:
            found.append([day])
    return [Stretch(tuple(days)) for days in found]


def _goes_on(since: date, last: date, day: date) -> bool:
    """Tell whether a high day belongs to the episode before it: not ended by normal days, and not accepted yet."""
    return (day - last).days <= NORMAL_DAYS and (day - since).days < ACCEPTED_AFTER


def threshold_for(
    groups: Iterable[Sequence[Scored]], per_week: float, ignore_below: int = 0, base: float = BASE
) -> float:
    """Return the lowest threshold, never below `base`, that would have spoken at most `per_week` times a week.

    Counted are the episodes that opened in the last 8 weeks, up to the newest day of any group: what the
    reader of the rule's route would have felt.
    """
    groups = [days for days in groups if days]
    if not groups:
        return base
    high = (
        [(day.day, day.score) for day in days if day.score >= base and day.value >= ignore_below]
        for days in groups
    )
    return threshold_on(max(days[-1].day for days in groups), high, per_week, base)


def threshold_on(
    day: date, groups: Iterable[Sequence[tuple[date, float]]], per_week: float, base: float = BASE
) -> float:
    """Return the same as it was on a day, from the days at or above `base` of each group, with their scores."""
    opened_from = day - timedelta(days=LOOKED_BACK - 1)
    # An episode that opened before may go on into the weeks looked at, so a little more is read than counted.
    read_from = opened_from - timedelta(days=2 * ACCEPTED_AFTER)
    recent = [[one for one in days if read_from <= one[0] <= day] for days in groups]
    allowed = int(per_week * LOOKED_BACK / WEEK)

    def spoken(threshold: float) -> int:
        opened = 0
        for days in recent:
            since = last = None
            for at, height in days:
                if height < threshold:
                    continue
                if since is None or last is None or not _goes_on(since, last, at):
                    since = at
                    opened += at >= opened_from
                last = at
        return opened

    if spoken(base) <= allowed:
        return base
    # One step above each score that was reached; above the last of them nothing was said.
    steps = sorted({height for days in recent for _, height in days})
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high) // 2
        if spoken(_above(steps[middle])) <= allowed:
            high = middle
        else:
            low = middle + 1
    return _above(steps[low])


def _above(reached: float) -> float:
    return reached + max(abs(reached) * 1e-9, 1e-9)


def _level(before: Sequence[float], place: int) -> float:
    """Return the mean of up to 28 days before `place`, of all of them in a long silence, else the day itself."""
    if place == 0:
        return before[1]
    length = min(WINDOWS[-1], place)
    recent = (before[place] - before[place - length]) / length
    usual = before[place] / place
    # Subtracting running sums may leave a trace of what is truly nothing.
    return recent if recent > usual * 1e-9 else usual


class _Windows:
    """The positions that days are measured against, newest last."""

    def __init__(self, positions: Iterable[float] = ()) -> None:
        self._positions = list(positions)
        self._squares = [position * position for position in self._positions]

    def add(self, position: float) -> None:
        self._positions.append(position)
        self._squares.append(position * position)

    def of(self, length: int) -> tuple[float, float]:
        """Return the mean of the newest, and their deviation with the noise every series is granted."""
        newest = self._positions[-length:]
        count = len(newest)
        mean = sum(newest) / count
        variance = (sum(self._squares[-length:]) - count * mean * mean) / (count - 1)
        return mean, sqrt(max(variance, 0.0) + NOISE * NOISE)

    def middle(self) -> float:
        """Return the mean of the windows' medians: what to expect, unmoved by the odd days among them."""
        return sum(median(self._positions[-length:]) for length in WINDOWS) / len(WINDOWS)
