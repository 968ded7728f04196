"""What has been: the alerts of a range with how each went, what people did, and everything that happened to one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.explanation import Delivery
from bot.core.period import Span
from bot.core.status import Standing

SHORTEST = 4
"""Letters of a fingerprint that tell which is meant."""


@dataclass(frozen=True, slots=True)
class Past:
    """One alert and how it went."""

    standing: Standing
    """Its state now, with the highest level and the gravest severity it ever had."""
    opened_at: datetime
    ended_at: datetime | None
    peak: int
    acknowledged_by: str = ""
    """Who first said that they look after it."""
    acknowledged_at: datetime | None = None
    messages: int = 0
    """Messages and lines in their threads that people got of it."""

    @property
    def acknowledged_after(self) -> timedelta | None:
        """Return how long it stood before somebody looked after it."""
        return self.acknowledged_at - self.opened_at if self.acknowledged_at else None

    def lasted(self, now: datetime) -> timedelta:
        """Return how long it stood, or stands."""
        return (self.ended_at or now) - self.opened_at


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, or tried."""

    at: datetime
    who: str
    """A Slack user id, or a name of the shell."""
    what: str
    """The verb: `ack`, `silence`, `subscribe` …"""
    subject: str
    """A fingerprint, the mark of a silence or of a subscription."""
    about: str = ""
    """How people call that; '' where they have no other name for it."""
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)

    def concerns(self, fingerprint: str) -> bool:
        """Tell whether it is about an alert; what was refused is kept in the words of who tried."""
        if self.subject == fingerprint or "refused" not in self.after:
            return self.subject == fingerprint
        return any(len(word) >= SHORTEST and fingerprint.startswith(word) for word in self.subject.split())


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to an alert."""

    at: datetime
    what: str
    """`fired`, `raised` …; the verb of what somebody did; `silence over`."""
    level: str = ""
    value: int | None = None
    """In the alert's unit; None where it is no decision about its figures."""
    reason: str = ""
    who: str = ""
    poll: int | None = None
    """The data version it was decided on."""
    deliveries: tuple[Delivery, ...] = ()
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """The alerts of a range, the latest first, with what people did; or one alert from its beginning."""

    span: Span | None
    """None where it is one alert's."""
    alerts: tuple[Past, ...]
    deeds: tuple[Deed, ...]
    """The latest first."""
    moments: tuple[Moment, ...]
    """Of one alert, the oldest first."""
    as_of: datetime | None
    now: datetime
    notes: tuple[str, ...] = ()

    @property
    def one(self) -> Past | None:
        """Return the alert it is about; None where it is about a range."""
        return self.alerts[0] if self.span is None and self.alerts else None

    @property
    def unattended(self) -> int:
        """Return how many of its alerts nobody acknowledged."""
        return sum(not past.acknowledged_by for past in self.alerts)

    @property
    def open(self) -> int:
        """Return how many of its alerts stand now."""
        return sum(past.standing.state == "firing" for past in self.alerts)
