"""The sign of life outside: after each complete poll and never otherwise, late for nobody, its address in no log."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bot import logs
from bot.core.errors import SetupWrong
from bot.demo.openai_faults import Status
from bot.edge import heartbeat
from bot.poll import fetch_and_judge
from bot.settings import read
from tests.shell import Here, environment, started
from tests.standins.slack import SERVER_ERROR
from tests.syncing import empty_database
from tests.test_run import wait_for
from tests.world import SEARCH, at, world

RULES = "version: 1\nrules: [{id: total, kind: budget, select: {}, period: month, amount: 100}]\n"
NOW = "2025-10-05T12:00:00Z"


class Receiver:
    """Who misses us when we are gone."""

    def __init__(self):
        self.heard = []
        self.answers = 200
        self.hangs = threading.Event()
        self.hangs.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                receiver.heard.append(self.path)
                receiver.hangs.wait(30)
                self.send_response(receiver.answers)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ping/canary-token?also=canary"


@contextmanager
def listening():
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.hangs.set()
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()


@pytest.fixture
def receiver():
    with listening() as built:
        yield built


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-10-01", SEARCH, "gpt-5.2, output", "150")
        built._clock[0] = at("2025-10-05 12:00")
        yield built


@pytest.fixture
def here(monkeypatch, capsys):
    return Here(monkeypatch, capsys)


def events(done):
    return [line["event"] for line in done.logs]


def test_a_complete_poll_is_heard_once_and_its_address_written_nowhere(w, here, receiver, monkeypatch):
    configure = logs.configure

    def all_of_it(level=0):
        import logging

        configure(logging.DEBUG)
        logging.getLogger().setLevel(logging.DEBUG)

    monkeypatch.setattr("bot.logs.configure", all_of_it)
    done = here(w.tmp_path, environment(w, BUDGETBOT_HEARTBEAT_URL=receiver.url), "poll", "--now", NOW)
    assert done.code == 0, done.err
    assert receiver.heard == ["/ping/canary-token?also=canary"]
    assert events(done).count("heartbeat sent") == 1
    assert any("httpx" in line["logger"] for line in done.logs), "at DEBUG libraries speak too"
    assert "canary" not in done.out + done.err
    assert b"canary" not in (w.tmp_path / "budgetbot.db").read_bytes()
    assert "canary" not in repr(read({"BUDGETBOT_HEARTBEAT_URL": receiver.url}))


def test_the_address_may_come_from_a_file(w, here, receiver, tmp_path):
    (tmp_path / "where").write_text(receiver.url + "\n", encoding="utf-8")
    given = environment(w, BUDGETBOT_HEARTBEAT_URL_FILE=str(tmp_path / "where"))
    assert here(w.tmp_path, given, "poll", "--now", NOW).code == 0
    assert len(receiver.heard) == 1


@pytest.mark.parametrize(
    ("words", "breaks", "code"),
    [
        pytest.param(("poll", "--now", NOW), lambda w: w.openai.break_down(Status(500)), 4, id="OpenAI down"),
        pytest.param(("poll", "--now", NOW), lambda w: w.openai.break_down(Status(401)), 3, id="key refused"),
        pytest.param(("poll", "--now", NOW), lambda w: w.rules("version: 2"), 3, id="no rules"),
        pytest.param(("poll", "--now", NOW, "--dry-run"), lambda w: None, 0, id="a rehearsal"),
        pytest.param(("sync", "--now", NOW), lambda w: None, 0, id="only fetched"),
        pytest.param(("status", "--now", NOW), lambda w: None, 0, id="a question"),
        pytest.param(("doctor",), lambda w: None, 0, id="doctor"),
    ],
)
def test_nothing_else_is_a_sign_of_life(w, here, receiver, words, breaks, code):
    breaks(w)
    done = here(w.tmp_path, environment(w, BUDGETBOT_HEARTBEAT_URL=receiver.url), *words)
    assert done.code == code, done.err
    assert receiver.heard == []
    assert "canary" not in done.out + done.err


def test_a_clock_that_is_wrong_is_none_either(w, receiver, monkeypatch):
    monkeypatch.setattr("bot.poll._skew", lambda app: "this machine's clock is 9 minutes ahead of OpenAI's")
    w.start(budgetbot_heartbeat_url=receiver.url)
    assert not w.poll("2025-10-05 12:00").complete
    assert receiver.heard == []


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        pytest.param(500, "it answered 500", id="in trouble"),
        pytest.param(404, "it answered 404", id="no such check"),
        pytest.param(302, "it answered 302", id="elsewhere, where nobody follows"),
    ],
)
def test_a_receiver_in_trouble_is_logged_and_no_failure(w, here, receiver, answers, says):
    receiver.answers = answers
    done = here(w.tmp_path, environment(w, BUDGETBOT_HEARTBEAT_URL=receiver.url), "poll", "--now", NOW)
    assert done.code == 0, done.err
    (told,) = [line for line in done.logs if line["event"] == "heartbeat not sent"]
    assert told["why"] == says
    assert len(receiver.heard) == 1
    assert "canary" not in done.err


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:1/canary-token", id="nobody listens"),
        pytest.param("https://heartbeat.invalid/canary-token", id="no such name"),
        pytest.param("https://[::1]:1/canary-token", id="nobody there"),
    ],
)
def test_an_address_that_leads_nowhere_is_logged_and_no_failure(w, here, url):
    done = here(w.tmp_path, environment(w, BUDGETBOT_HEARTBEAT_URL=url), "poll", "--now", NOW)
    assert done.code == 0, done.err
    assert len(w.posts) == 1
    assert "heartbeat not sent" in events(done)
    assert "canary" not in done.err


def test_a_receiver_that_hangs_keeps_neither_messages_nor_the_next_poll_waiting(w, receiver):
    receiver.hangs.clear()
    w.start(budgetbot_heartbeat_url=receiver.url)
    assert w.poll("2025-10-05 12:00").complete
    assert len(w.posts) == 1
    assert w.poll("2025-10-05 12:05").complete
    wait_for(lambda: len(receiver.heard) == 2)
    receiver.hangs.set()


def test_a_receiver_that_hangs_is_given_up(receiver, monkeypatch, caplog):
    monkeypatch.setattr(heartbeat, "PATIENCE", 0.2)
    receiver.hangs.clear()
    heartbeat.begin(receiver.url).join(5)
    assert "heartbeat not sent" in caplog.text
    (told,) = [record for record in caplog.records if record.getMessage() == "heartbeat not sent"]
    assert "did not answer" in told.why


def test_a_slack_that_refuses_is_no_reason_to_fall_silent(w, receiver, monkeypatch):
    monkeypatch.setattr("bot.deliver.LOOK_AGAIN", 0)
    w.slack.down = SERVER_ERROR
    w.start(budgetbot_heartbeat_url=receiver.url)
    done = w.poll("2025-10-05 12:00", wait=0.0)
    assert (done.complete, done.delivered.waiting) == (True, 1)
    wait_for(lambda: receiver.heard)


def test_a_refresh_that_somebody_asks_for_says_nothing_of_the_schedule(w, receiver):
    app = w.start(budgetbot_heartbeat_url=receiver.url)
    assert fetch_and_judge(app, at("2025-10-05 12:00")).complete
    assert receiver.heard == []


def test_run_beats_after_every_poll_and_stops_at_once_beside_a_receiver_that_hangs(tmp_path, receiver):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as w:
        w._clock[0] = at(time.strftime("%Y-%m-%d %H:%M", time.gmtime()))
        w.rules(RULES)
        receiver.hangs.clear()
        given = environment(w, BUDGETBOT_HEARTBEAT_URL=receiver.url)
        with started(tmp_path / "run", given, "run") as process:
            wait_for(lambda: receiver.heard)
            done = process.end(timeout=15)
    assert done.code == 0, done.err
    assert done.said == []
    assert receiver.heard == ["/ping/canary-token?also=canary"]
    assert "canary" not in done.err + done.out


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("http://watch.example/canary", "its token would travel in clear", id="in clear"),
        pytest.param("https://me:canary@watch.example/", "carries a user or a password", id="a password"),
        pytest.param("watch.example/canary", "is not an address", id="no scheme"),
        pytest.param("https://[canary", "is not an address", id="half an address"),
        pytest.param("https://watch.example/ca\u00f1ary", "is not an address", id="odd letters"),
        pytest.param("ftp://watch.example/canary", "is not an address", id="another protocol"),
    ],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(url, says):
    with pytest.raises(SetupWrong, match=says) as refused:
        read({"BUDGETBOT_HEARTBEAT_URL": url}, ["BUDGETBOT_HEARTBEAT_URL"])
    assert "canary" not in str(refused.value)


def test_a_query_is_part_of_it():
    url = "https://watch.example/push/x?status=up&msg=OK"
    assert read({"BUDGETBOT_HEARTBEAT_URL": url}, ["BUDGETBOT_HEARTBEAT_URL"]).budgetbot_heartbeat_url == url
    assert read({}, ["BUDGETBOT_HEARTBEAT_URL"]).budgetbot_heartbeat_url == ""


def test_doctor_tells_of_it(tmp_path, here):
    def told(**given):
        return here(tmp_path, given, "doctor").out

    without = told()
    assert "BUDGETBOT_HEARTBEAT_URL: nobody outside notices when the bot is gone" in without
    given = told(BUDGETBOT_HEARTBEAT_URL="https://watch.example/canary")
    assert "BUDGETBOT_HEARTBEAT_URL" in given
    assert "nobody outside" not in given
    wrong = told(BUDGETBOT_HEARTBEAT_URL="http://watch.example/canary")
    assert "WRONG BUDGETBOT_HEARTBEAT_URL: is neither https" in wrong
    assert "canary" not in without + given + wrong
