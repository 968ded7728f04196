"""Events on their way to webhooks: each lent to one sender for a minute, whoever polls; kept until somebody took it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlmodel import col

from bot.core.rooms import Target
from bot.edge.store.tables import ORGANIZATION, CardRow, NoticeRow, RoomRow, utc

KIND = "webhook"
FORM = "event"
LEASE = timedelta(minutes=1)
"""So long nobody else sends what one process has taken; a receiver is given up on long before."""
PATIENCE = 5
"""Tries after which an event no longer keeps the next ones waiting."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event to be sent to one webhook."""

    notice: int
    card: int
    name: str
    """Of the setting."""
    body: Mapping[str, Any]
    """`id` and `payload`."""
    attempts: int
    """This try included."""
    since: datetime
    """When it was first tried."""
    due_at: datetime
    """The tick's instant that it was written at."""

    @property
    def target(self) -> Target:
        return Target("webhook", self.name)


_OURS = (
    col(CardRow.organization_id) == ORGANIZATION,
    col(CardRow.target_kind) == KIND,
    col(NoticeRow.state).in_(("waiting", "sending")),
)


def waiting(tx: Connection) -> dict[str, tuple[int, datetime]]:
    """Return how many events wait for each webhook, and when the first of them may be tried."""
    rows = tx.execute(
        select(col(CardRow.target), func.count(), func.min(col(NoticeRow.try_at)))
        .join(NoticeRow, col(NoticeRow.card_id) == col(CardRow.id))
        .where(*_OURS)
        .group_by(col(CardRow.target))
    )
    return {row[0]: (row[1], utc(row[2])) for row in rows}


def claim(tx: Connection, name: str, clock: datetime) -> Delivery | None:
    """Take the next event for a webhook, the oldest first; None when none may be tried."""
    row = tx.execute(
        select(
            col(NoticeRow.id),
            col(NoticeRow.card_id),
            col(NoticeRow.attempts),
            col(NoticeRow.sending_at),
            col(CardRow.body),
            col(CardRow.due_at),
        )
        .join(CardRow, col(NoticeRow.card_id) == col(CardRow.id))
        .where(*_OURS, col(CardRow.target) == name, col(NoticeRow.try_at) <= clock)
        .order_by(col(NoticeRow.id))
        .limit(1)
        .with_for_update(skip_locked=True, of=NoticeRow)
    ).fetchone()
    if row is None:
        return None
    assert row[0] is not None
    since = utc(row[3]) if row[3] is not None else clock
    tx.execute(
        update(NoticeRow)
        .where(col(NoticeRow.id) == row[0])
        .values(state="sending", attempts=row[2] + 1, sending_at=since, try_at=clock + LEASE)
    )
    return Delivery(row[0], row[1], name, row[4], row[2] + 1, since, utc(row[5]))


def sent(tx: Connection, job: Delivery, clock: datetime) -> str:
    """Record that it was taken; return what the trouble with its webhook was, which is over."""
    tx.execute(
        update(NoticeRow).where(col(NoticeRow.id) == job.notice).values(state="sent", sent_at=clock, why="")
    )
    tx.execute(
        update(CardRow)
        .where(col(CardRow.id) == job.card)
        .values(posted_at=clock, shown_revision=CardRow.revision)
    )
    room = (
        col(RoomRow.organization_id) == ORGANIZATION,
        col(RoomRow.target_kind) == KIND,
        col(RoomRow.target) == job.name,
    )
    before = str(tx.execute(select(col(RoomRow.trouble)).where(*room)).scalar() or "")
    if before:
        tx.execute(update(RoomRow).where(*room).values(trouble=""))
    return before


def put_off(tx: Connection, job: Delivery, at: datetime, why: str) -> None:
    """Keep it for another try, and the others with it, so that they keep their order.

    After some tries the next one may go ahead: perhaps this one alone is what the receiver cannot take.
    """
    cards = select(col(CardRow.id)).where(
        col(CardRow.organization_id) == ORGANIZATION,
        col(CardRow.target_kind) == KIND,
        col(CardRow.target) == job.name,
    )
    others = (col(NoticeRow.card_id).in_(cards), col(NoticeRow.state) == "waiting")
    lent = (col(NoticeRow.id) == job.notice, col(NoticeRow.state) == "sending")
    if job.attempts <= PATIENCE:
        # All wait for the one that waits longest: otherwise it would be overtaken when the receiver is back.
        last = tx.execute(select(func.max(col(NoticeRow.try_at))).where(*others)).scalar()
        at = max(at, utc(last)) if last is not None else at
        tx.execute(update(NoticeRow).where(*others).values(try_at=at))
    tx.execute(update(NoticeRow).where(*lent).values(state="waiting", try_at=at, why=why))


def drop(tx: Connection, job: Delivery, why: str) -> None:
    """Give an event up for good."""
    lent = (col(NoticeRow.id) == job.notice, col(NoticeRow.state) == "sending")
    tx.execute(update(NoticeRow).where(*lent).values(state="dropped", why=why))


def heard(tx: Connection, name: str, fingerprint: str) -> bool:
    """Tell whether a webhook was ever sent anything of an incident."""
    found = tx.execute(
        select(col(CardRow.id))
        .where(
            col(CardRow.organization_id) == ORGANIZATION,
            col(CardRow.target_kind) == KIND,
            col(CardRow.target) == name,
            col(CardRow.key).startswith(f"{fingerprint}:", autoescape=True),
        )
        .limit(1)
    ).fetchone()
    return found is not None
