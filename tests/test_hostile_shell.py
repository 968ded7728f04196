"""What a shell prints of names, reasons and titles from outside: words, no escapes, no formulas, one row a line."""

import csv
import io
import json
import re
import unicodedata

import pytest

from tests.shell import Here, environment
from tests.syncing import empty_database
from tests.world import at, world

NAMES = [
    '=HYPERLINK("http://evil.example","x")',
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe\u2066",
    "@SUM(A1)\r\n=1+1",
    "+1\u2028-2",
    "\t=cmd|' /C calc'!A0",
    "＝1\x9b31m",
    'a,b"c;d',
]
RULES = """\
version: 1
defaults: {route: r}
routes: {r: {channel: ai-spend}}
teams: {t: {projects: ["*"], owner: "@=evil"}}
rules:
  - id: each
    kind: budget
    title: "=title"
    select: {}
    each: project
    period: month
    amount: 100
    thresholds: [50%]
"""
NOW = "2025-10-05T12:00:00Z"
LATER = "2025-10-05T12:05:00Z"
REASON = "=reason @x"
ASKED = [
    ("status", "all"),
    ("report", "2025-10", "by", "project"),
    ("report", "2025-10", "by", "line_item"),
    ("top", "5", "2025-10", "by", "project"),
    ("compare", "2025-10", "by", "project"),
    ("why", "2025-10"),
    ("why", "2025-10", "by", "project"),
    ("forecast",),
    ("explain", "each"),
    ("history",),
    ("alerts",),
    ("rules",),
    ("accuracy",),
    ("export", "2025-10"),
    ("export", "2025-10", "by", "project"),
]
CALM = {"\n"}
UNSEEN = {"Cc", "Cf", "Co", "Zl", "Zp"}


def fit(text):
    """Assert that nothing in it is obeyed by a terminal or turns what stands around it."""
    found = [
        character for character in text if character not in CALM and unicodedata.category(character) in UNSEEN
    ]
    assert not found, (ascii(found[:5]), ascii(text[:2_000]))


@pytest.fixture(scope="module")
def spent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        built._clock[0] = at("2025-10-05 12:00")
        built.rules(RULES)
        for number, name in enumerate(NAMES):
            built.ledger.project(f"proj_{number}", name)
            for day in ("2025-09-28", "2025-10-03"):
                built.ledger.cost(day, f"proj_{number}", f"{name}, input", f"{500 + number * 10}.25")
        built.poll("2025-10-05 12:00")
        built.stop()
        yield built


@pytest.fixture
def here(spent, monkeypatch, capsys):
    say = Here(monkeypatch, capsys)
    return lambda *words: say(spent.tmp_path, environment(spent), *words)


def test_something_hostile_is_there_to_be_shown(here):
    done = here("report", "2025-10", "by", "project", "--format", "json", "--now", LATER)
    shown = {row["project"] for row in json.loads(done.out)["rows"]}
    assert len(shown) == len(NAMES)
    assert shown & set(NAMES)


@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_whatever_a_shell_prints_is_fit_to_be_read(here, words, form):
    if words[0] == "export" and form in ("table", "json"):
        form = "jsonl"
    done = here(*words, "--format", form, "--now", LATER)
    assert done.code == 0, done
    fit(done.out)
    fit(done.err)
    if form == "csv":
        rows = list(csv.reader(io.StringIO(done.out)))
        assert len({len(row) for row in rows}) == 1
        assert len(rows) == len(done.out.splitlines())
        for cell in (cell for row in rows for cell in row):
            number = re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", cell, re.IGNORECASE)
            assert number or not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")), cell


def test_what_was_done_and_why_is_fit_to_be_read_afterwards(here):
    mark = json.loads(here("alerts", "--format", "json", "--now", LATER).out)["alerts"][0]["fingerprint"]
    said = [
        here("ack", mark, "--now", LATER, "--", REASON),
        here("silence", mark, "for", "1h", "--now", LATER, "--", REASON),
    ]
    assert [done.code for done in said] == [0, 0], said
    for words in (
        ("history",),
        ("history", mark),
        ("alerts",),
        ("explain", mark),
        ("status", "all"),
        ("why", mark),
    ):
        for form in ("table", "csv", "json"):
            done = here(*words, "--format", form, "--now", "2025-10-05T12:10:00Z")
            fit(done.out + done.err)
            if form == "csv":
                assert not re.search(r"(^|,)\"?[=@]", done.out, re.MULTILINE), done.out


@pytest.mark.parametrize(
    "words",
    [("check",), ("check", "--routes"), ("backtest",), ("doctor",), ("db", "verify"), ("test",)],
    ids=" ".join,
)
def test_what_looks_after_things_prints_words_only(here, words):
    done = here(*words)
    assert done.code in (0, 1)
    fit(done.out)
    fit(done.err)


def test_a_rehearsal_prints_words_only(here):
    done = here("poll", "--dry-run", "--now", NOW)
    assert done.code == 0
    fit(done.out)
