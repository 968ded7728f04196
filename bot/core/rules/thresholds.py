"""`thresholds`: the levels of a budget, in short form (`80%`, `$500`) and long (`{at: 80%, severity: info}`)."""

from typing import Literal, NamedTuple

from bot.core.money import NANO, show_usd
from bot.core.rules.book import Threshold
from bot.core.rules.fields import choice, from_text, percent_of, usd_of
from bot.core.rules.nodes import Mapping, Node, Scalar, Sequence
from bot.core.rules.problems import Problems, quoted, where_is
from bot.core.rules.table import Field, Key, Table, is_empty
from bot.core.severity import SEVERITIES, Severity

_LEVEL = r"([0-9]+(\.[0-9]+)?\s*%|\$.*[0-9].*)"
"""What a level looks like, for editors."""


Basis = Literal["actual", "forecast"]
CONFIDENCE = 0.8


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


def _confidence(text: str) -> float | None:
    percent = percent_of(text)
    share = float(percent) / 100 if percent else 0.0
    return share if 0.5 <= share <= 0.99 else None


SEVERITY: Field[Severity] = choice("severity", {word: word for word in SEVERITIES})

_AT = Key(
    "at",
    from_text(_at, "B023", _wrong, {"type": "string", "pattern": f"^{_LEVEL}$"}),
    "A share of the amount (80%) or dollars ($500); it fires at or above.",
    required="a share of the amount or dollars, like 80% or $500",
)
_BASIS: Key[Basis] = Key(
    "basis",
    choice("basis", {"actual": "actual", "forecast": "forecast"}),
    "What is compared: actual is the spend so far, forecast what the period is on course for.",
)
_CONFIDENCE = Key(
    "confidence",
    from_text(
        _confidence,
        "B023",
        lambda text: f"{quoted(text)} is no confidence; write one from 50% to 99%",
        {"type": "string", "pattern": "^[0-9]{2}(\\.[0-9]+)?\\s*%$"},
    ),
    "How probable a forecast must be on two settled days in a row: 80% if left out.",
)
_SEVERITY = Key("severity", SEVERITY, "How loud the level is; by its position in the list if left out.")

LONG_FORM = Table(_AT, _BASIS, _CONFIDENCE, _SEVERITY)
FORECAST = "forecast "
"""How a level about the forecast begins, in short form and in its label."""


class _Level(NamedTuple):
    at: _At
    basis: Basis = "actual"
    confidence: float = CONFIDENCE
    severity: Severity | None = None


def _threshold(node: Node, name: str, problems: Problems) -> _Level | None:
    if isinstance(node, Mapping):
        values = LONG_FORM.read(node, "a threshold", problems)
        at = values[_AT] if values else None
        if values is None or at is None:
            return None
        basis = values.get(_BASIS, "actual")
        if basis == "actual" and values.has(_CONFIDENCE):
            problems.add("B033", values.at(_CONFIDENCE), '"confidence" is for "basis: forecast" only')
        return _Level(at, basis, values.get(_CONFIDENCE, CONFIDENCE), values[_SEVERITY])
    if isinstance(node, Scalar) and node.text.startswith(FORECAST):
        at = _AT.field.read(node._replace(text=node.text.removeprefix(FORECAST).strip()), name, problems)
        return _Level(at, "forecast") if at else None
    at = _AT.field.read(node, name, problems)
    return _Level(at) if at else None


def _thresholds(node: Node, name: str, problems: Problems) -> tuple[Threshold, ...] | None:
    items = node.items if isinstance(node, Sequence) else (node,)
    if not items:
        problems.add("B014", node, f'"{name}" is an empty list')
    levels: list[_Level] = []
    places: dict[tuple[str, _At], Node] = {}
    for item in items:
        if is_empty(item, f'an item of "{name}" is empty', problems):
            continue
        level = _threshold(item, name, problems)
        if level is None:
            continue
        key = (level.basis, level.at)
        if key in places:
            told = f"{FORECAST if level.basis == 'forecast' else ''}{level.at.label}"
            problems.add("B032", item, f"two thresholds are at {told} (first at {where_is(places[key])})")
            continue
        places[key] = item
        levels.append(level)
    actual = [level for level in levels if level.basis == "actual"]
    return tuple(
        Threshold(
            label=level.at.label if level.basis == "actual" else f"{FORECAST}{level.at.label}",
            severity=level.severity or _by_place(level, actual),
            percent=level.at.percent,
            at_nano=level.at.nano,
            basis=level.basis,
            confidence=level.confidence,
        )
        for level in levels
    )


def _by_place(level: _Level, actual: list[_Level]) -> Severity:
    """Return critical for the last actual level, warning for the one before it and forecasts, info for others."""
    if level.basis == "forecast":
        return "warning"
    from_the_end = len(actual) - actual.index(level)
    return "critical" if from_the_end == 1 else "warning" if from_the_end == 2 else "info"


_ONE = ({"type": "string", "pattern": f"^(forecast +)?{_LEVEL}$"}, LONG_FORM.schema)
THRESHOLDS = Field(
    _thresholds, {"anyOf": [*_ONE, {"type": "array", "items": {"anyOf": [*_ONE]}, "minItems": 1}]}, pure=True
)

DEFAULT_THRESHOLDS = (
    Threshold("50%", "info", "50"),
    Threshold("80%", "warning", "80"),
    Threshold("100%", "critical", "100"),
)
"""The levels of a budget when neither the rule nor `defaults` names any."""
