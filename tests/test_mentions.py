"""@mentions over a real socket: in an alert's thread they are about that alert; who may not, does not."""

import json
import sqlite3
from contextlib import closing, contextmanager
from datetime import date

import pytest

from bot.core.mentioned import Topic, addressed, aimed, together
from bot.core.query import parse
from bot.core.question import Query
from bot.render import mentioned
from tests.spending import golden
from tests.standins.slack import rate_limited, refuse
from tests.standins.slack_rules import check_message
from tests.syncing import empty_database
from tests.test_history import listening
from tests.world import at, world

RULES = """\
version: 1
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 1000}
  - {id: project-month, kind: budget, title: A project, select: {}, each: project, period: month, amount: 100, route: ops}
routes:
  ops: {channel: search-ops}
"""
TODAY = date(2025, 10, 5)
PROJECTS = ("a", "b", "c", "d")


@contextmanager
def organization(folder):
    """One alert in #ai-spend, four in one table in #search-ops."""
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        built.rules(RULES)
        for place, name in enumerate(PROJECTS):
            built.ledger.project(f"proj_{name}", f"team-{name}")
            built.ledger.cost("2025-10-03", f"proj_{name}", "gpt-5.2, output", f"{300 + place}.25")
        built.poll("2025-10-05 12:00")
        built.app.clock = lambda: at("2025-10-05 12:10")
        with listening(built) as slack:
            built.people = slack
            yield built


@pytest.fixture(scope="module")
def posted(tmp_path_factory):
    """For questions: nothing is changed."""
    with organization(tmp_path_factory.mktemp("mentions")) as built:
        yield built


@pytest.fixture
def fresh(tmp_path):
    """For orders."""
    with organization(tmp_path) as built:
        yield built


def cards(built):
    """(the message of the organization's alert, the table of the projects')"""
    single, table = sorted(built.posts, key=lambda each: each.channel)
    return single, table


def rows(built, sql):
    with closing(sqlite3.connect(built.tmp_path / "budgetbot.db")) as held:
        return held.execute(sql).fetchall()


def until(built, true):
    """Wait for what the bot says of its own accord: people are told of answers to them alone."""
    return any(built.people.until(true, 0.02) for _ in range(500))


def answered(built, text, card=None, **who):
    """What is said in the thread of `card` to somebody who mentions the bot there."""
    before = len(built.slack.messages)
    where = {"channel": card.channel, "thread_ts": card.ts} if card else {"channel": "C0ROOM"}
    asked = built.people.mention(text, **where, **who)
    assert asked.acked
    assert until(built, lambda: len(built.slack.messages) > before), built.slack.calls[-3:]
    (message,) = built.slack.messages[before:]
    return message


def whispered(built, text, card=None, **who):
    """What one person alone is told."""
    before = len(built.slack.said("chat.postEphemeral"))
    where = {"channel": card.channel, "thread_ts": card.ts} if card else {"channel": "C0ROOM"}
    assert built.people.mention(text, **where, **who).acked
    assert until(built, lambda: len(built.slack.said("chat.postEphemeral")) > before)
    return built.slack.said("chat.postEphemeral")[before].args


def mark(built, group="[]"):
    return rows(built, f"SELECT fingerprint FROM incident WHERE group_ids = '{group}'")[0][0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("why?", "1,207", id="why"),
        pytest.param("explain", "Everything", id="explain"),
        pytest.param("history", "critical 100% at its highest", id="history"),
        pytest.param("status", "1,207", id="status"),
        pytest.param("report mtd by project", "1,207", id="any question"),
    ],
)
def test_in_the_thread_of_an_alert_a_question_is_about_it(posted, text, says):
    single, _ = cards(posted)
    told = answered(posted, text, single)
    assert told.thread_ts == single.ts
    assert told.channel == single.channel
    assert says in json.dumps([told.text, told.blocks], ensure_ascii=False)


def test_an_order_in_a_thread_is_carried_out_for_who_gave_it(fresh):
    single, _ = cards(fresh)
    told = whispered(fresh, "ack -- known load test", single)
    assert "is acknowledged" in told["text"]
    assert (told["user"], told["thread_ts"]) == ("U1ALICE", single.ts)
    assert rows(fresh, "SELECT fingerprint, by FROM acknowledgement") == [(mark(fresh), "U1ALICE")]
    told = whispered(fresh, "silence for 2h -- load test", single, user="U2BOB")
    assert "si_1 holds back" in told["text"]
    assert rows(fresh, "SELECT made_by, matchers FROM silence") == [
        ("U2BOB", json.dumps({"fingerprint": [mark(fresh)]}))
    ]


