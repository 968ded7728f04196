"""What a tree of rule files shares: `defaults`, `teams`, `routes`, `quiet`, `digests` and `calendars`.

A name may stand in one file only, and a rule may lean on a name from any file; so these sections are read
from all files before the first rule is.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.core.quiet import Quiet
from bot.core.rules.book import Digest, Route, Rulebook, Team, Threshold
from bot.core.rules.digests import read_digests
from bot.core.rules.fields import DURATION, HANDLE, TEXT, WEEKDAY, YEAR_START, ZONE
from bot.core.rules.nodes import Node, Scalar
from bot.core.rules.problems import Problems, closest, listed, quoted, where_is
from bot.core.rules.routes import Leans, check_escalations, read_quiet, read_route
from bot.core.rules.selecting import PATTERNS
from bot.core.rules.table import Field, Key, Table, entries, is_empty
from bot.core.rules.thresholds import DEFAULT_THRESHOLDS, THRESHOLDS

TIMEZONE = Key(
    "timezone", ZONE, "Clocks, schedules and wording; periods are UTC, like OpenAI's bill.", default="UTC"
)
ROUTE = Key("route", TEXT, "Where a rule speaks that names no route: a route, or team.")
SETTLE = Key("settle", DURATION, "A UTC day counts as settled this long after it ended.", default="36h")
DEFAULT_LEVELS = Key(
    "thresholds", THRESHOLDS, "The levels of a budget that names none.", default=["50%", "80%", "100%"]
)
WEEK_STARTS = Key("week_starts", WEEKDAY, "The first day of a week.", default="monday")
FRESH_POLL = Key(
    "poll", DURATION, "Costs that could not be read for so long are said to be stale.", default="3h"
)
FRESH_DATA = Key(
    "data",
    DURATION,
    "So is the end of the newest day with costs, this long ago, while usage shows requests after it.",
    default="40h",
)
FRESHNESS_KEYS = Table(FRESH_POLL, FRESH_DATA)


def _freshness(node: Node, name: str, problems: Problems) -> tuple[timedelta, timedelta] | None:
    values = FRESHNESS_KEYS.read(node, f'"{name}"', problems)
    if values is None:
        return None
    usual = Rulebook()
    return values.get(FRESH_POLL, usual.freshness_poll), values.get(FRESH_DATA, usual.freshness_data)


FRESHNESS = Key(
    "freshness", Field(_freshness, FRESHNESS_KEYS.schema), "When the bot says that its own data is stale."
)
DEFAULTS = Table(
    TIMEZONE,
    ROUTE,
    SETTLE,
    DEFAULT_LEVELS,
    WEEK_STARTS,
    FRESHNESS,
    absent=("severity", "remind", "gather"),
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

YEAR_STARTS = Key(
    "year_starts", YEAR_START, "Month and day on which the fiscal year begins.", required="a day like 02-01"
)
CALENDAR_KEYS = Table(YEAR_STARTS)


class Setting:
    """What rules may lean on, gathered over all files; the names with the places of their keys.

    It is not `complete` when a file could not be read: then a name may stand there, and none is called unknown.
    """

    def __init__(self, *, complete: bool) -> None:
        usual = Rulebook()
        self.timezone = usual.timezone
        self.default_route = usual.default_route
        self.settle = timedelta(hours=36)
        self.thresholds: tuple[Threshold, ...] = DEFAULT_THRESHOLDS
        self.week_starts = 0
        self.teams: dict[str, tuple[Scalar, Team]] = {}
        self.routes: dict[str, tuple[Scalar, Route]] = {}
        self.calendars: dict[str, tuple[Scalar, tuple[int, int]]] = {}
        self.quiets: dict[str, tuple[Scalar, Quiet]] = {}
        self.digests: tuple[Digest, ...] = ()
        self.freshness = (usual.freshness_poll, usual.freshness_data)
        """Of polls, of data."""
        self.meant: dict[tuple[str, str], str] = {}
        """What an unknown name probably stood for, asked once for each."""
        self.complete = complete


def read_setting(files: Sequence[Mapping[str, Node]], problems: Problems, *, complete: bool) -> Setting:
    """Return what the sections of all files hold together; `files` are the top-level values by key."""
    setting = Setting(complete=complete)
    leans = Leans()

    def route(key: Scalar, node: Node, problems: Problems) -> Route:
        return read_route(key, node, problems, leans)

    readers: tuple[
        tuple[str, dict[str, tuple[Scalar, Any]], Callable[[Scalar, Node, Problems], Any]], ...
    ] = (
        ("teams", setting.teams, _team),
        ("routes", setting.routes, route),
        ("quiet", setting.quiets, read_quiet),
        ("calendars", setting.calendars, _calendar),
    )
    for name, table, read in readers:
        for key, value in _named([sections[name] for sections in files if name in sections], name, problems):
            table[key.text] = (key, read(key, value, problems))
    digests, routes = read_digests([s["digests"] for s in files if "digests" in s], problems)
    setting.digests = tuple(digests)
    for name, place in leans.quiets:
        check_name(name, setting.quiets, "quiet", place, problems, setting)
    for name, place in [*routes, *((to, place) for _, to, place in leans.routes)]:
        check_name(name, setting.routes, "route", place, problems, setting)
    check_escalations(leans, {name: held for name, (_, held) in setting.routes.items()}, problems)
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
        setting.freshness = values.get(FRESHNESS, setting.freshness)
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


def _calendar(key: Scalar, node: Node, problems: Problems) -> tuple[int, int]:
    where = f"calendar {quoted(key.text)}"
    if is_empty(node, f"{where} is empty", problems, key=key):
        return (1, 1)
    values = CALENDAR_KEYS.read(node, where, problems)
    return values.get(YEAR_STARTS, (1, 1)) if values else (1, 1)
