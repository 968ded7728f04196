"""OpenAI's own hard limits, as they were last read, and when a project reaches its limit at its pace.

A hard limit counts a calendar month in dollars; when it is reached OpenAI refuses the project's requests.
Enforcement trails, so a little more may be spent. Where the month resets is not documented: UTC is assumed,
as in the costs themselves. The monthly cap that a usage tier sets is another thing, and not readable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from bot.core.forecast import Pace
from bot.core.period import Period, Span

ORGANIZATION = ""
"""The project id under which the organization's own limit goes."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What OpenAI says of one hard limit; `unknown` is no answer, and never the same as `none`."""

    status: Literal["set", "none", "unknown"]
    amount: int | None = None
    """Nano-dollars a calendar month, where it is set."""
    enforcing: bool = False
    """OpenAI refuses requests because of it, now."""
    read_at: datetime | None = None
    """When OpenAI last said so; None of what is unknown."""
    why: str = ""
    """Why it is unknown, or why what is known was not confirmed since `read_at`."""


UNKNOWN = Limit("unknown", why="it was not read yet")


@dataclass(frozen=True, slots=True)
class Limits:
    """The organization's hard limit and those of its projects."""

    organization: Limit = UNKNOWN
    projects: Mapping[str, Limit] = field(default_factory=dict)

    def of(self, project_id: str) -> Limit:
        """Return the limit of a project, '' for the organization's own; one that was never read is unknown."""
        if project_id == ORGANIZATION:
            return self.organization
        return self.projects.get(project_id, UNKNOWN)


@dataclass(frozen=True, slots=True)
class CutOff:
    """When OpenAI stops answering a project, or the organization, at its pace."""

    at: datetime | None
    """The instant its month reaches the limit: past, where it has; None where it does not, or nobody can tell."""
    limit: int
    """Nano-dollars a calendar month."""
    enforcing: bool
    """It is cut off already, whatever the costs say: they trail."""

    def within(self, span: timedelta, now: datetime) -> bool:
        """Tell whether the limit is reached at most `span` from `now`, or is reached already."""
        return self.at is not None and self.at <= now + span


def running_month(now: datetime) -> Span:
    """Return the calendar month that a hard limit counts at `now`, in UTC days."""
    month = Period("month").containing(now.astimezone(UTC).date())
    assert month is not None
    return month


def cut_off(limit: Limit, pace: Pace, seen: Sequence[int], now: datetime) -> CutOff | None:
    """Return when the limit is reached in the running month; None where no limit is known to be set.

    `pace` and `seen` are as for a forecast: billed cost of all that the limit counts (one project, or the
    whole organization), settled days up to `pace.settled_until`, then what was seen of each day since. A pace
    that begins inside the month must begin where the spend does: days before it count as nothing.

    `at` is None at a pace that stays below the limit, and also with too little history to tell
    (`pace.needs(running_month(now))` says which). What has reached it needs no history.
    """
    if limit.status != "set" or limit.amount is None:
        return None
    month = running_month(now)
    return CutOff(_reached(limit.amount, pace, seen, now, month), limit.amount, limit.enforcing)


def _reached(amount: int, pace: Pace, seen: Sequence[int], now: datetime, month: Span) -> datetime | None:
    crossed = pace.crosses(month, amount, seen, now)
    if crossed is None and _spent(pace, seen, month) >= amount:
        return now  # too short a history to tell the hour; it is reached all the same
    return crossed


def _spent(pace: Pace, seen: Sequence[int], month: Span) -> int:
    """Return what is billed of the month so far."""
    before = max((month.start - pace.settled_until).days, 0)  # unsettled days of last month
    return pace.settled_of(month) + sum(seen[before:])
