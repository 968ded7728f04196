"""`backtest`, `check --diff` and how much `check` says, as a shell meets them."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from bot.cli import COMMANDS
from tests.shell import Here, environment
from tests.test_rule_revision import commit, git
from tests.world import LABS, SEARCH, at, world

FIRST = at("2026-09-01").date()
NOW = "2026-10-25T15:00:00Z"
RULES = """version: 1
routes:
  team-room: {channel: search-ops}
  finance: {channel: finance, only: warning}
defaults: {route: team-room}
rules:
  - {id: day, kind: budget, select: {}, each: project, period: day, amount: {search-*: 100, else: 50}, thresholds: [100%]}
  - {id: month, kind: budget, select: {}, period: month, amount: 3000, thresholds: [50%, 100%], route: finance}
  - {id: fresh, kind: freshness}
"""


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A database with 55 days, the last of them polled; rules in a repository with one commit."""
    folder = tmp_path_factory.mktemp("lived")
    with world(folder) as made:
        git(folder, "init", "-q", "-b", "main")
        made.rules(RULES)
        commit(made.rules_folder)
        for place in range(55):
            day = FIRST + timedelta(days=place)
            made.ledger.cost(day, SEARCH, "gpt-5.2, input", 130 if place in (20, 40) else 60)
            made.ledger.cost(day, LABS, "gpt-5.2, input", 45)
        made.poll("2026-10-24 14:00")
        made.poll("2026-10-25 14:00")
        made.stop()
        yield made


@pytest.fixture
def shell(lived, monkeypatch, capsys):
    """Run words in the folder of the rules; the files are as committed again afterwards."""
    here = Here(monkeypatch, capsys)
    given = environment(lived)
    yield lambda *words, **more: here(lived.tmp_path, {**given, **more}, *words)
    git(lived.tmp_path, "checkout", "-q", "--", "rules")
    git(lived.tmp_path, "clean", "-qfd", "rules")


def edit(lived, *pairs):
    text = RULES
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    lived.rules(text)


def test_it_prints_what_each_rule_would_have_said_and_when(shell):
    done = shell("backtest", "--now", NOW)
    assert (done.code, done.said) == (0, [])
    assert re.search(r"2026-09-22 00:00 +day +search-prod +100% +\$130\.00 of \$100\.00", done.out)
    assert re.search(r"month +everything +50% +\$1,5\d\d\.00 of \$3,000\.00", done.out)
    assert re.search(r"search-ops +team-room +2 ", done.out)
    assert "Before the first poll (2026-10-24 14:00 UTC)" in done.out


def test_machines_hear_everything_exactly(shell):
    told = shell("backtest", "--now", NOW, "--format", "json").json
    assert {each["rule"] for each in told["rules"]} == {"day", "month", "fresh"}
    first = next(each for each in told["said"] if each["rule"] == "day")
    assert first["at"] == "2026-09-22T00:00:00Z"
    assert first["group"] == {"project_id": SEARCH, "project": "search-prod"}
    assert (first["value"], first["amount"], first["unit"]) == ("130", "100", "usd")
    assert first["period"] == {"start": "2026-09-21", "end": "2026-09-22"}
    rooms = {each["channel"]: each for each in told["rooms"]}
    assert rooms["search-ops"]["weeks"] == [
        {"week": "2026-09-21", "alerts": 1},
        {"week": "2026-10-12", "alerts": 1},
    ]
    assert sum(week["alerts"] for week in rooms["finance"]["weeks"]) == rooms["finance"]["alerts"]


def test_some_rules_and_some_days_alone(shell):
    told = shell("backtest", "--now", NOW, "--since", "2026-10-01", "--rule", "day", "--format", "json").json
    assert [each["rule"] for each in told["rules"]] == ["day"]
    assert [each["at"] for each in told["said"] if each["transition"] == "fired"] == ["2026-10-12T00:00:00Z"]
    until = shell("backtest", "--now", NOW, "--until", "2026-10-10", "--format", "json").json
    assert until["until"] == "2026-10-10T00:00:00Z"
    assert all(each["at"] < "2026-10-10" for each in until["said"])


def test_two_versions_are_told_apart_with_the_reason(shell, lived):
    edit(lived, ("search-*: 100", "search-*: 140"), ("else: 50", "else: 40"))
    done = shell("backtest", "--now", NOW, "--rules", "main")
    assert re.search(r"Compared with main \([0-9a-f]{7}\): 1 alert would start, 2 would stop\.", done.out)
    assert re.search(r"starts .* labs .* amount of all others \$50 → \$40", done.out)
    assert re.search(r"stops .* search-prod .* amount of search-\* \$100 → \$140", done.out)
    told = shell("backtest", "--now", NOW, "--rules", "main", "--format", "json").json["difference"]
    assert len(told["starts"]) == 1
    assert len(told["stops"]) == 2
    assert "amount of search-*" in told["stops"][0]["because"]


