"""Figures in any unit, as words: dollars, tokens, requests, shares, ages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bot.core.money import NANO, show_percent
from bot.core.period import Span
from bot.core.units import USD, Unit

Show = Callable[[int, Unit], str]
"""How exactly a place shows figures: `short`, `whole` or `exact`."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one rule and group come to, wherever it is told: in a table of alerts and in an answer."""

    kind: str
    unit: Unit
    value: int
    amount: int
    """What the value is held against."""
    level: str = ""
    """The level it stands at."""
    days: Span | None = None
    """The days the figures are about."""
    note: str = ""
    estimated: int = 0


def short(value: int, unit: Unit = USD) -> str:
    """Return `$1,240`, `$12.40`, `1,032,000 input tokens`: whole dollars, cents where they matter."""
    return _shown(value, unit, cents=abs(value) < 100 * NANO and value % NANO != 0)


def whole(value: int, unit: Unit = USD) -> str:
    """Return `$1,240`, `$12`: no cents of sums of money; what a thousand requests cost keeps its own."""
    return _shown(value, unit, cents=False) if unit == USD else short(value, unit)


def exact(value: int, unit: Unit = USD) -> str:
    """Return `$1,240.00`."""
    return _shown(value, unit, cents=True)


def _shown(value: int, unit: Unit, *, cents: bool) -> str:
    if unit.dollars and unit.word and 0 < abs(value) < NANO // 10:
        # What one request costs is a matter of digits, not of cents.
        return f"{'−' if value < 0 else ''}${Decimal(abs(value)).scaleb(-9):.3g} {unit.word}"
    # A trace is `<$0.01`, which Slack would read as the beginning of a link.
    return unit.show(value, cents=cents).replace("<", "under ")


def alone(value: int, unit: Unit, show: Show = short) -> str:
    """Return the figure without its word: the second of two that count the same."""
    told = show(value, unit)
    return told.removesuffix(f" {unit.word}") if unit.word else told


def estimate(amount: int, unit: Unit, show: Show = short) -> str:
    """Return `, $312 of it estimated`; '' where nothing is."""
    return f", {alone(amount, unit, show)} of it estimated" if amount > 0 else ""


def compared(value: int, before: int) -> str:
    """Return `52%`, never rounded up; '' where there is nothing to compare with, or no difference."""
    if before <= 0 or value == before:
        return ""
    told = show_percent(abs(value - before), before)
    return told if told != "0%" else "less than 1%"


def decimal(value: int, unit: Unit) -> str:
    """Return the exact decimal in the unit, for machines: `10284.17`, `1032000`, `0.28`."""
    sign, size = ("-", -value) if value < 0 else ("", value)
    whole_part, rest = divmod(size, unit.scale)
    digits = ""
    while rest and len(digits) < 12:
        digit, rest = divmod(rest * 10, unit.scale)
        digits += str(digit)
    digits = digits.rstrip("0")
    return f"{sign}{whole_part}.{digits}" if digits else f"{sign}{whole_part}"


def unit_word(unit: Unit) -> str:
    """Return `usd`, `input tokens`, `usd per 1,000 requests`, `share` (of one), for machines."""
    if unit.share:
        return "share"
    return f"usd {unit.word}".strip() if unit.dollars else unit.word


def duration(seconds: int) -> str:
    """Return `45 min`, `3 h 20 min`, `2 days 4 h`."""
    minutes = max(0, seconds) // 60
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        days, hours = divmod(hours, 24)
        return f"{days} days {hours} h" if hours else f"{days} days"
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def weekday(day: date) -> str:
    """Return `Friday`."""
    return f"{day:%A}"
