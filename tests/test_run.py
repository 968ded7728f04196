"""`run` as a deployer meets it: a real process, a real socket, real signals."""

import signal
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from bot.app import App
from bot.demo.ledger import Ledger
from bot.demo.openai_faults import Hang, Status
from bot.demo.openai_server import OpenAIServer
from bot.worker import Worker
from tests.shell import environment, shell, started
from tests.standins.slack import SERVER_ERROR, Fault, SlackStandIn
from tests.standins.slack_web import Channel
from tests.syncing import empty_database
from tests.world import SEARCH, World, at, world

RULES = """\
version: 1
rules:
  - {id: total, kind: budget, select: {}, period: month, amount: 100, thresholds: [50%, 100%]}
"""


@pytest.fixture
def live(tmp_path):
    """A world whose clock is the wall's."""
    ledger = Ledger()
    ledger.project(SEARCH, "search-prod")
    ledger.cost(datetime.now(UTC).date().replace(day=1), SEARCH, "gpt-5.2, output", "60")
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with (
        OpenAIServer(
            ledger, now=lambda: datetime.now(UTC) + timedelta(seconds=1), offers=("costs",)
        ) as openai,
        SlackStandIn() as slack,
    ):
        slack.web.channels["C0ROOM"] = Channel("C0ROOM", "ai-spend")
        built = World(tmp_path, openai, slack, [])
        built.rules(RULES)
        yield built


