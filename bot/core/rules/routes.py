"""`routes` and `quiet`: where rules speak, when they wait, and who hears next."""

import re
from collections.abc import Collection, Mapping
from datetime import time, timedelta
from typing import NamedTuple

from bot.core.quiet import Quiet
from bot.core.rules.book import TEAM, Escalation, Route
from bot.core.rules.fields import CLOCK, DURATION, HANDLE, TEXT, USD, YES_NO, from_text, list_of
from bot.core.rules.nodes import Node, Scalar
from bot.core.rules.problems import Problems, quoted
from bot.core.rules.table import Field, Key, Table, is_empty
from bot.core.rules.thresholds import SEVERITY


def _clock(text: str) -> time | None:
    hour, _, minute = text.strip().partition(":")
    plain = hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit() and len(minute) == 2
    return time(int(hour), int(minute)) if plain and int(hour) < 24 and int(minute) < 60 else None


def _hours(text: str) -> tuple[time, time] | None:
    parts = re.split(r"\s*[-–]\s*", text.strip())
    begins, ends = map(_clock, parts) if len(parts) == 2 else (None, None)
    return (begins, ends) if begins is not None and ends is not None and begins != ends else None


def _remind(text: str) -> tuple[time | None] | None:
    if text == "never":
        return (None,)
    clock = _clock(text)
    return (clock,) if clock is not None else None


HOURS = Key(
    "hours",
    from_text(
        _hours,
        "B024",
        lambda text: f"{quoted(text)} is not a stretch of a day; write one like 20:00-08:00",
        {"type": "string", "pattern": r"^\s*[0-2]?[0-9]:[0-5][0-9]\s*[-–]\s*[0-2]?[0-9]:[0-5][0-9]\s*$"},
    ),
    "The hours of every day that are quiet, like 20:00-08:00, by the clocks of `timezone`.",
)
WEEKENDS = Key("weekends", YES_NO, "Whether all of Saturday and Sunday is quiet.", default=False)
WAKE = Key(
    "wake", USD, "What has grown by so many dollars since it began to wait waits no longer.", default="$500"
)
QUIET_KEYS = Table(HOURS, WEEKENDS, WAKE)

AFTER = Key(
    "after",
    DURATION,
    "How long a critical alert may stand without anybody acknowledging it.",
    required="a duration like 24h",
)
TO = Key("to", TEXT, "The route that hears of it then.", required="the name of a route")
ESCALATE_KEYS = Table(AFTER, TO)


class _Escalate(NamedTuple):
    value: Escalation
    place: Node


def _escalate(node: Node, name: str, problems: Problems) -> _Escalate | None:
    values = ESCALATE_KEYS.read(node, f'"{name}"', problems)
    after, to = (values[AFTER], values[TO]) if values else (None, None)
    if values is None or after is None or to is None:
        return None
    return _Escalate(Escalation(after, to), values.at(TO))


_NAME = r"[A-Z][A-Z0-9_]{0,63}"


def _no_setting(text: str) -> str:
    """Return what is wrong with the name of a setting; an address is as good as a password, and not repeated."""
    if "://" in text or "/" in text:
        return (
            "an address stands in no rule file: put it into a setting, say FINANCE_WEBHOOK, and write "
            "that name here"
        )
    return f"{quoted(text)} is not the name of a setting: write capital letters, digits and _, like FINANCE_WEBHOOK"


CHANNEL = Key("channel", HANDLE, "The channel it posts to.")
USER = Key("user", HANDLE, "The person it writes to, instead of a channel.")
MENTION = Key("mention", list_of(HANDLE, twice=False), "Who is mentioned at critical.")
ONLY = Key("only", SEVERITY, "The lowest severity it says.", default="info")
GATHER = Key("gather", DURATION, "How long alerts below critical wait for company.", default="60m")
QUIET = Key("quiet", TEXT, "The name of its quiet hours, in which only what is critical speaks.")
REMIND = Key(
    "remind",
    from_text(
        _remind,
        "B024",
        lambda text: f"{quoted(text)} is not a time of day; write one like 09:00, or never",
        {"anyOf": [CLOCK.schema, {"enum": ["never"]}]},
    ),
    "When it is reminded of critical alerts that nobody acknowledged.",
    default="09:00",
)
ESCALATE = Key(
    "escalate",
    Field(_escalate, ESCALATE_KEYS.schema),
    "Where a critical alert is said as well that nobody acknowledges: {after: 24h, to: exec}.",
)
WEBHOOK = Key(
    "webhook",
    from_text(
        lambda text: text if re.fullmatch(_NAME, text) else None,
        "B020",
        _no_setting,
        {"type": "string", "pattern": f"^{_NAME}$"},
    ),
    "The name of the setting that holds the address every event is sent to as JSON; never the address itself.",
)
ROUTE_KEYS = Table(CHANNEL, USER, MENTION, ONLY, GATHER, QUIET, REMIND, ESCALATE, WEBHOOK)
IN_SLACK = (MENTION, GATHER, QUIET, REMIND, ESCALATE)
"""Keys that mean nothing to a webhook."""


