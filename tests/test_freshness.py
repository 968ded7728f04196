"""Data that is too old: one voice says so, after failed polls too, and no rule judges by it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.answers import answer
from bot.core.dimension import Series
from bot.core.kinds import KINDS
from bot.core.kinds.freshness import ages, told
from bot.core.view import Source
from bot.demo.openai_faults import Status
from bot.edge.rule_files import load_texts
from tests.replaying import Story, at, book_of
from tests.world import SEARCH, world

RULE = "  - {id: data-age, kind: freshness, poll: 3h, data: 40h}\n"
NOON = at("2026-11-22T12:00")
THREE, FORTY = timedelta(hours=3), timedelta(hours=40)


def known(read="2026-11-22T12:00", newest="2026-11-22", requests="2026-11-22", **more):
    """Sources as a poll left them."""
    return {
        "costs": Source(
            "costs", at(read) if read else None, date.fromisoformat(newest) if newest else None, **more
        ),
        "completions": Source(
            "completions", at(read) if read else None, date.fromisoformat(requests) if requests else None
        ),
    }


@pytest.mark.parametrize(
    ("sources", "now", "stale"),
    [
        pytest.param(known(), "2026-11-22T14:59", [], id="read-lately"),
        pytest.param(known(), "2026-11-22T15:00", ["read since 22 Nov 12:00 UTC"], id="not-read-for-three-hours"),
        pytest.param(known(), "2026-11-22T11:00", [], id="read-by-a-clock-ahead"),
        pytest.param(known(newest="2026-11-20"), "2026-11-22T14:59", [], id="late-39-hours"),
        pytest.param(
            known(read="2026-11-22T16:00", newest="2026-11-20"), "2026-11-22T16:00",
            ["there were requests up to 22 Nov, and no costs after 20 Nov"], id="late-40-hours",
        ),
        pytest.param(
            known(read="2026-11-22T16:00", newest="2026-11-20", requests="2026-11-20"), "2026-11-22T16:00",
            [], id="nobody-asked-anything-since",
        ),
        pytest.param(
            known(read="2026-11-22T16:00", newest="2026-11-20", requests=None), "2026-11-22T16:00",
            [], id="usage-is-not-known",
        ),
        pytest.param(
            known(read="2026-11-22T16:00", newest=None), "2026-11-22T16:00", [], id="never-cost-anything"
        ),
        pytest.param(
            known(read=None, newest=None, asked_at=at("2026-11-22T08:00")), "2026-11-22T12:00",
            ["read since 22 Nov 08:00 UTC"], id="never-read",
        ),
        pytest.param({}, "2026-11-22T12:00", [], id="nothing-known"),
    ],
)  # fmt: skip
def test_data_is_too_old_by_its_polls_or_by_its_days(sources, now, stale):
    found = [age.said for age in ages(sources, at(now), THREE, FORTY) if age.stale]
    assert len(found) == len(stale)
    assert all(words in said for words, said in zip(stale, found, strict=True))


class Aging(Story):
    """A story in which the sources have the age they are given."""

    sources = known()

    def view(self, now):
        return replace(super().view(now), sources=self.sources)


def test_it_is_one_incident_from_stale_to_fresh():
    s = Aging(book_of(RULE))
    assert s.tick("2026-11-22T14:00") == []
    (event,) = s.tick("2026-11-22T15:30")
    assert (event.transition, event.level, event.severity) == ("fired", "stale", "warning")
    assert (s.incident.value, s.incident.amount) == (12_600, 10_800)
    assert s.tick("2026-11-22T18:00") == []
    (finding,) = s.replay.last.findings
    assert finding.note == "costs could not be read since 22 Nov 12:00 UTC"
    assert finding.rule.unit.show(finding.value) == "6 hours"
    s.sources = known(read="2026-11-22T18:30")
    (event,) = s.tick("2026-11-22T18:30")
    assert (event.transition, event.reason) == ("ended", "no longer so")
    assert s.incident.state == "ended"


EVERY_KIND = """
  - {id: month, kind: budget, select: {}, period: month, amount: 100}
  - {id: new, kind: first_seen, dimension: model}
  - {id: week, kind: change, window: 7d, when: {increase: 40%, at_least: $1}}
  - {id: odd, kind: anomaly, each: project}
  - {id: unit, kind: ratio, numerator: cost, denominator: requests, when: {above: 4.00}}
  - {id: limits, kind: native_limit}
  - {id: tokens, kind: budget, metric: input_tokens, select: {}, period: month, amount: 100}
