"""Subscriptions: who wants which report when, and until when each was looked after."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlmodel import col

from bot.core.subscription import Subscription
from bot.edge.store.tables import ORGANIZATION, SubscriptionRow, utc


def standing(tx: Connection, who: str = "") -> tuple[Subscription, ...]:
    """Return the subscriptions that nobody has ended, oldest first: one person's, or all."""
    asked = select(SubscriptionRow.__table__).where(  # type: ignore[attr-defined]
        col(SubscriptionRow.organization_id) == ORGANIZATION, col(SubscriptionRow.ended_at).is_(None)
    )
    if who:
        asked = asked.where(col(SubscriptionRow.user_id) == who)
    return tuple(map(_subscription, tx.execute(asked.order_by(col(SubscriptionRow.id)))))


def owners(tx: Connection, numbers: Collection[int]) -> dict[int, str]:
    """Return whose these subscriptions are, or were; of those there are."""
    rows = tx.execute(
        select(col(SubscriptionRow.id), col(SubscriptionRow.user_id)).where(
            col(SubscriptionRow.organization_id) == ORGANIZATION, col(SubscriptionRow.id).in_(numbers)
        )
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}


def add(tx: Connection, wanted: Subscription) -> Subscription:
    """Write a subscription and return it with its number."""
    row = tx.execute(
        insert(SubscriptionRow)
        .values(
            organization_id=ORGANIZATION,
            user_id=wanted.who,
            schedule=wanted.schedule,
            zone=wanted.zone,
            wanted=wanted.wanted,
            report=wanted.report,
            made_at=wanted.made_at,
            last_at=wanted.last_at,
            ended_by="",
        )
        .returning(SubscriptionRow.__table__)  # type: ignore[attr-defined]
    ).one()
    return _subscription(row)


def end(tx: Connection, numbers: Collection[int], at: datetime, by: str) -> None:
    """Note that subscriptions are over, and who ended them."""
    tx.execute(
        update(SubscriptionRow)
        .where(col(SubscriptionRow.id).in_(numbers), col(SubscriptionRow.ended_at).is_(None))
        .values(ended_at=at, ended_by=by)
    )


def looked_after(tx: Connection, due: Mapping[int, datetime]) -> None:
    """Note up to which time subscriptions were looked after: number → the time it fell due."""
    if due:
        table = SubscriptionRow.__table__  # type: ignore[attr-defined]
        tx.execute(
            update(table).where(table.c.id == bindparam("number")).values(last_at=bindparam("due")),
            [{"number": number, "due": at} for number, at in due.items()],
        )


def _subscription(row: Any) -> Subscription:
    return Subscription(
        row.id,
        row.user_id,
        row.schedule,
        row.zone,
        row.wanted,
        row.report,
        utc(row.made_at),
        utc(row.last_at),
    )
