"""Slack messages drawn as text, as a person would see them: for the demo and for dry runs."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

EMOJI = {
    ":red_circle:": "🔴",
    ":large_yellow_circle:": "🟡",
    ":large_blue_circle:": "🔵",
    ":large_green_circle:": "🟢",
    ":white_circle:": "⚪",
    ":checkered_flag:": "🏁",
    ":warning:": "⚠️ ",
    ":white_check_mark:": "✅",
    ":grey_question:": "❔",
    ":small_red_triangle:": "▲",
    ":hourglass:": "⏳",
    ":no_bell:": "🔕",
    ":bell:": "🔔",
    ":wave:": "👋",
    ":money_with_wings:": "💸",
    ":zzz:": "💤",
    ":arrow_double_up:": "⏫",
    ":information_source:": "ℹ️ ",
}
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_USER = re.compile(r"<[@#!](?:subteam\^)?([^|>]+)(?:\|([^>]*))?>")
_CODE = re.compile(r":[a-z_]+:")
WIDTH = 96
_SPARKS = "▁▂▃▄▅▆▇█"
_NO_WIDTH = ("Mn", "Me", "Cf")


def draw(room: str, message: Mapping[str, Any], *, in_thread: bool = False, edited: bool = False) -> str:
    """Return the message under its room's name, thread lines indented."""
    lines = [line for block in message.get("blocks", ()) for line in _block(block)]
    for attachment in message.get("attachments", ()):
        lines += ["│ " + line for block in attachment.get("blocks", ()) for line in _block(block)]
    if not lines:
        lines = [words(message.get("text", ""))]
    name = room if room.startswith(("#", "@")) else f"#{room}"
    if in_thread:
        return "\n".join([f"  ↳ {name} thread: {lines[0]}", *("    " + line for line in lines[1:])])
    return "\n".join(
        [f"── {name}{' (edited)' if edited else ''} " + "─" * max(4, WIDTH - len(name) - 4), *lines]
    )


def words(mrkdwn: str) -> str:
    """Return mrkdwn as plain words: links by their text, emoji drawn, entities undone."""
    text = _LINK.sub(lambda found: found[2], mrkdwn)
    text = _DATE.sub(lambda found: found[1], text)
    text = _USER.sub(lambda found: f"@{found[2] or found[1]}", text)
    text = _CODE.sub(lambda found: EMOJI.get(found[0], found[0]), text)
    text = re.sub(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"\1", text)
    text = re.sub(r"`([^`\n]+)`", r"\1", text)
    text = re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _block(block: Mapping[str, Any]) -> Iterable[str]:
    match block.get("type"):
        case "header":
            yield block["text"]["text"]
        case "section":
            if "text" in block:
                yield from words(block["text"]["text"]).split("\n")
            cells = [words(cell["text"]).replace("\n", ": ", 1) for cell in block.get("fields", ())]
            for start in range(0, len(cells), 2):
                yield "   ".join(_wide(cell, 44) for cell in cells[start : start + 2]).rstrip()
        case "context":
            yield from (words(element["text"]) for element in block["elements"] if "text" in element)
        case "table":
            yield from table(
                [[cell["text"] for cell in row] for row in block["rows"]], block.get("column_settings", ())
            )
        case "actions":
            yield " ".join(
                f"[{element['text']['text']}]" for element in block["elements"] if "text" in element
            )
        case "data_visualization":
            yield from _chart(block)
        case "image":
            yield f"[{block['alt_text']}]"
        case "divider":
            yield "─" * 20


def _chart(block: Mapping[str, Any]) -> Iterable[str]:
    """Yield the title, then each line of the chart: its course, and what it comes to in the end."""
    chart = block["chart"]
    yield block["title"]
    lines = chart["series"]
    most = max((point["value"] for line in lines for point in line["data"]), default=0)
    wide = max(len(line["name"]) for line in lines)
    for line in lines:
        values = [point["value"] for point in line["data"]]
        course = "".join(
            _SPARKS[min(7, int(max(value, 0) * 8 / most)) if most > 0 else 0] for value in values
        )
        yield f"  {line['name']:<{wide}}  {course}  ${values[-1]:,}"
    labels = chart["axis_config"]["categories"]
    yield f"  {chart['axis_config']['x_label']}: {labels[0]} to {labels[-1]}"


def table(rows: Sequence[Sequence[str]], settings: Sequence[Mapping[str, Any]] = ()) -> Iterable[str]:
    """Return rows as aligned columns."""
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = []
        for column, cell in enumerate(row):
            pad = " " * (widths[column] - _width(cell))
            right = column < len(settings) and settings[column].get("align") == "right"
            cells.append(pad + cell if right else cell + pad)
        yield "  ".join(cells).rstrip()


def _wide(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Return how many columns a terminal needs: two for wide letters, none for marks on the one before."""
    return sum(
        0
        if unicodedata.category(character) in _NO_WIDTH
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
