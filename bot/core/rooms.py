"""Who hears what: from a rule and its group to rooms, and from openings to messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bot.core.rules.book import TEAM, Route, Rule, Rulebook, Severity, Team, rank
from bot.core.rules.select import Scope
from bot.core.spend import Group, Names

FLOOD = 3
"""More openings than this for one room in one tick are one message."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """Where a message goes: a kind of place, and an address there."""

    kind: Literal["slack"]
    address: str
    """A channel's name or id, or a user's id."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}"


@dataclass(frozen=True, slots=True)
class Room:
    """A target with what its route says of it."""

    target: Target
    route: str
    mention: tuple[str, ...] = ()
    """Mentioned at critical only."""
    only: Severity = "info"
    gather: timedelta = timedelta(minutes=60)

    def hears(self, severity: str) -> bool:
        """Tell whether the room's floor lets this severity through."""
        return rank(severity) >= rank(self.only)


def rooms_of(book: Rulebook, rule: Rule, group: Group, names: Names, fallback: str) -> tuple[Room, ...]:
    """Return where a rule speaks of a group; `fallback` is the channel of rules without any route."""
    name = rule.route or book.default_route
    if name == TEAM:
        team = team_of(book, rule.scope, group, names)
        if team and team.channel:
            mention = tuple(who for who in (team.owner, team.page) if who)
            gather = book.routes[TEAM].gather if TEAM in book.routes else Route(TEAM).gather
            return (Room(Target("slack", team.channel), TEAM, mention, gather=gather),)
        name = book.default_route if book.default_route != TEAM else ""
    route = book.routes.get(name)
    if route is not None:
        address = route.channel or route.user
        return (Room(Target("slack", address), route.name, route.mention, route.only, route.gather),)
    return (Room(Target("slack", fallback), ""),) if fallback else ()


def ops_room(book: Rulebook, fallback: str) -> Room | None:
    """Return where the bot speaks of its own trouble: the route `ops`, or the default one."""
    route = book.routes.get("ops") or book.routes.get(book.default_route)
    if route is not None:
        return Room(Target("slack", route.channel or route.user), route.name, route.mention)
    return Room(Target("slack", fallback), "") if fallback else None


def team_of(book: Rulebook, scope: Scope, group: Group, names: Names) -> Team | None:
    """Return the team a group belongs to: by its project, by its team, or by the only team it selects from."""
    values = dict(zip(scope.each, group, strict=False))
    if "team" in values:
        return book.team(values["team"])
    if values.get("project"):
        return book.team(book.team_of(values["project"], names.of("project", values["project"])))
    selected = dict(scope.select.terms)
    if "team" in selected and len(selected["team"]) == 1:
        return book.team(selected["team"][0].text)
    if "project" not in selected:
        return None
    projects = [(key[1], name) for key, name in names.current.items() if key[0] == "project"]
    teams = {
        book.team_of(project, name)
        for project, name in projects
        if any(pattern.matches(project, name) for pattern in selected["project"])
    }
    return book.team(teams.pop()) if len(teams) == 1 else None


@dataclass(frozen=True, slots=True)
class Opening:
    """The first that is said of an incident in one room."""

    fingerprint: str
    event: str
    """The key of the event that opened it."""
    room: Room
    severity: str
    over: int
    """Nano-dollars over the amount: the order of a table."""
    first_of: str = ""
    """The rule, where this is its first evaluation."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message of a room that gathers openings and has not been posted."""

    card_id: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be: the incidents it tells of, and when it may go."""

    target: Target
    openings: tuple[Opening, ...]
    due_at: datetime
    gathers_until: datetime | None = None
    """Openings of the room join it until then."""
    joins: int | None = None
    """The waiting message the openings join, instead of a new one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Messages to write, and until when each room now gathers."""

    messages: tuple[Message, ...] = ()
    gathers: Mapping[Target, datetime] = field(default_factory=dict)


def plan(
    openings: Sequence[Opening],
    gathers: Mapping[Target, datetime],
    waiting: Mapping[Target, Waiting],
    now: datetime,
) -> Plan:
    """Decide which openings are one message, and which wait.

    Critical speaks at once; so does the first info or warning of a room, and those that open within its
    `gather` span after that come together at its end. More than three in one tick are one message, and a
    rule evaluated for the first time speaks once for all its groups. A flood of mild ones still waits where
    the room gathers already.
    """
    messages: list[Message] = []
    until: dict[Target, datetime] = {}
    for target, mine in _by_target(openings).items():
        gathering = gathers.get(target)
        if gathering is not None and gathering <= now:
            gathering = None
        mild = [opening for opening in mine if opening.severity != "critical"]
        speaks_now = len(mild) < len(mine) or any(opening.first_of for opening in mine) or gathering is None
        if len(mine) > FLOOD and speaks_now:
            messages.append(Message(target, tuple(mine), now))
            if mild and gathering is None:
                until[target] = now + mild[0].room.gather
            continue
        firsts: dict[str, list[Opening]] = {}
        for opening in mine:
            if opening.first_of:
                firsts.setdefault(opening.first_of, []).append(opening)
            elif opening.severity == "critical":
                messages.append(Message(target, (opening,), now))
        messages.extend(Message(target, tuple(group), now) for group in firsts.values())
        mild = [opening for opening in mild if not opening.first_of]
        if mild and gathering is None:
            first = mild.pop(0)
            messages.append(Message(target, (first,), now))
            gathering = until[target] = now + first.room.gather
        if mild:
            assert gathering is not None
            held = waiting.get(target)
            joins = held.card_id if held and held.due_at > now else None
            due_at = held.due_at if held and joins is not None else gathering
            messages.append(Message(target, tuple(mild), due_at, due_at, joins))
    return Plan(tuple(messages), until)


def _by_target(openings: Iterable[Opening]) -> dict[Target, list[Opening]]:
    ordered: dict[Target, list[Opening]] = {}
    for opening in sorted(openings, key=lambda o: (-rank(o.severity), -o.over, o.fingerprint)):
        ordered.setdefault(opening.room.target, []).append(opening)
    return ordered
