"""Notices on their way: claimed one at a time, and recorded when they stand in a room, or why they do not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select, update
from sqlmodel import col

from bot.core.rooms import Target
from bot.edge.store.outbox import notice
from bot.edge.store.sql import insert
from bot.edge.store.tables import ORGANIZATION, CardRow, NoticeRow, RoomRow, utc

EDIT_PACE = timedelta(seconds=5)
"""One message is edited at most this often; the latest state wins."""


@dataclass(frozen=True, slots=True)
class Job:
    """One Slack call to be made: a message, a line in its thread, or an edit of it."""

    act: str
    """`post`, `reply` or `edit`."""
    card_id: int
    notices: tuple[int, ...]
    """The rows it delivers; none for an edit."""
    key: str
    """What travels with the message, to find it again."""
    target: Target
    channel: str
    ts: str
    form: str
    body: Mapping[str, Any]
    members: tuple[str, ...]
    revision: int
    due_at: datetime
    text: str = ""
    broadcast: bool = False
    attempts: int = 0
    sending_at: datetime | None = None
    """Set when an earlier try may have arrived: the room's history is asked before it is sent again."""


def sent(
    tx: Connection, job: Job, channel: str, ts: str, clock: datetime, *, pace: timedelta = EDIT_PACE
) -> None:
    """Record that a call succeeded and where its message stands; its next edit waits for `pace`."""
    if job.act == "edit":
        tx.execute(
            update(CardRow)
            .where(col(CardRow.id) == job.card_id)
            .values(shown_revision=job.revision, try_at=clock + pace)
        )
        return
    tx.execute(
        update(NoticeRow)
        .where(col(NoticeRow.id).in_(job.notices))
        .values(state="sent", sent_at=clock, ts=ts, why="")
    )
    if job.act == "post":
        tx.execute(
            update(CardRow)
            .where(col(CardRow.id) == job.card_id)
            .values(
                channel=channel,
                ts=ts,
                posted_at=clock,
                shown_revision=job.revision,
                gathers_until=None,
                try_at=clock + pace,
            )
        )
        tx.execute(
            update(RoomRow)
            .where(
                col(RoomRow.organization_id) == ORGANIZATION,
                col(RoomRow.target_kind) == job.target.kind,
                col(RoomRow.target) == job.target.address,
                col(RoomRow.trouble) != "",
            )
            .values(trouble="")
        )


def remember(tx: Connection, job: Job, what: Mapping[str, Any]) -> None:
    """Keep with a message what its delivery learned: in which form Slack takes it, or that it is closed to edits."""
    body = tx.execute(select(col(CardRow.body)).where(col(CardRow.id) == job.card_id)).scalar_one()
    tx.execute(update(CardRow).where(col(CardRow.id) == job.card_id).values(body={**body, **what}))


def retry(tx: Connection, job: Job, at: datetime, why: str, *, uncertain: bool) -> None:
    """Put a call off; an uncertain one keeps the mark that it may have arrived."""
    if job.act == "edit":
        tx.execute(update(CardRow).where(col(CardRow.id) == job.card_id).values(try_at=at))
        return
    values: dict[str, Any] = {"try_at": at, "why": why}
    if not uncertain:
        values |= {"state": "waiting", "sending_at": None}
    tx.execute(update(NoticeRow).where(col(NoticeRow.id).in_(job.notices)).values(values))


def drop(tx: Connection, job: Job, why: str) -> None:
    """Give a call up for good: its room refuses it, and somebody is told."""
    if job.act == "edit":
        tx.execute(update(CardRow).where(col(CardRow.id) == job.card_id).values(shown_revision=job.revision))
        return
    tx.execute(update(NoticeRow).where(col(NoticeRow.id).in_(job.notices)).values(state="dropped", why=why))


def hold(tx: Connection, job: Job, at: datetime) -> None:
    """Let every call of this kind to the room wait until `at`: Slack counts them by method and channel."""
    cards = select(col(CardRow.id)).where(
        col(CardRow.target_kind) == job.target.kind, col(CardRow.target) == job.target.address
    )
    if job.act == "edit":
        tx.execute(
            update(CardRow)
            .where(col(CardRow.id).in_(cards), or_(col(CardRow.try_at).is_(None), col(CardRow.try_at) < at))
            .values(try_at=at)
        )
        return
    tx.execute(
        update(NoticeRow)
        .where(
            col(NoticeRow.card_id).in_(cards),
            col(NoticeRow.state).in_(("waiting", "sending")),
            col(NoticeRow.try_at) < at,
        )
        .values(try_at=at)
    )


