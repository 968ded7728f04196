"""What the store tells of the bot itself: a handful of counts, whatever its size."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, select
from sqlmodel import col

from bot.core.pulse import Pulse
from bot.edge.store.tables import (
    ORGANIZATION,
    AuditRow,
    CardRow,
    NoticeRow,
    PollRow,
    RoomRow,
    SourceState,
    utc,
)

REFUSED = "refused"
"""The audit's word for an order that was not carried out because of who gave it."""


def pulse(tx: Connection, now: datetime) -> Pulse:
    """Return how the bot is, as far as the store knows; what its rule files are is for others to add."""
    polls = tx.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((col(PollRow.complete).is_(True), 0), else_=1)), 0),
            func.max(case((col(PollRow.complete).is_(True), col(PollRow.id)))),
            func.max(col(PollRow.id)),
        ).where(col(PollRow.organization_id) == ORGANIZATION)
    ).one()
    count, failed, complete_id, last_id = polls
    ends: dict[int, Any] = {
        row.id: row
        for row in tx.execute(
            select(PollRow.__table__).where(col(PollRow.id).in_([complete_id or 0, last_id or 0]))  # type: ignore[attr-defined]
        )
    }
    told = Pulse(now, int(count), int(failed))
    if last_id is not None:
        last = ends[last_id]
        seconds = (utc(last.ended_at) - utc(last.began_at)).total_seconds()
        told = replace(told, last_poll=utc(last.ended_at), seconds=seconds)
    if complete_id is not None:
        told = replace(told, last_complete=utc(ends[complete_id].ended_at))
    read = tx.execute(
        select(col(SourceState.source), func.max(col(SourceState.read_at)))
        .where(col(SourceState.organization_id) == ORGANIZATION, col(SourceState.read_at).is_not(None))
        .group_by(col(SourceState.source))
    )
    waiting, since = tx.execute(
        select(func.count(), func.min(col(CardRow.created_at)))
        .select_from(NoticeRow)
        .join(CardRow, col(CardRow.id) == col(NoticeRow.card_id))
        .where(col(NoticeRow.state).in_(("waiting", "sending")), col(CardRow.due_at) <= now)
    ).one()
    troubled = tx.execute(
        select(func.count()).select_from(RoomRow).where(col(RoomRow.trouble) != "")
    ).scalar_one()
    refused = tx.execute(
        select(func.count()).select_from(AuditRow).where(col(AuditRow.what).startswith(REFUSED))
    ).scalar_one()
    return replace(
        told,
        read_at={row[0]: utc(row[1]) for row in read if row[1] is not None},
        waiting=int(waiting),
        waiting_since=utc(since) if since is not None else None,
        rooms_in_trouble=int(troubled),
        refused_writes=int(refused),
    )