class Leans:
    """The names that routes lean on, with their places: looked up when every file is read."""

    def __init__(self) -> None:
        self.quiets: list[tuple[str, Node]] = []
        self.routes: list[tuple[str, str, Node]] = []
        """(from, to, place)."""


def read_route(key: Scalar, node: Node, problems: Problems, leans: Leans) -> Route:
    """Return a route; what was wrong is told and left at its default."""
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
    if not (values.has(CHANNEL) or values.has(USER) or values.has(WEBHOOK)):
        problems.add("B010", values.node, f'{where} needs "channel", "user" or "webhook": where it speaks')
    elif not values.has(CHANNEL) and not values.has(USER):
        for unheard in (each for each in IN_SLACK if values.has(each)):
            problems.add(
                "W106", values.at(unheard), f'{where} has only a webhook, which knows no "{unheard.name}"'
            )
    if values.has(CHANNEL) and values.has(USER):
        problems.add("B033", values.at(USER), f"{where} has a channel and a user; write two routes")
    only, quiet, escalate = values.get(ONLY, "info"), values.get(QUIET, ""), values[ESCALATE]
    if quiet:
        leans.quiets.append((quiet, values.at(QUIET)))
        if only == "critical":
            problems.add("W106", values.at(QUIET), f"{where} says only what no quiet hours hold back")
    if escalate:
        leans.routes.append((key.text, escalate.value.to, escalate.place))
    remind = values[REMIND]
    return Route(
        key.text,
        channel=values.get(CHANNEL, ""),
        user=values.get(USER, ""),
        mention=values.get(MENTION, ()),
        only=only,
        gather=values.get(GATHER, timedelta(minutes=60)),
        quiet=quiet,
        remind=remind[0] if remind else Route("").remind,
        escalate=escalate.value if escalate else None,
        webhook=values.get(WEBHOOK, ""),
    )


def read_quiet(key: Scalar, node: Node, problems: Problems) -> Quiet:
    """Return quiet hours; what was wrong is told and left at its default."""
    where = f"quiet {quoted(key.text)}"
    if is_empty(node, f"{where} is empty", problems, key=key):
        return Quiet(key.text)
    values = QUIET_KEYS.read(node, where, problems)
    if values is None:
        return Quiet(key.text)
    weekends = values.get(WEEKENDS, False)
    if not values.has(HOURS) and (not values.has(WEEKENDS) or values[WEEKENDS] is False):
        problems.add("B010", values.node, f'{where} needs "hours", or "weekends: true"')
    hours = values[HOURS]
    begins, ends = hours or (None, None)
    return Quiet(key.text, begins, ends, weekends, values.get(WAKE, Quiet("").wake))


def check_escalations(leans: Leans, routes: Mapping[str, Route], problems: Problems) -> None:
    """Tell of escalations that come back to where they began, or that go nowhere else."""
    following = {name: to for name, to, _ in leans.routes}
    for name, to, place in leans.routes:
        there = _follow(to, following)
        if name in there:
            around = " → ".join((name, *there[: there.index(name) + 1]))
            problems.add("B033", place, f"route {quoted(name)} escalates in a circle: {around}")
            continue
        one, other = routes.get(name), routes.get(to)
        if one and other and _places(one) == _places(other):
            message = f"route {quoted(to)} speaks where {quoted(name)} does: it was said there already"
            problems.add("W106", place, message)


def _places(route: Route) -> tuple[str, str, str]:
    return route.channel, route.user, route.webhook


def _follow(name: str, following: Mapping[str, str]) -> list[str]:
    seen: list[str] = [name]
    while (name := following.get(name, "")) and name not in seen:
        seen.append(name)
    return seen


def unused(quiets: Collection[str], routes: Collection[Route]) -> list[str]:
    """Return the names of quiet hours that no route keeps."""
    kept = {route.quiet for route in routes}
    return [name for name in quiets if name not in kept]
