"""Listening to Slack through the real bolt app over a real socket: always acknowledged, always answered."""

import hmac
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256

import pytest

from bot.core.errors import SetupWrong
from bot.edge import slack_app
from bot.edge.slack_app import Handlers, Socket, build_app, drain
from bot.plainly import few_forms
from tests.standins.slack import (
    APP_TOKEN,
    BOT_TOKEN,
    DROP_AFTER,
    DROP_BEFORE,
    SERVER_ERROR,
    Fault,
    SlackStandIn,
    rate_limited,
    refuse,
)


class Bot:
    """What the flow would be: remembers what it was told and answers in a word."""

    def __init__(self):
        self.told, self.seen, self.work = [], set(), lambda payload, respond: None
        self.lock = threading.Lock()
        letters = partial(few_forms, speaker=None)
        self.handlers = Handlers(self.command, self.action, self.first_time, self.event, plainer=letters)

    def command(self, payload, respond):
        self.told.append(payload["text"])
        self.work(payload, respond)
        respond({"response_type": "ephemeral", "text": f"you said {payload['text']}"})

    def action(self, action_id, payload, respond):
        self.told.append((action_id, payload["actions"][0]["value"], payload["user"]["id"]))
        self.work(payload, respond)
        respond({"replace_original": True, "text": f"you clicked {action_id}"})

    def event(self, kind, payload):
        self.told.append((kind, payload["event"]["user"]))
        self.work(payload, None)

    def first_time(self, key):
        with self.lock:
            fresh = key not in self.seen
            self.seen.add(key)
            return fresh


@pytest.fixture
def standin():
    with SlackStandIn() as standin:
        yield standin


@pytest.fixture
def bot():
    return Bot()


@pytest.fixture
def app(standin, bot):
    app = build_app(BOT_TOKEN, standin.api_url, bot.handlers)
    yield app
    drain(app)


@pytest.fixture
def connected(standin, app):
    socket = Socket(app, APP_TOKEN, ping_interval=0.2, first_wait=0.02, longest_wait=0.1)
    socket.connect()
    standin.people.wait_connected()
    yield socket
    socket.close()


# Commands and clicks


@pytest.mark.usefixtures("connected")
def test_a_command_is_acked_with_nothing_and_answered(standin, bot):
    asked = standin.slash("status owner=@me")

    assert asked.acked
    assert asked.ack_payload is None
    assert asked.wait() == [{"response_type": "ephemeral", "text": "you said status owner=@me"}]
    assert bot.told == ["status owner=@me"]


@pytest.mark.usefixtures("connected")
def test_a_click_on_any_button_reaches_its_handler_with_who_clicked(standin, bot):
    asked = standin.click("cmd.run", "v1|report last-week", user="U2BOB")

    assert asked.acked
    assert asked.wait()[0]["text"] == "you clicked cmd.run"
    assert bot.told == [("cmd.run", "v1|report last-week", "U2BOB")]


@pytest.mark.usefixtures("connected")
def test_an_event_is_acked_and_heard(standin, bot):
    heard = threading.Event()
    bot.work = lambda payload, respond: heard.set()

    assert standin.event({"type": "app_home_opened", "user": "U1ALICE"}).acked
    assert heard.wait(10)
    assert bot.told == [("app_home_opened", "U1ALICE")]


@pytest.mark.usefixtures("connected")
def test_nothing_is_asked_of_slack_before_an_ack(standin):
    standin.down = SERVER_ERROR

    asked = standin.slash("status")

    assert asked.acked
    assert asked.wait()
    assert [call.method for call in standin.calls] == ["apps.connections.open"]


@pytest.mark.usefixtures("connected")
def test_a_second_delivery_runs_once_and_is_acked_again(standin, bot):
    asks = [
        standin.slash("status"),
        standin.click("alert.ack", "v1|x|1"),
        standin.event({"type": "x", "user": "U1"}),
    ]
    for asked in asks[:2]:
        asked.wait()

    for asked in asks:
        standin.people.again(asked)
        assert asked.acks == 2

    standin.slash("help").wait()
    assert bot.told.count("status") == 1
    assert len(bot.told) == 4
    assert len(asks[0].answers) == 1


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("do", ["slash", "click"])
def test_a_raising_listener_keeps_its_ack_and_answers_kindly(standin, bot, caplog, do):
    def work(payload, respond):
        raise RuntimeError("the database is on fire")

    bot.work = work
    asked = standin.slash("status") if do == "slash" else standin.click("alert.ack", "v1")

    assert asked.acked
    (answer,) = asked.wait()
    assert answer["text"].startswith("Something went wrong on our side (id e-")
    assert "fire" not in answer["text"]
    assert answer["response_type"] == "ephemeral"
    error_id = answer["text"].split("(id ")[1].split(")")[0]
    assert any(error_id in record.getMessage() and record.exc_info for record in caplog.records)


