"""`amount`: dollars, a table of them by group, or a plan of them by day."""

import re
from collections.abc import Iterator
from datetime import date

from bot.core.rules.book import Amount, Plan
from bot.core.rules.fields import DATE, QUANTITY
from bot.core.rules.nodes import Mapping, Node, Scalar, Sequence
from bot.core.rules.problems import Problems, quoted, where_is
from bot.core.rules.select import Pattern
from bot.core.rules.table import Field, Key, Table, entries, is_empty

ELSE = "else"
"""The last entry of a table: every group no other entry matched."""

HARD_LIMIT = "hard_limit"
"""OpenAI's own limit of the project, or of the organization."""

THOUSANDS_BY_POINT = re.compile(r"\s*\$?[1-9]\d{0,2}\.\d{3}\s*")
"""How much of Europe writes thousands; read as dollars it would be a thousandth."""

_FROM = Key("from", DATE, "The first day of the step.", required="the first day of the step, like 2026-02-01")
_AMOUNT = Key("amount", QUANTITY, "Dollars from that day on.", required="dollars, like 12,000")
_STEP = Table(_FROM, _AMOUNT)


def _amount(node: Node, name: str, problems: Problems) -> Amount | None:
    if isinstance(node, Mapping) and not _is_step(node):
        return _table(node, name, problems)
    plan = _plan(node, name, problems)
    return Amount(((None, plan),)) if plan else None


def _table(node: Mapping, name: str, problems: Problems) -> Amount:
    if not node.entries:
        problems.add("B014", node, f'"{name}" is an empty table')
    rows: list[tuple[Pattern | None, Plan]] = []
    last: Scalar | None = None
    for key, value in entries(node, f'"{name}"', problems):
        if last is not None:
            problems.add("B033", key, f'{quoted(key.text)} is never reached: write "else" last')
        if key.text == ELSE:
            last = key
        if not is_empty(value, f"{quoted(key.text)} is empty", problems, key=key):
            plan = _plan(value, key.text, problems)
            if plan:
                rows.append((None if key.text == ELSE else Pattern(key.text), plan))
    return Amount(tuple(rows))


def _plan(node: Node, name: str, problems: Problems) -> Plan | None:
    if isinstance(node, Scalar):
        if node.text == HARD_LIMIT:
            return Plan(hard_limit=True)
        amount = QUANTITY.read(node, name, problems)
        if amount is not None and THOUSANDS_BY_POINT.fullmatch(node.text):
            whole = node.text.strip().removeprefix("$")
            meant = whole.replace(".", ",")
            problems.add(
                "W107",
                node,
                f"{quoted(node.text)} is {whole.split('.')[0]} dollars; for thousands write {meant}",
            )
        return None if amount is None else Plan(((date.min, amount),))
    steps: dict[date, tuple[int, Node]] = {}
    for item in node.items if isinstance(node, Sequence) else (node,):
        values = _STEP.read(item, "a step of an amount", problems)
        first, amount = (values[_FROM], values[_AMOUNT]) if values else (None, None)
        if values is None or first is None or amount is None:
            continue
        if first in steps:
            told = where_is(steps[first][1])
            problems.add("B015", values.at(_FROM), f"two steps begin on {first} (first at {told})")
        steps.setdefault(first, (amount, values.at(_FROM)))
    if isinstance(node, Sequence) and not node.items:
        problems.add("B014", node, f'"{name}" is an empty list')
    return Plan(tuple((first, amount) for first, (amount, _) in sorted(steps.items()))) if steps else None


def _is_step(node: Mapping) -> bool:
    return "amount" in node.entries and "from" in node.entries


def pattern_places(node: Node) -> Iterator[Scalar]:
    """Yield the keys of a table of amounts that name groups."""
    if isinstance(node, Mapping) and not _is_step(node):
        for key, _ in node.entries.values():
            if key.text != ELSE and not key.bad:
                yield key


_PLAN: dict[str, object] = {
    "anyOf": [
        {"enum": [HARD_LIMIT]},
        _AMOUNT.field.schema,
        _STEP.schema,
        {"type": "array", "items": _STEP.schema, "minItems": 1},
    ]
}
_TABLE: dict[str, object] = {
    "type": "object",
    "minProperties": 1,
    "properties": {ELSE: {**_PLAN, "description": "Every group that no line above it matched."}},
    "additionalProperties": _PLAN,
}
AMOUNT = Field(_amount, {"anyOf": [_PLAN, _TABLE]}, pure=True)
