"""`in #channel` and `to @person`: an answer where others read it, once, signed and audited."""

import sqlite3
from contextlib import closing

import pytest

from tests.heard import listening
from tests.standins.slack import refuse
from tests.standins.slack_rules import check_message
from tests.world import SEARCH, world

OPS = "C1ROOM"
RULES = """\
version: 1
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 1000}
"""


@pytest.fixture(scope="module")
def spent(tmp_path_factory):
    with world(tmp_path_factory.mktemp("sharing"), offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-09-20", SEARCH, "gpt-5.2, output", "400")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "550.25")
        built.poll("2025-10-05 12:00")
        yield built


@pytest.fixture
def slack(spent):
    with listening(spent) as slack:
        yield slack


def say(slack, words, user="U1ALICE"):
    (answer,) = slack.slash(words, user=user).wait()
    check_message(
        {key: value for key, value in answer.items() if key not in ("response_type", "replace_original")}
    )
    assert answer["response_type"] == "ephemeral"
    return answer["text"]


def test_an_answer_is_posted_where_it_is_asked_for(spent, slack):
    before = len(slack.messages)
    assert (
        say(slack, f"report last-month in <#{OPS}|search-ops>") == f":white_check_mark: Posted in <#{OPS}>."
    )
    (posted,) = slack.messages[before:]
    assert posted.channel == OPS
    assert "Spend by project, 1–30 Sep" in posted.text
    assert f"<@U1ALICE> asked `report last-month by project in {OPS}`" in str(posted.blocks)
    with closing(sqlite3.connect(spent.tmp_path / "budgetbot.db")) as held:
        audited = held.execute("SELECT who, what, subject FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    assert audited == ("U1ALICE", "share", OPS)


def test_an_answer_is_sent_to_a_person(slack):
    before = len(slack.messages)
    assert say(slack, "status to <@U2BOB|bob>") == ":white_check_mark: Sent to <@U2BOB>."
    (sent,) = slack.messages[before:]
    assert "Everything" in str(sent.blocks)


def test_who_may_change_nothing_posts_nothing(slack):
    before = len(slack.messages)
    assert "Guests may look" in say(slack, f"status in <#{OPS}|x>", "U3GUEST")
    assert slack.messages[before:] == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param("not_in_channel", "I am not in", id="not-a-member"),
        pytest.param("channel_not_found", "I am not in", id="a-private-channel-that-is-not-ours"),
        pytest.param("is_archived", "Nothing was posted", id="archived"),
        pytest.param("internal_error", "It may have been posted", id="nobody-knows"),
    ],
)
def test_a_room_that_does_not_hear_is_said(slack, error, says):
    slack.fault("chat.postMessage", refuse(error))
    assert says in say(slack, f"status in <#{OPS}|x>")


def test_what_slack_refuses_is_said_more_plainly(slack):
    before = len(slack.messages)
    slack.fault("chat.postMessage", refuse("invalid_blocks"))
    assert "Posted in" in say(slack, f"report in <#{OPS}|x>")
    (posted,) = slack.messages[before:]
    assert not any(block["type"] == "table" for block in posted.blocks)


def test_words_that_are_not_understood_go_nowhere(slack):
    before = len(slack.messages)
    assert "reprot" in say(slack, f"reprot in <#{OPS}|x>")
    assert slack.messages[before:] == []
