"""Of all that changed, the part that mostly did: from the widest dimension to the narrowest, as blame is told."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bot.core.blame import DEEPER, NARROWER, STANDS_OUT, narrowed
from bot.core.spend import Spend
from bot.core.telling import Part


@dataclass(frozen=True, slots=True)
class Culprit:
    """A part, and the series that make it up."""

    parts: tuple[Part, ...]
    """The widest first; each one's amount is its own change, and positive."""
    values: tuple[tuple[str, str], ...]
    """(dimension, value) of each of them that has one."""
    series: tuple[int, ...]

    @property
    def change(self) -> int:
        """Return what the narrowest part changed by; positive."""
        return self.parts[-1].amount


def culprit(
    changes: Mapping[int, int], sign: int, told: Spend, dimensions: Collection[str]
) -> Culprit | None:
    """Return the narrowest part that explains most of a change; None where no part stands out.

    `changes` are nano-dollars by series, `sign` is -1 where it is a fall that is explained.
    """
    if not any(changes.values()):
        return None
    parts: list[Part] = []
    values: list[tuple[str, str]] = []
    series, rise = list(changes), 0
    skipped = {each for each in DEEPER if len(_by(told, each, series)) == 1}
    if "line_item" in skipped:
        skipped.add("model")
    for dimension in DEEPER:
        if dimension in skipped or dimension not in dimensions:
            continue
        children = _by(told, dimension, series)
        rises = {value: sign * sum(changes[each] for each in own) for value, own in children.items()}
        risen = sum(each for each in rises.values() if each > 0)
        value = max(rises, key=lambda each: (rises[each], each))
        least = -(-rise * NARROWER // 100) if parts else -(-risen * STANDS_OUT // 100)
        known = any(part.dimension == "api_key" for part in parts)
        if not value or rises[value] < max(least, 1) or (dimension == "user" and known):
            continue
        part = Part(dimension, told.names.of(dimension, value), rises[value])
        deeper = narrowed(parts, part, value, told.models)
        if deeper is not None:
            parts, series, rise = deeper, children[value], rises[value]
            values.append((dimension, value))
    return Culprit(tuple(parts), tuple(values), tuple(series)) if parts else None


def _by(told: Spend, dimension: str, series: Iterable[int]) -> dict[str, list[int]]:
    column = told.column(dimension)
    found: dict[str, list[int]] = {}
    for series_id in series:
        found.setdefault(column[series_id], []).append(series_id)
    return found
