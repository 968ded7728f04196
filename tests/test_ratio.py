"""`kind: ratio`: cost per so many requests, the share that was cached, any two metrics, exactly."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.dimension import Series
from bot.core.evaluate import evaluate
from bot.core.kinds import KINDS
from bot.core.period import Span
from tests.replaying import DOLLAR, Story, at, book_of

PER_1K = """
  - id: support-cost-per-1k
    kind: ratio
    select: {project: support-bot}
    each: model
    numerator: cost
    denominator: requests
    per: 1000
    window: 7d
    when: {above: 4.00}
    min_denominator: 10,000
    severity: warning
"""
CACHED = """
  - id: support-cache-hit
    kind: ratio
    select: {project: support-bot}
    numerator: input_cached_tokens
    denominator: input_tokens
    window: 3d
    when: {below: 35%}
    for: 2d
    severity: info
"""
START = date(2026, 9, 1)
REQUESTS = "num_model_requests"
SUPPORT = {
    1: Series(project_id="support-bot", line_item="gpt-5.2-2025-12-11, input"),
    2: Series(project_id="support-bot", line_item="gpt-5.2-2025-12-11, output"),
    3: Series(project_id="support-bot", endpoint="completions", model="gpt-5.2-2025-12-11"),
    4: Series(project_id="support-bot", line_item="web search tool calls"),
    5: Series(project_id="elsewhere", line_item="gpt-5.2-2025-12-11, input"),
}


def rule(numerator, denominator, *lines):
    head = f"\n  - id: r\n    kind: ratio\n    numerator: {numerator}\n    denominator: {denominator}\n"
    return head + "".join(f"    {line}\n" for line in lines)


class Two(Story):
    """A story of two metrics."""

    def count(self, metric, values, number=3, first=START):
        kept = self.usage.setdefault(metric, {})
        kept.update({(first + timedelta(place), number): value for place, value in enumerate(values)})
        return self


def story(rules, **more):
    return Two(book_of(rules), SUPPORT, **more)


def found(told, now, watched=None):
    evaluation = evaluate(told.book, told.view(at(now)), at(now), watched)
    assert not evaluation.broken
    return evaluation


def newest(told, now="2026-11-03T12:00"):
    [finding] = [f for f in found(told, now).findings if not f.closed]
    return finding


def test_cost_per_thousand_requests_of_each_model():
    told = story(PER_1K).spend(START, [4] * 62).spend(START, [6] * 62, 2).spend(START, [500] * 62, 5)
    told.count(REQUESTS, [2000] * 62)
    finding = newest(told)
    assert finding.group == ("gpt-5.2-2025-12-11",)
    assert (finding.value, finding.amount) == (5 * DOLLAR, 4 * DOLLAR)
    assert finding.rule.unit.show(finding.value) == "$5.00 per 1,000 requests"
    assert finding.span == Span(date(2026, 11, 1), date(2026, 11, 2))
    assert finding.over == Span(date(2026, 10, 26), date(2026, 11, 2))
    assert [(level.label, level.severity, level.at(finding.amount)) for level in finding.levels] == [
        ("above $4.00", "warning", 4 * DOLLAR)
    ]
    assert finding.top


def test_a_group_without_its_denominator_is_learning_and_never_infinite():
    told = story(PER_1K).spend(START, [4] * 62).spend(START, [50] * 62, 4).count(REQUESTS, [1428] * 62)
    evaluation = found(told, "2026-11-03T12:00")
    assert evaluation.findings == ()
    assert {one.group: one.reason for one in evaluation.unjudged} == {
        ("gpt-5.2-2025-12-11",): "learning: 9,996 requests in 7 days, needs 10,000",
        ("",): "learning: 0 requests in 7 days, needs 10,000",
    }


@pytest.mark.parametrize(
    ("spent", "requests", "when", "fires"),
    [
        pytest.param("8", 2000, "above: 4.00", False, id="exactly-is-not-above"),
        pytest.param("8.000000001", 2000, "above: 4.00", True, id="a-nano-dollar-more"),
        pytest.param("8", 2000, "below: 4.00", False, id="exactly-is-not-below"),
        pytest.param("7.999999999", 2000, "below: $4", True, id="a-nano-dollar-less"),
        pytest.param("0.01", 3, "above: 3.333333333", True, id="thirds-are-not-rounded"),
        pytest.param("0.01", 3, "above: 3.333333334", False, id="thirds-are-not-rounded-up"),
        pytest.param("-5", 100, "above: 0", False, id="credits-are-below-nothing"),
    ],
)
def test_a_bound_is_compared_exactly(spent, requests, when, fires):
    told = story(rule("cost", "requests", "per: 1000", "window: 1d", f"when: {{{when}}}"))
    told.spend(START, [0] * 61 + [spent := float(spent)]).count(REQUESTS, [requests] * 62)
    assert bool(newest(told).top) is fires


@pytest.mark.parametrize(
    ("before", "after", "when", "fires"),
    [
        pytest.param((10, 1000), (13, 1000), "increase: 30%", True, id="exactly-30-percent-more"),
        pytest.param((10, 1000), (12.999999999, 1000), "increase: 30%", False, id="almost"),
        pytest.param((10, 1000), (13, 1001), "increase: 30%", False, id="one-request-more"),
        pytest.param((10, 1000), (10, 1000), "decrease: 0.001%", False, id="the-same"),
        pytest.param((10, 3), (7, 3), "decrease: 30%", True, id="exactly-30-percent-less"),
        pytest.param((0, 1000), (10, 1000), "increase: 30%", None, id="of-nothing"),
        pytest.param((10, 9), (90, 1000), "increase: 30%", None, id="of-too-few"),
    ],
)
def test_a_ratio_against_the_days_before(before, after, when, fires):
    lines = ("per: 1000", "window: 2d", f"when: {{{when}}}", f"min_denominator: {before[1] * 2}")
    if before[1] == 9:
        lines = (*lines[:3], "min_denominator: 100")
    told = story(rule("cost", "requests", *lines))
    told.spend(START, [before[0]] * 60 + [after[0]] * 2)
    told.count(REQUESTS, [before[1]] * 60 + [after[1]] * 2)
    evaluation = found(told, "2026-11-03T12:00")
    newest_ones = [f for f in evaluation.findings if not f.closed]
    assert [bool(f.top) for f in newest_ones] == ([] if fires is None else [fires])
    assert [one.state for one in evaluation.unjudged] == (["learning"] if fires is None else [])


def test_two_counts_of_one_thing_are_a_share():
    told = story(CACHED).spend(START, [1] * 62)
    told.count("input_tokens", [1000] * 62).count("input_cached_tokens", [400] * 58 + [200] * 4)
    finding = newest(told)
    assert finding.rule.unit.show(finding.value) == "20%"
    assert finding.rule.unit.show(finding.amount) == "35%"
    assert finding.holding == ("below 35%",)
    assert finding.severity == "info"


def test_a_share_falls_must_hold_two_days_and_ends():
    told = story(CACHED).spend(START, [1] * 90)
    told.count("input_tokens", [1000] * 90).count("input_cached_tokens", [400] * 58 + [200] * 5 + [400] * 27)
    said = told.run("2026-10-20T12:00", "2026-11-20T12:00")
    # Below on 29 Oct (1,000 of 3,000) and up to 4 Nov, so two days in a row from 30 Oct on, settled on 1 Nov.
    assert said == [("01 12:00", "fired", "below 35%"), ("08 12:00", "ended", "below 35%")]


def test_from_quiet_to_firing_and_back_with_a_correction():
    told = story(PER_1K).spend(START, [6] * 60 + [40] * 2 + [6] * 20).count(REQUESTS, [2000] * 90)
    assert told.run("2026-10-20T12:00", "2026-11-02T12:00") == [("02 12:00", "fired", "above $4.00")]
    told.spend("2026-10-31", [6, 6])
    [event] = told.tick("2026-11-02T13:00")
    assert (event.transition, event.reason) == ("corrected", "corrected")
    assert told.run("2026-11-02T14:00", "2026-11-20T12:00") == []


def test_the_oldest_of_both_sources_decides_what_is_settled():
    told = story(PER_1K).spend(START, [10] * 62).count(REQUESTS, [2000] * 62)
    now = at("2026-11-03T12:00")
    view = told.view(now)
    view.usage[REQUESTS].as_of = now - timedelta(hours=1)
    [finding] = [f for f in evaluate(told.book, view, now).findings if not f.closed]
    assert finding.span.start == date(2026, 10, 31)


def test_without_usage_there_is_no_data():
    told = story(PER_1K).spend(START, [10] * 62)
    [unjudged] = found(told, "2026-11-03T12:00").unjudged
    assert (unjudged.state, unjudged.reason) == ("nodata", "source stale: no requests stored yet")


def test_the_smallest_groups_are_one_ratio_beyond_the_limit():
    series = {n: Series(project_id=f"proj_{n}", line_item="x") for n in range(1, 4)}
    rules = rule("cost", "requests", "each: project", "per: 1000", "when: {above: 4}", "limit: 1")
    told = Two(book_of(rules), series)
    for n, (spent, requests) in {1: (1, 1000), 2: (2, 100), 3: (3, 150)}.items():
        told.spend(START, [spent] * 62, n).count(REQUESTS, [requests] * 62, n)
    values = {f.group: f.value for f in found(told, "2026-11-03T12:00").findings if not f.closed}
    assert values == {("proj_1",): DOLLAR, ("(other)",): 20 * DOLLAR}


UNITS = [
    pytest.param(("cost", "requests"), ["when: {above: 0.0042}"], "$0.03 per request", "above $0.0042", id="one"),
    pytest.param(
        ("cost", "requests"), ["per: 1000", "when: {above: 1,500}"], "$30.00 per 1,000 requests",
        "above $1,500.00", id="thousand",
    ),
    pytest.param(
        ("seconds", "requests"), ["when: {above: 1.5}"], "3 seconds of audio per request", "above 1.5", id="plain"
    ),
    pytest.param(
        ("output_tokens", "input_tokens"), ["when: {above: 120.5%}"], "300%", "above 120.5%", id="share"
    ),
    pytest.param(
        ("output_tokens", "input_tokens"), ["per: 1", "when: {above: 0.5}"],
        "3 output tokens per input token", "above 0.5", id="per-one-is-no-share",
    ),
    pytest.param(
        ("requests", "cost"), ["per: 10", "when: {below: 40}"], "33,333.33 requests per $10", "below 40",
        id="per-dollar",
    ),
    pytest.param(
        ("cost", "images"), ["when: {increase: 12.5%}"], "$0.03 per image", "+12.5%", id="percentage"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("metrics", "lines", "shown", "level"), UNITS)
def test_a_ratio_is_told_in_the_words_of_its_metrics(metrics, lines, shown, level):
    told = story(rule(*metrics, *(line.replace("1,500", "'1,500'") for line in lines)))
    told.spend(START, [0.03] * 62)
    for name in {
        "seconds": 300,
        "output_tokens": 300,
        "input_tokens": 100,
        "images": 1,
        REQUESTS: 100,
    }.items():
        told.count(name[0], [name[1]] * 62)
    if metrics[1] == "requests" and metrics[0] == "cost":
        told.count(REQUESTS, [1] * 62)
    finding = newest(told)
    assert finding.rule.unit.show(finding.value) == shown
    assert [one.label for one in finding.levels] == [level]


def test_a_ratio_of_nearly_nothing_is_no_more_than_can_be_stored():
    told = story(rule("input_tokens", "output_tokens", "per: '1,000,000,000'", "when: {above: 1}"))
    told.count("input_tokens", [10**15] * 62).count("output_tokens", [1] * 62).spend(START, [1])
    finding = newest(told)
    assert finding.value == 2**63 - 1
    assert finding.top


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(PER_1K, "cost per 1,000 requests above $4.00 over 7 days", id="cost"),
        pytest.param(CACHED, "cached input tokens in input tokens below 35% over 3 days", id="share"),
        pytest.param(
            rule("seconds", "requests", "window: 1d", "when: {decrease: 5%}"),
            "seconds of audio per request 5% less than the day before",
            id="moves",
        ),
    ],
)
def test_it_says_what_it_asks_in_a_few_words(text, words):
    [only] = book_of(text).rules
    assert KINDS["ratio"].summary(only) == words


def test_both_metrics_are_needed_as_far_back_as_the_windows_go():
    [only] = book_of(rule("cost", "requests", "window: 10d", "when: {increase: 5%}", "for: 3d")).rules
    wanted = KINDS["ratio"].needs(only, at("2026-11-20T18:00"))
    assert wanted.metrics == {"cost", REQUESTS}
    # Settled up to the 18th, read a day before that: 7 judged days, 19 before each, 2 more that must hold.
    assert wanted.daily == date(2026, 11, 19) - timedelta(1 + 7 + 19 + 2)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(-5, 40), st.integers(0, 3000)), min_size=30, max_size=60),
    st.sampled_from(("above: 4", "below: 4", "increase: 30%", "decrease: 30%")),
    st.sampled_from(("1d", "2d")),
)
def test_no_story_says_anything_twice(days, when, held):
    told = story(
        rule("cost", "requests", "window: 3d", "per: 1000", f"when: {{{when}}}", f"for: {held}"),
        history_from=START,
    )
    told.spend(START, [spent for spent, _ in days]).count(REQUESTS, [requests for _, requests in days])
    told.run("2026-09-01T06:00", "2026-11-10T06:00", timedelta(hours=23))
    keys = [event.key for event in told.events]
    assert len(keys) == len(set(keys))
    assert told.tick(told.replay.at_last) == []


def test_any_day_of_a_leap_year_can_be_judged():
    told = story(PER_1K + CACHED).spend("2027-11-01", [n % 9 for n in range(430)])
    for metric in (REQUESTS, "input_tokens", "input_cached_tokens"):
        told.count(metric, [n % 7 * 1000 for n in range(430)], first=date(2027, 11, 1))
    now = at("2028-01-01T00:00")
    while now.year == 2028:
        assert not evaluate(told.book, told.view(now), now).broken
        now += timedelta(hours=61)
