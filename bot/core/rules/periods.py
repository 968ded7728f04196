"""`period`: the days a budget counts over."""

from datetime import timedelta

from bot.core.period import Period, Span
from bot.core.rules.fields import DATE, DURATION, choice
from bot.core.rules.nodes import Mapping, Node
from bot.core.rules.problems import Problems
from bot.core.rules.table import Field, Key, Table

_WORDS = choice(
    "period",
    {
        "day": Period("day"),
        "week": Period("week"),
        "month": Period("month"),
        "quarter": Period("quarter"),
        "year": Period("year"),
    },
    others="{rolling: 30d}",
)
_ROLLING = Key("rolling", DURATION, "So many days up to today.", required="so many days, like 30d")
_FROM = Key("from", DATE, "The first day.", required="the first day, like 2026-02-01")
_TO = Key("to", DATE, "The first day after.", required="the first day after, like 2026-05-01")
_ROLLING_FORM = Table(_ROLLING)
_FIXED_FORM = Table(_FROM, _TO)


def _period(node: Node, name: str, problems: Problems) -> Period | None:
    if not isinstance(node, Mapping):
        return _WORDS.read(node, name, problems)
    if "from" in node.entries or "to" in node.entries:
        return _fixed(node, problems)
    values = _ROLLING_FORM.read(node, '"period"', problems)
    span = values[_ROLLING] if values else None
    if values is None or span is None:
        return None
    if span % timedelta(days=1) or not 1 <= span.days <= 366:
        problems.add("B021", values.at(_ROLLING), "a rolling period counts whole days, 1d to 366d")
        return None
    return Period("rolling", rolling_days=span.days)


def _fixed(node: Node, problems: Problems) -> Period | None:
    values = _FIXED_FORM.read(node, '"period"', problems)
    first, end = (values[_FROM], values[_TO]) if values else (None, None)
    if values is None or first is None or end is None:
        return None
    if first >= end:
        message = f'"to" is the first day after the period, so it must come after {first}'
        problems.add("B033", values.at(_TO), message)
        return None
    return Period("fixed", fixed=Span(first, end))


PERIOD = Field(_period, {"anyOf": [_WORDS.schema, _ROLLING_FORM.schema, _FIXED_FORM.schema]}, pure=True)
