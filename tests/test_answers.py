"""Answers from a real store: what a stand-in for OpenAI served is what reports say, to the nano-dollar."""

import json
import logging
import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.__main__ import run
from bot.answers import answer
from bot.core import places, standings
from bot.core.evaluate import cuts, evaluate
from bot.core.listing import Listing
from bot.core.money import nano
from bot.core.report import Report
from bot.core.status import Status
from bot.core.view import View
from bot.loading import load_spend, load_view
from bot.poll import fetch
from bot.render.replies import reply
from tests.standins.slack_rules import check_message
from tests.test_properties import loaded
from tests.world import LABS, SEARCH, at, world

NOW = "2026-10-20 18:05"
ITEMS = ("gpt-5.2, input", "gpt-5.2, output", "gpt-5-nano, input", "web search tool calls", None)
RULES = """
version: 1
teams:
  search: {projects: ["search-*"], channel: search-ops, owner: search-leads}
routes:
  finance: {channel: finance, only: critical}
  boss: {user: U1BOSS}
rules:
  - {id: everything, kind: budget, title: Everything, select: {}, period: month, amount: 10000, thresholds: [80%, 100%], route: finance}
  - id: project-month
    kind: budget
    title: Monthly budget
    select: {}
    each: project
    period: month
    amount: {search-prod: "1,000", quiet-one: 50, shared-*: 300}
    thresholds: [50%, {at: 80%, severity: warning}, {at: 100%, severity: critical}]
    route: team
  - id: cap
    kind: budget
    title: Daily cap
    select: {project: search-prod}
    period: day
    amount: 100
    thresholds: [{at: 100%, severity: warning}, {at: 200%, severity: critical}]
    route: boss
"""
OLD = "defaults: {freshness: {poll: 90d}}\n"
"""What was read long ago is judged all the same."""


@pytest.fixture(scope="module")
def filled(on_engine, tmp_path_factory):
    """A world of 60 days with strings of many decimals, credits and rows of nobody, polled once."""
    rng = random.Random(7)
    rows = []
    with world(tmp_path_factory.mktemp("filled")) as built:
        built.ledger.api_key(SEARCH, "key_ingest", "ingest-worker")
        first = date(2026, 8, 22)
        for n in range(60):
            day = first + timedelta(days=n)
            for project in (SEARCH, LABS, None, "proj_unknown"):
                for item in rng.sample(ITEMS, 3):
                    amount = rng.choice(
                        (
                            f"{rng.random() * 90:.30f}",
                            f"{rng.random():.9f}",
                            "0E-6176",
                            f"-{rng.random():.4f}",
                        )
                    )
                    key = rng.choice((None, "key_ingest", "key_other")) if project == SEARCH else None
                    built.ledger.cost(day, project, item, amount, api_key_id=key)
                    rows.append((day, project, item, key, Decimal(amount)))
        built.rules(RULES + OLD)
        built.poll("2026-10-20 18:00", wait=0.0)
        yield built, rows


def ask(built, words, now=NOW):
    moment = at(now)
    given, query = answer(built.app.store, built.app.rules.now(moment), words, moment)
    body = reply(given, query)
    check_message({key: value for key, value in body.items() if key != "response_type"})
    return given


def model(item):
    return item.rpartition(",")[0] if item and "," in item else ""


READ = {
    "project": lambda row: row[1] or "",
    "line_item": lambda row: row[2] or "",
    "model": lambda row: model(row[2]),
    "api_key": lambda row: row[3] or "",
    "team": lambda row: "search" if row[1] == SEARCH else "",
    "day": lambda row: str(row[0]),
    "week": lambda row: str(row[0] - timedelta(days=row[0].weekday())),
    "month": lambda row: f"{row[0]:%Y-%m}",
}


@pytest.mark.parametrize("words", ["mtd", "last-month", "60d", "2026-09-15..2026-10-02", "yesterday"])
@pytest.mark.parametrize("by", [*READ, "project,day", "model,month", "api_key,line_item"])
def test_every_group_is_the_sum_of_what_was_served(filled, words, by):
    built, rows = filled
    told = ask(built, f"report {words} by {by}")
    assert isinstance(told, Report)
    expected = defaultdict(int)
    for row in rows:
        if row[0] in told.span:
            expected[tuple(READ[dimension](row) for dimension in by.split(","))] += nano(row[4])
    known = {row.group: row.amount for row in told.rows}
    assert told.total == sum(expected.values())
    assert {key: amount for key, amount in known.items() if amount} == {
        key: amount for key, amount in expected.items() if amount
    }


