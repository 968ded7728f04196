"""The traps of YAML, seen and explained: forgotten quotes, split amounts, and libyaml's reasons in plain words."""

import re
from typing import NamedTuple

import yaml

from bot.core.rules.nodes import Node, Scalar, place_in
from bot.core.rules.problems import Problems

MOST_MENDS = 30
"""How many characters are replaced in one file before its reading ends: each costs another reading."""

LONGEST_VALUE = 200
"""Characters of a value that a message repeats; no name is longer."""

_TOO_EARLY = frozenset(
    ("while scanning an alias", "while scanning an anchor", "while scanning a block scalar")
)
_SIGN_BEFORE_VALUE = re.compile(r"(?:^\s*|[:,-]\s+|[\[{]\s*)([*&!])(?=\S)")
_HASH_IN_FLOW = re.compile(r"[:,\[{]\s*(#)(?=[^\s#])")
_HEAD_OF_AMOUNT = re.compile(r"\$[0-9]{1,3}(?:,[0-9]{3})*")
_TAIL_OF_AMOUNT = re.compile(r"[0-9]{3}(?:\.[0-9]+)?[kKmM%]?")

_PLAIN_WORDS = {
    "mapping values are not allowed in this context": 'a second ":" in one value, or a line that is indented '
    "differently from its neighbours; line it up, or write the value in quotes",
    "did not find expected key": "this does not line up with the keys above it",
    "did not find expected '-' indicator": "this does not line up with the list above it",
    "block sequence entries are not allowed in this context": 'a list item begins with "- " on a line of its own',
    "could not find expected ':'": 'a ":" is missing after a key',
    "did not find expected node content": "a value is missing here",
    "found a tab character that violates indentation": "a tab; indent with blanks",
    "found unknown escape character": "a \\ that means nothing between \"...\"; write it twice, or use '...'",
    "did not find expected <document start>": "a line that is neither a key nor an item",
}


class Word(NamedTuple):
    """What somebody meant, and what to tell them."""

    text: str
    message: str


def forgotten_quotes(line: str, column: int, char: str, *, flow: bool, key: bool) -> Word:
    """Return the value that begins with `char` at the 1-based column, as far as it was meant to go."""
    rest = line[column - 1 :]
    end = re.search(r":(?:\s|$)", rest) if key else re.search(r"[,\]}]|\s#" if flow else r"\s#", rest)
    text = (rest[: end.start()] if end else rest).strip()
    mark = "'" if '"' in text else '"'
    what = "key" if key else "value"
    shown = _short(text)
    remedy = (
        f'{shown[1:]} or "{shown}"' if char == "@" and len(text) > 1 else f"{mark}{shown}{mark} in quotes"
    )
    return Word(text, f"a {what} cannot begin with {char}: write {remedy}")


