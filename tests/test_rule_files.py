"""From files on disk to a rulebook: what the language means, and what a folder can do to its reader."""

import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.errors import SetupWrong
from bot.core.period import Period, Span
from bot.core.rules.book import Budget, Origin, Route, Team
from bot.core.rules.select import Pattern
from bot.edge.rule_files import fingerprint, load, load_texts
from bot.edge.yaml_repair import MOST_MENDS

NANO = 10**9

WHOLE_LANGUAGE = """version: 1
defaults:
  timezone: Europe/Berlin        # clocks, schedules, quiet hours, wording; NOT period boundaries
  route: finops
  settle: 36h
  thresholds: [50%, 80%, 100%]
teams:
  search:   {projects: [search-*, ranker], channel: search-ops, owner: search-leads, page: search-oncall}
  payments: {projects: [payments-*, fraud], channel: "#pay-alerts", owner: "@pay-leads"}
routes:
  finops: {channel: ai-spend, mention: cfo, gather: 30m}
  exec:   {user: "@ceo", only: critical}
  ops:    {channel: budget-admin}
calendars:
  fy: {year_starts: 02-01}

rules:
  - id: project-month
    kind: budget
    title: Monthly OpenAI budget of a project
    runbook: https://wiki.example.com/openai-spend
    labels: {tier: prod}
    select: {}
    each: project
    period: month
    amount:
      search-prod: 12,000
      payments-ml: 5,000
      sandbox-*: 200
      else: [{from: 2026-01-01, amount: $1.5k}, {from: 2026-07-01, amount: 2000}]
    route: team

  - id: model-day
    kind: budget
    select: {model: gpt-5*}
    except: {model: gpt-5-nano*}
    each: [project, model]
    period: day
    amount: {batch-*: 900, sandbox-*: 25, else: 150}
    thresholds: [{at: 100%, severity: warning}, {at: 200%, severity: critical}]
    route: team

  - id: tools
    kind: budget
    select: {line_item: ["web search tool calls*", "code interpreter*", {regex: "file search.*"}]}
    each: line_item
    period: {rolling: 30d}
    amount: 400
    thresholds: [{at: $100, severity: info}, $1,250.50, {at: "$2,000", basis: actual}]
    was: [tools-month, tools-day]

  - id: org-fy-quarter
    kind: budget
    select: {}
    period: quarter
    calendar: fy
    amount: [{from: 2026-02-01, amount: 350000}, {from: 2026-08-01, amount: 400000}]
    thresholds: 100%
    route: exec

  - id: lab-week
    kind: budget
    metric: cost
    select: {project: lab, team: "(no team)"}
    period: week
    week_starts: sunday
    amount: 0
    enabled: false
    settle: 2d
    limit: 7

  - id: launch
    kind: budget
    select: {team: search}
    period: {from: 2026-03-01, to: 2026-03-15}
    amount: 0010.50
    from: 2026-03-01
    to: 2026-04-01
"""


