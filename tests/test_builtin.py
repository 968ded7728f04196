"""Without any rule file the built-in rulebook is in force, says so, and gives way to the first rule written."""

import pytest

from bot.answers import answer
from bot.checkups.rules import in_force as looked_at
from bot.core.builtin import CLOSES, FILE, NOTE, TEXT
from bot.core.kinds import KINDS
from bot.edge.rule_files import built_in, load_texts
from bot.render.announcements import close
from bot.rulebook import Rules
from bot.settings import Settings
from tests.standins.slack_rules import check_message
from tests.world import LABS, SEARCH, at, world

NOW = at("2025-10-05 12:00")


@pytest.fixture
def w(tmp_path):
    with world(tmp_path) as built:
        yield built


def in_force(w):
    return w.app.rules.now(NOW)


def asked(w, words, now=NOW):
    told, _ = answer(w.app.store, w.app.rules.now(now), words, now)
    return told


def test_it_is_written_in_the_language_without_a_mistake():
    loaded = load_texts({FILE: TEXT})
    assert loaded.problems == ()
    assert {rule.kind for rule in built_in().book.rules} == {"native_limit", "anomaly", "freshness"}
    assert {rule.kind for rule in built_in().book.rules} <= set(KINDS)


def test_without_a_folder_it_is_in_force(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rules = Rules(
        Settings(budgetbot_channel="#ai-spend", budgetbot_rules_url="https://git.example/{file}")
    ).now(NOW)
    assert rules.book.built_in
    assert not rules.trouble
    assert [rule.id for rule in rules.book.rules] == [
        "hard-limits",
        "organization-limit",
        "unusual-spend",
        "data-age",
    ]
    assert rules.voice.fallback == "ai-spend"
    assert rules.voice.link(rules.book.rules[0]) == ""  # it stands in nobody's repository


def test_a_folder_without_a_rule_file_is_none_at_all(w):
    w.start()
    assert in_force(w).book.built_in
    w.rules("", name="notes.txt")
    assert in_force(w).book.built_in


def test_a_file_that_says_there_are_no_rules_is_obeyed(w):
    w.start()
    w.rules("version: 1\n")
    assert not in_force(w).book.built_in
    assert in_force(w).book.rules == ()
    assert "There are no rules, so nothing is watched." in asked(w, "status").notes


def test_the_first_rule_takes_its_place_and_what_it_watched_ends(w):
    w.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, output", "1")
    w.poll("2025-10-05 12:00")
    assert w.posts
    w.rules("version: 1\nrules: [{id: total, kind: budget, select: {}, period: month, amount: 100}]\n")
    done = w.poll("2025-10-05 13:00")
    assert {(event.rule_id, event.transition, event.reason) for event in done.events} == {
        ("hard-limits", "ended", "rule removed"),
        ("organization-limit", "ended", "rule removed"),
    }


def test_rules_that_are_lost_end_no_watch(w):
    w.rules("version: 1\nrules: [{id: total, kind: budget, select: {}, period: month, amount: 100}]\n")
    w.poll("2025-10-05 12:00")
    (w.rules_folder / "rules.yaml").unlink()
    rules = w.app.rules.now(NOW)
    assert [rule.id for rule in rules.book.rules] == ["total"]
    assert "There is no rule file in" in rules.trouble


def test_answers_say_that_the_built_in_rules_are_in_force_and_how_to_write_ones_own(w):
    w.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, output", "1")
    w.poll("2025-10-05 12:00")
    assert asked(w, "status").notes == (NOTE,)
    told = asked(w, "rules")
    assert told.notes == (NOTE, CLOSES)
    assert [line.id for line in told.rules] == [
        "hard-limits",
        "organization-limit",
        "unusual-spend",
        "data-age",
    ]
    assert {line.speaks_in for line in told.rules} == {"#ai-spend"}
    assert "rules/budgets.yaml" in NOTE
    (finding,) = looked_at(in_force(w))
    assert "built-in" in finding.said


def test_missing_limits_are_said_once(w):
    w.ledger.cost("2025-10-05", SEARCH, "gpt-5.2, output", "1")
    w.ledger.cost("2025-10-05", LABS, "gpt-5.2, output", "1")
    w.ledger.limit(LABS, 100_00)
    w.ledger.limit(None, 1_000_00)
    w.poll("2025-10-05 12:00")
    (post,) = w.posts
    assert "search-prod" in str(post)
    assert "labs" not in str(post)
    w.poll("2025-10-05 18:00")
    assert len(w.posts) == 1


# -- the month's close ----------------------------------------------------------------------------------


def closes(w):
    return [message for message in w.posts if "is closed" in str(message)]


def test_the_close_says_what_the_month_came_to_in_the_channel_of_everything(w):
    for project, name in ((SEARCH, "9"), (LABS, "30.5"), (None, "0.25")):
        w.ledger.cost("2025-10-15", project, "gpt-5.2, output", name)
    w.ledger.cost("2025-11-01", SEARCH, "gpt-5.2, output", "100")
    w.poll("2025-10-20 12:00")
    w.poll("2025-11-02 11:55")
    assert closes(w) == []
    w.poll("2025-11-02 12:05")
    w.poll("2025-11-03 12:05")
    (post,) = closes(w)
    assert w.slack.channels[post.channel].name == "ai-spend"
    assert post.text == "October 2025 is closed: $39.75 in 3 projects."
    assert (
        str(post.blocks).index("labs")
        < str(post.blocks).index("search-prod")
        < str(post.blocks).index("(no project)")
    )


def test_a_month_that_nobody_watched_is_not_closed(w):
    w.ledger.cost("2025-09-15", SEARCH, "gpt-5.2, output", "9")
    w.poll("2025-10-05 12:00")
    w.poll("2025-10-06 12:00")
    assert closes(w) == []


def test_a_month_without_spend_is_closed_in_silence(w):
    w.poll("2025-10-20 12:00")
    w.poll("2025-11-03 12:05")
    assert closes(w) == []


def test_more_projects_than_a_message_bears_are_told_together():
    rows = [[f"project-{n}", (20 - n) * 10**9] for n in range(14)]
    body = {"month": "October 2025", "total": sum(row[1] for row in rows), "projects": rows, "as_of": ""}
    message = close(body)
    check_message(message)
    assert "4 others" in str(message)
    assert "project-10" not in str(message)
