"""What only PostgreSQL is asked: its addresses, its sessions, its locks, and that a turn that is over writes nothing."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from bot.app import alone
from bot.core.errors import SetupWrong, Unanswered
from bot.edge.store import engine, fence, postgres, records, turns
from bot.edge.store.store import Store
from bot.edge.store.turns import turn_of
from tests import engines

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _here():
    before = engines.engine()
    engines.choose("postgres")
    yield
    engines.choose(before)


@pytest.fixture
def url(tmp_path):
    return engines.database_url(tmp_path)


@pytest.fixture
def store(url):
    with Store(url) as opened:
        yield opened


def pids(store):
    with store.reading() as tx:
        rows = tx.exec_driver_sql(
            "SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid "
            "WHERE l.locktype = 'advisory' AND a.datname = current_database() AND a.pid != pg_backend_pid()"
        )
        return [row[0] for row in rows]


def cut(store):
    """Cut the sessions that hold locks, as a network does."""
    found = pids(store)
    with store.reading() as tx:
        for pid in found:
            tx.exec_driver_sql("SELECT pg_terminate_backend(%s)", (pid,))
    return found


def wait_for(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


# -- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(
            "postgres://ada:s3cret@db/budgets",
            {"user": "ada", "host": "db", "dbname": "budgets"},
            id="heroku",
        ),
        pytest.param("postgresql://ada@db:6543/budgets", {"port": "6543"}, id="a port"),
        pytest.param("postgresql+psycopg://ada@db/budgets", {"host": "db"}, id="with a driver"),
        pytest.param("postgresql://db/budgets?sslmode=require", {"sslmode": "require"}, id="a parameter"),
        pytest.param(
            "postgresql://a:b@one:1,two:2/x", {"host": "one,two", "port": "1,2"}, id="several hosts"
        ),
        pytest.param("host=db dbname=budgets user=ada", {"user": "ada", "host": "db"}, id="words"),
        pytest.param("postgresql://ada:p%40ss@db/x", {"password": "p@ss"}, id="an escaped password"),
        pytest.param(
            "postgresql:///x?host=/var/run/postgresql", {"host": "/var/run/postgresql"}, id="a socket"
        ),
    ],
)
def test_any_form_that_libpq_takes_is_an_address(text, names):
    given = postgres.arguments(engine.parse_url(text))
    assert {name: given[name] for name in names} == names
    assert "s3cret" not in repr(engine.parse_url(text))


@pytest.mark.parametrize(
    "text", ["postgresql://ada:s3cret@db/x?nonsense=1", "postgres://ada:s3cret@[db/x", "host=db s3cret='"]
)
def test_an_address_that_is_none_is_refused_without_its_password(text):
    with pytest.raises(SetupWrong) as refused:
        engine.parse_url(text)
    assert "s3cret" not in str(refused.value)
    assert "postgresql://" in refused.value.remedy


def test_a_driver_that_is_missing_is_said_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SetupWrong, match="driver is not installed") as refused:
        engine.parse_url("postgresql://db/x")
    assert "budgetbot[postgres]" in refused.value.remedy


def test_a_server_that_does_not_answer_is_said_without_the_password():
    with pytest.raises(Unanswered) as failed:
        Store("postgresql://ada:s3cret@127.0.0.1:9/x?connect_timeout=2")
    assert "did not answer" in failed.value.happened
    assert "s3cret" not in str(failed.value)


# -- sessions --------------------------------------------------------------------------------------


def test_instants_are_utc_whatever_the_server_thinks(store, url):
    with psycopg.connect(url, autocommit=True) as held:
        held.execute("ALTER ROLE postgres SET TimeZone = 'Asia/Tokyo'")
    try:
        with Store(url) as other, other.reading() as tx:
            assert tx.exec_driver_sql("SHOW timezone").scalar() == "UTC"
    finally:
        with psycopg.connect(url, autocommit=True) as held:
            held.execute("ALTER ROLE postgres RESET TimeZone")


def test_a_reader_sees_one_state_while_a_writer_writes(store):
    with store.reading() as old:
        assert records.marker(old, "said") == ""
        with store.writing() as tx:
            records.mark(tx, "said", "yes")
        assert records.marker(old, "said") == ""
    with store.reading() as new:
        assert records.marker(new, "said") == "yes"


def test_who_only_reads_cannot_write(store):
    with pytest.raises((Unanswered, DBAPIError)), store.reading() as tx:
        records.mark(tx, "said", "no")


def test_writers_write_one_after_the_other(store):
    def add():
        for _ in range(20):
            with store.writing() as tx:
                records.mark(tx, "count", str(int(records.marker(tx, "count") or 0) + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as tx:
        assert records.marker(tx, "count") == "80"


def test_a_writer_that_waits_too_long_gives_up_and_says_so(store, url, monkeypatch):
    monkeypatch.setattr(postgres, "WAIT_MS", 50)
    with (
        Store(url) as other,
        store.writing(),
        pytest.raises(Unanswered, match="did not answer"),
        other.writing(),
    ):
        pytest.fail("two writers at once")


def test_a_writer_that_hangs_is_cut_off_and_holds_nobody_up(url, monkeypatch):
    monkeypatch.setattr(postgres, "HANGING_MS", 200)
    with Store(url) as paused, Store(url) as other:

        def hang():
            with paused.writing() as tx:
                records.mark(tx, "said", "half")
                with other.writing() as next_tx:  # waits until the other one is cut off
                    records.mark(next_tx, "said", "whole")
                records.mark(tx, "said", "too late")

        with pytest.raises(Unanswered, match="hung up"):
            hang()
        with other.reading() as tx:
            assert records.marker(tx, "said") == "whole"


def test_processes_that_begin_at_once_upgrade_once():
    address = engines.new_database()
    begin = (
        "import sys; from bot.edge.store.store import Store\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"print(Store({address!r}).migrated)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", begin], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert sorted(said) == ["False", "False", "True"]


# -- turns -----------------------------------------------------------------------------------------


def test_one_holds_the_turn_and_the_next_gets_it_when_it_is_left(store):
    mine, yours = turn_of(store.url, "poll"), turn_of(store.url, "poll")
    assert mine.take()
    assert not yours.take(0.3)
    assert mine.take(), "who has it keeps it"
    mine.leave()
    assert yours.take(5)
    yours.leave()


def test_a_holder_whose_connection_is_cut_knows_it_and_another_takes_over(store, monkeypatch):
    monkeypatch.setattr(turns, "BEAT", 0.05)
    mine, yours = turn_of(store.url, "lead"), turn_of(store.url, "lead")
    assert mine.take()
    assert cut(store)
    assert yours.take(10)
    wait_for(lambda: not mine.held())
    assert not mine.take()
    yours.leave()
    mine.leave()


def test_a_holder_that_is_paused_falls_silent_and_is_replaced(store, monkeypatch):
    monkeypatch.setattr(turns, "BEAT", 60)  # paused: no sign of life
    monkeypatch.setattr(turns, "SILENT_MS", 300)
    mine, yours = turn_of(store.url, "lead"), turn_of(store.url, "lead")
    assert mine.take()
    assert yours.take(15)
    yours.leave()
    monkeypatch.setattr(turns, "BEAT", 0.01)
    mine._stop.set()
    mine.leave()


def test_who_comes_back_finds_that_the_turn_is_over_before_it_writes(store, url):
    with Store(url) as other:
        with alone(store, 1.0):
            with store.writing() as tx:
                records.mark(tx, "said", "mine")
            assert cut(store)
            with alone(other, 10.0), other.writing() as tx:
                records.mark(tx, "said", "yours")
            with pytest.raises(fence.Lost), store.writing() as tx:
                records.mark(tx, "said", "mine again")
        with store.writing() as tx:  # people's orders are of no turn
            records.mark(tx, "ordered", "yes")
        with store.reading() as tx:
            assert records.marker(tx, "said") == "yours"


def test_what_is_cut_off_without_a_successor_goes_on(store):
    with alone(store, 1.0):
        assert cut(store)
        with store.writing() as tx:
            records.mark(tx, "said", "mine")
    with store.reading() as tx:
        assert records.marker(tx, "said") == "mine"


def test_a_server_that_is_gone_is_said_by_who_wants_a_turn(store, monkeypatch):
    gone = engine.parse_url("postgresql://ada:s3cret@127.0.0.1:9/x?connect_timeout=2")
    with pytest.raises(Unanswered) as failed:
        turn_of(gone, "poll").take()
    assert "s3cret" not in str(failed.value)
