"""The rules in the repository: a tutorial that is valid, and the whole language as an example with its cases."""

import re
from pathlib import Path

import pytest

from bot.casing import run_cases
from bot.core.kinds import KINDS
from bot.core.rules.problems import Problems
from bot.edge import case_files
from bot.edge.rule_files import load, load_texts

RULES = Path(__file__).parents[1] / "rules"
EXAMPLES = RULES / "examples"
EXAMPLE = EXAMPLES / "openai.yaml.example"


def rule_ids(path):
    return [rule.id for rule in load(path).book.rules]


def stories(file):
    """(rule, group) → the states that its cases expect of it, one list a case, in the order of time."""
    problems = Problems()
    held = case_files.read(file, problems)
    assert not problems.found
    found = {}
    for case in held.cases:
        by_group = {}
        for expected in sorted(case.expects, key=lambda one: one.at):
            by_group.setdefault(expected.group or case.group, []).append(expected.state)
        for group, states in by_group.items():
            found.setdefault((case.rule_id, group), []).append(states)
    return found


def there_and_back(states):
    """Whether a story goes from quiet to firing and back to quiet."""
    firing = [place for place, state in enumerate(states) if state == "firing"]
    return bool(firing and "ok" in states[: firing[0]] and {"ok", "ended"} & set(states[firing[-1] :]))


def test_the_shipped_rules_have_no_problem():
    loaded = load(RULES)
    assert loaded.problems == ()
    assert loaded.book is not None
    assert len(loaded.book.rules) == loaded.rules > 0


def test_the_tutorial_covers_projects_models_and_line_items():
    book = load(RULES).book
    assert {dimension for rule in book.rules for dimension in rule.scope.each} >= {
        "project",
        "model",
        "line_item",
    }


def test_what_the_tutorial_shows_in_comments_is_valid_too():
    text = (RULES / "budgets.yaml").read_text(encoding="utf-8")
    shown = re.sub(r"(?m)^#   (?=\s*\w+:)", "", text).replace("    # route: team", "    route: team")
    shown = shown.replace("  settle: 36h", "  route: finops\n  settle: 36h").replace("# runbook:", "runbook:")
    loaded = load_texts({"budgets.yaml": shown})
    assert {problem.code for problem in loaded.problems} <= {"W102"}
    assert set(loaded.book.routes) == {"finops", "exec"}
    assert [team.name for team in loaded.book.teams] == ["search"]
    assert any(rule.runbook for rule in loaded.book.rules)


def test_the_example_is_the_whole_language_and_loads_without_an_error():
    loaded = load(EXAMPLE)
    assert [(problem.code, problem.severity) for problem in loaded.problems] == [("W101", "warning")]
    book = loaded.book
    assert {rule.kind for rule in book.rules} == set(KINDS) - {"freshness"}  # which needs no rule
    assert [digest.id for digest in book.digests] == ["finance-weekly"]
    assert set(book.quiets) == {"nights"}
    assert set(book.routes) == {"finops", "exec", "ops"}


def test_no_bot_reads_the_example():
    assert not set(load(RULES).files) & {EXAMPLE.name, f"examples/{EXAMPLE.name}"}
    assert [name for name in load(RULES).files if name.startswith("examples/")] == []


def test_every_case_that_ships_holds():
    tested = run_cases([RULES])
    assert [failed.sentence for failed in tested.failed] == []
    assert tested.problems == ()
    assert tested.files == 1 + len(rule_ids(EXAMPLE))


@pytest.mark.parametrize("rule_id", rule_ids(EXAMPLE))
def test_each_rule_of_the_example_goes_from_quiet_to_firing_and_back(rule_id):
    told = stories(EXAMPLES / f"{rule_id}.cases.yaml")
    assert {rule for rule, _ in told} == {rule_id}
    assert any(there_and_back(states) for cases in told.values() for states in cases)


@pytest.mark.parametrize("rule_id", rule_ids(RULES / "budgets.yaml"))
def test_each_rule_of_the_tutorial_goes_from_quiet_to_firing_and_back(rule_id):
    told = stories(RULES / "budgets.cases.yaml")
    mine = [cases for (rule, _), cases in told.items() if rule == rule_id]
    assert any(there_and_back(states) for cases in mine for states in cases)
