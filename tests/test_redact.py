"""No secret in a log line, wherever a library put it."""

import io
import logging

import pytest

from bot.edge.redact import Redaction, calm_libraries, redact

SECRETS = [
    pytest.param("token xoxb-1234-canary-abc", "xoxb-1234", id="bot-token"),
    pytest.param("short xoxb-1a", "1a", id="short-token"),
    pytest.param("xapp-1-A1-canary", "canary", id="app-token"),
    pytest.param("xoxe.xoxp-1-canary", "canary", id="rotated-token"),
    pytest.param("POST https://hooks.slack.com/commands/T1/2/canary", "canary", id="response-url"),
    pytest.param(
        "response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2Fcanary&x=1",
        "canary",
        id="response-url-in-a-form",
    ),
    pytest.param("POST https://files.slack.com/upload/v1/canary", "canary", id="upload-address"),
    pytest.param("wss://wss-primary.slack.com/link/?ticket=canary", "canary", id="socket-ticket"),
    pytest.param("key sk-admin-canary_1", "canary", id="openai-key"),
    pytest.param("(sk-admin-canary)", "canary", id="openai-key-in-brackets"),
    pytest.param('{"token": "canary", "team": 1}', "canary", id="legacy-token-json"),
    pytest.param('{"token":"canary"}', "canary", id="legacy-token-compact"),
    pytest.param("{'token': 'canary'}", "canary", id="legacy-token-repr"),
    pytest.param("token=canary&team_id=T1", "canary", id="legacy-token-form"),
    pytest.param("Authorization: Bearer canary", "canary", id="authorization-header"),
    pytest.param("postgresql://bot:canary@db/budget", "canary", id="database-password"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_known_by_its_shape(text, secret):
    assert secret not in redact(text)
    assert "[redacted]" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "the task-force met the risk-averse desk-bound",
        "poll done: 3 pages, 412 rows, 12 changed",
        "https://api.openai.com/v1/organization/costs",
        "tokens=12 input_tokens=400",
        "sqlite:///budgetbot.db",
        "2026-11-22T10:00:00Z took 1:02",
        "set the token that begins with xoxb-.",
        "an admin key (sk-admin-…) of an owner",
    ],
)
def test_ordinary_words_stay(text):
    assert redact(text) == text


def test_what_stands_around_a_secret_stays():
    assert redact('{"a": "xoxb-1-canary", "b": 2}') == '{"a": "[redacted]", "b": 2}'
    assert redact("token=canary&team_id=T1") == "token=[redacted]&team_id=T1"


@pytest.fixture
def log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redaction())
    logger = logging.Logger("redaction-test")  # noqa: LOG001  of this test alone, so nothing is left behind
    logger.addHandler(handler)
    logger.said = stream.getvalue
    return logger


def test_arguments_are_redacted(log):
    log.info("posting with %s to %s", "xoxb-1-canary", {"url": "https://hooks.slack.com/canary"})

    assert "canary" not in log.said()
    assert "posting with [redacted]" in log.said()


def test_a_traceback_is_redacted_and_still_told(log):
    try:
        int("Bearer xoxb-1-canary")
    except ValueError:
        log.exception("posting failed")

    assert "canary" not in log.said()
    assert "Traceback" in log.said()
    assert "ValueError" in log.said()


def test_extra_words_and_stack_are_redacted():
    record = logging.makeLogRecord(
        {
            "msg": "m",
            "address": "wss://x/canary",
            "held": [{"k": "sk-canary"}],
            "n": 3,
            "stack_info": "xapp-canary",
        }
    )

    assert Redaction().filter(record)
    assert "canary" not in str(record.__dict__)
    assert record.n == 3


def test_a_record_whose_arguments_do_not_fit_is_kept(log):
    log.info("%s and %s", "xoxb-1-canary")  # noqa: PLE1206  the mistake is the case

    assert "canary" not in log.said()
    assert "%s and %s" in log.said()


@pytest.fixture
def levels():
    names = ("slack_bolt", "slack_sdk", "slack_bolt.RequestVerification")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.NOTSET)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("levels")
def test_slack_libraries_stay_above_debug():
    logging.getLogger("slack_sdk").setLevel(logging.ERROR)

    calm_libraries()

    assert logging.getLogger("slack_bolt").level == logging.INFO
    assert logging.getLogger("slack_sdk").level == logging.ERROR
    assert not logging.getLogger("slack_bolt.RequestVerification").isEnabledFor(logging.INFO)
