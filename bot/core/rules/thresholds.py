"""`thresholds`: the levels of a budget, in short form (`80%`, `$500`) and long (`{at: 80%, severity: info}`)."""

from typing import Literal, NamedTuple

from bot.core.money import NANO, show_usd
from bot.core.rules.book import SEVERITIES, Severity, Threshold
from bot.core.rules.fields import choice, from_text, percent_of, usd_of
from bot.core.rules.nodes import Mapping, Node, Scalar, Sequence
from bot.core.rules.problems import Problems, quoted, where_is
from bot.core.rules.table import Field, Key, Table, is_empty

_LEVEL = r"([0-9]+(\.[0-9]+)?\s*%|\$.*[0-9].*)"
"""What a level looks like, for editors."""


class _At(NamedTuple):
    label: str
    percent: str = ""
    nano: int = 0


def _at(text: str) -> _At | None:
    if text.endswith("%"):
        percent = percent_of(text)
        return _At(f"{percent}%", percent) if percent and percent != "0" else None
    nano = usd_of(text) if text.startswith("$") else None
    return _At(show_usd(nano, cents=nano % NANO != 0), nano=nano) if nano else None


def _wrong(text: str) -> str:
    bare = text.strip()
    if bare[:1].isdigit() and not bare.endswith("%") and (_at(f"{bare}%") or _at(f"${bare}")):
        return f"{quoted(text)} is no threshold; write {bare}% of the amount, or ${bare}"
    return f"{quoted(text)} is no threshold; write one like 80% or $500, above zero"


SEVERITY: Field[Severity] = choice("severity", {word: word for word in SEVERITIES})

_AT = Key(
    "at",
    from_text(_at, "B023", _wrong, {"type": "string", "pattern": f"^{_LEVEL}$"}),
    "A share of the amount (80%) or dollars ($500); it fires at or above.",
    required="a share of the amount or dollars, like 80% or $500",
)
_BASIS: Key[Literal["actual"]] = Key(
    "basis",
    choice("basis", {"actual": "actual"}, elsewhere=("forecast",)),
    "What is compared: actual is the spend so far.",
)
_SEVERITY = Key("severity", SEVERITY, "How loud the level is; by its position in the list if left out.")

LONG_FORM = Table(_AT, _BASIS, _SEVERITY, absent=("confidence",))


def _threshold(node: Node, name: str, problems: Problems) -> tuple[_At, Severity | None] | None:
    if isinstance(node, Mapping):
        values = LONG_FORM.read(node, "a threshold", problems)
        at = values[_AT] if values else None
        return (at, values[_SEVERITY]) if values and at else None
    if isinstance(node, Scalar) and node.text.startswith("forecast "):
        if not node.bad:
            problems.add(
                "B035", node, f"{quoted(node.text)}: forecast thresholds are not known to this version"
            )
        return None
    at = _AT.field.read(node, name, problems)
    return (at, None) if at else None


def _thresholds(node: Node, name: str, problems: Problems) -> tuple[Threshold, ...] | None:
    items = node.items if isinstance(node, Sequence) else (node,)
    if not items:
        problems.add("B014", node, f'"{name}" is an empty list')
    levels: list[tuple[_At, Severity | None]] = []
    places: dict[_At, Node] = {}
    for item in items:
        if is_empty(item, f'an item of "{name}" is empty', problems):
            continue
        level = _threshold(item, name, problems)
        if level is None:
            continue
        if level[0] in places:
            first = where_is(places[level[0]])
            problems.add("B032", item, f"two thresholds are at {level[0].label} (first at {first})")
            continue
        places[level[0]] = item
        levels.append(level)
    return tuple(
        Threshold(
            label=at.label,
            severity=severity or _by_position(len(levels) - position),
            percent=at.percent,
            at_nano=at.nano,
        )
        for position, (at, severity) in enumerate(levels)
    )


def _by_position(from_the_end: int) -> Severity:
    """Return critical for the last level, warning for the one before it, info for the others."""
    return "critical" if from_the_end == 1 else "warning" if from_the_end == 2 else "info"


_ONE = ({"type": "string", "pattern": f"^(forecast +)?{_LEVEL}$"}, LONG_FORM.schema)
THRESHOLDS = Field(
    _thresholds, {"anyOf": [*_ONE, {"type": "array", "items": {"anyOf": [*_ONE]}, "minItems": 1}]}
)

DEFAULT_THRESHOLDS = (
    Threshold("50%", "info", "50"),
    Threshold("80%", "warning", "80"),
    Threshold("100%", "critical", "100"),
)
"""The levels of a budget when neither the rule nor `defaults` names any."""
