"""What somebody's Home tab shows: the month, what is open, where every budget stands, what comes to them alone."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.acknowledge import Acknowledgement
from bot.core.ahead import Ahead
from bot.core.asker import Asker
from bot.core.incident import Incident
from bot.core.rules.book import Team, rank
from bot.core.silence import Silence
from bot.core.status import Standing, Status
from bot.core.subscription import Subscription
from bot.core.telling import Telling


@dataclass(frozen=True, slots=True)
class Open:
    """An alert that people were told of and that goes on."""

    incident: Incident
    telling: Telling
    acknowledgement: Acknowledgement | None = None
    silence: Silence | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A room that does not hear the bot, and why."""

    room: str
    why: str


@dataclass(frozen=True, slots=True)
class Home:
    """One person's Home tab."""

    asker: Asker
    now: datetime
    status: Status
    """Where everything stands, the worst first; the age of the data."""
    hidden: str = ""
    """Why they are shown nothing: they are of another workspace, or nobody knows who they are."""
    month: Ahead | None = None
    """What the organization's month comes to; None where nothing is known of it."""
    alerts: tuple[Open, ...] = ()
    """Their own first, the gravest first."""
    mine: tuple[Standing, ...] = ()
    """What belongs to them, the worst first."""
    others: tuple[Standing, ...] = ()
    """What does not, the worst first."""
    more: int = 0
    """How much there is besides that is not told one by one."""
    rooms: tuple[Trouble, ...] = ()
    """For operators: rooms in trouble."""
    subscriptions: tuple[Subscription, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader must know of the data, a sentence each."""

    @property
    def as_of(self) -> datetime | None:
        """Return the instant of the last complete poll of costs."""
        return self.status.as_of

    @property
    def may_act(self) -> bool:
        """Tell whether they may change anything at all: guests may only look."""
        return not self.asker.why


def owned(asker: Asker, teams: Iterable[Team]) -> tuple[str, ...]:
    """Return the owners in rule files that are this person, or a group they are in."""
    known_as = {name.casefold() for name in asker.known_as}
    return tuple(sorted({team.owner for team in teams if team.owner.lstrip("@").casefold() in known_as}))


def in_order(alerts: Iterable[Open], owners: Iterable[str]) -> tuple[Open, ...]:
    """Return alerts with one's own first, and the gravest first among those."""
    mine = set(owners)

    def order(each: Open) -> tuple[bool, int, float, datetime, str]:
        incident = each.incident
        share = incident.value / incident.amount if incident.amount else 0.0
        foreign = each.telling.owner not in mine
        return foreign, -rank(incident.severity), -share, incident.opened_at, incident.fingerprint

    return tuple(sorted(alerts, key=order))


def split(told: Iterable[Standing], mine: Iterable[Standing], most: int) -> tuple[tuple[Standing, ...], int]:
    """Return the standings that are not among `mine`, as many as there is room for, and how many those are not."""
    own = {(each.rule_id, each.group) for each in mine}
    rest = [each for each in told if (each.rule_id, each.group) not in own]
    return tuple(rest[:most]), max(0, len(rest) - most)


def marked(standings: Iterable[Standing], alerts: Iterable[Open]) -> tuple[Standing, ...]:
    """Return standings with who looks after them, and which silence holds them back."""
    known = {each.incident.fingerprint: each for each in alerts}
    return tuple(
        replace(
            each,
            acknowledged_by=found.acknowledgement.by if found.acknowledgement else None,
            silenced_by=found.silence.mark if found.silence else None,
        )
        if (found := known.get(each.fingerprint)) is not None
        else each
        for each in standings
    )
