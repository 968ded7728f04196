"""What a key may hold: readers that return a value, or tell what is wrong and how to write it."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from bot.core.money import parse_usd
from bot.core.rules.nodes import Mapping as MappingNode
from bot.core.rules.nodes import Node, Scalar, Sequence
from bot.core.rules.problems import Problems, closest, listed, quoted
from bot.core.rules.table import Field, entries, is_empty

T = TypeVar("T")

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

_DURATION = re.compile(r"([0-9]{1,6})([mhd])")
_LOOSE_DURATION = r"(?i)([0-9]{1,6})\s*(m|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?)"
_PERCENT = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,9}))?\s*%")
_TRUTH: Mapping[str, object] = {
    word: word in ("true", "yes", "on") for word in ("true", "yes", "on", "false", "no", "off")
}
"""Words that YAML 1.1 reads as a truth value."""
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=3660)


def text_of(node: Node, name: str, problems: Problems) -> str | None:
    """Return the text of a single value; None, told, for a list, for keys and for nothing."""
    if type(node) is Scalar and node.text and not node.bad:
        return node.text
    if not isinstance(node, Scalar):
        what = "a list" if isinstance(node, Sequence) else "keys and values"
        problems.add("B011", node, f'"{name}" takes one value, not {what}')
        return None
    if not node.bad:
        is_empty(node, f'"{name}" is empty', problems)
    return None


def from_text(
    parse: Callable[[str], T | None],
    code: str,
    wrong: Callable[[str], str],
    schema: Mapping[str, object],
    suggest: Callable[[str], str] = lambda _: "",
    *,
    pure: bool = True,
) -> Field[T]:
    """Return the field of a value that is written as one text; `wrong` says what is the matter with it.

    One that is not `pure` is written once, and not remembered.
    """

    def read(node: Node, name: str, problems: Problems) -> T | None:
        text = text_of(node, name, problems)
        if text is None:
            return None
        value = parse(text)
        if value is None:
            problems.add(code, node, wrong(text), suggest(text))
        return value

    return Field(read, schema, pure=pure)


def choice(
    what: str,
    words: Mapping[str, T],
    *,
    elsewhere: tuple[str, ...] = (),
    others: str = "",
    code: str = "B013",
) -> Field[T]:
    """Return the field of one of a few words; `elsewhere` are words of the language unknown to this version."""

    def read(node: Node, name: str, problems: Problems) -> T | None:
        text = text_of(node, name, problems)
        if text is None or text in words:
            return None if text is None else words[text]
        if text in elsewhere:
            known = ", ".join(words)
            problems.add(
                "B035", node, f'"{name}": {quoted(text)} is not known to this version; it knows: {known}'
            )
        else:
            usable = listed([*words, others] if others else words)
            problems.add(code, node, f"{quoted(text)} is no {what}; write {usable}", closest(text, words))
        return None

    return Field(read, one_of(words), pure=True)


def written(pattern: str = "") -> dict[str, object]:
    """Return the schema of a text, which YAML may take for a number or a truth value: `0010`, `4.00`, `on`."""
    told: dict[str, object] = {"type": ["string", "number", "boolean"], "minLength": 1}
    return {**told, "pattern": pattern} if pattern else told


def one_of(words: Iterable[str]) -> dict[str, object]:
    """Return the schema of a few words; those that YAML takes for a number or a truth value as that, or quoted."""
    plain = [word for word in words if word not in _TRUTH and not word.isdigit()]
    typed = [_TRUTH.get(word, int(word) if word.isdigit() else word) for word in words if word not in plain]
    if not typed:
        return {"enum": plain}
    quoted_words = "|".join(word for word in words if word not in plain)
    return {
        "anyOf": [
            {"enum": [*dict.fromkeys(typed), *plain]},
            {"type": "string", "pattern": f"^({quoted_words})$"},
        ]
    }


def list_of(item: Field[T], *, twice: bool = True) -> Field[tuple[T, ...]]:
    """Return the field of a list, where a list of one needs no brackets; `twice` allows repeated items."""

    def read(node: Node, name: str, problems: Problems) -> tuple[T, ...] | None:
        if not isinstance(node, Sequence):
            single = item.read(node, name, problems)
            return None if single is None else (single,)
        if not node.items:
            problems.add("B014", node, f'"{name}" is an empty list')
            return None
        values: list[T] = []
        seen: set[T] = set()
        for part in node.items:
            if is_empty(part, f'an item of "{name}" is empty', problems):
                continue
            value = item.read(part, name, problems)
            if value is None:
                continue
            if not twice and value in seen:
                word = quoted(part.text) if isinstance(part, Scalar) else "this"
                problems.add("B015", part, f'{word} stands twice in "{name}"')
                continue
            values.append(value)
            seen.add(value)
        return tuple(values)

    schema = {"anyOf": [item.schema, {"type": "array", "items": item.schema, "minItems": 1}]}
    return Field(read, schema, pure=item.pure)


def whole(least: int, most: int) -> Field[int]:
    """Return the field of a whole number between two bounds, both allowed."""

    def parse(text: str) -> int | None:
        digits = text.replace(",", "")
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else -1
        return number if least <= number <= most else None

    return from_text(
        parse,
        "B025",
        lambda text: f"{quoted(text)} is not a whole number from {least:,} to {most:,}",
        {
            "anyOf": [
                {"type": "integer", "minimum": least, "maximum": most},
                {"type": "string", "pattern": r"^[0-9,]+$"},
            ]
        },
    )


def _one_line(text: str) -> str | None:
    line = " ".join(text.split())
    return line if line and len(line) <= 200 and line.isprintable() else None


def _handle(text: str) -> str | None:
    bare = text.strip().lstrip("#@")
    return bare if 0 < len(bare) <= 80 and not re.search(r"[\s#@<>|]", bare) and bare.isprintable() else None


def _address(text: str) -> str | None:
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    good = parts.scheme == "https" and parts.netloc and text.isprintable() and not re.search(r"[\s<>|]", text)
    return text if good else None


def _duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    span = int(match[1]) * _UNITS[match[2]] if match else None
    return span if span is not None and span <= _LONGEST else None


def _wrong_duration(text: str) -> str:
    match = re.fullmatch(_LOOSE_DURATION, text.strip())
    if match is None:
        return f"{quoted(text)} is not a duration; write one like 5m, 36h or 7d"
    number, unit = int(match[1]), match[2][0].lower()
    meant = f"{number * 7}d" if unit == "w" else f"{number}{unit}"
    if _duration(meant) is None:
        return f"{quoted(text)} is longer than {_LONGEST.days}d"
    return f"{quoted(text)} is not a duration; write {meant}"


def percent_of(text: str) -> str | None:
    """Return the exact decimal of `80%` or `33.30 %`, without needless zeros: `80`, `33.3`; None if it is none."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        return None
    fraction = (match[2] or "").rstrip("0")
    return f"{int(match[1])}.{fraction}" if fraction else str(int(match[1]))


