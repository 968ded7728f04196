"""What rules would have said over days that were stored, and what two versions of them say differently."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bot.core.difference import Edit, renamed
from bot.core.evaluate import next_boundary
from bot.core.following import Following
from bot.core.incident import Event, Incident
from bot.core.kinds import KINDS
from bot.core.period import DAY, midnight
from bot.core.rooms import Room, rooms_of
from bot.core.rules.book import Rule, Rulebook
from bot.core.spend import Group, Names
from bot.core.view import View

MOST_STEPS = 3_000
"""Looks of one backtest: a year at eight a day. Polls beyond that are looked at together."""
MOST_JUDGED = 1_000_000
"""Looks times rules: a thousand rules are looked at a thousand times."""


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
    """What the rules say otherwise than they said at a revision."""

    edits: tuple[Edit, ...]
    starts: tuple[Saying, ...] = ()
    stops: tuple[Saying, ...] = ()
    revision: str = ""
    """As it was asked for, with its commit: `origin/main (1a2b3c4)`."""

    def reason(self, saying: Saying, names: Mapping[str, str]) -> str:
        """Return what was edited so that an alert starts or stops; '' where that is not known.

        `names` are old id → new id of rules that were renamed.
        """
        rule_id = names.get(saying.event.rule_id, saying.event.rule_id)
        mine = [edit for edit in self.edits if edit.what == "rule" and edit.name == rule_id]
        if any(edit.how == "added" for edit in mine):
            return "a new rule"
        if any(edit.how == "removed" for edit in mine):
            return "the rule is removed"
        return "; ".join(edit.words for edit in mine if edit.how == "changed")


@dataclass(frozen=True, slots=True)
class Much:
    """How much a rule says."""

    rule_id: str
    series: int | None
    """How many groups it looks at; None where it is about no spend."""
    said: int
    days: int
    """Over how many days."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a rulebook would have said of the days that are stored."""

    book: Rulebook
    names: Names
    since: datetime
    until: datetime
    told: Told
    before: Rulebook | None = None
    """The rules it is compared with."""
    difference: Difference | None = None
    notes: tuple[str, ...] = ()
    first_poll: datetime | None = None

    def rule_of(self, saying: Saying) -> Rule:
        """Return the rule that speaks, of whichever version."""
        rule = self.book.rule(saying.event.rule_id) or (
            self.before.rule(saying.event.rule_id) if self.before else None
        )
        assert rule is not None, saying.event.rule_id
        return rule

    def reason(self, saying: Saying) -> str:
        """Return what was edited so that an alert starts or stops; '' where that is not known."""
        if self.difference is None or self.before is None:
            return ""
        return self.difference.reason(saying, renamed(self.before, self.book))

    def heard(self, fallback: str) -> dict[Room, Counter[date]]:
        """Return how many alerts each room would have heard in each week, by the week's Monday.

        `fallback` is the channel of rules without any route.
        """
        heard: dict[Room, Counter[date]] = {}
        for saying in self.told.openings:
            event = saying.event
            monday = event.at.date() - event.at.weekday() * DAY
            for room in rooms_of(self.book, self.rule_of(saying), event.group, self.names, fallback):
                if room.hears(event.severity):
                    heard.setdefault(room, Counter())[monday] += 1
        return heard


@dataclass(frozen=True, slots=True)
class Compared:
    """The rules under a path, held against a revision of theirs."""

    difference: Difference
    replayed: Backtest | None = None
    """None where nothing is stored to replay."""
    notes: tuple[str, ...] = ()


Look = Callable[[datetime], tuple[View, Collection[date]]]
"""now → what was known then, and the days whose figures changed since the last look."""
Progress = Callable[[int, int], None]
"""(evaluations done, in all)"""


def instants(
    book: Rulebook, polls: Sequence[datetime], since: datetime, until: datetime, most: int = MOST_STEPS
) -> list[datetime]:
    """Return when to evaluate: at the polls, and before the first of them whenever a day ends or settles.

    What is more than `most` is looked at together.
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
    most = min(most, MOST_JUDGED // max(len(book.rules), 1))
    return list(_thinned(found, (until - since) / most)) if len(found) > most else found


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


def difference(before: Told, after: Told, names: Mapping[str, str]) -> tuple[list[Saying], list[Saying]]:
    """Return the alerts that only the second of two rulebooks opens, and those that only the first does.

    `names` are old id → new id of rules that were renamed: those say the same under another name.
    """

    def alert(saying: Saying) -> tuple[str, Group, str]:
        rule_id, group, day = saying.alert
        return names.get(rule_id, rule_id), group, day

    old = {alert(saying) for saying in before.openings}
    new = {saying.alert for saying in after.openings}
    return (
        [saying for saying in after.openings if saying.alert not in old],
        [saying for saying in before.openings if alert(saying) not in new],
    )


def begins(book: Rulebook, since: datetime) -> datetime:
    """Return when a replay begins so that what is open at `since` is known: nothing is judged as a first time."""
    return since.astimezone(UTC) - timedelta(days=35) if book.rules else since
