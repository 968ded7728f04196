"""What somebody clicked in: the message, what it tells of, and at which revision it is by now."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlmodel import col

from bot.edge.store.tables import ORGANIZATION, CardMember, CardRow


@dataclass(frozen=True, slots=True)
class Clicked:
    """A message as the database knows it."""

    card_id: int
    channel: str
    ts: str
    revision: int
    members: tuple[str, ...]
    """The fingerprints of its incidents."""


def message(tx: Connection, channel: str, ts: str) -> Clicked | None:
    """Return the message that stands there; None where none of ours does."""
    if not (channel and ts):
        return None
    row = tx.execute(
        select(CardRow.__table__).where(  # type: ignore[attr-defined]
            col(CardRow.organization_id) == ORGANIZATION,
            col(CardRow.channel) == channel,
            col(CardRow.ts) == ts,
        )
    ).fetchone()
    return _clicked(tx, row)


def card(tx: Connection, card_id: int) -> Clicked | None:
    """Return a message by its number; None where there is none about incidents."""
    row = tx.execute(
        select(CardRow.__table__).where(  # type: ignore[attr-defined]
            col(CardRow.organization_id) == ORGANIZATION,
            col(CardRow.id) == card_id,
            col(CardRow.form) == "incidents",
        )
    ).fetchone()
    return _clicked(tx, row)


def _clicked(tx: Connection, row: Any) -> Clicked | None:
    if row is None:
        return None
    members = tx.execute(
        select(col(CardMember.fingerprint))
        .where(col(CardMember.card_id) == row.id)
        .order_by(col(CardMember.fingerprint))
    )
    return Clicked(row.id, row.channel, row.ts, row.revision, tuple(each[0] for each in members))