def test_guests_and_strangers_order_nothing(posted):
    single, _ = cards(posted)
    assert "Guests" in whispered(posted, "ack", single, user="U3GUEST")["text"]
    said = len(posted.slack.messages)
    assert "of another workspace" in whispered(posted, "why", single, user="U5STRANGER")["text"]
    assert "of another workspace" in whispered(posted, "ack", single, user="U5STRANGER")["text"]
    assert len(posted.slack.messages) == said
    assert rows(posted, "SELECT * FROM acknowledgement") == []
    assert rows(posted, "SELECT who, what, subject FROM audit WHERE what != 'ack' ORDER BY id") == [
        ("U5STRANGER", "mention", "why"),
        ("U5STRANGER", "mention", "ack"),
    ]


def test_in_the_thread_of_a_table_an_acknowledgement_asks_for_which(fresh):
    _, table = cards(fresh)
    asked = whispered(fresh, "ack -- planned", table)
    assert asked["text"] == "This message tells of 4 open alerts. Which of them do you look after?"
    blocks = json.loads(asked["blocks"]) if isinstance(asked["blocks"], str) else asked["blocks"]
    every, worst = blocks[1]["elements"]
    worst_mark = mark(fresh, '["proj_d"]')
    assert worst["value"] == f"v1|ack {worst_mark}"
    assert rows(fresh, "SELECT * FROM acknowledgement") == []
    fresh.people.click(every["action_id"], every["value"], channel=table.channel).wait()
    assert len(rows(fresh, "SELECT * FROM acknowledgement")) == 4


def test_in_the_thread_of_a_table_a_question_is_about_its_worst(posted):
    _, table = cards(posted)
    assert "team-d" in answered(posted, "history", table).text
    shown = json.dumps(answered(posted, "status", table).blocks)
    assert all(f"team-{name}" in shown for name in PROJECTS)


def test_elsewhere_any_question_is_answered_in_a_thread_of_its_own(posted):
    told = answered(posted, "top 1 by project")
    assert "team-d" in json.dumps(told.blocks)
    asked = [each for each in posted.slack.web.messages if each.author == "U1ALICE"][-1]
    assert told.thread_ts == asked.ts


def test_a_name_alone_is_answered_with_what_can_be_said(posted):
    single, _ = cards(posted)
    assert "Say why or ack after my name" in answered(posted, "", single).text
    assert "Say status or report" in answered(posted, "").text


def test_what_is_sent_elsewhere_is_told_to_who_sent_it_alone(fresh):
    before = len(fresh.slack.messages)
    told = whispered(fresh, "top 1 in <#C1ROOM|search-ops>")
    assert "Posted in" in told["text"]
    (sent,) = fresh.slack.messages[before:]
    assert sent.channel == "C1ROOM"


def test_nobody_is_answered_twice_and_bots_never(posted):
    single, _ = cards(posted)
    before = len(posted.replies)
    asked = posted.people.mention("why", channel=single.channel, thread_ts=single.ts)
    assert until(posted, lambda: len(posted.replies) == before + 1)
    posted.people.again(asked)
    event = {
        "type": "app_mention",
        "text": "<@U1BOT> why",
        "ts": "1.5",
        "channel": single.channel,
        "thread_ts": single.ts,
    }
    posted.people.event(event | {"user": "U9APP", "bot_id": "B9APP"})
    posted.people.event(event | {"user": "U9APP", "subtype": "bot_message"})
    posted.people.event(event)
    posted.people.slash("help").wait()  # what came later is answered
    assert len(posted.replies) == before + 1


def test_a_refused_answer_is_said_more_plainly_and_a_paced_one_later(posted):
    single, _ = cards(posted)
    posted.slack.fault("chat.postMessage", refuse("invalid_blocks"))
    assert answered(posted, "status", single).text
    posted.slack.fault("chat.postMessage", rate_limited(0))
    assert answered(posted, "explain", single).text


def test_what_cannot_be_read_is_answered_with_what_can(posted):
    single, _ = cards(posted)
    told = answered(posted, "whyy", single)
    assert "v1|why" in json.dumps(told.blocks)


@pytest.mark.parametrize("words", ["report project=<!channel>", "<!here> `x` *_~", "\u202ewhy", "x" * 3_000])
def test_hostile_words_mention_nobody(posted, words):
    told = answered(posted, words, cards(posted)[0])
    assert "<!" not in told.text
    assert "\u202e" not in json.dumps([told.text, told.blocks], ensure_ascii=False)


# -- where alerts are listed ---------------------------------------------------------------------------------


