"""What people do in Slack besides typing: one kind of thing a file, found by the first word of its id."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from bot.clicks.click import Click

if TYPE_CHECKING:
    from bot.desk import Desk

CLICKS = {"cmd": "commands", "alert": "alerts", "group": "alerts", "home": "home"}
"""The first word of an action_id → the file whose `click` answers it."""

SUBMISSIONS = {"silence": "modals", "more": "modals"}
"""The first word of a modal's callback_id → the file whose `submit` takes it."""

EVENTS = {
    "app_home_opened": "home",
    "app_mention": "mentions",
    "member_joined_channel": "rooms",
    "channel_archive": "rooms",
    "group_archive": "rooms",
    "channel_rename": "rooms",
    "group_rename": "rooms",
    "tokens_revoked": "rooms",
    "app_uninstalled": "rooms",
}
"""The type of an event → the file whose `heard` takes it."""


class Doing(Protocol):
    """A file of this folder."""

    def click(self, desk: "Desk", click: Click) -> None: ...
    def submit(self, desk: "Desk", click: Click) -> None: ...
    def heard(self, desk: "Desk", payload: Mapping[str, Any]) -> None: ...


def doing(table: Mapping[str, str], name: str) -> Doing | None:
    """Return who does a thing; None where nobody knows it. Loaded when somebody does it."""
    known = table.get(name.partition(".")[0])
    return cast("Doing", import_module(f"{__name__}.{known}")) if known else None
