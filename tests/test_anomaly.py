"""`kind: anomaly`: unusual days of many series, told no more often than their rule allows."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.dimension import Series
from bot.core.evaluate import evaluate
from bot.core.incident import Reason
from bot.core.kinds import KINDS
from bot.core.period import Span
from bot.core.scoring import MEMORY, Memory
from bot.core.unusual import BASE, Scored, episodes, score, stretches
from tests.replaying import DOLLAR, Story, at, book_of

RULE = """
  - id: unusual-spend
    kind: anomaly
    each: project
    at_most: 3 per week
    ignore_below: 1% of org
    critical_above: $1,000
"""
START = date(2026, 7, 1)


def rule(*lines):
    return "\n  - id: r\n    kind: anomaly\n    each: project\n" + "".join(f"    {line}\n" for line in lines)


def usual(days, seed=3, level=100):
    random = Random(seed)
    return [level * (1 + random.random() / 5) for _ in range(days)]


def story(days, rules=RULE, **more):
    return Story(book_of(rules), **more).spend(START, days)


def many(count, rules, **more):
    series = {n: Series(project_id=f"proj_{n}", line_item="x") for n in range(count)}
    return Story(book_of(rules), series, **more)


def found(told, now, watched=None):
    evaluation = evaluate(told.book, told.view(at(now)), at(now), watched)
    assert not evaluation.broken
    return evaluation


def high(told, now):
    return [(f.span.start, f.group) for f in found(told, now).findings if f.top]


def test_an_unusual_day_says_what_was_expected():
    told = story([*usual(123), 600])  # 1 Nov
    [day] = [f for f in found(told, "2026-11-03T12:00").findings if f.top]
    assert (day.span, day.over) == (Span(date(2026, 11, 1), date(2026, 11, 2)),) * 2
    assert day.value == 600 * DOLLAR
    assert 95 * DOLLAR < day.amount < 125 * DOLLAR
    assert [(level.label, level.severity) for level in day.levels] == [
        ("unusual", "warning"),
        ("$1,000 over", "critical"),
    ]
    assert day.holding == ("unusual",)
    assert not day.closed


def test_nothing_is_said_before_the_day_has_settled():
    told = story([*usual(123), 600])
    assert told.run("2026-11-01T00:00", "2026-11-03T11:00", timedelta(hours=1)) == []
    [event] = told.tick("2026-11-03T12:00")
    assert (event.transition, event.level, event.period) == ("fired", "unusual", "1 Nov")


def test_one_episode_is_one_incident_until_two_normal_days():
    told = story([*usual(123), 600, 110, 620, 100, 105, *usual(20), 600])
    said = told.run("2026-10-20T12:00", "2026-12-10T12:00")
    assert said == [
        ("03 12:00", "fired", "unusual"),
        ("07 12:00", "ended", "unusual"),
        ("28 12:00", "fired", "unusual"),
        ("30 12:00", "ended", "unusual"),
    ]


def test_far_more_than_expected_is_critical():
    told = story([*usual(123), 600, 1500])
    said = told.run("2026-10-20T12:00", "2026-11-04T12:00")
    assert said == [("03 12:00", "fired", "unusual"), ("04 12:00", "raised", "$1,000 over")]
    assert told.incident.severity == "critical"


def test_a_new_level_is_accepted_after_fourteen_days_and_the_card_says_so():
    told = story([*usual(123), *usual(40, level=500)])
    said = told.run("2026-10-20T12:00", "2026-12-05T12:00")
    assert [one for one in said if one[1] != "continued"] == [
        ("03 12:00", "fired", "unusual"),
        ("18 12:00", "ended", "unusual"),
    ]
    assert (told.incident.first_day, told.incident.span.start) == (date(2026, 11, 1), date(2026, 11, 14))
    notes = {f.span.start.day: f.note for f in found(told, "2026-11-18T12:00").findings if f.top}
    assert set(notes.values()) == {"as much as this on 14 days since 1 Nov: from now on it counts as usual"}
    assert not any(f.note for f in found(told, "2026-11-15T12:00").findings)


def test_fewer_than_fourteen_days_are_learning():
    told = story(usual(50)[:0]).spend("2026-10-20", [*usual(12), 900])
    [unjudged] = found(told, "2026-11-03T12:00").unjudged
    assert (unjudged.group, unjudged.reason) == (
        ("proj_a",),
        "learning: 13 settled days since its first, needs 15",
    )
    young = story([], history_from=date(2026, 10, 20)).spend("2026-10-20", usual(13))
    [unjudged] = found(young, "2026-11-03T12:00").unjudged
    assert (unjudged.group, unjudged.reason) == (None, "learning: history from 20 Oct, needs 18 Oct")


@pytest.mark.parametrize(
    ("ignored", "heard"),
    [
        pytest.param("1% of org", False, id="below-a-share-of-the-whole-day"),
        pytest.param("0.2% of org", True, id="above-a-share"),
        pytest.param("$7", False, id="below-dollars"),
        pytest.param("$5", True, id="above-dollars"),
        pytest.param("0", True, id="nothing-is-ignored"),
    ],
)
def test_small_days_say_nothing(ignored, heard):
    told = many(2, rule(f"ignore_below: {ignored}"))
    told.spend(START, usual(130, level=1000), 0)
    told.spend(START, [*usual(123, level=1), 6, *usual(6, level=1)], 1)
    assert (("proj_1",) in {group for _, group in high(told, "2026-11-03T12:00")}) is heard


def test_at_most_holds_over_all_groups_and_what_was_said_stays_said():
    told = many(20, rule("at_most: 1 per week", "ignore_below: 0"))
    for n in told.series:
        days, random = usual(140, n), Random(n)
        for _ in range(3):
            days[random.randrange(14, 130)] *= 4 + random.random()
        told.spend(START, days, n)
    said = told.run("2026-10-01T12:00", "2026-11-10T12:00", timedelta(days=1))
    fired = [one for one in said if one[1] == "fired"]
    assert 3 <= len(fired) <= 7  # in six weeks; without the cap, twenty
    assert not [one for one in said if one[1] == "corrected"]


def test_the_threshold_of_a_day_rests_on_nothing_later():
    told = many(12, rule("at_most: 1 per month", "ignore_below: 0"))
    for n in told.series:
        days = usual(140, n)
        days[100 + 3 * n] *= 3 + n / 10
        told.spend(START, days, n)
    before = set(high(told, "2026-11-01T12:00"))
    after = set(high(told, "2026-11-04T12:00"))
    shared = [date(2026, 10, 26) + timedelta(n) for n in range(4)]
    assert before
    assert {one for one in before if one[0] in shared} == {one for one in after if one[0] in shared}


def test_it_must_hold_for_as_many_days_as_it_says():
    told = story([*usual(123), 600, 600, *usual(10)], rule("for: 2d"))
    assert told.run("2026-10-20T12:00", "2026-11-12T12:00") == [
        ("04 12:00", "fired", "unusual"),
        ("06 12:00", "ended", "unusual"),
    ]


def test_usage_is_judged_as_cost_is():
    told = story([1] * 140, rule("metric: requests", "ignore_below: 50"))
    told.usage["num_model_requests"] = {
        (START + timedelta(n), 1): round(value) for n, value in enumerate([*usual(123), 600])
    }
    [day] = [f for f in found(told, "2026-11-03T12:00").findings if f.top]
    assert day.rule.unit.show(day.value) == "600 requests"


def test_who_is_watched_is_told_of_and_who_is_not_is_left_out():
    told = many(3, rule())
    for n in told.series:
        told.spend(START, usual(140, n), n)
    watched = {"r": {("proj_1",), ("proj_gone",)}}
    groups = {f.group for f in found(told, "2026-11-03T12:00", watched).findings if not f.closed}
    assert groups == {("proj_1",), ("proj_gone",)}
    assert found(told, "2026-11-03T12:00", {}).findings == ()


def test_a_day_is_scored_once_for_all_looks_and_the_next_day_alone():
    told = many(40, rule("ignore_below: 0"))
    for n in told.series:
        told.spend(START, usual(140, n), n)
    now = at("2026-11-10T12:00")
    first = evaluate(told.book, told.view(now), now, {})
    before = MEMORY.added
    assert evaluate(told.book, told.view(now), now, {}) == first
    later = now + timedelta(hours=9)
    assert evaluate(told.book, told.view(later), later, {}) == first
    assert MEMORY.added == before
    tomorrow = now + timedelta(days=1)
    evaluate(told.book, told.view(tomorrow), tomorrow, {})
    assert MEMORY.added == before + 40


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=20))
def test_what_is_remembered_is_what_would_be_reckoned(asked):
    memory, days = Memory(3), tuple(round(value) for value in usual(60))
    for length, other in asked:
        row = days[:length] if not other else (*days[: length // 2], 7)
        assert memory.scored(START, row) == score(START, row)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param(
            [], "unusual days, at most 3 per week, none below 1% of the organization's day", id="bare"
        ),
        pytest.param(
            ["at_most: 1 per month", "ignore_below: $50"],
            "unusual days, at most 1 per month, none below $50",
            id="dollars",
        ),
        pytest.param(
            ["metric: input_tokens", "ignore_below: '5,000'"],
            "unusual days, at most 3 per week, none below 5,000 input tokens",
            id="usage",
        ),
    ],
)
def test_it_says_what_it_asks_in_a_few_words(lines, words):
    [only] = book_of(rule(*lines)).rules
    assert KINDS["anomaly"].summary(only) == words


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.booleans(), max_size=60))
def test_high_days_alone_form_the_same_episodes(days):
    scored = [Scored(START + timedelta(n), 1, 1, BASE if is_high else 0.0) for n, is_high in enumerate(days)]
    known = episodes(scored)
    found_ = stretches(day.day for day in scored if day.score >= BASE)
    assert [(one.since, one.days[-1]) for one in found_] == [(one.since, one.last_high) for one in known]
    for one, episode in zip(found_, known, strict=True):
        assert (one.accepted and episode.ended is not None) == episode.accepted


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(-50, 900)), max_size=12),
    st.sampled_from(("1 per month", "3 per week")),
    st.randoms(use_true_random=False),
)
def test_no_story_says_anything_twice_and_the_order_of_rows_does_not_matter(spans, at_most, random):
    tellings = []
    spent = usual(25) + [value for length, value in spans for _ in range(length)]
    for mixes in (False, True):
        told = story(spent, rule(f"at_most: {at_most}"), history_from=START)
        if mixes:
            rows = list(told.cost.items())
            random.shuffle(rows)
            told.cost = dict(rows)
        told.run("2026-07-01T06:00", "2026-10-30T06:00", timedelta(hours=23))
        tellings.append([event.key for event in told.events])
        assert told.tick(told.replay.at_last) == []
    assert len(tellings[0]) == len(set(tellings[0]))
    assert tellings[0] == tellings[1]


def test_any_day_of_a_leap_year_can_be_judged():
    told = Story(book_of(RULE)).spend("2027-06-01", [100 + n % 7 * 60 for n in range(580)])
    now = at("2028-01-01T00:00")
    while now.year == 2028:
        assert not evaluate(told.book, told.view(now), now).broken
        now += timedelta(hours=61)


def test_what_ended_says_that_the_run_is_over():
    told = story([*usual(123), 600, *usual(10)])
    told.run("2026-10-20T12:00", "2026-11-12T12:00")
    assert told.events[-1].reason == Reason.RUN_OVER
