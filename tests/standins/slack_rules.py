"""What Slack accepts as a message: an answer of its own, and slackblocks as a second opinion.

Each refusal is what Slack would answer: an error code and sentences with JSON pointers.
"""

import json
from dataclasses import dataclass, field

import slackblocks as kit
from slackblocks.errors import InvalidUsageError

from tests.standins import slack_elements as elements
from tests.standins.slack_elements import text_object

KEYS = {
    "section": {"text", "fields", "accessory"},
    "context": {"elements"},
    "header": {"text"},
    "divider": set(),
    "actions": {"elements"},
    "table": {"rows", "column_settings"},
    "image": {"slack_file", "image_url", "alt_text", "title"},
    "data_visualization": {"title", "chart"},
    "input": {"label", "element", "hint", "optional", "dispatch_action"},
}
EVERYWHERE = {"section", "context", "header", "divider", "actions", "image"}
SURFACES = {
    "message": EVERYWHERE | {"table", "data_visualization"},
    "modal": EVERYWHERE | {"input"},
    "home": EVERYWHERE | {"input"},
}
"""The safe subset: what some clients do not show yet is not in it."""


@dataclass
class Refused(Exception):
    """Slack's answer to a payload it does not take."""

    code: str
    errors: list[str] = field(default_factory=list)
    extra: dict = field(default_factory=dict)


def check_message(message: dict, files=()) -> None:
    """Raise Refused unless Slack would take `text`, `blocks` and `attachments` of this message.

    `files` are those that an image may show by now.
    """
    blocks, attachments = _listed(message, "blocks"), _listed(message, "attachments")
    if not str(message.get("text") or "") and not blocks and not attachments:
        raise Refused("no_text")
    if len(attachments) > 100:
        raise Refused("too_many_attachments")
    groups = [("/blocks", blocks)]
    errors = []
    for place, attachment in enumerate(attachments):
        if not isinstance(attachment, dict) or attachment.keys() - {"color", "fallback", "blocks"}:
            errors.append(f"unknown attachment [json-pointer:/attachments/{place}]")
            continue
        groups.append((f"/attachments/{place}/blocks", attachment.get("blocks", [])))
    if sum(len(group) for _, group in groups) > 50:
        errors.append("no more than 50 items allowed [json-pointer:/blocks]")
    kinds = []
    for pointer, group in groups:
        errors += wrong(group, pointer, "message", files)
        kinds += [block.get("type") for block in group if isinstance(block, dict)]
    errors += repeated([block for _, group in groups for block in group])
    if kinds.count("table") > 1:
        errors.append("only_one_table_allowed [json-pointer:/blocks]")
    if kinds.count("data_visualization") > 2:
        errors.append("no more than 2 charts allowed [json-pointer:/blocks]")
    if errors:
        raise Refused("invalid_blocks", errors)
    if sum(_characters(group) for _, group in groups) > 12_000:
        raise Refused("msg_blocks_too_long")


def wrong(blocks: list, pointer: str, surface: str, files=()) -> list[str]:
    """Return what is wrong with blocks on a surface, each with where it is."""
    found = []
    for place, block in enumerate(blocks):
        found += [
            f"{said} [json-pointer:{pointer}/{place}{where}]" for where, said in _block(block, surface, files)
        ]
    return found


def repeated(blocks: list) -> list[str]:
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    return ["block_id already exists [json-pointer:/blocks]"] if len(ids) != len(set(ids)) else []


def rebuild(block: dict) -> dict:
    """Return the block as slackblocks writes it; raises when that library finds it invalid."""
    kinds = {
        "section": lambda: kit.SectionBlock(
            text=elements.text(block["text"]) if "text" in block else None,
            fields=[elements.text(held) for held in block["fields"]] if "fields" in block else None,
            accessory=elements.rebuild(block["accessory"]) if "accessory" in block else None,
            block_id=block.get("block_id"),
        ),
        "context": lambda: kit.ContextBlock(
            [elements.text(held) for held in block["elements"]], block.get("block_id")
        ),
        "header": lambda: kit.HeaderBlock(elements.text(block["text"]), block.get("block_id")),
        "divider": lambda: kit.DividerBlock(block.get("block_id")),
        "actions": lambda: kit.ActionsBlock(
            [elements.rebuild(held) for held in block["elements"]], block.get("block_id")
        ),
        "table": lambda: kit.TableBlock(
            [[kit.RawText(cell["text"]) for cell in row] for row in block["rows"]],
            [
                kit.ColumnSettings(held.get("align"), held.get("is_wrapped"))
                for held in block["column_settings"]
            ],
            block.get("block_id"),
        ),
        "image": lambda: kit.ImageBlock(
            block.get("image_url"),
            block["alt_text"],
            elements.text(block["title"]) if "title" in block else None,
            block.get("block_id"),
            kit.SlackFile(block["slack_file"].get("url"), block["slack_file"].get("id"))
            if "slack_file" in block
            else None,
        ),
        "data_visualization": lambda: kit.DataVisualizationBlock(
            block["title"], _chart_of(block["chart"]), block.get("block_id")
        ),
        "input": lambda: kit.InputBlock(
            elements.text(block["label"]),
            elements.rebuild(block["element"]),
            block.get("dispatch_action", False),
            block.get("block_id"),
            elements.text(block["hint"]) if "hint" in block else None,
            block.get("optional", False),
        ),
    }
    built = json.loads(repr(kinds[block["type"]]()))
    if "block_id" not in block:
        built.pop("block_id", None)
    return built


