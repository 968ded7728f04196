"""A name alone, and `@me`: what people type who know no verb."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answers import answer
from bot.core.asker import Asker
from bot.core.filters import Filter
from bot.core.known import Known, meant
from bot.core.query import Misread, Query, parse
from bot.core.status import Status
from bot.questions import answering
from tests.spending import TODAY
from tests.world import LABS, SEARCH, at, world

KNOWN = Known(
    projects={"proj_search": "search-prod", "proj_labs": "labs", "proj_two": "Two Words"},
    rules={"project-month": "Monthly budget", "labs-cap": "Cap of labs"},
    teams=("search", "Labs"),
    fingerprints=("9f3c21aa01bc", "9f3c99aa01bc", "abcd21aa01bc"),
)


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        pytest.param(["search-prod"], ("status project=search-prod",), id="a-project"),
        pytest.param(["SEARCH-Prod"], ("status project=SEARCH-Prod",), id="in-any-case"),
        pytest.param(["proj_search"], ("status project=proj_search",), id="its-id"),
        pytest.param(["Two", "Words"], ('status project="Two Words"',), id="a-name-of-two-words"),
        pytest.param(["“Two Words”"], ('status project="Two Words"',), id="in-quotes"),
        pytest.param(["project-month"], ("status rule=project-month",), id="a-rule"),
        pytest.param(["monthly", "budget"], ('status rule="monthly budget"',), id="its-title"),
        pytest.param(["search"], ("status team=search",), id="a-team"),
        pytest.param(["labs"], ("status project=labs", "status team=labs"), id="two-readings"),
        pytest.param(["ABCD"], ("history abcd21aa01bc",), id="an-alert"),
        pytest.param(["9f3c21aa01bc"], ("history 9f3c21aa01bc",), id="the-whole-mark-of-an-alert"),
        pytest.param(["9f3c"], (), id="which-of-two-alerts"),
        pytest.param(["abc"], (), id="too-little-of-a-mark"),
        pytest.param(["search-prod", "7d"], (), id="a-name-and-more"),
        pytest.param(["search-pro"], (), id="almost-a-name"),
        pytest.param([], (), id="nothing"),
    ],
)
def test_a_name_alone_asks_about_what_is_called_so(words, commands):
    assert meant(words, KNOWN) == commands


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.text(min_size=1, max_size=40))
def test_whatever_something_is_called_its_name_can_be_asked(name):
    for command in meant([name], Known(projects={"proj_1": name}, teams=(name,))):
        query = parse(command, TODAY)
        assert isinstance(query, Query), command


RULES = """\
version: 1
teams:
  research: {projects: [labs], owner: U1ADA}
rules:
  - {id: project-month, kind: budget, title: Monthly, select: {}, each: project, period: month, amount: 1000}
"""


@pytest.fixture(scope="module")
def spent(tmp_path_factory):
    with world(tmp_path_factory.mktemp("known"), offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-09-20", SEARCH, "gpt-5.2, output", "400")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "1550.25")
        built.ledger.cost("2025-10-03", LABS, "gpt-5.2, input", "12")
        built.poll("2025-10-05 12:00")
        yield built


def ask(spent, words, **more):
    now = at("2025-10-05 12:00")
    return answer(spent.app.store, spent.app.rules.now(now), words, now, **more)


@pytest.mark.parametrize(
    ("words", "groups"),
    [
        pytest.param("search-prod", [(SEARCH,)], id="a-project"),
        pytest.param("Labs", [(LABS,)], id="another-in-any-case"),
        pytest.param("research", [(LABS,)], id="a-team"),
    ],
)
def test_a_known_name_is_answered_with_its_status(spent, words, groups):
    told, query = ask(spent, words)
    assert isinstance(told, Status)
    assert query.verb == "status"
    assert [each.group for each in told.standings] == groups


def test_the_mark_of_an_alert_asks_for_its_history(spent, monkeypatch):
    firing, _ = ask(spent, "status state=firing")
    (alert,) = firing.standings
    asked = []
    monkeypatch.setattr("bot.answers.answering", lambda verb: asked.append(verb) or answering("rules"))
    _, query = ask(spent, alert.fingerprint[:6])
    assert asked == ["history"]
    assert query.about == alert.fingerprint


def test_an_unknown_name_is_still_misread(spent):
    told, query = ask(spent, "search-prd")
    assert isinstance(told, Misread)
    assert query is None


@pytest.mark.parametrize(
    ("known_as", "groups"),
    [
        pytest.param({"U1ADA"}, [(LABS,)], id="by-id"),
        pytest.param({"U1BEN", "U1ADA"}, [(LABS,)], id="by-any-of-their-names"),
        pytest.param({"U1BEN"}, [], id="owner-of-nothing"),
    ],
)
def test_mine_is_what_the_one_who_asks_owns(spent, known_as, groups):
    told, query = ask(spent, "status owner=@me", asker=Asker("U1", frozenset(known_as)))
    assert isinstance(told, Status)
    assert [each.group for each in told.standings] == groups
    assert query.filters == (Filter("owner", "=", ("@me",)),)


def test_nobody_is_asked_who_they_are(spent):
    told, _ = ask(spent, "status owner=@me state=firing")
    assert isinstance(told, Misread)
    assert told.corrections == ("status state=firing",)