@pytest.mark.usefixtures("connected")
def test_a_memory_that_fails_is_answered_kindly_too(standin, bot):
    def first_time(key):
        raise OSError("database is locked")

    object.__setattr__(bot.handlers, "first_time", first_time)

    assert "went wrong" in standin.slash("status").wait()[0]["text"]


@pytest.mark.usefixtures("connected")
def test_slow_answers_never_keep_the_next_command_from_its_ack(standin, bot):
    release = threading.Event()
    bot.work = lambda payload, respond: release.wait(20)
    try:
        asks = [standin.slash(f"report {number}", ack_within=2) for number in range(45)]

        assert all(asked.acked for asked in asks)
        assert not any(asked.answers for asked in asks)
    finally:
        release.set()
    assert [asked.wait()[0]["text"] for asked in asks] == [
        f"you said report {number}" for number in range(45)
    ]


@pytest.mark.usefixtures("connected")
def test_forty_people_at_once_are_all_acked_and_answered(standin):
    with ThreadPoolExecutor(40) as people:
        asks = list(people.map(lambda number: standin.slash(f"status {number}"), range(40)))

    assert all(asked.acked for asked in asks)
    assert sorted(asked.wait()[0]["text"] for asked in asks) == sorted(
        f"you said status {number}" for number in range(40)
    )


# Answers


@pytest.mark.usefixtures("connected")
def test_refused_blocks_become_text(standin, bot):
    bot.work = lambda payload, respond: respond(
        {
            "response_type": "in_channel",
            "text": "all is well",
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}],
        }
    )
    asked = standin.slash("status")

    assert asked.wait()[0] == {"response_type": "in_channel", "text": "all is well"}
    assert asked.refusals[0][0] == "invalid_blocks"


@pytest.mark.usefixtures("connected")
def test_a_refused_table_is_answered_in_letters_and_at_last_in_words(standin, bot):
    table = {
        "type": "table",
        "column_settings": [{"is_wrapped": False}],
        "rows": [[{"type": "raw_text", "text": "labs"}]] * 101,
    }
    chart = {"type": "data_visualization", "title": "no chart", "chart": {"type": "cake"}}
    bot.work = lambda payload, respond: [
        respond({"text": "all is well", "blocks": [chart, table], "chart": {"kind": "cake"}}),
        respond({"text": "so it is", "blocks": [chart, {"type": "nobody knows"}]}),
    ]
    asked = standin.slash("report")

    told = asked.wait(3)
    assert [block["type"] for block in told[0]["blocks"]] == ["section"]
    assert told[0]["blocks"][0]["text"]["text"].startswith("```labs")
    assert told[1] == {"text": "so it is"}
    assert len(asked.refusals) == 3


# Answers that take long


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("bot.edge.slack_respond.PATIENCE", 0.05)


@pytest.mark.usefixtures("connected", "impatient")
def test_who_waits_long_is_told_and_then_answered_in_the_same_place(standin, bot):
    told = threading.Event()
    bot.work = lambda payload, respond: told.wait(20)
    asked = standin.slash("why")
    (waiting,) = asked.wait()
    told.set()

    assert waiting == {
        "response_type": "ephemeral",
        "replace_original": False,
        "text": ":hourglass: Working it out; the answer comes here.",
    }
    assert asked.wait(2)[1] == {
        "response_type": "ephemeral",
        "text": "you said why",
        "replace_original": True,
    }


@pytest.mark.usefixtures("connected", "impatient")
def test_who_waits_for_somebody_to_answer_at_all_is_told_too(standin, bot):
    told = threading.Event()
    bot.work = lambda payload, respond: told.wait(20)
    asked = [standin.slash(f"why {place}") for place in range(slack_app.ANSWERS_AT_ONCE + 1)]
    try:
        for each in asked:
            assert each.wait()[0]["text"].startswith(":hourglass:")
    finally:
        told.set()
    for each in asked:
        assert each.wait(2)[1]["text"].startswith("you said why")


@pytest.mark.usefixtures("connected", "impatient")
def test_what_all_shall_see_does_not_take_the_place_of_what_one_saw(standin, bot):
    told = threading.Event()

    def work(payload, respond):
        told.wait(20)
        respond({"response_type": "in_channel", "text": "for all"})

    bot.work = work
    asked = standin.slash("report public")
    asked.wait()
    told.set()

    assert asked.wait(3)[1:3] == [
        {"text": "The answer stands below.", "replace_original": True},
        {"response_type": "in_channel", "text": "for all"},
    ]


