"""Opening a database, SQLite or PostgreSQL: one view to read, one transaction to write, migrations under a lock."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.core.errors import SetupWrong, Unanswered
from bot.edge.store import postgres, sqlite
from bot.edge.store.sqlite import in_memory, lock_path

__all__ = [
    "copy_into",
    "in_memory",
    "is_sqlite",
    "lock_path",
    "open_engine",
    "parse_url",
    "reading",
    "rest",
    "writing",
]


def parse_url(text: str) -> URL:
    """Return the database's address; raises SetupWrong when it is none that is spoken."""
    scheme = text.strip().partition("://")[0].split("+")[0]
    if scheme in ("postgres", "postgresql") or ("://" not in text and "=" in text):
        return postgres.parse(text.strip())
    try:
        url = make_url(text)
    except ArgumentError:
        raise SetupWrong(
            "DATABASE_URL is not an address of a database.",
            "Write sqlite:///budgetbot.db, or postgresql://user@host/database.",
        ) from None  # the library's own words may hold the address
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise SetupWrong(
            f"DATABASE_URL names {url.drivername}, which is not spoken here.",
            "Write sqlite:///budgetbot.db, or postgresql://user@host/database.",
        )
    sqlite.check(url)
    return url


def is_sqlite(url: URL) -> bool:
    """Tell whether the database is a file, or memory, of this machine."""
    return url.drivername.startswith("sqlite")


def open_engine(url: URL) -> Engine:
    """Return an engine; nothing is connected yet."""
    return sqlite.open_engine(url) if is_sqlite(url) else postgres.open_engine(url)


def reading(engine: Engine) -> AbstractContextManager[Connection]:
    """One consistent view of the database."""
    return sqlite.reading(engine) if is_sqlite(engine.url) else postgres.reading(engine)


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """One transaction that writes: all of it, or nothing; one writer at a time."""
    return sqlite.writing(engine) if is_sqlite(engine.url) else postgres.writing(engine)


def rest(engine: Engine) -> None:
    """Let idle connections forget what they read last."""
    if is_sqlite(engine.url):
        sqlite.forget_pages(engine)


def copy_into(text: str, target: Path) -> None:
    """Copy a SQLite database, as it stands at this moment, into a new file; nothing happens when there is none yet."""
    sqlite.copy_into(parse_url(text), target)


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
        if not inspect(connection).has_table("alembic_version"):
            return ""
        row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""


def upgrade(engine: Engine) -> bool:
    """Bring the database to the newest migration, one process at a time; tell whether anything was done."""
    if current(engine) == newest():
        return False
    with _one_upgrade(engine):
        return _upgrade(engine)


@contextmanager
def _one_upgrade(engine: Engine) -> Iterator[None]:
    """Let one process at a time upgrade."""
    if not is_sqlite(engine.url):
        with postgres.alone(engine, postgres.UPGRADES):
            yield
        return
    path = lock_path(engine.url, "upgrade")
    if path is None:
        yield
        return
    lock = FileLock(path, timeout=120)
    try:
        lock.acquire()
    except OSError as failed:  # held for two minutes, or it cannot be written
        raise Unanswered(
            f"The database cannot be upgraded: its lock {path} cannot be taken.",
            "See that its folder can be written, and that no other budgetbot hangs in an upgrade.",
        ) from failed
    try:
        yield
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