def test_an_open_alert_is_acknowledged_where_it_is_listed(fresh):
    answer = fresh.people.slash("alerts").wait()[0]
    worst = mark(fresh, '["proj_d"]')
    fresh.people.press(answer, "alert.ack")
    assert until(fresh, lambda: rows(fresh, "SELECT fingerprint FROM acknowledgement") == [(worst,)])
    again = fresh.people.slash("alerts").wait()[0]
    assert "nobody looks after 4 of them" in again["text"]
    fresh.people.press(again, "alert.unack")
    assert until(fresh, lambda: rows(fresh, "SELECT fingerprint FROM acknowledgement") == [])


# -- words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "bots", "words"),
    [
        pytest.param("<@U1BOT> why", {"U1BOT"}, "why", id="plain"),
        pytest.param("<@U1BOT|Budget Bot>  why? ", {"U1BOT"}, "why", id="a label and a mark"),
        pytest.param(
            "hey <@U1BOT> status owner=<@U2BOB>", {"U1BOT"}, "status owner=<@U2BOB>", id="in the middle"
        ),
        pytest.param("why <@U1BOT>", {"U1BOT"}, "why", id="at the end"),
        pytest.param("<@U2BOB> says <@U1BOT> status", {"U1BOT"}, "status", id="somebody else first"),
        pytest.param("<@U1BOT> why", set(), "why", id="nobody told its id"),
        pytest.param("<@U1BOT>", {"U1BOT"}, "", id="nothing"),
        pytest.param("<@U1BOT> ?", {"U1BOT"}, "?", id="a question mark alone"),
        pytest.param("<@U1BOT> ack <@U1BOT> -- x", {"U1BOT"}, "ack  -- x", id="twice"),
    ],
)
def test_what_is_said_to_the_bot(text, bots, words):
    assert addressed(text, bots) == words


ONE = Topic(("9f00aa11bb22",), 1, "status rule=total", 7, 3)
MANY = Topic(tuple(f"{n:012x}" for n in range(12)), 12, "status rule=total", 7, 3)
CROWD = Topic(tuple(f"{n:012x}" for n in range(99)), 99, "status rule=total", 7, 3)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        pytest.param("why", "why 9f00aa11bb22", id="why"),
        pytest.param("why by model", "why 9f00aa11bb22 by model", id="why by"),
        pytest.param("why yesterday", "why yesterday", id="a range is no alert"),
        pytest.param("why abcd12", "why abcd12", id="another one"),
        pytest.param("history", "history 9f00aa11bb22", id="history"),
        pytest.param("history 7d", "history 7d", id="a history of days"),
        pytest.param("explain", "explain 9f00aa11bb22", id="explain"),
        pytest.param("explain total", "explain total", id="a rule"),
        pytest.param("ack", "ack 9f00aa11bb22", id="ack"),
        pytest.param("ack -- known", "ack 9f00aa11bb22 -- known", id="with a note"),
        pytest.param("ack all", "ack all", id="all is all"),
        pytest.param("silence for 2h -- x", "silence 9f00aa11bb22 for 2h -- x", id="silence"),
        pytest.param(
            "silence project=labs for 2h -- x", "silence project=labs for 2h -- x", id="something else"
        ),
        pytest.param("unack", "unack 9f00aa11bb22", id="unack"),
        pytest.param("unsilence", "unsilence 9f00aa11bb22", id="unsilence"),
        pytest.param("status", "status rule=total", id="status"),
        pytest.param("status project=labs", "status project=labs", id="of others"),
        pytest.param("help", "help", id="help"),
        pytest.param("why ?", "why ?", id="help about why"),
        pytest.param("top 3", "top 3", id="any"),
        pytest.param("how are you", "how are you", id="no words of ours"),
    ],
)
def test_words_in_a_thread_are_about_its_alert(words, meant):
    assert aimed(words, ONE, TODAY) == meant


def test_all_of_a_table_are_named_one_by_one_where_they_fit():
    named = parse(together("ack -- known", MANY, TODAY), TODAY)
    assert isinstance(named, Query)
    assert named.ids == MANY.fingerprints
    assert named.reason == "known"
    assert together("ack", CROWD, TODAY) == ""
    assert together("ack", ONE, TODAY) is None
    assert together("ack all", MANY, TODAY) is None
    assert together("ack project=labs", MANY, TODAY) is None
    assert together("why", MANY, TODAY) is None


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param("mention_hello", mentioned.hello(None), id="hello"),
        pytest.param("mention_hello_alert", mentioned.hello(ONE), id="hello in a thread"),
        pytest.param("mention_which", mentioned.which(MANY, together("ack", MANY, TODAY)), id="which"),
        pytest.param("mention_which_crowd", mentioned.which(CROWD, ""), id="which of many"),
        pytest.param("mention_stranger", mentioned.stranger(), id="stranger"),
    ],
)
def test_messages_are_what_a_person_has_read(name, body):
    check_message(body)
    golden(f"{name}.json", json.dumps(body, indent=1, ensure_ascii=False))