def rest(tx: Connection, at: datetime) -> None:
    """Let every call wait until `at`: nobody hears us."""
    tx.execute(
        update(NoticeRow)
        .where(col(NoticeRow.state).in_(("waiting", "sending")), col(NoticeRow.try_at) < at)
        .values(try_at=at)
    )
    tx.execute(
        update(CardRow)
        .where(
            col(CardRow.posted_at).is_not(None),
            col(CardRow.revision) > col(CardRow.shown_revision),
            or_(col(CardRow.try_at).is_(None), col(CardRow.try_at) < at),
        )
        .values(try_at=at)
    )


def redirect(tx: Connection, job: Job, target: Target, why: str) -> None:
    """Send a message that its room refuses to another room, and its thread with it."""
    tx.execute(
        update(CardRow)
        .where(col(CardRow.id) == job.card_id)
        .values(target_kind=target.kind, target=target.address)
    )
    tx.execute(
        update(NoticeRow)
        .where(col(NoticeRow.id).in_(job.notices))
        .values(state="waiting", sending_at=None, why=why)
    )
    if job.act != "post":
        _anew(tx, job)


def trouble(tx: Connection, target: Target, why: str) -> bool:
    """Note that a room refuses us; tell whether that is news."""
    mine = (
        col(RoomRow.organization_id) == ORGANIZATION,
        col(RoomRow.target_kind) == target.kind,
        col(RoomRow.target) == target.address,
    )
    known = tx.execute(select(col(RoomRow.trouble)).where(*mine)).scalar()
    if known is None:
        row = {"organization_id": ORGANIZATION, "target_kind": target.kind, "target": target.address}
        tx.execute(insert(RoomRow).values({**row, "gathers_until": None, "trouble": why}))
    else:
        tx.execute(update(RoomRow).where(*mine).values(trouble=why))
    return not known


def troubles(tx: Connection) -> dict[Target, str]:
    """Return the rooms that refused us when we last spoke there, and Slack's words for why."""
    rows = tx.execute(
        select(col(RoomRow.target_kind), col(RoomRow.target), col(RoomRow.trouble)).where(
            col(RoomRow.organization_id) == ORGANIZATION, col(RoomRow.trouble) != ""
        )
    )
    return {Target(row[0], row[1]): row[2] for row in rows}  # type: ignore[arg-type]


def repost(tx: Connection, job: Job) -> None:
    """Post a message anew that a person deleted; the line that found it gone is told by the new message."""
    if job.notices:
        tx.execute(
            update(NoticeRow).where(col(NoticeRow.id).in_(job.notices)).values(state="dropped", why="deleted")
        )
    _anew(tx, job)


def _anew(tx: Connection, job: Job) -> None:
    tx.execute(
        update(CardRow)
        .where(col(CardRow.id) == job.card_id)
        .values(posted_at=None, ts="", channel="", try_at=None)
    )
    notice(tx, key=f"c{job.card_id}:{job.ts}:again", event_id=None, card_id=job.card_id, act="post")


def left(tx: Connection, now: datetime) -> tuple[int, int, datetime | None]:
    """Return how many calls are due, how many wait for their gathering to end, and when the first may be tried."""
    notices = tx.execute(
        select(col(CardRow.due_at), col(NoticeRow.try_at))
        .join(CardRow, col(CardRow.id) == col(NoticeRow.card_id))
        .where(
            col(CardRow.target_kind) == "slack",
            col(NoticeRow.state).in_(("waiting", "sending")),
            or_(col(NoticeRow.act) == "post", col(CardRow.posted_at).is_not(None)),
        )
    ).fetchall()
    edits = tx.execute(
        select(col(CardRow.try_at)).where(
            col(CardRow.posted_at).is_not(None), col(CardRow.revision) > col(CardRow.shown_revision)
        )
    ).fetchall()
    due = [utc(try_at) for due_at, try_at in notices if utc(due_at) <= now]
    due += [utc(row[0]) for row in edits if row[0] is not None]
    held = sum(utc(due_at) > now for due_at, _ in notices)
    return len(due), held, min(due, default=None)


def refusals(tx: Connection) -> dict[str, str]:
    """Return the rooms that will not hear us while something for them waits, and why."""
    rows = tx.execute(
        select(col(CardRow.target), func.max(col(NoticeRow.why)))
        .join(NoticeRow, col(NoticeRow.card_id) == col(CardRow.id))
        .where(
            col(CardRow.target_kind) == "slack",
            col(NoticeRow.state) == "waiting",
            col(NoticeRow.why).like("%(permanent)%"),
        )
        .group_by(col(CardRow.target))
    )
    return {row[0]: row[1] for row in rows}
