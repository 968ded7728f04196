"""`kind: change`: settled days against as many before them, exactly, from quiet to firing and back."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.dimension import Series
from bot.core.evaluate import evaluate
from bot.core.incident import Reason
from bot.core.kinds import KINDS
from bot.core.period import Span
from bot.core.view import Source
from tests.replaying import DOLLAR, Story, at, book_of

RULE = """
  - id: project-week
    kind: change
    each: project
    window: 7d
    when: {increase: 40%, at_least: $250}
    critical_above: $5,000
    route: team
"""
PAIR = {
    1: Series(project_id="proj_a", line_item="gpt-5.2, input"),
    2: Series(project_id="proj_b", line_item="gpt-5.2, input"),
}


def story(rules=RULE, **more):
    return Story(book_of(rules), **more)


def rule(*lines):
    return "\n  - id: r\n    kind: change\n    each: project\n" + "".join(f"    {line}\n" for line in lines)


def found(told, now, watched=None):
    evaluation = evaluate(told.book, told.view(at(now)), at(now), watched)
    assert not evaluation.broken
    return evaluation


def newest(told, now):
    [finding] = [f for f in found(told, now).findings if not f.closed]
    return finding


def test_the_window_is_settled_days_against_as_many_before_them():
    told = story().spend("2026-09-01", "100x61 200x7 900x3")
    finding = newest(told, "2026-11-09T12:00")
    assert (finding.value, finding.amount) == (1400 * DOLLAR, 700 * DOLLAR)
    assert finding.span == Span(date(2026, 11, 7), date(2026, 11, 8))
    assert finding.over == Span(date(2026, 11, 1), date(2026, 11, 8))
    assert [(level.label, level.severity, level.at(700 * DOLLAR)) for level in finding.levels] == [
        ("+40%", "warning", 980 * DOLLAR),
        ("$5,000 over", "critical", 5700 * DOLLAR),
    ]
    assert finding.holding == ("+40%",)


@pytest.mark.parametrize(
    ("before", "after", "when", "fires"),
    [
        pytest.param("100", "140", "increase: 40%", True, id="exactly-40-percent"),
        pytest.param("100", "139.999999999", "increase: 40%", False, id="a-nano-dollar-a-day-less"),
        pytest.param("3", "4.2", "increase: 40%", True, id="no-float-decides"),
        pytest.param("100", "112.5", "increase: 12.5%", True, id="exactly-12.5-percent"),
        pytest.param("100", "112.4", "increase: 12.5%", False, id="less-than-12.5-percent"),
        pytest.param("10", "45", "increase: 40%, at_least: $250", False, id="many-percent-of-little"),
        pytest.param("1000", "1100", "increase: 40%, at_least: $250", False, id="many-dollars-few-percent"),
        pytest.param("62.5", "98.214285715", "increase: 40%, at_least: $250", True, id="both-exactly"),
        pytest.param("100", "60", "decrease: 40%", True, id="exactly-40-percent-less"),
        pytest.param("100", "60.000000001", "decrease: 40%", False, id="not-quite-less"),
        pytest.param("100", "0", "decrease: 100%", True, id="nothing-any-more"),
        pytest.param("100", "0", "decrease: 40%, at_least: $701", False, id="less-by-too-little"),
        pytest.param("100", "100", "increase: 0.1%", False, id="the-same"),
    ],
)
def test_both_of_when_must_hold_exactly(before, after, when, fires):
    told = story(rule(f"when: {{{when}}}")).spend("2026-09-01", f"{before}x61 {after}x7")
    assert bool(newest(told, "2026-11-09T12:00").top) is fires


def test_it_fires_goes_on_rises_and_ends_in_one_message():
    told = story().spend("2026-09-01", "100x61 300x30 3000x10")
    assert told.run("2026-10-28T12:00", "2026-12-20T12:00") == [
        ("04 12:00", "fired", "+40%"),
        ("15 12:00", "ended", "+40%"),
        ("03 12:00", "fired", "+40%"),
        ("04 12:00", "raised", "$5,000 over"),
        ("05 12:00", "continued", "$5,000 over"),
        ("06 12:00", "continued", "$5,000 over"),
        ("14 12:00", "ended", "$5,000 over"),
    ]
    assert len(told.replay.incidents) == 2
    assert told.incident.reason == Reason.RUN_OVER


def test_it_speaks_when_the_day_has_settled_and_never_of_todays_part():
    told = story().spend("2026-09-01", "100x61 5000")
    assert told.run("2026-11-01T00:00", "2026-11-03T11:00", timedelta(hours=1)) == []
    [event] = told.tick("2026-11-03T12:00")
    assert (event.transition, event.period) == ("fired", "1 Nov")


def test_a_revision_that_takes_it_back_is_corrected_once():
    told = story().spend("2026-09-01", "100x61 1000 100x9")
    told.run("2026-10-20T12:00", "2026-11-03T12:00")
    told.spend("2026-11-01", [100])
    [event] = told.tick("2026-11-03T13:00")
    assert (event.transition, event.reason) == ("corrected", Reason.CORRECTED)
    assert told.run("2026-11-03T14:00", "2026-11-12T12:00") == []


def test_late_data_of_an_older_day_is_still_said():
    told = story().spend("2026-09-01", "100x61 100x9")
    told.run("2026-10-20T12:00", "2026-11-05T12:00")
    told.spend("2026-11-01", [1000])
    [event] = told.tick("2026-11-05T13:00")
    assert (event.transition, event.value) == ("fired", 1600 * DOLLAR)


def test_it_must_hold_for_as_many_days_as_it_says():
    spent = "100x61 800 100x9"
    told = story(rule("window: 3d", "when: {increase: 100%}", "for: 3d")).spend("2026-09-01", spent)
    assert told.run("2026-10-20T12:00", "2026-11-04T18:00") == []
    assert newest(told, "2026-11-04T12:00").pending
    assert told.run("2026-11-05T00:00", "2026-11-12T12:00") == [
        ("05 12:00", "fired", "+100%"),
        ("07 12:00", "ended", "+100%"),
    ]
    longer = story(rule("window: 3d", "when: {increase: 100%}", "for: 4d")).spend("2026-09-01", spent)
    assert longer.run("2026-10-20T12:00", "2026-11-12T12:00") == []


def test_less_than_the_smallest_baseline_is_learning_and_never_infinite():
    told = story(rule("when: {increase: 40%}")).spend("2026-09-01", "1.42x61 500x7")
    evaluation = found(told, "2026-11-09T12:00")
    [unjudged] = evaluation.unjudged
    assert (unjudged.group, unjudged.state) == (("proj_a",), "learning")
    assert unjudged.reason == "learning: $9.94 in the days before, needs $10"
    assert not [f for f in evaluation.findings if f.top]
    smaller = story(rule("when: {increase: 40%}", "min_base: 5")).spend("2026-09-01", "1.42x61 500x7")
    assert newest(smaller, "2026-11-09T12:00").top


def test_a_group_whose_first_spend_is_within_the_windows_is_learning():
    told = story(rule("when: {increase: 40%}")).spend("2026-10-30", "100x40")
    assert told.run("2026-10-25T12:00", "2026-12-10T12:00") == []
    [unjudged] = found(told, "2026-11-09T12:00").unjudged
    assert unjudged.reason == "learning: nothing before 30 Oct, needs 25 Oct"
    assert found(told, "2026-11-14T12:00").unjudged == ()


def test_a_group_that_paused_is_no_new_one():
    told = story(rule("when: {increase: 40%}")).spend("2026-10-05", [50, *[0] * 20, *[20] * 7, *[60] * 7])
    finding = newest(told, "2026-11-10T12:00")
    assert (finding.amount, bool(finding.top)) == (140 * DOLLAR, True)


def test_without_history_the_whole_rule_is_learning():
    told = story(history_from=date(2026, 11, 1)).spend("2026-11-01", "100x7")
    [unjudged] = found(told, "2026-11-09T12:00").unjudged
    assert (unjudged.group, unjudged.reason) == (None, "learning: history from 1 Nov, needs 25 Oct")


def test_one_that_fires_ends_when_its_baseline_is_too_small_to_compare():
    told = story(rule("when: {decrease: 40%}")).spend("2026-09-01", "100x61 0x30")
    said = told.run("2026-10-28T12:00", "2026-12-01T12:00")
    # Of 14 Nov the days before are nothing as well.
    assert said == [("05 12:00", "fired", "-40%"), ("17 12:00", "ended", "-40%")]
    assert told.incident.state == "ended"


def test_a_falling_figure_that_recovers_a_little_is_not_said_again():
    # 2 Nov: $200 after $2,000; 3 Nov: $300 after $1,100, which is half as much again, and still far less.
    told = story(rule("window: 2d", "when: {decrease: 60%}")).spend("2026-09-01", "1000x61 100x2 200x40")
    assert told.run("2026-10-28T12:00", "2026-11-30T12:00") == [
        ("04 12:00", "fired", "-60%"),
        ("07 12:00", "ended", "-60%"),
    ]


def test_stale_figures_mute_it_and_what_is_open_stays_open():
    told = story().spend("2026-09-01", "100x61 300x30")
    told.run("2026-10-28T12:00", "2026-11-05T12:00")
    read_at = at("2026-11-05T12:00")
    fresh = replace(told.view(read_at), sources={"costs": Source("costs", read_at)})
    for hours in (25, 200):
        now = read_at + timedelta(hours=hours)
        [unjudged] = evaluate(told.book, fresh, now).unjudged
        assert unjudged.state == "nodata"
        assert unjudged.reason.startswith(Reason.STALE)
        assert [event for one in told.replay.at(fresh, now) for event in one.events] == []
    assert told.incident.state == "firing"


def test_figures_read_before_a_day_settled_are_judged_as_of_then():
    told = story().spend("2026-09-01", "100x61 300x30")
    view = told.view(at("2026-11-05T11:00"))
    late = evaluate(told.book, view, at("2026-11-05T15:00"))
    early = evaluate(told.book, view, at("2026-11-05T11:00"))
    assert late.findings == early.findings
    assert max(f.span.start for f in late.findings) == date(2026, 11, 2)


def test_only_who_is_watched_is_told_of_below():
    told = story(series=PAIR).spend("2026-09-01", "100x61 300x30").spend("2026-09-01", "100x90", 2)
    quiet = found(told, "2026-11-09T12:00", {"project-week": {("proj_b",), ("proj_gone",)}})
    assert {f.group for f in quiet.findings if not f.closed} == {("proj_a",), ("proj_b",), ("proj_gone",)}
    assert {f.group for f in found(told, "2026-11-09T12:00", {}).findings} == {("proj_a",)}


def test_the_smallest_groups_are_one_beyond_the_limit():
    series = {n: Series(project_id=f"proj_{n}", line_item="x") for n in range(1, 6)}
    told = story(rule("when: {increase: 40%}", "limit: 2"), series=series)
    for n in series:
        told.spend("2026-09-01", f"{10 * n}x61 {20 * n}x7", n)
    evaluation = found(told, "2026-11-09T12:00")
    assert {f.group: f.value // DOLLAR for f in evaluation.findings if not f.closed} == {
        ("proj_5",): 700,
        ("proj_4",): 560,
        ("(other)",): 7 * 20 * (1 + 2 + 3),
    }
    assert evaluation.folded == ("r",)


class Bytes(Story):
    """A story whose usage is a level."""

    def _spend(self, cuts, days, now):
        spend = super()._spend(cuts, days, now)
        spend.level = True
        return spend


def test_of_a_level_the_highest_day_of_each_window_counts():
    told = Bytes(book_of(rule("metric: bytes", "when: {increase: 40%, at_least: 400}", "min_base: 1")))
    told.usage["usage_bytes"] = {
        (date(2026, 9, 1) + timedelta(n), 1): 1000 if n < 65 else 1400 for n in range(90)
    }
    finding = newest(told, "2026-11-09T12:00")
    assert (finding.value, finding.amount, bool(finding.top)) == (1400, 1000, True)
    assert finding.rule.unit.show(finding.value) == "1,400 bytes stored"


def test_usage_is_compared_in_its_own_unit():
    told = story(
        rule("metric: requests", "when: {increase: 50%, at_least: 1,000}".replace("1,000", '"1,000"'))
    )
    told.usage["num_model_requests"] = {
        (date(2026, 9, 1) + timedelta(n), 1): 1000 if n < 61 else 1500 for n in range(90)
    }
    finding = newest(told, "2026-11-09T12:00")
    assert finding.rule.unit.show(finding.value) == "10,500 requests"
    assert finding.top


def test_usage_that_is_not_stored_is_no_data():
    told = story(rule("metric: requests", "when: {increase: 50%}"))
    told.spend("2026-09-01", "1x90")
    [unjudged] = found(told, "2026-11-09T12:00").unjudged
    assert (unjudged.state, unjudged.reason) == ("nodata", "source stale: no requests stored yet")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param(
            ["when: {increase: 40%, at_least: $250}"], "40% and $250 more than the 7 days before", id="both"
        ),
        pytest.param(["window: 1d", "when: {decrease: 12.50%}"], "12.5% less than the day before", id="less"),
        pytest.param(
            ["metric: input_tokens", "when: {increase: 2%, at_least: 1000}"],
            "2% and 1,000 input tokens more than the 7 days before",
            id="usage",
        ),
    ],
)
def test_it_says_what_it_asks_in_a_few_words(lines, words):
    [only] = book_of(rule(*lines)).rules
    assert KINDS["change"].summary(only) == words


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(-50, 400)), max_size=12),
    st.sampled_from(("increase: 40%", "decrease: 40%", "increase: 40%, at_least: $250")),
    st.sampled_from(("1d", "2d")),
    st.randoms(use_true_random=False),
)
def test_no_story_says_anything_twice_and_the_order_of_rows_does_not_matter(spans, when, held, random):
    told = story(rule("window: 4d", f"when: {{{when}}}", f"for: {held}"), history_from=date(2026, 8, 1))
    told.spend("2026-08-01", [value for length, value in spans for _ in range(length)])
    mixed = story(rule("window: 4d", f"when: {{{when}}}", f"for: {held}"), history_from=date(2026, 8, 1))
    rows = list(told.cost.items())
    random.shuffle(rows)
    mixed.cost = dict(rows)
    told.run("2026-08-01T06:00", "2026-10-30T06:00", timedelta(hours=23))
    mixed.run("2026-08-01T06:00", "2026-10-30T06:00", timedelta(hours=23))
    keys = [event.key for event in told.events]
    assert len(keys) == len(set(keys))
    assert keys == [event.key for event in mixed.events]
    assert told.tick(told.replay.at_last) == []


def test_any_day_of_a_leap_year_can_be_judged():
    told = story().spend("2027-06-01", [100 + n % 7 * 60 for n in range(580)])
    now = at("2028-01-01T00:00")
    while now.year == 2028:
        assert not evaluate(told.book, told.view(now), now).broken
        now += timedelta(hours=37)


def test_a_rule_as_it_is_written_loads():
    [only] = book_of(RULE).rules
    assert replace(only, origin=None) == replace(
        only, origin=None, window=7, percent="40", at_least=250 * DOLLAR, critical_above=5000 * DOLLAR
    )
