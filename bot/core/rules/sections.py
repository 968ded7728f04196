"""What a tree of rule files shares: `defaults`, `teams`, `routes` and `calendars`.

A name may stand in one file only, and a rule may lean on a name from any file; so these sections are read
from all files before the first rule is.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.core.rules.book import TEAM, Route, Team, Threshold
from bot.core.rules.fields import DURATION, HANDLE, TEXT, WEEKDAY, YEAR_START, ZONE, list_of
from bot.core.rules.nodes import Node, Scalar
from bot.core.rules.problems import Problems, closest, listed, quoted, where_is
from bot.core.rules.selecting import PATTERNS
from bot.core.rules.table import Key, Table, entries, is_empty
from bot.core.rules.thresholds import DEFAULT_THRESHOLDS, SEVERITY, THRESHOLDS

TIMEZONE = Key(
    "timezone", ZONE, "Clocks, schedules and wording; periods are UTC, like OpenAI's bill.", default="UTC"
)
ROUTE = Key("route", TEXT, "Where a rule speaks that names no route: a route, or team.")
SETTLE = Key("settle", DURATION, "A UTC day counts as settled this long after it ended.", default="36h")
DEFAULT_LEVELS = Key(
    "thresholds", THRESHOLDS, "The levels of a budget that names none.", default=["50%", "80%", "100%"]
)
WEEK_STARTS = Key("week_starts", WEEKDAY, "The first day of a week.", default="monday")
DEFAULTS = Table(
    TIMEZONE, ROUTE, SETTLE, DEFAULT_LEVELS, WEEK_STARTS, absent=("freshness", "severity", "remind", "gather")
)

PROJECTS = Key(
    "projects",
    PATTERNS,
    "Its projects, by name, glob or id; a project belongs to the first team that matches.",
    required="the names of its projects, like [search-*, ranker]",
)
TEAM_CHANNEL = Key("channel", HANDLE, "The channel in which rules with `route: team` speak.")
OWNER = Key("owner", HANDLE, "Who answers for its spend: a person or a group.")
PAGE = Key("page", HANDLE, "Who is mentioned at critical.")
TEAM_KEYS = Table(PROJECTS, TEAM_CHANNEL, OWNER, PAGE)

CHANNEL = Key("channel", HANDLE, "The channel it posts to.")
USER = Key("user", HANDLE, "The person it writes to, instead of a channel.")
MENTION = Key("mention", list_of(HANDLE, twice=False), "Who is mentioned at critical.")
ONLY = Key("only", SEVERITY, "The lowest severity it says.", default="info")
GATHER = Key("gather", DURATION, "How long alerts below critical wait for company.", default="60m")
ROUTE_KEYS = Table(CHANNEL, USER, MENTION, ONLY, GATHER, absent=("quiet", "remind", "escalate", "webhook"))

YEAR_STARTS = Key(
    "year_starts", YEAR_START, "Month and day on which the fiscal year begins.", required="a day like 02-01"
)
CALENDAR_KEYS = Table(YEAR_STARTS)


@dataclass(slots=True)
class Setting:
    """What rules may lean on, gathered over all files; the names with the places of their keys."""

    timezone: str = "UTC"
    default_route: str = ""
    settle: timedelta = timedelta(hours=36)
    thresholds: tuple[Threshold, ...] = DEFAULT_THRESHOLDS
    week_starts: int = 0
    teams: dict[str, tuple[Scalar, Team]] = field(default_factory=dict)
    routes: dict[str, tuple[Scalar, Route]] = field(default_factory=dict)
    calendars: dict[str, tuple[Scalar, tuple[int, int]]] = field(default_factory=dict)
    meant: dict[tuple[str, str], str] = field(default_factory=dict)
    """What an unknown name probably stood for, asked once for each."""
    complete: bool = True
    """False when a file could not be read: then a name may stand there, and none is called unknown."""


def read_setting(files: Sequence[Mapping[str, Node]], problems: Problems, *, complete: bool) -> Setting:
    """Return what the sections of all files hold together; `files` are the top-level values by key."""
    setting = Setting(complete=complete)
    for name, read in (("teams", _team), ("routes", _route), ("calendars", _calendar)):
        table: dict[str, tuple[Scalar, Any]] = getattr(setting, name)
        for key, value in _named([sections[name] for sections in files if name in sections], name, problems):
            table[key.text] = (key, read(key, value, problems))
    _defaults([sections["defaults"] for sections in files if "defaults" in sections], setting, problems)
    return setting


def check_name(
    text: str, known: Collection[str], what: str, at: Node, problems: Problems, setting: Setting
) -> None:
    """Tell when a rule leans on a name that no file has."""
    if text in known or not setting.complete:
        return
    if (what, text) not in setting.meant:
        # Likeness is dear: after a hundred different unknown names, more suggestions would help nobody.
        near = closest(text, known) if len(setting.meant) < 100 else ""
        setting.meant[what, text] = near
    near = setting.meant[what, text]
    have = "" if near or not 0 < len(known) <= 12 else f"; there is {listed(known)}"
    problems.add("B031", at, f"there is no {what} {quoted(text)}{have}", near)


def _named(sections: Sequence[Node], what: str, problems: Problems) -> Iterator[tuple[Scalar, Node]]:
    """Yield names and what they stand for over all files; a name stands once."""
    first: dict[str, Scalar] = {}
    for section in sections:
        for key, value in entries(section, f'"{what}"', problems):
            if TEXT.read(key, what, problems) is None:
                continue
            if key.text in first:
                message = (
                    f"two {what} have the name {quoted(key.text)} (first at {where_is(first[key.text])})"
                )
                problems.add("B030", key, message)
                continue
            first[key.text] = key
            yield key, value


def _defaults(sections: Sequence[Node], setting: Setting, problems: Problems) -> None:
    first: dict[str, Node] = {}
    for section in sections:
        values = DEFAULTS.read(section, "defaults", problems)
        if values is None:
            continue
        for name, entry in values.node.entries.items():
            if name in first:
                problems.add(
                    "B030", entry.key, f"two defaults for {quoted(name)} (first at {where_is(first[name])})"
                )
            first.setdefault(name, entry.key)
        setting.timezone = values.get(TIMEZONE, setting.timezone)
        setting.settle = values.get(SETTLE, setting.settle)
        setting.thresholds = values.get(DEFAULT_LEVELS, setting.thresholds)
        setting.week_starts = values.get(WEEK_STARTS, setting.week_starts)
        route = values[ROUTE]
        if route is not None:
            check_name(route, setting.routes, "route", values.at(ROUTE), problems, setting)
            setting.default_route = route


def _team(key: Scalar, node: Node, problems: Problems) -> Team:
    where = f"team {quoted(key.text)}"
    values = (
        None
        if is_empty(node, f"{where} is empty", problems, key=key)
        else TEAM_KEYS.read(node, where, problems)
    )
    if values is None:
        return Team(key.text, ())
    return Team(
        key.text,
        projects=values.get(PROJECTS, ()),
        channel=values.get(TEAM_CHANNEL, ""),
        owner=values.get(OWNER, ""),
        page=values.get(PAGE, ""),
    )


def _route(key: Scalar, node: Node, problems: Problems) -> Route:
    where = f"route {quoted(key.text)}"
    if key.text == TEAM:
        problems.add("B020", key, f'a route cannot have the name "{TEAM}": it means the team of the project')
    values = (
        None
        if is_empty(node, f"{where} is empty", problems, key=key)
        else ROUTE_KEYS.read(node, where, problems)
    )
    if values is None:
        return Route(key.text)
    if not values.has(CHANNEL) and not values.has(USER):
        problems.add("B010", values.node, f'{where} needs "channel" or "user": where it speaks')
    if values.has(CHANNEL) and values.has(USER):
        problems.add("B033", values.at(USER), f"{where} has a channel and a user; write two routes")
    return Route(
        key.text,
        channel=values.get(CHANNEL, ""),
        user=values.get(USER, ""),
        mention=values.get(MENTION, ()),
        only=values.get(ONLY, "info"),
        gather=values.get(GATHER, timedelta(minutes=60)),
    )


def _calendar(key: Scalar, node: Node, problems: Problems) -> tuple[int, int]:
    where = f"calendar {quoted(key.text)}"
    if is_empty(node, f"{where} is empty", problems, key=key):
        return (1, 1)
    values = CALENDAR_KEYS.read(node, where, problems)
    return values.get(YEAR_STARTS, (1, 1)) if values else (1, 1)