def usd_of(text: str) -> int | None:
    """Return the nano-dollars of `12,000` or `$1,500.50`; None when it is no amount."""
    # A million digits are no amount, and more than a Decimal can multiply.
    return parse_usd(text) if len(text) <= 60 else None


def _quantity(text: str) -> int | None:
    """Return an exact amount of anything, in billionths; counts of tokens outgrow every bill."""
    leading, _, fraction = text.strip().removeprefix("$").strip().partition(".")
    known = usd_of(text)
    if known is not None:
        return known
    # Thousands are grouped before the point alone: "1.500,00" is no figure, and not one and a half.
    groups = leading.split(",")
    whole = "".join(groups)
    grouped = len(groups) == 1 or (len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]))
    good = grouped and whole.isascii() and whole.isdigit() and len(whole) <= 18
    if not good or (fraction and not (fraction.isascii() and fraction.isdigit())):
        return None
    return int(whole) * 10**9 + int(fraction[:9].ljust(9, "0") or 0)


def _whole_days(text: str) -> timedelta | None:
    span = _duration(text)
    return span if span and span % timedelta(days=1) == timedelta() else None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year <= 2100 else None


def _year_start(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"([0-9]{2})-([0-9]{2})", text)
    month, day = (int(match[1]), int(match[2])) if match else (0, 0)
    return (month, day) if 1 <= month <= 12 and 1 <= day <= 28 else None


