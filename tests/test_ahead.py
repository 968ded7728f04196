"""`forecast`: what each running period will come to, who is told first, and what is said where nobody can know."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from bot.answers import answer
from bot.core.ahead import Ahead, Forecasts
from bot.core.dimension import Series
from bot.core.forecast import Pace
from bot.core.limits import CutOff, Limit, Limits, cut_off
from bot.core.lookout import look_ahead, rules_asked
from bot.core.period import Span
from bot.core.query import parse
from bot.core.question import Query
from bot.core.spend import Names
from bot.core.units import USD, counts
from bot.render.answers import forecast as ahead
from bot.render.replies import reply
from tests.replaying import DOLLAR, Story, at, book_of
from tests.spending import golden
from tests.standins.slack_rules import check_message
from tests.world import LABS, SEARCH, world
from tests.world import at as instant

NOW = at("2026-11-20T14:00")
NOVEMBER = Span(date(2026, 11, 1), date(2026, 12, 1))
PROJECTS = {
    1: Series(project_id="proj_a", line_item="gpt-5.2, input"),
    2: Series(project_id="proj_b", line_item="gpt-5.2, input"),
    3: Series(project_id="proj_c", line_item="web search tool calls"),
}
NAMES = Names(
    {("project", "proj_a"): "search-prod", ("project", "proj_b"): "labs", ("project", "proj_c"): "new"}
)
MONTHLY = """
  - id: project-month
    kind: budget
    title: Monthly budget
    select: {}
    each: project
    period: month
    amount: {search-prod: "12,000", labs: 500, new: 100}
    thresholds: [80%, 100%]
