"""What nobody would hear: levels below their route's floor, teams and routes that nothing uses."""

from collections.abc import Sequence
from typing import NamedTuple

from bot.core.kinds import Reading
from bot.core.rules.book import TEAM, Rule, Threshold, rank
from bot.core.rules.problems import Problems, quoted
from bot.core.rules.routes import unused
from bot.core.rules.rule_keys import ID, ROUTE
from bot.core.rules.sections import Setting
from bot.core.rules.table import Values

OPS = "ops"
"""The route on which the bot speaks of itself: used even when no rule names it."""


class Read(NamedTuple):
    """A rule, and where it was read."""

    rule: Rule
    values: Values
    kind: Reading


def warn_of_unheard_levels(rules: Sequence[Read], setting: Setting, problems: Problems) -> None:
    """Warn of levels whose severity is below the floor of the route their rule speaks on."""
    for read in rules:
        name = read.rule.route or setting.default_route
        _, route = setting.routes.get(name, (None, None))
        if route is None or route.only == "info":
            continue
        has: tuple[Threshold, ...] = getattr(read.rule, "thresholds", ())
        unheard = [level.label for level in has if rank(level.severity) < rank(route.only)]
        if unheard:
            levels = " and ".join(part for part in (", ".join(unheard[:-1]), unheard[-1]) if part)
            place = read.values.at(ROUTE if read.values.has(ROUTE) else ID)
            words = f"nobody hears {levels} of {quoted(read.rule.id)}: route {quoted(name)} says only {route.only}"
            problems.add("W101", place, words)


def warn_of_unused(rules: Sequence[Read], setting: Setting, problems: Problems) -> None:
    """Warn of teams, routes and quiet hours that nothing leans on."""
    routes = [route for _, route in setting.routes.values()]
    used = {OPS, setting.default_route, *(read.rule.route for read in rules)}
    used |= {route.escalate.to for route in routes if route.escalate}
    used |= {digest.route for digest in setting.digests}
    for name, (place, _) in setting.routes.items():
        if name not in used:
            problems.add("W102", place, f"no rule uses the route {quoted(name)}")
    for name in unused(setting.quiets, routes):
        problems.add("W102", setting.quiets[name][0], f"no route keeps the quiet hours {quoted(name)}")
    if TEAM not in used and not any("team" in read.rule.scope.dimensions for read in rules):
        for name, (place, _) in setting.teams.items():
            problems.add("W102", place, f"no rule uses the team {quoted(name)}")
