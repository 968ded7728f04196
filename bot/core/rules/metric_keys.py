"""`metric`, and the dimensions that fit it: cost has line items, usage what its endpoint tells."""

from collections.abc import Iterable
from functools import lru_cache

from bot.core.dimension import DIMENSIONS
from bot.core.metrics import METRICS, metric_named
from bot.core.rules.fields import from_text
from bot.core.rules.nodes import Mapping, Scalar, Sequence
from bot.core.rules.problems import Problems, closest, quoted
from bot.core.rules.rule_keys import EACH_KEY, EXCEPT, SELECT
from bot.core.rules.table import Field, Key, Values
from bot.core.units import USD, Unit, counts

MONEY = ("cost", "spend")
"""Metrics in dollars: billed, and billed with estimates of what is not billed yet."""

NAMES = (*MONEY, *METRICS, "requests")


def _metric(text: str) -> str | None:
    if text in MONEY:
        return text
    known = metric_named(text)
    return known.name if known else None


METRIC_FIELD: Field[str] = from_text(
    _metric,
    "B013",
    lambda text: (
        f"{quoted(text)} is no metric; write cost, spend, or one of usage, like input_tokens or requests"
    ),
    {"enum": list(NAMES)},
    lambda text: closest(text, NAMES),
)
METRIC = Key(
    "metric",
    METRIC_FIELD,
    "What is added up: cost is what OpenAI bills, spend adds estimates of what is not billed yet, "
    "and input_tokens, requests, images, seconds and the others are usage.",
    default="cost",
)


_SELECTORS, _EACH = (SELECT.name, EXCEPT.name), EACH_KEY.name


def unit_of_metric(metric: str) -> Unit:
    """Return what a metric counts."""
    known = metric_named(metric)
    return USD if metric in MONEY or known is None else counts(known.words)


def dimensions_of(metric: str) -> tuple[str, ...]:
    """Return what a metric can be selected and told apart by."""
    known = metric_named(metric)
    if metric in MONEY or known is None:
        return DIMENSIONS
    return (*known.dimensions, *(("team",) if "project" in known.dimensions else ()))


@lru_cache(maxsize=64)  # a thousand rules have a few metrics
def _known(metric: str) -> dict[str, None]:
    return dict.fromkeys(dimensions_of(metric))


def check_dimensions(values: Values, metrics: Iterable[str], problems: Problems) -> None:
    """Tell of dimensions in `select`, `except` and `each` that one of the metrics does not have."""
    written = _written(values)
    for metric in dict.fromkeys(metrics) if written else ():
        known = _known(metric)
        for place in written:
            if place.text not in known and not place.bad:
                message = f"{metric} has no dimension {quoted(place.text)}; it has {', '.join(known)}"
                problems.add("B034", place, message, closest(place.text, known))


def _written(values: Values) -> list[Scalar]:
    """Return the dimensions as they are written, each at its place."""
    found: list[Scalar] = []
    entries = values.node.entries
    for key in _SELECTORS:
        if key in entries:
            node = entries[key].value
            if type(node) is Mapping and node.entries:
                found += [entry.key for entry in node.entries.values()]
    if _EACH in entries:
        node = entries[_EACH].value
        found += [
            item for item in (node.items if type(node) is Sequence else (node,)) if type(item) is Scalar
        ]
    return found
