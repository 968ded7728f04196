"""What was edited between two versions of the rules, in words."""

import pytest

from bot.core.difference import edits, renamed
from bot.edge.rule_files import load_texts

MONTH = "{id: project-month, kind: budget, select: {}, each: project, period: month, route: team,"
TEXT = f"""
version: 1

routes: {{team-room: {{channel: ai-spend}}, finance: {{channel: finops, only: warning}}}}
teams: {{search: {{projects: ["search-*"], channel: search-ops}}}}
defaults: {{route: finance, timezone: Europe/Berlin}}
rules:
  - {MONTH} amount: {{search-prod: "12,000", else: 200}}, thresholds: [50%, 80%, 100%]}}
  - {{id: flat, kind: budget, select: {{project: labs}}, period: week, amount: 500, thresholds: [100%]}}
  - {{id: rise, kind: change, each: project, window: 7d, when: {{increase: 40%, at_least: $250}}}}
  - {{id: fresh, kind: first_seen, dimension: model, lookback: 90d}}
"""


def book_of(text):
    loaded = load_texts({"a.yaml": text}, "rules")
    assert loaded.book, loaded.problems
    return loaded.book


def told(before, after):
    return [(edit.how, edit.subject, edit.words) for edit in edits(book_of(before), book_of(after))]


def test_the_same_rules_elsewhere_in_a_file_are_no_edit():
    assert told(TEXT, TEXT.replace("rules:\n", "# moved\n\nrules:\n")) == []


@pytest.mark.parametrize(
    ("old", "new", "subject", "words"),
    [
        pytest.param('search-prod: "12,000"', 'search-prod: "15,000"', "project-month",
                     "amount of search-prod $12,000 → $15,000", id="an amount of the table"),
        pytest.param("else: 200", "else: 250.50", "project-month", "amount of all others $200 → $250.50",
                     id="else"),
        pytest.param('search-prod: "12,000", ', 'search-prod: "12,000", labs: 7, ', "project-month",
                     "amount of labs none → $7", id="a new row"),
        pytest.param("amount: 500", "amount: 600", "flat", "amount $500 → $600", id="one amount"),
        pytest.param("amount: 500", "amount: hard_limit", "flat", "amount $500 → OpenAI's hard limit",
                     id="OpenAI's limit"),
        pytest.param("amount: 500", "amount: [{from: 2026-01-01, amount: 500}, {from: 2026-07-01, amount: 700}]",
                     "flat", "amount $500 → from 2026-01-01 $500, from 2026-07-01 $700", id="a plan"),
        pytest.param("[50%, 80%, 100%]", "[80%, 100%, forecast 100%]", "project-month",
                     "thresholds 50%, 80%, 100% → 80%, 100%, forecast 100%", id="levels"),
        pytest.param("[50%, 80%, 100%]", "[50%, {at: 80%, severity: critical}, 100%]", "project-month",
                     "80% warning → critical", id="a severity"),
        pytest.param("select: {project: labs}", "select: {project: [labs, lab-*]}", "flat",
                     "select project labs → project labs or lab-*", id="select"),
        pytest.param("select: {project: labs}", "select: {}, except: {model: gpt-5.2}", "flat",
                     "select project labs → everything", id="to everything"),
        pytest.param("each: project, period", "each: [project, model], period", "project-month",
                     "each project → project and model", id="each"),
        pytest.param("period: week", "period: month", "flat", "period a week → a month", id="period"),
        pytest.param("period: week", "period: {rolling: 10d}", "flat", "period a week → 10 days, rolling",
                     id="rolling"),
        pytest.param("route: team,", "route: finance,", "project-month", "route team → finance", id="route"),
        pytest.param("id: flat,", "id: flat, settle: 48h, for: 2d,", "flat", "for 1d → 2d", id="for"),
        pytest.param("id: flat,", "id: flat, settle: 60h,", "flat", "settle 36h → 60h", id="settle"),
        pytest.param("id: flat,", "id: flat, enabled: false,", "flat", "enabled yes → no", id="off"),
        pytest.param("id: flat,", "id: flat, from: 2026-05-01,", "flat", "from none → 2026-05-01", id="from"),
        pytest.param("id: flat,", "id: flat, critical_above: $900,", "flat", "critical_above never → $900",
                     id="critical above"),
        pytest.param("id: flat,", "id: flat, labels: {tier: gold},", "flat", "labels none → tier gold",
                     id="labels"),
        pytest.param("increase: 40%", "increase: 60%", "rise",
                     "when 40% and $250 more than the 7 days before → 60% and $250 more than the 7 days before",
                     id="what a comparison asks"),
        pytest.param("window: 7d,", "window: 7d, min_base: $50,", "rise", "min_base $10 → $50",
                     id="what its summary leaves out"),
        pytest.param("kind: first_seen, dimension: model, lookback: 90d", "kind: freshness", "fresh",
                     "kind first_seen → freshness", id="another kind"),
        pytest.param("channel: finops", "channel: finance", "route finance", "channel finops → finance",
                     id="a route's channel"),
        pytest.param("only: warning", "gather: 30m", "route finance", "only warning → info", id="a floor"),
        pytest.param('["search-*"]', '["search-*", rag]', "team search", "projects search-* → search-*, rag",
                     id="a team"),
        pytest.param("{route: finance, time", "{route: team-room, time", "setting the default route",
                     "finance → team-room", id="the default route"),
        pytest.param("Europe/Berlin", "UTC", "setting the time zone", "Europe/Berlin → UTC", id="the time zone"),
    ],
)  # fmt: skip
def test_an_edited_key_is_told_in_words(old, new, subject, words):
    assert old in TEXT
    found = told(TEXT, TEXT.replace(old, new))
    assert any(each[:2] == ("changed", subject) and each[2].startswith(words) for each in found), found


def test_what_is_new_and_what_is_gone_is_described():
    extra = "  - {id: images, kind: budget, select: {line_item: images}, each: project, period: day, amount: 40}\n"
    assert told(TEXT, TEXT + extra) == [
        ("added", "images", "budget of $40 a day, line_item images, each project, at 50% 80% 100%")
    ]
    assert told(TEXT + extra, TEXT) == [
        ("removed", "images", "budget of $40 a day, line_item images, each project, at 50% 80% 100%")
    ]
    route = TEXT.replace("routes: {", "routes: {night: {channel: night-shift, gather: 2h}, ")
    assert told(TEXT, route) == [("added", "route night", "channel night-shift, gather 2h")]
    assert told(route, TEXT) == [("removed", "route night", "channel night-shift, gather 2h")]


def test_a_rule_that_says_what_it_was_called_is_renamed_and_no_new_one():
    after = TEXT.replace("id: flat,", "id: labs-week, was: flat,").replace("amount: 500", "amount: 600")
    assert told(TEXT, after) == [
        ("renamed", "labs-week", "flat → labs-week"),
        ("changed", "labs-week", "amount $500 → $600"),
    ]
    assert renamed(book_of(TEXT), book_of(after)) == {"flat": "labs-week"}


def test_without_was_it_is_another_rule():
    found = told(TEXT, TEXT.replace("id: flat,", "id: labs-week,"))
    assert {each[:2] for each in found} == {("added", "labs-week"), ("removed", "flat")}


def test_an_amount_of_all_that_becomes_a_table_is_that_of_the_others():
    after = TEXT.replace("amount: 500", "amount: {labs: 900, else: 500}").replace(
        "period: week", "each: project, period: week"
    )
    assert ("changed", "flat", "amount of labs none → $900") in told(TEXT, after)
    assert not [each for each in told(TEXT, after) if "others" in each[2]]
