"""What a bad rule file prints: every code, at its place, in words."""

import json
from pathlib import Path

import pytest

from bot.core.kinds import KINDS
from bot.core.rules.book import Problem
from bot.core.rules.problems import CODES
from bot.core.rules.snapshot_check import warnings_from_snapshot
from bot.edge.rule_files import load_texts
from bot.render.problems import as_github, as_json, as_text

KNOWN = ", ".join(KINDS)
GOLDEN = Path(__file__).parent / "golden" / "problems.txt"

RULE = """version: 1
rules:
  - id: project-month
    kind: budget
    select: {}
    period: month
    amount: 500
"""


def told(text: str) -> list[str]:
    """Return the problems of one file as `line:column code message`."""
    found = load_texts({"openai.yaml": text}, "rules").problems
    assert {problem.file for problem in found} <= {"rules/openai.yaml"}
    return [f"{p.line}:{p.column} {p.code} {p.message}" for p in found]


def with_keys(*lines: str) -> str:
    """Return a good file whose rule has further keys, from line 8 on."""
    return RULE + "".join(f"    {line}\n" for line in lines)


def instead(key: str, line: str) -> str:
    """Return a good file in which the line of `key` is another."""
    return "".join(
        f"    {line}\n" if part.startswith(f"    {key}:") else part for part in RULE.splitlines(keepends=True)
    )


