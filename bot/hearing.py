"""`check --routes`: who hears what, of the rules as they stand in their files."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from bot.core.routes import Heard, Hearing, Routing, routing
from bot.edge import rule_files
from bot.settings import Settings


def who_hears(paths: Iterable[Path], settings: Settings, now: datetime) -> Routing | None:
    """Return the rooms of the rules under `paths`, one folder after another; None while their files have errors."""
    today = now.astimezone(UTC).date()
    rooms: list[Hearing] = []
    unheard: list[Heard] = []
    for path in paths:
        book = rule_files.load(path).book
        if book is None:
            return None
        found = routing(book, today, settings.channel)
        rooms += found.rooms
        unheard += found.unheard
    return Routing(tuple(rooms), tuple(unheard))
