"""A rule that cannot be evaluated, or has too many groups, is told of in the room of those who look after the bot."""

import pytest

from bot.core.kinds import KINDS, budget
from tests.world import LABS, SEARCH, world

RULES = """
version: 1
routes:
  finops: {channel: finance}
  ops: {channel: budget-admin}
defaults: {route: finops}
rules:
  - {id: caps, kind: budget, select: {}, each: line_item, period: month, amount: 100, limit: LIMIT}
  - {id: total, kind: budget, select: {}, period: month, amount: 100}
"""


@pytest.fixture
def built(tmp_path):
    with world(tmp_path) as made:
        yield made


def said_in(built, name):
    channel = next(key for key, each in built.slack.web.channels.items() if each.name == name)
    return [message.text for message in built.posts if message.channel == channel]


def test_a_rule_that_raises_is_said_once_a_day_and_the_others_go_on(built, monkeypatch):
    built.rules(RULES.replace("LIMIT", "500"))
    built.ledger.cost("2026-10-02", SEARCH, "gpt-5.2, input", "120")

    def breaks(rule, *rest):
        if rule.id == "caps":
            raise ZeroDivisionError("a slip of ours")
        return budget.judge(rule, *rest)

    monkeypatch.setitem(KINDS, "budget", KINDS["budget"]._replace(judge=breaks))
    for now in ("2026-10-02 10:00", "2026-10-02 11:00", "2026-10-03 00:05", "2026-10-03 08:00"):
        built.poll(now)
    told = [text for text in said_in(built, "budget-admin") if "caps" in text]
    assert len(told) == 2
    assert all("ZeroDivisionError" in text for text in told)
    assert len(said_in(built, "finance")) == 1


def test_more_groups_than_the_limit_is_said_once(built):
    built.rules(RULES.replace("LIMIT", "2"))
    for place, project in enumerate((SEARCH, LABS, SEARCH, LABS)):
        built.ledger.cost("2026-10-02", project, f"item {place}", "1")
    for now in ("2026-10-02 10:00", "2026-10-03 00:05", "2026-10-03 09:00"):
        built.poll(now)
    (told,) = [text for text in said_in(built, "budget-admin") if "caps" in text]
    assert "more than 2 groups" in told