def test_a_renamed_rule_starts_and_stops_nothing(shell, lived):
    edit(lived, ("id: day,", "id: a-day, was: day,"))
    done = shell("backtest", "--now", NOW, "--rules", "main", "--rule", "a-day")
    assert "no alert would start, and none would stop" in done.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["--since", "yesterday"], 2, "is no day", id="no day"),
        pytest.param(["--since", "2026-10-26"], 2, "is not before", id="nothing between"),
        pytest.param(["--until", "2026-11-30"], 2, "lies in the future", id="the future"),
        pytest.param(["--rule", "dya"], 2, "Did you mean day?", id="an unknown rule"),
        pytest.param(["--rules", "nowhere"], 2, "no revision 'nowhere'", id="an unknown revision"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_with_a_remedy(shell, words, code, said):
    done = shell("backtest", "--now", NOW, *words)
    assert (done.code, done.out) == (code, "")
    assert said in " ".join(done.said)


def test_rules_with_errors_are_not_replayed(shell, lived):
    edit(lived, ("period: day", "perriod: day"))
    done = shell("backtest", "--now", NOW)
    assert done.code == 3
    assert "budgetbot check" in done.err


def test_rules_that_had_errors_at_the_revision_are_told(shell, lived):
    edit(lived, ("period: day", "perriod: day"))
    bad = commit(lived.rules_folder)
    edit(lived)
    try:
        done = shell("backtest", "--now", NOW, "--rules", bad)
        assert done.code == 3
        assert "have 2 errors" in done.err
        assert "rules.yaml:7:" in done.err
        checked = shell("check", "--now", NOW, "--diff", bad)
        assert checked.code == 0
        assert "have 2 errors" in checked.out
    finally:
        git(lived.tmp_path, "reset", "-q", "--hard", "HEAD~1")


def test_without_history_there_is_nothing_to_replay(tmp_path, monkeypatch, capsys):
    done = Here(monkeypatch, capsys)(tmp_path, {"DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}, "backtest")
    assert done.code == 3
    assert "budgetbot sync" in done.err


# -- check -----------------------------------------------------------------------------------------------


def test_check_says_how_much(shell):
    done = shell("check", "--now", NOW)
    assert done.code == 0
    assert "day: 2 series, would have said 4 things in the last 60 days" in done.out
    assert "fresh: would have said nothing in the last 60 days" in done.out
    told = shell("check", "--now", NOW, "--format", "json").json["would_have_said"]
    assert told[0] == {"rule": "day", "series": 2, "said": 4, "days": 60}
    assert "would have said" not in shell("check", "--now", NOW, "--no-history").out


def test_check_says_what_was_edited_and_what_that_changes(shell, lived):
    edit(lived, ("search-*: 100", "search-*: 140"), ("{channel: finance,", "{channel: cfo,"))
    done = shell("check", "--now", NOW, "--diff", "main")
    assert done.code == 0
    assert "  day: amount of search-* $100 → $140" in done.out
    assert "  route finance: channel finance → cfo" in done.out
    assert "no alert would start, 2 would stop" in done.out
    told = shell("check", "--now", NOW, "--diff", "main", "--format", "json").json["diff"]
    assert told[0]["edits"][0]["words"] == "amount of search-* $100 → $140"
    assert len(told[0]["stops"]) == 2


def test_check_says_when_nothing_was_edited(shell):
    assert "the rules say the same" in shell("check", "--now", NOW, "--diff", "HEAD").out


def test_a_comment_for_a_pull_request(shell, lived):
    edit(lived, ("search-*: 100", "search-*: 140"))
    done = shell("check", "--now", NOW, "--diff", "main", "--format", "markdown")
    assert "| day | changed | amount of search\\-\\* \\$100 → \\$140 |" in done.out
    assert "**no alert would start, 2 would stop**" in done.out
    assert "| stops | 2026\\-09\\-22 00\\:00 | day | search\\-prod |" in done.out


def test_a_comment_without_a_database(shell, lived, tmp_path):
    edit(
        lived,
        ("search-*: 100", "search-*: 140"),
        ("period: month, amount: 3000", "period: month, ammount: 3000"),
    )
    done = shell(
        "check", "--diff", "main", "--format", "markdown", DATABASE_URL=f"sqlite:///{tmp_path}/none.db"
    )
    assert done.code == 1
    assert "| `rules/rules.yaml:8` | error B012 |" in done.out


HOSTILE = "@everyone *b* [x](http://evil.example) | `c` #12 <img>"


def test_names_in_a_comment_are_only_names(shell, lived):
    """A project's name is anybody's to choose: it calls nobody, links nowhere and breaks no table."""
    with closing(sqlite3.connect(lived.tmp_path / "budgetbot.db")) as db:
        db.execute("UPDATE name SET name = ? WHERE id = ?", (HOSTILE, LABS))
        db.commit()
    edit(lived, ("else: 50", "else: 40"))
    done = shell("check", "--now", NOW, "--diff", "main", "--format", "markdown")
    row = next(line for line in done.out.splitlines() if line.startswith("| starts"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 8
    assert "@everyone" not in row
    assert "http://" not in row
    assert not re.search(r"(?<!\\)[*<`\[#]", row)


def test_the_command_is_listed():
    assert "backtest" in COMMANDS
    assert json.dumps(COMMANDS["backtest"])
