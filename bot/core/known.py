"""Names that are said without a verb: what is known by exactly that name, and the commands that ask about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.filters import Filter
from bot.core.ranging import MARK
from bot.core.rules.book import Rulebook
from bot.core.spend import Names
from bot.core.tokens import unquoted


@dataclass(frozen=True, slots=True)
class Known:
    """What people may call by name."""

    projects: Mapping[str, str] = field(default_factory=dict)
    """Id → name."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """Id → title."""
    teams: Sequence[str] = ()
    fingerprints: Sequence[str] = ()
    """Those of alerts there have been; enough of them are here if they begin with what was said."""

    @classmethod
    def of(cls, book: Rulebook, names: Names, fingerprints: Sequence[str] = ()) -> "Known":
        """Return what a rulebook and the stored names know."""
        projects = {key[1]: name for key, name in names.current.items() if key[0] == "project"}
        rules = {rule.id: rule.name for rule in book.rules}
        return cls(projects, rules, tuple(team.name for team in book.teams), fingerprints)


def said(tokens: Sequence[str]) -> str:
    """Return the name that the words are, if they are one."""
    return " ".join(unquoted(token) for token in tokens).strip().lstrip("#@")


def meant(tokens: Sequence[str], known: Known) -> tuple[str, ...]:
    """Return the commands that ask about what is known by exactly these words; () where nothing is.

    Two commands are two readings: a project and a team of the same name.
    """
    name = said(tokens)
    if not name:
        return ()
    found = []
    if any(_called(name, each, title) for each, title in known.projects.items()):
        found.append(f"status {Filter('project', '=', (name,))}")
    if any(_called(name, each, title) for each, title in known.rules.items()):
        found.append(f"status {Filter('rule', '=', (name,))}")
    if any(_called(name, each) for each in known.teams):
        found.append(f"status {Filter('team', '=', (name,))}")
    mark = name.lower()
    marks = {each for each in known.fingerprints if each.startswith(mark)} if MARK.fullmatch(mark) else set()
    if len(marks) == 1:
        found.append(f"history {marks.pop()}")
    return tuple(found)


def _called(name: str, *known: str) -> bool:
    return name.casefold() in (each.casefold() for each in known if each)