"""


def story(rules=MONTHLY, **sections):
    return Story(book_of(rules, **sections), PROJECTS, names=NAMES)


def spending(rules=MONTHLY, **sections):
    """search-prod far over, labs well within, new since a week."""
    built = story(rules, **sections)
    built.spend("2026-08-01", "480x110 520", 1).spend("2026-08-01", "10x112", 2)
    return built.spend("2026-11-14", "1x7", 3)


def asked(built, words="forecast", now=NOW, most=None):
    query = parse(words, now.date())
    assert isinstance(query, Query), query
    rules = rules_asked(built.book, query.filters, now)
    book, built.book = built.book, replace(built.book, rules=rules)
    try:
        view = built.view(now)
    finally:
        built.book = book
    return look_ahead(book, rules, view, query.filters, now, most)


def told(forecasts):
    return [(row.rule_id, row.subject) for row in forecasts.rows]


# -- the arithmetic ------------------------------------------------------------------------------------


def test_a_budget_is_told_as_its_forecast_levels_are_judged():
    built = spending()
    _, search, *_ = asked(built).rows
    first = date(2025, 7, 24)  # a hundred days before the period, as the judge looks back
    settled = [built.cost.get((first + timedelta(n), 1), 0) for n in range((date(2026, 11, 19) - first).days)]
    pace = Pace(first, settled)
    seen = tuple(built.cost.get((day, 1), 0) for day in (date(2026, 11, 19), date(2026, 11, 20)))
    expected = pace.forecast(NOVEMBER, seen)
    assert search.subject == "search-prod"
    assert (search.total, search.low, search.high) == (expected.total, expected.low, expected.high)
    assert search.probability == expected.probability_over(12_000 * DOLLAR)
    assert (search.past_error, search.origins) == (expected.past_error, expected.origins)
    assert search.reached_at == pace.crosses(NOVEMBER, 12_000 * DOLLAR, seen, NOW)
    assert search.settled_until == date(2026, 11, 19)
    assert search.low < search.total < search.high
    assert search.value == sum(built.cost[date(2026, 11, n), 1] for n in range(1, 20)) + built.cost.get(
        (date(2026, 11, 20), 1), 0
    )


def test_the_organization_comes_first_and_then_who_is_most_likely_to_pass():
    found = asked(spending())
    assert told(found) == [
        ("", "the organization"),
        ("project-month", "search-prod"),
        ("project-month", "labs"),
        ("project-month", "new"),
    ]
    assert (found.over, found.budgets, found.others) == (1, 3, 0)
    assert (found.rows[0].amount, found.rows[0].probability) == (None, None)


def test_a_budget_of_the_organization_is_its_month():
    whole = "  - {id: org, kind: budget, select: {}, period: month, amount: 20000, thresholds: [100%]}\n"
    found = asked(spending(MONTHLY + whole))
    assert told(found)[0] == ("org", "org")
    assert [row.rule_id for row in found.rows].count("") == 0


def test_people_are_shown_the_likeliest_and_told_how_many_others_there_are():
    found = asked(spending(), most=2)
    assert told(found) == [("", "the organization"), ("project-month", "search-prod")]
    assert (found.others, found.over, found.budgets, found.unseen) == (2, 1, 3, 0)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("project=labs", [("project-month", "labs")], id="a-project-with-a-budget"),
        pytest.param(
            "rule=project-month project!=labs",
            [("project-month", "search-prod"), ("project-month", "new")],
            id="a-rule-but-one",
        ),
        pytest.param("rule=nothing", [], id="no-such-rule"),
        pytest.param('line_item="web search*"', [("", '"web search*"')], id="what-no-budget-is-about"),
        pytest.param("team=search", [("project-month", "search-prod")], id="a-team"),
        pytest.param("owner=leads", [("project-month", "search-prod")], id="an-owner"),
    ],
)
def test_filters_choose_budgets_and_else_the_month_of_what_they_mean(words, expected):
    built = spending(teams="  search: {projects: [search-*], owner: leads}")
    found = told(asked(built, f"forecast {words}"))
    assert [(rule, subject.removeprefix("line_item=")) for rule, subject in found] == expected


def test_projects_without_a_budget_are_told_one_by_one():
    found = asked(spending(MONTHLY.replace("labs: 500, new: 100", "nobody: 5")), "forecast project=labs,new")
    assert told(found) == [("", "labs"), ("", "new")]
    assert [row.known for row in found.rows] == [True, True]


@pytest.mark.parametrize(
    ("days", "why"),
    [
        pytest.param(4, "needs 14 settled days, has 4", id="four-of-the-period"),
        pytest.param(5, "", id="five-of-the-period"),
        pytest.param(0, "needs 14 settled days, has 0", id="none"),
    ],
)
def test_too_little_history_is_said(days, why):
    first = date(2026, 11, 19) - timedelta(days=days)
    built = story().spend(first, [2] * (days + 1), 2)
    row = asked(built, "forecast project=labs").rows[0]
    assert (row.why, row.known) == (why, not why)
    assert row.value == 2 * (days + 1) * DOLLAR


def test_a_period_that_began_before_the_history_has_no_forecast():
    built = spending()
    built.history_from = date(2026, 11, 5)
    assert {row.why for row in asked(built).rows} == {"learning: history from 5 Nov, needs 1 Nov"}


def test_days_rolling_periods_and_levels_have_no_course():
    rules = """
  - {id: cap, kind: budget, select: {}, period: day, amount: 10, thresholds: [100%]}
  - {id: lately, kind: budget, select: {}, period: {rolling: 30d}, amount: 10, thresholds: [100%]}
  - {id: stored, kind: budget, metric: usage_bytes, select: {}, period: month, amount: 10, thresholds: [100%]}
  - {id: week, kind: budget, select: {}, period: week, amount: 10, thresholds: [100%]}
"""
    found = asked(spending(rules))
    assert told(found) == [("", "the organization"), ("week", "week")]


def test_a_budget_of_tokens_is_told_in_tokens():
    rules = """
  - {id: tokens, kind: budget, metric: input_tokens, select: {}, each: project, period: month, amount: 40000, thresholds: [100%]}
