"""Deliveries of Slack's that were heard: it sends again what it thinks was lost."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select
from sqlmodel import col

from bot.edge.store.sql import insert
from bot.edge.store.tables import Heard

HEARD_FOR = timedelta(hours=1)


def heard(tx: Connection, key: str, clock: datetime) -> bool:
    """Tell whether this delivery was kept within the hour; nothing is written, so that nobody is waited for."""
    row = tx.execute(select(col(Heard.at)).where(col(Heard.key) == key, col(Heard.at) >= clock - HEARD_FOR))
    return row.fetchone() is not None


def keep(tx: Connection, keys: Iterable[str], clock: datetime) -> None:
    """Keep deliveries for an hour."""
    tx.execute(delete(Heard).where(col(Heard.at) < clock - HEARD_FOR))
    rows = [{"key": key, "at": clock} for key in keys]
    if rows:
        tx.execute(insert(Heard).on_conflict_do_nothing(), rows)