def _short(text: str) -> str:
    """Return a value as far as a sentence bears it."""
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def mend(error: yaml.YAMLError, text: str) -> int | None:
    """Return the index of the character whose replacement lets reading go on; None when there is none."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return None
    context, problem = error.context_mark, error.problem_mark
    if error.context in _TOO_EARLY or "tag" in f"{error.context} {error.problem}":
        for mark in (context, problem):
            if mark is not None and text[mark.index : mark.index + 1] in tuple("*&!|>"):
                return mark.index
    if problem is None:
        return None
    if error.problem == "found character that cannot start any token":
        return problem.index if text[problem.index : problem.index + 1] in tuple("@`%") else None
    if not isinstance(error, yaml.parser.ParserError):
        return None
    start = problem.index - problem.column
    if signs := list(_SIGN_BEFORE_VALUE.finditer(text[start : problem.index])):
        return start + signs[-1].start(1)
    if context is not None and str(error.context).startswith("while parsing a flow"):
        return _hash_in_flow(text, context.index, problem.index)
    return None


def _hash_in_flow(text: str, begun: int, stumbled: int) -> int | None:
    """Return the `#` that made a comment of the rest of a line between brackets, and of the closing one."""
    # libyaml names the opening bracket in most cases; in the others the nearest one before is the best guess.
    start = begun if begun < stumbled else 0
    found = [
        match.start(1)
        for match in _HASH_IN_FLOW.finditer(text, start, stumbled)
        if _in_brackets(text, match.start(1))
    ]
    if not found:
        return None
    return found[0] if start else found[-1]


def _in_brackets(text: str, index: int) -> bool:
    before = text[text.rfind("\n", 0, index) + 1 : index]
    return "[" in before or "{" in before


def in_plain_words(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    """Return the 1-based line and column of what libyaml stumbled over, and why in people's words."""
    if isinstance(error, yaml.reader.ReaderError):
        index = max(text.find(chr(error.character)), 0) if isinstance(error.character, int) else 0
        return *place_in(text, index), f"a character it does not allow (U+{ord(text[index]):04X})"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return 1, 1, "libyaml gives no reason"
    mark, begun, problem = error.problem_mark, error.context_mark, str(error.problem)
    if problem.startswith("did not find expected ',' or ") and begun is not None:
        bracket = text[begun.index : begun.index + 1]
        if mark.line != begun.line:
            return begun.line + 1, begun.column + 1, f"the {bracket} that begins here is not closed"
        return mark.line + 1, mark.column + 1, f"a comma or a closing bracket is missing after the {bracket}"
    if error.context == "while scanning a quoted scalar" and begun is not None:
        return begun.line + 1, begun.column + 1, "the quotes that begin here are not closed"
    if problem == "found character that cannot start any token" and text[mark.index : mark.index + 1] == "\t":
        problem = "found a tab character that violates indentation"
    return mark.line + 1, mark.column + 1, _PLAIN_WORDS.get(problem, problem)


def rejoin_items(items: list[Node], problems: Problems) -> list[Node]:
    """Return the items with the amounts that YAML split inside [...] told and made whole: `$1,500`."""
    whole: list[Node] = []
    split: set[int] = set()
    for item in items:
        before = whole[-1] if whole else None
        if isinstance(before, Scalar) and isinstance(item, Scalar) and _is_split_amount(before, item):
            whole[-1] = before._replace(text=f"{before.text},{item.text}")
            split.add(len(whole) - 1)
        else:
            whole.append(item)
    return [_told(item, "[...]", problems) if at in split else item for at, item in enumerate(whole)]


def rejoin_pairs(pairs: list[tuple[Node, Node]], problems: Problems) -> list[tuple[Node, Node]]:
    """Return the pairs with the values that YAML split inside {...} told and made whole.

    `{at: $1,500}` is read as the key `at` and the key `500`, which holds nothing.
    """
    whole: list[tuple[Node, Node]] = []
    split: set[int] = set()
    for key, value in pairs:
        before = whole[-1][1] if whole else None
        if isinstance(before, Scalar) and isinstance(key, Scalar) and _is_rest_of(before, key, value):
            text = before.source.line(key.line)[before.column - 1 : key.column - 1 + len(key.text)]
            whole[-1] = (whole[-1][0], before._replace(text=text))
            split.add(len(whole) - 1)
        else:
            whole.append((key, value))
    return [
        (key, _told(value, "{...}", problems)) if at in split else (key, value)
        for at, (key, value) in enumerate(whole)
    ]


def _is_split_amount(before: Scalar, item: Scalar) -> bool:
    return (
        item.plain
        and before.plain
        and item.line == before.line
        and item.column == before.column + len(before.text) + 1
        and _HEAD_OF_AMOUNT.fullmatch(before.text) is not None
        and _TAIL_OF_AMOUNT.fullmatch(item.text) is not None
    )


def _is_rest_of(before: Scalar, key: Scalar, value: Node) -> bool:
    """Tell whether a key without a colon is what a comma cut off the value before it."""
    return (
        isinstance(value, Scalar)
        and not value.text
        and value.plain
        and key.plain
        and before.plain
        and before.text != ""
        and not (key.bad or value.bad or before.bad)
        and key.line == before.line
        and not key.source.line(key.line)[key.column - 1 + len(key.text) :].lstrip().startswith(":")
    )


def _told(node: Node, where: str, problems: Problems) -> Node:
    assert isinstance(node, Scalar), "only scalars are rejoined"
    problems.add("B005", node, f'YAML splits at commas inside {where}: write "{_short(node.text)}" in quotes')
    return node._replace(bad=True)
