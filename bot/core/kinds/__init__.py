"""What a rule can watch. One file per kind; this table is the only list of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.core.kinds import budget
from bot.core.rules.book import Rule
from bot.core.rules.problems import Problems
from bot.core.rules.sections import Setting
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Table, Values


@dataclass(frozen=True, slots=True)
class Kind:
    """What the reader of rule files must know of a kind."""

    about: str
    keys: Table
    parse: Callable[[Values, Rule, Setting, Problems], Rule]
    """(what the keys hold, the common part, what the files share, where problems go) → the rule."""
    mentions: Callable[[Values, Rule], Iterable[Mention]]
    """The names the rule writes out."""


KINDS: Mapping[str, Kind] = {
    "budget": Kind(budget.ABOUT, budget.KEYS, budget.parse, budget.mentions),
}

NOT_IN_THIS_VERSION = frozenset(("change", "anomaly", "first_seen", "ratio", "freshness", "native_limit"))
"""Kinds of the language that are told apart from misspelt ones."""
