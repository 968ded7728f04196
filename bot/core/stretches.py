"""What is worked out of stretches of days is worked out once: the next scan shows most of them as they were."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

_Group = tuple[str, ...]
MOST_STRETCHES = 1_000
"""Sums of so many stretches are remembered for each grouping, two years of days and more; then anew."""


class ByStretch:
    """Sums that were worked out of a stretch: a stretch never changes, so they hold for as long as it is there."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Mapping[int, int], dict[_Group, int]]] = {}

    def get(self, stretch: Mapping[int, int]) -> dict[_Group, int] | None:
        known = self._known.get(id(stretch))
        return known[1] if known is not None else None

    def put(self, stretch: Mapping[int, int], sums: dict[_Group, int]) -> dict[_Group, int]:
        if len(self._known) >= MOST_STRETCHES:
            self._known.clear()
        self._known[id(stretch)] = (stretch, sums)  # held, so that no other one gets its id
        return sums


class Rows:
    """The days of each group side by side, of which only those are read again that are not what they were."""

    def __init__(self, first: date) -> None:
        self.first = first
        self._days: list[tuple[Mapping[int, int] | None, Mapping[_Group, int]]] = []
        self._values: dict[_Group, list[int]] = {}
        self._newest: dict[_Group, int] = {}

    def of(
        self,
        first: date,
        stretches: Sequence[Mapping[int, int]],
        sums: Callable[[int], Mapping[_Group, int]],
    ) -> dict[_Group, list[int]]:
        """Return the days of every group that has any of the stretches, which begin on `first`, one a day."""
        begin, days, values = (first - self.first).days, self._days, self._values
        end = begin + len(stretches)
        days.extend([(None, {})] * (end - len(days)))
        for place, stretch in enumerate(stretches, begin):
            known, before = days[place]
            if known is stretch:
                continue
            for group in before:
                values[group][place] = 0
            after = sums(place - begin)
            days[place] = (stretch, after)
            for group, amount in after.items():
                row = values.get(group)
                if row is None:
                    row = values[group] = []
                if len(row) <= place:
                    row.extend([0] * (place + 1 - len(row)))
                row[place] = amount
                self._newest[group] = max(self._newest.get(group, 0), place)
        shown: dict[_Group, list[int]] = {}
        for group, row in values.items():
            if self._newest[group] >= begin:
                kept = row[begin:end]
                shown[group] = kept if len(kept) == end - begin else kept + [0] * (end - begin - len(kept))
        return shown
