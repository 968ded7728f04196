"""What a rule can watch. One file per kind; this table is the only list of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.incident import Finding, Unjudged
from bot.core.kinds import budget, first_seen
from bot.core.needs import Needs
from bot.core.rules.book import Rule
from bot.core.rules.problems import Problems
from bot.core.rules.sections import Setting
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Table, Values
from bot.core.spend import Group
from bot.core.view import View

Judge = Callable[[Any, View, datetime, Collection[Group] | None], Iterator[Finding | Unjudged]]
"""(rule, what is known, now, groups to tell of even below every level; None = all) → what is true."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the reader of rule files, and the judge, must know of a kind."""

    about: str
    keys: Table
    parse: Callable[[Values, Rule, Setting, Problems], Rule]
    """(what the keys hold, the common part, what the files share, where problems go) → the rule."""
    mentions: Callable[[Values, Rule], Iterable[Mention]]
    """The names the rule writes out."""
    needs: Callable[[Any, datetime], Needs]
    judge: Judge
    summary: Callable[[Any], str] = lambda _: ""
    """What it asks, in a few words: `40% and $250 more than the 7 days before`."""


KINDS: Mapping[str, Kind] = {
    "budget": Kind(budget.ABOUT, budget.KEYS, budget.parse, budget.mentions, budget.needs, budget.judge),
    "first_seen": Kind(
        first_seen.ABOUT,
        first_seen.KEYS,
        first_seen.parse,
        first_seen.mentions,
        first_seen.needs,
        first_seen.judge,
        first_seen.summary,
    ),
}

NOT_IN_THIS_VERSION = frozenset(("change", "anomaly", "ratio", "freshness", "native_limit"))
"""Kinds of the language that are told apart from misspelt ones."""
