"""Logs: one JSON object a line for machines, words for people, secrets for nobody, at no level."""

import io
import json
import logging
import sys
from contextlib import contextmanager

import pytest

from bot import logs
from bot.demo.openai_faults import Cut, Html, Status
from tests.shell import Here, environment
from tests.standins.slack import DROP_AFTER, SERVER_ERROR, refuse
from tests.syncing import empty_database
from tests.world import SEARCH, at, world

NOW = "2025-10-05T12:00:00Z"
RULES = "version: 1\nrules: [{id: total, kind: budget, select: {}, period: month, amount: 100}]\n"
ODD = "canary/of+no:known=shape"


class Stream(io.StringIO):
    terminal = False

    def isatty(self):
        return self.terminal


@contextmanager
def writing(monkeypatch, *, terminal=False, level=logging.DEBUG):
    """A stderr of our own, with the root logger as the bot configures it."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level
    stream = Stream()
    stream.terminal = terminal
    with monkeypatch.context() as patch:
        patch.setattr(logs, "_hidden", set())
        patch.setattr(sys, "stderr", stream)
        logs.configure(level)
        if level == logging.DEBUG:
            root.setLevel(logging.DEBUG)
        try:
            yield stream
        finally:
            root.handlers[:], root.level = kept


SECRETS = [
    pytest.param("xoxb-canary-1-abc", id="bot token"),
    pytest.param("xapp-1-canary-abc", id="app token"),
    pytest.param("sk-admin-canary_abc", id="admin key"),
    pytest.param("Bearer canary.jwt.x", id="bearer"),
    pytest.param("https://hooks.slack.com/commands/T1/canary", id="response url"),
    pytest.param("wss://wss.slack.com/link/?ticket=canary", id="ticket"),
    pytest.param("postgresql://me:canary@db/budget", id="password"),
    pytest.param(ODD, id="a registered one of no known shape"),
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "json"])
def test_no_secret_is_written_wherever_it_stands(monkeypatch, secret, terminal):
    with writing(monkeypatch, terminal=terminal) as stderr:
        logs.hide([ODD])
        log = logging.getLogger("budgetbot.test")
        log.warning("told %s", secret)
        log.info("told", extra={"why": secret, "many": [secret, {"deep": secret}]})
        log.debug(f"{secret!r} inside")  # noqa: G004
        try:
            int(secret)
        except ValueError:
            log.exception("bug")
            logs.show_bug()
    assert "canary" not in stderr.getvalue()
    assert stderr.getvalue().count("told") == 2
    assert "a bug of ours" in stderr.getvalue()


def test_every_line_is_an_object_with_its_event_and_its_fields(monkeypatch):
    with writing(monkeypatch) as stderr:
        log = logging.getLogger("budgetbot.test")
        log.info("polled\nwell", extra={"changed": 3, "odd": object, "level": "80%"})
        log.error("a \"quoted\" 'word' \\ é {}")
        try:
            {}["x"]
        except KeyError:
            log.exception("bug")
    lines = [json.loads(line) for line in stderr.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["polled\nwell", "a \"quoted\" 'word' \\ é {}", "bug"]
    assert lines[0]["changed"] == 3
    assert lines[0]["level"] == "info"
    assert lines[0]["at"].endswith("Z")
    assert "KeyError" in lines[2]["trace"]


def test_people_get_words(monkeypatch):
    with writing(monkeypatch, terminal=True) as stderr:
        logging.getLogger("budgetbot.test").info("polled", extra={"changed": 3})
    assert stderr.getvalue().endswith("info    polled changed=3\n")


def test_a_name_moves_no_cursor_and_begins_no_line(monkeypatch):
    with writing(monkeypatch, terminal=True) as stderr:
        log = logging.getLogger("budgetbot.test")
        log.info("decided\x1b[2J", extra={"group": "lab\x1b]0;x\x07\n2026-10-05T12:00:00Z info    polled"})
    (line,) = stderr.getvalue().splitlines()
    assert line.isprintable()


def test_a_poll_a_decision_and_a_delivery_are_a_line_each_with_what_one_wants_to_know(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as w:
        w._clock[0] = at("2025-10-05 12:00")
        w.rules(RULES)
        w.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "550.25")
        done = Here(monkeypatch, capsys)(tmp_path, environment(w), "poll", "--now", NOW)
        notice = w.posts[0].metadata["event_payload"]["notice"]
    polled, decided, delivered = (
        [line for line in done.logs if line["event"] == event] for event in ("polled", "decided", "delivered")
    )
    assert (len(polled), len(delivered)) == (1, 1)
    assert polled[0]["complete"] is True
    assert polled[0]["rows"] >= polled[0]["changed"] >= 1
    assert polled[0]["poll"] == 1
    assert polled[0]["seconds"] >= 0
    (mark,) = {line["incident"] for line in decided}
    assert {line["rule"] for line in decided} == {"total"}
    assert all(line["threshold"] and line["severity"] and line["reason"] for line in decided)
    assert (
        delivered[0] | {"act": "post", "notice": notice, "incidents": [mark], "form": "incidents"}
        == delivered[0]
    )
    assert "ai-spend" in delivered[0]["target"]
    assert delivered[0]["seconds"] > 0


def test_libraries_are_quiet(monkeypatch):
    with writing(monkeypatch, level=logging.INFO) as stderr:
        logging.getLogger("httpx").info("HTTP Request: GET https://api.openai.com")
        logging.getLogger("slack_sdk.web").debug("payload")
    assert stderr.getvalue() == ""


@pytest.mark.parametrize(
    "fail",
    [
        pytest.param(lambda w: w.openai.break_down(Status(401, {"error": {"message": "Incorrect API key: sk-admin-canary"}})), id="401 that quotes the key"),
        pytest.param(lambda w: w.openai.break_down(Status(500, "sk-admin-canary")), id="500"),
        pytest.param(lambda w: w.openai.break_down(Html()), id="HTML"),
        pytest.param(lambda w: w.openai.break_down(Cut()), id="cut"),
        pytest.param(lambda w: w.slack.fault("chat.postMessage", SERVER_ERROR), id="Slack 500"),
        pytest.param(lambda w: w.slack.fault("chat.postMessage", DROP_AFTER), id="Slack cut"),
        pytest.param(lambda w: w.slack.fault("chat.postMessage", refuse("invalid_auth")), id="Slack refuses"),
        pytest.param(lambda w: w.slack.fault("chat.postMessage", refuse("invalid_blocks", errors=["xoxb-canary"])), id="Slack refuses the blocks"),
    ],
)  # fmt: skip
def test_no_path_of_failure_shows_a_secret_at_debug(tmp_path, monkeypatch, capsys, fail):
    def all_of_it(level=logging.INFO):
        configure(logging.DEBUG)
        logging.getLogger().setLevel(logging.DEBUG)

    configure = logs.configure
    monkeypatch.setattr("bot.logs.configure", all_of_it)
    monkeypatch.setattr("bot.deliver.LOOK_AGAIN", 0)
    monkeypatch.setattr("bot.poll.WAIT", 0.2)
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",), admin_key="sk-admin-canary") as w:
        w._clock[0] = at("2025-10-05 12:00")
        w.rules(RULES)
        w.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "550.25")
        fail(w)
        done = Here(monkeypatch, capsys)(
            tmp_path, environment(w, OPENAI_ADMIN_KEY="sk-admin-canary"), "poll", "--now", NOW
        )
    assert "canary" not in done.out + done.err
    assert "DEBUG" in done.err or '"debug"' in done.err
    assert [line for line in done.err.splitlines() if not line.startswith(("{", "budgetbot: "))] == []
    assert b"canary" not in (tmp_path / "budgetbot.db").read_bytes()
