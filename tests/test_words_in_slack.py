"""What people type who know little: nothing, a name, a wrong word; each through a real socket."""

import pytest

from tests.heard import listening
from tests.standins.slack_rules import check_message
from tests.world import LABS, SEARCH, world

RULES = """\
version: 1
teams:
  search: {projects: [search-prod], owner: U1ALICE}
rules:
  - {id: project-month, kind: budget, title: Monthly, select: {}, each: project, period: month, amount: 1000}
"""


@pytest.fixture(scope="module")
def slack(tmp_path_factory):
    with world(tmp_path_factory.mktemp("words"), offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-09-20", SEARCH, "gpt-5.2, output", "400")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "850.25")
        built.ledger.cost("2025-10-03", LABS, "gpt-5.2, input", "1220")
        built.poll("2025-10-05 12:00")
        with listening(built) as slack:
            yield slack


def say(slack, words, user="U1ALICE"):
    (answer,) = slack.slash(words, user=user).wait()
    check_message(
        {key: value for key, value in answer.items() if key not in ("response_type", "replace_original")}
    )
    assert answer["response_type"] == "ephemeral"
    return answer


def offered(answer):
    return [
        element["value"].partition("|")[2]
        for block in answer["blocks"]
        for element in block.get("elements", [])
        if element.get("type") == "button"
    ]


def test_nothing_asks_what_is_mine_and_a_button_shows_the_others(slack):
    answer = say(slack, "")
    assert "of yours" in answer["text"]
    assert "search-prod" in answer["text"]
    assert "And 1 other: 1 past a level, worst *labs* at 122%." in str(answer)
    assert offered(answer)[0] == "status all"
    (every,) = slack.click("cmd.run.all", "v1|status all").wait()
    assert "2 budgets passed a level" in every["text"]
    assert "of yours" not in every["text"]


def test_who_owns_nothing_is_told_of_everything(slack):
    assert "2 budgets passed" in say(slack, "", user="U2BOB")["text"]


def test_mine_is_whose_it_is_who_says_so(slack):
    assert "search-prod" in say(slack, "status owner=@me")["text"]
    assert "search-prod" in say(slack, "status owner=<@U1ALICE|alice>", user="U2BOB")["text"]
    assert "No budget matches" in say(slack, "status owner=me", user="U2BOB")["text"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param("labs", "122%", id="a-project"),
        pytest.param("“Search-Prod”", "85%", id="in-smart-quotes-and-any-case"),
        pytest.param("project-month", "2 budgets (rule=project-month)", id="a-rule"),
        pytest.param("search", "85%", id="a-team"),
    ],
)
def test_a_name_alone_is_answered(slack, words, says):
    assert says in str(say(slack, words))


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        pytest.param("labz", ["help", "status"], id="no-name-and-no-verb"),
        pytest.param(
            "compare lastmonth by projcts",
            ["compare last-month by project", "compare mtd by project", "compare"],
            id="two-typos",
        ),
        pytest.param(
            "report 5 by modle",
            ["report mtd by model top=5", "report 5d by model", "report mtd by model", "report"],
            id="two-readings",
        ),
        pytest.param("ack project=labs", ["ack all project=labs", "ack"], id="an-order-is-a-button-as-well"),
    ],
)
def test_a_wrong_word_is_answered_with_buttons_that_run_what_was_meant(slack, words, commands):
    assert offered(say(slack, words)) == commands


def test_help_teaches_six_and_names_the_others(slack):
    answer = say(slack, "help")
    taught, _, others = answer["blocks"][:3]
    for verb in ("status", "report", "why", "explain", "ack", "silence"):
        assert f"*{verb}*" in taught["text"]["text"]
    for verb in ("compare", "history", "alerts", "export", "subscribe", "refresh", "doctor", "accuracy"):
        assert f"`{verb}`" in others["text"]["text"]
    assert "vs=RANGE" in say(slack, "help compare")["blocks"][0]["text"]["text"]
    assert "vs=RANGE" in say(slack, "compare ?")["blocks"][0]["text"]["text"]
