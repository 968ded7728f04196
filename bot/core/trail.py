"""The usage of a part that is to blame, and the hour at which it left its usual level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.core.dimension import Series
from bot.core.live.meters import COUNTED_BY
from bot.core.metrics import METRICS
from bot.core.onset import mean, onset
from bot.core.period import DAY, midnight
from bot.core.telling import Blame

HOUR = timedelta(hours=1)
LOOKED_AT = 2 * 24
"""Hours: of the day on which it began, and of the one before, whose evening a sum of a day hides."""
BEFORE = 7
"""The same hour on so many days before tells what is usual for it."""
APART = 3
"""So many quiet hours do not end a stretch."""
COUNTS = tuple(
    dict.fromkeys(
        ("input_tokens", "output_tokens", *(name for name, _ in COUNTED_BY.values() if name != "usage_bytes"))
    )
)
"""What tells that something is paid for: a level of bytes does not add up by hours."""


@dataclass(frozen=True, slots=True)
class Trail:
    """By what the usage of a part is known."""

    since: date
    callers: frozenset[tuple[str, str]]
    """(project id, key id); any key of the project where that is ''."""
    models: frozenset[str] | None
    """As bills name them; None for any."""
    metric: str
    """The usage metric that rose; '' where it is money."""
    direction: str
    """`output`, where it is a direction of a model."""
    new: bool
    """Nothing was usual before."""

    @property
    def hours(self) -> tuple[datetime, datetime]:
        """Return from when to when its hours are asked for."""
        return midnight(self.since - (1 + BEFORE) * DAY), midnight(self.since + DAY)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the metrics that it is counted in."""
        return (self.metric,) if self.metric else COUNTS

    def follows(self, series: Series, model: str) -> bool:
        """Tell whether a usage series is the part's; `model` is what bills call the series' own."""
        if self.metric and series.endpoint not in METRICS[self.metric].sources:
            return False
        asked = ((series.project_id, series.api_key_id), (series.project_id, ""))
        return any(each in self.callers for each in asked) and (self.models is None or model in self.models)

    def count(self, series: Series, counts: Mapping[str, int | None]) -> int:
        """Return what an hour of a series comes to, `counts` by the metrics' wire names."""
        if self.metric:
            return counts.get(self.metric) or 0
        if series.endpoint in COUNTED_BY:
            return counts.get(COUNTED_BY[series.endpoint][0]) or 0
        read, written = counts.get("input_tokens") or 0, counts.get("output_tokens") or 0
        if "output" in self.direction:
            return written
        return read if "input" in self.direction else read + written


def to_the_hour(blame: Blame, trail: Trail, hours: Mapping[datetime, int], known_from: date) -> Blame:
    """Return a blame with the hour it began, where the hours of its usage tell; else as it is.

    `hours` are the counts by the hour they begin; none is zero, from `known_from` on.
    """
    first = midnight(trail.since - DAY)
    if trail.since - DAY < known_from:
        return blame  # its hours are stored from the middle on
    places = [first + place * HOUR for place in range(LOOKED_AT)]
    row = [hours.get(at, 0) for at in places]
    usual = [_usual(hours, at, known_from) for at in places]
    if None in usual and not trail.new:
        return blame
    levels = [level or 0 for level in usual]
    sign = -1 if blame.fell else 1
    away = [(value - level) * sign for value, level in zip(row, levels, strict=True)]
    found = onset(away, levels, APART, LOOKED_AT // 2)
    if found is None or found.place == 0:
        return blame
    return replace(blame, since=f"{places[found.place]:%Y-%m-%dT%H:%M:%SZ}", since_hour=True)


def _usual(hours: Mapping[datetime, int], at: datetime, known_from: date) -> int | None:
    """Return what is usual for an hour; None where no earlier day of it is known."""
    days: Sequence[datetime] = [at - place * DAY for place in range(1, BEFORE + 1)]
    known = [hours.get(day, 0) for day in days if day.date() >= known_from]
    return mean(known) if known else None
