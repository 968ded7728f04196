"""Answers given again within seconds: only the same question, and only while nothing has changed."""

from itertools import count

import pytest

from bot.answered import KEPT, MOST, Recent
from bot.desk import Desk
from tests.world import LABS, SEARCH, at, world

RULES = """\
version: 1
routes: {room: {channel: ai-spend}}
defaults: {route: room}
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 100, thresholds: [50%]}
"""


@pytest.fixture
def spent(tmp_path):
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2026-10-02", SEARCH, "gpt-5.2, output", "60")
        built.poll("2026-10-03 12:00")
        yield built


@pytest.fixture
def asked(spent, monkeypatch):
    """A desk, and how often it worked an answer out."""
    import bot.desk

    real, worked = bot.desk.answer, count()
    monkeypatch.setattr(bot.desk, "answer", lambda *words, **more: (next(worked), real(*words, **more))[1])
    desk = Desk(spent.app.store, spent.app.rules.now, lambda: at("2026-10-03 12:30"))

    def ask(words, user=""):
        said = desk.ask(words, user)
        return said, worked.__reduce__()[1][0]

    return ask


def test_a_room_that_asks_the_same_is_answered_once(asked):
    first = asked("report mtd")
    assert asked("report mtd") == first
    assert asked("report mtd by model")[1] == first[1] + 1


def test_an_answer_is_drawn_once_for_all_who_ask(asked, monkeypatch):
    import bot.desk

    real, drawn = bot.desk.reply, []
    monkeypatch.setattr(bot.desk, "reply", lambda *given: drawn.append(given) or real(*given))
    assert asked("report mtd")[0] == asked("report mtd")[0]
    assert len(drawn) == 1


def test_what_one_sees_first_is_of_each_their_own(asked):
    asked("status", "U1ALICE")
    assert asked("status", "U2BOB")[1] == 2


def test_a_poll_that_changed_something_is_seen_at_once(spent, asked):
    before, _ = asked("report mtd")
    spent.ledger.cost("2026-10-03", LABS, "gpt-5.2, output", "7")
    spent.poll("2026-10-03 13:00")
    after, worked = asked("report mtd")
    assert worked == 2
    assert "$67" in after["text"]
    assert "$60" in before["text"]


def test_what_somebody_did_is_seen_at_once(spent, asked):
    from bot.core.asker import Asker
    from bot.core.query import parse
    from bot.orders import carry_out

    asked("alerts")
    with spent.app.store.reading() as tx:
        fingerprint = tx.exec_driver_sql("SELECT fingerprint FROM incident").scalar()
    now = at("2026-10-03 12:30")
    order = parse(f"ack {fingerprint}", now.date())
    carry_out(spent.app.store, spent.app.rules.now(now), order, Asker("U1ALICE", role="admin"), now)
    after, worked = asked("alerts")
    assert worked == 2
    assert "U1ALICE" in str(after)


def test_rules_that_changed_are_seen_at_once(spent, asked):
    asked("status")
    spent.rules(RULES.replace("amount: 100", "amount: 1000"))
    after, worked = asked("status")
    assert worked == 2
    assert "$1,000" in str(after)


def test_an_answer_is_given_again_for_seconds_only_and_few_are_kept():
    clock = [0.0]
    recent = Recent(lambda: clock[0])
    recent.put("a", 1, "held")
    assert recent.get("a", 1) == "held"
    assert recent.get("a", 2) is None
    assert recent.get("b", 1) is None
    clock[0] = KEPT + 0.1
    assert recent.get("a", 1) is None
    for place in range(MOST + 1):
        recent.put(place, 1, "held")
    assert recent.get(0, 1) is None
    assert recent.get(MOST, 1) == "held"
