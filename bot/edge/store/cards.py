"""Messages as they stand: which incidents they tell of, whether they are posted, what a room gathers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, select
from sqlmodel import col

from bot.core.rooms import Target, Waiting
from bot.edge.store.tables import ORGANIZATION, CardMember, CardRow, EventRow, NoticeRow, RoomRow, utc


def rooms(tx: Connection) -> dict[Target, datetime]:
    """Return until when each room gathers."""
    rows = tx.execute(select(RoomRow.__table__).where(col(RoomRow.organization_id) == ORGANIZATION))  # type: ignore[attr-defined]
    return {
        Target(row.target_kind, row.target): utc(row.gathers_until)
        for row in rows
        if row.gathers_until is not None
    }


def waiting(tx: Connection) -> dict[Target, Waiting]:
    """Return the message each room is gathering for."""
    rows = tx.execute(
        select(CardRow.__table__).where(  # type: ignore[attr-defined]
            col(CardRow.organization_id) == ORGANIZATION,
            col(CardRow.posted_at).is_(None),
            col(CardRow.gathers_until).is_not(None),
        )
    )
    return {Target(row.target_kind, row.target): Waiting(row.id, utc(row.due_at)) for row in rows}


def cards_of(tx: Connection, fingerprints: Sequence[str]) -> dict[tuple[str, Target], int]:
    """Return the message of each (incident, room)."""
    found: dict[tuple[str, Target], int] = {}
    for start in range(0, len(fingerprints), 500):
        some = fingerprints[start : start + 500]
        rows = tx.execute(select(CardMember.__table__).where(col(CardMember.fingerprint).in_(some)))  # type: ignore[attr-defined]
        found |= {(row.fingerprint, Target(row.target_kind, row.target)): row.card_id for row in rows}
    return found


@dataclass(frozen=True, slots=True)
class CardState:
    """Whether a message stands in its room, and how many incidents it tells of."""

    posted: bool
    members: int
    due_at: datetime
    held: bool = False
    """Somebody keeps it from being posted."""


def cards(tx: Connection, card_ids: Collection[int]) -> dict[int, CardState]:
    """Return the state of messages by their id."""
    counts = (
        select(col(CardMember.card_id), func.count().label("members"))
        .where(col(CardMember.card_id).in_(card_ids))
        .group_by(col(CardMember.card_id))
        .subquery()
    )
    held = exists().where(
        col(NoticeRow.card_id) == col(CardRow.id),
        col(NoticeRow.act) == "post",
        col(NoticeRow.state) == "held",
    )
    rows = tx.execute(
        select(col(CardRow.id), col(CardRow.posted_at), counts.c.members, col(CardRow.due_at), held).join(
            counts, counts.c.card_id == col(CardRow.id)
        )
    )
    return {
        row[0]: CardState(row[1] is not None, row[2], utc(row[3]), bool(row[4]))
        for row in rows
        if row[0] is not None
    }


def events_at(tx: Connection, at: datetime) -> set[str]:
    """Return the incidents of which something was decided at an instant."""
    rows = tx.execute(select(col(EventRow.fingerprint)).where(col(EventRow.at) == at))
    return {row[0] for row in rows}


def unposted(tx: Connection) -> dict[int, tuple[Target, str]]:
    """Return the messages about incidents that stand nowhere yet: where they are to go, and one of their incidents."""
    rows = tx.execute(
        select(
            col(CardRow.id),
            col(CardRow.target_kind),
            col(CardRow.target),
            func.min(col(CardMember.fingerprint)),
        )
        .join(CardMember, col(CardMember.card_id) == col(CardRow.id))
        .where(
            col(CardRow.organization_id) == ORGANIZATION,
            col(CardRow.posted_at).is_(None),
            col(CardRow.form) == "incidents",
        )
        .group_by(col(CardRow.id), col(CardRow.target_kind), col(CardRow.target))
    )
    found: dict[int, tuple[Target, str]] = {}
    for row in rows.fetchall():
        assert row[0] is not None
        found[row[0]] = (Target(row[1], row[2]), row[3])  # type: ignore[arg-type]
    return found
