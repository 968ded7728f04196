"""How the bot itself is: when it last polled, what waits to be said, whether its rule files are in force."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.schedule import next_due

LATE = timedelta(minutes=15)
"""So long after it was due a poll may still be under way: a first one reads months."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The bot at an instant."""

    at: datetime
    polls: int = 0
    """Ever made."""
    failed: int = 0
    """Of them, those that were not complete."""
    last_poll: datetime | None = None
    """When the last one ended."""
    last_complete: datetime | None = None
    """When the last complete one ended."""
    seconds: float = 0.0
    """How long the last one took."""
    read_at: Mapping[str, datetime] = field(default_factory=dict)
    """Source → when it was last read completely."""
    waiting: int = 0
    """Notices that are due and not delivered."""
    waiting_since: datetime | None = None
    """The oldest of them was decided then."""
    rooms_in_trouble: int = 0
    refused_writes: int = 0
    """Orders of people who may not give them."""
    rules: int = 0
    rules_trouble: str = ""
    """Why the rule files are not in force; '' when they are."""

    def trouble(self, schedule: str) -> str:
        """Return why nobody should rely on the bot now; '' when it polls as `schedule` says."""
        if self.last_complete is None:
            return "no poll was complete yet"
        due = next_due(schedule, self.last_complete)
        if self.at > due + LATE:
            return f"the last complete poll ended at {self.last_complete:%Y-%m-%dT%H:%M:%SZ}"
        return ""
