"""The process is killed anywhere, cut off, asked twice and told a wrong time: everything decided is said once."""

import signal
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.ledger import Ledger
from bot.demo.openai_server import OpenAIServer
from tests import crash, engines
from tests.crash import STORY, Point, many, play, wrong
from tests.engines import look
from tests.nursery import Nursery
from tests.shell import environment, started
from tests.standins.slack import DROP_AFTER, SlackStandIn
from tests.standins.slack_web import Channel
from tests.syncing import empty_database
from tests.world import SEARCH, World, world

RULES = """\
version: 1
rules:
  - {id: total, kind: budget, select: {}, period: month, amount: 100, thresholds: [50%, 100%]}
"""


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as held:
        yield held


@pytest.fixture(scope="module")
def undisturbed(nursery):
    return play(nursery)


def test_the_story_says_what_it_is_meant_to(undisturbed):
    assert undisturbed.lived == len(STORY)
    assert undisturbed.looked == 0
    rooms = [room for room, _, _ in undisturbed.heard]
    assert {"ai-spend", "search-ops", "finance"} == set(rooms)
    assert sum(thread for _, thread, _ in undisturbed.heard) >= 2
    assert wrong(undisturbed, undisturbed) == ""


@pytest.mark.parametrize(
    ("engine", "seeds"),
    [pytest.param("sqlite", 40, id="40-sqlite"), pytest.param("postgres", 5, id="5-postgres")],
)
def test_every_decided_notice_stands_once_wherever_the_process_is_killed(engine, seeds):
    before = engines.engine()
    engines.choose(engine)
    try:
        counts = many(range(1, seeds + 1))
    finally:
        engines.choose(before)
    assert counts.wrong == {}
    assert counts.runs == seeds
    assert counts.kills.total() >= seeds
    if engine == "sqlite":
        assert set(counts.kills) == set(crash.PLACES)
        assert counts.looked > 0


@pytest.mark.parametrize("place", ["after", "answered"])
def test_killed_behind_every_single_call_of_an_escalation_it_is_said_once(nursery, undisturbed, place):
    # The first process is killed at its first call; each further one asks for what the one before it did, and
    # is killed at what it says next.
    chain = [Point(place, 1), *[Point(place, 2)] * 12]
    ran = play(nursery, [(), chain])
    assert wrong(ran, undisturbed) == ""
    assert ran.kills[place] >= 3
    assert [room for room, _, _ in ran.heard].count("finance") == 1


def test_a_count_finds_what_is_lost_and_what_is_said_twice(nursery, undisturbed):
    ran = play(nursery, story=STORY[:1])
    assert "decided otherwise" in wrong(ran, undisturbed)
    assert "heard otherwise" in wrong(ran, undisturbed)


def test_a_clock_that_steps_backwards_says_nothing_twice(nursery):
    (first, opens), (second, passes) = STORY
    idle = crash.idle
    later = "2025-10-06T13:05:00Z"
    straight = play(nursery, story=((first, opens), (second, passes), (later, idle)))
    steps = (
        (first, opens),
        ("2025-10-05T10:00:00Z", idle),
        ("2025-10-04T23:00:00Z", idle),
        (second, passes),
        ("2025-10-06T11:00:00Z", idle),
        (later, idle),
    )
    ran = play(nursery, story=steps)
    assert wrong(ran, straight) == ""


def test_a_lost_answer_and_a_death_while_it_is_looked_for_are_one_message(nursery, tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as w:
        w.rules(RULES)
        w._clock[0] = datetime(2025, 10, 5, 12, tzinfo=UTC)
        w.ledger.cost("2025-10-04", SEARCH, "gpt-5.2, input", "60")
        w.slack.fault("chat.postMessage", DROP_AFTER)
        real, born = w.slack.answer, []

        def deadly(method, args, token):
            if method == "conversations.history" and len(born) == 1:
                born[0].kill()
                return None
            return real(method, args, token)

        w.slack.answer = deadly
        codes = []
        for _ in range(2):
            born.append(nursery.start(tmp_path, environment(w), "poll", "--now", "2025-10-05T12:00:00Z"))
            codes.append(born[-1].wait())
        for each in born:
            each.bury()
        assert codes == [-signal.SIGKILL, 0]
        (message,) = w.slack.messages
        assert "repeat" not in message.text


# -- what Slack delivers again --------------------------------------------------------------------------


@pytest.fixture
def live(tmp_path):
    """A world whose clock is the wall's, with something open."""
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


def wait_for(true, seconds=90):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def connected(slack, connections):
    wait_for(lambda: slack.people.sockets and slack.people.connections >= connections)


def test_what_was_heard_before_a_kill_is_not_done_again_after_it(live):
    url, slack = live.settings.database_url, live.slack
    with started(live.tmp_path / "first", environment(live), "run") as process:
        connected(slack, 1)
        wait_for(lambda: live.posts)
        order = slack.slash("silence project=search-prod for 2h -- a load test")
        order.wait(seconds=60)
        called = slack.event(mention(live))
        wait_for(lambda: len(slack.messages) == 2)
        wait_for(lambda: look(url, "SELECT count(*) FROM heard") == [(2,)])
        process.process.kill()
        process.process.wait()
    with started(live.tmp_path / "second", environment(live), "run"):
        connected(slack, 2)
        for asked in (order, called):
            slack.people.again(asked)
            wait_for(lambda: asked.acks == 2)  # noqa: B023 - waited for at once
        slack.slash("help").wait(seconds=60)  # what came later is answered
    assert len(order.answers) == 1
    assert len(slack.messages) == 2
    assert look(url, "SELECT count(*) FROM silence") == [(1,)]


def mention(live):
    """Somebody calls the bot under its alert."""
    (card,) = live.posts
    text = "<@U1BOT> status"
    return {
        "type": "app_mention",
        "user": "U1ALICE",
        "text": text,
        "channel": card.channel,
        "ts": "1.000002",
        "thread_ts": card.ts,
    }
