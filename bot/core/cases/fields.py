"""What the keys of a case may hold: instants, days with their figures, corrections, limits."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import repeat
from typing import TypeVar

from bot.core.cases.case import Reading
from bot.core.period import DAY, midnight
from bot.core.rules.fields import CLOCK, DATE, DURATION, from_text, text_of
from bot.core.rules.nodes import Node, Sequence
from bot.core.rules.problems import Problems, quoted
from bot.core.rules.table import Field, Key, Table, Values, is_empty

T = TypeVar("T")

LONGEST_SERIES = 1100
"""Days of one series: three years, so that `1x999999` is a slip of the pen and not a minute of work."""
NOON = time(12)
"""From when on a day's figure is known, where the case does not say."""

_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_FIGURE = re.compile(
    r"(-?)\$?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(\.[0-9]{1,9})?([kKmM])?(?:[x×*]([0-9]{1,5}))?"
)
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}


def _instant(text: str) -> datetime | None:
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        return None
    try:
        at = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or 'Z'}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if 2000 <= at.year <= 2100 else None


def _figures(text: str) -> tuple[Decimal, ...] | None:
    """Return the figures of one word, `5200` or `400x12`; None when it is none, or stands for too many days."""
    match = _FIGURE.fullmatch(text)
    if match is None:
        return None
    times = int(match[5]) if match[5] else 1
    if not 1 <= times <= LONGEST_SERIES:
        return None
    figure = Decimal(f"{match[1]}{match[2].replace(',', '')}{match[3] or ''}")
    return tuple(repeat(figure * _FACTORS[(match[4] or "").lower()], times))


def _one_figure(text: str) -> Decimal | None:
    found = _figures(text.strip())
    return found[0] if found and len(found) == 1 and not re.search("[x×*]", text) else None


def _values(node: Node, name: str, problems: Problems) -> tuple[Decimal, ...] | None:
    """Return one figure for each day, of one text or a list of them."""
    found: list[Decimal] = []
    for item in node.items if isinstance(node, Sequence) else (node,):
        text = text_of(item, name, problems)
        for word in (text or "").split():
            figures = _figures(word)
            if figures is None:
                message = (
                    f"{quoted(word)} is no figure of a day; write 400, 1,500.50, or 400x12 for twelve days"
                )
                problems.add("B022", item, message)
            else:
                found += figures
    if len(found) > LONGEST_SERIES:
        problems.add(
            "B025", node, f'"{name}" has {len(found):,} days; a series has {LONGEST_SERIES:,} at most'
        )
        return None
    return tuple(found) or None


def _seen(node: Node, name: str, problems: Problems) -> time | timedelta | datetime | None:
    """Return when days are known: at a time of each day, so long after it began, or all at one instant."""
    text = text_of(node, name, problems)
    if text is None:
        return None
    silent = Problems()
    for form in (CLOCK, DURATION, INSTANT):
        value = form.read(node, name, silent)
        if value is not None:
            return value
    message = (
        f"{quoted(text)} does not say when a day is known; write a time of the day like 18:00, "
        "a wait from its start like 36h, or an instant like 2026-08-14T12:00Z"
    )
    problems.add("B024", node, message)
    return None


def known_at(day: date, seen: time | timedelta | datetime) -> datetime:
    """Return the instant from which a day's figure is known."""
    if isinstance(seen, datetime):
        return seen
    if isinstance(seen, timedelta):
        return midnight(day) + seen
    return datetime.combine(day, seen, UTC)


def _in_its_time(seen: datetime, day: date, place: Node, problems: Problems) -> bool:
    """Tell whether a figure is known when its day has begun; otherwise say so."""
    if seen >= midnight(day):
        return True
    problems.add("B033", place, f"nothing of {day} can be known before it begins, at {show(seen)}")
    return False


def show(at: datetime) -> str:
    """Return an instant as case files write it: `2026-08-14T12:00Z`."""
    form = "%Y-%m-%dT%H:%M:%SZ" if at.second else "%Y-%m-%dT%H:%MZ"
    return at.astimezone(UTC).strftime(form)


