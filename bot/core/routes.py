"""Who hears what, told from the rules alone: each room with what it hears, and what nobody does.

Which team a group belongs to is known only of the groups that exist; so a rule with `route: team` is followed to
every team it may concern, and to where it speaks of what has no team.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time

from bot.core.dimension import UNATTRIBUTED
from bot.core.kinds.native_limit import NativeLimit
from bot.core.money import NANO, show_usd
from bot.core.quiet import Quiet
from bot.core.rooms import Room, hooks_of, rooms_of
from bot.core.rules.book import TEAM, Budget, Escalation, Origin, Route, Rule, Rulebook
from bot.core.rules.hearing import OPS
from bot.core.rules.select import Pattern, Scope
from bot.core.spend import Names

NO_TEAM = UNATTRIBUTED["team"]
"""Stands among the teams for what belongs to none."""


@dataclass(frozen=True, slots=True)
class Level:
    """What a rule may say, and how loud."""

    label: str
    """As people write it: `80%`; '' where the rule has one level only."""
    severity: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What is said of one rule in one room, or nowhere."""

    rule: str
    levels: tuple[Level, ...]
    teams: tuple[str, ...] = ()
    """Of these teams' spend only, `(no team)` for what belongs to none; () for all of it."""
    active: bool = True
    why: str = ""
    """Why nobody hears it."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """One room under one route, and everything that is said there."""

    room: Room
    person: bool = False
    """It is a person and no channel."""
    team: str = ""
    """The team whose channel it is, where it hears by `route: team`."""
    quiet: Quiet | None = None
    remind: time | None = None
    escalate: Escalation | None = None
    rules: tuple[Heard, ...] = ()
    digests: tuple[str, ...] = ()
    escalated: tuple[str, ...] = ()
    """Routes whose critical alerts are said here too when nobody acknowledges them."""
    ops: bool = False
    """The bot speaks of its own trouble here."""


@dataclass(frozen=True, slots=True)
class Routing:
    """Who hears what."""

    rooms: tuple[Hearing, ...]
    unheard: tuple[Heard, ...] = ()


def routing(book: Rulebook, today: date, fallback: str) -> Routing:
    """Return every room with what it hears, in the order of the rules; `fallback` hears rules without any route."""
    rooms = _Rooms(book, fallback)
    unheard: list[Heard] = []
    for rule in book.rules:
        said, active = levels_of(rule), rule.active_on(today)
        for team in _audience(book, rule):
            found = rooms.under(rule.route, team)
            for place in found:
                heard = tuple(level for level in said if place.room.hears(level.severity))
                teams = (team,) if team and not place.team else ()
                _note(place.rules, Heard(rule.id, heard, teams, active))
            deaf = tuple(
                level for level in said if not any(place.room.hears(level.severity) for place in found)
            )
            why = _why([place.room for place in found])
            _note(unheard, Heard(rule.id, deaf, (team,) if team else (), active, why))
    for digest in book.digests:
        for place in (each for each in rooms.under(digest.route) if each.room.target.kind == "slack"):
            place.digests.append(digest.id)
    for route in book.routes.values():
        for place in rooms.under(route.escalate.to) if route.escalate else ():
            place.escalated.append(route.name)
    for place in rooms.under(OPS if OPS in book.routes else ""):
        place.ops = True
    return Routing(tuple(place.hearing(book) for place in rooms.met.values() if place.heard), tuple(unheard))


@dataclass(slots=True)
class _Place:
    """A room under one route, and what was found so far to be said there."""

    room: Room
    team: str
    rules: list[Heard] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    escalated: list[str] = field(default_factory=list)
    ops: bool = False

    @property
    def heard(self) -> bool:
        return bool(self.rules or self.digests or self.escalated or self.ops)

    def hearing(self, book: Rulebook) -> Hearing:
        """Return what the room hears, with what its route says of it."""
        route = book.routes.get(self.room.route, Route(self.room.route))
        if self.room.target.kind == "webhook":
            rules, escalated = tuple(self.rules), tuple(self.escalated)
            return Hearing(self.room, rules=rules, escalated=escalated, ops=self.ops)
        return Hearing(
            self.room,
            person=bool(route.user and not route.channel),
            team=self.team,
            quiet=book.quiets.get(route.quiet),
            remind=route.remind,
            escalate=route.escalate,
            rules=tuple(self.rules),
            digests=tuple(self.digests),
            escalated=tuple(self.escalated),
            ops=self.ops,
        )


class _Rooms:
    """The rooms that are met while the rules are followed."""

    def __init__(self, book: Rulebook, fallback: str) -> None:
        self._book = book
        self._fallback = fallback
        self._under: dict[tuple[str, str], list[_Place]] = {}
        self.met: dict[tuple[str, str, str], _Place] = {}

    def under(self, route: str, team: str = "") -> list[_Place]:
        """Return where something with this route is said, of a team's spend."""
        if (route, team) not in self._under:
            scope, group = (Scope(each=("team",)), (team.replace(NO_TEAM, ""),)) if team else (Scope(), ())
            stand_in = Rule("", "", Origin("", 0), scope=scope, route=route)
            rooms = rooms_of(self._book, stand_in, group, Names(), self._fallback)
            rooms += hooks_of(self._book, stand_in, group, Names())
            self._under[route, team] = [self._place(room, team) for room in rooms]
        return self._under[route, team]

    def _place(self, room: Room, team: str) -> _Place:
        owner = team if room.route == TEAM else ""
        return self.met.setdefault((str(room.target), room.route, owner), _Place(room, owner))


