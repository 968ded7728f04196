"""What Slack accepts as a message: an answer of its own, and slackblocks as a second opinion.

Each refusal is what Slack would answer: an error code and sentences with JSON pointers.
"""

import json
from dataclasses import dataclass, field

import slackblocks as kit
from slackblocks.errors import InvalidUsageError

KEYS = {
    "section": {"text", "fields", "accessory"},
    "context": {"elements"},
    "header": {"text"},
    "divider": set(),
    "actions": {"elements"},
    "table": {"rows", "column_settings"},
}
ELEMENTS = {
    "button": {"text", "action_id", "value", "style", "url", "confirm"},
    "overflow": {"action_id", "options", "confirm"},
}


@dataclass
class Refused(Exception):
    """Slack's answer to a payload it does not take."""

    code: str
    errors: list[str] = field(default_factory=list)
    extra: dict = field(default_factory=dict)


def check_message(message: dict) -> None:
    """Raise Refused unless Slack would take `text`, `blocks` and `attachments` of this message."""
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
    ids, tables = [], 0
    for pointer, group in groups:
        for place, block in enumerate(group):
            here = f"{pointer}/{place}"
            errors += [f"{said} [json-pointer:{here}{where}]" for where, said in _block(block)]
            if isinstance(block, dict):
                ids += [block["block_id"]] if "block_id" in block else []
                tables += block.get("type") == "table"
    if len(ids) != len(set(ids)):
        errors.append("block_id already exists [json-pointer:/blocks]")
    if tables > 1:
        errors.append("only_one_table_allowed [json-pointer:/blocks]")
    if errors:
        raise Refused("invalid_blocks", errors)
    if sum(_characters(group) for _, group in groups) > 12_000:
        raise Refused("msg_blocks_too_long")


def rebuild(block: dict) -> dict:
    """Return the block as slackblocks writes it; raises when that library finds it invalid."""
    kinds = {
        "section": lambda: kit.SectionBlock(
            text=_text(block["text"]) if "text" in block else None,
            fields=[_text(held) for held in block["fields"]] if "fields" in block else None,
            accessory=_element(block["accessory"]) if "accessory" in block else None,
            block_id=block.get("block_id"),
        ),
        "context": lambda: kit.ContextBlock(
            [_text(held) for held in block["elements"]], block.get("block_id")
        ),
        "header": lambda: kit.HeaderBlock(_text(block["text"]), block.get("block_id")),
        "divider": lambda: kit.DividerBlock(block.get("block_id")),
        "actions": lambda: kit.ActionsBlock(
            [_element(held) for held in block["elements"]], block.get("block_id")
        ),
        "table": lambda: kit.TableBlock(
            [[kit.RawText(cell["text"]) for cell in row] for row in block["rows"]],
            [
                kit.ColumnSettings(held.get("align"), held.get("is_wrapped"))
                for held in block["column_settings"]
            ],
            block.get("block_id"),
        ),
    }
    built = json.loads(repr(kinds[block["type"]]()))
    if "block_id" not in block:
        built.pop("block_id", None)
    return built


def _block(block):
    if not isinstance(block, dict) or block.get("type") not in KEYS:
        yield "/type", "unsupported type"
        return
    kind = block["type"]
    if extra := block.keys() - KEYS[kind] - {"type", "block_id"}:
        yield f"/{min(extra)}", "no additional properties allowed"
        return
    if len(str(block.get("block_id", "x"))) not in range(1, 256):
        yield "/block_id", "must be 1 to 255 characters"
    found = list(_CHECKS[kind](block))
    yield from found
    if not found:
        try:
            if rebuild(block) != block:
                yield "", f"does not survive being read: {rebuild(block)}"
        except (InvalidUsageError, KeyError, TypeError, ValueError) as refusal:
            yield "", f"slackblocks: {refusal}"


def _section(block):
    if "text" not in block and "fields" not in block:
        yield "", "missing text or fields"
    if "text" in block:
        yield from _text_object(block["text"], "/text", 3000)
    if "fields" in block:
        if not 1 <= len(block["fields"]) <= 10:
            yield "/fields", "must have 1 to 10 items"
        for place, held in enumerate(block["fields"]):
            yield from _text_object(held, f"/fields/{place}", 2000)
    if "accessory" in block:
        yield from _interactive(block["accessory"], "/accessory")


def _context(block):
    if not 1 <= len(block.get("elements", [])) <= 10:
        yield "/elements", "must have 1 to 10 items"
    for place, held in enumerate(block.get("elements", [])):
        yield from _text_object(held, f"/elements/{place}", 3000)


def _header(block):
    if block.get("text", {}).get("type") != "plain_text":
        yield "/text/type", "must be plain_text"
    yield from _text_object(block.get("text"), "/text", 150)


def _actions(block):
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 25:
        yield "/elements", "must have 1 to 25 items"
    for place, held in enumerate(elements):
        yield from _interactive(held, f"/elements/{place}")
    ids = [held.get("action_id") for held in elements if isinstance(held, dict)]
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


_CHECKS = {
    "section": _section,
    "context": _context,
    "header": _header,
    "divider": lambda block: (),
    "actions": _actions,
    "table": _table,
}


def _text_object(held, where, limit):
    if not isinstance(held, dict) or held.get("type") not in ("mrkdwn", "plain_text"):
        yield where, "must be a text object"
    elif held.keys() - {"type", "text", "verbatim" if held["type"] == "mrkdwn" else "emoji"}:
        yield where, "no additional properties allowed"
    elif not isinstance(held.get("text"), str) or not 1 <= len(held["text"]) <= limit:
        yield f"{where}/text", f"must be 1 to {limit} characters"


def _interactive(held, where):
    if not isinstance(held, dict) or held.get("type") not in ELEMENTS:
        yield f"{where}/type", "unsupported type"
        return
    if held.keys() - ELEMENTS[held["type"]] - {"type"}:
        yield where, "no additional properties allowed"
    if not 1 <= len(held.get("action_id", "x")) <= 255:
        yield f"{where}/action_id", "must be 1 to 255 characters"
    if held["type"] == "button":
        if held.get("text", {}).get("type") != "plain_text":
            yield f"{where}/text/type", "must be plain_text"
        yield from _text_object(held.get("text"), f"{where}/text", 75)
        if not 1 <= len(held.get("value", "x")) <= 2000:
            yield f"{where}/value", "must be 1 to 2000 characters"
        if held.get("style", "primary") not in ("primary", "danger"):
            yield f"{where}/style", "must be primary or danger"
    elif not 1 <= len(held.get("options", [])) <= 5:
        yield f"{where}/options", "must have 1 to 5 items"


def _text(held):
    kind = kit.TextType.MARKDOWN if held["type"] == "mrkdwn" else kit.TextType.PLAINTEXT
    return kit.Text(held["text"], kind, emoji=held.get("emoji", False), verbatim=held.get("verbatim", False))


def _element(held):
    if held["type"] == "button":
        return kit.Button(
            text=_text(held["text"]),
            action_id=held.get("action_id"),
            url=held.get("url"),
            value=held.get("value"),
            style=held.get("style"),
        )
    options = [kit.Option(_text(option["text"]), option["value"]) for option in held["options"]]
    return kit.OverflowMenu(held["action_id"], options)


def _characters(held) -> int:
    if isinstance(held, dict):
        own = len(held["text"]) if isinstance(held.get("text"), str) else 0
        return own + sum(_characters(value) for value in held.values())
    return sum(_characters(value) for value in held) if isinstance(held, list) else 0


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