@pytest.mark.parametrize(
    ("only", "passes"),
    [
        pytest.param("project=search-prod", lambda row: row[1] == SEARCH, id="name"),
        pytest.param("project=PROJ_LABS", lambda row: False, id="ids-are-exact"),
        pytest.param("project=proj_labs", lambda row: row[1] == LABS, id="id"),
        pytest.param("project!=labs", lambda row: row[1] != LABS, id="not"),
        pytest.param("project=search-*,labs", lambda row: row[1] in (SEARCH, LABS), id="glob-or-name"),
        pytest.param('project="(no project)"', lambda row: row[1] is None, id="no-project"),
        pytest.param('project!="(no project)"', lambda row: row[1] is not None, id="some-project"),
        pytest.param("model~5.2", lambda row: "5.2" in model(row[2]), id="contains"),
        pytest.param("model!~nano", None, id="no-such-operator"),
        pytest.param("api_key=ingest-worker", lambda row: row[3] == "key_ingest", id="key-by-name"),
        pytest.param('line_item="gpt-5.2, input"', lambda row: row[2] == "gpt-5.2, input", id="line-item"),
        pytest.param("team=search", lambda row: row[1] == SEARCH, id="team"),
        pytest.param(
            "project=labs model=gpt-5*",
            lambda row: row[1] == LABS and model(row[2]).startswith("gpt-5"),
            id="both",
        ),
    ],
)
def test_filters_choose_what_they_say(filled, only, passes):
    built, rows = filled
    told = ask(built, f"report 60d by day {only}")
    if passes is None:
        assert not isinstance(told, Report)
        return
    assert told.total == sum(nano(row[4]) for row in rows if passes(row))


def test_before_the_history_is_never_a_zero(filled):
    built, _ = filled
    told = ask(built, "report 2025-10")
    assert (told.stored, told.rows) == (None, ())
    assert told.notes[0].startswith("Costs are stored from ")


# -- status: the same as the poll said ---------------------------------------------------------------


@pytest.fixture
def story(tmp_path):
    with world(tmp_path) as built:
        built.ledger.project("proj_quiet", "quiet-one")
        built.rules(RULES)
        yield built


def incidents(built):
    with built.app.store.reading() as tx:
        rows = tx.exec_driver_sql(
            "SELECT rule_id, group_ids, fingerprint, level, severity, state FROM incident"
        )
        return {(row[0], tuple(json.loads(row[1]))): tuple(row[2:]) for row in rows}


def standing(status, rule, *group):
    (found,) = [each for each in status.standings if (each.rule_id, each.group) == (rule, group)]
    return found


def test_status_says_what_the_poll_said_worst_first(story):
    story.ledger.cost("2026-10-19", SEARCH, "gpt-5.2, input", "830")
    story.ledger.cost("2026-10-20", SEARCH, "gpt-5.2, input", "110")
    story.ledger.cost("2026-10-20", LABS, "gpt-5.2, input", "9")
    story.poll("2026-10-20 18:00", wait=0.0)
    told = ask(story, "status")
    assert isinstance(told, Status)
    assert [
        (each.rule_id, each.subject, each.state, each.level, each.severity) for each in told.standings
    ] == [
        ("cap", "Daily cap", "firing", "100%", "warning"),
        ("project-month", "search-prod", "firing", "80%", "warning"),
        ("everything", "Everything", "ok", "", None),
        ("project-month", "quiet-one", "ok", "", None),
    ]
    said = incidents(story)
    firing = [each for each in told.standings if each.state == "firing"]
    assert len(firing) == 2
    for each in firing:
        assert said[each.rule_id, each.group] == (each.fingerprint, each.level, each.severity, "firing")
    assert told.as_of == at("2026-10-20 18:00")


def test_a_value_just_below_its_level_still_stands_as_people_were_told(story):
    row = story.ledger.cost("2026-10-19", SEARCH, "gpt-5.2, input", "805")
    story.poll("2026-10-20 18:00", wait=0.0)
    story.ledger.revise(row, "795")
    story.poll("2026-10-20 18:10", wait=0.0)
    told = standing(ask(story, "status", "2026-10-20 18:15"), "project-month", SEARCH)
    assert (told.state, told.level, told.severity) == ("firing", "80%", "warning")
    assert told.value == nano(Decimal(795))
    assert (told.fingerprint, told.level) == incidents(story)["project-month", (SEARCH,)][:2]


