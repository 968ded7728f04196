"""`report` and `top`: what was spent, as a table."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.core.dimension import described
from bot.core.money import exact_usd
from bot.core.question import Query
from bot.core.report import Report, Row, Shortened
from bot.core.verbs import TIMES
from bot.render import blocks, headlines
from bot.render.answering import command, csv_of, dated, file_of, foot, iso, json_of, run_button, said
from bot.render.blocks import EMPTY, clean
from bot.render.charts import bars, carrying, native
from bot.render.drawn import table
from bot.render.headlines import PLAIN, SLACK, SPOKEN, money, percent, share, words

ROWS, LATEST = 15, 31
"""Rows in Slack: the largest, or the latest where they follow time (a month of days)."""
TOP = 20
"""Rows of a table in a shell; json and csv carry every row."""
NAME = 60
"""Characters of a name in a cell: the longest of OpenAI's own line items has 58."""
TABLE_CHARACTERS = 9_500
PIVOTS, MOST_PIVOTS = ("project", "model", "day", "api_key", "line_item"), 4
"""With those that share it and send it as a file, six buttons."""
CHART = "report.chart"


def slack(answer: Report, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack."""
    del query  # the answer holds it
    body: list[dict[str, Any]] = [blocks.section(headlines.of_report(answer, SLACK))]
    spoken = f"{headlines.of_report(answer, SPOKEN)}."
    if answer.as_of is not None:
        if most := headlines.largest(answer, SPOKEN):
            spoken = f"{spoken} {most}."
        if answer.chart is not None:
            body.append(native(answer.chart, CHART))
        elif answer.query.chart and answer.stored:
            body.append(blocks.context("There is nothing to draw: nothing was spent."))
        if answer.by and answer.rows:
            body.append(rows_table(answer))
        body += [blocks.context(said(note)) for note in answer.notes]
    if answer.query.format and answer.query.verb != "report":
        body.append(file_of(answer.query))
    understood = f"{command(answer.query.command)} = {headlines.days(answer, answer.span)}, UTC days"
    body.append(blocks.context(f"{understood} · {dated(answer.as_of)}"))
    sharing = [] if answer.query.public else [_share(answer.query)]
    body.append(blocks.actions([*pivots(answer.query), *sharing, *_files(answer)]))
    return carrying(blocks.message(spoken, body), answer.chart)


def rows_table(answer: Report) -> dict[str, Any]:
    """Return the rows there is room for, and what the others come to."""
    compared = any(row.before is not None for row in answer.rows)
    titles = [*[_title(dimension) for dimension in answer.by], "Spend", "Share"]
    if compared:
        titles.append("Change")
    # The others are added up here, so that what Slack has no room for is never lost from the sum.
    most = min(max(LATEST if answer.in_time else ROWS, answer.query.top or 0), blocks.ROWS - 2)
    while True:
        rows = _cells(answer, answer.shortened(most), compared=compared)
        if most == 1 or sum(len(cell) for row in rows for cell in row) <= TABLE_CHARACTERS:
            break
        most -= 1
    return blocks.table(titles, rows, right=tuple(range(len(answer.by), len(titles))))


def _cells(answer: Report, short: Shortened, *, compared: bool) -> list[list[str]]:
    def cells(row: Row) -> list[str]:
        names = [blocks.plain(name, NAME) for name in row.names]
        told = [*names, money(answer, row.amount), share(row.share)]
        return [*told, percent(row.amount, row.before)] if compared else told

    rows = [cells(row) for row in short.rows]
    if short.others:
        part = share(short.amount / answer.total if answer.total else 0.0)
        blank = [blocks.NOTHING] * (len(answer.by) - 1)
        what = f"{short.others:,} {'earlier' if short.earlier else 'others'}"
        rest = [what, *blank, money(answer, short.amount), part, *([blocks.NOTHING] if compared else [])]
        rows.insert(0 if short.earlier else len(rows), rest)
    return rows


def pivots(query: Query) -> list[dict[str, Any]]:
    """Return buttons that ask the same by other dimensions."""
    buttons = []
    for dimension in [each for each in PIVOTS if (each,) != query.by][:MOST_PIVOTS]:
        verb = "report" if dimension in TIMES else query.verb
        asked = [verb, query.range_words, f"by {dimension}", *map(str, query.filters)]
        buttons.append(
            run_button(" ".join(word for word in asked if word), f"By {words(dimension)}", dimension)
        )
    return buttons


def _files(answer: Report) -> list[dict[str, Any]]:
    """Return the button that sends a report as a file to who presses it."""
    query = answer.query
    if query.verb != "report" or not answer.by or not answer.rows:
        return []
    form = query.format or "csv"
    asked = ["export", query.range_words, f"by {','.join(query.by)}", *map(str, query.filters), form]
    return [run_button(" ".join(word for word in asked if word), form.upper(), "file")]


def _share(query: Query) -> dict[str, Any]:
    return run_button(replace(query, public=True).command, "Share in channel", "share")


def _title(dimension: str) -> str:
    told = words(dimension)
    return told[0].upper() + told[1:]


def shell(answer: Report, form: str, query: Query | None = None) -> str:
    """Return the answer as `table`, `json` or `csv`."""
    del query
    if form == "json":
        return json_of(
            {
                "start": answer.span.start.isoformat(),
                "end": answer.span.end.isoformat(),
                "as_of": iso(answer.as_of),
                "history_from": answer.history_from.isoformat() if answer.history_from else None,
                "currency": "usd",
                "by": list(answer.by),
                "total_usd": exact_usd(answer.total),
                "rows": [_row(answer, row) for row in answer.shown],
                **({"others": _others(answer)} if answer.others[0] else {}),
                **({"notes": list(answer.notes)} if answer.notes else {}),
            }
        )
    if form == "csv":
        rows = [_row(answer, row) for row in answer.shown]
        return csv_of(_columns(answer.by), rows, ("cost_usd", "share"))
    return _report_table(answer)


def _report_table(answer: Report) -> str:
    lines = [f"OpenAI: {headlines.of_report(answer, PLAIN)}"]
    if answer.by and answer.rows and answer.as_of:
        short = answer.shortened(max(LATEST if answer.in_time else TOP, answer.query.top or 0))
        blank = [""] * (len(answer.by) - 1)
        titles = [*[words(dimension) for dimension in answer.by], "spend", "share"]
        rows = [
            [*[clean(name) or EMPTY for name in row.names], money(answer, row.amount), share(row.share)]
            for row in short.rows
        ]
        if short.others:
            part = share(short.amount / answer.total if answer.total else 0.0)
            rest = [
                f"{short.others:,} {'earlier' if short.earlier else 'others'}",
                *blank,
                money(answer, short.amount),
                part,
            ]
            rows.insert(0 if short.earlier else len(rows), rest)
        rows.append(["total", *blank, money(answer, answer.total), ""])
        settings = [*[{} for _ in answer.by], {"align": "right"}, {"align": "right"}]
        lines += ["", *table([titles, *rows], settings)]
    if answer.chart is not None and answer.query.chart:
        lines += ["", bars(answer.chart)]
    return "\n".join([*lines, "", *foot(answer.as_of, answer.notes)])


def _row(answer: Report, row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for dimension, value, name in zip(answer.by, row.group, row.names, strict=True):
        if dimension in TIMES:
            told[dimension] = value
        else:
            told |= _named(dimension, value, name)
    return {**told, "cost_usd": exact_usd(row.amount), "share": round(row.share, 3) + 0.0}


def _named(dimension: str, value: str, name: str) -> dict[str, str | None]:
    return described((dimension,), (value,), lambda _dimension, _value: name)


def _others(answer: Report) -> dict[str, Any]:
    count, amount = answer.others
    return {"rows": count, "cost_usd": exact_usd(amount)}


def _columns(by: Sequence[str]) -> list[str]:
    names: list[str] = []
    for dimension in by:
        names += [dimension] if dimension in TIMES else list(_named(dimension, "", ""))
    return [*names, "cost_usd", "share"]
