"""`/budget` alone: what is one's own comes first, and the others are one line."""

from dataclasses import replace

import pytest

from bot.answers import answer
from bot.core.asker import NOBODY, Asker
from bot.orders import carry_out
from bot.render import terminal
from bot.render.replies import reply
from tests.spending import asked
from tests.standins.slack_rules import check_message
from tests.world import LABS, SEARCH, at, world

NOW = at("2025-10-05 12:00")
RULES = """\
version: 1
teams:
  search: {projects: [search-prod], owner: U1ADA}
  research: {projects: [labs], owner: ai-research}
rules:
  - id: project-month
    kind: budget
    title: Monthly
    labels: {tier: prod}
    select: {}
    each: project
    period: month
    amount: {search-prod: 1000, labs: 100, "*": 50}
  - {id: everything, kind: budget, title: Everything, select: {}, period: month, amount: 100000}
"""
ADA, BEN, CY = (
    Asker("U1ADA", frozenset({"U1ADA"}), role="operator"),
    Asker("U1BEN", frozenset({"U1BEN", "AI-Research"}), role="operator"),
    Asker("U1CY", frozenset({"U1CY"}), role="operator"),
)


@pytest.fixture(scope="module")
def spent(tmp_path_factory):
    with world(tmp_path_factory.mktemp("mine"), offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-09-20", SEARCH, "gpt-5.2, output", "400")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "1550.25")
        built.ledger.cost("2025-10-03", LABS, "gpt-5.2, input", "12")
        built.ledger.cost("2025-10-03", "proj_other", "gpt-5.2, input", "60")
        built.poll("2025-10-05 12:00")
        yield built


def told(spent, words="", asker=NOBODY, **more):
    return answer(spent.app.store, spent.app.rules.now(NOW), words, NOW, asker=asker, **more)


def names(status):
    return [each.subject for each in status.standings]


def test_what_is_mine_comes_first_and_the_others_are_a_line(spent):
    status, query = told(spent, "", ADA)
    assert names(status) == ["search-prod"]
    assert (status.rest.counts.standings, status.rest.counts.firing) == (3, 1)
    assert status.rest.worst.group == ("proj_other",)
    body = reply(status, query)
    check_message({key: value for key, value in body.items() if key != "response_type"})
    assert "*1 budget* of yours passed a level; worst is *search-prod* at *155%*" in str(body)
    assert "And 3 others: 1 past a level, worst *proj_other* at 120%." in str(body)
    assert "v1|status all" in str(body)
    shell = terminal.shell(status, "table", query)
    assert "1 budget of yours passed a level" in shell
    assert "And 3 others: 1 past a level, worst proj_other at 120%: status all shows every one." in shell


def test_a_group_of_mine_owns_as_i_do_in_any_case(spent):
    status, query = told(spent, "status", BEN)
    assert names(status) == ["labs"]
    body = str(reply(status, query))
    assert "of yours" in body
    assert "And 3 others: 2 past a level, worst *search-prod* at 155%." in body


@pytest.mark.parametrize(
    ("words", "asker", "more"),
    [
        pytest.param("", CY, {}, id="nothing-is-mine"),
        pytest.param("", NOBODY, {}, id="nobody-is-known"),
        pytest.param("status all", ADA, {}, id="all-is-asked-for"),
        pytest.param("status public", ADA, {}, id="the-channel-is-told-the-same-as-everybody"),
        pytest.param("status in C1OPS", ADA, {}, id="so-is-another"),
        pytest.param("", ADA, {"every": True}, id="machines-want-everything"),
    ],
)
def test_otherwise_everything_is_told(spent, words, asker, more):
    status, query = told(spent, words, asker, **more)
    assert status.rest is None
    assert len(status.standings) == 4
    assert "of yours" not in str(reply(status, query))
    assert "v1|status all" not in str(reply(status, query))


def test_mine_is_told_with_filters_too(spent):
    status, _ = told(spent, "status owner=@me", ADA)
    assert names(status) == ["search-prod"]
    assert status.rest is None


@pytest.mark.parametrize(
    ("words", "count"),
    [
        pytest.param("status label=tier=prod", 3, id="key-and-value"),
        pytest.param("status label=tier", 3, id="key"),
        pytest.param("status label!=tier", 1, id="not"),
        pytest.param("status label=tier=test", 0, id="another-value"),
    ],
)
def test_labels_choose_budgets(spent, words, count):
    status, _ = told(spent, words)
    assert len(status.standings) == count


def test_status_says_why_something_is_quiet(spent):
    status, _ = told(spent, "status project=search-prod")
    (alert,) = status.standings
    rules = spent.app.rules.now(NOW)
    carry_out(spent.app.store, rules, asked(f"ack {alert.fingerprint}"), ADA, NOW)
    status, query = told(spent, "status project=search-prod")
    assert "*search-prod*: acknowledged by <@U1ADA> at 5 Oct 12:00 UTC" in str(reply(status, query))
    assert "search-prod: acknowledged by U1ADA at 5 Oct 12:00 UTC." in terminal.shell(status, "table")
    carry_out(spent.app.store, rules, asked("silence project=search-prod for 2h -- load test"), BEN, NOW)
    status, query = told(spent, "status project=search-prod")
    assert "*search-prod*: silenced by <@U1BEN> until 5 Oct 14:00 UTC: load test · si_1" in str(
        reply(status, query)
    )
    assert "search-prod: silenced by U1BEN until 5 Oct 14:00 UTC: load test · si_1." in terminal.shell(
        status, "table"
    )


def test_many_that_are_quiet_are_a_few_lines(spent):
    status, query = told(spent, "status project=search-prod")
    (alert,) = status.standings
    assert alert.silence
    many = replace(status, standings=(alert,) * 8)
    assert "3 more are acknowledged or silenced" in str(reply(many, query))
