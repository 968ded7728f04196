"""Whether a database is whole: what its engine says of it, and what must be true of our rows."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select
from sqlmodel import col

from bot.edge.store import months
from bot.edge.store.retention import FACTS, HISTORIES
from bot.edge.store.sql import is_postgres, run
from bot.edge.store.store import Store
from bot.edge.store.tables import CardMember, CardRow, NoticeRow, SourceState


def unsound(store: Store) -> list[str]:
    """Return what is wrong with a database, a sentence each; nothing when it is whole."""
    with store.reading() as tx:
        return [*_engine(tx), *_facts(tx), *_messages(tx)]


def _engine(tx: Connection) -> Iterator[str]:
    if is_postgres(tx):
        return  # it checks its pages by itself, and its keys with every write
    for row in tx.exec_driver_sql("PRAGMA integrity_check(20)"):
        if row[0] != "ok":
            yield f"SQLite finds it damaged: {row[0]}"
    broken = len(tx.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(1_000))
    if broken:
        yield f"{broken} rows refer to rows that are not there"


def _facts(tx: Connection) -> Iterator[str]:
    for table in (*FACTS, *HISTORIES):
        stray = run(
            tx,
            f"SELECT COUNT(*) FROM {table} f WHERE NOT EXISTS (SELECT 1 FROM series s WHERE s.id = f.series_id)",  # noqa: S608 - our own names
        ).scalar_one()
        if stray:
            yield f"{stray} rows of {table} belong to no series"
    for table in HISTORIES:
        inverted = run(tx, f"SELECT COUNT(*) FROM {table} WHERE replaced_at <= observed_at").scalar_one()  # noqa: S608 - our own names
        if inverted:
            yield f"{inverted} rows of {table} end before they begin"
    holes = tx.execute(
        select(func.count()).select_from(SourceState).where(col(SourceState.since) > col(SourceState.through))
    ).scalar_one()
    if holes:
        yield f"{holes} sources are stored up to a day before the first"
    for month, count in months.wrong(tx):
        yield f"the month {month:%Y-%m} does not equal its days in {count} series"


def _messages(tx: Connection) -> Iterator[str]:
    lost = tx.execute(
        select(func.count())
        .select_from(NoticeRow)
        .where(~select(1).where(col(CardRow.id) == col(NoticeRow.card_id)).exists())
    ).scalar_one()
    if lost:
        yield f"{lost} notices belong to no message"
    unheard = tx.execute(
        select(func.count())
        .select_from(CardMember)
        .where(~select(1).where(col(NoticeRow.card_id) == col(CardMember.card_id)).exists())
    ).scalar_one()
    if unheard:
        yield f"{unheard} alerts stand in messages that nobody posts"
