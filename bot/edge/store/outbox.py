"""Messages to be delivered: written with the decision, claimed one at a time, recorded when they stand in a room."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, or_, select, true, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import aliased
from sqlmodel import col

from bot.core.rooms import Message, Target, Waiting
from bot.edge.store.tables import ORGANIZATION, CardMember, CardRow, EventRow, NoticeRow, RoomRow

_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
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


def rooms(tx: Connection) -> dict[Target, datetime]:
    """Return until when each room gathers."""
    rows = tx.execute(select(RoomRow.__table__).where(col(RoomRow.organization_id) == ORGANIZATION))  # type: ignore[attr-defined]
    return {
        Target(row.target_kind, row.target): _utc(row.gathers_until)
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
    return {Target(row.target_kind, row.target): Waiting(row.id, _utc(row.due_at)) for row in rows}


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


def cards(tx: Connection, card_ids: Collection[int]) -> dict[int, CardState]:
    """Return the state of messages by their id."""
    counts = (
        select(col(CardMember.card_id), func.count().label("members"))
        .where(col(CardMember.card_id).in_(card_ids))
        .group_by(col(CardMember.card_id))
        .subquery()
    )
    rows = tx.execute(
        select(col(CardRow.id), col(CardRow.posted_at), counts.c.members).join(
            counts, counts.c.card_id == col(CardRow.id)
        )
    )
    return {row[0]: CardState(row[1] is not None, row[2]) for row in rows if row[0] is not None}


def open_message(tx: Connection, message: Message, event_ids: Mapping[str, int], now: datetime) -> None:
    """Write a message about incidents, its members and one notice for each (event, room)."""
    card_id = message.joins
    mentions = {o.fingerprint: list(o.room.mention) for o in message.openings if o.room.mention}
    if card_id is None:
        card_id = _card(
            tx,
            key=f"open:{message.openings[0].event}:{message.target}",
            target=message.target,
            form="incidents",
            body={"mention": mentions},
            now=now,
            due_at=message.due_at,
            gathers_until=message.gathers_until,
        )
    elif mentions:
        body = tx.execute(select(col(CardRow.body)).where(col(CardRow.id) == card_id)).scalar_one()
        known = body.get("mention")
        joined = {**(known if isinstance(known, dict) else {}), **mentions}
        tx.execute(update(CardRow).where(col(CardRow.id) == card_id).values(body={**body, "mention": joined}))
    members = [
        {
            "card_id": card_id,
            "fingerprint": opening.fingerprint,
            "target_kind": message.target.kind,
            "target": message.target.address,
        }
        for opening in message.openings
    ]
    tx.execute(insert(CardMember).on_conflict_do_nothing(), members)
    notices = [
        _notice_row(f"{o.event}:{message.target}:post", event_ids.get(o.event), card_id, "post")
        for o in message.openings
    ]
    tx.execute(insert(NoticeRow).on_conflict_do_nothing(), notices)


def withdraw(tx: Connection, card_id: int, fingerprint: str) -> None:
    """Take an incident out of a message that nobody has tried to post yet: it was corrected before."""
    mine = select(col(EventRow.id)).where(col(EventRow.fingerprint) == fingerprint)
    tried = tx.execute(
        select(func.count()).where(col(NoticeRow.card_id) == card_id, col(NoticeRow.attempts) > 0)
    ).scalar_one()
    if tried:
        return
    tx.execute(
        update(NoticeRow)
        .where(col(NoticeRow.card_id) == card_id, col(NoticeRow.event_id).in_(mine))
        .values(state="dropped", why="corrected before it was said")
    )
    tx.execute(
        delete(CardMember).where(
            col(CardMember.card_id) == card_id, col(CardMember.fingerprint) == fingerprint
        )
    )


def gather(tx: Connection, target: Target, until: datetime) -> None:
    """Note until when a room gathers."""
    tx.execute(
        insert(RoomRow)
        .values(
            organization_id=ORGANIZATION,
            target_kind=target.kind,
            target=target.address,
            gathers_until=until,
            trouble="",
        )
        .on_conflict_do_update(
            index_elements=("organization_id", "target_kind", "target"), set_={"gathers_until": until}
        )
    )


def say(tx: Connection, key: str, target: Target, form: str, body: dict[str, Any], now: datetime) -> bool:
    """Write a message of its own, once for its key; tell whether it is new."""
    known = tx.execute(select(col(CardRow.id)).where(col(CardRow.key) == key)).fetchone()
    if known:
        return False
    card_id = _card(tx, key=key, target=target, form=form, body=body, now=now, due_at=now, gathers_until=None)
    _notice(tx, key=key, event_id=None, card_id=card_id, act="post")
    return True


def reply(
    tx: Connection,
    key: str,
    event_id: int | None,
    card_id: int,
    text: str,
    *,
    broadcast: bool = False,
) -> None:
    """Write a line for a message's thread."""
    _notice(
        tx,
        key=key,
        event_id=event_id,
        card_id=card_id,
        act="reply",
        text=text,
        broadcast=broadcast,
    )