def test_the_whole_language_becomes_values():
    loaded = load_texts({"openai.yaml": WHOLE_LANGUAGE.replace("$1,250.50", '"$1,250.50"')}, "rules")
    assert loaded.problems == ()
    book = loaded.book
    month, day, tools, quarter, week, launch = book.rules
    assert (book.timezone, book.default_route, book.hash) == ("Europe/Berlin", "finops", loaded.hash)
    assert book.teams == (
        Team(
            "search", (Pattern("search-*"), Pattern("ranker")), "search-ops", "search-leads", "search-oncall"
        ),
        Team("payments", (Pattern("payments-*"), Pattern("fraud")), "pay-alerts", "pay-leads"),
    )
    assert book.routes == {
        "finops": Route("finops", channel="ai-spend", mention=("cfo",), gather=timedelta(minutes=30)),
        "exec": Route("exec", user="ceo", only="critical"),
        "ops": Route("ops", channel="budget-admin"),
    }
    assert isinstance(month, Budget)
    assert month.origin == Origin("openai.yaml", 18)
    assert (month.title, month.labels, month.route) == (
        "Monthly OpenAI budget of a project",
        {"tier": "prod"},
        "team",
    )
    assert month.runbook == "https://wiki.example.com/openai-spend"
    assert (month.scope.each, month.scope.select.terms) == (("project",), ())
    assert [(level.label, level.severity) for level in month.thresholds] == [
        ("50%", "info"),
        ("80%", "warning"),
        ("100%", "critical"),
    ]
    assert month.amount.of("p", "search-prod", date(2026, 5, 1)) == 12_000 * NANO
    assert month.amount.of("p", "other", date(2026, 5, 1)) == 1_500 * NANO
    assert month.amount.of("p", "other", date(2026, 7, 1)) == 2_000 * NANO
    assert month.amount.of("p", "other", date(2025, 7, 1)) is None
    assert day.scope.excluded.terms == (("model", (Pattern("gpt-5-nano*"),)),)
    assert (day.period, day.scope.each) == (Period("day"), ("project", "model"))
    assert [(level.label, level.severity) for level in day.thresholds] == [
        ("100%", "warning"),
        ("200%", "critical"),
    ]
    assert tools.scope.select.terms[0][1][2] == Pattern("file search.*", regex=True)
    assert tools.period == Period("rolling", rolling_days=30)
    assert tools.was == ("tools-month", "tools-day")
    assert [(level.label, level.at_nano, level.severity) for level in tools.thresholds] == [
        ("$100", 100 * NANO, "info"),
        ("$1,250.50", 1_250_500_000_000, "warning"),
        ("$2,000", 2_000 * NANO, "critical"),
    ]
    assert quarter.period == Period("quarter", year_starts=(2, 1))
    assert [(level.label, level.severity) for level in quarter.thresholds] == [("100%", "critical")]
    assert (week.period, week.enabled, week.limit) == (Period("week", week_starts=6), False, 7)
    assert (week.settle, month.settle) == (timedelta(days=2), timedelta(hours=36))
    assert week.amount.of("", "", date(2026, 1, 1)) == 0
    assert launch.period == Period("fixed", fixed=Span(date(2026, 3, 1), date(2026, 3, 15)))
    assert launch.amount.of("", "", date(2026, 3, 1)) == 10_500_000_000
    assert (launch.from_day, launch.to_day) == (date(2026, 3, 1), date(2026, 4, 1))


def test_ten_mistakes_are_ten_problems_each_at_its_place():
    text = WHOLE_LANGUAGE.replace("$1,250.50", '"$1,250.50"')
    for right, wrong in (
        ("timezone: Europe/Berlin", "timezone: Berlin"),
        ("settle: 36h", "settle: 36 hours"),
        ("channel: search-ops", "chanel: search-ops"),
        ("year_starts: 02-01", "year_starts: 02-30"),
        ("      sandbox-*: 200", "      *-sandbox: 200"),
        ("except: {model: gpt-5-nano*}", "except: {modle: gpt-5-nano*}"),
        ("{at: $100, severity: info}", "{at: $1,100, severity: info}"),
        ("calendar: fy", "calendar: fyi"),
        ("week_starts: sunday", "week_starts: sonntag"),
        ("from: 2026-03-01\n    to", "from: #2026\n    to"),
    ):
        assert right in text
        text = text.replace(right, wrong)
    places = [(p.line, p.column, p.code) for p in load_texts({"openai.yaml": text}).problems]
    assert places == [
        (3, 13, "B024"),
        (5, 11, "B021"),
        (8, 44, "B012"),
        (15, 21, "B024"),
        (29, 7, "B004"),
        (36, 14, "B034"),
        (49, 23, "B005"),
        (56, 15, "B031"),
        (66, 18, "B013"),
        (77, 11, "B003"),
    ]


RULE = "  - {id: %s, kind: budget, select: {}, period: month, amount: 5, route: %s}\n"


