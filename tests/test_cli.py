"""The commands as a shell meets them: exit codes, streams, signals, and what they leave behind."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from bot.demo.openai_faults import Hang, Status
from bot.edge.store.engine import newest
from tests.shell import Here, bare, environment, shell, started
from tests.syncing import empty_database
from tests.world import SEARCH, at, world

NOW = "2025-10-05T12:00:00Z"
RULES = """\
version: 1
rules:
  - {id: total, kind: budget, select: {}, period: month, amount: 1000}
"""


@pytest.fixture
def here(monkeypatch, capsys):
    return Here(monkeypatch, capsys)


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built._clock[0] = at("2025-10-05 12:00")
        for day in range(1, 6):
            built.ledger.cost(f"2025-10-0{day}", SEARCH, "gpt-5.2, output", "10.5")
        yield built


def question(w, sql):
    with closing(sqlite3.connect(w.tmp_path / "budgetbot.db")) as held:
        return held.execute(sql).fetchall()


# -- words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["--help"], 0, "Usage: budgetbot", id="help"),
        pytest.param(["sync", "-h"], 0, "--since", id="short help of a command"),
        pytest.param(["db", "--help"], 0, "upgrade", id="help of a group"),
        pytest.param(["--version"], 0, "0.", id="version"),
        pytest.param([], 2, "Usage: budgetbot", id="nothing"),
        pytest.param(["plol"], 2, "Did you mean poll?", id="a typo"),
        pytest.param(["xyzzy"], 2, "No such command", id="no such word"),
        pytest.param(["poll", "--nwo", "x"], 2, "--now", id="a wrong option"),
        pytest.param(["sync", "--since", "yesterday"], 2, "no day", id="no day"),
        pytest.param(["sync", "--until", "2025-01-01"], 2, "--until needs --since", id="until alone"),
        pytest.param(["sync", "--since", "2025-02-01", "--until", "2025-02-01"], 2, "half-open", id="empty"),
        pytest.param(["sync", "--since", "2025-01-01", "--until", "2199-01-01"], 2, "future", id="ahead"),
        pytest.param(["sync", "--since", "0001-01-01"], 2, "before anybody", id="long ago"),
        pytest.param(["sync", "--since", ""], 2, "no day", id="an empty day"),
        pytest.param(["check", "nowhere"], 2, "nothing at nowhere", id="check nowhere"),
        pytest.param(["manifest", "--http", "http://bot.example"], 2, "https", id="a manifest in clear"),
        pytest.param(["report", "lastweek"], 2, "last-week", id="a wrong question"),
    ],
)
def test_exit_codes_of_words(tmp_path, here, words, code, says):
    done = here(tmp_path, {}, *words)
    assert done.code == code, done.err
    assert says in done.out + done.err
    assert (done.out == "") == (code != 0)
    assert list(tmp_path.iterdir()) == []


MALFORMED = {
    "OPENAI_BASE_URL": "http://u:canary@evil.example",
    "DATABASE_URL": "mysql://u:canary@h/d",
    "SLACK_BOT_TOKEN": "canary",
    "BUDGETBOT_POLL": "never",
    "OPENAI_ADMIN_KEY_FILE": "/nowhere/canary",
    "DYNO": "web.1",
    "PORT": "canary",
}


@pytest.mark.parametrize("words", [["check"], ["manifest"], ["--help"], ["demo", "--help"]], ids=" ".join)
def test_commands_that_use_no_setting_bear_every_malformed_one(tmp_path, here, words):
    done = here(tmp_path, MALFORMED, *words)
    assert done.code == 0, done.err
    assert "canary" not in done.out + done.err
    assert list(tmp_path.iterdir()) == []


def test_settings_come_from_the_working_directory(tmp_path):
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///mine.db\n", encoding="utf-8")
    (tmp_path / "mine.db").write_bytes(empty_database())
    assert newest() in shell(tmp_path, {}, "db", "current").out


# -- sync ----------------------------------------------------------------------------------------------


def test_sync_prints_what_it_stored(w, here):
    words = ("sync", "--since", "2025-10-01", "--source", "costs", "--now", NOW)
    done = here(w.tmp_path, environment(w, SLACK_BOT_TOKEN=None), *words, "--format", "json")
    assert done.code == 0, done.err
    costs = done.json["sources"]["costs"]
    assert done.json["complete"] is True
    assert (costs["complete"], costs["rows"], costs["changed"]) == (True, 5, 5)
    assert question(w, "SELECT count(*) FROM cost_fact") == [(5,)]
    assert w.slack.calls == []
    again = here(w.tmp_path, environment(w), *words, "--format", "csv")
    assert again.out.splitlines() == [
        "source,complete,pages,rows,changed,why",
        f"costs,true,{again.out.split(',')[7]},5,0,",
    ]
    assert "0 changed" in here(w.tmp_path, environment(w), *words).out


def test_sync_alone_reads_what_a_poll_reads(w, here):
    w.rules(RULES)
    done = here(w.tmp_path, environment(w, SLACK_BOT_TOKEN=None), "sync", "--now", NOW, "--format", "json")
    assert done.code == 0, done.err
    assert done.json["sources"]["costs"]["changed"] == 5
    assert question(w, "SELECT count(*) FROM incident") == [(0,)]


def test_sync_of_no_such_source_names_those_there_are(w, here):
    done = here(w.tmp_path, environment(w), "sync", "--source", "cost")
    assert done.code == 2
    assert "costs" in done.err


@pytest.mark.parametrize(("status", "code"), [(401, 3), (403, 3), (500, 4)])
def test_sync_tells_trouble_by_its_exit_code(w, here, status, code):
    w.openai.break_down(Status(status))
    done = here(
        w.tmp_path, environment(w), "sync", "--since", "2025-10-01", "--source", "costs", "--now", NOW
    )
    assert (done.code, len(done.said)) == (code, 1)
    assert question(w, "SELECT count(*) FROM cost_fact") == [(0,)]


def test_a_killed_sync_goes_on_where_it_was(w):
    words = ("sync", "--since", "2024-10-05", "--source", "costs", "--now", NOW)
    # As many answers as are asked at once, so that the newest window, the first to be kept, is among them.
    w.openai.fail("/organization/costs", Hang(60), 1000, skip=8)
    with started(w.tmp_path / "first", environment(w), *words) as first:
        deadline = time.monotonic() + 30
        while not question(w, "SELECT count(*) FROM backfill")[0][0]:
            assert time.monotonic() < deadline, "nothing was kept"
            time.sleep(0.02)
        assert first.end(signal.SIGKILL).code == -signal.SIGKILL
    reached = question(w, "SELECT reached FROM backfill")[0][0]
    asked = len(w.openai.asked("/organization/costs"))
    w.openai.recover()
    done = shell(w.tmp_path, environment(w), *words, "--format", "json")
    assert done.code == 0, done.err
    assert question(w, "SELECT count(*) FROM backfill") == [(0,)]
    edge = at(reached).timestamp()
    later = [dict(request.params) for request in w.openai.asked("/organization/costs")[asked:]]
    assert later
    assert all(int(params["start_time"]) < edge for params in later)  # what was kept is not asked again
    assert done.json["sources"]["costs"]["complete"] is True


def test_ctrl_c_ends_a_read_that_nobody_answers(w):
    w.openai.break_down(Hang(60))
    words = ("sync", "--since", "2025-10-01", "--source", "costs", "--now", NOW)
    with started(w.tmp_path / "one", environment(w), *words) as one:
        wait_for(lambda: w.openai.asked("/organization/costs"))
        done = one.end(signal.SIGINT)
    assert done.code == 130
    assert "Traceback" not in done.err
    assert question(w, "SELECT count(*) FROM cost_fact") == [(0,)]


def wait_for(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


# -- streams -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], ["report", "mtd"], ["manifest"]], ids=" ".join)
def test_a_reader_that_leaves_is_no_failure(w, words):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=w.tmp_path,
        env=bare(environment(w)),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_progress_is_drawn_where_nobody_looks(w, here):
    done = here(
        w.tmp_path, environment(w), "sync", "--since", "2025-10-01", "--source", "costs", "--now", NOW
    )
    assert done.said == []
    assert "\x1b" not in done.out + done.err


def test_a_bug_is_exit_70_with_a_traceback_without_secrets(w, here, monkeypatch):
    def broken(*_):
        raise RuntimeError("no way on with canary-of-an-odd-shape and sk-admin-canary and xoxb-canary")

    monkeypatch.setattr("bot.poll.fetch_and_judge", broken)
    given = environment(w, OPENAI_ADMIN_KEY="canary-of-an-odd-shape")
    done = here(w.tmp_path, given, "poll", "--now", NOW)
    assert done.code == 70
    assert "Traceback" in done.err
    assert "RuntimeError" in done.err
    assert "a bug of ours" in done.err
    assert "canary" not in done.err


# -- the database --------------------------------------------------------------------------------------


def test_two_upgrades_at_once_are_one_upgrade(tmp_path):
    url = {"DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    with (
        started(tmp_path / "one", url, "db", "upgrade") as one,
        started(tmp_path / "two", url, "db", "upgrade") as two,
    ):
        done = [one.wait(60), two.wait(60)]
    assert [each.code for each in done] == [0, 0], done
    assert sorted("is now at" in each.out for each in done) == [False, True]


def test_db_current_makes_no_database(tmp_path, here):
    done = here(tmp_path, {}, "db", "current")
    assert done.code == 0
    assert "no database" in done.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("sqlite:////nowhere/at/all/b.db", 4, id="no folder"),
        pytest.param("mysql://u:canary@h/d", 3, id="another database"),
    ],
)
@pytest.mark.parametrize("words", [["report"], ["db", "upgrade"], ["poll"]], ids=" ".join)
def test_a_database_that_cannot_be_is_one_sentence(w, here, words, url, code):
    done = here(w.tmp_path, environment(w, DATABASE_URL=url), *words)
    assert (done.code, len(done.said)) == (code, 1), done.err
    assert "canary" not in done.err


def test_a_damaged_database_is_one_sentence(w, here):
    (w.tmp_path / "budgetbot.db").write_bytes(b"this is no database" * 500)
    for words in (["report"], ["db", "current"], ["poll", "--now", NOW], ["poll", "--now", NOW, "--dry-run"]):
        done = here(w.tmp_path, environment(w), *words)
        assert (done.code, len(done.said)) == (4, 1), (words, done.err)


def test_asking_an_empty_database_answers(tmp_path, here):
    for verb in ("status", "report", "top", "rules"):
        done = here(tmp_path, {}, verb, "--format", "json")
        assert done.code == 0, done.err
        assert json.loads(done.out)
