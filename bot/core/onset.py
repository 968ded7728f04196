"""When a series left its usual level: the same rule for days and for hours."""

from collections.abc import Sequence
from typing import NamedTuple

QUARTER = 4
"""A place counts that is away by a quarter of what is usual there, and by a quarter of the furthest."""


class Onset(NamedTuple):
    """Where a series left its usual level, and how far away it was in all."""

    place: int
    away: int


def onset(away: Sequence[int], usual: Sequence[int], gap: int, reaching: int = 0) -> Onset | None:
    """Return where the stretch begins that is furthest from the usual; None where nothing is away from it.

    `away` says how far each place is from its `usual`. Places with no more than `gap` ordinary ones between
    them are one stretch: a weekend does not end it. How far is summed up from the place `reaching` on: a
    stretch may begin before, but one that is over by then is another story. The furthest counts, and not the
    first: a trial some days ago is not when the trouble began.
    """
    furthest = max(away[reaching:], default=0)
    best: Onset | None = None
    begun, total, last = 0, 0, -gap - 2
    for place, more in enumerate(away):
        if more <= 0 or more * QUARTER < max(furthest, usual[place]):
            continue
        if place - last > gap + 1:
            begun, total = place, 0
        total += more if place >= reaching else 0
        last = place
        if total and (best is None or total > best.away):
            best = Onset(begun, total)
    return best


def mean(values: Sequence[int]) -> int:
    """Return the mean, rounded down; 0 of nothing."""
    return sum(values) // len(values) if values else 0


def middle(values: Sequence[int]) -> int:
    """Return the median, rounded down; 0 of nothing."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if not ordered:
        return 0
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2


WEEK = 7
APART = 3
"""So many ordinary days do not end a stretch: a weekend, and a holiday beside it."""


def left_usual(days: Sequence[int], before: int, sign: int, rise: int) -> int | None:
    """Return the place of the first day on which a row left what was usual; None where it grew by and by.

    The first `before` days tell what is usual, by weekday where they are two weeks or more. One stretch away from
    it must hold at least half of the `rise`; `sign` is -1 where less is what happened.
    """
    week = [middle(days[place:before:WEEK]) for place in range(WEEK)]
    if before < 2 * WEEK:
        week = [middle(days[:before])] * WEEK
    usual = [week[place % WEEK] for place in range(len(days))]
    away = [(value - level) * sign for value, level in zip(days, usual, strict=True)]
    found = onset(away, usual, APART, before)
    if found is None or (found.place == 0 and any(usual)) or found.away * 2 < rise:
        return None
    return found.place