def test_a_tree_of_files_is_one_rulebook(tmp_path: Path):
    (tmp_path / "teams").mkdir()
    (tmp_path / "a.yaml").write_text("version: 1\nrules:\n" + RULE % ("one", "finops"))
    (tmp_path / "teams" / "b.yaml").write_bytes(
        b"\xef\xbb\xbfversion: 1\r\nroutes: {finops: {channel: a}}\r\nrules:\r\n"
        + (RULE % ("two", "finops")).encode()
    )
    (tmp_path / "a.cases.yaml").write_text("cases: nonsense")
    (tmp_path / ".hidden.yaml").write_text("{")
    (tmp_path / "notes.yml").write_text("{")
    loaded = load(tmp_path)
    assert [(p.code, p.file) for p in loaded.problems] == [("W105", f"{tmp_path}/notes.yml")]
    assert [(rule.id, rule.origin) for rule in loaded.book.rules] == [
        ("one", Origin("a.yaml", 3)),
        ("two", Origin("teams/b.yaml", 4)),
    ]
    assert set(loaded.files) == {"a.yaml", "teams/b.yaml"}
    assert load_texts(loaded.files).hash == loaded.hash


def test_what_is_compared_with_nothing_means_the_same_without_hash_and_mentions(tmp_path):
    text = WHOLE_LANGUAGE.replace("$1,250.50", '"$1,250.50"')
    (tmp_path / "openai.yaml").write_text(text)
    whole, bare = load(tmp_path), load(tmp_path, compared=False)
    assert whole.hash
    assert whole.mentions
    assert bare == whole._replace(hash="", mentions=(), book=replace(whole.book, hash=""))


def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path):
    """Or the same rules would have two hashes."""
    (tmp_path / "a.yaml").write_text("\ufeffversion: 1\n", encoding="utf-8")
    assert load(tmp_path).files == {"a.yaml": "version: 1\n"}


def test_names_stand_once_over_all_files():
    head = "version: 1\ndefaults: {settle: 1d}\nroutes: {finops: {channel: a}}\nteams: {x: {projects: a}}\nrules:\n"
    body = head + RULE % ("one", "team")
    found = load_texts({"a.yaml": body, "b.yaml": body}, "rules").problems
    assert [(p.file, p.line, p.column, p.code, p.message) for p in found] == [
        ("rules/b.yaml", 2, 12, "B030", 'two defaults for "settle" (first at rules/a.yaml:2:12)'),
        ("rules/b.yaml", 3, 10, "B030", 'two routes have the name "finops" (first at rules/a.yaml:3:10)'),
        ("rules/b.yaml", 4, 9, "B030", 'two teams have the name "x" (first at rules/a.yaml:4:9)'),
        ("rules/b.yaml", 6, 10, "B030", 'two rules have the id "one" (first at rules/a.yaml:6:10)'),
    ]


def test_one_file_alone_can_be_loaded(tmp_path: Path):
    file = tmp_path / "openai.yaml"
    file.write_text("version: 2\n")
    loaded = load(file)
    assert [(p.file, p.code) for p in loaded.problems] == [(str(file), "B013")]
    assert loaded.book is None


def test_nothing_at_the_path_is_said_and_an_empty_folder_is_an_empty_book(tmp_path: Path):
    with pytest.raises(SetupWrong, match="There are no rules at"):
        load(tmp_path / "rules")
    assert load(tmp_path).book.rules == ()


