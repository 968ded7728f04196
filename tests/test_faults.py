"""Whatever breaks around the bot: it is said with its remedy, nothing is lost or doubled, and it goes on by itself.

Each row breaks the real thing: files, locks and the size they may have, names and proxies, in real processes.
"""

import ctypes
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import stamina

from bot.core.errors import Unanswered
from bot.demo.ledger import Ledger
from bot.demo.openai_server import OpenAIServer
from bot.edge.store.store import Store
from tests.shell import ROOT, Done, Here, bare, environment
from tests.standins.slack import DROP_AFTER, SERVER_ERROR, SlackStandIn
from tests.standins.slack_web import Channel
from tests.syncing import empty_database
from tests.test_run import loop, wait_for
from tests.world import SEARCH, World, at, world

RULES = """\
version: 1
routes:
  ops: {channel: budget-admin}
  money: {channel: ai-spend}
defaults: {route: money}
rules:
  - {id: total, kind: budget, select: {}, period: month, amount: 100, thresholds: [50%, 100%, 200%]}
"""
# The same process as anybody's, only quicker: half a second between polls, and little patience with a lock.
QUICK = """\
from datetime import timedelta
import bot.core.schedule as schedule
schedule.next_due = lambda expression, after: after + timedelta(seconds=0.5)
import bot.edge.store.sqlite as sqlite
sqlite.BUSY_MS = 300
import bot.worker as worker
worker.LOOK = 0.1
from bot.__main__ import main
main()
"""
KiB = 1024


@pytest.fixture
def w(tmp_path, monkeypatch, capsys):
    ledger = Ledger()
    ledger.project(SEARCH, "search-prod")
    ledger.cost(datetime.now(UTC).date(), SEARCH, "gpt-5.2, output", "60")
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with (
        OpenAIServer(
            ledger, now=lambda: datetime.now(UTC) + timedelta(seconds=1), offers=("costs",)
        ) as openai,
        SlackStandIn() as slack,
    ):
        slack.web.channels["C0ROOM"] = Channel("C0ROOM", "ai-spend")
        slack.web.channels["C1OPS"] = Channel("C1OPS", "budget-admin")
        built = World(tmp_path, openai, slack, [])
        built.rules(RULES)
        built.here = Here(monkeypatch, capsys)
        monkeypatch.setattr("bot.edge.store.delivery.EDIT_PACE", timedelta())
        yield built


def mortal():
    """Let permissions count, for the superuser too."""
    if os.geteuid() == 0:
        bounded = ctypes.CDLL(None)
        for power in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            assert bounded.prctl(24, power, 0, 0, 0) == 0


