"""Every place a rulebook speaks in, whatever happens: rules, teams, routes, and where the bot tells of itself."""

from bot.core.rooms import Target, ops_room, rooms_of
from bot.core.rules.book import Rulebook, Team
from bot.core.spend import Names


def audience(book: Rulebook, names: Names, fallback: str) -> list[Target]:
    """Return the targets, each once; `fallback` is the channel of rules without any route."""
    found: dict[Target, None] = {}
    for rule in book.rules:
        for room in rooms_of(book, rule, tuple("" for _ in rule.scope.each), names, fallback):
            found[room.target] = None
    for team in book.teams:
        if isinstance(team, Team) and team.channel:
            found[Target("slack", team.channel)] = None
    for route in book.routes.values():
        if route.channel or route.user:
            found[Target("slack", route.channel or route.user)] = None
    ops = ops_room(book, fallback)
    if ops is not None:
        found[ops.target] = None
    return sorted(found)


def called(address: str) -> str:
    """Return a channel as people write it; ids and people as they are."""
    return address if is_id(address) else f"#{address.removeprefix('#')}"


def is_id(address: str) -> bool:
    """Tell whether an address is Slack's own id of a channel or a person, which no renaming changes."""
    return address[:1] in ("C", "D", "G", "U", "W") and address.isalnum() and address.isupper()


def is_person(address: str) -> bool:
    """Tell whether an address is one person's."""
    return is_id(address) and address[0] in "UW"