"""


def nodata(s):
    return {
        why.rule_id for why in s.replay.last.unjudged if why.reason.startswith("source stale: costs last")
    }


def test_no_rule_that_reads_what_is_stale_says_anything():
    s = Aging(book_of(RULE + EVERY_KIND)).spend("2025-06-01", "5x600")
    s.tick("2026-11-22T12:00")
    s.spend("2026-11-22", "5000")
    (event,) = s.tick("2026-11-22T15:30")
    assert event.rule_id == "data-age"
    assert nodata(s) == {"month", "new", "week", "odd", "unit", "limits"}
    (why,) = [why for why in s.replay.last.unjudged if why.rule_id == "tokens"]
    assert why.reason == "source stale: usage of completions last read on 22 Nov 12:00 UTC"


def test_late_costs_mute_what_compares_and_no_budget():
    s = Aging(book_of(EVERY_KIND)).spend("2025-06-01", "5x535")
    s.sources = known(read="2026-11-22T16:00", newest="2026-11-20")
    s.tick("2026-11-22T16:00")
    late = "source stale: there were requests up to 22 Nov, and no costs after 20 Nov"
    assert {why.rule_id for why in s.replay.last.unjudged if why.reason == late} == {
        "new",
        "week",
        "odd",
        "unit",
    }
    assert [found.rule.id for found in s.replay.last.findings if found.rule.id == "month"] == ["month"]


@pytest.mark.parametrize(
    ("rules", "hours"),
    [
        pytest.param(EVERY_KIND, 3, id="by-itself"),
        pytest.param(EVERY_KIND + RULE.replace("3h", "5h"), 5, id="by-a-rule"),
        pytest.param(
            EVERY_KIND + RULE.replace("3h", "5h") + RULE.replace("3h", "4h").replace("data-age", "other"),
            4, id="by-the-strictest-rule",
        ),
        pytest.param(EVERY_KIND + RULE.replace("3h", "5h, enabled: false"), 3, id="by-no-rule-that-is-off"),
    ],
)  # fmt: skip
def test_what_is_stale_for_the_rules_is_what_the_freshness_says(rules, hours):
    s = Aging(book_of(rules)).spend("2025-06-01", "5x600")
    s.tick(NOON + timedelta(hours=hours, minutes=-1))
    assert nodata(s) == set()
    s.tick(NOON + timedelta(hours=hours))
    assert "month" in nodata(s)


def test_a_rule_takes_what_it_does_not_say_from_the_defaults():
    book = book_of("  - {id: data-age, kind: freshness, data: 20h}\n", defaults="  freshness: {poll: 7h}")
    (rule,) = book.rules
    assert (rule.poll, rule.data) == (timedelta(hours=7), timedelta(hours=20))
    assert KINDS["freshness"].summary(rule) == "costs read within 7 hours, and of the last 20 hours"


@pytest.mark.parametrize(
    ("keys", "word", "code"),
    [
        pytest.param("poll: 5 minutes", "5 minutes", "B021", id="no-duration"),
        pytest.param("select: {}", "select", "B012", id="it-selects-nothing"),
        pytest.param("each: project", "each", "B012", id="it-has-no-groups"),
        pytest.param("route: nowhere", "nowhere", "B031", id="no-route"),
    ],
)
def test_a_mistake_is_told_at_its_place(keys, word, code):
    line = f"  - {{id: a, kind: freshness, {keys}}}"
    (problem,) = load_texts({"a.yaml": f"version: 1\nrules:\n{line}\n"}).problems
    assert (problem.code, problem.line, problem.column) == (code, 3, line.index(word) + 1)


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        pytest.param(3, "3 hours", id="hours"),
        pytest.param(1, "1 hour", id="one"),
        pytest.param(1.5, "90 minutes", id="minutes"),
        pytest.param(24, "24 hours", id="a-day"),
        pytest.param(72, "3 days", id="days"),
    ],
)
def test_a_span_reads_as_people_say_it(hours, words):
    assert told(timedelta(hours=hours)) == words


# -- what the organization's API refuses ----------------------------------------------------------------

BY_KEY = """  - {id: keys, kind: budget, select: {}, each: api_key, period: month, amount: 1}
  - {id: new-keys, kind: first_seen, dimension: api_key}
  - {id: month, kind: budget, select: {}, period: month, amount: 1}
  - {id: own, kind: budget, metric: requests, select: {api_key: key_1}, period: month, amount: 1}
"""


def test_a_dimension_that_is_refused_is_an_error_with_a_remedy_and_the_others_go_on():
    s = Aging(book_of(BY_KEY), {1: Series("proj_a", "gpt-5.2, input")}).spend("2026-11-01", "5x22")
    s.sources = known(refused=("api_key_id",))
    s.usage = {"num_model_requests": {}}
    assert [event.rule_id for event in s.tick("2026-11-22T12:00")] == ["month"]
    wrong = {why.rule_id: why for why in s.replay.last.unjudged}
    assert set(wrong) == {"keys", "new-keys"}  # usage has keys of its own
    assert wrong["keys"].state == "error"
    assert wrong["keys"].reason == (
        "OpenAI does not tell costs by api key to this organization: "
        "take api_key out of the rule, or ask OpenAI to allow it"
    )


# -- through the real poll ------------------------------------------------------------------------------

BOOK = """version: 1
routes: {finops: {channel: finance}, ops: {channel: budget-admin}}
defaults: {route: finops}
rules:
  - {id: month, kind: budget, select: {}, period: month, amount: 10}
