"""`kind: first_seen`: what was not there before is told once, and is news for a week."""

from datetime import date, timedelta

import pytest

from bot.core.dimension import Series
from bot.core.kinds import KINDS
from bot.core.spend import Names
from bot.edge.rule_files import load_texts
from tests.replaying import Story, at, book_of

RULE = "  - {id: new-model, kind: first_seen, dimension: model, each: project, lookback: 90d}\n"
KEYS = "  - {id: new-key, kind: first_seen, dimension: api_key}\n"
SERIES = {
    1: Series("proj_a", "gpt-5.2, input"),
    2: Series("proj_a", "gpt-6, input"),
    3: Series("proj_b", "gpt-6, output"),
    4: Series("proj_a", "web search tool calls"),
    5: Series("proj_a", "gpt-5.2, input", api_key_id="key_old"),
    6: Series("proj_a", "gpt-5.2, input", api_key_id="key_new"),
}
NEW = ("proj_a", "gpt-6")


def story(rules=RULE, **more):
    """A year in which proj_a has always spent $20 a day on gpt-5.2."""
    return Story(book_of(rules), SERIES, **more).spend("2025-01-01", "20x800")


def told(events):
    return [(event.group, event.transition, event.level, event.value // 10**9) for event in events]


def test_a_model_is_told_on_its_first_day_and_never_again():
    s = story()
    assert s.tick("2026-11-03T06:00") == []
    s.spend("2026-11-03", "7", number=2)
    assert told(s.tick("2026-11-03T14:00")) == [(NEW, "fired", "new", 7)]
    assert s.incident.severity == "info"
    s.spend("2026-11-03", "9x30", number=2)
    assert s.run("2026-11-03T15:00", "2026-12-02T00:00") == []
    assert s.incident.state == "ended"
    assert s.incident.reason == "no longer so"


def test_it_is_news_for_a_week():
    s = story()
    s.tick("2026-11-03T06:00")
    s.spend("2026-11-03", "7x30", number=2)
    s.tick("2026-11-03T14:00")
    s.tick("2026-11-09T23:00")
    assert s.incident.state == "firing"
    assert s.incident.value == 49 * 10**9
    s.tick("2026-11-10T00:00")
    assert s.incident.state == "ended"


def test_each_project_has_news_of_its_own():
    s = story()
    s.tick("2026-11-03T06:00")
    s.spend("2026-11-03", "7x60", number=2).spend("2026-11-20", "3x9", number=3)
    assert [group for group, *_ in told(s.tick("2026-11-03T14:00"))] == [NEW]
    assert told(s.tick("2026-11-20T14:00")) == [(("proj_b", "gpt-6"), "fired", "new", 3)]


def test_a_trace_is_told_once_it_comes_to_something():
    s = story()
    s.tick("2026-11-03T06:00")
    s.spend("2026-11-03", "0.30x20", number=2)
    assert s.run("2026-11-03T12:00", "2026-11-05T18:00") == []
    assert told(s.tick("2026-11-06T12:00")) == [(NEW, "fired", "new", 1)]
    s.tick("2026-11-12T12:00")
    assert s.incident.state == "firing"  # a week from the day that made it worth telling
    s.tick("2026-11-13T00:00")
    assert s.incident.state == "ended"


def test_what_takes_more_than_a_month_to_come_to_something_is_no_news():
    s = story()
    s.tick("2026-11-03T06:00")
    s.spend("2026-11-03", "0.02x120", number=2)
    assert s.run("2026-11-03T12:00", "2027-01-30T12:00") == []


@pytest.mark.parametrize(
    ("gap", "new"),
    [
        pytest.param(89, False, id="seen-89-days-before"),
        pytest.param(90, False, id="seen-90-days-before"),
        pytest.param(91, True, id="not-seen-in-90-days"),
    ],
)
def test_what_was_gone_for_the_lookback_is_new_again(gap, new):
    s = story().spend(date(2026, 11, 3) - timedelta(days=gap), "5", number=2)
    s.tick("2026-11-03T00:00")
    s.spend("2026-11-03", "5", number=2)
    assert bool(s.tick("2026-11-03T14:00")) is new


def test_the_first_evaluation_announces_nothing_that_was_there_before_today():
    s = story().spend("2026-11-01", "5x9", number=2).spend("2026-11-03", "6x9", number=3)
    assert told(s.tick("2026-11-03T14:00")) == [(("proj_b", "gpt-6"), "fired", "new", 6)]
    assert s.run("2026-11-03T15:00", "2026-11-20T00:00") == []
    assert {incident.state for incident in s.replay.incidents.values()} == {"ended"}


def test_it_learns_until_history_reaches_back():
    s = story(history_from=date(2026, 10, 18)).spend("2026-11-02", "5x9", number=2)
    assert s.tick("2026-11-03T14:00") == []
    (why,) = s.replay.last.unjudged
    assert (why.state, why.reason) == ("learning", "learning: history from 18 Oct, needs 5 Aug")


def test_history_before_installation_counts_as_seen():
    """The first day of history is no first day of anything."""
    s = story(history_from=date(2026, 8, 1)).spend("2026-08-01", "5x200", number=2)
    assert s.run("2026-11-03T00:00", "2026-11-20T00:00") == []


def test_the_poll_fetches_enough_for_it_by_itself():
    (rule,) = book_of(RULE).rules
    now = at("2026-11-03T12:00")
    assert KINDS["first_seen"].needs(rule, now).first == date(2026, 7, 7)  # 90 + 29 days


def test_spend_without_a_name_is_nothing_new():
    s = story()
    s.tick("2026-11-03T06:00")
    s.spend("2026-11-03", "50x9", number=4)  # its line item names no model
    assert s.run("2026-11-03T12:00", "2026-11-06T00:00") == []


def test_keys_are_new_only_where_keys_were_told_apart_long_enough():
    s = story(KEYS).spend("2026-10-01", "5x100", number=5)
    assert s.tick("2026-11-03T14:00") == []
    (why,) = s.replay.last.unjudged
    assert why.reason == "learning: history from 1 Oct, needs 5 Aug"
    s = story(KEYS).spend("2026-06-01", "5x200", number=5)
    s.tick("2026-11-03T06:00")
    s.spend("2026-11-03", "5x9", number=6)
    assert [group for group, *_ in told(s.tick("2026-11-03T14:00"))] == [("key_new",)]


def test_what_a_revision_takes_away_ends_without_a_word():
    s = story()
    s.tick("2026-11-03T06:00")
    s.spend("2026-11-03", "7", number=2)
    assert len(s.tick("2026-11-03T14:00")) == 1
    s.spend("2026-11-03", "0", number=2)
    assert s.tick("2026-11-04T14:00") == []
    assert s.incident.state == "ended"


def test_more_news_than_the_limit_are_told_together():
    many = {n: Series("proj_a", f"model-{n}, input") for n in range(2, 9)}
    rules = "  - {id: new-model, kind: first_seen, dimension: model, limit: 3}\n"
    s = Story(book_of(rules), {**SERIES, **many}, names=Names()).spend("2025-01-01", "20x800")
    s.tick("2026-11-03T06:00")
    for number in many:
        s.spend("2026-11-03", [float(number)], number=number)
    said = {group[0]: value for group, _, _, value in told(s.tick("2026-11-03T14:00"))}
    assert said == {"model-8": 8, "model-7": 7, "model-6": 6, "(other)": 2 + 3 + 4 + 5}


def test_the_group_names_the_thing_and_the_note_its_first_day():
    s = story()
    s.tick("2026-11-03T06:00")
    s.spend("2026-11-03", "7x9", number=2)
    s.tick("2026-11-05T14:00")
    (found,) = s.replay.last.findings
    assert found.rule.scope.each == ("project", "model")
    assert found.note == "first seen on 3 Nov"
    assert (found.days.start, found.days.end) == (date(2026, 11, 3), date(2026, 11, 6))


@pytest.mark.parametrize(
    ("keys", "at_word", "code", "says"),
    [
        pytest.param("", "id:", "B010", 'needs "dimension": model, project', id="no-dimension"),
        pytest.param("dimension: modle", "modle", "B013", "is no dimension", id="misspelt-dimension"),
        pytest.param("dimension: team", "team", "B013", "is no dimension", id="a-dimension-of-ours"),
        pytest.param("dimension: model, lookback: 90h", "90h", "B021", "whole days", id="hours"),
        pytest.param("dimension: model, min_amount: few", "few", "B022", "not an amount", id="no-amount"),
        pytest.param("dimension: model, each: batch", "batch", "B034", 'no dimension "batch"', id="of-usage"),
        pytest.param("dimension: model, severity: loud", "loud", "B013", "is no severity", id="no-severity"),
    ],
)
def test_a_mistake_is_told_at_its_place(keys, at_word, code, says):
    line = f"  - {{id: a, kind: first_seen, {keys}}}"
    (problem,) = load_texts({"a.yaml": f"version: 1\nrules:\n{line}\n"}).problems
    assert (problem.code, problem.line) == (code, 3)
    assert says in problem.message
    assert problem.column == (line.index("{") + 1 if at_word == "id:" else line.index(at_word) + 1)


def test_it_is_listed_in_words():
    (rule,) = book_of(RULE).rules
    assert KINDS["first_seen"].summary(rule) == "not seen in 90 days, from $1 on"
