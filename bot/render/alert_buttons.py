"""The buttons of alerts: one that is meant, two beside it, the rest in a menu. They carry references only."""

from collections.abc import Sequence
from typing import Any

from bot.core.reference import Reference
from bot.render import blocks
from bot.render.alert_words import Told

NOT_SPENT = ("freshness",)
"""Kinds whose figure is no spend: nothing to drill into, and nothing to export."""


def row(told: Told, revision: int) -> list[dict[str, Any]]:
    """Return the block of buttons of one alert; none where it is over or no longer so."""
    if told.incident.late:
        return _actions(Reference(told.incident.fingerprint, 0, revision), _late(told), ())
    if told.incident.state != "firing":
        return []
    buttons: list[tuple[str, str]] = []
    menu = ["why", "explain"]
    if not told.acknowledged:
        buttons.append(("ack", "Acknowledge"))
    elif not told.silenced:
        menu.append("silence")
    if told.silenced:
        buttons.append(("unsilence", "End the silence"))
    elif not told.acknowledged:
        buttons.append(("silence", "Silence…"))
    if told.telling.kind not in NOT_SPENT:
        buttons.append(("drill", "Drill down"))
    if told.acknowledged:
        buttons.append(("unack", "Un-acknowledge"))
    if has_amount(told):
        menu.append("more")
    if told.telling.kind not in NOT_SPENT:
        menu.append("csv")
    return _actions(Reference(told.incident.fingerprint, 0, revision), buttons, menu)


def table_row(told: Sequence[Told], card_id: int, revision: int) -> list[dict[str, Any]]:
    """Return the block of buttons of a table; none where nothing in it goes on, or where nobody knows its number."""
    firing = [each for each in told if each.incident.state == "firing"]
    if not firing or not card_id:
        return []
    value = str(Reference(card_id=card_id, revision=revision))
    open_ = [each for each in firing if not each.acknowledged]
    buttons = []
    if open_:
        label = f"Acknowledge all {len(open_)}" if len(open_) > 1 else "Acknowledge the last one"
        buttons.append(blocks.button(label, "group.ack", value, "primary"))
    buttons.append(blocks.button("Show all", "group.show", value))
    if any(not each.silenced for each in firing):
        buttons.append(blocks.button("Silence…", "group.silence", value))
    return [blocks.actions(buttons, f"group.{card_id}.{revision}")]


def menu(told: Told, revision: int = 0) -> dict[str, Any]:
    """Return what can be done with one alert of a list, as a menu."""
    over = told.incident.state != "firing"
    held = [] if over else ["unack" if told.acknowledged else "ack"]
    held += [] if over or told.silenced else ["silence"]
    held += [] if told.telling.kind in NOT_SPENT else ["drill"]
    return _menu(Reference(told.incident.fingerprint, 0, revision), [*held, "why", "explain"])


def has_amount(told: Told) -> bool:
    """Tell whether there is an amount in dollars that somebody could raise."""
    return told.telling.kind == "budget" and told.unit.dollars


LABELS = {
    "ack": "Acknowledge",
    "unack": "Un-acknowledge",
    "drill": "Drill down",
    "why": "Why did I get this?",
    "explain": "How was this decided?",
    "silence": "Silence…",
    "more": "Ask for more…",
    "csv": "Export CSV",
}
"""What a menu offers → what it is called."""


def _late(told: Told) -> list[tuple[str, str]]:
    return [] if told.telling.kind in NOT_SPENT else [("drill", "Drill down")]


def _actions(
    about: Reference, buttons: Sequence[tuple[str, str]], choices: Sequence[str]
) -> list[dict[str, Any]]:
    value = str(about)
    elements = [
        blocks.button(label, f"alert.{what}", value, "primary" if what == "ack" else None)
        for what, label in buttons
    ]
    elements += [_menu(about, choices or ("why", "explain"))]
    return [blocks.actions(elements, f"alert.{about.fingerprint}.{about.revision}")]


def _menu(about: Reference, choices: Sequence[str]) -> dict[str, Any]:
    options = [
        blocks.option(LABELS[choice], str(Reference(about.fingerprint, 0, about.revision, choice)))
        for choice in choices
    ]
    return blocks.overflow("alert.more", options)
