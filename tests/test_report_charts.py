"""Reports with their charts, asked in Slack through the real bolt app and in a shell; figures against the ledger."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.answers import answer
from bot.core.money import NANO, nano, show_exact
from bot.core.query import parse
from bot.render.answers.report import shell
from bot.render.replies import reply
from tests.spending import answered, golden, number
from tests.standins.slack_rules import check_message
from tests.syncing import empty_database
from tests.test_listen import listening
from tests.world import LABS, SEARCH, at, world

NOW = "2026-11-20 12:00"
RULES = """\
version: 1
rules:
  - {id: total, kind: budget, select: {}, period: month, amount: 4000}
  - {id: each, kind: budget, select: {}, each: project, period: month, amount: {search-*: 3000, else: 900}}
"""


@pytest.fixture(scope="module")
def spent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("charts")
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        built.rules(RULES)
        day = date(2026, 8, 1)
        while day <= date(2026, 11, 20):
            built.ledger.cost(day, SEARCH, "gpt-5.2, output", f"{80 + day.day}.125")
            built.ledger.cost(day, LABS, "gpt-5.2, input", "7")
            day += timedelta(days=1)
        built.poll(NOW)
        built.app.clock = lambda: at(NOW)
        with listening(built):
            yield built


def billed(world_, first, last, project=None):
    """What the ledger holds of some days, in nano-dollars."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    rows = [row for day in days for row in world_.ledger.cost_rows(day, at(NOW))]
    return nano(sum((Decimal(row.amount) for row in rows if project in (None, row.project_id)), Decimal()))


def ask(spent, words):
    asked = spent.slack.slash(words)
    (told,) = asked.wait()
    assert asked.refusals == []
    return told


def chart_in(told):
    (block,) = [block for block in told["blocks"] if block["type"] == "data_visualization"]
    return block["chart"], {
        each["name"]: {point["label"]: point["value"] for point in each["data"]}
        for each in block["chart"]["series"]
    }


