"""Who is new: what a change holds that was never there before, as far as is stored and as far as anybody could know."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from bot.core.kinds.first_seen import NAMED_LATER
from bot.core.period import DAY
from bot.core.sides import Against
from bot.core.spend import Spend
from bot.core.why import Breakdown, Moved, Taken

WATCHED = timedelta(days=7)
"""So long must a dimension have been told before something in it may be called new."""
LOOKED_UP = 20
"""Of what may be new, so many of each dimension are looked up in all of history: the largest."""


def candidates(
    taken: Taken, against: Against, seen: Mapping[int, date], told: Spend
) -> dict[str, dict[str, list[int]]]:
    """Return what may be new: by dimension the values, of those that moved most, and all series of each.

    `seen` is the first day on which each series was billed among the days of what is usual and after. What was
    billed in the days it is held against, or on the first of those that tell what is usual, is not new.
    """
    found: dict[str, dict[str, list[int]]] = {}
    for breakdown in taken.breakdowns:
        first = earliest(told.column(breakdown.dimension), seen) if against.usual else {}
        maybe = [
            part.value
            for part in breakdown.parts
            if part.value
            and part.after > 0
            and (first.get(part.value, date.min) > against.versus.start if against.usual else not part.before)
        ][:LOOKED_UP]
        if maybe:
            found[breakdown.dimension] = {value: [] for value in maybe}
            for series_id, value in told.column(breakdown.dimension).items():
                if value in found[breakdown.dimension]:
                    found[breakdown.dimension][value].append(series_id)
    return found


def newcomers(
    taken: Taken,
    against: Against,
    maybe: Mapping[str, Mapping[str, Sequence[int]]],
    first: Mapping[int, date],
    told_from: Mapping[str, date],
    history_from: date,
) -> tuple[tuple[Breakdown, ...], tuple[tuple[str, Moved], ...]]:
    """Return the breakdowns with what is new marked, and the newcomers, the largest change first.

    `first` is the first day with spend in stored history of each series that was looked up; `told_from` the day
    from which something is told by a dimension, where it was not always. What is new was not there before the
    days it is held against, nor in the week before its first day, as far as anybody could know.
    """
    begins = against.versus.start + DAY if against.usual else against.versus.end
    marked: list[Breakdown] = []
    found: list[tuple[str, Moved]] = []
    for breakdown in taken.breakdowns:
        values = maybe.get(breakdown.dimension, {})
        known = max(history_from, told_from.get(breakdown.dimension, history_from))
        parts = []
        for part in breakdown.parts:
            day = min((first[each] for each in values.get(part.value, ()) if each in first), default=None)
            new = day is not None and begins <= day < against.span.end and day - known >= WATCHED
            parts.append(replace(part, first=day) if new else part)
        marked.append(Breakdown(breakdown.dimension, tuple(parts)))
        found += [(breakdown.dimension, part) for part in parts if part.first is not None]
    found.sort(key=lambda each: (-abs(each[1].change), each[0], each[1].name))
    return tuple(marked), tuple(found)


def told_since(taken: Taken, against: Against, seen: Mapping[int, date], told: Spend) -> dict[str, date]:
    """Return from which day on costs are told by key and by user: before somebody asked for them, nobody was seen."""
    found: dict[str, date] = {}
    for breakdown in taken.breakdowns:
        if breakdown.dimension not in NAMED_LATER:
            continue
        if against.usual:
            days = earliest(told.column(breakdown.dimension), seen)
            found[breakdown.dimension] = min((day for value, day in days.items() if value), default=date.max)
        elif not any(part.value and part.before for part in breakdown.parts):
            found[breakdown.dimension] = date.max
    return found


def earliest(column: Mapping[int, str], days: Mapping[int, date]) -> dict[str, date]:
    """Return the first day of each value of a dimension."""
    found: dict[str, date] = {}
    for series_id, day in days.items():
        value = column.get(series_id)
        if value is not None and day < found.get(value, date.max):
            found[value] = day
    return found
