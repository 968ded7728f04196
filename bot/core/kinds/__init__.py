"""What a rule can watch. One file per kind; `KINDS` is the only list of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from bot.core.incident import Finding, Unjudged
    from bot.core.needs import Needs
    from bot.core.rules.book import Rule
    from bot.core.rules.problems import Problems
    from bot.core.rules.rule_keys import Common
    from bot.core.rules.sections import Setting
    from bot.core.rules.snapshot_check import Mention
    from bot.core.rules.table import Table, Values
    from bot.core.spend import Group
    from bot.core.view import View

Judge: TypeAlias = "Callable[[Any, View, datetime, Collection[Group] | None], Iterator[Finding | Unjudged]]"
"""(rule, what is known, now, groups to tell of even below every level; None = all) → what is true."""
Join: TypeAlias = "Callable[[Any, Values, Mapping[str, Rule | None], Setting, Problems], Rule]"


class Kind(NamedTuple):
    """What the reader of rule files, and the judge, must know of a kind."""

    about: str
    keys: "Table"
    parse: "Callable[[Values, Common, Setting, Problems], Rule]"
    """(what the keys hold, the common part, what the files share, where problems go) → the rule."""
    mentions: "Callable[[Values, Rule], Iterable[Mention]]"
    """The names the rule writes out."""
    needs: "Callable[[Any, datetime], Needs]"
    judge: Judge
    summary: Callable[[Any], str] = lambda _: ""
    """What it asks, in a few words: `40% and $250 more than the 7 days before`."""
    join: Join = lambda rule, _values, _rules, _setting, _problems: rule
    """(rule, what its keys hold, every rule by id, what the files share, where problems go) → the rule with what it
    takes from others, once all are read; None stands for a rule that could not be read."""


class _Kinds(MutableMapping[str, Kind]):
    """Every kind by its word, loaded when it is first asked for: most rule files know two or three of them."""

    def __init__(self, *words: str) -> None:
        self._known: dict[str, Kind | None] = dict.fromkeys(words)

    def __getitem__(self, word: str) -> Kind:
        kind = self._known[word]
        if kind is None:
            # Two threads may both load it: they find the same.
            kind = self._known[word] = _of(import_module(f"bot.core.kinds.{word}"))
        return kind

    def __contains__(self, word: object) -> bool:
        return word in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __setitem__(self, word: str, kind: Kind) -> None:
        self._known[word] = kind

    def __delitem__(self, word: str) -> None:
        del self._known[word]


class Reading(NamedTuple):
    """What the reader of rule files must know of a kind: the same as its `Kind` says."""

    word: str
    keys: "Table"
    parse: "Callable[[Values, Common, Setting, Problems], Rule]"
    mentions: "Callable[[Values, Rule], Iterable[Mention]]"
    join: "Join | None"
    """None where it takes nothing from others."""


_WRITTEN = {"budget": "bot.core.rules.budgets"}
"""Kinds that are read without what judges them, which takes longer to load than a thousand rules to read."""


@cache
def reading(word: str) -> Reading:
    """Return how a kind is read."""
    module: Any = import_module(_WRITTEN.get(word, f"{__name__}.{word}"))
    return Reading(
        word,
        module.KEYS,
        module.parse,
        module.mentions,
        getattr(module, "join", None),
    )


def _of(module: Any) -> Kind:
    """Return what a kind's file holds."""
    told = {name: getattr(module, name) for name in ("summary", "join") if hasattr(module, name)}
    return Kind(module.ABOUT, module.KEYS, module.parse, module.mentions, module.needs, module.judge, **told)


KINDS: Mapping[str, Kind] = _Kinds(
    "budget", "change", "anomaly", "ratio", "first_seen", "freshness", "native_limit"
)
"""What a rule can watch, by its word; the word is the name of the kind's file too."""
