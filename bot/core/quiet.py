"""Quiet hours: whether an instant is quiet, and when that ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.money import NANO

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Quiet:
    """When a room wants to hear of critical alerts alone. Clocks are those of the book's time zone."""

    name: str
    begins: time | None = None
    """Of every day; None when no hours are quiet, but weekends may be."""
    ends: time | None = None
    """On the next day where it is not after `begins`."""
    weekends: bool = False
    """All of Saturday and Sunday."""
    wake: int = 500 * NANO
    """What has grown by so many nano-dollars since it began to wait waits no longer."""

    def until(self, zone: str, now: datetime) -> datetime | None:
        """Return when the quiet that holds at `now` (aware) ends, in UTC; None when it is not quiet.

        Windows that touch are one: a Friday night before a quiet weekend ends on Monday morning.
        """
        local = ZoneInfo(zone)
        moment = now.astimezone(UTC)
        ends: datetime | None = None
        windows = sorted(self._windows(moment.astimezone(local).date(), local))
        for begins, ended in windows:
            at = ends or moment
            if begins <= at < ended:
                ends = ended
        return ends

    def _windows(self, day: date, local: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """Yield the quiet windows around a day, in UTC; in the night the clocks change, as the clocks go."""
        for offset in range(-2, 9):
            each = day + offset * _DAY
            if self.begins is not None and self.ends is not None:
                last = each if self.begins < self.ends else each + _DAY
                yield _instant(each, self.begins, local), _instant(last, self.ends, local)
            if self.weekends and each.weekday() == _SATURDAY:
                yield _instant(each, time(), local), _instant(each + 2 * _DAY, time(), local)


def _instant(day: date, clock: time, local: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, local).astimezone(UTC)
