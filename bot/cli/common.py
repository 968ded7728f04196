"""What the commands share: settings, `--now`, `--format`."""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from bot import settings as reading
from bot.core.errors import Misused
from bot.settings import Settings, Wrong

EARLIEST = datetime(2016, 1, 1, tzinfo=UTC)
"""Before that nobody had a bill: such an instant is a slip of the pen."""
LATEST_YEAR = 2200

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
    found = reading.read(os.environ, needs, dotenv=reading.DOTENV)
    _hide(found)
    return found


def survey(needs: Iterable[str]) -> tuple[Settings, tuple[Wrong, ...]]:
    """Return the settings of this shell as far as they can be read, and what is wrong with those in `needs`."""
    found, wrong = reading.survey(os.environ, needs, dotenv=reading.DOTENV)
    _hide(found)
    return found, wrong


def _hide(found: Settings) -> None:
    if found.secrets:
        from bot.logs import hide  # noqa: PLC0415 - commands without secrets need no logs

        hide(found.secrets)


def moment(now_text: str | None, *, ahead: bool = False) -> datetime:
    """Return the instant `--now` names, or the wall clock; raises Misused for one that lies ahead, unless `ahead`."""
    wall = datetime.now(UTC)
    if now_text is None:
        return wall
    try:
        at = datetime.fromisoformat(now_text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misused(f"--now {now_text!r} is no instant.", "Write one like 2026-10-31T12:00:00Z.") from None
    if at < EARLIEST or at.year > LATEST_YEAR:
        raise Misused(f"--now {now_text} is not of this age.", "Write one like 2026-10-31T12:00:00Z.")
    if at > wall + timedelta(seconds=5) and not ahead:
        raise Misused(
            f"--now {now_text} lies ahead of this machine's clock ({wall:%Y-%m-%dT%H:%M:%SZ}).",
            "Ask for an instant that has been; poll --dry-run may look ahead.",
        )
    return at


def quiet_logs() -> None:
    """Let commands that answer a question log warnings alone."""
    import logging  # noqa: PLC0415 - commands without a flow need no logs

    from bot.logs import configure  # noqa: PLC0415

    configure(logging.WARNING)


def busy_logs() -> None:
    """Let commands that work log what they do."""
    import logging  # noqa: PLC0415

    from bot.logs import configure  # noqa: PLC0415

    configure(logging.INFO)
