"""Deliveries of Slack's that were heard: it sends again what it thinks was lost."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Connection, bindparam, delete, select
from sqlmodel import col

from bot.edge.store.sql import insert
from bot.edge.store.tables import Heard

HEARD_FOR = timedelta(hours=1)

# Made once: a command costs more to say than to carry out, and these are said for every one of them.
_SINCE: BindParameter[datetime] = bindparam("since")  # of the type it is compared with
_HEARD = select(col(Heard.at)).where(col(Heard.key) == bindparam("key"), col(Heard.at) >= _SINCE)
_OLD = delete(Heard).where(col(Heard.at) < _SINCE)
_KEPT = insert(Heard).on_conflict_do_nothing()


def heard(tx: Connection, key: str, clock: datetime) -> bool:
    """Tell whether this delivery was kept within the hour; nothing is written, so that nobody is waited for."""
    return tx.execute(_HEARD, {"key": key, "since": clock - HEARD_FOR}).fetchone() is not None


def keep(tx: Connection, keys: Iterable[str], clock: datetime) -> None:
    """Keep deliveries for an hour."""
    tx.execute(_OLD, {"since": clock - HEARD_FOR})
    rows = [{"key": key, "at": clock} for key in keys]
    if rows:
        tx.execute(_KEPT, rows)
