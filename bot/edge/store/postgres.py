"""PostgreSQL: addresses as people paste them, sessions that cannot hold others up for long, bulk writes by COPY."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL

from bot.core.errors import SetupWrong

if TYPE_CHECKING:
    from psycopg import Connection as Session

DRIVER = "postgresql+psycopg"
WRITERS, UPGRADES = 0x62756467657401, 0x62756467657402
"""The advisory locks of whoever writes, and of whoever migrates.

One writer at a time, as beside SQLite: what one decided, the next one sees.
"""
REMEDY = "See that PostgreSQL runs, and that DATABASE_URL names it with a user who may use it."
CONNECT_SECONDS = 10
WAIT_MS = 40_000
"""How long a writer waits for another before it gives up."""
HANGING_MS = 15_000
"""A session that hangs in the middle of a transaction, paused or cut off, is ended before who waits gives up."""
COPIED = 200
"""So many rows and more are copied; fewer are cheaper said one by one."""


def parse(text: str) -> URL:
    """Return the address of any form that libpq takes: `postgres://`, `postgresql://`, `host=db dbname=budgets`.

    Raises SetupWrong, which never repeats it: there may be a password inside.
    """
    try:
        from psycopg import ProgrammingError  # noqa: PLC0415 - only who uses PostgreSQL has it
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415
    except ImportError as missing:
        raise SetupWrong(
            "DATABASE_URL names PostgreSQL, and its driver is not installed.",
            "Install it with: pip install 'budgetbot[postgres]'.",
        ) from missing
    scheme, _, rest = text.partition("://")
    plain = f"postgresql://{rest}" if rest else text
    if rest and scheme.split("+")[0] not in ("postgres", "postgresql"):
        raise SetupWrong(
            "DATABASE_URL is not an address of a database.", "Write postgresql://user@host/database."
        )
    try:
        held = {name: str(value) for name, value in conninfo_to_dict(plain).items() if value is not None}
    except ProgrammingError:
        raise SetupWrong(
            "DATABASE_URL is not an address that PostgreSQL understands.",
            "Write postgresql://user:password@host:5432/database.",
        ) from None
    return URL.create(
        DRIVER,
        username=held.pop("user", None),
        password=held.pop("password", None),
        database=held.pop("dbname", None),
        query=held,
    )


def open_engine(url: URL) -> Engine:
    """Return an engine; nothing is connected yet."""
    engine = create_engine(f"{DRIVER}://", creator=lambda: connect(url), pool_pre_ping=True, pool_size=8)
    engine.url = url
    return engine


def connect(url: URL, **session: str) -> "Session[Any]":
    """Return a new session in UTC, with its limits; `session` are settings of its own."""
    import psycopg  # noqa: PLC0415 - as above

    told = {
        "TimeZone": "UTC",
        "lock_timeout": f"{WAIT_MS}ms",
        "idle_in_transaction_session_timeout": f"{HANGING_MS}ms",
        **session,
    }
    opened = psycopg.connect(**arguments(url), autocommit=True)
    # Said after connecting and not as start-up options: a pooler in between refuses those.
    calls = ", ".join("set_config(%s, %s, false)" for _ in told)
    opened.execute(f"SELECT {calls}", [word for pair in told.items() for word in pair])
    opened.autocommit = False
    return opened


def arguments(url: URL) -> Mapping[str, Any]:
    """Return what psycopg is given."""
    own = {"user": url.username, "password": url.password, "dbname": url.database}
    return {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "budgetbot",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        # Prepared statements do not survive a pooler that hands every transaction to another session.
        "prepare_threshold": None,
        **{name: value for name, value in own.items() if value is not None},
        **url.query,
    }


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database."""
    view = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**view) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: all of it, or nothing; one writer at a time."""
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (WRITERS,))
        yield connection


@contextmanager
def alone(engine: Engine, lock: int) -> Iterator[None]:
    """Hold an advisory lock on a session of its own while something goes on."""
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (lock,))
        connection.commit()
        try:
            yield
        finally:
            connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (lock,))


def upsert(
    tx: Connection, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]], keys: int, changes: str
) -> None:
    """Write rows whose first `keys` columns are the key; `changes` is what follows ON CONFLICT (keys).

    Copied into a table of this transaction and inserted from there: three times the rate of one statement a row.
    """
    columns = ", ".join(names)
    conflict = f"ON CONFLICT ({', '.join(names[:keys])}) {changes}"
    if len(rows) < COPIED:
        marks = ", ".join(["%s"] * len(names))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({marks}) {conflict}"  # noqa: S608 - our own names
        tx.exec_driver_sql(statement, [tuple(row) for row in rows])
        return
    loading = f"loading_{table}"
    tx.exec_driver_sql(f"CREATE TEMP TABLE {loading} ON COMMIT DROP AS SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608 - our own names
    session = tx.connection.driver_connection
    assert session is not None
    with session.cursor() as cursor, cursor.copy(f"COPY {loading} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    tx.exec_driver_sql(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {loading} {conflict}")  # noqa: S608 - our own names
    tx.exec_driver_sql(f"DROP TABLE {loading}")
