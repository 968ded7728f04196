"""Which rooms let us in: a door that opens is tried at once, one that shuts is remembered."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlmodel import col

from bot.edge.store.tables import ORGANIZATION, CardRow, NoticeRow, RoomRow


def opened(tx: Connection, addresses: Collection[str], clock: datetime) -> int:
    """Try what waits for a room at once, forget its trouble, and return how much waits.

    What waits for its hour or its silence goes on waiting: that was not the door's fault.
    """
    cards = select(col(CardRow.id)).where(
        col(CardRow.organization_id) == ORGANIZATION, col(CardRow.target).in_(addresses)
    )
    tried = tx.execute(
        update(NoticeRow)
        .where(
            col(NoticeRow.card_id).in_(cards),
            col(NoticeRow.state) == "waiting",
            col(NoticeRow.try_at) > clock,
        )
        .values(try_at=clock, why="")
    )
    tx.execute(
        update(RoomRow)
        .where(col(RoomRow.organization_id) == ORGANIZATION, col(RoomRow.target).in_(addresses))
        .values(trouble="")
    )
    return int(tried.rowcount)


def addresses(tx: Connection, channel: str) -> frozenset[str]:
    """Return by what addresses a channel was spoken to, from what was said there."""
    rows = tx.execute(
        select(col(CardRow.target))
        .where(col(CardRow.organization_id) == ORGANIZATION, col(CardRow.channel) == channel)
        .distinct()
    )
    return frozenset(row[0] for row in rows)
