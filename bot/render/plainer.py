"""The same message in plainer forms, for a Slack that refuses the first: it must arrive, if only in words.

From one form to the next: Slack's own charts; the chart as a picture; as letters; tables as letters too; the sentence
with its buttons; the sentence alone. The figures are the same in each.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.core.charts import Chart, from_json
from bot.render import blocks
from bot.render.charts import lettered, picture

AS_DRAWN, PICTURED, LETTERED, TABLES_LETTERED, BUTTONS_KEPT, WORDS = range(6)
"""The forms, the fullest first."""
CHART = "chart"
"""Beside a message's blocks: what its chart shows, so that it can be drawn again in another way."""
SAID = ("text", "blocks", "attachments")
CELL = 32
"""Characters of a cell in letters."""
GAP = "  "


def form(message: Mapping[str, Any], level: int, chart_picture: str | None = None) -> dict[str, Any]:
    """Return a message in one of its forms, as Slack takes it: without what only travels beside it.

    `chart_picture` is the id of the uploaded picture of its chart. Without one a chart is letters at once.
    """
    said = {key: message[key] for key in SAID if message.get(key)}
    if level >= WORDS:
        return {"text": said["text"]}
    if level >= BUTTONS_KEPT:
        return _with_buttons(said)
    if level >= PICTURED:
        chart = _chart(message)
        said = _each_block(
            said, lambda block: _charted(block, chart, None if level > PICTURED else chart_picture)
        )
    if level >= TABLES_LETTERED:
        said = _each_block(said, _untabled)
    return said


def plainer(message: Mapping[str, Any], chart_picture: str | None = None) -> dict[str, Any] | None:
    """Return the next plainer form of a message that Slack refused, or None when there is nothing plainer.

    What travels beside it is kept, so that the answer can be made plainer again.
    """
    beside = {key: held for key, held in message.items() if key not in SAID}
    here = form(message, AS_DRAWN)
    for level in range(PICTURED, WORDS + 1):
        there = form(message, level, chart_picture)
        # A picture that is refused as well must not be the next form of itself.
        if there != here:
            return {**beside, **there}
    return None


def in_letters(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a message with everything that Slack draws in letters, or what is plainer still; None of bare words.

    For answers that may be tried only a few times.
    """
    here = form(message, AS_DRAWN)
    for level in (TABLES_LETTERED, BUTTONS_KEPT):
        there = form(message, level)
        if there != here:
            return there
    return None


def _each_block(
    said: Mapping[str, Any], change: Callable[[dict[str, Any]], dict[str, Any] | None]
) -> dict[str, Any]:
    def changed(held: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [block for block in map(change, held) if block is not None]

    told = dict(said)
    if "blocks" in told:
        told["blocks"] = changed(told["blocks"])
    if "attachments" in told:
        told["attachments"] = [
            {**held, "blocks": changed(held.get("blocks", ()))} for held in told["attachments"]
        ]
    return told


def _charted(block: dict[str, Any], chart: Chart | None, chart_picture: str | None) -> dict[str, Any] | None:
    """Return the block that stands where Slack's own chart or an uploaded picture stood."""
    if block["type"] != "data_visualization" and not (block["type"] == "image" and "slack_file" in block):
        return block
    if chart is None:
        return None  # nobody knows what it showed; the words around it hold the figures
    if chart_picture is None:
        return lettered(chart, block.get("block_id"))
    return picture(chart, chart_picture, block.get("block_id", "chart"))


def _chart(message: Mapping[str, Any]) -> Chart | None:
    held = message.get(CHART)
    try:
        return from_json(held) if isinstance(held, Mapping) else None
    except ValueError:
        return None


def _untabled(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] != "table":
        return block
    settings = block.get("column_settings") or []
    right = {place for place, held in enumerate(settings) if (held or {}).get("align") == "right"}
    rows = [[str(cell.get("text", "")) for cell in row] for row in block["rows"]]
    return blocks.section(f"```{blocks.escape(letters(rows, right))}```", block_id=block.get("block_id"))


def letters(rows: Sequence[Sequence[str]], right: set[int]) -> str:
    """Return a table in letters of one width, not escaped; what does not fit a paragraph is counted."""
    shown = [[blocks.clip(cell, CELL).replace("`", "ˋ") for cell in row] for row in rows]
    count = max(map(len, shown), default=0)
    wide = [max((len(row[place]) for row in shown if place < len(row)), default=0) for place in range(count)]
    lines = [
        GAP.join(
            cell.rjust(wide[place]) if place in right else cell.ljust(wide[place])
            for place, cell in enumerate(row)
        ).rstrip()
        for row in shown
    ]
    kept = len(lines)
    while kept > 1 and len(blocks.escape("\n".join(lines[:kept]))) > blocks.SECTION - 40:
        kept -= 1
    more = [f"and {len(lines) - kept} more"] if kept < len(lines) else []
    return "\n".join([*lines[:kept], *more])


def _with_buttons(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sentence, and what can be pressed."""
    groups = [said.get("blocks", ()), *(held.get("blocks", ()) for held in said.get("attachments", ()))]
    pressed = [block for group in groups for block in group if block["type"] == "actions"]
    if not pressed:
        return {"text": said["text"]}
    return {"text": said["text"], "blocks": [blocks.section(said["text"]), *pressed]}
