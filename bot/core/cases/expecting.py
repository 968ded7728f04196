"""What a case expects, and of which group."""

from typing import get_args

from bot.core.cases.case import Expectation, Labels
from bot.core.cases.fields import FIGURE, INSTANT, several
from bot.core.dimension import UNATTRIBUTED
from bot.core.rules.fields import TEXT, choice, list_of, text_of, whole
from bot.core.rules.nodes import Node, Scalar
from bot.core.rules.problems import Problems, closest, quoted
from bot.core.rules.table import Field, Key, Table, entries, is_empty
from bot.core.rules.thresholds import SEVERITY
from bot.core.status import State


def _labels(node: Node, name: str, problems: Problems) -> Labels | None:
    """Return (dimension, name) pairs; a single word belongs to the rule's one dimension, called ''."""
    if isinstance(node, Scalar):
        text = text_of(node, name, problems)
        return None if text is None else (("", text),)
    found: list[tuple[str, str]] = []
    for key, value in entries(node, f'"{name}"', problems):
        if key.text not in UNATTRIBUTED:
            known = ", ".join(UNATTRIBUTED)
            message = f"there is no dimension {quoted(key.text)}; there are {known}"
            problems.add("B034", key, message, closest(key.text, UNATTRIBUTED))
        elif not is_empty(value, f'"{key.text}" is empty', problems, key=key):
            text = text_of(value, key.text, problems)
            if text is not None:
                found.append((key.text, text))
    return tuple(found)


AT = Key("at", INSTANT, "When.", required="when, like 2026-08-14T12:30Z")
GROUP = Key(
    "group",
    Field(_labels, {"type": ["object", "string"]}),
    "Which of the rule's groups: {project: search-prod}.",
)
_STATES: dict[str, str] = {state: state for state in get_args(State)}
STATE = Key("state", choice("state", _STATES), "ok, firing, ended, learning ...")
LEVEL = Key("level", TEXT, "The highest level that fires: 80%.")
SEVERITY_KEY = Key("severity", SEVERITY, "How grave it is.")
REASON = Key("reason", TEXT, "The word of the decision that led there: corrected, higher level ...")
SAYS = Key("says", list_of(TEXT), "Words that the message or its thread must hold.")
SILENT = Key("says_not", list_of(TEXT), "Words that neither the message nor its thread may hold.")
VALUE = Key("value", FIGURE, "The figure it stands at.")
AMOUNT = Key("amount", FIGURE, "The amount it is measured by.")
MESSAGES = Key("messages", whole(0, 10_000), "How many messages there were so far.")
REPLIES = Key("replies", whole(0, 10_000), "How many lines their threads hold so far.")
EXPECT_KEYS = Table(
    AT, GROUP, STATE, LEVEL, SEVERITY_KEY, REASON, SAYS, SILENT, VALUE, AMOUNT, MESSAGES, REPLIES
)


def _expectation(node: Node, _name: str, problems: Problems) -> Expectation | None:
    values = EXPECT_KEYS.read(node, "an expectation", problems)
    if values is None:
        return None
    if not values.node.entries.keys() - {AT.name, GROUP.name}:
        problems.add(
            "B010", values.node, "an expectation needs what is expected: state, level, reason, says ..."
        )
    at, severity = values[AT], values[SEVERITY_KEY]
    if at is None:
        return None
    return Expectation(
        at=at,
        place=values.node,
        group=values[GROUP],
        state=values.get(STATE, ""),
        level=values.get(LEVEL, ""),
        severity=severity or "",
        reason=values.get(REASON, ""),
        says=values.get(SAYS, ()),
        silent=values.get(SILENT, ()),
        value=values[VALUE],
        amount=values[AMOUNT],
        messages=values[MESSAGES],
        replies=values[REPLIES],
    )


EXPECTATIONS = several(Field(_expectation, EXPECT_KEYS.schema))
