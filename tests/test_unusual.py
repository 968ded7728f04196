"""Unusual days: found once, told apart from weekends, and accepted in the end."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.money import NANO
from bot.core.unusual import BASE, episodes, judge, score, threshold_for

MONDAY = date(2026, 8, 31)
OFFICE = (100, 100, 100, 100, 100, 20, 10)


def noisy(days, seed=1, noise=0.1):
    random = Random(seed)
    return [round(OFFICE[day % 7] * random.lognormvariate(0, noise) * NANO) for day in range(days)]


def on(day):
    return MONDAY + timedelta(days=day)


def raised(values, at, factor, days=1):
    return [value * factor if at <= place < at + days else value for place, value in enumerate(values)]


def test_a_tripled_tuesday_is_unusual_and_says_what_was_expected():
    verdict = judge(score(MONDAY, raised(noisy(58), 57, 3)), 3.0)
    assert verdict.high
    assert verdict.episode.since == verdict.day.day == on(57)
    assert verdict.day.expected == pytest.approx(100 * NANO, rel=0.15)
    assert verdict.day.over == verdict.day.value - verdict.day.expected
    assert verdict.episode.peak == verdict.day


def test_monday_after_a_weekend_is_usual_and_a_working_saturday_is_not():
    days = score(MONDAY, [value * NANO for value in OFFICE * 8] + [100 * NANO])
    assert judge(days).episode is None
    worked = [value * NANO for value in OFFICE * 8]
    worked[47] = 80 * NANO  # the seventh Saturday: little for a Monday
    assert [one.since for one in episodes(score(MONDAY, worked), 2.5)] == [on(47)]
    assert on(47).weekday() == 5


@pytest.mark.parametrize(
    ("days", "scored"),
    [pytest.param(14, 0, id="14 days are history, not yet judged"), pytest.param(15, 1, id="the 15th is")],
)
def test_nothing_is_scored_on_a_fragment(days, scored):
    assert len(score(MONDAY, noisy(days))) == scored
    assert len(score(MONDAY, [0] * 40 + noisy(days))) == scored  # zeros before the launch are no history
    assert (judge(score(MONDAY, noisy(days))) is None) == (scored == 0)


def test_one_run_is_one_episode_until_two_normal_days():
    values = raised(raised(noisy(80), 57, 4), 59, 4)  # high, normal, high
    found = episodes(score(MONDAY, values), 3.0)
    assert [(one.since, one.last_high, one.ended) for one in found] == [(on(57), on(59), on(61))]
    assert not found[0].accepted
    going = judge(score(MONDAY, values)[: 58 - 14 + 1], 3.0)
    assert going.day.day == on(58)
    assert (going.high, going.episode.since, going.episode.ended) == (False, on(57), None)


def test_a_new_level_is_accepted_after_fourteen_days_and_a_higher_one_is_said_again():
    values = raised(raised(noisy(110), 57, 3, days=60), 85, 3, days=60)
    days = score(MONDAY, values)
    found = episodes(days, BASE)
    first = next(one for one in found if one.since == on(57))
    assert first.accepted
    assert first.ended == on(70)
    assert judge(days[: 70 - 14 + 1]).episode.accepted  # said on that day,
    assert judge(days[: 74 - 14 + 1]).episode is None  # and usual afterwards
    assert days[74 - 14].expected == pytest.approx(300 * NANO, rel=0.25)
    assert any(one.since == on(85) for one in found)


def test_small_amounts_are_ignored():
    days = score(MONDAY, raised(noisy(58), 57, 3))
    assert judge(days, 3.0, ignore_below=1_000 * NANO).episode is None
    assert judge(days, 3.0, ignore_below=50 * NANO).high
    shares = [50 * NANO] * (len(days) - 1) + [1_000 * NANO]
    assert judge(days, 3.0, ignore_below=shares).episode is None


@pytest.mark.parametrize(
    "per_week", [pytest.param(3, id="three a week"), pytest.param(0.25, id="one in four weeks")]
)
def test_at_most_raises_the_threshold_until_it_would_have_kept_to_it(per_week):
    groups = [score(MONDAY, noisy(100, seed, 0.3)) for seed in range(60)]
    from_day = on(99 - 55)

    def spoken(threshold):
        return sum(one.since >= from_day for days in groups for one in episodes(days, threshold))

    threshold = threshold_for(groups, per_week)
    assert spoken(BASE) > per_week * 8
    assert threshold > BASE
    assert spoken(threshold) <= per_week * 8
    assert spoken(threshold * 0.95) > per_week * 8 * 0.7  # and no higher than needed
    assert threshold_for(list(reversed(groups)), per_week) == threshold


def test_at_most_never_lowers_the_base():
    quiet = [score(MONDAY, [100 * NANO] * 100)]
    assert threshold_for(quiet, 3) == BASE
    assert threshold_for([], 3) == BASE
    assert threshold_for([()], 3, base=5.0) == 5.0


def test_a_credit_is_no_rise_and_nothing_is_divided_by_it():
    values = noisy(60)
    values[57] = -500 * NANO
    days = score(MONDAY, values)
    assert days[57 - 14].value == -500 * NANO
    assert days[57 - 14].score < 0
    assert days[-1].score < BASE


def test_yesterdays_score_stands_when_today_arrives():
    values = raised(noisy(90), 60, 3, days=20)
    whole = score(MONDAY, values)
    assert all(score(MONDAY, values[:known]) == whole[: known - 14] for known in range(15, 90))


amounts = st.one_of(
    st.just(0), st.integers(0, 3), st.integers(-(10**12), 10**12), st.integers(-(2**62), 2**62)
)


@given(st.lists(amounts, max_size=80), st.integers(0, 40))
@settings(max_examples=150, deadline=None)
def test_no_series_makes_it_stumble(values, silence):
    days = score(MONDAY, values + [0] * silence + values[:5])
    for day in days:
        assert day.expected >= 0
        assert abs(day.score) < 10_000
    for one in episodes(days):
        assert one.since <= one.last_high <= (one.ended or one.last_high)
    judge(days)
    assert threshold_for([days], 0.1) >= BASE


@given(st.lists(st.integers(0, 10**9), min_size=20, max_size=80), st.sampled_from([2, 1000, 10**6]))
@settings(max_examples=60, deadline=None)
def test_a_larger_unit_changes_nothing_else(values, factor):
    small, large = score(MONDAY, values), score(MONDAY, [value * factor for value in values])
    assert [day.score for day in large] == pytest.approx([day.score for day in small], rel=1e-6, abs=1e-6)
