"""Messages to be: written with the decision, gathered, withdrawn, hurried; what is in them is decided elsewhere."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update
from sqlmodel import col

from bot.core.overlay import Hold
from bot.core.rooms import Message, Target
from bot.edge.store.sql import insert
from bot.edge.store.tables import ORGANIZATION, CardMember, CardRow, EventRow, NoticeRow, RoomRow

_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)


def open_message(
    tx: Connection,
    message: Message,
    event_ids: Mapping[str, int],
    now: datetime,
    *,
    hold: Hold | None = None,
) -> int:
    """Write a message about incidents, its members and one notice for each (event, room); return its number.

    With `hold` it is not posted until somebody lets it go.
    """
    card_id = message.joins
    mentions = {o.fingerprint: list(o.room.mention) for o in message.openings if o.room.mention}
    said: dict[str, dict[str, Any]] = {
        "mention": mentions,
        "began": {o.fingerprint: o.value for o in message.openings},
    }
    if card_id is None:
        card_id = _card(
            tx,
            key=f"open:{message.openings[0].event}:{message.target}",
            target=message.target,
            form="incidents",
            body={name: about for name, about in said.items() if about},
            now=now,
            due_at=message.due_at,
            gathers_until=message.gathers_until,
        )
    else:
        for name, about in said.items():
            note(tx, card_id, name, about)
        later = {"due_at": message.due_at, "gathers_until": message.gathers_until}
        tx.execute(update(CardRow).where(col(CardRow.id) == card_id).values(later))
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
        _notice_row(
            f"{o.event}:{message.target}:post",
            event_ids.get(o.event),
            card_id,
            "post",
            hold=hold,
            why=message.why,
        )
        for o in message.openings
    ]
    tx.execute(insert(NoticeRow).on_conflict_do_nothing(), notices)
    return card_id


def note(tx: Connection, card_id: int, name: str, about: Mapping[str, Any]) -> None:
    """Keep what a message says of its incidents besides their state: fingerprint → words or figures.

    None takes the note of an incident away.
    """
    body = tx.execute(select(col(CardRow.body)).where(col(CardRow.id) == card_id)).scalar_one()
    known = body.get(name)
    joined = {**(known if isinstance(known, dict) else {}), **about}
    kept = {fingerprint: said for fingerprint, said in joined.items() if said is not None}
    tx.execute(update(CardRow).where(col(CardRow.id) == card_id).values(body={**body, name: kept}))


def withdraw(
    tx: Connection, card_id: int, fingerprint: str, why: str = "corrected before it was said"
) -> None:
    """Take an incident out of a message that nobody has tried to post yet: it was corrected before."""
    key = f"{fingerprint}:%"
    mine = or_(
        col(NoticeRow.event_id).in_(select(col(EventRow.id)).where(col(EventRow.fingerprint) == fingerprint)),
        col(NoticeRow.key).like(key),
    )
    tried = tx.execute(
        select(func.count()).where(col(NoticeRow.card_id) == card_id, col(NoticeRow.attempts) > 0)
    ).scalar_one()
    if tried:
        return
    tx.execute(
        update(NoticeRow)
        .where(col(NoticeRow.card_id) == card_id, mine)
        .values(state="dropped", why=why, silence_id=None)
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


def say(
    tx: Connection,
    key: str,
    target: Target,
    form: str,
    body: dict[str, Any],
    now: datetime,
    *,
    due_at: datetime | None = None,
) -> bool:
    """Write a message of its own, once for its key; tell whether it is new."""
    known = tx.execute(select(col(CardRow.id)).where(col(CardRow.key) == key)).fetchone()
    if known:
        return False
    card_id = _card(
        tx, key=key, target=target, form=form, body=body, now=now, due_at=due_at or now, gathers_until=None
    )
    notice(tx, key=key, event_id=None, card_id=card_id, act="post")
    return True


def reply(
    tx: Connection,
    key: str,
    event_id: int | None,
    card_id: int,
    text: str,
    *,
    broadcast: bool = False,
    hold: Hold | None = None,
) -> None:
    """Write a line for a message's thread; with `hold` it is not posted until somebody lets it go."""
    notice(
        tx,
        key=key,
        event_id=event_id,
        card_id=card_id,
        act="reply",
        text=text,
        broadcast=broadcast,
        hold=hold,
    )


def move(tx: Connection, card_id: int, target: Target) -> None:
    """Send a message that stands nowhere yet elsewhere: the route of its rule was changed."""
    place = {"target_kind": target.kind, "target": target.address}
    tx.execute(update(CardRow).where(col(CardRow.id) == card_id).values(place))
    tx.execute(update(CardMember).where(col(CardMember.card_id) == card_id).values(place))
    tx.execute(
        update(NoticeRow)
        .where(col(NoticeRow.card_id) == card_id, col(NoticeRow.state) == "waiting")
        .values(try_at=_AT_ONCE, why="")
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


def notice(
    tx: Connection,
    *,
    key: str,
    event_id: int | None,
    card_id: int,
    act: str,
    text: str = "",
    broadcast: bool = False,
    hold: Hold | None = None,
) -> None:
    row = _notice_row(key, event_id, card_id, act, text, broadcast=broadcast, hold=hold)
    tx.execute(insert(NoticeRow).values(row).on_conflict_do_nothing())


def _notice_row(
    key: str,
    event_id: int | None,
    card_id: int,
    act: str,
    text: str = "",
    *,
    broadcast: bool = False,
    hold: Hold | None = None,
    why: str = "",
) -> dict[str, Any]:
    return {
        "key": key,
        "event_id": event_id,
        "card_id": card_id,
        "act": act,
        "text": text,
        "broadcast": broadcast,
        "state": "held" if hold else "waiting",
        "attempts": 0,
        "try_at": _AT_ONCE,
        "ts": "",
        "why": hold.why if hold else why,
        "silence_id": hold.silence if hold else None,
    }