def _clock(text: str) -> time | None:
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text)
    hour, minute = (int(match[1]), int(match[2])) if match else (24, 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _zone(text: str) -> str | None:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # OSError: "Europe" is a folder of the time zone database
        return None
    return text


def _labels(node: Node, name: str, problems: Problems) -> Mapping[str, str] | None:
    found = {
        key.text: text
        for key, value in entries(node, f'"{name}"', problems)
        if (text := text_of(value, key.text, problems)) is not None
    }
    return found if isinstance(node, MappingNode) else None


TEXT = from_text(
    _one_line,
    "B020",
    lambda text: f"{quoted(text)} is not a line of at most 200 printable characters",
    written(r"\S"),
)
RULE_ID = from_text(
    lambda text: text if ID.fullmatch(text) else None,
    "B020",
    lambda text: (
        f"{quoted(text)} is not an id: write small letters, digits and hyphens, "
        "63 at most, a letter or a digit first"
    ),
    written(f"^{ID.pattern}$"),
    pure=False,
)
HANDLE = from_text(
    _handle,
    "B020",
    lambda text: (
        f"{quoted(text)} is not the name of a channel, a person or a group: write one word, or an id"
    ),
    written(r"^\s*[#@]*[^\s#@<>|]{1,80}\s*$"),
)
HTTPS = from_text(
    _address,
    "B027",
    lambda text: f"{quoted(text)} is not a web address that begins with https://",
    {"type": "string", "pattern": r"^[hH][tT][tT][pP][sS]://[^\s<>|]+$"},
)
DURATION = from_text(
    _duration, "B021", _wrong_duration, {"type": "string", "pattern": f"^{_DURATION.pattern}$"}
)
USD = from_text(
    usd_of,
    "B022",
    lambda text: f"{quoted(text)} is not an amount of dollars; write one like 12,000 or $1,500.50",
    {
        "type": ["number", "string"],
        "minimum": 0,
        "pattern": r"^\s*\$?\s*([0-9][0-9,]*(\.[0-9]*)?|\.[0-9]+)[kKmM]?\s*$",
    },
)
QUANTITY = from_text(
    _quantity,
    "B022",
    lambda text: f"{quoted(text)} is not an amount of dollars; write one like 12,000 or $1,500.50",
    USD.schema,
)
WHOLE_DAYS = from_text(
    _whole_days,
    "B021",
    lambda text: f"{quoted(text)} is not a number of whole days; write one like 2d",
    {"type": "string", "pattern": "^[0-9]{1,4}d$"},
)
DATE = from_text(
    _day,
    "B024",
    lambda text: f"{quoted(text)} is not a date; write one like 2026-02-01",
    {"type": "string", "pattern": "^2[01][0-9]{2}-[01][0-9]-[0-3][0-9]$"},
)
YEAR_START = from_text(
    _year_start,
    "B024",
    lambda text: f"{quoted(text)} is not a day on which a year can begin; write month-day, 01-01 to 12-28",
    {"type": "string", "pattern": "^[01][0-9]-[0-3][0-9]$"},
)
CLOCK = from_text(
    _clock,
    "B024",
    lambda text: f"{quoted(text)} is not a time of day; write one like 09:00",
    {
        "anyOf": [
            {"type": "string", "pattern": "^[0-2]?[0-9]:[0-5][0-9]$"},
            # YAML 1.1 reads 20:00 as minutes, to the base of sixty.
            {"type": "integer", "minimum": 0, "maximum": 24 * 60 - 1},
        ]
    },
)
ZONE = from_text(
    _zone,
    "B024",
    lambda text: f"{quoted(text)} is not a time zone; write one like Europe/Berlin or UTC",
    {"type": "string"},
    lambda text: closest(text, available_timezones()),
)
YES_NO = choice("answer", {"true": True, "false": False})
WEEKDAY = choice(
    "weekday",
    {
        day: number
        for number, day in enumerate(
            ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        )
    },
)
LABELS = Field(_labels, {"type": "object", "additionalProperties": written()})
