"""SQLite: pragmas, transactions that begin as what they are, copies, files that lock."""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL

from bot.core.errors import SetupWrong, Unanswered

SIZES = (4096, 512, 64, 8, 1)
"""Rows of a statement."""
BUSY_MS = 20_000
"""How long a writer waits for another before it gives up."""


def check(url: URL) -> None:
    """Raise SetupWrong for an address that holds more than the path of a file."""
    if url.query or url.host or (url.database or "").startswith("file:"):
        raise SetupWrong(
            "DATABASE_URL holds more than the path of a file.",
            "Write sqlite:/// and then the path: sqlite:///budgetbot.db here, sqlite:////data/budgetbot.db from /.",
        )


def in_memory(url: URL) -> bool:
    """Tell whether the database ends with the process."""
    return not url.database or url.database == ":memory:"


def open_engine(url: URL) -> Engine:
    """Return an engine whose connections keep a write-ahead log, wait for their turn and check foreign keys."""
    if in_memory(url):
        # Every connection to memory is a database of its own: all threads take turns with one.
        engine = create_engine(
            url, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False}
        )
    else:
        # People are answered by forty threads: a connection beyond the pool is made and unmade for one question.
        engine = create_engine(url, pool_size=16, max_overflow=32)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # The driver would begin transactions lazily and as readers; we say BEGIN ourselves.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}").close()
        _write_ahead(connection)
        for pragma in (
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "cache_size=-8000",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _began(connection: Connection) -> None:
        # A reader that turns writer can be refused at once; one that begins as a writer waits.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: Any) -> None:
    """Keep a write-ahead log. Who is the first of several to say so makes the others wait, which SQLite does not."""
    deadline = time.monotonic() + BUSY_MS / 1_000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as failed:
            if "locked" not in str(failed) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: all of it, or nothing."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def upsert(
    tx: Connection, table: str, names: Sequence[str], cells: Iterable[list[Any]], keys: int, changes: str
) -> None:
    """Write rows whose first `keys` columns are the key; `changes` is what follows ON CONFLICT (keys).

    `cells`: pieces of whole rows, each the values of its rows one after the other. Many rows a statement: other
    threads run while it is at work, and the driver hands fewer of them over. Of a few sizes only, because a
    statement is compiled once for each.
    """
    columns, target = ", ".join(names), ", ".join(names[:keys])
    row = f"({', '.join('?' * len(names))})"
    session = tx.connection.cursor()
    most = session.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // len(names)
    sizes = [size for size in SIZES if size <= most]
    try:
        for size, values in _portions(cells, sizes, len(names)):
            marks = ", ".join([row] * size)
            session.execute(
                f"INSERT INTO {table} ({columns}) VALUES {marks} ON CONFLICT ({target}) {changes}",  # noqa: S608 - our own names
                values,
            )
    finally:
        session.close()


def _portions(
    cells: Iterable[list[Any]], sizes: Sequence[int], width: int
) -> Iterator[tuple[int, list[Any]]]:
    """Yield how many rows, and their values, until none are left: as many at once as may be."""
    held: list[Any] = []
    most = sizes[0] * width
    for piece in cells:
        held += piece
        at = 0
        while len(held) - at >= most:
            yield sizes[0], held[at : at + most]
            at += most
        del held[:at]
    at = 0
    for size in sizes:
        while len(held) - at >= size * width:
            yield size, held[at : at + size * width]
            at += size * width


def forget_pages(engine: Engine) -> None:
    """Free the page caches of the connections that nobody uses at this moment."""
    assert isinstance(engine.pool, QueuePool)
    with ExitStack() as held:
        for _ in range(engine.pool.checkedin()):
            held.enter_context(engine.connect()).exec_driver_sql("PRAGMA shrink_memory")


def copy_into(url: URL, target: Path) -> None:
    """Copy a database, as it stands at this moment, into a new file; nothing happens when there is none yet."""
    source = url.database
    if not source or source == ":memory:" or not Path(source).exists():
        return
    # Who may only read leaves the log's files behind; who may write puts a log away, and must not touch one
    # that is there. So nothing changes beside the database either.
    mode = "ro" if Path(f"{source}-wal").exists() else "rw"
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(source)}?mode={mode}", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as failed:
        raise Unanswered(
            f"The database {source} cannot be copied: {failed}.", "See that it can be read, or restore it."
        ) from failed


def lock_path(url: URL, purpose: str) -> Path | None:
    """Return the lock file beside a database; None for one in memory."""
    if in_memory(url):
        return None
    assert url.database
    return Path(f"{os.path.abspath(url.database)}.{purpose}.lock")  # noqa: PTH100 - resolve() would follow links
