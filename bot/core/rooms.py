"""Who hears what: from a rule and its group to rooms, and from openings to messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal

from bot.core.overlay import Why, until
from bot.core.quiet import Quiet
from bot.core.rules.book import TEAM, Escalation, Route, Rule, Rulebook, Team, rank
from bot.core.rules.select import Scope
from bot.core.severity import Severity
from bot.core.spend import Group, Names

FLOOD = 3
"""More openings than this for one room in one tick are one message."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """Where a message goes: a kind of place, and an address there."""

    kind: Literal["slack", "webhook"]
    address: str
    """A channel's name or id, or a user's id; of a webhook the name of its setting."""

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
    quiet: Quiet | None = None
    zone: str = "UTC"
    """The time zone of its clocks."""
    remind: time | None = Route("").remind
    escalate: Escalation | None = None

    def quiet_until(self, at: datetime) -> datetime | None:
        """Return when the quiet that holds at an instant ends; None when it is not quiet."""
        return self.quiet.until(self.zone, at) if self.quiet else None

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
            return (Room(Target("slack", team.channel), TEAM, mention, zone=book.timezone),)
        name = book.default_route if book.default_route != TEAM else ""
    if name in book.routes:
        room = room_of(book, name)
        return (room,) if room is not None else ()
    return (Room(Target("slack", fallback), "", zone=book.timezone),) if fallback else ()


def room_of(book: Rulebook, name: str) -> Room | None:
    """Return where a route speaks; None when there is no route of that name, or it has only a webhook."""
    route = book.routes.get(name)
    if route is None or not (route.channel or route.user):
        return None
    return Room(
        Target("slack", route.channel or route.user),
        route.name,
        route.mention,
        route.only,
        route.gather,
        book.quiets.get(route.quiet),
        book.timezone,
        route.remind,
        route.escalate,
    )


def reached(book: Rulebook, rooms: Iterable[Room]) -> dict[Target, Room]:
    """Return rooms by where they are, with those that hear next when nobody acknowledges."""
    found: dict[Target, Room] = {}
    for room in rooms:
        following: Room | None = room
        while following is not None and following.target not in found:
            found[following.target] = following
            following = room_of(book, following.escalate.to) if following.escalate else None
    return found


def hooks_of(book: Rulebook, rule: Rule, group: Group, names: Names) -> tuple[Room, ...]:
    """Return the webhooks that are told what a rule says of a group: those of the route it speaks on."""
    name = rule.route or book.default_route
    if name == TEAM:
        team = team_of(book, rule.scope, group, names)
        if (team and team.channel) or book.default_route == TEAM:
            return ()
        name = book.default_route
    hook = hook_of(book, name)
    return (hook,) if hook else ()


def hook_of(book: Rulebook, name: str) -> Room | None:
    """Return a route's webhook; None where it has none. Of a room it has only the floor."""
    route = book.routes.get(name)
    if route is None or not route.webhook:
        return None
    return Room(Target("webhook", route.webhook), route.name, only=route.only, zone=book.timezone)


def ops_hook(book: Rulebook) -> Room | None:
    """Return the webhook that hears of the bot's own trouble: that of the route `ops`, or of the default one."""
    return hook_of(book, "ops" if "ops" in book.routes else book.default_route)


def ops_room(book: Rulebook, fallback: str) -> Room | None:
    """Return where the bot speaks of its own trouble: the route `ops`, or the default one.

    None where nobody hears it, and where only a webhook does.
    """
    route = book.routes.get("ops") or book.routes.get(book.default_route)
    if route is not None:
        if not (route.channel or route.user):
            return None
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
    value: int = 0
    """Its figure now: growth while it waits is measured from it."""
    urgent: bool = False
    """It speaks at once, whatever its severity and the hour."""

    @property
    def at_once(self) -> bool:
        return self.urgent or self.severity == "critical"


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
    why: str = ""
    """Why it waits."""


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
    the room gathers already. In its quiet hours all that is not critical waits, and comes together at their end.
    """
    messages: list[Message] = []
    starts: dict[Target, datetime] = {}
    for target, all_here in _by_target(openings).items():
        gathering = gathers.get(target)
        if gathering is not None and gathering <= now:
            gathering = None
        held = waiting.get(target)
        night = {o: ends for o in all_here if not o.at_once and (ends := o.room.quiet_until(now))}
        if night:
            messages.append(_wait(target, tuple(night), max(night.values()), held, now, Why.QUIET))
        mine = [opening for opening in all_here if opening not in night]
        mild = [opening for opening in mine if not opening.at_once]
        speaks_now = len(mild) < len(mine) or any(opening.first_of for opening in mine) or gathering is None
        if len(mine) > FLOOD and speaks_now:
            messages.append(Message(target, tuple(mine), now))
            if mild and gathering is None:
                starts[target] = now + mild[0].room.gather
            continue
        firsts: dict[str, list[Opening]] = {}
        for opening in mine:
            if opening.first_of:
                firsts.setdefault(opening.first_of, []).append(opening)
            elif opening.at_once:
                messages.append(Message(target, (opening,), now))
        messages.extend(Message(target, tuple(group), now) for group in firsts.values())
        mild = [opening for opening in mild if not opening.first_of]
        if mild and gathering is None:
            first = mild.pop(0)
            messages.append(Message(target, (first,), now))
            gathering = starts[target] = now + first.room.gather
        if mild:
            assert gathering is not None
            # What would come together at night comes in the morning.
            ends = mild[0].room.quiet_until(gathering)
            why = Why.QUIET if ends else Why.GATHERED
            messages.append(_wait(target, tuple(mild), ends or gathering, held, now, why))
    return Plan(tuple(messages), starts)


def _wait(
    target: Target,
    openings: tuple[Opening, ...],
    due_at: datetime,
    held: Waiting | None,
    now: datetime,
    why: Why,
) -> Message:
    """Return the message that comes later: the one that waits in the room already, or a new one."""
    if held is None or held.due_at <= now:
        return Message(target, openings, due_at, due_at, why=until(why, due_at))
    due_at = max(due_at, held.due_at) if why == Why.QUIET else held.due_at
    return Message(target, openings, due_at, due_at, held.card_id, until(why, due_at))


def _by_target(openings: Iterable[Opening]) -> dict[Target, list[Opening]]:
    ordered: dict[Target, list[Opening]] = {}
    for opening in sorted(openings, key=lambda o: (-rank(o.severity), -o.over, o.fingerprint)):
        ordered.setdefault(opening.room.target, []).append(opening)
    return ordered
