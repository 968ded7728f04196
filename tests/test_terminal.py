"""What a shell prints: exact JSON and CSV for machines, tables that stay straight for people."""

import csv
import io
import json
from dataclasses import replace
from datetime import date

import pytest

from bot.core.dimension import Series
from bot.core.helping import helped
from bot.core.listing import Listing, RuleLine, Uncovered
from bot.core.period import Span
from bot.core.spend import Names
from bot.core.status import Standing, Status
from bot.core.verbs import VERBS
from bot.render import terminal
from bot.render.drawn import _width
from tests.spending import AS_OF, DOLLAR, ago, answered, asked, golden, number
from tests.test_replies import KINDS

INPUT, OUTPUT = "gpt-5.2, input", "gpt-5.2, output"
SPENT = [
    (date(2026, 10, 5), number("proj_search", INPUT), 9_000_170_000_000),
    (date(2026, 10, 6), number("proj_search", OUTPUT), 1_284_000_000_001),
    (date(2026, 10, 6), number("proj_labs", OUTPUT, "key_1"), 31_000 * DOLLAR),
    (date(2026, 10, 31), number("", "web search tool calls"), 212_180_000_000),
    (date(2026, 10, 31), number("proj_new"), -5_500_000_000),
]
OCTOBER = "2026-10-01..2026-10-31"


def told(words, rows=SPENT, form="json", **known):
    return terminal.shell(answered(words, rows, **known), form)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(f"report {OCTOBER} by project", id="project"),
        pytest.param(f"report {OCTOBER} by project,day", id="project-day"),
        pytest.param(f"report {OCTOBER} by line_item", id="line_item"),
        pytest.param(f"report {OCTOBER} by model,month", id="model-month"),
        pytest.param(f"report {OCTOBER} by team", id="team"),
        pytest.param(f"report {OCTOBER} by api_key,week", id="api_key-week"),
        pytest.param(f"top 2 {OCTOBER} by project", id="top"),
    ],
)
def test_reports_are_the_golden_ones(words, request):
    name = request.node.callspec.id.replace("-", "_")
    golden(f"answer_{name}.txt", "\n\n".join(told(words, form=form) for form in ("json", "csv", "table")))


def test_the_contracts_own_report():
    body = json.loads(told(f"report {OCTOBER} by project"))
    assert list(body) == [
        "start",
        "end",
        "as_of",
        "history_from",
        "currency",
        "by",
        "total_usd",
        "rows",
    ]
    assert (body["start"], body["end"], body["as_of"]) == ("2026-10-01", "2026-11-01", "2026-11-22T13:05:00Z")
    assert (body["history_from"], body["currency"], body["by"]) == ("2025-01-01", "usd", ["project"])
    assert body["total_usd"] == "41490.850000001"
    assert body["rows"][1:4:2] == [
        {
            "project_id": "proj_search",
            "project": "search-prod",
            "cost_usd": "10284.170000001",
            "share": 0.248,
        },
        {"project_id": "proj_new", "project": "proj_new", "cost_usd": "-5.5", "share": 0.0},
    ]
    assert body["rows"][2] == {
        "project_id": None,
        "project": "(no project)",
        "cost_usd": "212.18",
        "share": 0.005,
    }


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        pytest.param("project", ["project_id", "project"], id="project"),
        pytest.param("api_key", ["api_key_id", "api_key"], id="api_key"),
        pytest.param("user", ["user_id", "user"], id="user"),
        pytest.param("model", ["model"], id="model"),
        pytest.param("line_item", ["line_item"], id="line_item"),
        pytest.param("team", ["team"], id="team"),
        pytest.param("day", ["day"], id="day"),
        pytest.param("week", ["week"], id="week"),
        pytest.param("month", ["month"], id="month"),
        pytest.param("day,project", ["day", "project_id", "project"], id="as-asked"),
    ],
)
def test_the_keys_of_a_row(by, keys):
    words = f"report {OCTOBER} by {by}"
    assert list(json.loads(told(words))["rows"][0]) == [*keys, "cost_usd", "share"]
    assert told(words, form="csv").split("\n")[0] == ",".join([*keys, "cost_usd", "share"])
    assert told(words, rows=[], form="csv").split("\n")[0] == ",".join([*keys, "cost_usd", "share"])