def test_files_that_cannot_be_read_are_problems_beside_the_others(tmp_path: Path):
    (tmp_path / "good.yaml").write_text("version: 1\nx: 1\n")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "latin.yaml").write_bytes("version: 1\n# für\n".encode("latin-1"))
    (tmp_path / "wide.yaml").write_text("version: 1\n", encoding="utf-16")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    found = [(Path(p.file).name, p.line, p.column, p.code, p.message) for p in load(tmp_path).problems]
    assert found == [
        (
            "gone.yaml",
            1,
            1,
            "B002",
            "the file cannot be read: there is nothing of that name, or a link leads nowhere",
        ),
        (
            "good.yaml",
            2,
            1,
            "B012",
            'unknown key "x" in the file; it knows: version, defaults, teams, routes, quiet, digests, calendars, rules',
        ),
        ("huge.yaml", 1, 1, "B002", "the file is larger than 1,024 KiB; split it"),
        ("latin.yaml", 2, 4, "B002", "the file is not written in UTF-8; save it as UTF-8"),
        ("loop.yaml", 1, 1, "B002", "the file cannot be read: too many levels of symbolic links"),
        ("pipe.yaml", 1, 1, "B002", "this is no file"),
        ("wide.yaml", 1, 1, "B002", "the file is written in UTF-16; save it as UTF-8"),
    ]


def test_a_folder_that_links_to_itself_ends(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("version: 1\nrules:\n" + RULE % ("one", "team"))
    (tmp_path / "again").symlink_to(tmp_path)
    assert [rule.id for rule in load(tmp_path).book.rules] == ["one"]


def test_links_to_files_and_folders_are_followed(tmp_path: Path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.yaml").write_text("version: 1\n")
    (tmp_path / "rules" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "rules" / "b.yaml").symlink_to(tmp_path / "elsewhere" / "a.yaml")
    assert set(load(tmp_path / "rules").files) == {"b.yaml", "linked/a.yaml"}


def test_a_fingerprint_changes_with_the_files_only(tmp_path: Path):
    assert fingerprint(tmp_path / "rules") == ""
    (tmp_path / "a.yaml").write_text("version: 1\n")
    first = fingerprint(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert fingerprint(tmp_path) == first
    (tmp_path / "a.yaml").write_text("version: 1 # changed\n")
    second = fingerprint(tmp_path)
    (tmp_path / "b.yaml").write_text("version: 1\n")
    assert len({first, second, fingerprint(tmp_path)}) == 3


def test_aliases_cannot_grow():
    bomb = "version: 1\na: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert {p.code for p in load_texts({"a.yaml": bomb}).problems} == {"B004", "B012"}


def test_a_file_full_of_forgotten_quotes_ends():
    text = "version: 1\nteams: {a: {projects: [" + ", ".join(["*.x"] * (MOST_MENDS + 5)) + "]}}\n"
    codes = [p.code for p in load_texts({"a.yaml": text}).problems]
    assert codes == ["B004"] * MOST_MENDS + ["B001"]


PIECES = st.sampled_from(
    ["version: 1", "rules:", "\n", "  ", "- ", "id: a", "kind: budget", "select: {", "}", "[", "]", "amount: ", "$1,500", "*x",
     "&a ", "!t ", "#x", "@x", "'", '"', ": ", ",", "\t", "thresholds: ", "80%", "é", "\u2028", "\x00", "| ", "> ", "%", "`", "---\n", "? "]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60))
@example("\ud800")
@example("a: {b: #c\n")
@example("version: 1\nrules: [{id: a, kind: {b: c}}]\n")
def test_no_text_makes_the_loader_raise(text: str):
    loaded = load_texts({"a.yaml": text})
    assert (loaded.book is None) == any(p.severity == "error" for p in loaded.problems)
    assert all(p.line >= 1 and p.column >= 1 and p.message for p in loaded.problems)


def test_a_misspelt_kind_hides_no_other_mistake():
    text = """version: 1
rules:
  - id: Model_Day
    kind: budgett
    select: {projct: a}
    period: fortnight
    amount: abc
    route: nowhere
"""
    problems = load_texts({"a.yaml": text}).problems
    assert [(problem.line, problem.code) for problem in problems] == [
        (3, "B020"),
        (4, "B035"),
        (5, "B034"),
        (6, "B013"),
        (7, "B022"),
        (8, "B031"),
    ]