def test_what_rose_since_the_last_poll_stands_higher(story):
    story.ledger.cost("2026-10-19", SEARCH, "gpt-5.2, input", "600")
    story.poll("2026-10-20 18:00", wait=0.0)
    story.ledger.cost("2026-10-20", SEARCH, "gpt-5.2, input", "500")
    fetch(story.app, story.app.rules.now(at("2026-10-20 18:00")).book, at("2026-10-20 18:00"))
    told = standing(ask(story, "status"), "project-month", SEARCH)
    assert (told.level, told.severity, told.reason) == ("100%", "critical", "higher level")
    assert told.fingerprint == incidents(story)["project-month", (SEARCH,)][0]


def test_a_run_stands_on_a_quiet_day_with_the_day_it_was_breached(story):
    story.ledger.cost("2026-10-19", SEARCH, "gpt-5.2, input", "140")
    story.poll("2026-10-19 18:00", wait=0.0)
    story.poll("2026-10-20 18:00", wait=0.0)
    told = standing(ask(story, "status"), "cap")
    assert (told.state, told.level, told.period, told.value) == (
        "firing",
        "100%",
        "19 Oct",
        nano(Decimal(140)),
    )
    assert told.reason == "run goes on: last breached 2026-10-19"
    assert told.fingerprint == incidents(story)["cap", ()][0]
    story.poll("2026-10-24 18:00", wait=0.0)
    over = standing(ask(story, "status", "2026-10-24 18:05"), "cap")
    assert (over.state, over.period, over.value) == ("ok", "24 Oct", 0)


def test_the_first_minutes_of_a_month_show_every_budget_at_nothing(story):
    story.rules(RULES + OLD)
    story.ledger.cost("2026-10-19", SEARCH, "gpt-5.2, input", "1200")
    story.poll("2026-10-31 18:00", wait=0.0)
    told = ask(story, "status", "2026-11-01 00:02")
    assert [(each.rule_id, each.subject, each.period, each.state, each.value) for each in told.standings] == [
        ("cap", "Daily cap", "1 Nov", "ok", 0),
        ("everything", "Everything", "November", "ok", 0),
        ("project-month", "quiet-one", "November", "ok", 0),
        ("project-month", "search-prod", "November", "ok", 0),
    ]


def test_status_before_anything_is_stored_learns_and_says_so(story):
    story.start()
    told = ask(story, "status")
    assert {each.state for each in told.standings} == {"learning"}
    assert told.notes == ("No costs are stored yet: the first poll fetches them.",)
    assert ask(story, "report").history_from is None


def test_status_without_rules_says_so(tmp_path):
    with world(tmp_path) as built:
        built.rules("version: 1\n")
        built.poll("2026-10-20 18:00", wait=0.0)
        assert ask(built, "status").notes == ("There are no rules, so nothing is watched.",)


def test_a_rule_outside_its_dates_is_inactive_and_visible(story):
    story.rules(RULES.replace("id: cap\n", "id: cap\n    from: 2026-12-01\n"))
    story.poll("2026-10-20 18:00", wait=0.0)
    told = standing(ask(story, "status"), "cap")
    assert (told.state, told.amount) == ("inactive", None)
    assert told.reason == "inactive: applies from 2026-12-01"


def test_old_figures_and_failed_polls_are_said(story):
    story.ledger.cost("2026-10-19", SEARCH, "gpt-5.2, input", "1")
    story.poll("2026-10-20 18:00", wait=0.0)
    fresh = ask(story, "status", "2026-10-20 20:59")
    assert fresh.notes == ()
    assert {each.state for each in fresh.standings} == {"ok"}
    stale = ask(story, "status", "2026-10-21 04:00")
    assert {(each.state, each.reason) for each in stale.standings} == {
        ("nodata", "source stale: costs last read on 20 Oct 18:00 UTC")
    }
    assert stale.notes == (
        "Costs were last read 10 hours ago: what was spent since is not in these figures.",
    )