"""
    built = spending(rules)
    built.usage["input_tokens"] = {
        (date(2026, 8, 1) + timedelta(days=n), 1): 1_000 + n % 3 for n in range(112)
    }
    row = next(row for row in asked(built).rows if row.rule_id)
    assert (row.metric, row.unit.word, row.amount) == ("input_tokens", "input tokens", 40_000)
    assert 29_500 < row.total < 30_500


def test_beyond_the_limit_the_smallest_are_one():
    found = asked(spending(MONTHLY.replace("labs: 500, new: 100", "else: 500") + "    limit: 1\n"))
    last = found.rows[-1]
    assert (last.subject, last.value) == ("(other)", (20 * 10 + 7) * DOLLAR)
    assert last.known
    assert 280 * DOLLAR < last.total < 330 * DOLLAR


# -- OpenAI's cut-off ----------------------------------------------------------------------------------


def test_when_openai_cuts_a_project_off_is_told_where_a_limit_is_known():
    built = spending()
    limit = Limit("set", 13_000 * DOLLAR)
    built.limits = Limits(projects={"proj_a": limit, "proj_b": Limit("none")})
    found = asked(built)
    search = next(row for row in found.rows if row.subject == "search-prod")
    first = date(2025, 7, 24)
    settled = [built.cost.get((first + timedelta(n), 1), 0) for n in range((date(2026, 11, 19) - first).days)]
    expected = cut_off(limit, Pace(first, settled), [520 * DOLLAR, 0], NOW)
    assert search.cut is not None
    assert search.cut.limit == 13_000 * DOLLAR
    assert search.cut.at is not None
    assert expected is not None
    assert abs(search.cut.at - expected.at) < timedelta(minutes=1)
    assert [row.cut for row in found.rows if row.subject in ("labs", "new")] == [None, None]


# -- what people and machines read -----------------------------------------------------------------------

SEARCH_ROW = Ahead(
    "project-month", "Monthly budget", ("project",), ("proj_a",), ("search-prod",), NOVEMBER, "November", "cost", USD,
    10_284_170_000_000, 0, 12_000 * DOLLAR, "", date(2026, 11, 19), 14_020_400_000_000, 12_913 * DOLLAR,
    15_222 * DOLLAR, 0.9712, datetime(2026, 11, 25, 14, 20, tzinfo=UTC), 0.0613, 30,
    CutOff(datetime(2026, 11, 26, 13, 40, tzinfo=UTC), 13_000 * DOLLAR, enforcing=False), "search", "search-leads",
)  # fmt: skip
ORG_ROW = replace(
    SEARCH_ROW, rule_id="", rule_name="the organization", each=(), group=(), group_names=(), value=30_126 * DOLLAR,
    amount=None, total=48_760 * DOLLAR, low=44_392 * DOLLAR, high=54_266 * DOLLAR, probability=None, reached_at=None,
    past_error=0.031, cut=None, whole=True,
)  # fmt: skip
SPENT_ROW = replace(
    SEARCH_ROW, group=("proj_b",), group_names=("labs",), value=520 * DOLLAR, amount=500 * DOLLAR,
    total=760 * DOLLAR, low=700 * DOLLAR, high=831 * DOLLAR, probability=1.0,
    reached_at=datetime(2026, 11, 18, 9, tzinfo=UTC), cut=CutOff(None, 900 * DOLLAR, enforcing=False),
)  # fmt: skip
TOKEN_ROW = replace(
    SEARCH_ROW, rule_id="tokens", rule_name="Tokens", each=(), group=(), group_names=(), metric="input_tokens",
    unit=counts("input tokens"), value=21_004_112, amount=40_000_000, total=29_911_004, low=28_100_000,
    high=31_004_000, probability=0.004, reached_at=None, past_error=None, origins=0, cut=None, estimated=0,
)  # fmt: skip
YOUNG_ROW = replace(
    SEARCH_ROW, group=("proj_c",), group_names=("new",), value=7 * DOLLAR, amount=100 * DOLLAR,
    why="needs 14 settled days, has 6", total=0, low=0, high=0, probability=None, reached_at=None, past_error=None,
    origins=0, cut=None,
)  # fmt: skip
EVERY = Forecasts(
    datetime(2026, 11, 20, 14, 0, tzinfo=UTC), (ORG_ROW, SPENT_ROW, SEARCH_ROW, TOKEN_ROW, YOUNG_ROW),
    ("The poll of 20 Nov 14:00 UTC is not complete (costs: 500).",), others=31, over=2, budgets=34,
)  # fmt: skip


def test_a_shell_prints_the_golden_forecast():
    golden("answer_forecast.txt", "\n\n".join(ahead.shell(EVERY, form) for form in ("json", "csv", "table")))


@pytest.mark.parametrize(
    ("name", "answer_"),
    [
        pytest.param("every", EVERY, id="every"),
        pytest.param(
            "kept", Forecasts(EVERY.as_of, (replace(TOKEN_ROW, probability=0.2),), budgets=1), id="kept"
        ),
        pytest.param(
            "stale",
            Forecasts(
                EVERY.as_of, (replace(YOUNG_ROW, why="source stale: costs last read on 20 Oct 14:00 UTC"),)
            ),
            id="stale",
        ),
        pytest.param("none", Forecasts(EVERY.as_of, ()), id="none"),
    ],
)
def test_slack_says_the_golden_forecast(name, answer_):
    query = parse("forecast", date(2026, 11, 20))
    body = reply(answer_, query)
    check_message({key: value for key, value in body.items() if key != "response_type"})
    golden(f"reply_forecast_{name}.json", json.dumps(body, ensure_ascii=False, indent=1))


def test_names_from_outside_say_nothing_of_their_own():
    hostile = replace(SEARCH_ROW, group_names=("<!channel> *x* =cmd()\n",))
    given = Forecasts(EVERY.as_of, (hostile, replace(hostile, why="<!here>")), budgets=1, over=1)
    body = reply(given, None)
    assert "<!" not in json.dumps([block for block in body["blocks"] if block["type"] != "table"])
    assert "<!" not in body["text"]
    (row, _) = csv.DictReader(io.StringIO(ahead.shell(given, "csv")))
    assert row["group"].startswith("<!channel>")
    formula = replace(SEARCH_ROW, group_names=("=cmd()",))
    (row,) = csv.DictReader(io.StringIO(ahead.shell(Forecasts(None, (formula,)), "csv")))
    assert row["group"] == "'=cmd()"


# -- through the store ------------------------------------------------------------------------------------

RULES = """
version: 1
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: {search-prod: "1,000", labs: 50}
    thresholds: [100%]