def buttons_in(told):
    return {
        element["text"]["text"]: element["value"]
        for block in told["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    }


# -- in Slack --------------------------------------------------------------------------------------------


def test_a_month_by_day_is_drawn_against_its_budget_with_its_forecast(spent):
    told = ask(spent, "report mtd by day")

    _, lines = chart_in(told)
    first = date(2026, 11, 1)
    for day in (2, 10, 20):
        sum_of_it = billed(spent, first, date(2026, 11, day)) / NANO
        assert lines["Spent, then forecast"][str(day)] == round(sum_of_it)
    assert set(lines["Budget"].values()) == {4000}
    now = at(NOW)
    ahead, _ = answer(spent.app.store, spent.app.rules.now(now), "forecast", now)
    whole = next(row for row in ahead.rows if row.whole)
    ends = [lines[name]["30"] for name in ("Forecast, low", "Spent, then forecast", "Forecast, high")]
    assert ends == [round(amount / NANO) for amount in (whole.low, whole.total, whole.high)]


def test_a_project_is_drawn_against_its_own_budget(spent):
    _, lines = chart_in(ask(spent, "report mtd by day project=search-prod"))

    assert set(lines["Budget"].values()) == {3000}
    of_it = billed(spent, date(2026, 11, 1), date(2026, 11, 20), SEARCH) / NANO
    assert lines["Spent, then forecast"]["20"] == round(of_it)


def test_other_ranges_are_drawn_by_day_beside_the_days_before(spent):
    chart, lines = chart_in(ask(spent, "report last-week by day"))

    days = [date(2026, 11, 9) + timedelta(days=n) for n in range(7)]
    assert list(lines["Spent"].values()) == [round(billed(spent, day, day) / NANO) for day in days]
    assert list(lines["2–8 Nov"].values()) == [
        round(billed(spent, day - timedelta(days=7), day - timedelta(days=7)) / NANO) for day in days
    ]
    assert set(lines["Budget, a day"].values()) == {133}
    assert chart["type"] == "line"


@pytest.mark.parametrize(
    ("words", "drawn"),
    [
        pytest.param("report mtd", False, id="by project"),
        pytest.param("report mtd chart", True, id="asked for"),
        pytest.param("report 30d by day", True, id="by day"),
        pytest.param("report 30d by day nochart", False, id="declined"),
        pytest.param("report 30d by day,project", False, id="by day and project"),
        pytest.param("report 30d by day,project chart", True, id="by day and project, asked for"),
        pytest.param("top 3 by model chart", True, id="the largest"),
        pytest.param("report 2024-01-01..2024-01-05 by day", False, id="of days that are not stored"),
    ],
)
def test_a_report_is_drawn_where_that_is_asked_for_or_it_follows_time(spent, words, drawn):
    told = ask(spent, words)
    assert any(block["type"] == "data_visualization" for block in told["blocks"]) == drawn


def test_what_is_asked_by_project_is_drawn_by_size(spent):
    chart, lines = chart_in(ask(spent, "report mtd by project chart"))

    first, last = date(2026, 11, 1), date(2026, 11, 20)
    assert chart["type"] == "bar"
    assert lines == {
        "Spent": {
            "search-prod": round(billed(spent, first, last, SEARCH) / NANO),
            "labs": round(billed(spent, first, last, LABS) / NANO),
        }
    }


def test_a_private_answer_can_be_shared_and_a_shared_one_cannot(spent):
    private = ask(spent, "report mtd by day project=search-prod")
    assert private["response_type"] == "ephemeral"
    share = buttons_in(private)["Share in channel"]
    assert share == "v1|report mtd by day project=search-prod public"
    assert len(buttons_in(private)) == 6
    assert buttons_in(private)["CSV"] == "v1|export mtd by day project=search-prod csv"

    clicked = spent.slack.click("cmd.run.share", share)
    (public,) = clicked.wait()
    assert clicked.refusals == []
    assert public["response_type"] == "in_channel"
    assert "Share in channel" not in buttons_in(public)
    assert chart_in(public) == chart_in(private)


def test_where_nothing_was_spent_there_is_nothing_to_draw_and_it_is_said(spent):
    for words in ("report mtd by project project=nobody chart", "report 7d by day project=nobody chart"):
        told = ask(spent, words)
        assert all(block["type"] != "data_visualization" for block in told["blocks"])
        assert "There is nothing to draw: nothing was spent." in str(told)


def test_raw_tells_every_digit(spent):
    told = ask(spent, "report mtd by project raw")

    exact = show_exact(billed(spent, date(2026, 11, 1), date(2026, 11, 20)))
    assert exact == "$1,952.50"
    (table,) = [block for block in told["blocks"] if block["type"] == "table"]
    assert [row[1]["text"] for row in table["rows"]] == ["Spend", "$1,812.50", "$140.00"]
    yesterday = ask(spent, "report yesterday project=search-prod raw")
    assert "$99.125" in yesterday["text"]
    assert "$99.12" in ask(spent, "report yesterday project=search-prod")["text"]


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        pytest.param(0, "$0.00", id="nothing"),
        pytest.param(-1, "−$0.000000001", id="a credit"),
        pytest.param(1_234_567_500_000_000, "$1,234,567.50", id="millions"),
    ],
)
def test_every_digit_of_an_amount_is_said(amount, said):
    assert show_exact(amount) == said


# -- in a shell, and as people have read it --------------------------------------------------------------


def test_a_shell_draws_in_letters_where_a_chart_is_asked_for(spent):
    now = at(NOW)
    rules = spent.app.rules.now(now)

    drawn, query = answer(spent.app.store, rules, "report mtd by day chart", now)
    plain, asked = answer(spent.app.store, rules, "report mtd by day", now)

    assert "forecast  ▇" in shell(drawn, "table", query)
    assert "forecast" not in shell(plain, "table", asked)
    machine, _ = answer(spent.app.store, rules, "report mtd by day chart", now, every=True)
    assert machine.chart is None
    assert json.loads(shell(machine, "json"))["total_usd"] == "1952.5"


@pytest.mark.parametrize("words", ["report mtd by day", "report 7d by day", "report mtd by project chart"])
def test_charts_of_reports_are_the_golden_ones(spent, words):
    now = at(NOW)
    told = reply(*answer(spent.app.store, spent.app.rules.now(now), words, now))

    check_message({key: told[key] for key in ("text", "blocks")})
    golden(f"chart_{words.replace(' ', '_')}.json", json.dumps(told, indent=1, ensure_ascii=False))


def test_without_a_chart_an_answer_carries_none():
    told = answered("report mtd by project", [(date(2026, 11, 20), number("proj_search"), NANO)])

    assert "chart" not in reply(told, parse("report mtd by project", date(2026, 11, 22)))
