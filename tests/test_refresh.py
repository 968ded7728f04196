"""`refresh`: OpenAI is read now, what changed is said, and nobody asks it twice a minute."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot import cli, refreshing
from bot.core.asker import Asker
from bot.core.question import Query
from bot.demo.openai_faults import Hang, Status
from bot.questions import Asked
from bot.questions.refresh import answer
from tests.heard import listening
from tests.shell import Here, environment, started
from tests.syncing import empty_database
from tests.world import SEARCH, at, world

RULES = """\
version: 1
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 100, thresholds: [50%, 100%]}
"""


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-10-01", SEARCH, "gpt-5.2, output", "20")
        built.poll("2025-10-05 13:05")
        built.app.clock = lambda: built._clock[0]
        built._clock[0] = at("2025-10-05 13:20")
        yield built


def ask(w, role="operator", who="U1ALICE"):
    rules = w.app.rules.last(w._clock[0])
    return answer(
        Asked(w.app.store, rules, Query("refresh"), w._clock[0], asker=Asker(who, role=role), app=w.app)
    )


def audited(w):
    with w.app.store.reading() as tx:
        return [tuple(row) for row in tx.exec_driver_sql("SELECT who, what, subject FROM audit ORDER BY id")]


def test_what_changed_is_said_and_what_it_means_goes_to_the_rooms(w):
    w.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, output", "34.10")
    done = ask(w)
    assert (done.said, done.done) == (
        "costs: 1 row changed, +$34.10 since 5 Oct 13:05 UTC; 1 alert opened.",
        True,
    )
    assert audited(w) == [("U1ALICE", "refresh", "costs")]
    w.app.courier().deliver(w._clock[0])
    (card,) = w.posts
    assert "54%" in card.text


def test_nothing_new_is_an_answer_too(w):
    assert ask(w).said == "costs: nothing changed since 5 Oct 13:05 UTC."


def test_a_correction_downwards_has_its_sign(w):
    w.ledger.cost("2025-10-04", SEARCH, "gpt-5.2, output", "-5")
    assert "−$5.00 since" in ask(w).said


def test_the_first_refresh_of_all_says_what_it_read(w, tmp_path):
    w.start(database_url=f"sqlite:///{tmp_path}/another.db")
    w.app.clock = lambda: w._clock[0]
    assert "read for the first time" in ask(w).said


def test_once_a_minute_for_the_whole_organization(w):
    ask(w)
    asked = len(w.openai.requests)
    w._clock[0] += timedelta(seconds=20)
    again = ask(w, who="U2BOB")
    assert (again.done, again.refused, again.by) == (False, False, "U1ALICE")
    assert again.said == "{by} refreshed 20 s ago; it can be done again in 40 s."
    assert len(w.openai.requests) == asked
    w._clock[0] += timedelta(seconds=40)
    assert ask(w).done


def test_a_mark_from_a_clock_that_ran_ahead_holds_nobody_up(w):
    ask(w)
    w._clock[0] -= timedelta(hours=3)
    assert ask(w).said.startswith("costs:")


def test_never_two_polls_at_once(w, monkeypatch):
    monkeypatch.setattr(refreshing, "QUEUE", 0.05)
    asked = len(w.openai.requests)
    with w.app.alone():
        held = ask(w)
    assert (held.done, held.said) == (
        False,
        "A poll is under way: what it finds is said as soon as it is through.",
    )
    assert len(w.openai.requests) == asked
    assert ask(w).done, "whoever was sent away has used up nobody's minute"


@pytest.mark.parametrize(
    ("role", "app", "says"),
    [
        pytest.param("viewer", True, "Only operators", id="viewer"),
        pytest.param("admin", False, "cannot reach OpenAI", id="no bot behind"),
    ],
)
def test_who_may_not_is_told_so(w, role, app, says):
    asked = len(w.openai.requests)
    asker = Asker("U1ALICE", role=role)
    rules = w.app.rules.last(w._clock[0])
    told = answer(
        Asked(w.app.store, rules, Query("refresh"), w._clock[0], asker=asker, app=w.app if app else None)
    )
    assert says in told.said
    assert told.refused
    assert len(w.openai.requests) == asked


@pytest.mark.parametrize(
    ("status", "says"),
    [pytest.param(401, "refuses the key", id="key"), pytest.param(500, "not complete: costs", id="outage")],
)
def test_a_failure_is_told_and_nothing_is_lost(w, status, says):
    w.openai.break_down(Status(status))
    done = ask(w)
    assert says in done.said
    assert not done.done
    with w.app.store.reading() as tx:
        assert tx.exec_driver_sql("SELECT COUNT(*) FROM cost_fact").scalar() == 1


def test_a_stop_waits_for_no_slow_answer(w):
    w.openai.break_down(Hang(2))
    stop = threading.Timer(0.2, w.app.stopping.set)
    stop.start()
    try:
        assert "being stopped" in ask(w).said
    finally:
        stop.join()
        w.openai.recover()
        with w.app.alone():  # the reading has ended
            pass


def test_a_person_in_slack_refreshes_and_a_viewer_does_not(w):
    w.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, output", "34.10")
    with listening(w, budgetbot_operators="U1ALICE") as slack:
        (refused,) = slack.slash("refresh", user="U2BOB").wait()
        assert "Only operators" in refused["text"]
        assert refused["response_type"] == "ephemeral"
        asked = slack.slash("refresh")
        assert asked.acked
        (told,) = asked.wait()
        assert "+$34.10 since 5 Oct 13:05 UTC; 1 alert opened" in told["text"]
        assert asked.refusals == []
        (again,) = slack.slash("refresh").wait()
        assert "<@U1ALICE> refreshed 0 s ago" in again["text"]


def test_a_shell_refreshes_once_a_minute_too(w, monkeypatch, capsys):
    monkeypatch.setitem(cli.COMMANDS, "refresh", ("bot.cli.refresh", "Fetch."))
    w._clock[0] = datetime.now(UTC)  # a shell has the wall's clock
    here = Here(monkeypatch, capsys)
    done = here(w.tmp_path, environment(w), "refresh")
    assert (done.code, done.said) == (0, []), done.err
    assert done.out.startswith("costs: ")
    assert "it can be done again in" in here(w.tmp_path, environment(w), "refresh").out


def test_a_script_sees_that_openai_did_not_answer(w, monkeypatch, capsys):
    monkeypatch.setitem(cli.COMMANDS, "refresh", ("bot.cli.refresh", "Fetch."))
    w.openai.break_down(Status(500))
    done = Here(monkeypatch, capsys)(w.tmp_path, environment(w), "refresh")
    assert done.code == 4
    assert "not complete" in done.said[0]


# -- a process -----------------------------------------------------------------------------------------


@pytest.fixture
def live(tmp_path):
    """A world whose clock is the wall's, and a bot that has polled once and will not again for long."""
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built._clock[0] = datetime.now(UTC)
        built.rules(RULES)
        with started(tmp_path / "run", environment(built, BUDGETBOT_POLL="0 0 29 2 *"), "run") as process:
            built.slack.people.wait_connected()
            wait_for(lambda: '"polled"' in process.err.read_text(encoding="utf-8"))
            built.process = process
            yield built


def wait_for(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def test_what_a_refresh_finds_is_said_without_a_poll(live):
    live.ledger.cost(datetime.now(UTC).date(), SEARCH, "gpt-5.2, output", "70")
    live._clock[0] = datetime.now(UTC)
    assert "1 alert opened" in live.slack.slash("refresh").wait(seconds=30)[0]["text"]
    wait_for(lambda: live.posts)
    done = live.process.end()
    assert done.code == 0, done.err


def test_a_stop_while_a_refresh_hangs_is_a_stop(live):
    live.openai.break_down(Hang(60))
    asked = len(live.openai.requests)
    refreshed = live.slack.slash("refresh")
    wait_for(lambda: len(live.openai.requests) > asked)
    done = live.process.end(timeout=12)
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    assert "being stopped" in refreshed.answers[0]["text"]