"""
ANOTHER = """
  - {id: also-%d, kind: budget, select: {}, each: model, period: month, amount: %d, thresholds: [100%%]}
"""


@pytest.fixture
def filled(tmp_path):
    with world(tmp_path) as built:
        for n in range(50):
            day = date(2026, 9, 1) + timedelta(days=n)
            built.ledger.cost(day, SEARCH, "gpt-5.2, input", f"{40 + n % 7}.5")
            built.ledger.cost(day, LABS, "gpt-5.2, output", "1")
        built.ledger.limit(SEARCH, 90_000)
        built.rules(RULES)
        built.poll("2026-10-20 18:00", wait=0.0)
        yield built


def ask(built, words, now="2026-10-20 18:05", **how):
    moment = instant(now)
    return answer(built.app.store, built.app.rules.now(moment), words, moment, **how)


def test_the_answer_rests_on_what_was_served(filled):
    given, query = ask(filled, "forecast")
    assert isinstance(given, Forecasts)
    assert told(given) == [
        ("", "the organization"),
        ("project-month", "search-prod"),
        ("project-month", "labs"),
    ]
    assert given.rows[0].value == given.rows[1].value + given.rows[2].value
    cut = given.rows[1].cut
    assert cut is not None
    assert cut.limit == 900 * DOLLAR
    assert f"{cut.at:%d %b}" == "21 Oct"
    check_message({k: v for k, v in reply(given, query).items() if k != "response_type"})


def test_one_scan_answers_for_any_number_of_rules(filled):
    statements = []

    def count(*args):
        statements.append(args[2])

    def asking():
        ask(filled, "forecast")  # a changed rule file is kept in the database when it is first read
        statements.clear()
        with filled.app.store.reading() as tx:
            event.listen(tx.engine, "before_cursor_execute", count)
        try:
            given, _ = ask(filled, "forecast", every=True)
        finally:
            event.remove(tx.engine, "before_cursor_execute", count)
        return len(statements), len(given.rows)

    few, rows = asking()
    filled.rules(RULES + "".join(ANOTHER % (n, 100 + n) for n in range(30)))
    many, more = asking()
    assert more == rows + 30
    assert many == few
    assert few > 0


def test_the_keys_of_the_json_are_as_agreed(filled):
    given, _ = ask(filled, "forecast", every=True)
    body = json.loads(ahead.shell(given, "json"))
    assert list(body) == ["as_of", "currency", "forecasts"]
    search = body["forecasts"][1]
    assert list(search) == [
        "rule", "group", "period", "metric", "value", "estimated", "amount", "forecast", "low", "high", "ratio",
        "probability", "runs_out_at", "past_error", "origins", "settled_until", "hard_limit", "cut_off_at",
        "enforcing", "reason",
    ]  # fmt: skip
    assert search["group"] == {"project_id": SEARCH, "project": "search-prod"}
    assert search["period"] == {"start": "2026-10-01", "end": "2026-11-01"}
    assert (search["amount"], search["hard_limit"], search["settled_until"]) == ("1000", "900", "2026-10-19")
    assert search["runs_out_at"].endswith("Z")
    assert isinstance(search["forecast"], str)


def test_before_anything_is_stored_it_says_so(tmp_path):
    with world(tmp_path) as built:
        built.rules(RULES)
        built.start()
        given, query = ask(built, "forecast")
    assert not any(row.known for row in given.rows)
    assert "No costs are stored yet" in given.notes[0]
    assert "no history yet" in reply(given, query)["text"]
