"""Names in rule files that OpenAI has never reported: probably misspelt, perhaps only not there yet."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from bot.core.dimension import UNATTRIBUTED
from bot.core.rules.book import Problem
from bot.core.rules.problems import closest, quoted


class Mention(NamedTuple):
    """A name that a rule file writes out, at its place (1-based): something should bear it."""

    dimension: str
    text: str
    file: str
    """The path as problems show it."""
    line: int
    column: int


def warnings_from_snapshot(
    mentions: Iterable[Mention], names: Mapping[str, Collection[tuple[str, str]]]
) -> tuple[Problem, ...]:
    """Return a warning for each mention that matches nothing, sorted by file and line.

    `names` holds the (id, name) pairs of each dimension in the last snapshot; a dimension that is missing, or
    of which nothing is known, warns of nothing. Globs may wait for what they match.
    """
    known = {
        dimension: {word for pair in pairs for word in (pair[0], pair[1].casefold())}
        for dimension, pairs in names.items()
        if pairs
    }
    return tuple(
        sorted(
            _warning(mention, names[mention.dimension])
            for mention in mentions
            if mention.dimension in known
            and not {"*", "?"} & set(mention.text)
            and mention.text != UNATTRIBUTED[mention.dimension]
            and not {mention.text, mention.text.casefold()} & known[mention.dimension]
        )
    )


def _warning(mention: Mention, pairs: Collection[tuple[str, str]]) -> Problem:
    ids = {name: value for value, name in pairs}
    near = closest(mention.text, ids)
    value = ids.get(near, "")
    shown = f" ({value if len(value) <= 8 else value[:7] + '…'})" if value and value != near else ""
    thing = mention.dimension.replace("_", " ")
    return Problem(
        file=mention.file,
        line=mention.line,
        column=mention.column,
        code="W103",
        message=f"no {thing} named {quoted(mention.text)} in the last snapshot"
        + (f"; closest: {quoted(near)}{shown}" if near else ""),
        severity="warning",
        suggestion=near,
        width=len(mention.text),
    )
