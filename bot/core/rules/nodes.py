"""What a rule file holds before anyone asks what it means: text, keys and lists, each at its place.

Lines and columns are 1-based. Every scalar is its literal text: `0010`, `on`, `4.00` and `20:00` are what they
look like, and the key that holds them says what they mean. A thousand rules hold 60,000 nodes, so they are
tuples: frozen, and four times as quick to make as frozen dataclasses.
"""

import re
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What YAML counts as the end of a line: fewer characters than str.splitlines."""


def place_in(text: str, index: int) -> tuple[int, int]:
    """Return the 1-based line and column of a character."""
    line, start = 1, 0
    for found in _LINE_BREAK.finditer(text, 0, index):
        line, start = line + 1, found.end()
    return line, index - start + 1


@dataclass(frozen=True)
class Source:
    """A file's text, under its name below the rules folder and under the path people typed."""

    name: str
    shown: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Return the lines, split when the first problem asks for one."""
        return tuple(_LINE_BREAK.split(self.text))

    def line(self, number: int) -> str:
        """Return a line by its 1-based number; '' past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


class Scalar(NamedTuple):
    """A piece of text."""

    source: Source
    line: int
    column: int
    text: str
    plain: bool = True
    """Written without quotes."""
    bad: bool = False
    """Already reported: nobody judges it further."""

    @property
    def width(self) -> int:
        """Return how many characters to underline."""
        first, more, _ = self.text.partition("\n")
        return 1 if more else max(1, len(first) + (0 if self.plain else 2))


class Sequence(NamedTuple):
    """A list."""

    source: Source
    line: int
    column: int
    items: "tuple[Node, ...]"
    flow: bool = False
    """Written between brackets, where YAML splits at commas."""

    @property
    def width(self) -> int:
        return 1


class Entry(NamedTuple):
    """A key and what it holds."""

    key: Scalar
    value: "Node"


class Mapping(NamedTuple):
    """Keys and what they hold, in the order of the file; of two equal keys the first."""

    source: Source
    line: int
    column: int
    entries: ReadOnly[str, Entry]

    @property
    def width(self) -> int:
        return 1


Node: TypeAlias = Scalar | Sequence | Mapping

Wording = str | tuple[object, ...]
"""What is written at a node, wherever that is: equal wordings mean the same."""


def wording(node: Node) -> Wording | None:
    """Return what is written at a node; None where something is missing or was reported, which is told at its place."""
    if type(node) is Scalar:
        return node.text if node.text and not node.bad else None
    if type(node) is Sequence:
        items = []
        for item in node.items:
            if type(item) is not Scalar or not item.text or item.bad:
                return None
            items.append(item.text if item.plain else (item.text,))
        return (node.flow, *items)
    if type(node) is Mapping:
        pairs = []
        for key, value in node.entries.values():
            if type(value) is not Scalar or not value.text or value.bad or key.bad:
                return None
            pairs.append((key.text, value.text))
        return tuple(pairs)
    return None
