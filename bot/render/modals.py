"""The modals of alerts: silence for a while, and ask for more. They hold references; what they say is at hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.money import show_usd
from bot.core.ordering import MOST_REASON
from bot.core.until import Choice
from bot.render import blocks

__all__ = ["FIELD", "MOST_REASON", "SCOPES", "more", "refused", "silence"]

FIELD = "v"
"""The action_id of the one element of an input."""
TITLE = 24
SCOPES = {"alert": "This alert", "rule": "This rule, for the same group", "project": "The whole project"}


def silence(
    metadata: str,
    line: str,
    ends: Sequence[Choice],
    scopes: Mapping[str, str],
    *,
    zone: str,
    grows: bool,
    short: bool,
) -> dict[str, Any]:
    """Return the modal that silences: `line` says of what, `scopes` how much of it (value → label)."""
    until = [blocks.option(each.label, each.value) for each in ends]
    likely = next((each for each in until if each["value"] == "tomorrow"), until[-1])
    hint = f"By the clocks of {zone}." + (" More than 24 hours is for admins." if short else "")
    body = [
        blocks.section(line),
        _input("until", "Silence it until", _radio(until, likely), hint=hint),
    ]
    if len(scopes) > 1:
        choices = [blocks.option(label, value) for value, label in scopes.items()]
        body.append(_input("scope", "What is silenced", _radio(choices, choices[0])))
    if grows:
        number = {"type": "number_input", "action_id": FIELD, "is_decimal_allowed": False, "min_value": "1"}
        body.append(_input("wake", "But tell me if it grows by so many dollars", number, optional=True))
    body.append(_input("reason", "Reason, which others will see", _words()))
    return _modal("silence.submit", "Silence an alert", "Silence", metadata, body)


def more(metadata: str, line: str, facts: Sequence[str], wish: int) -> dict[str, Any]:
    """Return the modal that asks the owner of an amount for more; `wish` is what is proposed, in nano-dollars."""
    proposed = show_usd(wish, cents=False).replace(",", "").removeprefix("$")
    number = {
        "type": "number_input",
        "action_id": FIELD,
        "is_decimal_allowed": True,
        "min_value": "0.01",
        "initial_value": proposed,
    }
    body = [
        blocks.section(line),
        blocks.fields(*facts),
        _input("wish", "The amount it should have, in dollars", number),
        _input("reason", "Why, for whoever decides", _words()),
        blocks.context(
            "The owner is told, with the figures and the line to change. Nothing changes by itself."
        ),
    ]
    return _modal("more.submit", "Ask for more", "Ask", metadata, body)


def refused(why: str) -> dict[str, Any]:
    """Return what stands in a modal's place for who may not send it."""
    return _modal("refused", "Not for you", "", "", [blocks.section(f":lock: {blocks.escape(why)}")])


def _modal(
    callback_id: str, title: str, submit: str, metadata: str, body: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": callback_id,
        "title": _text(title, TITLE),
        "close": _text("Cancel" if submit else "Close", TITLE),
        "blocks": list(body),
    }
    if submit:
        view |= {"submit": _text(submit, TITLE), "private_metadata": metadata}
    return view


def _input(
    block_id: str, label: str, element: Mapping[str, Any], *, optional: bool = False, hint: str = ""
) -> dict[str, Any]:
    block: dict[str, Any] = {
        "type": "input",
        "block_id": block_id,
        "label": _text(label, 2_000),
        "element": dict(element),
        "optional": optional,
    }
    return block | ({"hint": _text(hint, 2_000)} if hint else {})


def _radio(options: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "radio_buttons",
        "action_id": FIELD,
        "options": list(options),
        "initial_option": dict(chosen),
    }


def _words() -> dict[str, Any]:
    return {"type": "plain_text_input", "action_id": FIELD, "min_length": 1, "max_length": MOST_REASON}


def _text(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": blocks.clip(text, limit), "emoji": True}
