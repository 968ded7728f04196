"""The JSON Schema of a rule file, for editors: made from the very tables that read it.

It accepts what `check` accepts, as YAML 1.1 and 1.2 hand it over (`20:00` may be a number, `on` a truth value), and
cannot know all that `check` refuses: names that exist nowhere, two rules of one id. A value left empty is refused
by both.
"""

from collections.abc import Mapping
from typing import Any

from bot.core.kinds import KINDS, Kind
from bot.core.rules.parse import SECTIONS
from bot.core.rules.rule_keys import ID, KIND
from bot.core.rules.selecting import PATTERNS
from bot.core.rules.thresholds import THRESHOLDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SHAPES: Mapping[str, Mapping[str, object]] = {"patterns": PATTERNS.schema, "thresholds": THRESHOLDS.schema}
"""What stands behind many keys, and is written out once."""


def schema() -> dict[str, Any]:
    """Return the schema of a rule file (draft 2020-12)."""
    top: dict[str, Any] = SECTIONS.schema
    rules = {**top["properties"]["rules"], "items": {"$ref": "#/$defs/rule"}}
    keys = _keys()
    definitions = {
        "rule": _rule(),
        **{f"kind.{word}": _keys_of(word, kind, keys) for word, kind in KINDS.items()},
        **{f"key.{name}": _short(key) for name, key in sorted(keys.items())},
        **SHAPES,
    }
    return {
        "$schema": DIALECT,
        "title": "Rules of budgetbot",
        "description": "What is watched, who hears of it, and when. budgetbot check prints every mistake.",
        **_short({**top, "properties": {**top["properties"], "rules": rules}}),
        "$defs": definitions,
    }


def _rule() -> dict[str, Any]:
    """Return the schema of a rule: an editor that knows the kind completes and explains that kind's keys alone."""
    kinds = " ".join(f"{word}: {kind.about}" for word, kind in KINDS.items())
    return {
        "type": "object",
        "description": "One thing that is watched.",
        "properties": {
            ID.name: ID.schema,
            KIND.name: {"enum": list(KINDS), "description": f"{KIND.about} {kinds}"},
        },
        "required": [ID.name, KIND.name],
        "allOf": [
            {
                "if": {"properties": {KIND.name: {"const": word}}, "required": [KIND.name]},
                "then": {"$ref": f"#/$defs/kind.{word}"},
            }
            for word in KINDS
        ],
    }


def _keys() -> dict[str, dict[str, object]]:
    """Return each key of a rule under its name, as the first kind that has it explains it."""
    found: dict[str, dict[str, object]] = {}
    for kind in KINDS.values():
        for name, key in kind.keys.keys.items():
            if name != KIND.name:
                found.setdefault(name, key.schema)
    return found


def _keys_of(word: str, kind: Kind, keys: Mapping[str, dict[str, object]]) -> dict[str, object]:
    """Return the schema of a kind's keys; those that mean the same in all kinds stand once for all of them."""
    told: dict[str, object] = {KIND.name: {"const": word, "description": kind.about}}
    for name, key in kind.keys.keys.items():
        if name != KIND.name:
            told[name] = {"$ref": f"#/$defs/key.{name}"} if key.schema == keys[name] else _short(key.schema)
    return {**kind.keys.schema, "description": kind.about, "properties": told}


def _short(node: Any) -> Any:
    """Return a schema in which the shapes that are written out once are pointed to."""
    if isinstance(node, list | tuple):
        return [_short(part) for part in node]
    if not isinstance(node, Mapping):
        return node
    for name, shape in SHAPES.items():
        if shape.items() <= node.items():
            more = {word: value for word, value in node.items() if word not in shape}
            return {"$ref": f"#/$defs/{name}", **more}
    return {word: _short(value) for word, value in node.items()}