def test_nothing_stored_is_null_and_said():
    body = json.loads(told("report mtd", rows=[], history_from=None, as_of=None))
    assert (body["as_of"], body["history_from"], body["rows"]) == (None, None, [])
    assert body["notes"] == ["No costs are stored yet: the first poll fetches them."]
    table = told("report mtd", rows=[], form="table", history_from=None, as_of=None)
    assert table.startswith("OpenAI: No costs are stored yet.")
    assert "$0.00" not in table


def test_a_part_of_the_range_is_not_told_as_the_whole():
    body = json.loads(told(f"report {OCTOBER}", history_from=date(2026, 10, 6)))
    assert body["notes"][0].startswith("Costs are stored from 2026-10-06 on: earlier days are missing")
    table = told(f"report {OCTOBER}", form="table", history_from=date(2026, 10, 6))
    assert " since 6 Oct (earlier days are not stored)" in table.split("\n")[0]
    gone = told(f"report {OCTOBER}", rows=[], form="table", history_from=date(2026, 11, 2))
    assert gone.startswith("OpenAI: The costs of 1–31 Oct are not stored\n")
    assert "$" not in gone


@pytest.mark.parametrize("form", ["json", "csv"])
def test_machines_get_every_row_and_people_the_largest(form):
    names = Names({("project", f"p{n}"): f"project-{n:03d}" for n in range(300)})
    series = {n: Series(f"p{n}") for n in range(300)}
    rows = [(ago(1), n, (n + 1) * DOLLAR) for n in range(300)]
    known = {"series": series, "names": names}
    machine = told("report 7d by project", rows, form, **known)
    assert sum(f"project-{n:03d}" in machine for n in range(300)) == 300
    lines = told("report 7d by project", rows, "table", **known).split("\n")
    assert lines[3].split() == ["project-299", "$300.00", "0.7%"]
    assert [line.split()[:3] for line in lines[23:25]] == [
        ["280", "others", "$39,340.00"],
        ["total", "$45,150.00"],
    ]


def test_a_table_in_time_shows_the_latest_days():
    rows = [(ago(n), 1, DOLLAR) for n in range(60)]
    lines = told("report 60d by day", rows, "table").split("\n")
    assert lines[3].split()[:3] == ["29", "earlier", "$29.00"]
    assert lines[4].startswith(str(ago(30)))
    assert lines[34].startswith(str(ago(0)))
    assert len(json.loads(told("report 60d by day", rows))["rows"]) == 60


def test_a_table_is_as_long_as_was_asked():
    series = {n: Series(f"p{n}") for n in range(60)}
    rows = [(ago(1), n, DOLLAR) for n in range(60)]
    lines = told("top 50 7d", rows, "table", series=series).split("\n")
    assert "10 others" in lines[53]


# -- names from outside ------------------------------------------------------------------------------

HOSTILE = ('=HYPERLINK("http://x")', "+1", "-2", "@SUM(A1)", "\t=1", "＝1", 'a"b,c', "line\nbreak", "\r\nx")


def hostile(form, *names):
    series = {n: Series(f"p{n}") for n in range(len(names))}
    known = Names({("project", f"p{n}"): name for n, name in enumerate(names)})
    rows = [(ago(1), n, (100 - n) * DOLLAR) for n in range(len(names))]
    return told("report 7d by project", rows, form, series=series, names=known)


def test_csv_holds_no_formula_and_one_row_a_line():
    text = hostile("csv", *HOSTILE)
    assert len(text.split("\n")) == len(HOSTILE) + 1
    cells = [row["project"] for row in csv.DictReader(io.StringIO(text))]
    assert cells == [
        '\'=HYPERLINK("http://x")',
        "'+1",
        "'-2",
        "'@SUM(A1)",
        "' =1",
        "'＝1",
        'a"b,c',
        "line break",
        " x",
    ]


def test_negative_amounts_are_numbers_in_csv():
    rows = [(ago(1), number("proj_labs"), -3 * DOLLAR), (ago(1), number("proj_search"), DOLLAR)]
    read = list(csv.DictReader(io.StringIO(told("report 7d", rows, "csv"))))
    assert [(row["cost_usd"], row["share"]) for row in read] == [("1", "-0.5"), ("-3", "1.5")]
    assert "−$3.00" in told("report 7d", rows, "table")


