"""What is true (a finding), what it has become (an incident), and why anything is said or not said."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from bot.core.period import Span
from bot.core.rules.book import Rule, Threshold, rank
from bot.core.severity import Severity
from bot.core.spend import Group


class Reason(StrEnum):
    """Why somebody is told, or not: the same word in the log, in `status`, in cases and in messages."""

    FIRST = "first this period"
    LATE = "late data for a closed period"
    HIGHER = "higher level"
    RECROSSED = "crossed an announced level again"
    FORESEEN = "forecast"
    FORECAST_CLEARED = "forecast cleared"
    MUTED = "inhibited by the actual level"
    CORRECTED = "corrected"
    RUN_GOES_ON = "run goes on"
    RUN_OVER = "run is over"
    OVER = "no longer so"
    PERIOD_OVER = "the period is over"
    RESTATED = "the closed period changed"
    BUDGET_CHANGED = "the budget changed"
    RULE_REMOVED = "rule removed"
    PERIOD_CHANGED = "the rule counts over another period"
    GROUP_LEFT = "no longer judged by the rule"
    ALREADY_SAID = "already said"
    NEAR = "just below the level"
    PENDING = "pending"
    BELOW = "below every level"
    BEFORE_THE_RULE = "over before the rule's first evaluation"
    LEARNING = "learning"
    INACTIVE = "inactive"
    STALE = "source stale"
    UNCOVERED = "no amount for this group"


Transition = Literal["fired", "raised", "recrossed", "corrected", "cleared", "continued", "ended", "restated"]
"""What an event says happened."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is true of one rule and group in one judged span. Figures are in the rule's unit."""

    rule: Rule
    group: Group
    span: Span
    """A budget's period; for rules about settled days, the day; for rules about what is so now, today."""
    value: int
    amount: int
    """What the value is held against: the budget, the baseline, the expected, the bound."""
    levels: tuple[Threshold, ...]
    """Every actual level, lowest first."""
    closed: bool
    """The span is over: what is true of it now was true before."""
    holding: tuple[str, ...] | None = None
    """The levels that are true, where that is not told by the value alone."""
    foreseen: tuple[Threshold, ...] = ()
    """The forecast levels that stand, lowest first; none of them is reached."""
    over: Span | None = None
    """The days its figures are about, where `span` is not."""
    note: str = ""
    """What more there is to say of it, in words."""
    pending: bool = False
    """It holds, but not yet for as many days as the rule asks."""
    estimated: int = 0
    """How much of the value is estimated."""

    reached: tuple[Threshold, ...] = field(init=False, repr=False, compare=False)
    """The levels that are true: the value is at or above them, and something was spent."""

    def __post_init__(self) -> None:
        if self.holding is not None:
            reached = tuple(level for level in self.levels if level.label in self.holding)
        elif self.value <= 0:
            reached = ()
        else:
            reached = tuple(level for level in self.levels if self.value >= level.at(self.amount))
        object.__setattr__(self, "reached", reached)

    @property
    def top(self) -> Threshold | None:
        """Return the highest actual level that is true."""
        return self.reached[-1] if self.reached else None

    @property
    def foremost(self) -> Threshold | None:
        """Return the highest level that stands: a forecast that is not reached yet is above every actual one."""
        return self.foreseen[-1] if self.foreseen else self.top

    @property
    def severity(self) -> Severity | None:
        """Return the gravest severity among the levels that stand."""
        return max((level.severity for level in (*self.reached, *self.foreseen)), key=rank, default=None)

    @property
    def days(self) -> Span:
        """Return the days its figures are about."""
        return self.over or self.span

    def place(self, label: str) -> int:
        """Return how high a level stands, 0 for the lowest; -1 for one the rule does not have."""
        return next((place for place, level in enumerate(self.levels) if level.label == label), -1)

    @property
    def period(self) -> str:
        """Return how people call its span: `November`, `22 Nov`."""
        return self.rule.called(self.span)


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A rule, or one of its groups, that could not be judged, and why."""

    rule_id: str
    group: Group | None
    state: Literal["learning", "inactive", "nodata", "error"]
    reason: str
    span: Span | None = None

    @property
    def keeps(self) -> bool:
        """Tell whether what is open stays as it is: nobody knows whether it is still so."""
        return self.state in ("learning", "nodata", "error")


@dataclass(frozen=True, slots=True)
class Incident:
    """A run of trouble of one rule and group, and what was said of it. Money in nano-dollars."""

    fingerprint: str
    rule_id: str
    group: Group
    occurrence: str
    """The first day of its period, or `#n` for its n-th run."""
    state: Literal["firing", "ok", "ended"]
    level: str
    """The actual level it stands at; '' below all, or where only a forecast stands."""
    severity: str
    said_levels: tuple[str, ...]
    """Levels announced, and those passed over in an announcement; empty when nobody was told."""
    value: int
    amount: int
    said: int
    """The figure people last heard."""
    peak: int
    span: Span
    """The (last) breached period."""
    days: tuple[date, ...]
    """The first day of each breached period, oldest first."""
    opened_at: datetime
    changed_at: datetime
    reason: str
    ended_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """How often each `transition level` happened: the n of the next event."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What its card says beside the figures."""
    forecast: str = ""
    """The forecast level that stands."""

    @property
    def foremost(self) -> str:
        """Return the highest level that stands."""
        return self.forecast or self.level

    @property
    def first_day(self) -> date:
        return self.days[0] if self.days else self.span.start

    @property
    def announced(self) -> bool:
        """Tell whether anybody was told of it."""
        return bool(self.said_levels)

    @property
    def late(self) -> bool:
        """Tell whether its period was over before anybody could know: news, although it is ended."""
        return self.state == "ended" and self.reason == Reason.LATE


@dataclass(frozen=True, slots=True)
class Event:
    """A decision to speak: unique by (fingerprint, transition, level, n) in the database."""

    fingerprint: str
    rule_id: str
    group: Group
    transition: Transition
    level: str
    n: int
    at: datetime
    reason: str
    value: int
    severity: str
    said_before: int = 0
    """The figure people heard before."""
    passed: tuple[str, ...] = ()
    """The levels this event announces, lowest first."""
    quiet: bool = False
    """Only a line in the thread; a loud one is broadcast to the room."""
    because: str = ""
    """What made it true, when it was not the spending: `the budget changed from $15,000 to $12,000`."""
    period: str = ""
    """How people call the period it speaks of, which in a run may be an earlier day than the last."""
    days: tuple[date, ...] = ()
    """The run's breached days up to that one."""

    @property
    def key(self) -> str:
        """Return the identity every replica computes alike."""
        return f"{self.fingerprint}:{self.transition}:{self.level}:{self.n}"

    @property
    def opens(self) -> bool:
        """Tell whether this is the first that is said of its incident."""
        return self.transition == "fired"

    @property
    def opens_a_room(self) -> bool:
        """Tell whether who has heard nothing of the incident should hear this."""
        return self.transition in ("fired", "raised", "recrossed", "continued") or not self.quiet


def fingerprint(rule_id: str, organization: str, group: Group, occurrence: str) -> str:
    """Return the 12 hex digits by which people and commands name an incident."""
    key = json.dumps([rule_id, organization, list(group), occurrence], ensure_ascii=False)
    return hashlib.sha256(key.encode()).hexdigest()[:12]
