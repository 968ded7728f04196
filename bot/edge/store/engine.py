"""Opening a database: pragmas, transactions that begin as what they are, migrations under a lock."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.core.errors import SetupWrong, Unanswered

BUSY_MS = 20_000
"""How long a writer waits for another before it gives up."""


def parse_url(text: str) -> URL:
    """Return the database's address; raises SetupWrong when it is none this version can use."""
    try:
        url = make_url(text)
    except ArgumentError as wrong:
        raise SetupWrong(
            "DATABASE_URL is not an address of a database.", "Write sqlite:///budgetbot.db."
        ) from wrong
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise SetupWrong(
            f"DATABASE_URL names {url.drivername}, which this version does not speak.",
            "Write sqlite:///budgetbot.db, or a path of your own after sqlite:///.",
        )
    if url.query or url.host or (url.database or "").startswith("file:"):
        raise SetupWrong(
            "DATABASE_URL holds more than the path of a file.",
            "Write sqlite:/// and then the path: sqlite:///budgetbot.db here, sqlite:////data/budgetbot.db from /.",
        )
    return url


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
        engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # The driver would begin transactions lazily and as readers; we say BEGIN ourselves.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "cache_size=-32000",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _began(connection: Connection) -> None:
        # A reader that turns writer can be refused at once; one that begins as a writer waits.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


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


def copy_into(text: str, target: Path) -> None:
    """Copy a database, as it stands at this moment, into a new file; nothing happens when there is none yet."""
    source = parse_url(text).database
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


def scripts() -> Path:
    """Return the folder of migrations: inside the installed package, or beside it in a clone."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def newest() -> str:
    """Return the newest migration's name without importing alembic, which costs half a second."""
    return max(path.name.split("_", 1)[0] for path in (scripts() / "versions").glob("[0-9]*.py"))


def current(engine: Engine) -> str:
    """Return the migration the database stands at; '' for an empty one."""
    with reading(engine) as connection:
        tables = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        ).fetchall()
        if not tables:
            return ""
        row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""


def upgrade(engine: Engine) -> bool:
    """Bring the database to the newest migration, one process at a time; tell whether anything was done."""
    if current(engine) == newest():
        return False
    path = lock_path(engine.url, "upgrade")
    if path is None:
        return _upgrade(engine)
    lock = FileLock(path, timeout=120)
    try:
        lock.acquire()
    except OSError as failed:  # held for two minutes, or it cannot be written
        raise Unanswered(
            f"The database cannot be upgraded: its lock {path} cannot be taken.",
            "See that its folder can be written, and that no other budgetbot hangs in an upgrade.",
        ) from failed
    try:
        return _upgrade(engine)
    finally:
        lock.release()


def _upgrade(engine: Engine) -> bool:
    stands, wanted = current(engine), newest()
    if stands == wanted:
        return False
    if stands > wanted:
        raise SetupWrong(
            f"The database was written by a newer budgetbot (migration {stands}, this one knows {wanted}).",
            "Install the newer version again, or point DATABASE_URL elsewhere.",
        )
    from alembic import command  # noqa: PLC0415 - costs half a second that only an upgrade should pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
