"""The few block shapes we use as plain dictionaries, with Slack's limits and escaping in one place.

Slack refuses a whole message for one empty cell or one character too many, so everything here either fits or is
cut where a reader can see it. Limits: Slack's Block Kit reference, and the totals seen to be refused in practice.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

Block = dict[str, Any]

RED, AMBER, GREEN, BLUE = "#d1242f", "#d29922", "#1a7f37", "#0969da"

BLOCKS, MESSAGE_CHARACTERS, TEXT = 50, 12_000, 3_900
SECTION, FIELD, FIELDS, HEADER, NOTE, NOTES = 3_000, 2_000, 10, 150, 2_000, 10
BUTTONS, LABEL, VALUE, ACTION_ID, BLOCK_ID = 25, 75, 2_000, 255, 255
CHOICES, CHOICE = 5, 150
ROWS, COLUMNS, CELL, TABLE_CHARACTERS = 100, 20, 200, 10_000
NOTHING = "—"
NAME = 40
EMPTY = "(empty)"
_CUT = "Some of this was too long for Slack and is left out."
# Letters that print as nothing, so that a name of them would read as no name.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_SPACES = frozenset(("Zs", "Zl", "Zp", "Cc"))
_LOOK_ALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
# `search_prod` stays as people type it: Slack makes italics only at the edge of a word.
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
# `:red_circle:` would draw a severity that is not there; `ft:gpt-4o:acme` stays.
_EMOJI = re.compile(r"(?<!\w):(?=[\w+'-]+:)")


def escape(text: str) -> str:
    """Return `text` as mrkdwn that mentions nobody and links nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def name(text: str, limit: int = NAME) -> str:
    """Return a name from outside, safe in mrkdwn and top-level text, also inside `*bold*`.

    One line, no control or bidi characters, 40 characters, formatting replaced by look-alikes; `(empty)` of nothing.
    """
    cut = clip(clean(text), limit) or EMPTY
    if cut.startswith(">"):  # an escaped one at the start of a line still draws a quotation
        cut = "›" + cut[1:]
    return escape(_EMOJI.sub("∶", _EDGE_UNDERSCORE.sub("ˍ", cut.translate(_LOOK_ALIKES))))


def plain(text: str, limit: int = NAME, *, empty: str = EMPTY) -> str:
    """Return a name from outside for raw cells and plain text, where nothing is parsed: one line, clipped."""
    return clip(clean(text), limit) or empty


def clean(text: str) -> str:
    """Return `text` on one line, without characters that reorder, hide or fake what is around them."""
    kept: list[str] = []
    for character in text:
        kind = unicodedata.category(character)
        if kind in _SPACES:
            kept.append(" ")
        elif kind not in ("Cf", "Cs", "Co") and character not in _BLANK:
            kept.append(character)
    return " ".join("".join(kept).split())


def clip(text: str, limit: int) -> str:
    """Return at most `limit` characters, the last an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def clip_mrkdwn(text: str, limit: int) -> str:
    """Return at most `limit` characters of escaped mrkdwn, never half of an `&amp;` or of a `<link|words>`."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    if (start := cut.rfind("<")) > cut.rfind(">"):
        cut = cut[:start]
    if (start := cut.rfind("&")) > cut.rfind(";"):
        cut = cut[:start]
    return cut.rstrip() + "…"


def section(mrkdwn: str, *, accessory: Block | None = None, block_id: str | None = None) -> Block:
    """Return a paragraph of escaped mrkdwn, clipped to 3,000 characters."""
    block: Block = {"type": "section", "text": _mrkdwn(mrkdwn, SECTION)}
    if accessory is not None:
        block["accessory"] = accessory
    return _identified(block, block_id)


def fields(*mrkdwn: str, block_id: str | None = None) -> Block:
    """Return up to ten facts in two columns, each escaped mrkdwn."""
    _allow(len(mrkdwn), FIELDS, "fields")
    return _identified({"type": "section", "fields": [_mrkdwn(text, FIELD) for text in mrkdwn]}, block_id)


def context(*mrkdwn: str, block_id: str | None = None) -> Block:
    """Return small grey print."""
    _allow(len(mrkdwn), NOTES, "notes")
    return _identified({"type": "context", "elements": [_mrkdwn(text, NOTE) for text in mrkdwn]}, block_id)


def header(text: str, *, block_id: str | None = None) -> Block:
    """Return a large title of plain text: names go in as they are."""
    return _identified({"type": "header", "text": _plain_text(text, HEADER)}, block_id)


def divider() -> Block:
    """Return a thin line."""
    return {"type": "divider"}


def button(
    text: str, action_id: str, value: str, style: Literal["primary", "danger"] | None = None
) -> dict[str, Any]:
    """Return a button. `value` is a reference and never cut: one that does not fit is a bug and raises ValueError."""
    if not value:
        raise ValueError(f"the button {text!r} has no value")
    _allow(len(value), VALUE, "characters in a button's value")
    _allow(len(action_id), ACTION_ID, "characters in an action_id")
    element: dict[str, Any] = {
        "type": "button",
        "text": _plain_text(text, LABEL),
        "action_id": action_id,
        "value": value,
    }
    if style is not None:
        element["style"] = style
    return element


def option(text: str, value: str) -> dict[str, Any]:
    """Return one choice. `value` is a reference and never cut, as a button's is not."""
    _allow(len(value), CHOICE, "characters in an option's value")
    return {"text": _plain_text(text, LABEL), "value": value}


