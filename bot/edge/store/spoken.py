"""What was decided to be said of incidents, and what became of it in each room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlmodel import col

from bot.core.explanation import Data, Delivery, Spoken
from bot.edge.store.tables import (
    ORGANIZATION,
    CardRow,
    EventRow,
    NoticeRow,
    PollRow,
    utc,
)


def spoken(
    tx: Connection, fingerprints: Sequence[str], before: datetime, most: int = 12
) -> tuple[Spoken, ...]:
    """Return the newest events of incidents that were decided up to `before`, the newest first."""
    events = tx.execute(
        select(EventRow.__table__)  # type: ignore[attr-defined]
        .where(col(EventRow.fingerprint).in_(fingerprints), col(EventRow.at) <= before)
        .order_by(col(EventRow.id).desc())
        .limit(most)
    ).fetchall()
    notices = tx.execute(
        select(NoticeRow.__table__, CardRow.target, CardRow.due_at)  # type: ignore[attr-defined,call-overload]
        .join(CardRow, col(CardRow.id) == col(NoticeRow.card_id))
        .where(col(NoticeRow.event_id).in_([event.id for event in events]))
        .order_by(col(NoticeRow.id))
    ).fetchall()
    return tuple(
        Spoken(
            event.fingerprint,
            utc(event.at),
            event.transition,
            event.level,
            event.reason,
            event.value_nano,
            event.poll_id,
            tuple(_delivery(notice) for notice in notices if notice.event_id == event.id),
        )
        for event in events
    )


def data_version(tx: Connection, now: datetime) -> Data:
    """Return the last poll up to `now`, without its sources."""
    row = tx.execute(
        select(PollRow.__table__)  # type: ignore[attr-defined]
        .where(col(PollRow.organization_id) == ORGANIZATION, col(PollRow.now) <= now)
        .order_by(col(PollRow.id).desc())
        .limit(1)
    ).fetchone()
    return Data(row.id, utc(row.now), row.complete) if row is not None else Data(None)


def _delivery(notice: Any) -> Delivery:
    at = utc(notice.sent_at) if notice.sent_at else None
    if at is None and notice.state == "waiting":
        at = max(utc(notice.due_at), utc(notice.try_at))
    return Delivery(notice.target, notice.state, at, notice.why)
