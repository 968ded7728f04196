"""Both sides of a change, series by series: what was billed on some days, and on those they are held against.

Every breakdown groups these integers, so its parts add up to the change whatever they are grouped by. What is
usual is rounded once, for each series (half-even, to the nano-dollar), and never again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import lcm

from bot.core.comparison import USUAL
from bot.core.effects import Billed
from bot.core.period import DAY, Span
from bot.core.rounding import half_even

WEEK = 7
Side = Mapping[int, Billed]
"""Series id → what it came to."""


@dataclass(frozen=True, slots=True)
class Against:
    """Which days are asked about, and which they are held against."""

    span: Span
    versus: Span
    usual: bool = False
    """`versus` tells what is usual on such days: by weekday where it is two weeks or more."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return the spans at which the scan must be cut: every day of what is usual."""
        if not self.usual:
            return (self.span, self.versus)
        start = self.versus.start
        return (self.span, *(Span(start + n * DAY, start + (n + 1) * DAY) for n in range(self.versus.days)))


def usual_days(span: Span) -> Against:
    """Return a range against the 28 days before it."""
    return Against(span, Span(span.start - USUAL, span.start), usual=True)


def summed(stretches: Iterable[Side]) -> dict[int, Billed]:
    """Return what each series came to in all of the stretches."""
    total: dict[int, Billed] = {}
    for stretch in stretches:
        for series_id, billed in stretch.items():
            known = total.get(series_id)
            total[series_id] = billed if known is None else known + billed
    return total


def usual(days: Sequence[Side], before: Span, span: Span) -> dict[int, Billed]:
    """Return what is usual for as many such days as `span` has; `days` are those of `before`, one by one.

    By weekday: each day of the span counts as the mean of its weekday, as `bot.core.comparison` says. Where less
    than two weeks are known, as the mean of all.
    """
    if before.days < 2 * WEEK:
        known, wanted, place = [before.days] * WEEK, [0] * WEEK, [0] * before.days
        wanted[0] = span.days
    else:
        first = before.start.weekday()
        place = [(first + n) % WEEK for n in range(before.days)]
        known = [place.count(weekday) for weekday in range(WEEK)]
        of_span = [(span.start.weekday() + n) % WEEK for n in range(span.days)]
        wanted = [of_span.count(weekday) for weekday in range(WEEK)]
    whole = lcm(*known)
    weights = [wanted[n] * (whole // known[n]) for n in range(WEEK)]
    total: dict[int, list[int]] = {}
    for n, day in zip(place, days, strict=True):
        weight = weights[n]
        if not weight:
            continue
        for series_id, billed in day.items():
            sums = total.setdefault(series_id, [0, 0, 0])
            for figure, value in enumerate(billed):
                sums[figure] += weight * value
    return {
        series_id: Billed(half_even(amount, whole), half_even(quantity, whole), -(-bare // whole))
        for series_id, (amount, quantity, bare) in total.items()
    }