CASES = [
    pytest.param(
        "version: 1\n\tdefaults: {}\n",
        ["2:1 B001 this cannot be read as YAML: a tab; indent with blanks"],
        id="B001-tab",
    ),
    pytest.param(
        "version: 1\nrules: [a, {b: c]\n",
        ["2:17 B001 this cannot be read as YAML: a comma or a closing bracket is missing after the {"],
        id="B001-bracket",
    ),
    pytest.param(
        "version: 1\nrules: [a\n",
        ["2:8 B001 this cannot be read as YAML: the [ that begins here is not closed"],
        id="B001-not-closed",
    ),
    pytest.param(
        "version: 1\ndefaults: {route: 'ops}\n",
        ["2:19 B001 this cannot be read as YAML: the quotes that begin here are not closed"],
        id="B001-quotes",
    ),
    pytest.param(
        with_keys("title: a: b"),
        [
            (
                '8:13 B001 this cannot be read as YAML: a second ":" in one value, or a line that is indented '
                "differently from its neighbours; line it up, or write the value in quotes"
            )
        ],
        id="B001-two-colons",
    ),
    pytest.param(
        "version: 1\n---\nversion: 1\n",
        ["2:1 B001 a second document begins here: a rule file holds one"],
        id="B001-second-document",
    ),
    pytest.param(
        "version: 1\nrules: \x00\n",
        ["2:8 B001 this cannot be read as YAML: a character it does not allow (U+0000)"],
        id="B001-nul",
    ),
    pytest.param(
        "a: " + "[" * 30, ["1:23 B002 keys and lists are nested more than 20 deep"], id="B002-too-deep"
    ),
    pytest.param(
        f"version: 1\n{'#' * 1024 * 1024}",
        ["1:1 B002 the file is larger than 1,024 KiB; split it"],
        id="B002-too-large",
    ),
    pytest.param(
        "version: 1\nroutes:\n  finops:\n      channel: #ai-spend\n",
        ['4:16 B003 "channel" is empty: YAML reads "#ai-spend" as a comment; write ai-spend or "#ai-spend"'],
        id="B003-hash",
    ),
    pytest.param(
        "version: 1\nroutes:\n  finops: {channel: #ai-spend, mention: lead}\n",
        ['3:21 B003 "channel" is empty: YAML reads "#ai-spend" as a comment; write ai-spend or "#ai-spend"'],
        id="B003-hash-in-braces",
    ),
    pytest.param(
        "version: 1\nteams:\n  search:\n    projects:\n      - ranker\n      - #beta\n",
        ['6:9 B003 an item of "projects" is empty: YAML reads "#beta" as a comment; write beta or "#beta"'],
        id="B003-hash-in-a-list",
    ),
    pytest.param(with_keys("title: # later"), ['8:5 B003 "title" is empty'], id="B003-nothing"),
    pytest.param(
        instead("select", "select: {project: *-prod}"),
        ['5:23 B004 a value cannot begin with *: write "*-prod" in quotes'],
        id="B004-star",
    ),
    pytest.param(
        instead("select", "select: {project: [a, *.x, b]}"),
        ['5:27 B004 a value cannot begin with *: write "*.x" in quotes'],
        id="B004-star-and-dot",
    ),
    pytest.param(
        with_keys("title: *all of it"),
        ['8:12 B004 a value cannot begin with *: write "*all of it" in quotes'],
        id="B004-star-and-blanks",
    ),
    pytest.param(
        with_keys("title: !important"),
        ['8:12 B004 a value cannot begin with !: write "!important" in quotes'],
        id="B004-exclamation",
    ),
    pytest.param(
        "version: 1\nteams:\n  ä: {projects: [a], owner: @search-leads, page: %x}\n",
        [
            '3:29 B004 a value cannot begin with @: write search-leads or "@search-leads"',
            '3:50 B004 a value cannot begin with %: write "%x" in quotes',
        ],
        id="B004-at-and-percent",
    ),
    pytest.param(
        instead("amount", "amount: {*-prod: 900}") + "    each: project\n",
        ['7:14 B004 a key cannot begin with *: write "*-prod" in quotes'],
        id="B004-key",
    ),
    pytest.param(
        instead("select", "select: &everything {}"),
        ["5:13 B004 an anchor (&) is no part of a rule file; remove it"],
        id="B004-anchor",
    ),
    pytest.param(
        with_keys("thresholds: [{at: $1,500, severity: info}, 80%]"),
        ['8:23 B005 YAML splits at commas inside {...}: write "$1,500" in quotes'],
        id="B005-braces",
    ),
    pytest.param(
        with_keys("thresholds: [$1,250,500, 80%]"),
        ['8:18 B005 YAML splits at commas inside [...]: write "$1,250,500" in quotes'],
        id="B005-brackets",
    ),
    pytest.param(
        instead("select", "select: {line_item: gpt-5, input}"),
        ['5:25 B005 YAML splits at commas inside {...}: write "gpt-5, input" in quotes'],
        id="B005-line-item",
    ),
    pytest.param(
        instead("amount", "amount: {a: 12,000, b: 1,000}") + "    each: project\n",
        [
            '7:17 B005 YAML splits at commas inside {...}: write "12,000" in quotes',
            '7:28 B005 YAML splits at commas inside {...}: write "1,000" in quotes',
        ],
        id="B005-amounts",
    ),
    pytest.param(
        with_keys("period: day"), ['8:5 B006 "period" is written twice (first at line 6)'], id="B006"
    ),
    pytest.param(
        "", ['1:1 B010 the file needs "version": begin the file with version: 1'], id="B010-empty-file"
    ),
    pytest.param(
        "version: 1\nrules:\n  - id: a\n    kind: budget\n    period: day\n",
        [
            '3:5 B010 rule "a" needs "amount": dollars, a table, a plan or hard_limit',
            '3:5 B010 rule "a" needs "select": {} for everything',
        ],
        id="B010-rule",
    ),
    pytest.param(
        "version: 1\nrules:\n  - title: a\n", [f'3:5 B010 this rule needs "kind": {KNOWN}'], id="B010-kind"
    ),
    pytest.param(
        "version: 1\nroutes:\n  ops: {mention: a}\n",
        ['3:8 B010 route "ops" needs "channel", "user" or "webhook": where it speaks'],
        id="B010-route",
    ),
    pytest.param(
        "version: 1\nroutes:\n  ops: {webhook: https://example.com/secret}\n  exec: {webhook: hook, only: critical}\n",
        [
            "3:18 B020 an address stands in no rule file: put it into a setting, say FINANCE_WEBHOOK, and write that name here",
            '4:19 B020 "hook" is not the name of a setting: write capital letters, digits and _, like FINANCE_WEBHOOK',
        ],
        id="B020-webhook",
    ),
    pytest.param(
        "version: 1\nroutes:\n  ops: {webhook: OPS_HOOK, remind: 10:00, mention: a}\n",
        [
            '3:36 W106 route "ops" has only a webhook, which knows no "remind"',
            '3:52 W106 route "ops" has only a webhook, which knows no "mention"',
        ],
        id="W106-webhook",
    ),
    pytest.param(
        with_keys("title: [a, b]", "labels: prod"),
        [
            '8:12 B011 "title" takes one value, not a list',
            '9:13 B011 "labels" takes keys and values, not "prod"',
        ],
        id="B011",
    ),
    pytest.param(
        with_keys("threshhold: [{at: 80%}]"),
        ['8:5 B012 unknown key "threshhold" in rule "project-month"'],
        id="B012-near",
    ),
    pytest.param(
        "version: 1\ncalendars: {fy: {begin: 02-01, year_starts: 02-01}}\n",
        ['2:18 B012 unknown key "begin" in calendar "fy"; it knows: year_starts'],
        id="B012-far",
    ),
    pytest.param(
        instead("period", "period: monthly"),
        ['6:13 B013 "monthly" is no period; write day, week, month, quarter, year or {rolling: 30d}'],
        id="B013",
    ),
    pytest.param(
        instead("select", "select: {project: []}"), ['5:23 B014 "project" is an empty list'], id="B014-list"
    ),
    pytest.param(
        with_keys("thresholds: []", "each: []"),
        ['8:17 B014 "thresholds" is an empty list', '9:11 B014 "each" is an empty list'],
        id="B014-thresholds",
    ),
    pytest.param(
        with_keys("each: [project, model, project]"),
        ['8:28 B015 "project" stands twice in "each"'],
        id="B015",
    ),
    pytest.param(
        instead("amount", "amount: [{from: 2026-01-01, amount: 5}, {from: 2026-01-01, amount: 6}]"),
        ["7:52 B015 two steps begin on 2026-01-01 (first at rules/openai.yaml:7:21)"],
        id="B015-plan",
    ),
    pytest.param(
        with_keys("was: [Old Rule]"),
        [
            (
                '8:11 B020 "Old Rule" is not an id: write small letters, digits and hyphens, 63 at most, '
                "a letter or a digit first"
            )
        ],
        id="B020-id",
    ),
    pytest.param(
        "version: 1\nroutes:\n  ops: {channel: AI spend}\n  team: {channel: a}\n",
        [
            '3:18 B020 "AI spend" is not the name of a channel, a person or a group: write one word, or an id',
            '4:3 B020 a route cannot have the name "team": it means the team of the project',
        ],
        id="B020-name",
    ),
    pytest.param(
        with_keys("settle: 5 minutes"), ['8:13 B021 "5 minutes" is not a duration; write 5m'], id="B021"
    ),
    pytest.param(
        instead("period", "period: {rolling: 36h}"),
        ["6:23 B021 a rolling period counts whole days, 1d to 366d"],
        id="B021-rolling",
    ),
    pytest.param(
        instead("amount", "amount: 1_000"),
        ['7:13 B022 "1_000" is not an amount of dollars; write one like 12,000 or $1,500.50'],
        id="B022",
    ),
    pytest.param(
        with_keys("thresholds: [80, soon, 0%]"),
        [
            '8:18 B023 "80" is no threshold; write 80% of the amount, or $80',
            '8:22 B023 "soon" is no threshold; write one like 80% or $500, above zero',
            '8:28 B023 "0%" is no threshold; write one like 80% or $500, above zero',
        ],
        id="B023",
    ),
    pytest.param(
        with_keys("from: 1.2.2026"),
        ['8:11 B024 "1.2.2026" is not a date; write one like 2026-02-01'],
        id="B024",
    ),
    pytest.param(
        "version: 1\ndefaults: {timezone: Mars/Olympus}\n",
        ['2:22 B024 "Mars/Olympus" is not a time zone; write one like Europe/Berlin or UTC'],
        id="B024-zone",
    ),
    pytest.param(with_keys("limit: 0"), ['8:12 B025 "0" is not a whole number from 1 to 10,000'], id="B025"),
    pytest.param(
        instead("select", "select: {project: {regex: '(a+)+'}}"),
        ['5:31 B026 "(a+)+" repeats a group that repeats or branches inside, which may take for ever'],
        id="B026",
    ),
    pytest.param(
        with_keys("runbook: http://wiki.example.com"),
        ['8:14 B027 "http://wiki.example.com" is not a web address that begins with https://'],
        id="B027",
    ),
    pytest.param(
        RULE + "  - id: project-month\n    kind: budget\n    select: {}\n    period: day\n    amount: 1\n",
        ['8:9 B030 two rules have the id "project-month" (first at rules/openai.yaml:3:9)'],
        id="B030",
    ),
    pytest.param(
        "version: 1\nroutes: {finops: {channel: a}}\n"
        + RULE.removeprefix("version: 1\n")
        + "    route: finop\n",
        ['9:12 B031 there is no route "finop"'],
        id="B031-near",
    ),
    pytest.param(
        "version: 1\nteams: {search: {projects: a}}\n"
        + instead("select", "select: {team: payments}").removeprefix("version: 1\n"),
        ['6:20 B031 there is no team "payments"; there is search'],
        id="B031-team",
    ),
    pytest.param(
        with_keys("thresholds: [80%, {at: 80.0%}]"),
        ["8:23 B032 two thresholds are at 80% (first at rules/openai.yaml:8:18)"],
        id="B032",
    ),
    pytest.param(
        instead("amount", "amount: {search: 5, else: 1}"),
        ['7:14 B033 an amount for "search" needs "each": without it there is one group only'],
        id="B033-each",
    ),
    pytest.param(
        instead("amount", "amount: {else: 1, search: 5}") + "    each: project\n",
        ['7:23 B033 "search" is never reached: write "else" last'],
        id="B033-else",
    ),
    pytest.param(
        with_keys("from: 2026-02-01", "to: 2026-02-01"),
        ['9:9 B033 "to" is the first day after the rule, so it must come after 2026-02-01'],
        id="B033-dates",
    ),
    pytest.param(
        with_keys("was: project-month"),
        ['8:10 B033 "project-month" is still a rule (at rules/openai.yaml:3:9)'],
        id="B033-was",
    ),
    pytest.param(
        with_keys("each: team"),
        ['8:11 B033 "each: team" needs "teams": no file has any'],
        id="B033-teams",
    ),
    pytest.param(
        instead("select", "select: {modle: gpt-5}"),
        ['5:14 B034 cost has no dimension "modle"; it has project, line_item, model, api_key, user, team'],
        id="B034",
    ),
    pytest.param(
        instead("kind", "kind: zebra"),
        [f'4:11 B035 kind "zebra" is not known to this version; it knows: {KNOWN}'],
        id="B035-kind",
    ),
    pytest.param(
        RULE.replace("period: month", "period: day") + "    thresholds: [100%, forecast 100%]\n",
        ["8:17 B033 a day has no forecast: leave it out"],
        id="B033-forecast-of-a-day",
    ),
    pytest.param(
        with_keys("thresholds: [100%, forecast 100%, {at: 100%, basis: forecast}]"),
        ["8:39 B032 two thresholds are at forecast 100% (first at rules/openai.yaml:8:24)"],
        id="B032-forecast",
    ),
    pytest.param(
        with_keys("thresholds: [{at: 100%, confidence: 90%}, {at: 90%, basis: forecast, confidence: 20%}]"),
        [
            '8:41 B033 "confidence" is for "basis: forecast" only',
            '8:86 B023 "20%" is no confidence; write one from 50% to 99%',
        ],
        id="B033-confidence",
    ),
    pytest.param(
        with_keys("metric: input_tokns"),
        [
            '8:13 B013 "input_tokns" is no metric; write cost, spend, or one of usage, like input_tokens or requests'
        ],
        id="B013-metric",
    ),
    pytest.param(
        with_keys("metric: input_tokens", "thresholds: [$500, 100%]", "each: [project, line_item]"),
        [
            "9:17 B033 a level in dollars fits no budget of input tokens; write a share, like 80%",
            '10:21 B034 input_tokens has no dimension "line_item"; it has project, model, api_key, team, batch, service_tier',
        ],
        id="B034-of-usage",
    ),
    pytest.param(
        "version: 1\ndefaults: {gather: 5m}\nroutes:\n  ops: {channel: a, webhook: HOOK}\n",
        ['2:12 B035 key "gather" in defaults is not known to this version'],
        id="B035-keys",
    ),
    pytest.param(
        "version: 1\nroutes: {exec: {channel: a, only: critical}}\n"
        + with_keys("route: exec").removeprefix("version: 1\n"),
        ['9:12 W101 nobody hears 50% and 80% of "project-month": route "exec" says only critical'],
        id="W101",
    ),
    pytest.param(
        "version: 1\nroutes:\n  ops: {channel: a, remind: 9 am, escalate: {after: 1 day, to: boss}}\n"
        "  exec: {channel: b, quiet: nites, escalate: {after: 24h}}\n"
        "quiet: {nights: {hours: 20:00}, days: {wake: much}}\n",
        [
            '3:29 B024 "9 am" is not a time of day; write one like 09:00, or never',
            '3:53 B021 "1 day" is not a duration; write 1d',
            '4:29 B031 there is no quiet "nites"',
            '4:46 B010 "escalate" needs "to": the name of a route',
            '5:25 B024 "20:00" is not a stretch of a day; write one like 20:00-08:00',
            '5:39 B010 quiet "days" needs "hours", or "weekends: true"',
            '5:46 B022 "much" is not an amount of dollars; write one like 12,000 or $1,500.50',
        ],
        id="B024-routes",
    ),
    pytest.param(
        "version: 1\nroutes:\n  ops: {channel: a, escalate: {after: 1h, to: exec}}\n"
        "  exec: {channel: b, escalate: {after: 1d, to: ops}}\n"
        "  deep: {channel: c, escalate: {after: 1d, to: nowhere}}\n"
        "  same: {channel: a, only: critical, quiet: n, escalate: {after: 1d, to: twin}}\n"
        "  twin: {channel: a}\nquiet: {n: {weekends: true}}\n",
        [
            '3:47 B033 route "ops" escalates in a circle: ops → exec → ops',
            '4:48 B033 route "exec" escalates in a circle: exec → ops → exec',
            '5:48 B031 there is no route "nowhere"; there is ops, exec, deep, same or twin',
            '6:45 W106 route "same" says only what no quiet hours hold back',
            '6:74 W106 route "twin" speaks where "same" does: it was said there already',
        ],
        id="B033-circle",
    ),
    pytest.param(
        "version: 1\nroutes: {ops: {channel: a}}\ndigests:\n"
        "  - {id: weekly, schedule: 0 9 * * MON, report: last-week by project, route: ops}\n"
        "  - {id: weekly, schedule: 0 9 * *, report: last week by projct, route: finance}\n"
        "  - {id: x, schedule: 0 9 31 2 *, report: status severity=info}\n",
        [
            '5:10 B030 two digests have the id "weekly" (first at rules/openai.yaml:4:10)',
            '5:28 B028 "0 9 * *" has 4 fields; write five fields such as "0 9 * * MON"',
            "5:45 B028 no report can be asked so: “last week” is written “last-week”.",
            '5:73 B031 there is no route "finance"; there is ops',
            '6:23 B028 "0 9 31 2 *" is no cron expression that ever comes; write five fields such as "0 9 * * MON"',
            "6:43 B028 no report can be asked so: “status” is neither a range nor a dimension nor a filter.",
        ],
        id="B028",
    ),
    pytest.param(
        "version: 1\ndefaults: {freshness: {poll: 3 hours, date: 40h}}\nquiet: {nights: {hours: 20:00-08:00}}\n",
        [
            '2:30 B021 "3 hours" is not a duration; write 3h',
            '2:39 B012 unknown key "date" in "freshness"',
        ],
        id="B012-freshness",
    ),
    pytest.param(
        "version: 1\nquiet: {nights: {hours: 20:00-08:00}}\n",
        ['2:9 W102 no route keeps the quiet hours "nights"'],
        id="W102-quiet",
    ),
    pytest.param(
        "version: 1\nroutes: {exec: {channel: a}, ops: {channel: b}}\nteams: {search: {projects: a}}\n",
        ['2:10 W102 no rule uses the route "exec"', '3:9 W102 no rule uses the team "search"'],
        id="W102",
    ),
    pytest.param(
        instead("select", "select: {line_item: [gpt-5, input]}"),
        ['5:26 W104 is this one line item? write "gpt-5, input" in quotes'],
        id="W104",
    ),
    pytest.param(
        instead("amount", "amount: 12.000"),
        ['7:13 W107 "12.000" is 12 dollars; for thousands write 12,000'],
        id="W107",
    ),
    pytest.param(with_keys("week_starts: sunday"), ['8:18 W106 "week_starts" moves weeks only'], id="W106"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_mistake_is_told_at_its_place(text: str, expected: list[str]):
    assert told(text) == expected


def test_every_code_of_a_text_has_a_case():
    told_elsewhere = {"B040", "W103", "W105", "W108", "W109", "W110"}
    assert {str(case.id)[:4] for case in CASES} | told_elsewhere == set(CODES)


def test_a_good_rule_has_no_problem():
    assert told(RULE) == []


def test_a_file_that_cannot_be_read_makes_no_name_unknown():
    files = {"a.yaml": "routes: [\n", "b.yaml": with_keys("route: finops")}
    assert [problem.code for problem in load_texts(files).problems] == ["B001"]


def test_a_name_that_the_snapshot_lacks_is_a_warning_with_the_closest():
    loaded = load_texts(
        {
            "openai.yaml": instead(
                "select", "select: {project: [serach-prod, Ranker, x-*, (no project)], model: o3}"
            )
        },
        "rules",
    )
    names = {"project": [("proj_9f31aa", "search-prod"), ("proj_2", "ranker")], "line_item": [("a", "a")]}
    assert warnings_from_snapshot(loaded.mentions, names) == (
        Problem(
            "rules/openai.yaml",
            5,
            24,
            "W103",
            'no project named "serach-prod" in the last snapshot; closest: "search-prod" (proj_9f…)',
            "warning",
            suggestion="search-prod",
            width=11,
        ),
    )


def test_the_text_is_the_golden_one():
    loaded = load_texts(
        {
            "broken.yaml": "version: 1\n  rules: []\n",
            "openai.yaml": with_keys(
                "threshhold: [{at: 80%}]",
                "settle: 5 minutes",
                "title: *all",
                "each: [project, modl]",
                "limit: 1_0",
            ),
            "team-a.yaml": RULE,
        },
        "rules",
    )
    assert as_text(loaded.problems, files=len(loaded.files), rules=loaded.rules) + "\n" == GOLDEN.read_text()


def test_the_sum_knows_one_from_many():
    one = Problem("a.yaml", 1, 1, "B012", "m")
    other = Problem("a.yaml", 1, 1, "W101", "m", "warning")
    assert as_text([one], files=1, rules=1).endswith("\n1 error, 0 warnings in 1 file, 1 rule")
    assert as_text([one, one, other], files=2, rules=0).endswith("\n2 errors, 1 warning in 2 files, 0 rules")


def test_nothing_from_a_file_steers_the_terminal():
    hostile = Problem(
        "a\x1b.yaml", 1, 3, "B012", "\x1b[31m\u202e", suggestion="\x07", excerpt="\ta: \x1b]0;x\x07"
    )
    assert as_text([hostile], files=1, rules=1).isprintable() is False
    assert all(char.isprintable() or char == "\n" for char in as_text([hostile], files=1, rules=1))


def test_json_keeps_the_contract():
    loaded = load_texts({"openai.yaml": with_keys("threshhold: [{at: 80%}]", "limit: 0")}, "rules")
    assert json.loads(as_json(loaded.problems, files=1, rules=loaded.rules)) == {
        "errors": 2,
        "warnings": 0,
        "files": 1,
        "rules": 1,
        "problems": [
            {
                "file": "rules/openai.yaml",
                "line": 8,
                "column": 5,
                "severity": "error",
                "code": "B012",
                "message": 'unknown key "threshhold" in rule "project-month"',
                "suggestion": "thresholds",
            },
            {
                "file": "rules/openai.yaml",
                "line": 9,
                "column": 12,
                "severity": "error",
                "code": "B025",
                "message": '"0" is not a whole number from 1 to 10,000',
                "suggestion": None,
            },
        ],
    }


def test_github_annotations_are_escaped():
    problem = Problem("rules/a,b:c.yaml", 3, 7, "B012", "100%\nof it", suggestion="x")
    warning = Problem("a.yaml", 1, 2, "W101", "m", "warning")
    assert as_github([problem, warning]).splitlines() == [
        '::error file=rules/a%2Cb%3Ac.yaml,line=3,col=7,title=B012::100%25%0Aof it; did you mean "x"?',
        "::warning file=a.yaml,line=1,col=2,title=W101::m",
    ]
