"""What answers share, whatever they answer: their date, their question, JSON, CSV and buttons."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.core.question import Query
from bot.render import blocks

RUN, HELP = "cmd.run", "cmd.help"
VERSION = "v1"
"""In front of a button's value, so that an old button is known as such."""
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What makes spreadsheets run a cell, also in the wide letters of East Asian ones."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What turns the letters around it, and halves of characters, which no file can hold."""
_UNSEEN = re.compile(r"[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


# -- machines --------------------------------------------------------------------------------------------


def json_of(body: Mapping[str, Any]) -> str:
    """Return JSON in one line, its letters readable, what a terminal would obey escaped."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(body, ensure_ascii=False))


def csv_of(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], numbers: Sequence[str]) -> str:
    """Return rows as CSV; a cell from outside that a spreadsheet would run as a formula is quoted by '."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column), number=column in numbers) for column in columns])
    return out.getvalue().rstrip("\n")


def iso(at: datetime | None) -> str | None:
    """Return an instant as machines read it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def _cell(value: Any, *, number: bool) -> str:
    if value is None:
        return ""
    # A line break inside a cell would be a new row to readers that know no quotes.
    text = _TURNING.sub("", _CONTROL.sub(" ", str(value)))
    return f"'{text}" if not number and text.lstrip().startswith(_FORMULA) else text


# -- a shell ---------------------------------------------------------------------------------------------


def asked_at(as_of: datetime | None) -> str:
    """Return the last line of an answer in a shell."""
    return f"As of {as_of:%Y-%m-%d %H:%M} UTC; days are UTC days." if as_of else "Nothing was read yet."


def foot(as_of: datetime | None, notes: Iterable[str]) -> list[str]:
    """Return the last lines of an answer in a shell: its date, and what the reader must know."""
    return [asked_at(as_of), *(blocks.clean(note) for note in notes)]


# -- Slack -----------------------------------------------------------------------------------------------


def said(sentence: str) -> str:
    """Return a sentence that may quote what came from outside, as mrkdwn of one line."""
    return blocks.escape(blocks.clip(blocks.clean(sentence), 1_000))


def command(words: str) -> str:
    """Return a command as it is typed."""
    return f"`{said(words).replace('`', 'ˋ')}`"


def dated(as_of: datetime | None) -> str:
    """Return `data as of 22 Nov 13:05 UTC`."""
    return f"data as of {as_of.day} {as_of:%b %H:%M} UTC" if as_of else "no data yet"


def warnings(notes: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the reader must know before the figures."""
    return [blocks.section(f":warning: {said(note)}") for note in notes[:5]]


def run_button(words: str, label: str, place: str, *, primary: bool = False) -> dict[str, Any]:
    """Return a button that asks `words`, which the parser bounds well below what a button holds."""
    return blocks.button(label, f"{RUN}.{place}", f"{VERSION}|{words}", "primary" if primary else None)


def file_of(query: Query) -> dict[str, Any]:
    """Return where a file is to be had that was asked for in Slack."""
    return blocks.context(f"{query.format} is written in a shell: {command(f'budgetbot {query.command}')}")