@pytest.mark.usefixtures("connected", "impatient")
def test_a_slow_click_replaces_nothing_by_itself(standin, bot):
    told = threading.Event()

    def work(payload, respond):
        told.wait(20)
        respond({"text": "by model"})

    bot.work = work
    asked = standin.click("cmd.run", "v1|report by model")
    asked.wait()
    told.set()

    assert asked.wait(2)[1] == {"text": "by model"}


@pytest.mark.usefixtures("connected", "impatient")
def test_a_slow_failure_is_said_in_the_place_of_the_waiting(standin, bot):
    told = threading.Event()

    def work(payload, respond):
        told.wait(20)
        raise RuntimeError

    bot.work = work
    asked = standin.slash("why")
    asked.wait()
    told.set()

    failed = asked.wait(2)[1]
    assert "went wrong" in failed["text"]
    assert failed["replace_original"] is True


@pytest.mark.usefixtures("connected", "impatient")
def test_nobody_waits_for_ever_where_nothing_is_answered(standin, bot):
    told = threading.Event()
    object.__setattr__(bot.handlers, "command", lambda payload, respond: told.wait(20))
    asked = standin.slash("silence")
    asked.wait()
    told.set()

    assert asked.wait(2)[1] == {"text": "Done.", "replace_original": True}


@pytest.mark.usefixtures("connected")
def test_a_quick_answer_says_nothing_of_waiting(standin, monkeypatch):
    monkeypatch.setattr("bot.edge.slack_respond.PATIENCE", 0.3)
    asked = standin.slash("status")

    asked.wait()
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    assert [answer["text"] for answer in asked.answers] == ["you said status"]


@pytest.mark.usefixtures("connected")
def test_a_sixth_answer_is_refused_and_logged(standin, bot, caplog):
    done = threading.Event()

    def work(payload, respond):
        for number in range(6):
            respond({"text": f"{number}"})
        done.set()

    bot.work = work
    asked = standin.slash("status")

    assert done.wait(10)
    assert [answer["text"] for answer in asked.wait(5)] == ["0", "1", "2", "3", "4"]
    assert any("used_url" in record.getMessage() for record in caplog.records)


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize(
    ("kind", "fault", "arrived"),
    [
        pytest.param("ephemeral", DROP_BEFORE, 1, id="private-lost-before"),
        pytest.param("ephemeral", DROP_AFTER, 2, id="private-lost-after-is-said-again"),
        pytest.param("ephemeral", SERVER_ERROR, 1, id="private-server-error"),
        pytest.param("ephemeral", rate_limited(0), 1, id="private-too-fast"),
        pytest.param("in_channel", rate_limited(0), 1, id="public-too-fast"),
        pytest.param("in_channel", DROP_AFTER, 1, id="public-lost-after-is-not-repeated"),
        pytest.param("in_channel", SERVER_ERROR, 0, id="public-in-doubt-is-not-repeated"),
    ],
)
def test_an_answer_in_trouble(standin, bot, monkeypatch, kind, fault, arrived):
    monkeypatch.setattr("bot.edge.slack_respond.sleep", lambda seconds: None)
    bot.work = lambda payload, respond: respond({"response_type": kind, "text": "hello"})
    standin.fault("respond", fault)

    texts = [answer["text"] for answer in standin.slash("status").wait(arrived + 1)]

    assert texts == ["hello"] * arrived + ["you said status"]


@pytest.mark.usefixtures("connected")
def test_an_answer_without_text_is_a_bug_that_is_answered_kindly(standin, bot):
    bot.work = lambda payload, respond: respond({"blocks": []})

    assert "went wrong" in standin.slash("status").wait()[0]["text"]


def test_an_answer_nobody_takes_is_logged_without_its_address(caplog, monkeypatch):
    monkeypatch.setattr("bot.edge.slack_respond.sleep", lambda seconds: None)
    with SlackStandIn() as gone:
        address = f"{gone.origin}/respond/T1/canary"

    slack_app.responder(address)({"text": "hello"})

    assert any("refused" in record.getMessage() for record in caplog.records)
    assert not any("canary" in record.getMessage() for record in caplog.records)


# The socket


@pytest.mark.parametrize("trouble", ["disconnect", "drop"])
def test_a_socket_that_slack_ends_is_opened_again(standin, connected, trouble):
    getattr(standin.people, trouble)()
    standin.people.wait_connected(2)

    assert standin.people.until(lambda: len(standin.people.sockets) == 1)
    assert standin.slash("status").wait()
    assert connected.alive()


