"""The rules in the repository: a tutorial that is valid."""

import re
from pathlib import Path

from bot.edge.rule_files import load, load_texts

RULES = Path(__file__).parents[1] / "rules"


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
