"""Home tabs: who looked at theirs lately, what it showed, and by what one knows that there is something new."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlmodel import col

from bot.core.home import Trouble
from bot.edge.store.incidents import upsert
from bot.edge.store.records import VERSION
from bot.edge.store.tables import ORGANIZATION, AuditRow, EventRow, HomeRow, Marker, PollRow, RoomRow, utc

# Made once: it is asked before every answer.
_STAMP = select(
    select(col(Marker.value)).where(col(Marker.key) == VERSION).scalar_subquery(),
    select(func.max(col(PollRow.id))).scalar_subquery(),
    select(func.max(col(EventRow.id))).scalar_subquery(),
    select(func.max(col(AuditRow.id))).scalar_subquery(),
    select(func.count()).where(col(RoomRow.trouble) != "").scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody's Home tab showed when it was last published."""

    user: str
    opened_at: datetime
    content: str = ""
    """A hash of what it says; '' before it was shown."""
    slack_hash: str = ""
    """Slack's own, by which it knows whether something newer is shown."""


def shown(tx: Connection, since: datetime, user: str = "") -> dict[str, Shown]:
    """Return the Home tabs that were opened at `since` or later, by person: all, or one."""
    asked = select(HomeRow.__table__).where(  # type: ignore[attr-defined]
        col(HomeRow.organization_id) == ORGANIZATION, col(HomeRow.opened_at) >= since
    )
    if user:
        asked = asked.where(col(HomeRow.user_id) == user)
    return {
        row.user_id: Shown(row.user_id, utc(row.opened_at), row.shown, row.slack_hash)
        for row in tx.execute(asked)
    }


def keep(tx: Connection, home: Shown) -> None:
    """Write what somebody's Home tab shows."""
    row = {
        "organization_id": ORGANIZATION,
        "user_id": home.user,
        "opened_at": home.opened_at,
        "shown": home.content,
        "slack_hash": home.slack_hash,
    }
    upsert(tx, HomeRow, [row], key=("organization_id", "user_id"))


def troubles(tx: Connection) -> tuple[Trouble, ...]:
    """Return the rooms that do not hear the bot."""
    rows = tx.execute(
        select(col(RoomRow.target), col(RoomRow.trouble))
        .where(col(RoomRow.organization_id) == ORGANIZATION, col(RoomRow.trouble) != "")
        .order_by(col(RoomRow.target))
    )
    return tuple(Trouble(row[0], row[1]) for row in rows)


def stamp(tx: Connection) -> tuple[object, ...]:
    """Return what is another value whenever a poll, a person or Slack changed what Home tabs show."""
    return tuple(tx.execute(_STAMP).one())
