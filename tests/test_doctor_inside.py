"""`/budget doctor`: a bot that runs looks at itself, for admins alone, within seconds."""

import json

import pytest

from bot.core.asker import Asker
from bot.core.health import Finding, Health
from bot.core.question import Query
from bot.questions import Asked
from bot.questions.doctor import answer
from bot.render import terminal
from bot.render.replies import reply
from tests.heard import listening
from tests.spending import golden
from tests.standins.slack import Fault, refuse
from tests.standins.slack_rules import check_message
from tests.syncing import empty_database
from tests.world import SEARCH, at, world

RULES = """\
version: 1
routes: {ops: {channel: budget-admin}, money: {channel: finance}}
rules:
  - {id: total, kind: budget, select: {}, period: month, amount: 1000, route: money}
"""


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-10-01", SEARCH, "gpt-5.2, output", "20")
        built.poll("2025-10-05 13:05")
        built.app.clock = lambda: built._clock[0]
        built._clock[0] = at("2025-10-05 13:09")
        yield built


def ask(w, role="admin"):
    rules = w.app.rules.last(w._clock[0])
    asker = Asker("U1ALICE", role=role)
    return answer(Asked(w.app.store, rules, Query("doctor"), w._clock[0], asker=asker, app=w.app))


def found(w):
    return {finding.what: finding for finding in ask(w).findings}


def test_a_bot_that_is_well_says_so(w):
    told = found(w)
    assert [each for each in told.values() if each.state == "wrong"] == []
    assert told["polls"].said == "the last one, 4 minutes ago, was complete"
    assert told["costs"].said == "were read 4 minutes ago"
    for what in ("Slack", "Slack scopes", "#finance", "#budget-admin", "Slack socket", "messages", "rules"):
        assert told[what].state == "ok", what


@pytest.mark.parametrize(
    ("break_it", "what", "says"),
    [
        pytest.param(lambda w: setattr(w.slack.channels["C2ROOM"], "is_member", False), "#finance", "not in it", id="room"),
        pytest.param(lambda w: setattr(w.slack, "scopes", "commands"), "Slack scopes", "chat:write", id="scopes"),
        pytest.param(lambda w: w.slack.fault("auth.test", refuse("token_revoked"), refuse("token_revoked")), "Slack", "token_revoked", id="token"),
        pytest.param(lambda w: w.slack.fault("apps.connections.open", refuse("invalid_auth")), "Slack socket", "invalid_auth", id="app token"),
        pytest.param(lambda w: (w.rules("version: 1\nrules: [{id: x}]\n"), w.app.rules.now(w._clock[0])), "rules", "error", id="rules"),
        pytest.param(lambda w: w._clock.__setitem__(0, at("2025-10-05 17:09")), "costs", "could not be read since", id="stale"),
    ],
)  # fmt: skip
def test_each_trouble_is_found_from_inside(w, break_it, what, says):
    break_it(w)
    told = found(w)
    assert told[what].state == "wrong"
    assert says in told[what].said
    assert told[what].remedy


def test_a_slack_that_does_not_answer_keeps_nobody_waiting(w, monkeypatch):
    monkeypatch.setattr("bot.doctor.HURRY", 0.3)
    w.slack.fault("auth.test", *[Fault(delay=1)] * 4)
    assert found(w)["Slack"].said == "timeout (uncertain)"


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_it_is_for_admins(w, role):
    told = ask(w, role)
    assert (told.refused, "BUDGETBOT_ADMINS" in told.said) == (True, True)


def test_an_admin_asks_in_slack_and_others_are_refused_kindly(w):
    w.slack.channels["C2ROOM"].is_member = False
    with listening(w, budgetbot_admins="U1ALICE") as slack:
        (told,) = slack.slash("doctor").wait()
        assert told["response_type"] == "ephemeral"
        assert told["text"] == "1 thing to mend."
        assert "*#finance*: the bot is not in it" in str(told["blocks"])
        (refused,) = slack.slash("doctor", user="U2BOB").wait()
        assert "BUDGETBOT_ADMINS names them" in refused["text"]


HOSTILE = "<!channel> *_~`&\u202e" + "x" * 300
MANY = Health(
    (
        *(Finding(f"#{HOSTILE}{place}", "wrong", HOSTILE * 3, HOSTILE) for place in range(60)),
        *(Finding(f"#room-{place}", "ok", "the bot is in it") for place in range(60)),
        Finding("", "note", ""),
    ),
    at("2025-10-05 13:09"),
)


ILL = Health(
    (
        Finding("polls", "ok", "the last one, 4 minutes ago, was complete"),
        Finding(
            "messages",
            "wrong",
            "3 messages could not be delivered yet, the oldest for 2 hours",
            "Nothing is lost.",
        ),
        Finding(
            "#finance", "wrong", "the bot is not in it", "In Slack, type /invite in it and choose the app."
        ),
        Finding(
            "Slack scope files:write, files:read", "note", "not granted: export sends no file", "Allow it."
        ),
        Finding("Slack", "ok", "workspace Example (T1TEAM), as U1BOT"),
    ),
    at("2025-10-05 13:09"),
)
WELL = Health((Finding("polls", "ok", "the last one, 4 minutes ago, was complete"),), at("2025-10-05 13:09"))


@pytest.mark.parametrize(("name", "health"), [("ill", ILL), ("well", WELL)])
def test_the_answers_are_the_golden_ones(name, health):
    body = reply(health, Query("doctor"))
    golden(f"reply_doctor_{name}.json", json.dumps(body, indent=1, ensure_ascii=False))
    check_message({key: body[key] for key in ("text", "blocks")})


def test_whatever_is_found_slack_takes_the_message():
    body = reply(MANY, Query("doctor"))
    check_message({key: body[key] for key in ("text", "blocks")})
    assert "<!channel>" not in json.dumps(body)
    assert "60 things to mend" in body["text"]
    assert "#room-0, #room-1, #room-2 and 57 others (60 in all): the bot is in it" in str(body["blocks"])


def test_a_shell_tells_the_same_to_people_and_machines():
    told = Health(
        (Finding("#a", "wrong", "is archived", "Unarchive it."), Finding("x", "ok", "is")), at("2025-10-05")
    )
    assert terminal.shell(told, "table") == (
        "WRONG #a: is archived\n      → Unarchive it.\nok    x: is\n1 thing to mend."
    )
    assert json.loads(terminal.shell(told, "json"))["findings"][0]["state"] == "wrong"
    assert terminal.shell(told, "csv").splitlines()[1] == "#a,wrong,is archived,Unarchive it."
