"""What rules would have said over days that were stored, and what two versions of them say differently."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bot.core.evaluate import next_boundary
from bot.core.following import Following
from bot.core.incident import Event, Incident
from bot.core.kinds import KINDS
from bot.core.period import DAY, midnight
from bot.core.rules.book import Rulebook
from bot.core.spend import Group
from bot.core.view import View

MOST_STEPS = 3_000
"""Evaluations of one backtest: a year at eight a day. Polls beyond that are looked at together."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that would have been said, and the incident as it stood then."""

    event: Event
    incident: Incident

    @property
    def alert(self) -> tuple[str, Group, str]:
        """Return what makes it the same alert under other rules: rule, group, and the day it was about."""
        return self.event.rule_id, self.event.group, self.incident.span.start.isoformat()


@dataclass(frozen=True, slots=True)
class Told:
    """What a rulebook would have said."""

    sayings: tuple[Saying, ...]
    """In the order of time."""
    steps: int
    """How often the rules were evaluated."""
    learning: tuple[str, ...] = ()
    """Rules that could not be judged at the end, for want of history."""

    @property
    def openings(self) -> tuple[Saying, ...]:
        """Return the alerts: the first that is said of each incident."""
        return tuple(saying for saying in self.sayings if saying.event.opens)

    def of(self, rule_id: str) -> tuple[Saying, ...]:
        """Return what one rule says."""
        return tuple(saying for saying in self.sayings if saying.event.rule_id == rule_id)


@dataclass(frozen=True, slots=True)
class Difference:
    """What other rules would have said instead."""

    starts: tuple[Saying, ...]
    stops: tuple[Saying, ...]


Look = Callable[[datetime], tuple[View, Collection[date]]]
"""now → what was known then, and the days whose figures changed since the last look."""
Progress = Callable[[int, int], None]
"""(evaluations done, in all)"""


def instants(book: Rulebook, polls: Sequence[datetime], since: datetime, until: datetime) -> list[datetime]:
    """Return when to evaluate: at the polls, and before the first of them whenever a day ends or settles.

    `polls` are those after which something new was known, or a boundary had passed, in the order of time.
    """
    found: list[datetime] = []
    first = polls[0] if polls else until
    at = since
    settles = any(KINDS[rule.kind].needs(rule, until).daily for rule in book.rules)
    while at < min(first, until):
        found.append(at)
        # Where no rule looks at settled days, a day's end is all that changes anything.
        at = next_boundary(book, at) if settles else midnight(at.date() + DAY)
    found += [poll for poll in polls if since <= poll <= until]
    if not found or found[-1] < until:
        found.append(until)
    if len(found) <= MOST_STEPS:
        return found
    step = (until - since) / MOST_STEPS
    return list(_thinned(found, step))


def _thinned(moments: Sequence[datetime], step: timedelta) -> Iterator[datetime]:
    """Yield the last of each stretch of time."""
    end = moments[0] + step
    for moment, following in zip(moments, (*moments[1:], None), strict=True):
        if following is None or following > end:
            yield moment
            while following is not None and end < following:
                end += step


def backtest(
    book: Rulebook,
    moments: Sequence[datetime],
    look: Look,
    since: datetime,
    progress: Progress | None = None,
) -> Told:
    """Replay the moments, and return what is said from `since` on; those before it only remember."""
    replay = Following(book)
    said: list[Saying] = []
    for place, now in enumerate(moments):
        view, replay.changed = look(now)
        for decision in replay.at(view, now):
            if decision.incident is not None and now >= since:
                said += [Saying(event, decision.incident) for event in decision.events]
        if progress is not None:
            progress(place + 1, len(moments))
    unready = {
        each.rule_id for each in replay.last.unjudged if each.state == "learning" and each.group is None
    }
    return Told(tuple(said), len(moments), tuple(sorted(unready)))


def difference(before: Told, after: Told) -> Difference:
    """Return the alerts that only one of two rulebooks opens."""
    old = {saying.alert for saying in before.openings}
    new = {saying.alert for saying in after.openings}
    return Difference(
        tuple(saying for saying in after.openings if saying.alert not in old),
        tuple(saying for saying in before.openings if saying.alert not in new),
    )


def begins(book: Rulebook, since: datetime) -> datetime:
    """Return when a replay begins so that what is open at `since` is known: nothing is judged as a first time."""
    return since.astimezone(UTC) - timedelta(days=35) if book.rules else since