def wait_for(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def running(w, name="run", **more):
    return started(w.tmp_path / name, environment(w, **more), "run")


def events(done):
    return [line["event"] for line in done.logs]


def logged(process, event):
    return event in process.err.read_text(encoding="utf-8")


# -- a process -----------------------------------------------------------------------------------------


def test_people_are_answered_while_the_first_poll_still_runs(live):
    live.openai.break_down(Hang(60))
    with running(live) as process:
        live.slack.people.wait_connected()
        wait_for(lambda: live.openai.asked("/organization/costs"))
        asked = live.slack.slash("status")
        assert asked.acked
        assert asked.ack_seconds < 3
        assert "No costs are stored yet" in str(asked.wait()[0])
        done = process.end()
    assert done.code == 0, done.err
    assert done.said == []
    assert "stopped" in events(done)


def test_a_stop_in_the_middle_of_a_backfill_keeps_whole_windows(live):
    live.openai.fail("/organization/costs", Hang(60), 1000, skip=3)
    with running(live) as process:
        wait_for(lambda: logged(process, "backfill"))
        done = process.end()
    assert done.code == 0, done.err
    live.openai.recover()
    again = shell(live.tmp_path, environment(live), "poll", "--format", "json")
    assert again.code == 0, again.err
    assert [event["level"] for event in again.json["events"]] == ["50%"]
    assert len(live.posts) == 1


def test_a_stop_in_the_middle_of_a_delivery_says_it_once(live):
    live.slack.fault("chat.postMessage", Fault(delay=2))
    with running(live) as process:
        wait_for(lambda: live.posts or logged(process, "decided"))
        done = process.end()
    assert done.code == 0, done.err
    assert shell(live.tmp_path, environment(live), "poll").code == 0
    assert len(live.posts) == 1


def test_slack_down_at_the_start_is_tried_until_it_works_and_polls_go_on(live):
    live.slack.down = SERVER_ERROR
    with running(live) as process:
        wait_for(lambda: logged(process, "not delivered"))
        live.slack.down = None
        live.slack.people.wait_connected()
        wait_for(lambda: live.posts)
        done = process.end()
    assert done.code == 0, done.err
    assert len(live.posts) == 1


def test_a_second_signal_of_another_kind_is_no_matter(live):
    with running(live) as process:
        wait_for(lambda: live.posts)
        process.process.send_signal(signal.SIGINT)
        done = process.end(signal.SIGTERM)
    assert done.code == 0
    assert "Traceback" not in done.err


def test_the_first_start_with_bad_rules_is_refused(live):
    live.rules("version: 1\nrules:\n  - {id: x, kind: bugdet}\n")
    done = shell(live.tmp_path, environment(live), "run")
    assert (done.code, len(done.said)) == (3, 1)
    assert "rules.yaml:3" in done.said[0]
    assert "budgetbot check" in done.said[0]
    assert live.openai.requests == []


def test_run_names_everything_that_is_missing(tmp_path):
    done = shell(tmp_path, {"BUDGETBOT_POLL": "* *"}, "run")
    assert (done.code, len(done.said)) == (3, 1)
    for name in ("OPENAI_ADMIN_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "BUDGETBOT_POLL"):
        assert f"{name} " in done.said[0]
    assert list(tmp_path.iterdir()) == []


# -- the loop, with a clock that is turned by hand ------------------------------------------------------


class Turned(threading.Event):
    """A stop whose waiting turns the clock: the loop runs through its hours in no time."""

    def __init__(self, clock, until, on_wait):
        super().__init__()
        self.clock, self.until, self.on_wait = clock, until, on_wait

    def wait(self, timeout=None):
        self.clock[0] += timedelta(seconds=max(timeout or 0, 0.5))
        self.on_wait(self.clock[0])
        if self.clock[0] >= self.until:
            self.set()
        return self.is_set()


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built._clock[0] = at("2025-10-05 11:59")
        built.ledger.cost("2025-10-01", SEARCH, "gpt-5.2, output", "10")
        yield built


def loop(w, until, on_wait=lambda now: None, schedule="0 * * * *"):
    """Run the worker's loop from the world's clock on, an hour a poll; return the instants of its polls."""
    w.start(budgetbot_poll=schedule).pace = timedelta(0)
    w.app.clock = lambda: w._clock[0]
    Worker(w.app, Turned(w._clock, at(until), on_wait)).loop()
    with w.app.store.reading() as tx:
        return [row[0] for row in tx.exec_driver_sql("SELECT now FROM poll ORDER BY id")]


@pytest.fixture(autouse=True)
def _coarse_steps(monkeypatch):
    monkeypatch.setattr("bot.worker.LOOK", 600)
    monkeypatch.setattr("bot.deliver.LOOK_AGAIN", 0)


def hours(polls):
    return [str(now)[11:16] for now in polls]


def test_it_polls_at_once_and_then_on_schedule(w):
    assert hours(loop(w, "2025-10-05 14:30")) == ["11:59", "12:00", "13:00", "14:00"]


def test_ticks_that_came_late_are_one(w):
    def slept(now):
        if now <= at("2025-10-05 12:00"):
            w._clock[0] = at("2025-10-05 17:10")  # the machine was asleep

    assert hours(loop(w, "2025-10-05 18:30", slept)) == ["11:59", "17:10", "18:00"]


def test_a_rule_edit_takes_effect_at_the_next_tick(w):
    def edit(now):
        if now.hour == 12:
            w.rules(RULES.replace("amount: 100", "amount: 10"))

    loop(w, "2025-10-05 13:30", edit)
    assert len(w.posts) == 1
    assert "$10" in str(w.posts[0])


def test_a_bug_in_one_tick_ends_nothing(w, monkeypatch, caplog):
    import bot.worker

    real, calls = bot.worker.fetch_and_judge, []

    def sometimes(app, now, progress):
        calls.append(now)
        if len(calls) == 2:
            raise ZeroDivisionError("canary bug")
        return real(app, now, progress)

    monkeypatch.setattr("bot.worker.fetch_and_judge", sometimes)
    assert hours(loop(w, "2025-10-05 14:30")) == ["11:59", "13:00", "14:00"]
    assert "canary bug" in caplog.text


def test_openai_down_is_said_once_after_hours_and_so_is_its_return(w):
    def weather(now):
        if now.hour == 12:
            w.openai.break_down(Status(503))
        if now.hour == 18:
            w.openai.recover()

    polls = loop(w, "2025-10-05 20:30", weather)
    assert len(polls) == 10
    said = [str(message) for message in w.slack.messages]
    assert len([text for text in said if "No costs could be read for 3 hours" in text]) == 1
    assert len([text for text in said if "read again" in text]) == 1


def test_a_refused_key_ends_nothing_and_is_said_once_to_those_who_look_after_the_bot(w):
    w.rules(RULES + "routes: {ops: {channel: budget-admin}}\n")
    w.openai.break_down(Status(401))
    assert len(loop(w, "2025-10-05 14:30")) == 4
    (said,) = [message for message in w.slack.messages if "refuses the key" in str(message)]
    assert w.slack.channels[said.channel].name == "budget-admin"


def test_a_refused_key_is_no_alert_to_anybody_else(w):
    w.openai.break_down(Status(401))
    assert len(loop(w, "2025-10-05 14:30")) == 4
    assert list(w.slack.messages) == []


def test_a_bad_edit_and_a_lost_folder_keep_yesterdays_rules_and_are_said_once_each(w):
    def edits(now):
        match now.hour:
            case 12:
                w.rules("version: 1\nrules: [{id: x}]\n")
            case 14:
                w.rules(RULES)
            case 16 if w.rules_folder.exists():
                w.rules_folder.rename(w.tmp_path / "elsewhere")
            case 18 if not w.rules_folder.exists():
                w.rules_folder.mkdir()
                w.rules(RULES)
        if now.hour == 17:
            with suppress(ValueError):
                w.ledger.set_day("2025-10-02", [(SEARCH, "gpt-5.2, output", 60)])

    loop(w, "2025-10-05 20:30", edits)
    said = [str(message) for message in w.slack.messages]
    assert len([text for text in said if "last good rules go on" in text]) == 2
    assert len([text for text in said if "in force" in text]) == 2
    assert len([text for text in said if "of $100" in text]) == 1  # judged while the folder was lost


def test_a_slack_that_answers_slowly_and_badly_holds_up_no_poll(w):
    """Delivering gives up its turn when the next poll is due; without that it would try for ever."""
    w.rules(RULES.replace("amount: 100,", "amount: 10,"))
    real = w.slack.answer

    def slow(method, args, token):
        if method == "chat.postMessage":
            w._clock[0] += timedelta(minutes=25)
            w.slack.fault(method, SERVER_ERROR)
        return real(method, args, token)

    w.slack.answer = slow
    assert len(loop(w, "2025-10-05 18:00")) >= 4
    w.slack.answer = real
    assert w.poll("2025-10-05 19:00").delivered.done == 1
    assert len(w.posts) == 1


def test_another_poller_is_waited_for_without_a_word(w, caplog):
    w.start()
    with w.app.alone():
        polls = loop_beside(w)
    assert polls == []
    assert [record for record in caplog.records if "Another budgetbot" in getattr(record, "why", "")]


def loop_beside(w):
    other = App.open(w.settings)
    try:
        other.clock = lambda: w._clock[0]
        Worker(other, Turned(w._clock, at("2025-10-05 12:03"), lambda now: None)).loop()
        with other.store.reading() as tx:
            return tx.exec_driver_sql("SELECT now FROM poll").fetchall()
    finally:
        other.__exit__()
