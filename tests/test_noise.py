"""The simulated month runs, and what it counts is what rooms hear."""

from collections import Counter
from datetime import timedelta

import pytest
from evaluation.tables import plain
from noise import __main__ as noise
from noise.organization import TEAMS, organization
from noise.rulebook import rulebook
from noise.simulate import simulate
from noise.tables import table


@pytest.fixture(scope="module")
def heard():
    made = organization(3, 60_000, 10, noise.BEGINS, 6)
    return simulate(made, rulebook(made, teams=True), every=timedelta(minutes=80), asked_again=3)


def test_polls_that_are_passed_over_would_have_said_nothing(heard):
    assert heard.polls == 6 * 18 - 1
    assert heard.judged < heard.polls
    assert heard.idle_checked > 0  # each asserts that nothing came of it


def test_a_daily_cap_breached_every_day_is_one_message(heard):
    runs = [mark for mark, (rule, days) in heard.runs.items() if rule == "model-day" and days >= 5]
    assert runs
    for mark in runs:
        forms = Counter(one.form for one in heard.said if mark in one.about)
        assert forms["message"] == 1
        assert forms["broadcast"] <= len(next(one.about for one in heard.said if mark in one.about))


def test_teams_hear_of_their_own_and_the_table_counts_every_message(heard):
    aloud = Counter(one.room for one in heard.said if one.form != "thread")
    assert set(aloud) <= {*TEAMS, "finops", "exec"}
    assert len(aloud) > 2
    sentence, (head, *rows) = table("a month", heard)
    assert sentence.startswith("a month: ")
    assert head[:2] == ["room", "week 1"]
    busiest = next(row for row in rows if row[0] == "the busiest team")
    assert int(busiest[1]) == max(aloud[team] for team in TEAMS)
    assert plain(sentence, [head, *rows])


def test_an_organization_is_the_same_for_a_seed():
    one, other = (organization(5, 20_000, 8, noise.BEGINS, 10) for _ in range(2))
    assert (one.spent, one.late) == (other.spent, other.late)
    month = sum(amount for (_, day), amount in one.spent.items() if day < one.begins) / 5
    assert 10_000 < month / 10**9 < 40_000
