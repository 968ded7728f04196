"""Reports that people want sent to them alone, again and again: when they come, and which there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.core.question import Query
from bot.core.ranges import WEEKDAYS
from bot.core.schedule import last_due, next_due

MOST = 20
"""Subscriptions one person may have: more would be a channel's digest, which lives in git."""
GONE = "gone"
"""Who ended the subscriptions of somebody who cannot be reached any more."""

_SPANS = {"daily": "yesterday", "weekly": "last-week", "monthly": "last-month"}
"""What is told when no range is named: the last whole one."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A report, when it comes, and to whom."""

    id: int
    who: str
    """A Slack user id."""
    schedule: str
    """A cron expression of five fields, by the clocks of `zone`."""
    zone: str
    """IANA name of the clocks its owner lived by when it was made."""
    wanted: str
    """When it comes, as people say it: `weekly monday 09:00`."""
    report: str
    """What it says, as words behind `report`: `last-week by project`."""
    made_at: datetime
    last_at: datetime
    """The last time it fell due that was looked after; at first, when it was made."""

    @property
    def mark(self) -> str:
        """Return what people call it: `su_3`."""
        return f"su_{self.id}"

    @property
    def words(self) -> str:
        """Return the command that makes it: two with the same are one."""
        return f"subscribe {self.wanted} {self.report}"

    def due(self, now: datetime) -> datetime | None:
        """Return the last time (UTC) up to `now` that nobody looked after; None where there is none."""
        last = last_due(self.schedule, now.astimezone(ZoneInfo(self.zone))).astimezone(UTC)
        return last if last > self.last_at else None

    def next(self, now: datetime) -> datetime:
        """Return when it comes next, by its owner's clocks."""
        due = next_due(self.schedule, now.astimezone(ZoneInfo(self.zone)))
        while due.fold:  # in the night an hour comes twice, it came in the first of the two
            due = next_due(self.schedule, due)
        return due


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Somebody's subscriptions, oldest first, as they stand at `now`."""

    rows: tuple[Subscription, ...]
    now: datetime


def wanted(query: Query, who: str, zone: str, now: datetime) -> Subscription:
    """Return the subscription that a command asks for, without a number yet."""
    return Subscription(0, who, cron_of(query.when), zone, query.when, report_of(query), now, now)


def cron_of(when: str) -> str:
    """Return `0 9 * * 1` for `weekly monday 09:00`."""
    cadence, *day, clock = when.split()
    hour, minute = map(int, clock.split(":"))
    if cadence == "weekly":
        # cron counts from Sunday.
        return f"{minute} {hour} * * {(WEEKDAYS.index(day[0]) + 1) % 7}"
    return f"{minute} {hour} {day[0] if day else '*'} * *"


def report_of(query: Query) -> str:
    """Return the words behind `report` that ask for what a subscription tells: `last-week by project`."""
    span = query.range_words or _SPANS[query.when.split()[0]]
    told = replace(query, verb="report", when="", range_words=span)
    return told.command.removeprefix("report ")


def zone_of(*candidates: str) -> str:
    """Return the first that names a time zone this machine knows; UTC when none does."""
    for name in candidates:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return name
    return "UTC"


def same_as(one: Subscription, among: Sequence[Subscription]) -> Subscription | None:
    """Return the subscription that says the same to the same person at the same time."""
    return next(
        (each for each in among if (each.who, each.words, each.zone) == (one.who, one.words, one.zone)),
        None,
    )
