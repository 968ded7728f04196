"""Keys and what they may hold: one table reads a file, and describes itself to editors.

A `Field` is what can stand behind a key, a `Key` its name and one line about it, a `Table` the keys that belong
together. Reading gathers problems and goes on; a None among the values is a problem already told, or a key
that was not written.

Classes here and beside are named tuples, or plain: a frozen dataclass takes a millisecond to define, which every
`check` would pay for thirty of them.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from bot.core.rules.nodes import Entry, Node, Scalar, Wording, wording
from bot.core.rules.nodes import Mapping as MappingNode
from bot.core.rules.problems import Problems, closest, quoted

T = TypeVar("T")

MOST_SUGGESTED = 200
"""So many problems there may be before nobody looks any more for what an unknown key was meant to be."""

MOST_REMEMBERED = 1_000
"""So many different wordings of a field are remembered with what they mean."""

Read = Callable[[Node, str, Problems], T | None]
"""(node, the key's name, where problems go) → the value, or None when a problem was told."""


class Field(Generic[T]):
    """What may stand behind a key, for the program and (as JSON Schema) for an editor.

    Of a `pure` one the wording alone says what it means, wherever it stands: it is read once.
    """

    __slots__ = ("meanings", "pure", "read", "schema")

    def __init__(self, read: Read[T], schema: Mapping[str, object], *, pure: bool = False) -> None:
        self.read = read
        self.schema = schema
        self.pure = pure
        self.meanings: dict[Wording, T] = {}
        """What is known of pure wordings; none of them was a mistake."""

    def read_at(self, node: Node, name: str, problems: Problems) -> T | None:
        """Return the value of a node that holds something, as `read` does, and remember what it means."""
        if not self.pure or (written := wording(node)) is None:
            return self.read(node, name, problems)
        known = self.meanings.get(written)
        return self.learn(written, node, name, problems) if known is None else known

    def learn(self, written: Wording, node: Node, name: str, problems: Problems) -> T | None:
        """Return the value of a node whose wording is not known yet, as `read` does, and remember what it means."""
        before = len(problems.found)
        value = self.read(node, name, problems)
        if value is not None and len(problems.found) == before and len(self.meanings) < MOST_REMEMBERED:
            self.meanings[written] = value
        return value


class Key(NamedTuple, Generic[T]):
    """A word of the language."""

    name: str
    field: Field[T]
    about: str
    """One line for the person who writes it."""
    required: str = ""
    """Said to the person who left it out: what to write."""
    default: object = None
    """What holds where it is not written, as people would write it; None where nothing, or something else, does."""

    @property
    def schema(self) -> dict[str, object]:
        """Return what may stand behind the key, explained."""
        told = {**self.field.schema, "description": self.about}
        return told if self.default is None else {**told, "default": self.default}


class Values:
    """What a table read: typed values by key, and where they stand."""

    __slots__ = ("found", "node", "where")

    def __init__(self, node: MappingNode, where: str, found: Mapping[str, Any]) -> None:
        self.node = node
        self.where = where
        """What the keys belong to, in words: `rule "project-month"`."""
        self.found = found

    def __getitem__(self, key: Key[T]) -> T | None:
        return self.found.get(key.name)

    def get(self, key: Key[T], default: T) -> T:
        """Return the value, or `default` when there is none."""
        value = self.found.get(key.name)
        return default if value is None else value

    def has(self, key: Key[Any]) -> bool:
        """Tell whether the key was written, rightly or wrongly."""
        return key.name in self.node.entries

    def at(self, key: Key[Any]) -> Node:
        """Return the place of the key's value; of the whole where it was not written."""
        entry = self.node.entries.get(key.name)
        return entry.value if entry else self.node


class Table:
    """Keys that belong together.

    `absent` are keys of the language that this version does not know: told apart from misspelt ones.
    """

    def __init__(self, *keys: Key[Any], absent: Collection[str] = ()) -> None:
        self.keys: Mapping[str, Key[Any]] = {key.name: key for key in keys}
        self.absent = frozenset(absent)
        self._fields = {key.name: key.field for key in keys}
        self._required = tuple(key for key in keys if key.required)

    @property
    def schema(self) -> dict[str, object]:
        """Return the JSON Schema of the keys: each explained, and no other allowed."""
        told: dict[str, object] = {
            "type": "object",
            "properties": {name: key.schema for name, key in self.keys.items()},
            "additionalProperties": False,
        }
        return {**told, "required": [key.name for key in self._required]} if self._required else told

    @property
    def by_name(self) -> dict[str, object]:
        """Return the JSON Schema of free names, each with these keys."""
        return {"type": "object", "additionalProperties": self.schema}

    def read(self, node: Node, where: str, problems: Problems) -> Values | None:
        """Return what the mapping holds; None when it is none."""
        mapping = as_mapping(node, where, problems)
        if mapping is None:
            return None
        found: dict[str, object] = {}
        fields = self._fields
        for name, entry in mapping.entries.items():
            field, value = fields.get(name), entry.value
            if field is None:
                self._unknown(entry.key, where, problems)
            elif type(value) is Scalar and (text := value.text):
                # Nearly all of a thousand rules: a word, and most often one that was read before.
                if value.bad or not field.pure:
                    found[name] = field.read(value, name, problems)
                elif (known := field.meanings.get(text)) is not None:
                    found[name] = known
                else:
                    found[name] = field.learn(text, value, name, problems)
            elif type(value) is not Scalar or not is_empty(
                value, f'"{name}" is empty', problems, self.keys[name].required, entry.key
            ):
                found[name] = field.read_at(value, name, problems)
        for key in self._required:
            if key.name not in mapping.entries:
                problems.add("B010", mapping, f'{where} needs "{key.name}": {key.required}')
        return Values(mapping, where, found)

    def _unknown(self, key: Scalar, where: str, problems: Problems) -> None:
        if key.bad:
            return
        if key.text in self.absent:
            problems.add("B035", key, f"key {quoted(key.text)} in {where} is not known to this version")
            return
        near = closest(key.text, self.keys) if len(problems.found) < MOST_SUGGESTED else ""
        known = "" if near or len(self.keys) > 12 else f"; it knows: {', '.join(self.keys)}"
        problems.add("B012", key, f"unknown key {quoted(key.text)} in {where}{known}", near)


def as_mapping(node: Node, where: str, problems: Problems) -> MappingNode | None:
    """Return the node when it holds keys and values; otherwise tell, and return None."""
    if isinstance(node, MappingNode):
        return node
    if not (isinstance(node, Scalar) and node.bad):
        what = quoted(node.text) if isinstance(node, Scalar) else "a list"
        problems.add("B011", node, f"{where} takes keys and values, not {what}")
    return None


def entries(node: Node, where: str, problems: Problems) -> list[Entry]:
    """Return the entries of a mapping whose keys are free names, without those already reported."""
    mapping = as_mapping(node, where, problems)
    return [entry for entry in mapping.entries.values() if not entry.key.bad] if mapping else []


def is_empty(node: Node, told: str, problems: Problems, remedy: str = "", key: Node | None = None) -> bool:
    """Tell whether nothing stands there, and say so: a `#` after a blank begins a comment in YAML."""
    if not isinstance(node, Scalar) or node.text or node.bad:
        return False
    line = node.source.line(node.line)
    rest = line[node.column - 1 :].lstrip()
    word = rest.split()[0].rstrip(",]}") if node.plain and rest.startswith("#") else ""
    if len(word) > 1:
        at = node._replace(column=len(line) - len(rest) + 1, text=word)
        problems.add("B003", at, f'{told}: YAML reads "{word}" as a comment; write {word[1:]} or "{word}"')
    else:
        problems.add("B003", key or node, f"{told}; {remedy}" if remedy else told)
    return True