def test_json_keeps_names_and_hides_nothing_from_a_terminal():
    name = "検索\x1b[31m\u202e\x9bx"
    text = hostile("json", name)
    assert json.loads(text)["rows"][0]["project"] == name
    assert "検索" in text
    assert not any(character in text for character in "\x1b\u202e\x9b")


def test_tables_stay_straight_with_wide_marked_and_hidden_letters():
    text = hostile("table", "検索サービス", "café", "cafe\u0301", "evil\u202etxt\x1b[2J\x07", "\u200b")
    lines = text.split("\n")[2:8]
    assert len({_width(line) for line in lines}) == 1
    assert "eviltxt [2J" in text
    assert "(empty)" in text
    assert not any(character in text for character in "\u202e\x1b\x07\u200b")


def test_a_long_name_is_never_cut_in_a_table():
    assert "x" * 300 in hostile("table", "x" * 300)


# -- status ------------------------------------------------------------------------------------------

MONTH = Span(date(2026, 11, 1), date(2026, 12, 1))
FIRING = Standing(
    "project-month",
    "Monthly budget",
    "9f00aa11bb22",
    ("project",),
    ("proj_search",),
    ("search-prod",),
    MONTH,
    "November",
    "firing",
    "first this period",
    "80%",
    "warning",
    10_284_170_000_000,
    12_000 * DOLLAR,
    "search",
    "search-leads",
)
FINE = replace(
    FIRING,
    group=("",),
    group_names=("(no project)",),
    state="ok",
    level="",
    severity=None,
    value=0,
    reason="below every level",
)
LEARNING = Standing(
    "year", "Year", "0123456789ab", (), (), (), Span(date(2026, 1, 1), date(2027, 1, 1)), "2026", "learning",
    "learning: history from 26 Jul, needs 1 Jan",
)  # fmt: skip
STATUS = Status(AS_OF, (FIRING, FINE, LEARNING))


def test_status_is_the_golden_one():
    golden(
        "answer_status.txt", "\n\n".join(terminal.shell(STATUS, form) for form in ("json", "csv", "table"))
    )


def test_status_of_every_kind_is_the_golden_one():
    status = Status(AS_OF, KINDS)
    golden(
        "answer_status_kinds.txt",
        "\n\n".join(terminal.shell(status, form) for form in ("json", "csv", "table")),
    )


@pytest.mark.parametrize(
    ("standing", "value", "amount", "unit"),
    [
        pytest.param(KINDS[0], "10284.17", "12000", "usd", id="dollars"),
        pytest.param(KINDS[3], "4.61", "4", "usd per 1,000 requests", id="a rate"),
        pytest.param(KINDS[4], "0.38", "0.35", "share", id="a share of one"),
        pytest.param(KINDS[8], "1032000", "1200000", "input tokens", id="tokens"),
    ],
)
def test_figures_are_exact_in_the_units_of_the_rule(standing, value, amount, unit):
    (told,) = json.loads(terminal.shell(Status(AS_OF, (standing,)), "json"))["rules"]
    assert (told["value"], told["amount"], told["unit"]) == (value, amount, unit)


def test_estimates_and_limits_are_told_to_machines():
    (told,) = json.loads(terminal.shell(Status(AS_OF, (KINDS[0],)), "json"))["rules"]
    assert (told["estimated"], told["hard_limit"], told["cut_off_at"]) == (
        "312",
        "12000",
        "2026-11-26T13:20:00Z",
    )


