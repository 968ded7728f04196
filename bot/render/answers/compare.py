"""`compare`: two ranges side by side."""

from dataclasses import replace
from typing import Any

from bot.core.compared import Compared, Pair
from bot.core.dimension import described
from bot.core.money import exact_usd
from bot.core.question import Query
from bot.render import blocks
from bot.render.answering import command, csv_of, dated, file_of, foot, iso, json_of, said
from bot.render.blocks import NOTHING
from bot.render.charts import bars, carrying, native
from bot.render.drawn import table
from bot.render.headlines import PLAIN, SLACK, SPOKEN, Style, percent, words
from bot.render.moved import (
    change_percent,
    days,
    filtered,
    money,
    not_stored,
    part_of,
    pivots,
    ratio,
    signed,
    title,
)

ROWS, TOP = 15, 20
"""Rows in Slack and in a shell; json and csv carry every row."""
NAME = 60
CHART = "compare.chart"
TABLE_CHARACTERS = 9_500
DIMENSIONS = ("project", "model", "line_item", "api_key", "team")
_FIGURES = ("cost_usd", "share", "before_usd", "change_usd", "change", "per_day_usd", "before_per_day_usd")


def slack(answer: Compared, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack."""
    del query  # the answer holds it
    asked = answer.query
    body: list[dict[str, Any]] = [blocks.section(headline(answer, SLACK))]
    spoken = f"{headline(answer, SPOKEN)}."
    if answer.chart is not None:
        body.append(native(answer.chart, CHART))
    if answer.rows:
        body.append(_table(answer))
        spoken = f"{spoken} {_most(answer, SPOKEN)}"
    body += [blocks.context(said(note)) for note in answer.notes]
    if asked.format:
        body.append(file_of(asked))
    both = f"{days(answer.span, answer.today)} with {days(answer.versus, answer.today)}"
    body.append(blocks.context(f"{command(asked.command)} = {both}, UTC days · {dated(answer.as_of)}"))
    why = replace(asked, verb="why", by=(), top=None, public=False, format=None, to="")
    body.append(pivots(asked, DIMENSIONS, also=(("Why", why),) if answer.whole else ()))
    return carrying(blocks.message(spoken.rstrip(), body), answer.chart)


def headline(answer: Compared, style: Style) -> str:
    """Return `Spend by project, 1–22 Nov: $41,907.55, up $6,393.10 (18%) on 1–22 Oct ($35,514.45)`.

    A range that is not stored whole is told as far as it is, and compared with nothing.
    """
    show, total = money(raw=answer.query.raw), answer.total
    if nothing := not_stored(answer.span, answer.today, answer.history_from, answer.as_of):
        return nothing
    assert total.amount is not None
    assert answer.stored is not None
    by = f" by {' and '.join(map(words, answer.by))}" if answer.by else ""
    only = filtered(answer.query, style)
    now, then = days(answer.span, answer.today), days(answer.versus, answer.today)
    part = part_of(answer.span, answer.stored)
    told = f"Spend{by}{only}, {now}: {style.bold(show(total.amount))}{part}"
    if not answer.whole:
        if total.before is None:
            return f"{told}; {then} is not stored, so nothing can be compared"
        known = answer.stored_before
        was = f"{show(total.before)}{part_of(answer.versus, known) if known else ''}"
        return f"{told}; {then}: {was}. Not all of these days are stored, so nothing is said to have changed"
    assert total.before is not None
    assert total.change is not None
    told += _moved(total.change, total.before, then, show(total.before), show(abs(total.change)))
    a_day, a_day_before = answer.daily(total)
    if _by_day(answer) and a_day is not None and a_day_before is not None:
        moved = percent(a_day, a_day_before)
        change = f" ({moved})" if moved not in (NOTHING, "new") else ""
        told += f"; on average {show(a_day)} a day{change}, {show(a_day_before)} before"
    return told


def _moved(change: int, before: int, then: str, was: str, size: str) -> str:
    if not change:
        return f", as much as in {then}"
    share = percent(before + change, before)
    told = f" ({share[1:]})" if share[0] in "+−" else ""
    return f", {'up' if change > 0 else 'down'} {size}{told} on {then} ({was})"


def _most(answer: Compared, style: Style) -> str:
    """Return the largest change in words; '' where none is known."""
    row = answer.rows[0]
    if row.change is None:
        return ""
    name = style.name(" · ".join(row.names))
    return f"Largest change: {name} {signed(row.change, money(raw=answer.query.raw))}."


def _table(answer: Compared) -> dict[str, Any]:
    # The others and the total are added up here, so that what Slack has no room for is never lost from the sum.
    most = min(max(ROWS, answer.query.top or 0), blocks.ROWS - 3)
    while True:
        rows = _cells(answer, most, NOTHING)
        if most == 1 or sum(len(cell) for row in rows for cell in row) <= TABLE_CHARACTERS:
            break
        most -= 1
    width = len(answer.by)
    titles = [*map(title, answer.by), *_titles(answer)]
    return blocks.table(titles, rows, right=tuple(range(width, len(titles))))


def _titles(answer: Compared) -> list[str]:
    now, then = days(answer.span, answer.today), days(answer.versus, answer.today)
    return [now, then, "Change", "%", *(["A day", "A day then"] if _by_day(answer) else [])]


def _cells(answer: Compared, most: int, blank: str) -> list[list[str]]:
    short = answer.fewer(most)
    blanks = [blank] * (len(answer.by) - 1)
    rows = [[*(blocks.plain(name, NAME) for name in row.names), *_figures(answer, row)] for row in short.rows]
    if short.rest is not None:
        rows.append([f"{short.others:,} others", *blanks, *_figures(answer, short.rest)])
    rows.append(["Total", *blanks, *_figures(answer, answer.total)])
    return rows


def _figures(answer: Compared, row: Pair) -> list[str]:
    show = money(raw=answer.query.raw)

    def told(amount: int | None) -> str:
        return NOTHING if amount is None else show(amount)

    moved = row.mark or change_percent(row.amount, row.before) if row.change is not None else NOTHING
    figures = [told(row.amount), told(row.before), signed(row.change, show), moved]
    return [*figures, *map(told, answer.daily(row))] if _by_day(answer) else figures


def _by_day(answer: Compared) -> bool:
    """Tell whether the ranges differ in length, so that their days are what compares."""
    return answer.by_day and answer.whole


# -- a shell ---------------------------------------------------------------------------------------


def shell(answer: Compared, form: str, query: Query | None = None) -> str:
    """Return the answer as `table`, `json` or `csv`."""
    del query
    if form == "json":
        others = answer.rows[len(answer.asked) :]
        return json_of(
            {
                "start": answer.span.start.isoformat(),
                "end": answer.span.end.isoformat(),
                "before_start": answer.versus.start.isoformat(),
                "before_end": answer.versus.end.isoformat(),
                "as_of": iso(answer.as_of),
                "history_from": answer.history_from.isoformat() if answer.history_from else None,
                "currency": "usd",
                "by": list(answer.by),
                "whole": answer.whole,
                **_total(answer),
                "rows": [_row(answer, row) for row in answer.asked],
                **({"others": _others(answer, len(others))} if others else {}),
                **({"notes": list(answer.notes)} if answer.notes else {}),
            }
        )
    if form == "csv":
        rows = [_row(answer, row) for row in answer.asked]
        names = list(described(answer.by, [""] * len(answer.by), lambda _dimension, _value: ""))
        return csv_of([*names, *_FIGURES, "mark"], rows, _FIGURES)
    lines = [f"OpenAI: {headline(answer, PLAIN)}"]
    if answer.rows:
        titles = [*map(words, answer.by), *(told.lower() for told in _titles(answer)[2:])]
        titles[len(answer.by) : len(answer.by)] = _titles(answer)[:2]
        rows_told = _cells(answer, max(TOP, answer.query.top or 0), "")
        rows_told[-1][0] = "total"
        settings: list[dict[str, str]] = [{} for _ in answer.by]
        settings += [{"align": "right"} for _ in titles[len(answer.by) :]]
        lines += ["", *table([titles, *rows_told], settings)]
    if answer.chart is not None:
        lines += ["", bars(answer.chart)]
    return "\n".join([*lines, "", *foot(answer.as_of, answer.notes)])


def _usd(amount: int | None) -> str | None:
    return None if amount is None else exact_usd(amount)


def _total(answer: Compared) -> dict[str, Any]:
    told = _money_of(answer, answer.total)
    return {"total_usd": told.pop("cost_usd"), **told}


def _money_of(answer: Compared, row: Pair) -> dict[str, Any]:
    a_day, a_day_before = answer.daily(row)
    return {
        "cost_usd": _usd(row.amount),
        "before_usd": _usd(row.before),
        "change_usd": _usd(row.change),
        "change": ratio(row.change, row.before),
        "per_day_usd": _usd(a_day),
        "before_per_day_usd": _usd(a_day_before),
    }


def _row(answer: Compared, row: Pair) -> dict[str, Any]:
    names = dict(zip(answer.by, row.names, strict=True))
    told: dict[str, Any] = dict(described(answer.by, row.group, lambda dimension, _value: names[dimension]))
    figures = _money_of(answer, row)
    share = None
    if row.amount is not None:
        share = round(row.amount / answer.total.amount, 3) + 0.0 if answer.total.amount else 0.0
    told |= {"cost_usd": figures.pop("cost_usd"), "share": share, **figures}
    return {**told, "mark": row.mark or None}


def _others(answer: Compared, count: int) -> dict[str, Any]:
    rest = answer.fewer(len(answer.asked)).rest
    assert rest is not None
    figures = _money_of(answer, rest)
    return {"rows": count, **{key: figures[key] for key in ("cost_usd", "before_usd", "change_usd")}}
