"""Until when somebody may silence an alert with one click, by their own clocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.silence import LONGEST

MORNING = time(9)
OVER = "over"


@dataclass(frozen=True, slots=True)
class Choice:
    """One end of a silence."""

    value: str
    label: str
    at: datetime
    """At the latest."""


def choices(now: datetime, zone: str, most: timedelta = LONGEST) -> tuple[Choice, ...]:
    """Return the ends that a silence made at `now` can have, the next first; none is further than `most`."""
    return tuple(choice for choice in _choices(now, zone) if choice.at - now <= most)


def chosen(value: str, now: datetime, zone: str) -> Choice | None:
    """Return the choice of that value, as it is now; None where there is none."""
    return next((choice for choice in _choices(now, zone) if choice.value == value), None)


def lasting(choice: Choice, now: datetime) -> str:
    """Return how long it is to last, in the words of an order: to the minute, and never shorter."""
    if choice.value == OVER:
        return f"until {OVER}"
    return f"for {-((now - choice.at) // timedelta(minutes=1))}m"


def _choices(now: datetime, zone: str) -> Iterator[Choice]:
    local = ZoneInfo(zone)
    today = now.astimezone(local).date()
    yield Choice("1h", "One hour from now", now + timedelta(hours=1))
    yield Choice("4h", "Four hours from now", now + timedelta(hours=4))
    tomorrow = today + timedelta(days=1)
    monday = today + timedelta(days=7 - today.weekday())
    yield Choice("tomorrow", "Tomorrow 09:00", datetime.combine(tomorrow, MORNING, local).astimezone(UTC))
    if monday != tomorrow:
        yield Choice("monday", "Monday 09:00", datetime.combine(monday, MORNING, local).astimezone(UTC))
    yield Choice(OVER, "It is over, 31 days at most", now + LONGEST)
