"""From a file's text to nodes, by libyaml's events: three times as quick as its node graph.

Events and not the graph also because an alias must not abort: in rule files `*-prod` is a glob whose quotes
were forgotten. Anchors, aliases and tags are no part of the language, so nothing grows when it is read.
"""

from typing import Any

import yaml

from bot.core.rules.nodes import Entry, Mapping, Node, Scalar, Sequence, Source, place_in
from bot.core.rules.problems import Problems, quoted
from bot.edge.yaml_repair import (
    MOST_MENDS,
    forgotten_quotes,
    in_plain_words,
    mend,
    rejoin_items,
    rejoin_pairs,
)

DEEPEST = 20
"""How deep lists and keys may nest; a rule needs six."""

Mends = dict[tuple[int, int], str]
"""Line and column (1-based) → the character that was replaced there so that reading could go on."""


class _Refused(Exception):
    """The file is YAML, but more of it than a rule file may be."""

    def __init__(self, code: str, message: str, mark: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = mark.line + 1
        self.column = mark.column + 1


def read_yaml(source: Source, problems: Problems) -> Node | None:
    """Return what the file holds, an empty mapping for an empty file; None, told, when it cannot be read.

    An unquoted `*`, `@` or `#` stops libyaml. That one character is replaced, told as a problem, and the file
    read again: every other mistake in it is found in the same run, at its true place.
    """
    text = source.text
    mends: Mends = {}
    while True:
        found = Problems()
        reader = _Reader(source, text, mends, found)
        try:
            node = reader.document()
        except _Refused as refused:
            _tell(refused.code, source, refused.line, refused.column, refused.message, found)
            problems.found += found.found
            return None
        except UnicodeEncodeError:
            _tell("B002", source, 1, 1, "the file holds characters that are no text", problems)
            return None
        except yaml.YAMLError as error:
            index = mend(error, text) if len(mends) < MOST_MENDS else None
            if index is None:
                line, column, reason = in_plain_words(error, text)
                for at, char in mends.items():
                    _tell_of_mend(source, at, char, problems)
                _tell("B001", source, line, column, f"this cannot be read as YAML: {reason}", problems)
                return None
            mends[place_in(text, index)] = text[index]
            text = f"{text[:index]}_{text[index + 1 :]}"
        else:
            problems.found += found.found
            for at in mends.keys() - reader.met:
                _tell_of_mend(source, at, mends[at], problems)
            return node
        finally:
            reader.close()


def _tell(code: str, source: Source, line: int, column: int, message: str, problems: Problems) -> None:
    problems.add(code, Scalar(source, line, column, ""), message)


def _tell_of_mend(source: Source, at: tuple[int, int], char: str, problems: Problems) -> None:
    flow = any(bracket in source.line(at[0])[: at[1]] for bracket in "[{")
    word = forgotten_quotes(source.line(at[0]), at[1], char, flow=flow, key=False)
    problems.add("B004", Scalar(source, *at, word.text), word.message)


class _Reader:
    """One pass over a file's events."""

    def __init__(self, source: Source, text: str, mends: Mends, problems: Problems) -> None:
        self._source = source
        self._mends = mends
        self.met: set[tuple[int, int]] = set()
        """The replaced characters that began a value, and were told."""
        self._problems = problems
        self._loader: Any = None
        self._text = text

    def close(self) -> None:
        if self._loader is not None:
            self._loader.dispose()

    def document(self) -> Node:
        """Return the one document of the file."""
        self._loader = yaml.CSafeLoader(self._text)
        self._next = self._loader.get_event
        self._next()
        event = self._next()
        if type(event) is yaml.StreamEndEvent:
            return Mapping(self._source, 1, 1, {})
        node = self._node(self._next(), 0, flow=False)
        self._next()
        event = self._next()
        if type(event) is not yaml.StreamEndEvent:
            raise _Refused("B001", "a second document begins here: a rule file holds one", event.start_mark)
        return node

    def _node(self, event: Any, depth: int, *, flow: bool, key: bool = False) -> Node:
        kind = type(event)
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        if kind is yaml.ScalarEvent:
            if (
                event.tag is not None
                or event.anchor is not None
                or (self._mends and (line, column) in self._mends)
            ):
                return self._forgotten_quotes(line, column, flow=flow, key=key)
            return Scalar(self._source, line, column, event.value, not event.style)
        if kind is yaml.AliasEvent:
            return self._forgotten_quotes(line, column, flow=flow, key=key)
        if depth == DEEPEST:
            raise _Refused("B002", f"keys and lists are nested more than {DEEPEST} deep", mark)
        flow = bool(event.flow_style)
        read = self._mapping if kind is yaml.MappingStartEvent else self._sequence
        node = read(line, column, depth + 1, flow=flow)
        if event.anchor is None and event.tag is None:
            return node
        sign = "an anchor (&)" if event.anchor else "a tag (!)"
        _tell(
            "B004", self._source, line, column, f"{sign} is no part of a rule file; remove it", self._problems
        )
        return Scalar(self._source, line, column, "", bad=True)

    def _sequence(self, line: int, column: int, depth: int, *, flow: bool) -> Sequence:
        items: list[Node] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._node(event, depth, flow=flow))
        if flow:
            items = rejoin_items(items, self._problems)
        return Sequence(self._source, line, column, tuple(items), flow)

    def _mapping(self, line: int, column: int, depth: int, *, flow: bool) -> Mapping:
        pairs: list[tuple[Node, Node]] = []
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key = self._node(event, depth, flow=flow, key=True)
            pairs.append((key, self._node(self._next(), depth, flow=flow)))
        if flow:
            pairs = rejoin_pairs(pairs, self._problems)
        entries: dict[str, Entry] = {}
        for key, value in pairs:
            if not isinstance(key, Scalar):
                self._problems.add("B011", key, "a key is one word, not a list or keys")
            elif key.text in entries:
                if not key.bad:
                    first = entries[key.text].key.line
                    self._problems.add(
                        "B006", key, f"{quoted(key.text)} is written twice (first at line {first})"
                    )
            else:
                entries[key.text] = Entry(key, value)
        return Mapping(self._source, line, column, entries)

    def _forgotten_quotes(self, line: int, column: int, *, flow: bool, key: bool) -> Scalar:
        self.met.add((line, column))
        text = self._source.line(line)
        char = text[column - 1 : column]
        if char == "#":
            # Nothing stands there for YAML: whoever reads the key says so, with the key's name.
            return Scalar(self._source, line, column, "")
        word = forgotten_quotes(text, column, char, flow=flow, key=key)
        node = Scalar(self._source, line, column, word.text, bad=True)
        self._problems.add("B004", node, word.message)
        return node
