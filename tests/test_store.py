"""One database, opened: how it is addressed, how it behaves, how it says what is wrong."""

import os
import sqlite3
import tempfile
import threading
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from bot.core.errors import SetupWrong, Unanswered
from bot.edge.store import engine, heard, records, sqlite
from bot.edge.store.records import SourceResult, Stored
from bot.edge.store.store import Store
from tests.syncing import NOON, ago, empty_database


@pytest.fixture
def path(tmp_path):
    placed = tmp_path / "budgetbot.db"
    placed.write_bytes(empty_database())
    return placed


@pytest.fixture
def store(path):
    with Store(f"sqlite:///{path}") as opened:
        yield opened


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_MS", 50)


# -- how it is addressed ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "file"),
    [
        pytest.param("sqlite:///budgetbot.db", "budgetbot.db", id="relative"),
        pytest.param("sqlite:///sub/budgetbot.db", "sub/budgetbot.db", id="relative-in-a-folder"),
        pytest.param("sqlite:///{here}/budgetbot.db", "budgetbot.db", id="absolute"),
        pytest.param("sqlite:///with space/50% off.db", "with space/50% off.db", id="space-and-percent"),
        pytest.param("sqlite:///with%20space/x.db", "with space/x.db", id="escaped"),
        pytest.param("sqlite+pysqlite:///budgetbot.db", "budgetbot.db", id="driver"),
    ],
)
def test_addresses_that_work(tmp_path, monkeypatch, url, file):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "with space").mkdir()
    with Store(url.format(here=tmp_path)) as store, store.reading() as tx:
        assert records.stored(tx) == {}
        assert (tmp_path / file).is_file()
    assert engine.lock_path(store.url, "poll") == Path(f"{tmp_path}/{file}.poll.lock")


@pytest.mark.parametrize(
    "url",
    [
        "budgetbot.db",
        "",
        "mysql://someone:s3cret@db/budgets",
        "sqlite+aiosqlite:///budgetbot.db",
        "sqlite://budgetbot.db",
        "sqlite:///file:budgetbot.db?mode=ro&uri=true",
        "sqlite:///budgetbot.db?timeout=5",
    ],
)
def test_addresses_that_are_none_are_refused_with_one_that_is(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupWrong) as refused:
        Store(url)
    assert "sqlite:///" in refused.value.remedy
    assert "s3cret" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_one_for_all_threads(url):
    with Store(url) as store:
        assert engine.lock_path(store.url, "poll") is None
        with store.writing() as tx:
            records.mark(tx, "said", "yes")
        heard = []

        def listen():
            with store.reading() as tx:
                heard.append(records.marker(tx, "said"))

        threads = [threading.Thread(target=listen) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert heard == ["yes"] * 4


# -- how it behaves --------------------------------------------------------------------------------


def test_every_connection_writes_ahead_waits_and_checks_foreign_keys(store):
    def pragmas():
        with store.reading() as tx:
            return [
                tx.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "busy_timeout")
            ]

    found = [pragmas()]
    with store.reading():  # holds one connection, so that the next is another
        found.append(pragmas())
    assert found == [["wal", 1, sqlite.BUSY_MS]] * 2


def test_at_rest_idle_connections_stay_open_and_forget_what_they_read(store):
    """With a full disk no new one could be opened."""
    told = []
    with store.reading() as held:
        with store.reading() as tx:
            idle = tx.connection.driver_connection
        event.listen(
            store._engine, "before_cursor_execute", lambda *one: told.append((one[1].connection, one[2]))
        )
        store.rest()
        assert (idle, "PRAGMA shrink_memory") in told
        assert {connection for connection, _ in told} == {idle}
        assert store._engine.pool.checkedin() == 1
        assert held.exec_driver_sql("SELECT 1").scalar() == 1
    with store.reading() as tx:
        assert tx.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_database_in_memory_is_kept_at_rest():
    with Store("sqlite://") as store:
        with store.writing() as tx:
            tx.exec_driver_sql("INSERT INTO marker (key, value) VALUES ('k', 'v')")
        store.rest()
        with store.reading() as tx:
            assert tx.exec_driver_sql("SELECT value FROM marker WHERE key = 'k'").scalar() == "v"


def test_a_fact_of_no_series_is_refused(store):
    from sqlalchemy.exc import IntegrityError

    def orphan():
        with store.writing() as tx:
            tx.exec_driver_sql(
                "INSERT INTO cost_fact (bucket, series_id, observed_at, amount_nano) VALUES (0, 7, 0, 1)"
            )

    with pytest.raises(IntegrityError):
        orphan()


def test_a_transaction_is_all_or_nothing(store):
    class Killed(BaseException):
        pass

    def half():
        with store.writing() as tx:
            records.mark(tx, "one", "1")
            raise Killed

    with pytest.raises(Killed):
        half()
    with store.reading() as tx:
        assert records.marker(tx, "one") == ""


def test_a_reader_sees_one_state_while_a_writer_writes(store):
    with store.reading() as old:
        assert records.marker(old, "one") == ""
        with store.writing() as tx:
            records.mark(tx, "one", "1")
        assert records.marker(old, "one") == ""
    with store.reading() as new:
        assert records.marker(new, "one") == "1"


