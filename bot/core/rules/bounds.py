"""`when` of a ratio: a bound it must not pass, or how much it must not move."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from bot.core.rules.comparing import DECREASE, INCREASE, PERCENT, parts_of
from bot.core.rules.fields import QUANTITY, percent_of
from bot.core.rules.nodes import Node, Scalar
from bot.core.rules.problems import Problems, quoted
from bot.core.rules.table import Field, Key, Table

How = Literal["above", "below", "increase", "decrease"]
HOW: tuple[How, ...] = ("above", "below", "increase", "decrease")
SCALE = 10**9
"""Ratios are integers, in billionths: of a dollar, of a whole, of one."""


class Bound(NamedTuple):
    billionths: int
    percent: bool


def _bound(node: Node, name: str, problems: Problems) -> Bound | None:
    percent = percent_of(node.text) if isinstance(node, Scalar) else None
    if percent is None:
        amount = QUANTITY.read(node, name, problems)
        return None if amount is None else Bound(amount, percent=False)
    part, hundred = parts_of(percent)
    exact, rest = divmod(part * SCALE, hundred)
    if rest:
        problems.add("B023", node, f"{quoted(f'{percent}%')} is finer than can be told: 7 decimals at most")
    return Bound(exact, percent=True)


_BOUND = Field(_bound, {"anyOf": [QUANTITY.schema, PERCENT.schema]})
_ABOVE = Key("above", _BOUND, "It is more than this: 4.00, or 35% of a share.")
_BELOW = Key("below", _BOUND, "It is less than this: 4.00, or 35% of a share.")
_INCREASE = INCREASE._replace(about="It is so much more than over the days before, or more still.")
_DECREASE = DECREASE._replace(about="It is so much less than over the days before, or less still.")
_BOUNDS: Mapping[str, Key[Bound]] = {"above": _ABOVE, "below": _BELOW}
_PERCENTS: Mapping[str, Key[str]] = {"increase": _INCREASE, "decrease": _DECREASE}
_KEYS = Table(_ABOVE, _BELOW, _INCREASE, _DECREASE)


class When(NamedTuple):
    """What `when` says: one of its four words, and the bound or the percentage."""

    how: How
    bound: Bound | None
    percent: str
    place: Node


def _when(node: Node, name: str, problems: Problems) -> When | None:
    values = _KEYS.read(node, f'"{name}"', problems)
    if values is None:
        return None
    written = [word for word in HOW if word in values.node.entries]
    if len(written) != 1:
        message = '"when" takes one of above, below, increase and decrease'
        problems.add("B033" if written else "B010", node, message)
        return None
    how = written[0]
    bound = values[_BOUNDS[how]] if how in _BOUNDS else None
    percent = (values[_PERCENTS[how]] or "") if how in _PERCENTS else ""
    place = values.node.entries[how].value
    return When(how, bound, percent, place) if bound or percent else None


BOUND = Field(_when, _KEYS.schema)