def _block(block, surface, files):
    if not isinstance(block, dict) or block.get("type") not in SURFACES[surface]:
        yield "/type", "unsupported type"
        return
    kind = block["type"]
    if extra := block.keys() - KEYS[kind] - {"type", "block_id"}:
        yield f"/{min(extra)}", "no additional properties allowed"
        return
    if len(str(block.get("block_id", "x"))) not in range(1, 256):
        yield "/block_id", "must be 1 to 255 characters"
    found = list(_CHECKS[kind](block))
    if kind == "image" and not found and block.get("slack_file", {}).get("id", "") not in ("", *files):
        found = [("/slack_file", "invalid slack file")]
    yield from found
    if not found:
        try:
            if _without_false(rebuild(block)) != _without_false(block):
                yield "", f"does not survive being read: {rebuild(block)}"
        except (InvalidUsageError, KeyError, TypeError, ValueError) as refusal:
            yield "", f"slackblocks: {refusal}"


def _section(block):
    if "text" not in block and "fields" not in block:
        yield "", "missing text or fields"
    if "text" in block:
        yield from text_object(block["text"], "/text", 3000)
    if "fields" in block:
        if not 1 <= len(block["fields"]) <= 10:
            yield "/fields", "must have 1 to 10 items"
        for place, held in enumerate(block["fields"]):
            yield from text_object(held, f"/fields/{place}", 2000)
    if "accessory" in block:
        yield from elements.check(block["accessory"], "/accessory", inside="section")


def _context(block):
    if not 1 <= len(block.get("elements", [])) <= 10:
        yield "/elements", "must have 1 to 10 items"
    for place, held in enumerate(block.get("elements", [])):
        yield from text_object(held, f"/elements/{place}", 3000)


def _header(block):
    if block.get("text", {}).get("type") != "plain_text":
        yield "/text/type", "must be plain_text"
    yield from text_object(block.get("text"), "/text", 150)


def _actions(block):
    pressed = block.get("elements", [])
    if not 1 <= len(pressed) <= 25:
        yield "/elements", "must have 1 to 25 items"
    for place, held in enumerate(pressed):
        yield from elements.check(held, f"/elements/{place}", inside="actions")
    ids = [held.get("action_id") for held in pressed if isinstance(held, dict)]
    if len(ids) != len(set(ids)):
        yield "/elements", "action_id already exists"


def _table(block):
    rows = block.get("rows", [])
    if not 1 <= len(rows) <= 100 or any(not 1 <= len(row) <= 20 for row in rows):
        yield "/rows", "must have 1 to 100 rows of 1 to 20 cells"
    for row, held in enumerate(rows):
        for column, cell in enumerate(held):
            if set(cell) != {"type", "text"} or cell["type"] != "raw_text" or not cell["text"].strip():
                yield f"/rows/{row}/{column}/text", "must be more than 0 characters"
    if sum(len(cell.get("text", "")) for held in rows for cell in held) > 10_000:
        yield "/rows", "must be less than 10001 characters in total"


def _image(block):
    if ("slack_file" in block) == ("image_url" in block):
        yield "", "must have one of slack_file and image_url"
    if not 1 <= len(block.get("alt_text", "")) <= 2000:
        yield "/alt_text", "must be 1 to 2000 characters"
    if "title" in block:
        yield from text_object(block["title"], "/title", 2000, plain=True)


def _chart(block):
    chart = block.get("chart") or {}
    if not 1 <= len(block.get("title", "")) <= 50:
        yield "/title", "must be 1 to 50 characters"
    if chart.get("type") not in ("line", "bar", "area", "pie"):
        yield "/chart/type", "unsupported type"
    # Of the limits Slack names in different places we keep to the smaller.
    if len(chart.get("series", ())) > 6 or len(chart.get("segments", ())) > 6:
        yield "/chart", "no more than 6 series allowed"


def _input(block):
    yield from text_object(block.get("label"), "/label", 2000, plain=True)
    yield from elements.check(block.get("element"), "/element", inside="input")
    if "hint" in block:
        yield from text_object(block["hint"], "/hint", 2000, plain=True)


_CHECKS = {
    "section": _section,
    "context": _context,
    "header": _header,
    "divider": lambda block: (),
    "actions": _actions,
    "table": _table,
    "image": _image,
    "data_visualization": _chart,
    "input": _input,
}


def _chart_of(held):
    if held["type"] == "pie":
        return kit.PieChart([kit.ChartSegment(each["label"], each["value"]) for each in held["segments"]])
    kinds = {"line": kit.LineChart, "bar": kit.BarChart, "area": kit.AreaChart}
    axis = held["axis_config"]
    return kinds[held["type"]](
        [
            kit.DataSeries(each["name"], [kit.DataPoint(at["label"], at["value"]) for at in each["data"]])
            for each in held["series"]
        ],
        kit.AxisConfig(axis["categories"], axis.get("x_label"), axis.get("y_label")),
    )


def _characters(held) -> int:
    if isinstance(held, dict):
        own = len(held["text"]) if isinstance(held.get("text"), str) else 0
        return own + sum(_characters(value) for value in held.values())
    return sum(_characters(value) for value in held) if isinstance(held, list) else 0


def _without_false(held):
    """Return JSON without the flags that say no: leaving them out says the same."""
    if isinstance(held, dict):
        return {key: _without_false(value) for key, value in held.items() if value is not False}
    return [_without_false(value) for value in held] if isinstance(held, list) else held


def _listed(message: dict, key: str) -> list:
    held = message.get(key) or []
    if isinstance(held, str):  # a form carries JSON as text
        try:
            held = json.loads(held)
        except ValueError:
            raise Refused("invalid_blocks_format") from None
    if not isinstance(held, list):
        raise Refused("invalid_blocks_format" if key == "blocks" else "invalid_attachments")
    return held