def test_writers_wait_for_one_another(store):
    """Each reads and then writes: one that began as a reader would be refused, or would overwrite."""

    def count():
        for _ in range(20):
            with store.writing() as tx:
                records.mark(tx, "count", str(int(records.marker(tx, "count") or 0) + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as tx:
        assert records.marker(tx, "count") == "80"


# -- how it says what is wrong ---------------------------------------------------------------------


def test_a_folder_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(Unanswered, match="unable to open") as told:
        Store(f"sqlite:///{tmp_path}/nowhere/budgetbot.db")
    assert "folder exists" in told.value.remedy
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_in_its_place_is_said(tmp_path):
    with pytest.raises(Unanswered):
        Store(f"sqlite:///{tmp_path}")


def test_a_locked_database_is_said_after_waiting(path, impatient):
    with Store(f"sqlite:///{path}") as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def write():
            with store.writing() as tx:
                records.mark(tx, "one", "1")

        with pytest.raises(Unanswered, match="locked") as told:
            write()
        assert "locks it" in told.value.remedy
        with store.reading() as tx:
            assert records.marker(tx, "one") == ""  # who only reads is not held up
        other.execute("ROLLBACK")
        write()


@pytest.mark.parametrize("place", [0, 4096 * 3], ids=["header", "middle"])
def test_a_damaged_file_is_said_and_not_touched(path, place):
    damaged = bytearray(path.read_bytes())
    damaged[place : place + 4096] = b"\xff" * 4096
    path.write_bytes(damaged)

    def use():
        with Store(f"sqlite:///{path}") as store, store.reading() as tx:
            tx.exec_driver_sql("PRAGMA integrity_check").fetchall()
            for (table,) in tx.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                tx.exec_driver_sql(f"SELECT COUNT(*) FROM {table} NOT INDEXED").fetchall()

    with pytest.raises(Unanswered, match="damaged") as told:
        use()
    assert "copy" in told.value.remedy
    assert path.read_bytes() == damaged


def test_a_lock_that_cannot_be_taken_is_said(tmp_path):
    (tmp_path / "budgetbot.db.upgrade.lock").mkdir()
    with pytest.raises(Unanswered, match="cannot be upgraded"):
        Store(f"sqlite:///{tmp_path}/budgetbot.db")


@contextmanager
def as_nobody():
    """Root may write everywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("existing", [True, False])
def test_a_folder_that_cannot_be_written_is_said(existing):
    from alembic import command  # noqa: F401 - loaded now: nobody may not read the virtual environment

    with tempfile.TemporaryDirectory() as folder:
        placed = Path(folder, "budgetbot.db")
        if existing:
            placed.write_bytes(empty_database())
            placed.chmod(0o444)
        Path(folder).chmod(0o555)

        def use():
            with as_nobody(), Store(f"sqlite:///{placed}") as store, store.writing() as tx:
                records.mark(tx, "one", "1")

        with pytest.raises(Unanswered) as told:
            use()
        assert "can be written" in told.value.remedy
        Path(folder).chmod(0o755)


# -- records ---------------------------------------------------------------------------------------


def test_what_is_known_of_a_source_comes_back_as_it_was_kept(store):
    full = Stored(
        "costs",
        "1d",
        since=ago(120),
        through=ago(-1),
        read_at=NOON,
        reread_at=NOON - timedelta(hours=2),
        floor=ago(200),
        floored_at=NOON - timedelta(hours=3),
        user_from=ago(20),
        offered=False,
        refused=("api_key_id", "user_id"),
        probed_at=NOON - timedelta(hours=1),
    )
    for state in (full, Stored("costs")):
        with store.writing() as tx:
            records.keep(tx, [state])
        with store.reading() as tx:
            assert records.stored(tx) == {("costs", "1d"): state}


def test_the_last_poll_comes_back_with_its_sources(store):
    results = (
        SourceResult("costs", "1d", True, 3, 412, 12, 0.5, "without api_key_id"),
        SourceResult("completions", "1h", False, why="OpenAI is in trouble"),
    )
    with store.writing() as tx:
        assert records.last_poll(tx) is None
        records.poll(tx, NOON - timedelta(hours=1), NOON, NOON, ())
        records.poll(tx, NOON, NOON, NOON + timedelta(seconds=2), results)
    with store.reading() as tx:
        now, complete, found = records.last_poll(tx)
    assert (now, complete) == (NOON, False)
    assert set(found) == set(results)


def test_markers_are_found_by_the_very_beginning_of_their_key(store):
    with store.writing() as tx:
        for key in ("a_b:1", "axb:2", "a_b:3"):
            records.mark(tx, key, key[-1])
        assert records.markers(tx, "a_b:") == {"a_b:1": "1", "a_b:3": "3"}
        records.mark(tx, "a_b:1", "")
        assert records.markers(tx, "a_b:") == {"a_b:3": "3"}


def test_a_delivery_is_heard_once_within_the_hour(store):
    with store.writing() as tx:
        assert not heard.heard(tx, "Ev1", NOON)
        heard.keep(tx, ["Ev1", "Ev1"], NOON)
        assert heard.heard(tx, "Ev1", NOON + timedelta(minutes=59))
        assert not heard.heard(tx, "Ev1", NOON + timedelta(minutes=61))
        heard.keep(tx, ["Ev2"], NOON + timedelta(minutes=61))
        assert tx.exec_driver_sql("SELECT key FROM heard").fetchall() == [("Ev2",)]
