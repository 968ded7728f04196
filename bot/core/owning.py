"""Whose a budget is: its team's owner, and who is called for it. They are operators of what is theirs."""

from collections.abc import Iterable

from bot.core.asker import Asker
from bot.core.filters import Filter
from bot.core.incident import Incident
from bot.core.rooms import team_of
from bot.core.rules.book import Rulebook, Team
from bot.core.spend import Names


def owners(book: Rulebook) -> frozenset[str]:
    """Return everybody whom the rule files name as an owner: ids and handles, as they are written."""
    return frozenset(name for team in book.teams for name in _of(team))


def owner_of(book: Rulebook, incident: Incident, names: Names) -> tuple[str, ...]:
    """Return whose an incident is, the owner first; () where nobody is named."""
    rule = book.rule(incident.rule_id)
    team = team_of(book, rule.scope, incident.group, names) if rule else None
    return _of(team)


def owns(book: Rulebook, asker: Asker, incident: Incident, names: Names) -> bool:
    """Tell whether an incident is somebody's own."""
    return asker.owns(owner_of(book, incident, names))


def owns_all(book: Rulebook, asker: Asker, conditions: Iterable[Filter], names: Names) -> bool:
    """Tell whether everything these conditions can match is somebody's own.

    All of them must hold, so it is enough that one of them names nothing but teams or projects that are.
    """
    return any(_pinned(book, asker, condition, names) for condition in conditions if condition.op == "=")


def _pinned(book: Rulebook, asker: Asker, condition: Filter, names: Names) -> bool:
    if condition.key == "team":
        return all(asker.owns(_of(book.team(value))) for value in condition.values)
    if condition.key != "project":
        return False
    known = [(key[1], name) for key, name in names.current.items() if key[0] == "project"]
    for pattern in condition.patterns:
        meant = {book.team_of(project, name) for project, name in known if pattern.matches(project, name)}
        if not meant or not all(asker.owns(_of(book.team(team))) for team in meant):
            return False
    return True


def _of(team: Team | None) -> tuple[str, ...]:
    return tuple(name for name in (team.owner, team.page) if name) if team else ()