def test_the_contracts_own_status():
    body = json.loads(terminal.shell(STATUS, "json"))
    assert list(body) == ["as_of", "rules"]
    assert body["rules"][0] == {
        "rule": "project-month",
        "fingerprint": "9f00aa11bb22",
        "group": {"project_id": "proj_search", "project": "search-prod"},
        "period": {"start": "2026-11-01", "end": "2026-12-01"},
        "state": "firing",
        "level": "80%",
        "severity": "warning",
        "value": "10284.17",
        "amount": "12000",
        "ratio": 0.857,
        "estimated": "0",
        "reason": "first this period",
        "acknowledged_by": None,
        "silenced_by": None,
        "kind": "budget",
        "unit": "usd",
        "note": None,
        "hard_limit": None,
        "cut_off_at": None,
    }
    assert body["rules"][1]["group"] == {"project_id": None, "project": "(no project)"}
    assert (body["rules"][2]["value"], body["rules"][2]["amount"], body["rules"][2]["ratio"]) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("status", "words", "line"),
    [
        pytest.param(Status(None, ()), "status", "No budget is watched.", id="empty"),
        pytest.param(
            Status(AS_OF, ()), "status project=x", "No budget matches project=x.", id="nothing-matches"
        ),
        pytest.param(
            Status(AS_OF, (LEARNING,)), "status", "No budget is judged now: 1 learning.", id="learning"
        ),
        pytest.param(
            Status(AS_OF, (FINE,)),
            "status",
            "1 budget, under every level: (no project) at 0% of its November budget ($0 of $12,000).",
            id="one-quiet",
        ),
        pytest.param(
            Status(AS_OF, (replace(FINE, amount=0),)),
            "status",
            "1 budget, under every level: (no project), $0 of $0 in November.",
            id="amount-of-nothing",
        ),
        pytest.param(
            Status(AS_OF, (replace(FINE, value=3_000 * DOLLAR), FINE)),
            "status state=ok",
            "All 2 budgets (state=ok) are under every level; the fullest is (no project) at 25% of its November "
            "budget ($3,000 of $12,000).",
            id="all-fine",
        ),
        pytest.param(
            Status(AS_OF, (FIRING, FINE)),
            "status",
            "1 of 2 budgets passed a level; worst is search-prod at 85% of its November budget "
            "($10,284 of $12,000).",
            id="firing",
        ),
    ],
)
def test_the_first_line_of_status(status, words, line):
    assert terminal.shell(status, "table", asked(words)).split("\n")[0] == line


def test_what_is_wrong_stands_above_everything():
    status = replace(
        STATUS, notes=("The rule files have 1 error (a.yaml:1:1 B001: x); the last good rules go on.",)
    )
    assert terminal.shell(status, "table").startswith("Warning: The rule files have 1 error")
    rules = Listing((), notes=("The rule files have 1 error.",))
    assert terminal.shell(rules, "table").startswith(
        "Warning: The rule files have 1 error.\nThere are no rules."
    )


# -- rules and help ----------------------------------------------------------------------------------

RULES = Listing(
    (
        RuleLine("all", "Everything", "budget", "everything", "a month", "$40,000", ("80%", "100%"), "#ai-spend", "active"),
        RuleLine(
            "project-month", "Monthly budget", "budget", "everything, each project", "a month",
            "search-prod $12,000 (from 2027-01-01 $15,000), else $200", ("50%", "$500"), "the team's channel", "active",
        ),
        RuleLine("old", "Old", "budget", "model gpt-4*", "a day", "$5", ("100%",), "#labs", "inactive since 2026-10-01"),
    ),
    (Uncovered("proj_labs", "labs", 123_450_000_000), Uncovered("", "(no project)", 1)),
    Span(date(2026, 11, 1), date(2026, 11, 23)),
)  # fmt: skip


def test_rules_are_the_golden_ones():
    golden("answer_rules.txt", "\n\n".join(terminal.shell(RULES, form) for form in ("json", "csv", "table")))


@pytest.mark.parametrize("topic", VERBS)
def test_help_names_whatever_may_follow(topic):
    text = terminal.shell(helped(topic), "table")
    verb = VERBS[topic]
    assert text.startswith(f"{topic} {verb.words(slack=False)}".strip())
    assert ("RANGE: " in text) == verb.ranged
    for key in verb.keys:
        assert f"{key}=" in text
    for command, what in verb.examples:
        assert f"{command}: {what}" in text


def test_help_teaches_few_and_names_all():
    lines = terminal.shell(helped(""), "table").splitlines()
    assert [line.split()[0] for line in lines[:12:2]] == [
        "status",
        "report",
        "why",
        "explain",
        "ack",
        "silence",
    ]
    assert {line.split()[0] for line in lines if line and line[0] != " "} == {*VERBS}


@pytest.mark.parametrize("topic", ["", "silence", "subscribe", "why"])
def test_help_is_the_golden_one(topic):
    golden(f"answer_help{topic and '_'}{topic}.txt", terminal.shell(helped(topic), "table"))
