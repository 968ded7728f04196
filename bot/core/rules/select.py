"""Patterns and selectors: which spend a rule speaks of."""

import re
from collections.abc import Callable, Iterable, Mapping
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
        if self.literal:
            return False
        expression = _compiled(self.text, self.regex)
        # How long an expression takes was worked out for names as people give them.
        end = LONGEST_NAME if self.regex else max(len(name), len(value))
        return (
            expression.fullmatch(name, 0, end) is not None or expression.fullmatch(value, 0, end) is not None
        )

    @property
    def literal(self) -> bool:
        """Tell whether it is an id or a name as it stands."""
        return not self.regex and "*" not in self.text and "?" not in self.text

    def __str__(self) -> str:
        return f"/{self.text}/" if self.regex else self.text


class Called:
    """The values of a dimension and what people call them, of which patterns mean some.

    `meant` says what `Pattern.matches` says of each of them, without asking each of them one by one.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._called: dict[str, list[str]] = {}
        for value, name in names.items():
            self._called.setdefault(name.casefold(), []).append(value)

    def meant(self, patterns: Iterable[Pattern]) -> dict[str, None]:
        """Return the values that any of the patterns means, as the keys of a dictionary, which keep their order."""
        found: dict[str, None] = {}
        for pattern in patterns:
            if not pattern.regex:
                if pattern.text in self._names:
                    found[pattern.text] = None
                found.update(dict.fromkeys(self._called.get(pattern.text.casefold(), ())))
            if not pattern.literal:
                found.update(dict.fromkeys(self._matched(pattern)))
        return found

    def _matched(self, pattern: Pattern) -> Iterable[str]:
        match = _compiled(pattern.text, pattern.regex).fullmatch
        names = self._names.items()
        if pattern.regex:
            longest = LONGEST_NAME
            return [
                value
                for value, name in names
                if match(name, 0, longest) or (value != name and match(value, 0, longest))
            ]
        return [value for value, name in names if match(name) or (value != name and match(value))]


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

    @property
    def everything(self) -> bool:
        """Tell whether no spend is left out."""
        return not self.select.terms and not self.excluded.terms

    def admits(self, values: dict[str, str], name_of: NameOf) -> bool:
        """Tell whether spend with these dimension values belongs to the scope."""
        return all(_any(values[d], d, patterns, name_of) for d, patterns in self.select.terms) and not any(
            _any(values[d], d, patterns, name_of) for d, patterns in self.excluded.terms
        )


def _any(value: str, dimension: str, patterns: tuple[Pattern, ...], name_of: NameOf) -> bool:
    name = name_of(dimension, value) if value else UNATTRIBUTED[dimension]
    return any(pattern.matches(value, name) for pattern in patterns)
