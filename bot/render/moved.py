"""Amounts beside those of other days, in words: what `compare` and `why` share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from bot.core.money import show_exact, show_usd
from bot.core.period import Span, show_day, show_span
from bot.core.question import Query
from bot.core.stored import stored
from bot.render import blocks
from bot.render.answering import run_button
from bot.render.headlines import Style, percent, words

Money = Callable[[int], str]
NOTHING_YET = "No costs are stored yet. The first poll fetches them; ask again in some minutes"


def money(*, raw: bool) -> Money:
    """Return how amounts are written: to the cent, or to the last digit."""
    return show_exact if raw else show_usd


def signed(amount: int | None, show: Money) -> str:
    """Return `+$12.00`, `−$3.10`, `$0.00`; a dash where it is not known."""
    if amount is None:
        return blocks.NOTHING
    told = show(amount)
    return f"+{told}" if amount > 0 and not told.startswith("<") else told


def change_percent(amount: int | None, before: int | None) -> str:
    """Return `+12%`, `new`, `gone`; a dash where nothing can be compared."""
    if amount is None or before is None:
        return blocks.NOTHING
    return "gone" if before > 0 and not amount else percent(amount, before)


def ratio(change: int | None, before: int | None) -> float | None:
    """Return the change as a part of what was before, for machines; None of nothing, and where it is not known."""
    if change is None or before is None or before <= 0:
        return None
    return round(change / before, 3) + 0.0


def days(span: Span, today: date) -> str:
    """Return the days, with their year where it is not the current one and not said anyway."""
    told = show_span(span)
    same = span.start.year == span.last.year
    return f"{told} {span.last.year}" if same and span.last.year != today.year else told


def not_stored(span: Span, today: date, history_from: date | None, as_of: datetime | None) -> str:
    """Return why nothing can be said of a range; '' where some of its days are stored."""
    if history_from is None or as_of is None:
        return NOTHING_YET
    if stored(span, history_from, as_of) is not None:
        return ""
    if span.end <= history_from:
        return f"The costs of {days(span, today)} are not stored"
    return f"The costs of {days(span, today)} were not read yet"


def part_of(span: Span, known: Span) -> str:
    """Return ` since 5 Nov (earlier days are not stored)` where not all of a range is stored; '' where it is."""
    if known.start > span.start:
        return f" since {show_day(known.start)} (earlier days are not stored)"
    if known.end < span.end:
        return f" up to {show_day(known.last)} (later days were not read yet)"
    return ""


def filtered(query: Query, style: Style) -> str:
    """Return ` (project=labs)`; '' where nothing is left out."""
    return f" ({style.name(' '.join(map(str, query.filters)))})" if query.filters else ""


def title(dimension: str) -> str:
    """Return a dimension as the head of a column: `API key`, `Line item`."""
    told = words(dimension)
    return told[0].upper() + told[1:]


# -- buttons ---------------------------------------------------------------------------------------


def pivots(
    query: Query, dimensions: Iterable[str], *, also: Sequence[tuple[str, Query]] = ()
) -> dict[str, Any]:
    """Return the row of buttons that ask the same otherwise, and the one that shares the answer with the room."""
    alone = replace(query, public=False, format=None, to="")
    buttons = [
        run_button(replace(alone, by=(each,)).command, f"By {words(each)}", each)
        for each in dimensions
        if (each,) != query.by
    ]
    buttons += [run_button(asked.command, label, asked.verb) for label, asked in also]
    if not query.public:
        buttons.append(run_button(replace(alone, public=True).command, "Share in channel", "share"))
    return blocks.actions(buttons)
