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