@pytest.mark.parametrize(
    ("words", "subjects"),
    [
        pytest.param("status state=firing", {"search-prod", "Daily cap"}, id="state"),
        pytest.param("status severity>=critical", {"Daily cap"}, id="severity"),
        pytest.param("status severity>warning", {"Daily cap"}, id="above-severity"),
        pytest.param("status rule=cap", {"Daily cap"}, id="rule"),
        pytest.param("status team=search state=firing rule=project-*", {"search-prod"}, id="team"),
        pytest.param("status owner=search-leads rule=project-month", {"search-prod"}, id="owner"),
        pytest.param("status project=quiet-*", {"quiet-one"}, id="project"),
        pytest.param("status project!=search-prod rule=project-month", {"quiet-one"}, id="not"),
        pytest.param("status project=nobody", set(), id="nothing"),
    ],
)
def test_status_is_narrowed(story, words, subjects):
    story.ledger.cost("2026-10-20", SEARCH, "gpt-5.2, input", "830")
    story.poll("2026-10-20 18:00", wait=0.0)
    assert {each.subject for each in ask(story, words).standings} == subjects


def test_people_see_the_worst_and_the_counts_of_all(story):
    for number in range(40):
        story.ledger.project(f"proj_{number}", f"shared-{number}")
        story.ledger.cost("2026-10-19", f"proj_{number}", "gpt-5.2, input", str(number * 10))
    story.poll("2026-10-20 18:00", wait=0.0)
    few, moment = ask(story, "status"), at(NOW)
    everything, _ = answer(story.app.store, story.app.rules.now(moment), "status", moment, every=True)
    assert len(few.standings) == 20
    assert few.standings == everything.standings[:20]
    assert few.counts == everything.counts
    assert (everything.counts.standings, everything.counts.firing) == (43, 25)
    narrowed = ask(story, "status project=shared-1*")
    assert {each.subject for each in narrowed.standings} == {f"shared-{n}" for n in (1, *range(10, 20))}


@pytest.mark.parametrize(
    "now", ["2026-10-20 18:05", "2026-10-31 23:59", "2026-11-01 00:01", "2026-12-15 12:00"]
)
def test_status_and_the_judge_agree_on_every_group_with_spend(filled, now):
    built, _ = filled
    moment = at(now)
    book = built.app.rules.now(moment).book
    with built.app.store.reading() as tx:
        spend = load_spend(tx, built.app.store, book, cuts(book, moment))
    judged = {
        (each.rule.id, each.group): (each.span, each.value, each.amount)
        for each in evaluate(book, View(spend), moment).findings
        if not each.closed
    }
    told, _ = answer(built.app.store, built.app.rules.now(moment), "status", moment, every=True)
    stood = {
        (each.rule_id, each.group): (each.span, each.value, each.amount)
        for each in told.standings
        if not each.reason.startswith("run goes on")
    }
    assert judged.items() - stood.items() == set()
    assert {value for key, (_, value, _) in stood.items() if key not in judged} <= {0}


# -- rules -------------------------------------------------------------------------------------------


def test_rules_in_words_and_what_nobody_watches(story):
    story.ledger.cost("2026-10-19", SEARCH, "gpt-5.2, input", "1")
    story.ledger.cost("2026-10-19", LABS, "gpt-5.2, input", "12.50")
    story.ledger.cost("2026-10-19", None, "gpt-5.2, input", "3")
    story.poll("2026-10-20 18:00", wait=0.0)
    told = ask(story, "rules")
    assert isinstance(told, Listing)
    assert [(rule.id, rule.selects, rule.period, rule.amount, rule.speaks_in) for rule in told.rules] == [
        ("everything", "everything", "a month", "$10,000", "#finance (critical only)"),
        (
            "project-month",
            "everything, each project",
            "a month",
            "search-prod $1,000, quiet-one $50, shared-* $300",
            "the team's channel, without a team in #ai-spend",
        ),
        ("cap", "project search-prod", "a day", "$100", "@U1BOSS"),
    ]
    assert [(each.name, each.amount) for each in told.uncovered] == [
        ("labs", 12_500_000_000),
        ("(no project)", 3_000_000_000),
    ]
    assert [rule.id for rule in ask(story, "rules project=search-prod").rules] == [
        "everything",
        "project-month",
        "cap",
    ]
    assert [rule.id for rule in ask(story, "rules project=quiet-one").rules] == [
        "everything",
        "project-month",
    ]
    assert [each.name for each in ask(story, "rules project=labs").uncovered] == ["labs"]


def test_a_bad_edit_is_told_first_and_yesterdays_rules_go_on(story):
    story.poll("2026-10-20 18:00", wait=0.0)
    story.rules("version: 1\nrules: [{id: x, threshhold: 1}]\n")
    for words in ("status", "rules"):
        told = ask(story, words)
        assert told.notes[0].startswith("The rule files have ")
        assert told.notes[0].endswith("the last good rules go on.")
    assert {rule.id for rule in ask(story, "rules").rules} == {"everything", "project-month", "cap"}


