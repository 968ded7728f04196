"""The Home tab: somebody looks at it, wants it fresh, or ends a subscription there."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.clicks.click import Click
from bot.core.outcome import Outcome
from bot.render.answering import VERSION
from bot.render.home import REFRESH, UNSUBSCRIBE
from bot.render.replies import reply

if TYPE_CHECKING:
    from bot.desk import Desk

_MARK = re.compile(rf"{VERSION}\|(su_[0-9]{{1,9}})", re.ASCII)


def heard(desk: "Desk", payload: Mapping[str, Any]) -> None:
    """Show somebody their Home tab, who looks at it."""
    event = payload.get("event") or {}
    if event.get("tab") == "home" and event.get("user"):
        desk.homes.opened(str(event["user"]), _hash(event))


def click(desk: "Desk", click: Click) -> None:
    """Do what a button of the Home tab says, for who clicked it."""
    if click.action == UNSUBSCRIBE and (found := _MARK.fullmatch(click.value)):
        told, query = desk.answered(f"unsubscribe {found[1]}", click.user)
        if not isinstance(told, Outcome) or not told.done:
            click.respond(reply(told, query))
    elif click.action != REFRESH:
        click.respond({"text": "This button is of another version of me. Try /budget help."})
        return
    desk.homes.opened(click.user, str(click.view.get("hash") or ""))


def _hash(event: Mapping[str, Any]) -> str:
    return str((event.get("view") or {}).get("hash") or "")
