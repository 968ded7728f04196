"""Patterns and selectors: which spend a rule speaks of."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from bot.core.dimension import UNATTRIBUTED

LONGEST_NAME = 256
"""So much of a name a regular expression looks at."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One value of a selector: an id, a name, a glob (`*`, `?`) or an anchored regular expression.

    Ids match exactly, names case-insensitively.
    """

    text: str
    regex: bool = False

    def matches(self, value: str, name: str) -> bool:
        """Tell whether the id `value`, or the `name` people know it by, is meant."""
        if not self.regex and (value == self.text or name.casefold() == self.text.casefold()):
            return True
        if not self.regex and "*" not in self.text and "?" not in self.text:
            return False
        expression = _compiled(self.text, self.regex)
        # How long an expression takes was worked out for names as people give them.
        end = LONGEST_NAME if self.regex else max(len(name), len(value))
        return (
            expression.fullmatch(name, 0, end) is not None or expression.fullmatch(value, 0, end) is not None
        )

    def __str__(self) -> str:
        return f"/{self.text}/" if self.regex else self.text


@lru_cache(maxsize=4096)
def _compiled(text: str, regex: bool) -> re.Pattern[str]:
    if regex:
        return re.compile(text, re.IGNORECASE)
    return re.compile(_glob(text), re.IGNORECASE | re.DOTALL)


def _glob(text: str) -> str:
    """Return the expression of a glob; what one star took is never tried again, so that no name takes long."""
    first, *rest = re.split(r"\*+", text)
    if not rest:
        return _literal(first)
    *middle, last = rest
    return _literal(first) + "".join(f"(?>.*?{_literal(part)})" for part in middle) + ".*" + _literal(last)


def _literal(part: str) -> str:
    return "".join("." if character == "?" else re.escape(character) for character in part)


@dataclass(frozen=True, slots=True)
class Selector:
    """Dimension → patterns. A list means OR, several dimensions AND (in `select`) or OR (in `except`)."""

    terms: tuple[tuple[str, tuple[Pattern, ...]], ...] = ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(dimension for dimension, _ in self.terms)

    def __str__(self) -> str:
        return " and ".join(
            f"{dimension} {' or '.join(map(str, patterns))}" for dimension, patterns in self.terms
        )


NameOf = Callable[[str, str], str]
"""(dimension, value) → the name people know it by; the value itself where there is no other."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`select`, `except` and `each` together: which spend, and in which groups."""

    select: Selector = field(default_factory=Selector)
    excluded: Selector = field(default_factory=Selector)
    each: tuple[str, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)
    dimensions: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """What must be known to judge the scope, `each` first, none twice."""

    def __post_init__(self) -> None:
        # Scopes are keys of every sum there is: what they hash to is worked out once.
        object.__setattr__(self, "_hash", hash((self.select, self.excluded, self.each)))
        known = (*self.each, *self.select.dimensions, *self.excluded.dimensions)
        object.__setattr__(self, "dimensions", tuple(dict.fromkeys(known)))

    def __hash__(self) -> int:
        return self._hash

    def admits(self, values: dict[str, str], name_of: NameOf) -> bool:
        """Tell whether spend with these dimension values belongs to the scope."""
        return all(_any(values[d], d, patterns, name_of) for d, patterns in self.select.terms) and not any(
            _any(values[d], d, patterns, name_of) for d, patterns in self.excluded.terms
        )


def _any(value: str, dimension: str, patterns: tuple[Pattern, ...], name_of: NameOf) -> bool:
    name = name_of(dimension, value) if value else UNATTRIBUTED[dimension]
    return any(pattern.matches(value, name) for pattern in patterns)