def levels_of(rule: Rule) -> tuple[Level, ...]:
    """Return what a rule may say: its thresholds, or its one severity, and what it becomes critical above."""
    if isinstance(rule, Budget | NativeLimit):
        return tuple(Level(level.label, level.severity) for level in rule.thresholds)
    said = (Level("", rule.severity),)
    if not rule.critical_above:
        return said
    above = show_usd(rule.critical_above, cents=rule.critical_above % NANO != 0)
    return (*said, Level(f"{above} over", "critical"))


def _note(known: list[Heard], one: Heard) -> None:
    """Add what is heard; of a rule that is heard alike before, only its teams are new."""
    last = known[-1] if known else None
    if last and one.teams and replace(last, teams=one.teams) == one:
        known[-1] = replace(last, teams=(*last.teams, *one.teams))
    elif one.levels:
        known.append(one)


def _audience(book: Rulebook, rule: Rule) -> tuple[str, ...]:
    """Return the teams whose spend the rule may speak of, `(no team)` among them; '' alone where no team is asked."""
    if (rule.route or book.default_route) != TEAM:
        return ("",)
    select, excluded = dict(rule.scope.select.terms), dict(rule.scope.excluded.terms)
    owners = _owners(book, select.get("project", ()))
    possible = tuple(
        name
        for name in (*(team.name for team in book.teams), NO_TEAM)
        if ("team" not in select or _matches(select["team"], name))
        and not _matches(excluded.get("team", ()), name)
        and (not owners or name in owners)
    )
    if {"team", "project"} & set(rule.scope.each):
        return possible
    # One group is a team's only when all that is selected is.
    if len(select.get("team", ())) == 1:
        return tuple(name for name in possible if name == select["team"][0].text) or (NO_TEAM,)
    if "project" not in select:
        return (NO_TEAM,)
    if owners:
        return possible if len(possible) == 1 else (NO_TEAM,)
    return possible if NO_TEAM in possible else (*possible, NO_TEAM)


def _owners(book: Rulebook, projects: Sequence[Pattern]) -> set[str]:
    """Return the teams of projects that are all written out; empty where a pattern stands among them."""
    if any(pattern.regex or "*" in pattern.text or "?" in pattern.text for pattern in projects):
        return set()
    return {book.team_of(pattern.text, pattern.text) or NO_TEAM for pattern in projects}


def _matches(patterns: Sequence[Pattern], name: str) -> bool:
    return any(pattern.matches(name, name) for pattern in patterns)


def _why(found: Sequence[Room]) -> str:
    if not found:
        return "no route, no default one, and BUDGETBOT_CHANNEL is not set"
    return " and ".join(f"{named(room)} hears only {room.only}" for room in found)


def named(room: Room) -> str:
    """Return the room by its route, as the rule file calls it."""
    return f'route "{room.route}"' if room.route else f"#{room.target.address}"
