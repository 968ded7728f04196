"""Keys of the rules that hold days against other days: how many of them, by how much, and from what size on."""

from datetime import timedelta

from bot.core.money import LARGEST, NANO
from bot.core.rules.fields import WHOLE_DAYS, from_text, percent_of
from bot.core.rules.nodes import Node
from bot.core.rules.problems import Problems, quoted
from bot.core.rules.table import Field, Key
from bot.core.view import is_money

LONGEST_WINDOW = 92
"""Days: a quarter held against the quarter before."""


def _percent(text: str) -> str | None:
    percent = percent_of(text)
    return percent if percent and percent != "0" else None


def _wrong_percent(text: str) -> str:
    bare = text.strip()
    if bare[:1].isdigit() and _percent(f"{bare}%"):
        return f"{quoted(text)} is no percentage; write {bare}%"
    return f"{quoted(text)} is no percentage above zero; write one like 40%"


def _fall(node: Node, name: str, problems: Problems) -> str | None:
    percent = PERCENT.read(node, name, problems)
    if percent is None:
        return None
    part, whole = parts_of(percent)
    if part > whole:
        problems.add("B023", node, "nothing falls by more than 100%")
        return None
    return percent


def _window(node: Node, name: str, problems: Problems) -> timedelta | None:
    span = WHOLE_DAYS.read(node, name, problems)
    if span is not None and not 1 <= span.days <= LONGEST_WINDOW:
        problems.add("B021", node, f'"{name}" counts whole days, 1d to {LONGEST_WINDOW}d')
        return None
    return span


PERCENT: Field[str] = from_text(
    _percent,
    "B023",
    _wrong_percent,
    {"type": "string", "pattern": r"^\s*[0-9]{1,7}(\.[0-9]{1,9})?\s*%\s*$"},
)
WINDOW = Key(
    "window",
    Field(_window, WHOLE_DAYS.schema),
    f"So many settled days, up to the newest: 1d to {LONGEST_WINDOW}d.",
    default="7d",
)
INCREASE = Key("increase", PERCENT, "So much more than the days before, or more still.")
DECREASE = Key("decrease", Field(_fall, PERCENT.schema), "So much less than the days before, or less still.")


def in_unit(amount: int | None, metric: str, place: Node, problems: Problems) -> int:
    """Return an amount in the metric's unit: nano-dollars, or a count, where 1.5 is reached at 2.

    It was read as `QUANTITY`, in billionths, before anybody knew of what; None is nothing.
    """
    if amount is None or not is_money(metric):
        return -(-(amount or 0) // NANO)
    if amount > LARGEST:
        problems.add("B022", place, "that is more dollars than can be stored")
    return amount


def parts_of(percent: str) -> tuple[int, int]:
    """Return an exact percentage as a fraction: `12.5` is (125, 1000)."""
    whole, _, fraction = percent.partition(".")
    return int(whole + fraction), 100 * 10 ** len(fraction)


def moved(percent: str, *, up: bool) -> str:
    """Return what is left at a change, in percent of what was: up by `12.5` is `112.5`, down by it `87.5`."""
    part, whole = parts_of(percent)
    digits = len(percent.partition(".")[2])
    rest = whole + part if up else whole - part
    text = f"{rest:0{digits + 1}d}"
    return f"{text[: len(text) - digits]}.{text[len(text) - digits :]}" if digits else text


def rose(value: int, base: int, percent: str) -> bool:
    """Tell whether `value` is at least so many percent above `base`, exactly."""
    part, whole = parts_of(percent)
    return value * whole >= base * (whole + part)


def fell(value: int, base: int, percent: str) -> bool:
    """Tell whether `value` is at least so many percent below `base`, exactly."""
    part, whole = parts_of(percent)
    return value * whole <= base * (whole - part)