def overflow(action_id: str, options: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a menu behind three dots, of one to five choices."""
    _allow(len(options), CHOICES, "choices in a menu")
    _allow(len(action_id), ACTION_ID, "characters in an action_id")
    return {"type": "overflow", "action_id": action_id, "options": [dict(each) for each in options]}


def actions(buttons: Sequence[Mapping[str, Any]], block_id: str | None = None) -> Block:
    """Return a row of buttons; `block_id` must be new on every update, so give it the revision."""
    _allow(len(buttons), BUTTONS, "buttons")
    return _identified({"type": "actions", "elements": [dict(element) for element in buttons]}, block_id)


def table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[int] = (),
    block_id: str | None = None,
) -> Block:
    """Return a table of raw cells (never parsed, so names go in as they are); columns in `right` align right.

    An empty cell becomes a dash. Rows that do not fit into 100 rows or 10,000 characters are left out from the
    end, and the last row then says how many.
    """
    _allow(len(titles), COLUMNS, "columns")
    if any(len(row) != len(titles) for row in rows):
        raise ValueError("every row needs a cell for every column")
    heading = [_cell(title) for title in titles]
    body = [[_cell(text) for text in row] for row in rows]
    kept = min(len(body), ROWS - 1)
    while True:
        shown = [heading, *body[:kept]]
        if kept < len(body):
            shown.append([f"{len(body) - kept} more", *[NOTHING] * (len(titles) - 1)])
        if len(shown) <= ROWS and sum(len(text) for row in shown for text in row) <= TABLE_CHARACTERS:
            break
        kept -= 1
    block: Block = {
        "type": "table",
        "column_settings": [
            {"align": "right"} if column in right else {"is_wrapped": False} for column in range(len(titles))
        ],
        "rows": [[{"type": "raw_text", "text": text} for text in row] for row in shown],
    }
    return _identified(block, block_id)


def attachment(color: str, fallback: str, blocks: Iterable[Block]) -> dict[str, Any]:
    """Return blocks beside a coloured bar; `fallback` is what a client without blocks shows."""
    return {"color": color, "fallback": clip(clean(fallback), TEXT) or NOTHING, "blocks": list(blocks)}


def message(
    text: str, blocks: Iterable[Block] = (), attachments: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return a message that fits: `text` on one line, 50 blocks, 12,000 characters in all.

    `text` (escaped, like every mrkdwn) is what notifications and screen readers say, so it is always there. What
    is too much is taken from the end, buttons last, and a line says so.
    """
    one_line = clip_mrkdwn(clean(text), TEXT) or NOTHING
    above = list(blocks)
    beside = [{**held, "blocks": list(held["blocks"])} for held in attachments]
    if not _fits([above, *(held["blocks"] for held in beside)]):
        above.append(context(_CUT))
        _shorten([above, *(held["blocks"] for held in beside)], spare=above[-1])
    built: dict[str, Any] = {"text": one_line}
    if above:
        built["blocks"] = above
    if kept := [held for held in beside if held["blocks"]]:
        built["attachments"] = kept
    return built


def bar(value: int, of: int) -> str:
    """Return ten cells, `▇▇▇▇▇▇▇▇▄░` for 86%; the tenth is whole only when `of` is reached."""
    if of <= 0:
        return ("▇" if value > 0 else "░") * 10
    sevenths = max(0, min(70, value * 70 // of))
    whole, part = divmod(sevenths, 7)
    return ("▇" * whole + ("▁▂▃▄▅▆"[part - 1] if part else "") + "░" * 10)[:10]


def characters(block: Mapping[str, Any]) -> int:
    """Return how much a block counts towards the message's total: every text a reader sees."""
    total = 0
    stack: list[Any] = [block]
    while stack:
        held = stack.pop()
        if isinstance(held, Mapping):
            total += len(held["text"]) if isinstance(held.get("text"), str) else 0
            stack.extend(held.values())
        elif isinstance(held, list):
            stack.extend(held)
    return total


def _fits(groups: Sequence[Sequence[Block]]) -> bool:
    count = sum(len(group) for group in groups)
    return (
        count <= BLOCKS
        and sum(characters(block) for group in groups for block in group) <= MESSAGE_CHARACTERS
        and sum(block["type"] == "table" for group in groups for block in group) <= 1
    )


def _shorten(groups: list[list[Block]], *, spare: Block) -> None:
    """Drop blocks from the end until the rest fits: first those without buttons, then any but the first."""
    for with_buttons in (False, True):
        for group in reversed(groups):
            for place in range(len(group) - 1, 0 if group is groups[0] else -1, -1):
                if _fits(groups):
                    return
                if group[place] is not spare and (with_buttons or group[place]["type"] != "actions"):
                    del group[place]


def _cell(text: str) -> str:
    return plain(text, CELL, empty=NOTHING)


def _mrkdwn(text: str, limit: int) -> dict[str, Any]:
    # verbatim: Slack must not turn `#general`, `@here` or an address inside a name into a link.
    return {"type": "mrkdwn", "text": clip_mrkdwn(text, limit) or NOTHING, "verbatim": True}


def _plain_text(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": plain(text, limit, empty=NOTHING), "emoji": True}


def _identified(block: Block, block_id: str | None) -> Block:
    if block_id is not None:
        _allow(len(block_id), BLOCK_ID, "characters in a block_id")
        block["block_id"] = block_id
    return block


def _allow(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise ValueError(f"{count} {what}: Slack takes at most {limit}")
