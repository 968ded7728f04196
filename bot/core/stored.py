"""Which days of a range are stored, and what a reader must know of those that are not, or not yet for good."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime

from bot.core.filters import Filter
from bot.core.period import DAY, Span, show_day
from bot.core.repair import nearest
from bot.core.spend import Group, Spend

_NAMED = ("project", "api_key", "user")
"""Dimensions whose every value is known by name, spent or not."""


def stored(span: Span, history_from: date | None, as_of: datetime | None) -> Span | None:
    """Return the days of `span` from the first one stored up to the one in which costs were last read."""
    if history_from is None or as_of is None:
        return None
    start, end = max(span.start, history_from), min(span.end, as_of.date() + DAY)
    return Span(start, end) if start < end else None


def notes(
    spans: Collection[Span], filters: Iterable[Filter], spend: Spend, today: date, untold: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return what is to be known of the days of some ranges, the one that is asked about first.

    Of days that are missing, days that may still change, values of a filter that nothing is called, and the
    dimensions of the answer that are `untold`.
    """
    if spend.history_from is None or spend.as_of is None:
        return ("No costs are stored yet: the first poll fetches them.",)
    said = [*_unknown(filters, spend), *_missing(spans, spend.history_from)]
    for span in spans:
        said += _running(span, spend.as_of, today)
    said += [f"OpenAI does not tell these costs apart by {word}." for word in untold]
    return tuple(dict.fromkeys(said))


def untold(by: tuple[str, ...], rows: Iterable[Group]) -> tuple[str, ...]:
    """Return the words of the dimensions asked for that no row of costs has a value of."""
    groups = list(rows)
    return tuple(
        word
        for dimension, word in (("api_key", "API key"), ("user", "user"))
        if dimension in by and groups and not any(group[by.index(dimension)] for group in groups)
    )


def _missing(spans: Collection[Span], history_from: date) -> Iterator[str]:
    early = [span for span in spans if span.start < history_from]
    if early:
        since = min(span.start for span in early)
        gone = all(span.end <= history_from for span in early)
        missing = "these days are missing" if gone and len(spans) == 1 else "earlier days are missing"
        yield f"Costs are stored from {history_from} on: {missing}; budgetbot sync --since {since} fetches them."


def _running(span: Span, as_of: datetime, today: date) -> Iterator[str]:
    read = as_of.date()
    if read < min(span.last, today):
        yield f"Costs were last read on {show_day(read)} at {as_of:%H:%M} UTC: what was spent since is missing."
    elif today in span:
        yield f"Today ({show_day(today)}) is not over: its costs are still coming in."
    elif span.end > today - DAY:
        yield f"{show_day(span.last)} has not settled yet: its costs may still change."


def _unknown(filters: Iterable[Filter], spend: Spend) -> Iterator[str]:
    """Yield a sentence for each value of a filter that nothing is called: a typo must not read as no spend."""
    for condition in filters:
        seen = {group[0] for group in spend.by((condition.key,), Span(spend.cuts[0], spend.cuts[-1]))}
        known = {value: spend.names.of(condition.key, value) for value in ("", *seen)}
        known |= {value: name for (key, value), name in spend.names.current.items() if key == condition.key}
        for value, pattern in zip(condition.values, condition.patterns, strict=True):
            if any(pattern.matches(held, name) for held, name in known.items()):
                continue
            near = nearest(value.lower(), [name.lower() for name in known.values()])
            names = {name.lower(): name for name in known.values()}
            closest = f"; the closest is “{names[near[0]]}”" if near else ""
            when = "" if condition.key in _NAMED else " in these days"
            yield f"“{value}” is no {condition.key.replace('_', ' ')}{when}{closest}."