def hurry(tx: Connection, card_id: int, now: datetime) -> None:
    """Let a gathering message go at once: one of its incidents turned critical."""
    tx.execute(
        update(CardRow)
        .where(col(CardRow.id) == card_id, col(CardRow.posted_at).is_(None), col(CardRow.due_at) > now)
        .values(due_at=now)
    )
    tx.execute(
        update(NoticeRow)
        .where(
            col(NoticeRow.card_id) == card_id, col(NoticeRow.state) == "waiting", col(NoticeRow.act) == "post"
        )
        .values(try_at=now)
    )


def touch(tx: Connection, fingerprints: Sequence[str]) -> None:
    """Say that the messages of these incidents no longer show their state."""
    for start in range(0, len(fingerprints), 500):
        some = fingerprints[start : start + 500]
        cards = select(col(CardMember.card_id)).where(col(CardMember.fingerprint).in_(some))
        tx.execute(update(CardRow).where(col(CardRow.id).in_(cards)).values(revision=CardRow.revision + 1))


def claim(tx: Connection, now: datetime, clock: datetime) -> Job | None:
    """Take the next call to be made and mark it as under way: messages first, then lines, then edits.

    A message is due by the tick's `now`; a put-off try waits for the real `clock`.
    """
    earlier = aliased(NoticeRow)
    # The lines of a thread are read in order, so a later one waits for an earlier one that was put off.
    overtakes = exists().where(
        col(earlier.card_id) == col(NoticeRow.card_id),
        col(earlier.act) == "reply",
        col(earlier.state).in_(("waiting", "sending")),
        col(earlier.id) < col(NoticeRow.id),
    )
    for act in ("post", "reply"):
        parent = and_(col(CardRow.id) == col(NoticeRow.card_id), col(CardRow.organization_id) == ORGANIZATION)
        posted = col(CardRow.posted_at).is_(None) if act == "post" else col(CardRow.posted_at).is_not(None)
        row = tx.execute(
            select(NoticeRow.__table__, CardRow.__table__)  # type: ignore[attr-defined]
            .join(CardRow, parent)
            .where(
                col(NoticeRow.state).in_(("waiting", "sending")),
                col(NoticeRow.act) == act,
                col(NoticeRow.try_at) <= clock,
                col(CardRow.due_at) <= now,
                posted,
                true() if act == "post" else ~overtakes,
            )
            .order_by(col(NoticeRow.id))
            .limit(1)
        ).fetchone()
        if row is not None:
            return _taken(tx, act, row[0], clock)
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
        (_utc(row.sending_at) for row in mine if row.state == "sending" and row.sending_at), default=None
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
        due_at=_utc(card.due_at),
        text=first.text if first else "",
        broadcast=bool(first.broadcast) if first else False,
        attempts=first.attempts if first else 0,
        sending_at=before,
    )


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
    _notice(tx, key=f"c{job.card_id}:{job.ts}:again", event_id=None, card_id=job.card_id, act="post")


def left(tx: Connection, now: datetime) -> tuple[int, int, datetime | None]:
    """Return how many calls are due, how many wait for their gathering to end, and when the first may be tried."""
    notices = tx.execute(
        select(col(CardRow.due_at), col(NoticeRow.try_at))
        .join(CardRow, col(CardRow.id) == col(NoticeRow.card_id))
        .where(
            col(NoticeRow.state).in_(("waiting", "sending")),
            or_(col(NoticeRow.act) == "post", col(CardRow.posted_at).is_not(None)),
        )
    ).fetchall()
    edits = tx.execute(
        select(col(CardRow.try_at)).where(
            col(CardRow.posted_at).is_not(None), col(CardRow.revision) > col(CardRow.shown_revision)
        )
    ).fetchall()
    due = [_utc(try_at) for due_at, try_at in notices if _utc(due_at) <= now]
    due += [_utc(row[0]) for row in edits if row[0] is not None]
    held = sum(_utc(due_at) > now for due_at, _ in notices)
    return len(due), held, min(due, default=None)


def _card(
    tx: Connection,
    *,
    key: str,
    target: Target,
    form: str,
    body: dict[str, Any],
    now: datetime,
    due_at: datetime,
    gathers_until: datetime | None,
) -> int:
    row = tx.execute(
        insert(CardRow)
        .values(
            organization_id=ORGANIZATION,
            key=key,
            target_kind=target.kind,
            target=target.address,
            form=form,
            body=body,
            created_at=now,
            due_at=due_at,
            gathers_until=gathers_until,
            channel="",
            ts="",
            revision=1,
            shown_revision=0,
        )
        .returning(col(CardRow.id))
    ).one()
    assert row[0] is not None
    return row[0]


def _notice(
    tx: Connection,
    *,
    key: str,
    event_id: int | None,
    card_id: int,
    act: str,
    text: str = "",
    broadcast: bool = False,
) -> None:
    row = _notice_row(key, event_id, card_id, act, text, broadcast=broadcast)
    tx.execute(insert(NoticeRow).values(row).on_conflict_do_nothing())


def _notice_row(
    key: str, event_id: int | None, card_id: int, act: str, text: str = "", *, broadcast: bool = False
) -> dict[str, Any]:
    return {
        "key": key,
        "event_id": event_id,
        "card_id": card_id,
        "act": act,
        "text": text,
        "broadcast": broadcast,
        "state": "waiting",
        "attempts": 0,
        "try_at": _AT_ONCE,
        "ts": "",
        "why": "",
    }


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