# -- the shell ---------------------------------------------------------------------------------------


@pytest.fixture
def shell(filled, monkeypatch, capsys):
    """Run words as a shell would: exit code, stdout, stderr."""
    built, _ = filled
    monkeypatch.setenv("DATABASE_URL", built.settings.database_url)
    monkeypatch.setenv("BUDGETBOT_RULES", built.settings.budgetbot_rules)
    monkeypatch.setenv("BUDGETBOT_CHANNEL", "ai-spend")
    root = logging.getLogger()
    kept = root.handlers[:], root.level

    def typed(*words):
        code = run([*words])
        done = capsys.readouterr()
        return code, done.out, done.err

    yield typed
    root.handlers[:], root.level = kept


WHEN = ("--now", "2026-10-20T18:05:00Z")


def test_the_shell_answers_as_table_json_and_csv(shell, filled):
    _, rows = filled
    total = sum(nano(row[4]) for row in rows if row[0] >= date(2026, 10, 1))
    code, out, err = shell("report", "mtd", "by", "project", "--format", "json", *WHEN)
    assert (code, err) == (0, "")
    body = json.loads(out)
    assert (
        nano(Decimal(body["total_usd"]))
        == total
        == sum(nano(Decimal(row["cost_usd"])) for row in body["rows"])
    )
    assert body["as_of"] == "2026-10-20T18:00:00Z"
    code, out, _ = shell("report", "csv", *WHEN)
    assert (code, out.split("\n")[0]) == (0, "project_id,project,cost_usd,share")
    code, out, _ = shell("report", "last-month", *WHEN)
    assert out.startswith("OpenAI: Spend by project, 1–30 Sep: $")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("report", "mtd", "public"), id="public"),
        pytest.param(("report", "help"), id="help"),
        pytest.param(("status", "severity>=warning"), id="filter"),
        pytest.param(("status", "--format", "csv"), id="status-csv"),
        pytest.param(("rules", "json"), id="rules-json"),
        pytest.param(("top", "3", "7d", "project=(no project)"), id="blank-in-a-value"),
    ],
)
def test_the_shell_takes_the_words_of_slack(shell, words):
    code, out, err = shell(*words, *WHEN)
    assert (code, err) == (0, "")
    assert out.strip()


@pytest.mark.parametrize(
    ("words", "correction"),
    [
        pytest.param(("report", "last", "week"), "budgetbot report last-week by project", id="two-words"),
        pytest.param(("report", "by", "projct"), "budgetbot report mtd by project", id="typo"),
        pytest.param(
            ("status", "severty>=warning"), "budgetbot status 'severity>=warning'", id="quoted-for-the-shell"
        ),
        pytest.param(("report", "project=search-*", "modle=a"), "'project=search-*'", id="globs-quoted"),
        pytest.param(("report", "2027"), "budgetbot report mtd by project", id="future"),
    ],
)
def test_words_that_are_not_understood_exit_2_with_the_corrected_command(shell, words, correction):
    code, out, err = shell(*words, *WHEN)
    assert (code, out) == (2, "")
    assert correction in err


def test_status_reads_only_where_it_looks_and_says_the_same(filled):
    built, _ = filled
    now = at(NOW)
    book = loaded(
        """
version: 1
defaults: {settle: 20d, freshness: {poll: 90d}}
rules:
  - {id: plain, kind: budget, select: {}, each: project, period: day, amount: 50, thresholds: [50%, 100%]}
  - {id: foreseen, kind: budget, select: {}, each: model, period: week, amount: 900, thresholds: [forecast 100%]}
  - {id: change, kind: change, each: project, window: 7d, when: {increase: 1%, at_least: 1}}
"""
    )
    spans, judged = places.spans_needed(book, now), places.judged(book)
    with built.app.store.reading() as tx:
        every = load_view(tx, built.app.store, book, now, spans, answering=True)
        some = load_view(tx, built.app.store, book, now, spans, answering=True, judged=judged)
    assert [rule.id for rule in judged.rules] == ["foreseen", "change"]
    assert set(some.cost.cuts) < set(every.cost.cuts)
    both = [standings.Standings(book, view, (), {}, "default", now).told() for view in (some, every)]
    assert both[0] == both[1]
    assert {each.rule_id for each in both[0][0]} == {"plain", "foreseen", "change"}
