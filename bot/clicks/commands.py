"""Buttons that carry a command: they ask it for who clicked them."""

import logging
from typing import TYPE_CHECKING

from bot.clicks.click import Click
from bot.render.replies import HELP, VERSION

if TYPE_CHECKING:
    from bot.desk import Desk

log = logging.getLogger("budgetbot.listen")


def click(desk: "Desk", click: Click) -> None:
    """Answer the command in a button's value."""
    version, _, words = click.value.partition("|")
    if version != VERSION or not words:
        log.info("unknown button", extra={"action": click.action})
        click.respond({"text": "This button is of another version of me. Try /budget help."})
        return
    words = f"help {words}" if click.action.startswith(HELP) else words
    click.respond(desk.ask(words, click.user))
