"""What a rule can watch. One file per kind; this table is the only list of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.incident import Finding, Unjudged
from bot.core.kinds import anomaly, budget, change, first_seen, freshness, native_limit, ratio
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
Join = Callable[[Any, Values, Mapping[str, Rule | None], Setting, Problems], Rule]


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
    join: Join = lambda rule, _values, _rules, _setting, _problems: rule
    """(rule, what its keys hold, every rule by id, what the files share, where problems go) → the rule with what it
    takes from others, once all are read; None stands for a rule that could not be read."""


KINDS: Mapping[str, Kind] = {
    "budget": Kind(budget.ABOUT, budget.KEYS, budget.parse, budget.mentions, budget.needs, budget.judge),
    "change": Kind(
        change.ABOUT,
        change.KEYS,
        change.parse,
        change.mentions,
        change.needs,
        change.judge,
        change.summary,
    ),
    "anomaly": Kind(
        anomaly.ABOUT,
        anomaly.KEYS,
        anomaly.parse,
        anomaly.mentions,
        anomaly.needs,
        anomaly.judge,
        anomaly.summary,
    ),
    "ratio": Kind(
        ratio.ABOUT,
        ratio.KEYS,
        ratio.parse,
        ratio.mentions,
        ratio.needs,
        ratio.judge,
        ratio.summary,
    ),
    "first_seen": Kind(
        first_seen.ABOUT,
        first_seen.KEYS,
        first_seen.parse,
        first_seen.mentions,
        first_seen.needs,
        first_seen.judge,
        first_seen.summary,
    ),
    "freshness": Kind(
        freshness.ABOUT,
        freshness.KEYS,
        freshness.parse,
        freshness.mentions,
        freshness.needs,
        freshness.judge,
        freshness.summary,
    ),
    "native_limit": Kind(
        native_limit.ABOUT,
        native_limit.KEYS,
        native_limit.parse,
        native_limit.mentions,
        native_limit.needs,
        native_limit.judge,
        native_limit.summary,
        native_limit.join,
    ),
}