def several(item: Field[T]) -> Field[tuple[T, ...]]:
    """Return the field of a list of which one needs no brackets; its items may be equal, and hold places."""

    def read(node: Node, name: str, problems: Problems) -> tuple[T, ...] | None:
        if isinstance(node, Sequence) and not node.items:
            problems.add("B014", node, f'"{name}" is an empty list')
            return None
        parts = node.items if isinstance(node, Sequence) else (node,)
        told = f'an item of "{name}" is empty'
        values = (item.read(part, name, problems) for part in parts if not is_empty(part, told, problems))
        return tuple(value for value in values if value is not None)

    return Field(read, {"anyOf": [item.schema, {"type": "array", "items": item.schema, "minItems": 1}]})


INSTANT = from_text(
    _instant,
    "B024",
    lambda text: f"{quoted(text)} is not an instant; write one like 2026-08-14T12:00Z",
    {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"},
)
FIGURE = from_text(
    _one_figure,
    "B022",
    lambda text: f"{quoted(text)} is no figure; write one like 5200, 1,500.50 or -20",
    {"type": ["number", "string"]},
)
VALUES: Field[tuple[Decimal, ...]] = Field(
    _values,
    {
        "anyOf": [
            {"type": ["number", "string"]},
            {"type": "array", "items": {"type": ["number", "string"]}, "minItems": 1},
        ]
    },
)
SEEN: Field[time | timedelta | datetime] = Field(_seen, {"type": "string"})

DAYS_FROM = Key("from", DATE, "The first day.", required="the first day, like 2026-08-01")
DAYS_VALUES = Key(
    "values",
    VALUES,
    "One figure a day: 400x12 is 400 on each of twelve days.",
    required='one figure a day, like "400x12 5200"',
)
DAYS_SEEN = Key("seen", SEEN, "When they are known: 18:00 of each day, 36h after it began, or an instant.")
DAYS_KEYS = Table(DAYS_FROM, DAYS_VALUES, DAYS_SEEN)

REVISE_SEEN = Key("seen", INSTANT, "From when on.", required="from when on it is known")
REVISE_DAY = Key("day", DATE, "Which day.", required="the day whose figure changes")
REVISE_VALUE = Key("value", FIGURE, "The figure from then on.", required="the figure from then on")
REVISE_KEYS = Table(REVISE_SEEN, REVISE_DAY, REVISE_VALUE)


def _stretch(node: Node, name: str, problems: Problems) -> tuple[Reading, ...] | None:
    values = DAYS_KEYS.read(node, f'"{name}"', problems)
    if values is None:
        return None
    first, figures = values[DAYS_FROM], values[DAYS_VALUES]
    if first is None or figures is None or (values.has(DAYS_SEEN) and values[DAYS_SEEN] is None):
        return None
    seen = values.get(DAYS_SEEN, NOON)
    readings = []
    for number, figure in enumerate(figures):
        day = first + number * DAY
        at = known_at(day, seen)
        if not _in_its_time(at, day, values.at(DAYS_SEEN), problems):
            return None
        readings.append(Reading(at, day, figure, values.at(DAYS_VALUES)))
    return tuple(readings)


def _revision(node: Node, name: str, problems: Problems) -> Reading | None:
    values = REVISE_KEYS.read(node, f'"{name}"', problems)
    if values is None:
        return None
    seen, day, value = values[REVISE_SEEN], values[REVISE_DAY], values[REVISE_VALUE]
    if seen is None or day is None or value is None:
        return None
    place = values.at(REVISE_VALUE)
    return Reading(seen, day, value, place) if _in_its_time(seen, day, place, problems) else None


DAYS = several(Field(_stretch, {"type": "object", "required": ["from", "values"]}))
REVISE = several(Field(_revision, {"type": "object", "required": ["seen", "day", "value"]}))


def readings(
    values: Values,
    days: Key[tuple[tuple[Reading, ...], ...]],
    revise: Key[tuple[Reading, ...]],
    problems: Problems,
) -> tuple[Reading, ...]:
    """Return what is known of a series, in the order it becomes known; two figures of one day are told."""
    known: dict[date, Reading] = {}
    for stretch in values.get(days, ()):
        for reading in stretch:
            if reading.day in known:
                problems.add("B015", reading.place, f"{reading.day} stands twice in {quoted(days.name)}")
                return ()
            known[reading.day] = reading
    # A correction that is known at the same instant stands: sorting keeps the order of equal ones.
    every = (*known.values(), *values.get(revise, ()))
    return tuple(sorted(every, key=lambda reading: reading.seen))
