"""The shell's commands come from the table of verbs: their help, their words at the Tab key, their refusals."""

import io
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from bot.__main__ import run
from bot.cli import COMMANDS, cli
from bot.core.completing import completions
from bot.core.query import Query, parse
from bot.core.verbs import VERBS
from tests.shell import Here, environment
from tests.spending import TODAY
from tests.world import LABS, SEARCH, world

ELSEWHERE = {"doctor", "export", "refresh"}
"""Verbs whose commands are made by hand: they do more than ask the database."""


@pytest.mark.parametrize("verb", sorted(set(VERBS) - ELSEWHERE))
def test_every_verb_is_a_command_whose_help_is_the_tables(verb):
    assert COMMANDS[verb][1] == ""
    shown = " ".join(CliRunner().invoke(cli, [verb, "--help"]).output.split())
    assert VERBS[verb].summary[1:] in shown
    for example, what in VERBS[verb].examples:
        # Nobody is known in a shell, so nothing is theirs.
        assert (what[1:] in shown) == ("@me" not in example)


def test_the_list_of_commands_says_what_each_is_for():
    shown = " ".join(CliRunner().invoke(cli, ["--help"]).output.split())
    for name, (_, line) in COMMANDS.items():
        assert (line or VERBS[name].summary[1:]) in shown


@pytest.mark.parametrize(
    ("verb", "before", "incomplete", "offered"),
    [
        pytest.param("report", [], "las", ["last-week", "last-month"], id="ranges"),
        pytest.param("report", ["7d"], "pro", ["project", "project="], id="dimensions-and-keys"),
        pytest.param("report", ["by"], "m", ["model", "month"], id="after-by"),
        pytest.param("report", ["by"], "model,da", ["model,day"], id="after-a-comma"),
        pytest.param("report", ["7d"], "ch", ["chart"], id="flags"),
        pytest.param("report", ["chart"], "ch", [], id="nothing-twice"),
        pytest.param("why", ["by"], "m", ["model"], id="no-days-where-whole-ranges-are-meant"),
        pytest.param(
            "compare", [], "vs=last", ["vs=last-week", "vs=last-month"], id="ranges-to-compare-with"
        ),
        pytest.param("status", [], "severity>=wa", ["severity>=warning"], id="words-of-a-key"),
        pytest.param("status", [], "state=firing,no", ["state=firing,nodata"], id="another-word-of-a-key"),
        pytest.param("status", ["severity", "="], "cr", ["critical"], id="as-bash-cuts-words"),
        pytest.param("status", ["severity"], ">=", ["info", "warning", "critical"], id="bash-after-the-sign"),
        pytest.param("status", [], "project=s", [], id="names-are-not-known"),
        pytest.param("silence", ["for"], "2", ["24h", "2d"], id="durations"),
        pytest.param("silence", ["until"], "mon", ["monday", "month-end"], id="ends"),
        pytest.param("subscribe", [], "mon", ["monthly", "monday", "month"], id="when"),
        pytest.param("ack", [], "a", ["all", "api_key="], id="all"),
        pytest.param("export", [], "js", ["json", "jsonl"], id="files"),
        pytest.param("help", [], "un", ["unack", "unsilence", "unsubscribe"], id="verbs"),
        pytest.param("refresh", [], "", [], id="nothing-to-say"),
    ],
)
def test_what_may_stand_next(verb, before, incomplete, offered):
    assert completions(VERBS[verb], before, incomplete) == offered


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_offered_is_understood(verb):
    for word in completions(VERBS[verb], [], ""):
        if word.endswith(("=", "$")) or word in ("by", "since", "for", "until"):
            continue
        outcome = parse([verb, word], TODAY)
        problem = "" if isinstance(outcome, Query) else outcome.problem
        # An order may lack something else; a schedule may be said in the other order.
        assert not problem or any(said in problem for said in ("needs", "How often", "must end", "either")), (
            verb,
            word,
            problem,
        )


def test_the_tab_key_of_a_real_shell():
    asked = {"_BUDGETBOT_COMPLETE": "bash_complete", "COMP_WORDS": "budgetbot report las", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-m", "bot"], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["plain,last-week", "plain,last-month"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["report", "in", "C1OPS"], "for Slack", id="a-shell-answers-in-the-shell"),
        pytest.param(["subscribe", "daily"], "--as U0123", id="whose-digest"),
        pytest.param(
            ["compare", "7d", "vs=7d"], "budgetbot compare 7d by project", id="a-correction-to-type"
        ),
        pytest.param(["status", "severity>=warnng"], "budgetbot status 'severity>=warning'", id="quoted"),
    ],
)
def test_words_that_cannot_be_followed_are_answered_with_what_to_type(
    words, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    assert run(words) == 2
    assert said in capsys.readouterr().err


class Keyboard(io.StringIO):
    """Somebody at a keyboard who answers."""

    def isatty(self):
        return True


RULES = """\
version: 1
rules:
  - {id: project-month, kind: budget, title: Monthly, select: {}, each: project, period: month, amount: 10}
"""


@pytest.fixture(scope="module")
def breached(tmp_path_factory):
    with world(tmp_path_factory.mktemp("shell"), offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-09-20", SEARCH, "gpt-5.2, output", "4")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "12")
        built.ledger.cost("2025-10-03", LABS, "gpt-5.2, output", "12")
        built.poll("2025-10-05 12:00")
        built.stop()
        yield built


@pytest.fixture
def type_(breached, monkeypatch, capsys):
    here = Here(monkeypatch, capsys)

    def typed(*words, answer=None):
        monkeypatch.setattr("sys.stdin", io.StringIO() if answer is None else Keyboard(answer))
        return here(breached.tmp_path, environment(breached), *words, "--now", "2025-10-05T12:10:00Z")

    return typed


def test_what_is_about_everything_asks_who_is_at_a_keyboard(type_):
    asked = type_("ack", "all", answer="n\n")
    assert (asked.code, "That is 2 alerts" in asked.out, "Acknowledge 2 alerts?" in asked.out) == (
        130,
        True,
        True,
    )
    assert "acknowledged" not in type_("status").out
    sure = type_("ack", "all", answer="y\n")
    assert (sure.code, sure.out.count("no reminder")) == (0, 2)
    assert (
        type_(
            "unack", *(each["fingerprint"] for each in type_("status", "--format", "json").json["rules"])
        ).code
        == 0
    )


def test_a_script_is_not_asked(type_):
    done = type_("ack", "all", "project=labs")
    assert (done.code, done.out.count("no reminder")) == (0, 1)


def test_a_shell_subscribes_for_a_person_and_shows_it_to_them(type_):
    made = type_("subscribe", "weekly", "by", "model", "--as", "U0123ABCD")
    assert (made.code, "su_1 comes to you alone" in made.out) == (0, True)
    assert "su_1" in type_("subscribe", "--as", "U0123ABCD").out
    assert "su_1" not in type_("subscribe", "list", "--as", "U0999ABCD").out
    assert type_("unsubscribe", "su_1", "--as", "U0999ABCD").code == 2
    assert type_("unsubscribe", "su_1", "--as", "U0123ABCD").code == 0


@pytest.mark.parametrize("verb", ["compare", "why", "history", "alerts"])
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_every_question_is_answered_in_a_shell(type_, verb, form):
    told = type_(verb, "--format", form)
    assert (told.code, told.err) == (0, "")
    assert told.json if form == "json" else told.out.strip()


@pytest.mark.parametrize("words", ["search-prod", "labs"])
def test_a_name_alone_is_no_command_of_a_shell(type_, words):
    assert type_(words).code == 2