"""


@pytest.fixture
def w(tmp_path):
    with world(tmp_path, cost_group_by=("project_id", "line_item")) as built:
        built.rules(BOOK)
        built.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, output", "1")
        yield built


def rooms(w):
    return [w.slack.channels[message.channel].name for message in w.posts]


def test_without_a_rule_the_bot_says_it_once_to_those_who_look_after_it(w):
    w.poll("2025-10-05 12:00")
    w.openai.break_down(Status(503))
    for hour in (13, 14, 15, 16, 22):
        w.poll(f"2025-10-05 {hour}:00")
    assert rooms(w) == ["budget-admin"]
    assert "No costs could be read for 3 hours" in str(w.posts[0])
    w.openai.recover()
    w.poll("2025-10-05 23:00")
    assert rooms(w) == ["budget-admin", "budget-admin"]
    assert "up to date" in str(w.posts[1])


def test_the_defaults_say_how_old_is_too_old(w):
    w.rules(BOOK.replace("{route: finops}", "{route: finops, freshness: {poll: 90m, data: 40h}}"))
    w.poll("2025-10-05 12:00")
    w.openai.break_down(Status(503))
    w.poll("2025-10-05 13:00")
    assert w.posts == []
    w.poll("2025-10-05 13:30")
    assert "No costs could be read for 90 minutes" in str(w.posts[0])


def test_with_a_rule_it_is_one_incident_of_that_rule_after_failed_polls_too(w):
    w.rules(BOOK + "  - {id: data-age, kind: freshness, severity: critical}\n")
    w.poll("2025-10-05 12:00")
    w.openai.break_down(Status(503))
    events = [event for hour in (13, 15, 16, 22) for event in w.poll(f"2025-10-05 {hour}:00").events]
    assert [(event.rule_id, event.transition, event.level) for event in events] == [
        ("data-age", "fired", "stale")
    ]
    assert rooms(w) == ["finance"]
    w.openai.recover()
    done = w.poll("2025-10-05 23:00")
    assert [(event.rule_id, event.transition) for event in done.events] == [("data-age", "ended")]
    assert len(w.posts) == 1
    assert len(w.replies) == 1


def test_no_incident_of_another_rule_is_ended_by_a_failed_poll(w):
    w.rules(BOOK + "  - {id: data-age, kind: freshness}\n")
    w.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, input", "11")
    w.poll("2025-10-05 12:00")
    w.openai.break_down(Status(503))
    for hour in (13, 16):
        w.poll(f"2025-10-05 {hour}:00")
    moment = at("2025-10-05T16:00")
    status, _ = answer(w.app.store, w.app.rules.now(moment), "status", moment, every=True)
    stood = {each.rule_id: (each.state, each.level) for each in status.standings}
    assert stood == {"month": ("nodata", "100%"), "data-age": ("firing", "stale")}
    w.openai.recover()
    assert [event.rule_id for event in w.poll("2025-10-05 17:00").events] == ["data-age"]


def test_costs_that_stand_still_while_people_ask_are_late(w):
    w.start()
    w.app.sources = ("costs", "completions")
    for day in (5, 6, 7):
        w.ledger.usage("completions", f"2025-10-0{day}T09:00", {"num_model_requests": 7}, project_id=SEARCH)
    w.poll("2025-10-07 15:00")
    assert w.posts == []
    w.poll("2025-10-07 16:00")  # forty hours after the end of the fifth
    w.poll("2025-10-07 17:00")
    (post,) = w.posts
    assert "there were requests up to 7 Oct, and no costs after 5 Oct" in str(post)
    w.ledger.cost("2025-10-06", SEARCH, "gpt-5.2, output", "1")
    w.poll("2025-10-07 18:00")
    assert "up to date" in str(w.posts[1])


def test_a_key_that_cannot_group_by_key_errs_in_that_rule_alone(w):
    w.rules(BOOK + "  - {id: keys, kind: budget, select: {}, each: api_key, period: month, amount: 1}\n")
    w.poll("2025-10-05 12:00")
    moment = at("2025-10-05T12:00")
    status, _ = answer(w.app.store, w.app.rules.now(moment), "status", moment, every=True)
    states = {each.rule_id: each.state for each in status.standings}
    assert states == {"month": "ok", "keys": "error"}
