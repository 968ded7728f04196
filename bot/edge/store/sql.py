"""What SQLite and PostgreSQL are told alike: upserts, and statements that are written out for speed."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection, CursorResult

# PostgreSQL's insert: its ON CONFLICT is SQLite's too, and both compilers write it; SQLite's own knows less.
from sqlalchemy.dialects.postgresql import insert

from bot.edge.store import postgres, sqlite

__all__ = ["cells", "insert", "is_postgres", "listed", "raw", "run", "upsert"]


AT_ONCE = 5_000
"""Rows that are copied at once."""


def is_postgres(tx: Connection) -> bool:
    """Tell which of the two it is."""
    return tx.dialect.name == "postgresql"


def run(
    tx: Connection, statement: str, values: Sequence[Any] = (), *, stream: bool = False
) -> CursorResult[*tuple[Any, ...]]:
    """Execute a statement with `?` for each bound value; a list of tuples executes it for each of them.

    `stream`: the server keeps the rows, and they come as they are fetched; SQLite never does otherwise.
    """
    if is_postgres(tx):
        statement = statement.replace("?", "%s")
    how = {"stream_results": True} if stream else None
    bound = values if isinstance(values, list) else tuple(values)
    return tx.exec_driver_sql(statement, bound or None, execution_options=how)


def listed(tx: Connection, ids: Iterable[int]) -> tuple[str, Any]:
    """Return a table with the one column `value`, and its one bound value, however many ids there are."""
    if is_postgres(tx):
        return "(SELECT unnest(CAST(? AS bigint[])) AS value)", sorted(ids)
    return "(SELECT value FROM json_each(?))", json.dumps(sorted(ids))


def raw(result: CursorResult[Any]) -> Sequence[tuple[Any, ...]]:
    """Return the driver's own tuples: row objects cost more than the scan they come from."""
    assert result.cursor is not None
    return result.cursor.fetchall()


def upsert(
    tx: Connection,
    table: str,
    names: Sequence[str],
    cells: Iterable[list[Any]],
    keys: int,
    conflict: str,
) -> None:
    """Write rows, sorted by their key, the first `keys` columns; `conflict` says what becomes of those that exist.

    `cells`: pieces of whole rows, each the values of its rows one after the other, as both engines take them.
    """
    if not is_postgres(tx):
        sqlite.upsert(tx, table, names, cells, keys, conflict)
        return
    rows = chain.from_iterable(zip(*[iter(piece)] * len(names), strict=True) for piece in cells)
    while some := list(islice(rows, AT_ONCE)):
        postgres.upsert(tx, table, names, some, keys, conflict)


def cells(rows: Iterable[Sequence[Any]]) -> list[Any]:
    """Return the values of rows one after the other."""
    return list(chain.from_iterable(rows))
