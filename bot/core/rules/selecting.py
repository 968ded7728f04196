"""`select`, `except` and `each`: dimensions, and patterns of their values."""

from collections.abc import Iterator

from bot.core.dimension import EVERY_DIMENSION, UNATTRIBUTED
from bot.core.rules.fields import TEXT, list_of, text_of, written
from bot.core.rules.nodes import Mapping, Node, Scalar, Sequence
from bot.core.rules.problems import Problems, quoted
from bot.core.rules.select import Pattern, Selector
from bot.core.rules.table import Field, Key, Table, entries, is_empty

_PARTS_OF_A_LINE_ITEM = frozenset(
    ("input", "output", "cached input", "cache write", "image", "audio", "text", "training")
)
"""What stands after the comma in line items that OpenAI bills: `gpt-5, cached input`."""


def _pattern(node: Node, name: str, problems: Problems) -> Pattern | None:
    if not isinstance(node, Mapping):
        text = text_of(node, name, problems)
        if text is None:
            return None
        if len(text) > 200 or not text.isprintable():
            problems.add("B020", node, f"{quoted(text)} is not a line of at most 200 printable characters")
            return None
        return Pattern(text)
    if set(node.entries) != {"regex"}:
        problems.add("B011", node, f'"{name}" takes names, or {{regex: ...}}')
        return None
    value = node.entries["regex"].value
    text = text_of(value, "regex", problems)
    if text is None:
        return None
    from bot.core.rules.regex import regex_trouble  # noqa: PLC0415 - few rules have one

    if trouble := regex_trouble(text):
        problems.add("B026", value, f"{quoted(text)} {trouble}")
        return None
    return Pattern(text, regex=True)


_REGEX = Table(Key("regex", TEXT, "A regular expression that matches the whole name.", required="one"))
PATTERNS = list_of(Field(_pattern, {"anyOf": [written(), _REGEX.schema]}, pure=True))


def _selector(node: Node, name: str, problems: Problems) -> Selector | None:
    terms: list[tuple[str, tuple[Pattern, ...]]] = []
    for key, value in entries(node, f'"{name}"', problems):
        # Whether there is such a dimension depends on what the rule counts: its kind tells.
        if not is_empty(value, f'"{key.text}" is empty', problems, key=key):
            if key.text == "line_item":
                _warn_of_split_line_items(value, problems)
            patterns = PATTERNS.read(value, key.text, problems)
            if patterns:
                terms.append((key.text, patterns))
    return Selector(tuple(terms))


def _warn_of_split_line_items(node: Node, problems: Problems) -> None:
    if not isinstance(node, Sequence) or not node.flow:
        return
    for before, after in zip(node.items, node.items[1:], strict=False):
        if (
            isinstance(before, Scalar)
            and isinstance(after, Scalar)
            and before.plain
            and after.plain
            and after.text in _PARTS_OF_A_LINE_ITEM
            and before.text not in _PARTS_OF_A_LINE_ITEM
        ):
            problems.add(
                "W104", before, f'is this one line item? write "{before.text}, {after.text}" in quotes'
            )


def named_values(selector: Node, dimension: str = "") -> Iterator[tuple[str, Scalar]]:
    """Yield (dimension, place) of every name that a selector, or the patterns of one dimension, write out."""
    if isinstance(selector, Mapping):
        if not dimension:
            for key, value in selector.entries.values():
                yield from named_values(value, key.text)
    elif isinstance(selector, Sequence):
        for item in selector.items:
            yield from named_values(item, dimension)
    elif dimension in UNATTRIBUTED and selector.text and not selector.bad:
        yield dimension, selector


SELECTOR = Field(
    _selector,
    Table(
        *(
            Key(name, PATTERNS, f"{name}: a name, an id, a glob, {{regex: ...}}, or a list of them.")
            for name in EVERY_DIMENSION
        )
    ).schema,
    pure=True,
)


def _dimension(node: Node, name: str, problems: Problems) -> str | None:
    return text_of(node, name, problems)


EACH = list_of(Field(_dimension, {"enum": list(EVERY_DIMENSION)}, pure=True), twice=False)
