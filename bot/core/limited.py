"""Which of OpenAI's hard limits a rule and one of its groups are under."""

from bot.core.groups import OTHER
from bot.core.limits import ORGANIZATION
from bot.core.rules.book import Rule
from bot.core.spend import Group, Names


def limited_project(rule: Rule, group: Group, names: Names) -> str | None:
    """Return the project a group is about, '' for the whole organization; None where it is neither.

    A rule that selects one project is about that project, whatever it is told apart by.
    """
    scope = rule.scope
    if "project" in scope.each:
        value = group[scope.each.index("project")]
        return None if value in ("", OTHER) else value
    if not scope.dimensions:
        return ORGANIZATION
    selected = dict(scope.select.terms).get("project", ())
    if len(selected) != 1:
        return None
    (pattern,) = selected
    found = [
        value
        for (dimension, value), name in names.current.items()
        if dimension == "project" and pattern.matches(value, name)
    ]
    return found[0] if len(found) == 1 else None
