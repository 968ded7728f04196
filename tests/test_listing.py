"""Rules in words, with what is still to come, and the projects that no budget watches."""

from dataclasses import replace
from datetime import date

import pytest

from bot.core.listing import amount_words, listing, period_words
from bot.core.period import Period, Span
from bot.core.rules.book import TEAM, Amount, Budget, Origin, Plan, Route, Rule, Rulebook, Team, Threshold
from bot.core.rules.select import Pattern, Scope, Selector
from tests.spending import DOLLAR, TODAY, ago, number, scan

ALWAYS = date.min
NOVEMBER = Span(date(2026, 11, 1), date(2026, 11, 23))
SPENT = [
    (ago(1), number("proj_search"), 50 * DOLLAR),
    (ago(1), number("proj_labs"), 70 * DOLLAR),
    (ago(1), number(""), 5 * DOLLAR),
    (ago(1), number("proj_new"), -DOLLAR),
    (ago(2), number("proj_search"), DOLLAR),
]


def amount(*entries):
    return Amount(tuple((Pattern(text) if text else None, Plan(steps)) for text, steps in entries))


def flat(dollars, text=""):
    return (text, ((ALWAYS, dollars * DOLLAR),))


BUDGET = Budget(
    "project-month",
    "budget",
    Origin("rules.yaml", 3),
    title="Monthly",
    scope=Scope(each=("project",)),
    amount=amount(flat(200)),
    thresholds=(Threshold("80%", "info", "80"),),
)


def told(*rules, fallback="ai-spend", **book):
    return listing(Rulebook(rules, **book), scan(SPENT, [NOVEMBER]), NOVEMBER, TODAY, fallback)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        pytest.param([flat(12_000)], "$12,000", id="one"),
        pytest.param([("", ((ALWAYS, 1_500_500_000_000),))], "$1,500.50", id="cents-where-there-are-some"),
        pytest.param([flat(900, "batch-*"), flat(150)], "batch-* $900, else $150", id="table"),
        pytest.param(
            [("", ((ALWAYS, 5 * DOLLAR), (date(2026, 11, 1), 6 * DOLLAR), (date(2027, 1, 1), 7 * DOLLAR)))],
            "$6 (from 2027-01-01 $7)",
            id="steps-still-to-come",
        ),
        pytest.param(
            [("", ((ALWAYS, 5 * DOLLAR), (date(2026, 11, 15), 6 * DOLLAR)))],
            "$5 (from 2026-11-15 $6)",
            id="a-step-inside-the-month-counts-from-the-next",
        ),
        pytest.param([("", ((date(2026, 12, 1), 6 * DOLLAR),))], "from 2026-12-01 $6", id="not-begun"),
        pytest.param([], "", id="none"),
    ],
)
def test_amounts_in_words(entries, words):
    assert amount_words(replace(BUDGET, amount=amount(*entries)), TODAY) == words


@pytest.mark.parametrize(
    ("period", "words"),
    [
        pytest.param(Period("month"), "a month", id="month"),
        pytest.param(Period("rolling", rolling_days=30), "30 days, rolling", id="rolling"),
        pytest.param(
            Period("fixed", fixed=Span(date(2026, 3, 1), date(2026, 4, 16))), "1 Mar – 15 Apr", id="fixed"
        ),
    ],
)
def test_periods_in_words(period, words):
    assert period_words(period) == words


@pytest.mark.parametrize(
    ("rule", "book", "room"),
    [
        pytest.param(BUDGET, {}, "#ai-spend", id="fallback"),
        pytest.param(
            replace(BUDGET, route="exec"),
            {"routes": {"exec": Route("exec", "finance", only="critical")}},
            "#finance (critical only)",
            id="floor",
        ),
        pytest.param(
            replace(BUDGET, route="me"), {"routes": {"me": Route("me", user="U1")}}, "@U1", id="person"
        ),
        pytest.param(
            replace(BUDGET, route=TEAM), {}, "the team's channel, without a team in #ai-spend", id="team"
        ),
    ],
)
def test_where_a_rule_speaks(rule, book, room):
    assert told(rule, **book).rules[0].speaks_in == room


def test_a_rule_nobody_hears_says_what_is_missing():
    assert (
        told(BUDGET, fallback="").rules[0].speaks_in == "nowhere: no route, and BUDGETBOT_CHANNEL is not set"
    )


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({}, "active", id="active"),
        pytest.param({"enabled": False}, "inactive: switched off", id="off"),
        pytest.param({"from_day": date(2026, 12, 1)}, "inactive until 2026-12-01", id="not-begun"),
        pytest.param({"to_day": date(2026, 11, 1)}, "inactive since 2026-11-01", id="over"),
    ],
)
def test_the_state_of_a_rule(changes, state):
    assert told(replace(BUDGET, **changes)).rules[0].state == state


def select(**terms):
    return Selector(tuple((key, (Pattern(value),)) for key, value in terms.items()))


NOBODY = [("labs", 70), ("search-prod", 51), ("(no project)", 5)]


@pytest.mark.parametrize(
    ("rule", "bare"),
    [
        pytest.param(BUDGET, [], id="each-project-is-watched"),
        pytest.param(replace(BUDGET, scope=Scope()), NOBODY, id="the-whole-watches-nobody"),
        pytest.param(
            replace(BUDGET, scope=Scope(select(project="labs"))), [NOBODY[1], NOBODY[2]], id="selected"
        ),
        pytest.param(
            replace(BUDGET, amount=amount(flat(5, "search-*"))), [NOBODY[0], NOBODY[2]], id="no-amount"
        ),
        pytest.param(
            replace(BUDGET, scope=Scope(excluded=select(project="labs"), each=("project",))),
            [NOBODY[0]],
            id="excepted",
        ),
        pytest.param(replace(BUDGET, enabled=False), NOBODY, id="switched-off"),
        pytest.param(
            replace(BUDGET, period=Period("fixed", fixed=Span(date(2026, 3, 1), date(2026, 4, 1)))),
            NOBODY,
            id="a-period-that-is-over",
        ),
        pytest.param(
            replace(BUDGET, amount=amount(("", ((date(2026, 11, 15), DOLLAR),)))),
            NOBODY,
            id="an-amount-that-counts-from-next-month",
        ),
        pytest.param(
            replace(BUDGET, scope=Scope(each=("team",)), amount=amount(flat(5, "search"))),
            [NOBODY[0], NOBODY[2]],
            id="by-team",
        ),
        pytest.param(
            Rule("other", "budget", Origin("a", 1), scope=Scope(each=("project",))), NOBODY, id="no-budget"
        ),
    ],
)
def test_projects_with_spend_that_nobody_watches_largest_first(rule, bare):
    found = told(rule, teams=(Team("search", (Pattern("search-*"),)),)).uncovered
    assert [(each.name, each.amount // DOLLAR) for each in found] == bare


def test_no_rules_says_so():
    assert told().notes == ("There are no rules, so nothing is watched.",)
