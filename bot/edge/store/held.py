"""What is held back: lines and messages that a silence or quiet hours keep, until somebody lets them go."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select, update
from sqlmodel import col

from bot.core.overlay import Hold
from bot.core.rooms import Target
from bot.edge.store.tables import ORGANIZATION, CardMember, CardRow, EventRow, NoticeRow


@dataclass(frozen=True, slots=True)
class Held:
    """A message or a line of a thread that is decided, written and not said."""

    notice_id: int
    act: str
    card_id: int
    target: Target
    fingerprint: str
    text: str
    broadcast: bool
    silence: int | None
    """None where quiet hours hold it."""
    value: int | None
    """The incident's figure when it was decided; None where nothing tells."""


def held(tx: Connection) -> list[Held]:
    """Return everything that is held back, in the order in which it was decided."""
    rows = tx.execute(
        select(NoticeRow.__table__, CardRow.target_kind, CardRow.target, CardRow.body, EventRow.value_nano)  # type: ignore[attr-defined,call-overload]
        .join(CardRow, col(CardRow.id) == col(NoticeRow.card_id))
        .join(EventRow, col(EventRow.id) == col(NoticeRow.event_id), isouter=True)
        .where(col(CardRow.organization_id) == ORGANIZATION, col(NoticeRow.state) == "held")
        .order_by(col(NoticeRow.id))
    )
    return [_held(row) for row in rows]


def _held(row: Any) -> Held:
    # The key of a notice begins with the fingerprint of the incident it speaks of.
    fingerprint = row.key.partition(":")[0]
    value = row.value_nano
    if value is None:
        value = (row.body.get("began") or {}).get(fingerprint)
    return Held(
        notice_id=row.id,
        act=row.act,
        card_id=row.card_id,
        target=Target(row.target_kind, row.target),
        fingerprint=fingerprint,
        text=row.text,
        broadcast=row.broadcast,
        silence=row.silence_id,
        value=value,
    )


def hold_otherwise(tx: Connection, notice_id: int, hold: Hold) -> None:
    """Note that something else holds it back now."""
    tx.execute(
        update(NoticeRow).where(col(NoticeRow.id) == notice_id).values(why=hold.why, silence_id=hold.silence)
    )


def let_go(tx: Connection, lines: Sequence[Held], *, broadcast: bool) -> None:
    """Say the lines of one thread, together, in the place of the first of them."""
    first, *rest = lines
    text = "\n".join(line.text for line in lines)
    tx.execute(
        update(NoticeRow)
        .where(col(NoticeRow.id) == first.notice_id)
        .values(state="waiting", text=text, broadcast=broadcast, why="", silence_id=None)
    )
    if rest:
        tx.execute(
            update(NoticeRow)
            .where(col(NoticeRow.id).in_([line.notice_id for line in rest]))
            .values(state="dropped", why="said with the line before it", silence_id=None)
        )


@dataclass(frozen=True, slots=True)
class Unsaid:
    """An incident in a message that is not due yet."""

    card_id: int
    target: Target
    fingerprint: str
    began: int | None
    """Its figure when it began to wait."""


def unsaid(tx: Connection, now: datetime) -> list[Unsaid]:
    """Return the incidents of messages that nobody has tried to post and that are due later."""
    tried = exists().where(col(NoticeRow.card_id) == col(CardRow.id), col(NoticeRow.attempts) > 0)
    rows = tx.execute(
        select(CardRow.__table__, CardMember.fingerprint)  # type: ignore[attr-defined,call-overload]
        .join(CardMember, col(CardMember.card_id) == col(CardRow.id))
        .where(
            col(CardRow.organization_id) == ORGANIZATION,
            col(CardRow.posted_at).is_(None),
            col(CardRow.form) == "incidents",
            col(CardRow.due_at) > now,
            ~tried,
        )
        .order_by(col(CardRow.id), col(CardMember.fingerprint))
    )
    return [
        Unsaid(
            row.id,
            Target(row.target_kind, row.target),
            row.fingerprint,
            (row.body.get("began") or {}).get(row.fingerprint),
        )
        for row in rows
    ]


def due(tx: Connection, now: datetime) -> dict[Target, int]:
    """Return the message of each room that waited until now: what else is said now can stand in it."""
    tried = exists().where(col(NoticeRow.card_id) == col(CardRow.id), col(NoticeRow.attempts) > 0)
    waits = exists().where(col(NoticeRow.card_id) == col(CardRow.id), col(NoticeRow.state) == "waiting")
    rows = tx.execute(
        select(CardRow.__table__)  # type: ignore[attr-defined]
        .where(
            col(CardRow.organization_id) == ORGANIZATION,
            col(CardRow.posted_at).is_(None),
            col(CardRow.gathers_until).is_not(None),
            col(CardRow.due_at) <= now,
            ~tried,
            waits,
        )
        .order_by(col(CardRow.id))
    )
    return {Target(row.target_kind, row.target): row.id for row in rows}


def add_lines(tx: Connection, card_id: int, lines: Sequence[str]) -> None:
    """Let a message that stands nowhere yet say more, in mrkdwn."""
    body = tx.execute(select(col(CardRow.body)).where(col(CardRow.id) == card_id)).scalar_one()
    known = body.get("lines")
    said = [*(known if isinstance(known, list) else []), *lines]
    tx.execute(update(CardRow).where(col(CardRow.id) == card_id).values(body={**body, "lines": said}))


def notes(tx: Connection, card_ids: Collection[int], name: str) -> dict[int, Mapping[str, str]]:
    """Return what messages note of their incidents under a name: message → fingerprint → words."""
    found: dict[int, Mapping[str, str]] = {}
    wanted = sorted(card_ids)
    for start in range(0, len(wanted), 500):
        some = col(CardRow.id).in_(wanted[start : start + 500])
        rows = tx.execute(select(col(CardRow.id), col(CardRow.body)).where(some))
        found |= {row[0]: row[1].get(name) or {} for row in rows if row[0] is not None}  # type: ignore[misc]
    return found