def small(size):
    """Let no file grow beyond a size: what a disk does that is full."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return limit


@contextmanager
def process(w, *words, before=mortal, **more):
    folder = w.tmp_path / "there"
    folder.mkdir(exist_ok=True)
    out, err = folder / "out.txt", folder / "err.txt"
    given = {**bare(environment(w, **more)), "PYTHONPATH": str(ROOT)}
    with out.open("ab") as to, err.open("ab") as told:
        begun = subprocess.Popen(
            [sys.executable, "-c", QUICK, *words],
            cwd=folder,
            env=given,
            stdout=to,
            stderr=told,
            preexec_fn=before,  # noqa: PLW1509 - it sets a limit and a power of the process to come, no lock
        )
    begun.log = err
    try:
        yield begun
    finally:
        if begun.poll() is None:
            begun.kill()
        begun.wait()


def once(w, *words, before=mortal, **more):
    """Run a command to its end."""
    shutil.rmtree(w.tmp_path / "there", ignore_errors=True)
    with process(w, *words, before=before, **more) as begun:
        code = begun.wait(60)
    folder = w.tmp_path / "there"
    return Done(code, (folder / "out.txt").read_text("utf-8"), (folder / "err.txt").read_text("utf-8"))


def here(w, *words, **more):
    """Run a command in this process."""
    return w.here(w.tmp_path, environment(w, **more), *words)


def spend(w, dollars):
    """Let so much be spent today."""
    w.ledger.set_day(datetime.now(UTC).date(), [(SEARCH, "gpt-5.2, output", dollars)])


def heard(w, channel):
    return [str(message) for message in w.slack.messages if message.channel == channel]


# -- the database, while nobody looks: one command that says it and is none the worse -------------------


def database(w):
    return w.tmp_path / "budgetbot.db"


def overwrite(place):
    def broken(w):
        with database(w).open("r+b") as file:
            file.seek(place)
            file.write(os.urandom(3 * 4096))

    return broken


def cut(w):
    content = database(w).read_bytes()
    database(w).write_bytes(content[: len(content) // 2])


def read_only_folder(w):
    folder = w.tmp_path / "locked"
    folder.mkdir()
    shutil.copy(database(w), folder / "budgetbot.db")
    folder.chmod(0o555)


@pytest.mark.parametrize(
    ("broken", "says", "remedy", "command"),
    [
        pytest.param(
            overwrite(8 * 4096), "is damaged", "put the last good copy", here, id="overwritten pages"
        ),
        pytest.param(
            overwrite(0), "is damaged", "put the last good copy", here, id="an overwritten beginning"
        ),
        pytest.param(cut, "is damaged", "put the last good copy", here, id="cut in the middle"),
        pytest.param(
            lambda w: database(w).chmod(0o444), "readonly", "can be written", once, id="a read-only file"
        ),
        pytest.param(
            lambda w: database(w).chmod(0), "unable to open", "can be written", once, id="an unreadable file"
        ),
    ],
)
def test_a_database_that_cannot_be_used_is_left_as_it_is(w, broken, says, remedy, command):
    assert here(w, "poll").code == 0
    good = w.tmp_path / "good.db"
    assert here(w, "db", "backup", str(good)).code == 0
    kept = good.read_bytes()
    broken(w)
    before = database(w).read_bytes()
    spend(w, 110)
    done = command(w, "poll")
    assert (done.code, len(done.said)) == (4, 1), done.err
    assert says in done.said[0]
    assert remedy in done.said[0]
    assert "Traceback" not in done.err
    assert database(w).read_bytes() == before, "it was written to"
    assert good.read_bytes() == kept
    if command is here:
        assert here(w, "run").code == 4
        assert "damaged" in str(here(w, "db", "verify"))
    database(w).chmod(0o644)
    for left in w.tmp_path.glob("budgetbot.db-*"):
        left.unlink()
    shutil.copy(good, database(w))
    assert here(w, "poll").code == 0
    assert len(w.posts) == 1, "the alert is one message still"
    assert "110%" in " ".join(heard(w, "C0ROOM"))


def test_a_folder_nobody_may_write_in_is_said(w):
    read_only_folder(w)
    try:
        done = once(w, "poll", DATABASE_URL=f"sqlite:///{w.tmp_path}/locked/budgetbot.db")
    finally:
        (w.tmp_path / "locked").chmod(0o755)
    assert (done.code, len(done.said)) == (4, 1), done.err
    assert "can be written" in done.said[0]


def test_a_disk_that_is_full_from_the_start_is_said_and_nothing_is_half_done(w):
    done = once(w, "poll", before=small(16 * KiB))
    assert (done.code, len(done.said)) == (4, 1), done.err
    assert "the disk has room" in done.said[0]
    assert w.posts == []
    assert here(w, "poll").code == 0
    assert len(w.posts) == 1
    assert here(w, "db", "verify").code == 0


def test_a_full_database_is_one_sentence_and_half_a_transaction_is_none(tmp_path):
    (tmp_path / "b.db").write_bytes(empty_database())

    def fill(store):
        with store.writing() as tx:
            tx.exec_driver_sql("INSERT INTO marker (key, value) VALUES ('small', '')")
            pages = tx.exec_driver_sql("PRAGMA page_count").scalar()
            tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 1}")
            tx.exec_driver_sql("INSERT INTO marker (key, value) VALUES ('big', zeroblob(100000))")

    with Store(f"sqlite:///{tmp_path}/b.db") as store:
        with pytest.raises(Unanswered, match=r"database or disk is full.*has room"):
            fill(store)
        with store.reading() as tx:
            assert (
                tx.exec_driver_sql("SELECT COUNT(*) FROM marker WHERE key IN ('small', 'big')").scalar() == 0
            )


def test_a_lost_write_ahead_log_is_survived(w):
    assert here(w, "poll").code == 0
    before = len(w.posts)
    with closing(sqlite3.connect(database(w))) as held:
        held.execute("BEGIN")
        held.execute("SELECT COUNT(*) FROM card").fetchall()
        spend(w, 110)
        assert here(w, "poll").code == 0
        copy = w.tmp_path / "without.db"
        shutil.copy(database(w), copy)  # what is in the log is not in the file
        held.rollback()
    url = f"sqlite:///{copy}"
    done = here(w, "poll", DATABASE_URL=url)
    assert done.code == 0, done.err
    assert here(w, "db", "verify", DATABASE_URL=url).code == 0
    assert len(w.posts) == before, "a message that stands is edited, and not posted again"
    assert here(w, "db", "verify").code == 0


# -- a process that goes on ------------------------------------------------------------------------------


@contextmanager
def locked(w, begun):
    with closing(sqlite3.connect(database(w), timeout=20, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


@contextmanager
def full(w, begun):
    resource.prlimit(begun.pid, resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))
    yield
    resource.prlimit(begun.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def nothing_on_the_way(w):
    with closing(sqlite3.connect(database(w), timeout=20)) as held:
        return held.execute("SELECT COUNT(*) FROM notice WHERE state != 'sent'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("fault", "says", "remedy"),
    [
        pytest.param(locked, "database is locked", "nothing else locks it", id="locked by another"),
        pytest.param(full, "disk I/O error", "the disk has room", id="the disk is full"),
    ],
)
def test_run_says_that_it_cannot_watch_goes_on_and_catches_up(w, fault, says, remedy):
    with process(w, "run") as begun:
        wait_for(lambda: heard(w, "C0ROOM") and nothing_on_the_way(w))
        with fault(w, begun):
            spend(w, 110)
            wait_for(lambda: heard(w, "C1OPS"))
            asked = len(w.openai.asked("/organization/costs"))
            wait_for(lambda: len(w.openai.asked("/organization/costs")) > asked + 3 or fault is locked)
            assert begun.poll() is None
        wait_for(lambda: len(heard(w, "C1OPS")) > 1)
        # What was on the way when the disk was full is tried again when its lease is over.
        wait_for(lambda: "110%" in " ".join(heard(w, "C0ROOM")), seconds=150)
        begun.terminate()
        assert begun.wait(20) == 0
    trouble, over = heard(w, "C1OPS")
    assert "Nothing is watched since" in trouble
    assert says in trouble
    assert remedy in trouble
    assert "Polls go on" in over
    assert len(w.posts) == 3, "one alert, one trouble, one end of it"
    assert "Traceback" not in begun.log.read_text("utf-8")
    assert here(w, "db", "verify").code == 0


@pytest.fixture
def hours(tmp_path, monkeypatch):
    """A world whose hours pass in no time, from a good copy of its database on."""
    monkeypatch.setattr("bot.worker.LOOK", 600)
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built._clock[0] = at("2025-10-05 21:59")
        built.ledger.cost("2025-10-01", SEARCH, "gpt-5.2, output", "60")
        yield built


def test_damage_is_said_at_once_nothing_is_written_and_it_is_over_when_a_good_copy_is_in_its_place(hours):
    w, written = hours, []

    def fate(now):
        match now.hour:
            case 23 if not written:
                with closing(sqlite3.connect(database(w), isolation_level=None)) as held:
                    held.execute(f"VACUUM INTO '{w.tmp_path / 'good.db'}'")
                    held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                overwrite(8 * 4096)(w)
                written.append(True)
            case 2 if written == [True]:
                written.append(database(w).read_bytes())
            case 4 if len(written) == 2:
                assert database(w).read_bytes() == written[1], "it was written to"
                for left in w.tmp_path.glob("budgetbot.db*"):
                    left.unlink()
                shutil.copy(w.tmp_path / "good.db", database(w))
                w.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, output", "50")
                written.append(True)

    loop(w, "2025-10-06 07:30", fate)
    told = [message.text for message in w.slack.messages if message.channel == ops(w)]
    trouble, over = told
    assert "is damaged" in trouble
    assert "db verify" in trouble
    assert "Polls go on" in over
    said = " ".join(map(str, w.slack.messages))
    assert "110%" in said


def test_damage_where_nobody_reads_is_found_once_a_day(hours):
    with Store(f"sqlite:///{database(hours)}") as store, store.writing() as tx:
        tx.exec_driver_sql("CREATE TABLE attic (junk)")
        tx.exec_driver_sql("INSERT INTO attic VALUES (zeroblob(100000))")

    def fate(now):
        if now.hour == 23 and fate.still:
            fate.still = False
            with closing(sqlite3.connect(database(hours), isolation_level=None)) as held:
                held.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                page = held.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'attic'").fetchone()[0]
            overwrite((page - 1) * 4096)(hours)

    fate.still = True
    loop(hours, "2025-10-06 03:30", fate)
    (trouble,) = [message.text for message in hours.slack.messages if message.channel == ops(hours)]
    assert "Nothing is watched since 00:00 UTC" in trouble
    assert "is damaged" in trouble


def ops(w):
    return next(key for key, channel in w.slack.web.channels.items() if channel.name == "budget-admin")


def test_a_bug_that_lasts_is_said_once_and_its_end_once(hours, monkeypatch):
    import bot.worker

    real = bot.worker.fetch_and_judge

    def broken(app, now, progress):
        if now.hour in (23, 0, 1, 2):
            raise ZeroDivisionError("canary")
        return real(app, now, progress)

    monkeypatch.setattr("bot.worker.fetch_and_judge", broken)
    loop(hours, "2025-10-06 07:30")
    trouble, over = [message.text for message in hours.slack.messages if message.channel == ops(hours)]
    assert "polls fail since 23:00 UTC because of a bug of ours (ZeroDivisionError)" in trouble
    assert "canary" not in trouble
    assert "Polls go on; they failed since 23:00" in over


def test_one_poll_that_fails_is_not_worth_a_word(hours, monkeypatch):
    import bot.worker

    real = bot.worker.fetch_and_judge

    def broken(app, now, progress):
        if now.hour == 23:
            raise Unanswered("The database did not answer.", "Wait.")
        return real(app, now, progress)

    monkeypatch.setattr("bot.worker.fetch_and_judge", broken)
    loop(hours, "2025-10-06 02:30")
    assert [message for message in hours.slack.messages if message.channel == ops(hours)] == []


@pytest.mark.parametrize(
    ("fault", "messages"),
    [
        pytest.param(SERVER_ERROR, 2, id="refused for a moment"),
        pytest.param(DROP_AFTER, 2, id="an answer that is lost"),
    ],
)
def test_trouble_is_told_once_whatever_slack_answers(hours, monkeypatch, fault, messages):
    import bot.worker

    real = bot.worker.fetch_and_judge

    def broken(app, now, progress):
        if now.hour in (23, 0, 1, 2):
            hours.slack.fault("chat.postMessage", *([fault] if now.hour == 0 else []))
            raise Unanswered("The database did not answer.", "Wait.")
        return real(app, now, progress)

    monkeypatch.setattr("bot.worker.fetch_and_judge", broken)
    loop(hours, "2025-10-06 05:30")
    assert len([message for message in hours.slack.messages if message.channel == ops(hours)]) == messages


# -- the rule files: the last good ones go on, which is said once, and so is that they are read again -----


def rules_file(w):
    return w.rules_folder / "rules.yaml"


def loop_of_links(w):
    rules_file(w).unlink()
    rules_file(w).symlink_to("rules.yaml")


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        pytest.param(lambda w: w.rules_folder.rename(w.tmp_path / "elsewhere"), "There are no rules at", id="the folder is gone"),
        pytest.param(lambda w: rules_file(w).unlink(), "There is no rule file in", id="the file is gone"),
        pytest.param(lambda w: w.rules(RULES[: RULES.index("period")]), "error", id="cut in the middle"),
        pytest.param(lambda w: rules_file(w).write_bytes(b""), "error", id="nothing written yet"),
        pytest.param(lambda w: rules_file(w).write_bytes(RULES.replace("total", "t\xf6tal").encode("latin-1")), "not written in UTF-8", id="Latin-1"),
        pytest.param(lambda w: rules_file(w).write_text(RULES, encoding="utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(lambda w: rules_file(w).write_bytes(RULES.encode() + b"\0" * 4096), "error", id="blocks that were never written"),
        pytest.param(loop_of_links, "cannot be read", id="a link to itself"),
        pytest.param(lambda w: (rules_file(w).unlink(), rules_file(w).mkdir()), "", id="a folder in its place"),
    ],
)  # fmt: skip
def test_rule_files_that_break_end_no_watch(tmp_path, broken, says):
    with world(tmp_path, offers=("costs",)) as w:
        w.slack.web.channels["C1OPS"] = Channel("C1OPS", "bot-care")
        w.rules(RULES.replace("budget-admin", "bot-care"))
        w.ledger.cost("2026-10-03", SEARCH, "gpt-5.2, output", "60")
        w.poll("2026-10-05 12:00")
        (alert,) = w.posts
        broken(w)
        w.ledger.cost("2026-10-04", SEARCH, "gpt-5.2, output", "50")
        w.poll("2026-10-05 12:05")
        (told,) = heard(w, "C1OPS")
        assert says in told
        assert "last good rules go on" in told
        assert "budgetbot check" in told
        assert "110%" in " ".join(map(str, w.replies)), "nobody watched meanwhile"
        w.start()  # a new process knows them as well, and that it was said
        w.poll("2026-10-05 12:10")
        if not w.rules_folder.exists():
            (w.tmp_path / "elsewhere").rename(w.rules_folder)
        shutil.rmtree(w.rules_folder)
        w.rules_folder.mkdir()
        w.rules(RULES.replace("budget-admin", "bot-care"))
        w.poll("2026-10-05 12:15")
        w.poll("2026-10-05 12:20")
        trouble, over = heard(w, "C1OPS")
        assert trouble == told
        assert "in force" in over
        assert [message for message in w.posts if message.channel == alert.channel] == w.posts[:1]


def test_rule_files_nobody_may_read_end_no_watch(w):
    assert here(w, "poll").code == 0
    spend(w, 110)
    rules_file(w).chmod(0)
    assert once(w, "poll").code == 0
    (told,) = heard(w, "C1OPS")
    assert "permission denied" in told
    assert "110%" in " ".join(heard(w, "C0ROOM"))


def test_a_folder_linked_into_itself_is_read_once(tmp_path):
    with world(tmp_path, offers=("costs",)) as w:
        w.rules(RULES)
        (w.rules_folder / "again").symlink_to(w.rules_folder, target_is_directory=True)
        done = w.poll("2026-10-05 12:00")
        assert done.notes == ()
        assert [rule.id for rule in w.app.rules.now(at("2026-10-05 12:00")).book.rules] == ["total"]


def test_rules_are_not_read_while_somebody_writes_them(tmp_path, monkeypatch):
    more = RULES + "  - {id: second, kind: budget, select: {}, period: day, amount: 7}\n"
    with world(tmp_path, offers=("costs",)) as w:
        w.rules(more)
        w.poll("2026-10-05 12:00")
        w.rules(RULES)  # half of it, and good rules all the same
        written = threading.Timer(0.3, lambda: w.rules(more))
        monkeypatch.setattr("bot.rulebook.REST", 0.6)
        written.start()
        book = w.app.rules.now(at("2026-10-05 12:05")).book
        written.join()
        assert [rule.id for rule in book.rules] == ["total", "second"]


# -- names and proxies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        pytest.param({"OPENAI_BASE_URL": "https://openai.invalid/v1"}, 4, "OpenAI cannot be reached", id="OpenAI's name"),
        pytest.param({"OPENAI_BASE_URL": "https://openai.invalid/v1", "HTTPS_PROXY": "http://127.0.0.1:1"}, 4, "OpenAI cannot be reached", id="a proxy on the way to OpenAI"),
        pytest.param({"SLACK_API_URL": "https://slack.invalid/api/"}, 4, "1 message could not be delivered", id="Slack's name"),
        pytest.param({"SLACK_API_URL": "https://slack.invalid/api/", "HTTPS_PROXY": "http://127.0.0.1:1"}, 4, "1 message could not be delivered", id="a proxy on the way to Slack"),
    ],
)  # fmt: skip
def test_a_neighbour_that_cannot_be_found_is_said_and_caught_up_with(w, monkeypatch, given, code, says):
    monkeypatch.setattr("bot.poll.WAIT", 0.2)
    monkeypatch.setattr("bot.edge.openai.transport.backoff", lambda tries: 0.01)
    for name in (
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    with monkeypatch.context() as patch:
        if proxy := given.get("HTTPS_PROXY"):
            patch.setenv("HTTPS_PROXY", proxy)
        with stamina.set_testing(True, attempts=1):  # a resolver takes its time for each try
            done = here(w, "poll", **given)
    assert done.code == code, done.err
    assert says in " ".join(done.said)
    assert "Traceback" not in done.err
    assert w.posts == []
    with closing(sqlite3.connect(database(w), isolation_level=None)) as held:
        held.execute("UPDATE notice SET try_at = '2020-01-01 00:00:00.000000'")
    assert here(w, "poll").code == 0
    assert len(w.posts) == 1
