"""`export`: what became of a file, and what stands in it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.core.dimension import described
from bot.core.exported import Exported, Snapshot
from bot.core.money import exact_usd, show_usd
from bot.core.question import Query
from bot.core.report import Report
from bot.core.spend import Names
from bot.core.units import Unit
from bot.render import blocks, headlines
from bot.render.answering import command, csv_of, dated, iso, json_of, run_button, said
from bot.render.answers import report as reporting
from bot.render.figures import decimal
from bot.render.headlines import SLACK

FEW, FEW_CHARACTERS = 20, 2_500
"""So many rows are said where no file can be sent."""
BATCH = 1_000
MILLIONTH = Unit("", 1_000_000)
_DIMENSIONS = ("project", "api_key", "user", "model", "line_item")
COLUMNS = (
    "day", "project_id", "project", "api_key_id", "api_key", "user_id", "user", "model", "line_item", "cost_usd",
    "quantity", "quantity_unit", "known_at",
)  # fmt: skip
"""Of a snapshot."""
_NUMBERS = ("cost_usd", "quantity")


# -- files -----------------------------------------------------------------------------------------------


def content(report: Report, form: str) -> str:
    """Return a report as the text of a file: every row, exact."""
    if form != "jsonl":
        return f"{reporting.shell(report, form)}\n"
    rows: list[dict[str, Any]] = json.loads(reporting.shell(report, "json"))["rows"]
    return "".join(f"{json_of(row)}\n" for row in rows)


def texts(snapshots: Iterable[Snapshot], names: Names, form: str) -> Iterator[str]:
    """Yield the text of a file of snapshots, in pieces: CSV with its heading, or a JSON object a line."""
    if form == "csv":
        yield f"{csv_of(COLUMNS, (), _NUMBERS)}\n"
    piece: list[dict[str, Any]] = []
    for snapshot in snapshots:
        piece.append(_row(snapshot, names))
        if len(piece) == BATCH:
            yield _text(piece, form)
            piece.clear()
    if piece:
        yield _text(piece, form)


def _text(rows: Iterable[Mapping[str, Any]], form: str) -> str:
    if form == "csv":
        return csv_of(COLUMNS, rows, _NUMBERS).partition("\n")[2] + "\n"
    return "".join(f"{json_of(row)}\n" for row in rows)


def _row(snapshot: Snapshot, names: Names) -> dict[str, Any]:
    series = snapshot.series
    values = (series.project_id, series.api_key_id, series.user_id, snapshot.model, series.line_item)
    told: dict[str, Any] = {"day": snapshot.day.isoformat(), **described(_DIMENSIONS, values, names.of)}
    return told | {
        "cost_usd": exact_usd(snapshot.cost),
        "quantity": decimal(snapshot.quantity, MILLIONTH) if snapshot.quantity is not None else None,
        "quantity_unit": snapshot.unit or None,
        "known_at": iso(snapshot.known_at),
    }


# -- answers ---------------------------------------------------------------------------------------------


def slack(answer: Exported, query: Query | None = None) -> dict[str, Any]:
    """Return what became of the file; where it was not sent, how else to have it, and the rows if they are few."""
    report = answer.report
    asked = query or report.query
    count = len(report.rows)
    what = f"{count:,} row{'s' if count != 1 else ''}, {show_usd(report.total)} in all"
    body: list[dict[str, Any]] = []
    if answer.sent == "sent":
        told = f"Sent to you: {blocks.name(answer.name, 120)} ({what})"
        body.append(blocks.section(f":white_check_mark: {told}"))
    else:
        told = said(answer.why)
        body.append(blocks.section(f":warning: {told}"))
        shown = f"In a shell: {command(f'budgetbot {asked.command}')}"
        body.append(blocks.section(f"{headlines.of_report(report, SLACK)} ({what}). {shown}"))
        text = content(report, answer.form).rstrip("\n")
        if 0 < count <= FEW and len(text) <= FEW_CHARACTERS:
            body.append(blocks.section(f"```{_as_code(text)}```"))
    body += [blocks.context(said(note)) for note in report.notes]
    body.append(blocks.context(f"{command(asked.command)} · {dated(report.as_of)}, UTC days"))
    again = [asked.range_words, f"by {','.join(asked.by)}" if asked.by else "", *map(str, asked.filters)]
    words = " ".join(word for word in ("report", *again) if word)
    body.append(blocks.actions([run_button(words, "Show it here", "report")]))
    return blocks.message(f"{told}.".replace("..", "."), body)


def _as_code(text: str) -> str:
    lines = (blocks.clean(line) for line in text.split("\n"))
    return blocks.escape("\n".join(lines).replace("`", "ˋ"))


def shell(answer: Exported, form: str, query: Query | None = None) -> str:
    """Return the file's text."""
    del query
    return content(answer.report, form if form != "table" else answer.form).rstrip("\n")
