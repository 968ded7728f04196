"""How a rule's answer is reckoned, kind by kind; and that what is said to make it fire does make it fire."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.dimension import Series
from bot.core.evaluate import evaluate
from bot.core.explaining import work
from bot.core.forecast import Pace
from bot.core.incident import Finding
from bot.core.limits import Limit, Limits
from bot.core.period import Span
from bot.core.rules.book import Budget
from bot.core.spend import Names
from bot.core.view import Source
from tests.replaying import DOLLAR, Story, at, book_of

NOW = at("2026-11-20T14:00")
NOVEMBER = Span(date(2026, 11, 1), date(2026, 12, 1))
A, B = ("proj_a",), ("proj_b",)
PROJECTS = {1: Series(project_id="proj_a", line_item="gpt-5.2, input"), 2: Series(project_id="proj_b")}
NAMES = Names({("project", "proj_a"): "search-prod", ("project", "proj_b"): "labs"})


def story(rule, **sections):
    return Story(book_of(f"  - {rule}\n", **sections), PROJECTS, names=NAMES)


def worked(built, group=A, now=NOW, span=None, **known):
    rule = built.book.rules[0]
    view = built.view(now)
    if isinstance(rule, Budget):
        span = span or rule.period.containing(now.date())
        days = tuple(min(span.start, now.date() - timedelta(days=20)) + timedelta(days=n) for n in range(60))
        days = tuple(day for day in days if day <= now.date() + timedelta(days=1))
        if view.daily is None and rule.metric == "cost":
            view = built.view(now)
            until = {key: value for key, value in built.cost.items() if key[0] <= now.date()}
            object.__setattr__(view, "daily", built._spend(days, until, now))
    return work(rule, view, now, group, span, known.get("amount"))


def steps(working):
    marks = {True: "+", False: "-", None: " "}
    return [f"{marks[step.holds]} {step.text}" for step in working.steps]


def fires(built, group=A, now=NOW, label=None):
    rule = built.book.rules[0]
    found = [
        each
        for each in evaluate(built.book, built.view(now), now).findings
        if isinstance(each, Finding) and (each.rule.id, each.group) == (rule.id, group) and not each.closed
    ]
    held = [level.label for each in found for level in each.reached]
    return bool(held) if label is None else label in held


# -- budgets -------------------------------------------------------------------------------------------

MONTH = (
    '{id: m, kind: budget, select: {}, each: project, period: month, amount: {search-prod: "12,000"}, '
    "thresholds: [{at: 50%, severity: info}, {at: $9500, severity: info}, 80%, 100%]}"
)


def test_a_budget_tells_each_level_with_the_day_that_reached_it():
    built = story(MONTH).spend("2026-10-30", "1000 1000 500x19 46.5")
    told = worked(built)
    assert steps(told) == [
        "  $9,546.50 so far, of $12,000.00",
        "+ 50% of $12,000.00 = $6,000.00: reached on 12 Nov",
        "+ $9,500: reached on 19 Nov",
        "- 80% of $12,000.00 = $9,600.00: $53.50 to go",
        "- 100% of $12,000.00 = $12,000.00: $2,453.50 to go",
    ]
    assert told.would == ("$53.50 more by 30 Nov reaches 80%", "$2,453.50 more by 30 Nov reaches 100%")
    assert [name for name, _ in told.columns] == ["cost", "sum"]
    assert len(told.days) == 20
    assert (told.days[0].day, told.days[0].figures) == (date(2026, 11, 1), (500 * DOLLAR, 500 * DOLLAR))
    assert {line.day.day: line.note for line in told.days if line.note} == {
        12: "50%", 19: "$9,500, not settled", 20: "not settled",
    }  # fmt: skip


def test_what_would_reach_a_level_reaches_it_and_a_cent_less_does_not():
    built = story(MONTH).spend("2026-11-01", "500x19 46.5")
    missing = 53.5
    assert not fires(built.spend("2026-11-20", [46.5 + missing - 0.01]), label="80%")
    assert fires(built.spend("2026-11-20", [46.5 + missing]), label="80%")


def test_a_period_that_is_over_can_only_be_revised():
    built = story(MONTH).spend("2026-10-01", "200x31")
    told = worked(built, span=Span(date(2026, 10, 1), date(2026, 11, 1)), amount=10_000 * DOLLAR)
    assert steps(told)[:2] == [
        "  $6,200.00 in all, of $10,000.00",
        "+ 50% of $10,000.00 = $5,000.00: reached on 25 Oct",
    ]
    assert told.would == ("October is over: only a revision of its days could",)
    assert len(told.days) == 31


def test_a_group_without_an_amount_is_not_watched():
    told = worked(story(MONTH).spend("2026-11-01", "5x20", 2), B)
    assert steps(told) == ["  no amount for this group: it is not watched"]


def test_an_amount_of_nothing_is_passed_by_any_spend():
    rule = "{id: m, kind: budget, select: {}, period: month, amount: 0, thresholds: [100%]}"
    quiet = worked(story(rule), ())
    assert steps(quiet) == ["  $0.00 so far, of $0.00", "- 100% of $0.00 = $0.00: nothing spent"]
    assert quiet.would == ("any spend by 30 Nov reaches 100%",)
    loud = worked(story(rule).spend("2026-11-03", "0.01"), ())
    assert steps(loud)[1] == "+ 100% of $0.00 = $0.00: reached on 3 Nov"


def test_the_hard_limit_is_named_as_where_the_amount_comes_from():
    rule = "{id: m, kind: budget, select: {}, each: project, period: month, amount: hard_limit, thresholds: [100%]}"
    built = story(rule).spend("2026-11-01", "10x20")
    built.limits = Limits(projects={"proj_a": Limit("set", 300 * DOLLAR)})
    assert steps(worked(built))[0] == "  $200.00 so far, of $300.00 (the hard limit at OpenAI)"


def test_a_daily_cap_is_told_beside_the_days_before():
    rule = "{id: d, kind: budget, select: {}, each: project, period: day, amount: 100, thresholds: [100%]}"
    told = worked(story(rule).spend("2026-11-01", "90x10 120x8 50x2"))
    assert steps(told)[-1] == "- 100% of $100.00 = $100.00: $50.00 to go"
    assert told.would == ("$50.00 more by 20 Nov reaches 100%",)
    assert len(told.days) == 14
    assert [line.note for line in told.days][-4:] == ["100%", "100%", "not settled", "not settled"]
    assert told.days[-1].figures == (50 * DOLLAR,)


FORESEEN = (
    "{id: m, kind: budget, select: {}, each: project, period: month, amount: 1500, "
    "thresholds: [100%, forecast 100%, {at: 200%, basis: forecast, confidence: 70%}]}"
)


def test_forecast_levels_tell_their_probabilities_on_the_last_settled_days():
    built = story(FORESEEN).spend("2026-08-01", "40x92 40x10 90x10")
    told = worked(built)
    first = date(2025, 7, 24)
    settled = [built.cost.get((first + timedelta(n), 1), 0) for n in range((date(2026, 11, 19) - first).days)]
    chances = Pace(first, settled).probabilities(NOVEMBER, 1_500 * DOLLAR)[-5:]
    stands = next(step for step in told.steps if step.text.startswith("forecast 100%"))
    assert stands.holds is (min(chances[-2:]) >= 0.8)
    assert min(chances) > 0.995
    assert stands.text.endswith(": over 99% on 14–18 Nov; clears below 50% on two")
    assert stands.text.startswith("forecast 100% ($1,500.00 or more): ")
    far = next(step for step in told.steps if step.text.startswith("forecast 200%"))
    assert (far.holds, far.text.endswith("; needs 70% on two settled days in a row")) == (False, True)
    assert told.would[-1].startswith(
        "forecast 200%: a probability of 70% on two settled days in a row; it is on course for $"
    )


def test_a_forecast_is_muted_by_what_is_reached_and_silent_without_history():
    over = worked(story(FORESEEN).spend("2026-08-01", "40x92 100x19"))
    assert "- forecast 100% ($1,500.00 or more): muted, for so much is reached" in steps(over)
    new = worked(story(FORESEEN).spend("2026-11-16", "40x4"))
    assert "  forecast 100% ($1,500.00 or more): needs 14 settled days, has 3" in steps(new)


# -- change --------------------------------------------------------------------------------------------

CHANGE = "{id: w, kind: change, each: project, window: 7d, when: {increase: 40%, at_least: $250}, critical_above: $5000}"


def test_a_change_tells_both_windows_and_both_conditions():
    built = story(CHANGE).spend("2026-08-01", "100x103 130x7 999x2")
    told = worked(built)
    assert steps(told) == [
        "  12–18 Nov came to $910.00, 5–11 Nov to $700.00",
        "- 40% more than $700.00 = $980.00: not reached",
        "- and by $250.00 at least: by $210.00",
        "- $5,000 over $700.00 = $5,700.00: not reached",
    ]
    assert told.would == ("$70.00 more in the window",)
    assert [line.note for line in told.days] == ["before"] * 7 + ["window"] * 7


def test_what_would_make_a_change_fire_makes_it_fire():
    built = story(CHANGE).spend("2026-08-01", "100x103 130x7 999x2")
    assert not fires(built.spend("2026-11-18", [130 + 69.99]))
    assert fires(built.spend("2026-11-18", [130 + 70]))
    assert worked(built).would == ("$4,720.00 more in the window makes it critical",)


def test_a_fall_is_told_the_other_way_round():
    rule = "{id: w, kind: change, each: project, window: 7d, when: {decrease: 50%}, for: 2d}"
    built = story(rule).spend("2026-08-01", "100x103 60x7")
    told = worked(built)
    assert steps(told) == [
        "  12–18 Nov came to $420.00, 5–11 Nov to $700.00",
        "- 50% less than $700.00 = $350.00: not reached",
        "- so on 0 of 2 settled days in a row",
    ]
    assert told.would == ("$70.00 less in the window",)


def test_a_change_without_enough_before_is_learning():
    told = worked(story(CHANGE).spend("2026-11-10", "100x10"))
    assert any(line.startswith("- learning: ") for line in steps(told))
    assert told.would == ("comparing begins when there is enough to compare with",)


# -- anomaly -------------------------------------------------------------------------------------------

ANOMALY = "{id: u, kind: anomaly, each: project, ignore_below: $50, critical_above: $1000}"


def test_an_anomaly_tells_the_score_and_the_figure_from_which_a_day_would_be_unusual():
    built = story(ANOMALY).spend("2026-08-01", "100x110")
    told = worked(built)
    assert steps(told) == [
        "  $100.00 on Wednesday 18 Nov, $100.00 was expected: a score of 0.00",
        "- a score of 1.50 is unusual",
        "+ days below $50.00 are ignored",
        "- $1,000 over the expected = $1,100.00: not reached",
    ]
    (sentence,) = told.would
    assert sentence.endswith(" or more on Thursday 19 Nov")
    needed = float(sentence.split(" ")[0].lstrip("$").replace(",", ""))
    tomorrow = NOW + timedelta(days=1)
    assert fires(built.spend("2026-11-19", [needed * 1.02]), now=tomorrow)
    assert not fires(built.spend("2026-11-19", [needed * 0.95]), now=tomorrow)
    assert told.days[-1].note == "score 0.0"


def test_an_unusual_day_says_so():
    built = story(ANOMALY).spend("2026-08-01", "100x109 2500")
    told = worked(built)
    assert told.days[-1].note.endswith(", unusual")
    assert [step.holds for step in told.steps][1:] == [True, True, True]


def test_an_anomaly_without_enough_days_is_learning():
    told = worked(story(ANOMALY).spend("2026-11-12", "100x7"))
    assert steps(told) == ["- learning: 7 settled days since its first, needs 15"]
    assert told.would == ("15 settled days must be there first",)


# -- ratio ---------------------------------------------------------------------------------------------


def test_a_ratio_tells_both_metrics_and_the_bound():
    rule = (
        "{id: r, kind: ratio, each: project, numerator: cost, denominator: requests, per: 1000, window: 7d, "
        'when: {above: 4.00}, min_denominator: "10,000"}'
    )
    built = story(rule).spend("2026-11-01", "35x20")
    built.usage["num_model_requests"] = {(date(2026, 11, n), 1): 10_000 for n in range(1, 21)}
    told = worked(built)
    assert steps(told) == [
        "  12–18 Nov: $245.00 over 70,000 requests = $3.50 per 1,000 requests",
        "- above $4.00: $3.50 per 1,000 requests against $4.00 per 1,000 requests",
        "+ at least 10,000 requests in the window: 70,000 requests",
    ]
    assert told.would == ("a ratio above $4.00 over 7 settled days",)
    assert [name for name, _ in told.columns] == ["cost", "requests"]
    assert not fires(built)
    assert fires(built.spend("2026-11-01", "41x20"))
    assert worked(built).would == ()


# -- what is so now ------------------------------------------------------------------------------------


def test_what_is_new_tells_when_it_was_first_seen_and_for_how_long_it_is_news():
    rule = "{id: n, kind: first_seen, dimension: model, each: project, lookback: 30d, min_amount: $1}"
    built = story(rule).spend("2026-11-17", "0.4 0.4 0.4")
    told = worked(built, ("proj_a", "gpt-5.2"))
    assert steps(told) == [
        "  first seen on 17 Nov, after 30 days without it",
        "+ $1.00 since then: reached on 19 Nov, $1.20 by now",
        "+ news for 7 days, up to 25 Nov",
    ]
    assert told.would == ("a model that was not seen since 21 Oct and comes to $1.00",)
    nobody = worked(built, ())
    assert steps(nobody) == ["  1 were seen, and none of them is new"]


def test_the_age_of_the_data_is_told_by_both_measures():
    rule = "{id: f, kind: freshness, poll: 3h, data: 40h}"
    built = story(rule)
    view = built.view(NOW)
    view.sources.update(
        {
            "costs": Source("costs", NOW - timedelta(hours=1), date(2026, 11, 18)),
            "completions": Source("completions", NOW, date(2026, 11, 20)),
        }
    )
    told = work(built.book.rules[0], view, NOW, (), None)
    assert steps(told) == [
        "- 1.0 hours since costs were last read, 3 hours are allowed",
        "- 38.0 hours since the end of the newest day with costs, 40 hours are allowed",
    ]
    assert told.would == (
        "no complete poll before 20 Nov 16:00 UTC",
        "no costs of a newer day before 20 Nov 16:00 UTC",
    )


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(
            Limit("set", 400 * DOLLAR, read_at=datetime(2026, 11, 20, 13, 30, tzinfo=UTC)),
            [
                "  OpenAI's hard limit is $400.00 a month, read 20 Nov 13:30 UTC",
                "  $200.00 spent in November: $200.00 to go",
                "- reached within 3 days at this pace",
                "- OpenAI refuses requests because of it",
            ],
            id="set",
        ),
        pytest.param(
            Limit("none"),
            ["+ OpenAI has no hard limit here", "  OpenAI has no hard limit for this project"],
            id="none",
        ),
        pytest.param(Limit("unknown", why="403"), ["  OpenAI's hard limit is not known: 403"], id="unknown"),
    ],
)
def test_a_limit_tells_what_openai_says_of_it(limit, expected):
    rule = "{id: l, kind: native_limit, each: project}"
    built = story(rule).spend("2026-08-01", "10x112")
    built.limits = Limits(projects={"proj_a": limit})
    assert steps(worked(built)) == expected
