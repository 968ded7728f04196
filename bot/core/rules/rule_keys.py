"""The keys every kind of rule has, and the part of a rule they become."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from bot.core.dimension import UNATTRIBUTED
from bot.core.rules.book import TEAM, Origin, Rule
from bot.core.rules.fields import (
    DATE,
    DURATION,
    HTTPS,
    LABELS,
    RULE_ID,
    TEXT,
    USD,
    WHOLE_DAYS,
    YES_NO,
    list_of,
    whole,
)
from bot.core.rules.nodes import Scalar
from bot.core.rules.problems import Problems
from bot.core.rules.sections import Setting, check_name
from bot.core.rules.select import Pattern, Scope, Selector
from bot.core.rules.selecting import EACH, SELECTOR, named_values
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Key, Values
from bot.core.rules.thresholds import SEVERITY

R = TypeVar("R", bound=Rule)

ID = Key(
    "id",
    RULE_ID,
    "What the rule is, for good: title, wording and order may change.",
    required="a name for good",
)
KIND = Key("kind", TEXT, "What is watched.", required="what is watched")
TITLE = Key("title", TEXT, "What people call the rule.")
RUNBOOK = Key("runbook", HTTPS, "A page that says what to do, linked in every alert.")
LABELS_KEY = Key("labels", LABELS, "Words of your own, for silences and searches.")
SELECT = Key("select", SELECTOR, "Which spend: dimension → a value or a list; all keys must match.")
EXCEPT = Key("except", SELECTOR, "What is left out: anything that matches one of the keys.")
EACH_KEY = Key("each", EACH, "Judged on its own for each value, or each combination of values.")
LIMIT = Key(
    "limit", whole(1, 10_000), "How many groups are judged; the smallest beyond it are one.", default=500
)
ROUTE = Key("route", TEXT, "Where it speaks: a route, or team for the team of the project.")
SETTLE = Key("settle", DURATION, "A UTC day counts as settled this long after it ended.")
WAS = Key("was", list_of(RULE_ID, twice=False), "Ids it had before: their state moves here.")
ENABLED = Key("enabled", YES_NO, "false: it judges nothing, and is listed as inactive.", default=True)
FROM = Key("from", DATE, "The first day it judges.")
TO = Key("to", DATE, "The first day it no longer judges.")
SEVERITY_KEY = Key("severity", SEVERITY, "How loud it is.", default="warning")
CRITICAL_ABOVE = Key("critical_above", USD, "So many dollars over what was expected make it critical.")
FOR = Key("for", WHOLE_DAYS, "On so many days in a row it must hold before it speaks: 2d.", default="1d")

COMMON: tuple[Key[Any], ...] = (
    ID, KIND, TITLE, RUNBOOK, LABELS_KEY, SELECT, EXCEPT, EACH_KEY, LIMIT, ROUTE, SETTLE, WAS, ENABLED, FROM, TO,
)  # fmt: skip

_FIELD = {
    ID.name: "id",
    TITLE.name: "title",
    RUNBOOK.name: "runbook",
    LABELS_KEY.name: "labels",
    LIMIT.name: "limit",
    ROUTE.name: "route",
    SETTLE.name: "settle",
    WAS.name: "was",
    ENABLED.name: "enabled",
    FROM.name: "from_day",
    TO.name: "to_day",
    SEVERITY_KEY.name: "severity",
    CRITICAL_ABOVE.name: "critical_above",
}
"""Keys that become a field of a rule as they are read."""
_EVERYTHING = Selector()


class Common(NamedTuple):
    """What a rule shares with every kind."""

    parts: dict[str, Any]
    """Fields of `Rule` by name; those left out hold as `Rule` has them."""
    scope: Scope
    critical_above: int


def common_part(values: Values, kind: str, setting: Setting, problems: Problems) -> Common:
    """Return what the rule shares with every kind; what was wrong is told and left at its default."""
    parts: dict[str, Any] = {
        "kind": kind,
        "origin": Origin(values.node.source.name, values.node.line),
        "settle": setting.settle,
    }
    found = values.found
    for name, value in found.items():
        if name in _FIELD and value is not None:
            parts[_FIELD[name]] = value
    parts.setdefault("id", "")
    route: str = parts.get("route", TEAM)
    if route != TEAM and route not in setting.routes:
        check_name(route, setting.routes, "route", values.at(ROUTE), problems, setting)
    scope = parts["scope"] = _scope(
        found.get(SELECT.name) or _EVERYTHING,
        found.get(EXCEPT.name) or _EVERYTHING,
        found.get(EACH_KEY.name) or (),
    )
    if "team" in scope.dimensions:
        _check_teams(values, scope, setting, problems)
    if held := found.get(FOR.name):
        parts["hold_days"] = held.days
    if FROM.name in found:
        first, end = values[FROM], values[TO]
        if first and end and first >= end:
            message = f'"to" is the first day after the rule, so it must come after {first}'
            problems.add("B033", values.at(TO), message)
    return Common(parts, scope, parts.get("critical_above", 0))


@lru_cache(maxsize=1024)  # a thousand rules look at a few hundred things
def _scope(select: Selector, excluded: Selector, each: tuple[str, ...]) -> Scope:
    return Scope(select, excluded, each)


def as_kind(cls: type[R], common: Common, **own: Any) -> R:
    """Return a rule of a kind: the common part and the kind's own."""
    return cls(**{**common.parts, **own})


def selected_names(values: Values) -> Iterator[Mention]:
    """Yield the names that `select` and `except` write out."""
    for key in (SELECT, EXCEPT):
        if values.has(key):
            for dimension, place in named_values(values.at(key)):
                yield mention(dimension, place)


def mention(dimension: str, place: Scalar) -> Mention:
    """Return a name at its place."""
    return Mention(dimension, place.text, place.source.shown, place.line, place.column)


def _check_teams(values: Values, scope: Scope, setting: Setting, problems: Problems) -> None:
    if not setting.complete:
        return
    if "team" in scope.each and not setting.teams:
        problems.add("B033", values.at(EACH_KEY), '"each: team" needs "teams": no file has any')
    for key in (SELECT, EXCEPT):
        for dimension, place in named_values(values.at(key)) if values.has(key) else ():
            if dimension == "team":
                _check_team(place, setting, problems)


def _check_team(place: Scalar, setting: Setting, problems: Problems) -> None:
    if place.text in setting.teams:
        return
    pattern = Pattern(place.text)
    if place.text != UNATTRIBUTED["team"] and not any(pattern.matches(name, name) for name in setting.teams):
        check_name(place.text, setting.teams, "team", place, problems, setting)
