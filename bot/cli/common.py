"""What the commands share: settings, `--now`, `--format`."""

import logging
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from bot import settings as reading
from bot.core.errors import Misused
from bot.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

now_option = click.option(
    "--now",
    "now_text",
    metavar="T",
    help="Judge as of this instant (ISO 8601, UTC without an offset) instead of now.",
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="json and csv carry every row.",
)


def settings(needs: Iterable[str] = ()) -> Settings:
    """Return the settings of this shell, demanding only what the command uses."""
    return reading.read(os.environ, needs, dotenv=Path(".env"))


def moment(now_text: str | None, *, ahead: bool = False) -> datetime:
    """Return the instant `--now` names, or the wall clock; raises Misused for one that lies ahead, unless `ahead`."""
    wall = datetime.now(UTC)
    if now_text is None:
        return wall
    try:
        at = datetime.fromisoformat(now_text.strip())
    except ValueError:
        raise Misused(f"--now {now_text!r} is no instant.", "Write one like 2026-10-31T12:00:00Z.") from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    if at > wall + timedelta(seconds=5) and not ahead:
        raise Misused(
            f"--now {now_text} lies ahead of this machine's clock ({wall:%Y-%m-%dT%H:%M:%SZ}).",
            "Ask for an instant that has been; poll --dry-run may look ahead.",
        )
    return at


def quiet_logs() -> None:
    """Let commands that answer a question log warnings alone."""
    from bot.logs import configure  # noqa: PLC0415 - commands without a flow need no logs

    configure(logging.WARNING)


def busy_logs() -> None:
    """Let commands that work log what they do."""
    from bot.logs import configure  # noqa: PLC0415

    configure(logging.INFO)
