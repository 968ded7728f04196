"""What a card says of its period's course: the forecast of the group's own days, and when the amount is used up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.dimension import Series
from bot.core.incident import Finding
from bot.core.needs import settled_until
from bot.core.outlook import Courses, days_needed, has_course
from bot.core.period import DAY, Period, Span
from bot.core.rules.book import Amount, Budget, Origin, Plan, Rulebook, Threshold
from bot.core.rules.select import Pattern, Scope, Selector
from bot.core.spend import Names, Spend

DOLLAR = 10**9
NOVEMBER = Span(date(2026, 11, 1), date(2026, 12, 1))
NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)
FULL = Threshold("100%", "critical", percent="100")


def rule(period="month"):
    amount = Amount(((None, Plan(((date.min, 600 * DOLLAR),))),))
    scope = Scope(each=("project",))
    return Budget("m", "budget", Origin("a.yaml", 1), scope=scope, period=Period(period), amount=amount)


def finding(period="month", span=NOVEMBER, value=440, amount=600, closed=False):
    return Finding(rule(period), ("proj_1",), span, value * DOLLAR, amount * DOLLAR, (FULL,), closed)


def daily(days, first=date(2026, 9, 1), history_from=date(2026, 9, 1)):
    cuts = [first + timedelta(days=n) for n in range(len(days) + 1)]
    stretches = [{1: amount * DOLLAR} for amount in days]
    series = {1: Series(project_id="proj_1", line_item="gpt-5.2, input")}
    return Spend(cuts, stretches, series, Names(), Rulebook(), history_from=history_from)


def test_a_steady_twenty_a_day_comes_to_six_hundred():
    ahead = Courses(daily([20] * 83), NOW).of(finding())
    assert ahead is not None
    assert abs(ahead.total - 600 * DOLLAR) < DOLLAR
    assert ahead.low <= ahead.total <= ahead.high
    assert ahead.settled_until == "2026-11-21"


def test_what_was_seen_of_the_running_days_is_a_floor():
    calm = Courses(daily([20] * 83), NOW).of(finding())
    busy = Courses(daily([20] * 82 + [300]), NOW).of(finding())
    assert calm is not None
    assert busy is not None
    assert busy.total - calm.total == pytest.approx(280 * DOLLAR, rel=0.01)


def test_the_amount_is_used_up_on_the_day_the_path_reaches_it():
    ahead = Courses(daily([20] * 83), NOW).of(finding(amount=490))
    assert ahead is not None
    assert ahead.runs_out_at.startswith("2026-11-25T12:")  # 22 days make 440; two and a half more make 490
    passed = Courses(daily([20] * 83), NOW).of(finding(amount=400))
    assert passed is not None
    assert passed.runs_out_at == ""


def test_only_what_the_rule_selects_has_a_course():
    spend = daily([20] * 83)
    both = Spend(
        spend.cuts,
        [{1: 20 * DOLLAR, 2: 7 * DOLLAR} for _ in range(83)],
        {1: Series("proj_1", "gpt-5.2, input"), 2: Series("proj_1", "web search tool calls")},
        Names(),
        Rulebook(),
        history_from=date(2026, 9, 1),
    )
    tools = Scope(Selector((("line_item", (Pattern("web search*"),)),)), each=("project",))
    of = replace(finding(), rule=replace(rule(), scope=tools))
    ahead = Courses(both, NOW).of(of)
    assert ahead is not None
    assert abs(ahead.total - 210 * DOLLAR) < DOLLAR


def test_too_little_history_says_nothing():
    assert Courses(daily([20] * 4, first=date(2026, 11, 19)), NOW).of(finding()) is None


@pytest.mark.parametrize(
    ("of", "course"),
    [
        pytest.param(finding(), True, id="a running month"),
        pytest.param(
            finding(closed=True, span=Span(date(2026, 10, 1), date(2026, 11, 1))), False, id="a closed month"
        ),
        pytest.param(finding("day", Span(NOW.date(), NOW.date() + DAY)), False, id="a day has none"),
    ],
)
def test_which_periods_have_a_course(of, course):
    assert has_course(of, NOW) is course


def test_the_scan_reaches_back_for_weekdays_and_never_before_the_history():
    days = days_needed(finding(), daily([20] * 83), NOW)
    assert days[0] == date(2026, 9, 1)
    assert days[-1] == date(2026, 11, 23)
    assert days_needed(finding(), daily([], history_from=None), NOW) == ()
    assert settled_until(rule(), NOW) == date(2026, 11, 21)
