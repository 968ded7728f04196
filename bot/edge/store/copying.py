"""A whole database into another one, SQLite or PostgreSQL: every row of every table, counted on both sides."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select
from sqlmodel import SQLModel

from bot.core.errors import Unanswered
from bot.edge.store import engine, tables
from bot.edge.store.sql import is_postgres
from bot.edge.store.store import Store

BATCH = 5_000
Progress = Callable[[str, int], None]
"""Told the table and how many of its rows are over."""


def every_table() -> list[Table]:
    """Return the tables in an order in which each row finds what it refers to."""
    assert tables.ORGANIZATION  # importing the module fills the metadata
    return list(SQLModel.metadata.sorted_tables)


def copy(source: Store, target: Store, progress: Progress | None = None) -> dict[str, int]:
    """Copy everything into a database that is new, in one transaction, and return the rows of each table.

    Raises Unanswered, and leaves the target as it was, when it is not empty or does not hold the same afterwards.
    """
    counts: dict[str, int] = {}
    with source.reading() as old, target.writing() as new:
        for table in every_table():
            if new.execute(select(func.count()).select_from(table)).scalar_one():
                raise Unanswered(
                    f"The database to copy into has rows already (table {table.name}).",
                    "Give the address of one that is new.",
                )
        for table in every_table():
            done = 0
            for batch in _batches(old, table):
                new.execute(insert(table), batch)
                done += len(batch)
                if progress is not None:
                    progress(table.name, done)
            counts[table.name] = done
            if is_postgres(new):
                _go_on_counting(new, table)
        for name, (before, after) in _different(old, new).items():
            raise Unanswered(
                f"Table {name} came out different ({before} and {after}).", "Nothing was kept: try again."
            )
    return counts


def back_up(text: str, target: Path) -> None:
    """Copy a database into a new SQLite file; a half-written one never carries its name."""
    half = target.with_name(f"{target.name}.half")
    half.unlink(missing_ok=True)
    try:
        if not clone(text, half):
            raise Unanswered(
                f"There is no database at {engine.parse_url(text).database}.", "See what DATABASE_URL says."
            )
        half.rename(target)
    finally:
        for left in (
            half,
            *(half.with_name(f"{half.name}{end}") for end in ("-wal", "-shm", ".upgrade.lock")),
        ):
            left.unlink(missing_ok=True)


def clone(text: str, target: Path) -> bool:
    """Copy a database, as it stands at this moment, into a new SQLite file; tell whether there was one."""
    if engine.is_sqlite(engine.parse_url(text)):
        engine.copy_into(text, target)
        return target.exists()
    with Store(text) as source, Store(f"sqlite:///{target}") as copied:
        copy(source, copied)
    return True


def _batches(tx: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    rows = tx.execution_options(stream_results=True, yield_per=BATCH).execute(select(table)).mappings()
    while batch := [dict(row) for row in islice(rows, BATCH)]:
        yield batch


def _go_on_counting(tx: Connection, table: Table) -> None:
    """Let the next row's number follow those that were copied."""
    for column in table.primary_key:
        if column.autoincrement is True or (column.name == "id" and len(table.primary_key) == 1):
            sequence = tx.exec_driver_sql(
                "SELECT pg_get_serial_sequence(%s, %s)", (table.name, column.name)
            ).scalar()
            if sequence:
                last = select(func.coalesce(func.max(column), 0) + 1)
                tx.execute(select(func.setval(sequence, last.scalar_subquery(), False)))


def _different(old: Connection, new: Connection) -> dict[str, tuple[Any, Any]]:
    """Return the tables whose rows, or sums of money, differ."""
    found: dict[str, tuple[Any, Any]] = {}
    for table in every_table():
        money = [func.sum(column) for column in table.columns if column.name.endswith("_nano")]
        question = select(func.count(), *money).select_from(table)
        before, after = tuple(old.execute(question).one()), tuple(new.execute(question).one())
        if [_whole(value) for value in before] != [_whole(value) for value in after]:
            found[table.name] = (before, after)
    return found


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
