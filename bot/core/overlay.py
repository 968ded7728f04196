"""Overlays: what people and clocks lay over alerts. They change what is delivered and when, never what is true."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Why(StrEnum):
    """Why what was decided is not said yet: the same words in the log, in `status` and in the outbox."""

    SILENCED = "silenced until"
    QUIET = "quiet until"
    GATHERED = "gathered until"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason to say something later."""

    why: str
    """`quiet until 2026-10-07T06:00Z`."""
    silence: int | None = None
    """The silence that holds it back; None for quiet hours."""


def until(why: Why, at: datetime) -> str:
    """Return a reason with the instant (UTC) at which it passes."""
    return f"{why} {at:%Y-%m-%dT%H:%MZ}"
