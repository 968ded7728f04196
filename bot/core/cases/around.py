"""What happens around the figures of a case: limits, edits of the rule, a clock that moves, polls that fail."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from bot.core.cases.case import Edit, LimitStep, Outage, Step
from bot.core.cases.fields import FIGURE, INSTANT, several, show
from bot.core.limits import Limit
from bot.core.money import nano
from bot.core.rules.fields import DURATION, TEXT, YES_NO, choice
from bot.core.rules.nodes import Node
from bot.core.rules.problems import Problems
from bot.core.rules.table import Field, Key, Table, as_mapping

_STATUS: dict[str, Literal["set", "none", "unknown"]] = {"set": "set", "none": "none", "unknown": "unknown"}
LIMIT_PROJECT = Key("project", TEXT, "Whose limit; left out: the organization's own.")
LIMIT_AMOUNT = Key("amount", FIGURE, "Dollars a month.")
LIMIT_STATUS = Key(
    "status",
    choice("status of a limit", _STATUS),
    "set, none, or unknown where it could not be read.",
)
LIMIT_ENFORCING = Key("enforcing", YES_NO, "OpenAI refuses requests because of it.")
LIMIT_FROM = Key("from", INSTANT, "From when on; left out: always.")
LIMIT_KEYS = Table(LIMIT_PROJECT, LIMIT_AMOUNT, LIMIT_STATUS, LIMIT_ENFORCING, LIMIT_FROM)

STEP_AT = Key("at", INSTANT, "When it moves.", required="the instant at which it moves")
STEP_BACK = Key("back", DURATION, "How far back: 10m.")
STEP_AHEAD = Key("ahead", DURATION, "How far ahead: 10m.")
STEP_KEYS = Table(STEP_AT, STEP_BACK, STEP_AHEAD)

OUTAGE_FROM = Key("from", INSTANT, "The first poll that fails.", required="when polls begin to fail")
OUTAGE_TO = Key("to", INSTANT, "The first that succeeds again.", required="when polls succeed again")
OUTAGE_KEYS = Table(OUTAGE_FROM, OUTAGE_TO)

EDIT_AT, EDIT_REMOVE = "at", "remove"
FOR_GOOD = ("id", "kind", "was")
"""Keys of a rule that no edit of a case changes: a case follows one rule."""


def _limit(node: Node, _name: str, problems: Problems) -> LimitStep | None:
    values = LIMIT_KEYS.read(node, "a limit", problems)
    if values is None:
        return None
    amount, since = values[LIMIT_AMOUNT], values[LIMIT_FROM]
    status = values[LIMIT_STATUS] or ("none" if values.has(LIMIT_STATUS) else "set")
    if status == "set" and not values.has(LIMIT_AMOUNT):
        problems.add("B010", values.node, 'a limit needs "amount": dollars a month; or status: none')
    if status != "set" and values.has(LIMIT_AMOUNT):
        problems.add("B033", values.at(LIMIT_AMOUNT), f'a limit whose status is "{status}" has no amount')
    limit = Limit(
        status,
        None if amount is None else _nano(amount, values.at(LIMIT_AMOUNT), problems),
        values.get(LIMIT_ENFORCING, False),
        why="the case says so" if status == "unknown" else "",
    )
    return LimitStep(values.get(LIMIT_PROJECT, ""), limit, since)


def _nano(figure: Decimal, place: Node, problems: Problems) -> int | None:
    try:
        return nano(figure)
    except ValueError as wrong:
        problems.add("B022", place, str(wrong))
        return None


def _step(node: Node, _name: str, problems: Problems) -> Step | None:
    values = STEP_KEYS.read(node, "a step of the clock", problems)
    if values is None:
        return None
    at, back, ahead = values[STEP_AT], values[STEP_BACK], values[STEP_AHEAD]
    if values.has(STEP_BACK) == values.has(STEP_AHEAD):
        problems.add("B033", values.node, 'a step of the clock goes "back" or "ahead", like back: 10m')
        return None
    if at is None or (back is None and ahead is None):
        return None
    return Step(at, ahead.total_seconds() if ahead else -back.total_seconds() if back else 0)


def _outage(node: Node, name: str, problems: Problems) -> Outage | None:
    values = OUTAGE_KEYS.read(node, f'"{name}"', problems)
    start, end = (values[OUTAGE_FROM], values[OUTAGE_TO]) if values else (None, None)
    if values is None or start is None or end is None:
        return None
    if start >= end:
        problems.add("B033", values.at(OUTAGE_TO), f'"to" must come after {show(start)}')
        return None
    return Outage(start, end)


def _edit(node: Node, name: str, problems: Problems) -> Edit | None:
    mapping = as_mapping(node, f'"{name}"', problems)
    if mapping is None:
        return None
    at: datetime | None = None
    remove = False
    keys = []
    for entry in mapping.entries.values():
        match entry.key.text:
            case "at":
                at = INSTANT.read(entry.value, EDIT_AT, problems)
            case "remove":
                remove = bool(YES_NO.read(entry.value, EDIT_REMOVE, problems))
            case word if word in FOR_GOOD:
                problems.add("B033", entry.key, f'an edit cannot change "{word}": a case follows one rule')
            case _:
                keys.append(entry)
    if EDIT_AT not in mapping.entries:
        problems.add("B010", mapping, 'an edit needs "at": from when on, like 2026-08-14T00:00Z')
    if remove and keys:
        problems.add("B033", keys[0].key, "a rule that is removed has no keys")
    if not remove and not mapping.entries.keys() - {EDIT_AT, EDIT_REMOVE}:
        problems.add("B010", mapping, "an edit needs keys of the rule to write anew, or remove: true")
    return None if at is None else Edit(at, tuple(keys), remove, mapping)


LIMITS = several(Field(_limit, LIMIT_KEYS.schema))
CLOCK = several(Field(_step, STEP_KEYS.schema))
OUTAGES = several(Field(_outage, OUTAGE_KEYS.schema))
EDITS = several(Field(_edit, {"type": "object", "required": [EDIT_AT]}))