def test_slack_being_down_at_the_start_kills_nobody(standin, app):
    standin.fault(
        "apps.connections.open", DROP_BEFORE, SERVER_ERROR, refuse("internal_error"), refuse("invalid_auth")
    )
    socket = Socket(app, APP_TOKEN, ping_interval=0.2, first_wait=0.01, longest_wait=0.02)

    socket.connect()
    try:
        standin.people.wait_connected()
        assert standin.slash("status").wait()
        assert len(standin.said("apps.connections.open")) == 5
    finally:
        socket.close()


def test_a_stop_while_slack_is_down_is_a_stop(standin, app):
    standin.down = Fault("internal_error")
    socket = Socket(app, APP_TOKEN, first_wait=30)
    socket.connect()

    socket.close()

    assert not socket.alive()
    assert not any(thread.name == "slack-socket" for thread in threading.enumerate())


@pytest.mark.usefixtures("connected")
def test_junk_on_the_socket_is_survived(standin):
    standin.people.junk("{not json")
    standin.people.junk('{"type": "nobody_knows"}')

    assert standin.slash("status").wait()


def test_closing_waits_for_the_answers_it_owes(standin, bot, app):
    begun, release = threading.Event(), threading.Event()

    def work(payload, respond):
        begun.set()
        release.wait(20)

    bot.work = work
    socket = Socket(app, APP_TOKEN, ping_interval=0.2)
    socket.connect()
    standin.people.wait_connected()
    asked = standin.slash("status")
    assert begun.wait(10)

    closing = threading.Thread(target=socket.close)
    closing.start()
    assert standin.people.until(lambda: not standin.people.sockets)
    assert asked.answers == []
    release.set()
    closing.join()

    assert asked.answers[0]["text"] == "you said status"


def test_a_socket_without_a_sign_of_life_is_not_alive_and_is_made_anew(standin, app):
    socket = Socket(app, APP_TOKEN, ping_interval=60, deaf_seconds=0, rebuild_seconds=0.04)
    socket.connect()
    try:
        standin.people.wait_connected(2)
        assert not socket.alive()
    finally:
        socket.close()


def test_alive_says_whether_somebody_listens(standin, app):
    socket = Socket(app, APP_TOKEN, ping_interval=0.2)
    assert not socket.alive()

    socket.connect()
    standin.people.wait_connected()
    assert standin.slash("status").wait()
    assert socket.alive()

    socket.close()
    assert not socket.alive()


# Traps


def test_oauth_is_not_turned_on_by_the_environment(standin, bot, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.setenv(name, "xoxb-other")
    app = build_app(BOT_TOKEN, standin.api_url, bot.handlers)
    drain(app)

    assert app.oauth_flow is None
    assert app.installation_store is None
    assert slack_app.os.environ["SLACK_CLIENT_ID"] == "xoxb-other"
    assert not caplog.records


def test_without_a_signing_secret_no_request_is_believed(app):
    from slack_bolt import BoltRequest

    body, stamp = "command=%2Fbudget&text=status", str(int(time.time()))
    signature = hmac.new(b"", f"v0:{stamp}:{body}".encode(), sha256).hexdigest()
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signature}"}

    assert app.dispatch(BoltRequest(body=body, headers=headers)).status == 401


def test_a_signed_request_is_acked_and_run(standin, bot):
    from slack_bolt import BoltRequest
    from slack_sdk.signature import SignatureVerifier

    app = build_app(BOT_TOKEN, standin.api_url, bot.handlers, signing_secret="shh")
    body, stamp = "command=%2Fbudget&text=status", str(int(time.time()))
    signature = SignatureVerifier("shh").generate_signature(timestamp=stamp, body=body)
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": signature,
    }

    assert app.dispatch(BoltRequest(body=body, headers=headers)).status == 200
    drain(app)
    assert bot.told == ["status"]


def test_an_address_in_clear_is_refused(bot):
    with pytest.raises(SetupWrong, match="SLACK_API_URL"):
        build_app(BOT_TOKEN, "http://slack.example.com/api/", bot.handlers)


def test_no_payload_or_ticket_is_logged_even_at_debug(standin, bot, caplog):
    caplog.set_level(logging.DEBUG)
    app = build_app(BOT_TOKEN, standin.api_url, bot.handlers)
    socket = Socket(app, APP_TOKEN, ping_interval=0.2)
    socket.connect()
    standin.people.wait_connected()
    standin.slash("status").wait()
    standin.click("alert.ack", "v1").wait()
    socket.close()

    ours = [record for record in caplog.records if not record.name.startswith("websockets")]
    told = "\n".join(f"{record.name} {record.getMessage()}" for record in ours)
    assert "session has been established" in told
    assert not [word for word in ("canary", "response_url", "ticket=") if word in told]
