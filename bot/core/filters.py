"""Filters of a question: `project=search-*`, `model!=gpt-5-nano`, `severity>=warning`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.core.rules.book import rank
from bot.core.rules.select import Pattern, Scope, Selector
from bot.core.status import Standing
from bot.core.tokens import quoted

Op = Literal["=", "!=", "~", ">", ">="]
OPS: tuple[Op, ...] = ("!=", ">=", "=", "~", ">")
"""Longest first, as a reader must try them."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; several values mean any of them (`!=`: none of them)."""

    key: str
    op: Op
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.key}{self.op}{','.join(map(quoted, self.values))}"

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """Return the values as a rule's patterns: ids exactly, names in any case, `*` and `?` glob."""
        if self.op == "~":
            return tuple(Pattern(f".*{re.escape(value)}.*", regex=True) for value in self.values)
        return tuple(Pattern(value) for value in self.values)

    def admits(self, value: str, name: str) -> bool:
        """Tell whether a value, known by `name`, passes."""
        if self.op in (">", ">="):
            floor = min(rank(word.lower()) for word in self.values)
            return rank(value) >= floor + (self.op == ">")
        return (self.op != "!=") == any(pattern.matches(value, name) for pattern in self.patterns)

    def admits_labels(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels pass: `tier` and `tier=prod` are both words of a label."""
        words = [word for key, value in labels.items() for word in (key, f"{key}={value}")]
        found = any(pattern.matches(word, word) for pattern in self.patterns for word in words)
        return found != (self.op == "!=")


def scope_of(filters: Iterable[Filter]) -> Scope:
    """Return the filters over cost as a scope, judged exactly as a rule's `select` and `except` are."""
    terms = tuple((each.key, each.patterns) for each in filters if each.op != "!=")
    excluded = tuple((each.key, each.patterns) for each in filters if each.op == "!=")
    return Scope(Selector(terms), Selector(excluded))


def passes(standing: Standing, filters: Iterable[Filter]) -> bool:
    """Tell whether a standing passes every filter."""
    return all(_passes(standing, condition) for condition in filters)


def _passes(standing: Standing, condition: Filter) -> bool:
    match condition.key:
        case "rule":
            return condition.admits(standing.rule_id, standing.rule_name)
        case "severity":
            return condition.admits(standing.severity or "", standing.severity or "")
        case "state":
            return condition.admits(standing.state, standing.state)
        case "label":
            return condition.admits_labels(standing.labels)
        case "owner":
            return condition.admits(standing.owner.lstrip("@"), standing.owner)
        case "team" if "team" not in standing.each:
            return condition.admits(standing.team, standing.team or "(no team)")
    for dimension, value, name in zip(standing.each, standing.group, standing.group_names, strict=True):
        if dimension == condition.key:
            return condition.admits(value, name)
    # A budget of the whole organization is nobody's in particular: only "not this one" lets it through.
    return condition.op == "!="
