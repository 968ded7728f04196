"""What is called next: one notice at a time is taken, in an order that people can follow, and marked as under way."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select, true, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from bot.core.rooms import Target
from bot.edge.store.delivery import Job
from bot.edge.store.tables import ORGANIZATION, CardMember, CardRow, NoticeRow, utc

REPORTS = ("digest", "subscription")
UNHURRIED = ("close", *REPORTS)
"""Messages that wait for alerts: the month's close, and reports last of all."""
PATIENCE = 20
"""Tries, an hour of them, after which a message that cannot be posted no longer keeps the next ones of its room."""


def claim(
    tx: Connection,
    now: datetime,
    clock: datetime,
    *,
    resting: Collection[Target] = (),
    edits_rest: bool = False,
) -> Job | None:
    """Take the next call to be made and mark it as under way.

    Messages about alerts go first, then the lines of threads, then other messages, edits at last. A message is due by
    the tick's `now`; a put-off try waits for the real `clock`. Nothing is posted in `resting` rooms, which were spoken
    to just now, and nothing is edited while `edits_rest`.
    """
    parent = and_(col(CardRow.id) == col(NoticeRow.card_id), col(CardRow.organization_id) == ORGANIZATION)
    room = col(CardRow.target_kind) + ":" + col(CardRow.target)
    awake = room.not_in([f"{target.kind}:{target.address}" for target in resting]) if resting else true()
    urgent = col(CardRow.form).not_in(UNHURRIED)
    slack = col(CardRow.target_kind) == "slack"
    for act, wanted in (("post", urgent), ("reply", true()), ("post", ~urgent)):
        posted = col(CardRow.posted_at).is_(None) if act == "post" else col(CardRow.posted_at).is_not(None)
        row = tx.execute(
            select(NoticeRow.__table__, CardRow.__table__)  # type: ignore[attr-defined]
            .join(CardRow, parent)
            .where(
                col(NoticeRow.state).in_(("waiting", "sending")),
                col(NoticeRow.act) == act,
                col(NoticeRow.try_at) <= clock,
                col(CardRow.due_at) <= now,
                slack,
                posted,
                wanted,
                awake,
                ~_overtakes(act, now, clock),
            )
            .order_by(case((col(CardRow.form).in_(REPORTS), 1), else_=0), col(NoticeRow.id))
            .limit(1)
        ).fetchone()
        if row is not None:
            return _taken(tx, act, row[0], clock)
    if edits_rest:
        return None
    card = tx.execute(
        select(CardRow.__table__)  # type: ignore[attr-defined]
        .where(
            col(CardRow.organization_id) == ORGANIZATION,
            col(CardRow.posted_at).is_not(None),
            col(CardRow.revision) > col(CardRow.shown_revision),
            or_(col(CardRow.try_at).is_(None), col(CardRow.try_at) <= clock),
        )
        .order_by(col(CardRow.id))
        .limit(1)
    ).fetchone()
    return None if card is None else _job(tx, "edit", card, ())


def _overtakes(act: str, now: datetime, clock: datetime) -> ColumnElement[bool]:
    """Return whether something said before in the same thread, or room, was put off: people read in order."""
    earlier = aliased(NoticeRow)
    waits = (col(earlier.state).in_(("waiting", "sending")), col(earlier.act) == act)
    if act == "reply":
        return exists().where(
            col(earlier.card_id) == col(NoticeRow.card_id), col(earlier.id) < col(NoticeRow.id), *waits
        )
    card = aliased(CardRow)
    return exists().where(
        *waits,
        col(earlier.id) < col(NoticeRow.id),
        col(earlier.try_at) > clock,
        # What nobody takes, however often it is offered, keeps nobody else waiting.
        col(earlier.attempts) < PATIENCE,
        col(card.id) == col(earlier.card_id),
        col(card.id) != col(CardRow.id),
        col(card.due_at) <= now,
        col(card.target_kind) == col(CardRow.target_kind),
        col(card.target) == col(CardRow.target),
        col(card.form).in_(UNHURRIED) == col(CardRow.form).in_(UNHURRIED),
    )


def _taken(tx: Connection, act: str, notice_id: int, clock: datetime) -> Job:
    notice = tx.execute(
        select(NoticeRow.__table__).where(col(NoticeRow.id) == notice_id)  # type: ignore[attr-defined]
    ).one()
    card = tx.execute(select(CardRow.__table__).where(col(CardRow.id) == notice.card_id)).one()  # type: ignore[attr-defined]
    mine = [notice]
    if act == "post":
        mine = list(
            tx.execute(
                select(NoticeRow.__table__)  # type: ignore[attr-defined]
                .where(
                    col(NoticeRow.card_id) == notice.card_id,
                    col(NoticeRow.act) == "post",
                    col(NoticeRow.state).in_(("waiting", "sending")),
                )
                .order_by(col(NoticeRow.id))
            )
        )
    before = min(
        (utc(row.sending_at) for row in mine if row.state == "sending" and row.sending_at), default=None
    )
    tx.execute(
        update(NoticeRow)
        .where(col(NoticeRow.id).in_([row.id for row in mine]))
        .values(
            state="sending",
            attempts=NoticeRow.attempts + 1,
            # The first try is the one whose traces are looked for.
            sending_at=func.coalesce(NoticeRow.sending_at, clock) if before else clock,
        )
    )
    return _job(tx, act, card, tuple(mine), before)


def _job(
    tx: Connection, act: str, card: Any, notices: tuple[Any, ...], before: datetime | None = None
) -> Job:
    members = tx.execute(
        select(col(CardMember.fingerprint)).where(col(CardMember.card_id) == card.id)
    ).fetchall()
    first = notices[0] if notices else None
    return Job(
        act=act,
        card_id=card.id,
        notices=tuple(row.id for row in notices),
        # The first notice's number: a message that was posted and not recorded is found by it.
        key=f"n{first.id}" if first else "",
        target=Target(card.target_kind, card.target),
        channel=card.channel,
        ts=card.ts,
        form=card.form,
        body=card.body,
        members=tuple(row[0] for row in members),
        revision=card.revision,
        due_at=utc(card.due_at),
        text=first.text if first else "",
        broadcast=bool(first.broadcast) if first else False,
        attempts=first.attempts if first else 0,
        sending_at=before,
    )
