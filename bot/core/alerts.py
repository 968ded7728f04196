"""The alerts that are open: what people were told, who looks after it, and what holds it back."""

from dataclasses import dataclass
from datetime import datetime

from bot.core.rules.book import rank
from bot.core.status import Standing


@dataclass(frozen=True, slots=True)
class Place:
    """A message an alert stands in."""

    where: str
    """`#search-ops`, or a person's id."""
    card: int
    revision: int
    channel: str = ""
    """As Slack answered; '' while the message is not posted."""
    ts: str = ""
    escalated: str = ""
    """Why it is said there: nobody looked after it elsewhere."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One open alert."""

    standing: Standing
    """With who acknowledged it and which silence holds it back."""
    opened_at: datetime
    changed_at: datetime
    peak: int
    acknowledged_at: datetime | None = None
    silenced_until: datetime | None = None
    silenced_why: str = ""
    places: tuple[Place, ...] = ()

    @property
    def escalated(self) -> tuple[str, ...]:
        """Return the rooms that heard of it because nobody acknowledged it."""
        return tuple(place.where for place in self.places if place.escalated)

    @property
    def revision(self) -> int:
        """Return the revision of its message, which its buttons carry."""
        return self.places[0].revision if self.places else 0


@dataclass(frozen=True, slots=True)
class Alerts:
    """Every open alert, the gravest first."""

    as_of: datetime | None
    """The instant of the last complete poll of costs."""
    alerts: tuple[Alert, ...]
    now: datetime
    notes: tuple[str, ...] = ()
    """What the reader must know of the data, a sentence each."""


def gravest(alert: Alert) -> tuple[int, float, datetime, str]:
    """Return by what alerts are ordered: severity, how far past the amount, and which opened first."""
    severity, share, mark = rank_of(alert.standing)
    return severity, share, alert.opened_at, mark


def rank_of(standing: Standing) -> tuple[int, float, str]:
    """Return by what the standings of alerts are ordered, the gravest first."""
    return -rank(standing.severity or ""), -(standing.ratio or 0.0), standing.fingerprint
