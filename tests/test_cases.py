"""Cases: rules tested by their authors, as a shell, a pull request and an author meet them."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.casing import run_cases
from bot.core.cases.bind import bind
from bot.core.cases.parse import parse
from bot.core.cases.play import Player
from bot.core.rules.parse import parse as parse_rules
from bot.core.rules.problems import Problems
from bot.edge import case_files
from bot.edge.rule_files import load
from bot.render.cases import words_of
from tests.shell import Here

SHIPPED = Path(__file__).parents[1] / "rules"

RULES = """\
version: 1
teams:
  search: {projects: [search-*], channel: search-ops}
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: {search-prod: 12000, sandbox-*: 0, else: 1000}
    thresholds: [50%, 80%, 100%]
  - {id: total-day, kind: budget, select: {}, except: {project: sandbox-*}, period: day, amount: 100, thresholds: 100%}
  - {id: model-day, kind: budget, select: {model: [gpt-5*, "o?-mini"]}, each: [project, model], period: day, amount: 100}
  - {id: team-month, kind: budget, select: {}, each: team, period: month, amount: 1000}
  - {id: calls, kind: budget, select: {project: lab-*}, metric: requests, period: day, amount: 1000}
"""
HEAD = """\
rules: [openai.yaml]
cases:
  - name: a story
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/openai.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


@pytest.fixture
def here(monkeypatch, capsys):
    return Here(monkeypatch, capsys)


def played(folder, text, name="openai.cases.yaml"):
    """Play one case file of the folder."""
    file = folder / "rules" / name
    file.write_text(text, encoding="utf-8")
    return run_cases([file])


def story(folder, *lines):
    """Play one case, given by its lines from line 4 on; return what does not hold, or is wrong."""
    done = played(folder, HEAD + "".join(f"    {line}\n" for line in lines))
    told = [f"{p.line}:{p.column} {p.code} {p.message}" for p in done.problems]
    return [*told, *(f"{one.line}: {one.sentence}" for one in done.failed)]


def test_the_case_of_the_documentation_holds(folder):
    text = (SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    shown = text[text.index("rules: [openai.yaml]") :]
    done = played(folder, shown[: shown.index("```")])
    assert (done.told, done.cases, done.expectations) == ((), 1, 3)


# -- the shipped cases ----------------------------------------------------------------------------------


def test_the_shipped_cases_hold():
    done = run_cases([SHIPPED])
    assert done.told == ()
    assert done.cases > 0


def bound_cases(folder):
    """Every case of a folder, ready to be played."""
    problems = Problems()
    for file in case_files.find([folder], problems):
        held = case_files.read(file, problems)
        roots, _ = case_files.roots(case_files.rules_of(file, held, problems), problems)
        book = parse_rules(roots, problems).book
        for case in held.cases:
            yield bind(case, roots, book, problems)
    assert problems.errors == 0


def test_each_shipped_budget_is_driven_from_quiet_to_firing_and_back():
    driven = {}
    for bound in bound_cases(SHIPPED):
        states = [(e.state, s.is_in("ok")) for e, s in Player(bound).play() if e.group is None]
        firing = [place for place, (state, _) in enumerate(states) if state == "firing"]
        if firing:
            before = any(calm for _, calm in states[: firing[0]])
            after = any(calm for _, calm in states[firing[-1] :])
            driven[bound.case.rule_id] = driven.get(bound.case.rule_id, False) or (before and after)
    rules = {rule.id for rule in load(SHIPPED).book.rules if rule.kind == "budget"}
    assert dict.fromkeys(rules, True) == {key: driven.get(key, False) for key in rules}


# -- what does not hold ---------------------------------------------------------------------------------

STORY = [
    "rule: project-month",
    "group: {project: search-prod}",
    'days: {from: 2026-08-01, values: "400x12 5200 400x5"}',
    "expect:",
]


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        pytest.param(
            "{at: 2026-08-12T18:00Z, state: firing, level: 50%}",
            "expected state firing, level 50%, got state ok, no level ($4,800.00 of $12,000.00, 40%: below every level)",
            id="a state and a level",
        ),
        pytest.param(
            "{at: 2026-08-13T18:00Z, state: ok}",
            "expected state ok, got state firing ($10,000.00 of $12,000.00, 83%, at 80%: first this period)",
            id="quiet",
        ),
        pytest.param(
            "{at: 2026-08-13T18:00Z, level: 50%, severity: critical, reason: corrected}",
            'expected level 50%, severity critical, reason "corrected", '
            'got level 80%, severity warning, reason "first this period" ($10,000.00 of $12,000.00, 83%, at 80%: first this period)',
            id="a reason",
        ),
        pytest.param(
            "{at: 2026-08-13T18:00Z, value: 10000.01, amount: 1}",
            "expected value $10,000.01, amount $1.00, got value $10,000.00, amount $12,000.00 "
            "($10,000.00 of $12,000.00, 83%, at 80%: first this period)",
            id="figures",
        ),
        pytest.param(
            "{at: 2026-08-13T18:00Z, messages: 2, replies: 1}",
            "expected 2 messages, 1 thread line, got 1 message, 0 thread lines "
            "($10,000.00 of $12,000.00, 83%, at 80%: first this period)",
            id="how many messages",
        ),
        pytest.param(
            "{at: 2026-08-12T18:00Z, says: search-prod}",
            'expected the words "search-prod", got no message ($4,800.00 of $12,000.00, 40%: below every level)',
            id="words before anything was said",
        ),
        pytest.param(
            "{at: 2026-08-12T18:00Z, group: {project: nobody}, value: 5}",
            "expected value $5.00, got no value (nothing is judged of this group: below every level)",
            id="a group that is not there",
        ),
    ],
)
def test_a_broken_case_prints_what_was_expected_and_what_came(folder, here, expected, said):
    assert story(folder, *STORY, f"  - {expected}") == [f"8: {said}"]
    done = here(folder, {}, "test")
    assert done.code == 1
    assert done.out.splitlines() == [
        f"rules/openai.cases.yaml:8: {said}",
        f'    case "a story", rule project-month, at 2026-08-{expected[13:15]}T18:00Z',
        "1 case, 1 expectation: 1 does not hold",
    ]


def test_missing_words_show_the_message(folder):
    (told,) = story(folder, *STORY, '  - {at: 2026-08-13T18:00Z, says: ["labs", "search-prod", "100%"]}')
    assert told.startswith('8: expected the words "labs" and "100%"') is False
    assert 'expected the words "labs", got the message "' in told
    assert "search-prod has used 83% of its August budget" in told


def test_words_that_nobody_may_read(folder):
    (told,) = story(folder, *STORY, "  - {at: 2026-08-13T18:00Z, says_not: [labs, search-prod]}")
    assert 'expected no word of "search-prod", got the message' in told


# -- what a case may say --------------------------------------------------------------------------------

HOLDS = [
    pytest.param(
        [
            "rule: project-month",
            "group: search-prod",
            "days: {from: 2026-08-01, values: [400x12, 5200, 400x5]}",
            "expect: {at: 2026-08-13T12:00Z, state: firing, level: 80%}",
        ],
        id="a list of figures, a group of one dimension, one expectation",
    ),
    pytest.param(
        [
            "rule: project-month",
            "group: search-prod",
            'days: [{from: 2026-08-01, values: "$1,500.50"}, {from: 2026-08-03, values: -0.5 2k}]',
            "expect:",
            '  - {at: 2026-08-04T12:00Z, value: "3,500"}',
        ],
        id="thousands, credits, days without figures between",
    ),
    pytest.param(
        [
            "rule: total-day",
            "days: {from: 2026-08-01, values: 500, seen: 18:30}",
            "expect:",
            "  - {at: 2026-08-01T18:29Z, state: ok}",
            "  - {at: 2026-08-01T18:30Z, state: firing}",
        ],
        id="known from a time of the day on",
    ),
    pytest.param(
        [
            "rule: total-day",
            "days: {from: 2026-08-01, values: 500x2, seen: 36h}",
            "expect:",
            "  - {at: 2026-08-02T11:00Z, state: ok}",
            "  - {at: 2026-08-02T12:00Z, state: firing, reason: late data for a closed period}",
        ],
        id="known some hours after the day began",
    ),
    pytest.param(
        [
            "rule: project-month",
            "group: search-prod",
            "days: {from: 2026-08-01, values: 2000x6, seen: 2026-08-20T07:00Z}",
            "expect:",
            "  - {at: 2026-08-20T06:59Z, state: ok, messages: 0}",
            '  - {at: 2026-08-20T07:00Z, state: firing, level: 100%, messages: 1, says: "Passed 50, 80 and 100%"}',
        ],
        id="a late bill, all at once",
    ),
    pytest.param(
        [
            "rule: total-day",
            "days: {from: 2026-08-01, values: 90}",
            "revise: [{seen: 2026-08-01T09:10Z, day: 2026-08-01, value: 120}]",
            "expect:",
            "  - {at: 2026-08-01T09:00Z, state: ok}",
            "  - {at: 2026-08-01T10:00Z, state: firing}",
            "  - {at: 2026-08-01T12:00Z, state: ok, reason: corrected}",
        ],
        id="known early, and otherwise at noon",
    ),
    pytest.param(
        [
            "rule: project-month",
            "group: search-prod",
            "days: {from: 2026-08-01, values: 1500x5}",
            "edit:",
            "  - {at: 2026-08-10T00:00Z, amount: 8000, thresholds: [90%]}",
            "  - {at: 2026-08-12T00:00Z, remove: true}",
            "expect:",
            "  - {at: 2026-08-09T00:00Z, state: firing, level: 50%, amount: 12000}",
            "  - {at: 2026-08-10T00:00Z, state: firing, level: 90%, amount: 8000}",
            "  - {at: 2026-08-12T00:00Z, state: ended, reason: rule removed}",
        ],
        id="an edit, and a removal",
    ),
    pytest.param(
        [
            "rule: total-day",
            "days: {from: 2026-08-01, values: 50x5 500 0x9}",
            "clock: [{at: 2026-08-06T10:30Z, back: 3h}, {at: 2026-08-06T16:30Z, ahead: 3h}]",
            "expect:",
            "  - {at: 2026-08-06T12:00Z, state: ok}",  # the clock shows 09:00, and 10:00 was judged
            "  - {at: 2026-08-06T13:00Z, state: firing, messages: 1}",
            "  - {at: 2026-08-06T17:00Z, state: firing, messages: 1, replies: 0}",
        ],
        id="a clock that steps back judges nothing until it has caught up",
    ),
    pytest.param(
        [
            "rule: total-day",
            "days: {from: 2026-08-01, values: 50 500}",
            "missing: [{from: 2026-08-02T11:00Z, to: 2026-08-02T20:00Z}]",
            "expect:",
            "  - {at: 2026-08-02T19:59Z, state: ok}",
            "  - {at: 2026-08-02T20:00Z, state: firing}",
        ],
        id="polls that failed",
    ),
    pytest.param(
        [
            "rule: project-month",
            "group: search-prod",
            "history_from: 2026-08-03",
            "days: {from: 2026-08-03, values: 12000x40}",
            "expect:",
            '  - {at: 2026-08-20T12:00Z, state: learning, reason: "learning: history from 3 Aug, needs 1 Aug"}',
            "  - {at: 2026-09-01T12:00Z, state: firing}",
        ],
        id="a history that begins too late",
    ),
    pytest.param(
        [
            "rule: project-month",
            "group: {project: sandbox-x}",
            "days: {from: 2026-08-01, values: 0 0.01}",
            "expect:",
            "  - {at: 2026-08-01T12:00Z, state: ok}",
            "  - {at: 2026-08-02T12:00Z, state: firing, level: 100%}",
        ],
        id="a budget of nothing",
    ),
    pytest.param(
        [
            "rule: project-month",
            "group: {project: (no project)}",
            "days: {from: 2026-08-01, values: 700}",
            "expect: {at: 2026-08-01T12:00Z, state: firing, says: (no project)}",
        ],
        id="spend without a project",
    ),
    pytest.param(
        [
            "rule: total-day",
            "series:",
            "  - {project: sandbox-a, days: {from: 2026-08-01, values: 900x3}}",
            "  - {project: search-prod, days: {from: 2026-08-01, values: 60x2}}",
            "  - {project: labs, days: {from: 2026-08-02, values: 60}, revise: {seen: 2026-08-02T15:00Z, day: 2026-08-02, value: 10}}",
            "expect:",
            "  - {at: 2026-08-01T18:00Z, state: ok, value: 60}",
            "  - {at: 2026-08-02T13:00Z, state: firing, value: 120}",
            "  - {at: 2026-08-02T15:00Z, state: ok, value: 70}",
        ],
        id="several series add up, and what is excepted does not count",
    ),
    pytest.param(
        [
            "rule: model-day",
            "group: {project: labs, model: o3-mini}",
            "days: {from: 2026-08-01, values: 60 170}",
            "expect:",
            "  - {at: 2026-08-02T12:00Z, state: firing, says: o3-mini in labs}",
            "  - {at: 2026-08-02T12:00Z, group: {project: labs, model: gpt-5.2}, state: ok}",
        ],
        id="a group of two dimensions",
    ),
    pytest.param(
        [
            "rule: team-month",
            "group: search",
            "days: {from: 2026-08-01, values: 600x2}",
            "expect: {at: 2026-08-02T12:00Z, state: firing, level: 100%}",
        ],
        id="a team's spend is that of one of its projects",
    ),
    pytest.param(
        [
            "rule: calls",
            'days: {from: 2026-08-01, values: "400 800 1,200"}',
            "expect:",
            "  - {at: 2026-08-01T12:00Z, state: ok}",
            "  - {at: 2026-08-02T12:00Z, state: firing, level: 80%, value: 800}",
            '  - {at: 2026-08-03T12:00Z, level: 100%, value: "1,200"}',
        ],
        id="a budget of requests counts requests, in a project its rule selects",
    ),
]


@pytest.mark.parametrize("lines", HOLDS)
def test_what_a_case_may_say(folder, lines):
    assert story(folder, *lines) == []


def test_rules_are_those_of_the_folder_where_none_are_named(folder):
    (folder / "rules/more.yaml").write_text(
        "version: 1\nrules:\n  - {id: more, kind: budget, select: {}, period: day, amount: 5}\n",
        encoding="utf-8",
    )
    text = "cases: [{name: a, rule: more, days: {from: 2026-08-01, values: 9}, expect: {at: 2026-08-01T12:00Z, state: firing}}]"
    assert played(folder, text).told == ()


# -- mistakes -------------------------------------------------------------------------------------------

DAYS = "days: {from: 2026-08-01, values: 400}"
OK = "expect: {at: 2026-08-01T12:00Z, state: ok}"
TOTAL = "rule: total-day"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(
            ["rule: total-dya", DAYS, OK], '4:11 B031 there is no rule "total-dya"', id="no such rule"
        ),
        pytest.param([TOTAL, DAYS], '3:5 B010 case "a story" needs "expect"', id="nothing expected"),
        pytest.param([TOTAL, OK], '3:5 B010 case "a story" needs "days" or "series"', id="no figures"),
        pytest.param(
            [TOTAL, DAYS, OK, "expcet: 1"], '7:5 B012 unknown key "expcet" in case "a story"', id="a key"
        ),
        pytest.param(
            [TOTAL, DAYS, "expect: {at: 2026-08-01T12:00Z, levl: 50%}"],
            '6:37 B012 unknown key "levl"',
            id="a key of expect",
        ),
        pytest.param(
            [TOTAL, DAYS, "expect: {at: 2026-08-01T12:00Z}"],
            "6:13 B010 an expectation needs what",
            id="nothing",
        ),
        pytest.param(
            [TOTAL, DAYS, "expect: {at: 2026-08-01T12:00Z, state: fire}"],
            '6:44 B013 "fire" is no state',
            id="a state",
        ),
        pytest.param(
            [TOTAL, DAYS, "expect: {at: 2026-08-01T12:00Z, level: 90%}"],
            '6:44 B031 rule "total-day" has no level "90%"',
            id="a level the rule does not have",
        ),
        pytest.param(
            [TOTAL, DAYS, "expect: {at: noon, state: ok}"],
            '6:18 B024 "noon" is not an instant',
            id="an instant",
        ),
        pytest.param(
            [TOTAL, DAYS, "expect: {at: 2026-07-31T12:00Z, state: ok}"],
            "6:18 B033 2026-07-31T12:00Z is before the first day of the case, 2026-08-01",
            id="before the first day",
        ),
        pytest.param(
            [TOTAL, DAYS, "expect: {at: 2036-07-31T12:00Z, state: ok}"],
            "6:18 B033 2036-07-31T12:00Z is too late",
            id="years later",
        ),
        pytest.param(
            [TOTAL, "days: {from: 2026-08-01, values: 40q}", OK],
            '5:38 B022 "40q" is no figure',
            id="a figure",
        ),
        pytest.param(
            [TOTAL, "days: {from: 2026-08-01, values: 1x9999}", OK],
            '5:38 B022 "1x9999" is no figure',
            id="too many days at once",
        ),
        pytest.param(
            [TOTAL, "days: {from: 2026-08-01, values: 1x1000 1x1000}", OK],
            '5:38 B025 "values" has 2,000 days',
            id="too many days",
        ),
        pytest.param(
            [TOTAL, "days: [{from: 2026-08-01, values: 1x3}, {from: 2026-08-03, values: 1}]", OK],
            '5:72 B015 2026-08-03 stands twice in "days"',
            id="a day twice",
        ),
        pytest.param(
            [TOTAL, "days: {from: 2026-08-01, values: 1, seen: soon}", OK],
            '5:47 B024 "soon" does not say when',
            id="seen",
        ),
        pytest.param(
            [TOTAL, DAYS, "revise: {seen: 2026-08-03T12:00Z, day: 2026-08-04, value: 5}", OK],
            "6:63 B033 nothing of 2026-08-04 can be known before it begins",
            id="known before it begins",
        ),
        pytest.param(
            ["rule: project-month", DAYS, OK],
            '3:5 B033 rule "project-month" is judged for each project',
            id="no group",
        ),
        pytest.param(
            ["rule: model-day", "group: labs", DAYS, OK],
            '5:12 B033 rule "model-day" is judged for each project and model',
            id="a group of too few dimensions",
        ),
        pytest.param(
            [TOTAL, "group: {project: labs}", DAYS, OK],
            '5:12 B033 rule "total-day" is judged as a whole',
            id="a group of one",
        ),
        pytest.param(
            [TOTAL, "group: {projcet: labs}", DAYS, OK],
            '5:13 B034 there is no dimension "projcet"',
            id="no such dimension",
        ),
        pytest.param(
            [TOTAL, "series: {metric: requsets, days: {from: 2026-08-01, values: 1}}", OK],
            '5:22 B013 "requsets" is no metric',
            id="no such metric",
        ),
        pytest.param(
            ["rule: calls", "days: {from: 2026-08-01, values: 1.5}", OK],
            "5:38 B022 1.5 is not a whole number",
            id="half a request",
        ),
        pytest.param(
            ["rule: model-day", "group: {project: labs, model: tts}", DAYS, OK],
            '6:11 B033 these are no figures that rule "model-day" looks at',
            id="figures the rule never looks at",
        ),
        pytest.param(
            [TOTAL, DAYS, "edit: {at: 2026-08-01T00:00Z, amuont: 5}", OK],
            '6:35 B012 unknown key "amuont" in rule',
            id="a bad edit",
        ),
        pytest.param(
            [TOTAL, DAYS, "edit: {at: 2026-08-01T00:00Z, id: other}", OK],
            '6:35 B033 an edit cannot change "id"',
            id="another rule",
        ),
        pytest.param(
            [TOTAL, DAYS, "edit: {at: 2026-08-01T00:00Z}", OK],
            "6:11 B010 an edit needs keys",
            id="an empty edit",
        ),
        pytest.param(
            [TOTAL, DAYS, "edit: {remove: true}", OK], '6:11 B010 an edit needs "at"', id="an edit of no time"
        ),
        pytest.param(
            [TOTAL, DAYS, "clock: {at: 2026-08-01T00:00Z}", OK],
            '6:12 B033 a step of the clock goes "back" or "ahead"',
            id="a clock",
        ),
        pytest.param(
            [TOTAL, DAYS, "missing: {from: 2026-08-02T00:00Z, to: 2026-08-01T00:00Z}", OK],
            '6:44 B033 "to" must come after 2026-08-02T00:00Z',
            id="an outage that ends before it begins",
        ),
        pytest.param(
            [TOTAL, DAYS, "limits: {project: labs}", OK],
            '6:13 B010 a limit needs "amount"',
            id="a limit of nothing",
        ),
    ],
)
def test_mistakes_are_told_at_their_place(folder, lines, said):
    (told,) = story(folder, *lines)
    assert told.startswith(said), told


def test_a_nearby_word_is_suggested(folder):
    done = played(folder, HEAD + f"    rule: total-dya\n    {DAYS}\n    {OK}\n")
    assert [problem.suggestion for problem in done.problems] == ["total-day"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "rules: [other.yaml]\ncases: []\n",
            '1:9 B031 rule file "other.yaml" is not there',
            id="no rule file",
        ),
        pytest.param(
            "rules: [openai.cases.yaml]\ncases: [{}]\n",
            '1:9 B031 rule file "openai.cases.yaml" holds cases',
            id="a case file",
        ),
        pytest.param("rules: [openai.yaml]\n", '1:1 B010 the file needs "cases"', id="no cases"),
        pytest.param("caess: []\n", '1:1 B012 unknown key "caess" in the file', id="a misspelt key"),
        pytest.param("cases: [a, {b: c]\n", "1:17 B001 this cannot be read as YAML", id="no YAML"),
    ],
)
def test_mistakes_of_the_file(folder, text, said):
    done = played(folder, text)
    assert any(f"{p.line}:{p.column} {p.code} {p.message}".startswith(said) for p in done.problems), (
        done.problems
    )


def test_two_cases_of_one_name(folder):
    one = f"  - {{name: a, {TOTAL}, {DAYS}, {OK}}}\n"
    done = played(folder, "cases:\n" + one + one)
    assert [(p.line, p.code, p.message) for p in done.problems] == [
        (3, "B030", 'two cases have the name "a" (first on line 2)')
    ]


def test_bad_rules_keep_their_cases_from_being_played_and_are_told(folder):
    (folder / "rules/openai.yaml").write_text(RULES.replace("period: day", "period: dya"), encoding="utf-8")
    done = played(folder, HEAD + f"    {TOTAL}\n    {DAYS}\n    {OK}\n")
    assert {problem.code for problem in done.problems} == {"B013"}
    assert all(problem.file.endswith("openai.yaml") for problem in done.problems)
    assert (done.cases, done.expectations) == (1, 0)


# -- the commands ---------------------------------------------------------------------------------------

GOOD = f"cases:\n  - {{name: good, {TOTAL}, {DAYS}, expect: {{at: 2026-08-01T12:00Z, state: firing}}}}\n"
BROKEN = GOOD.replace("name: good", "name: broken").replace("firing", "ok")


def put(folder, text, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_all_cases_hold_is_exit_0(folder, here):
    put(folder, GOOD, "rules/a.cases.yaml")
    done = here(folder, {}, "test")
    assert (done.code, done.err, done.out) == (0, "", "1 case, 1 expectation, all hold\n")


def test_json_carries_places_and_both_sides(folder, here):
    put(folder, BROKEN, "rules/a.cases.yaml")
    done = here(folder, {}, "test", "--format", "json")
    assert done.code == 1
    told = done.json
    assert (told["files"], told["cases"], told["expectations"], told["problems"]) == (1, 1, 1, [])
    (failed,) = told["failed"]
    assert (failed["file"], failed["line"], failed["case"], failed["rule"]) == (
        "rules/a.cases.yaml",
        2,
        "broken",
        "total-day",
    )
    assert (failed["at"], failed["expected"], failed["got"]) == (
        "2026-08-01T12:00:00Z",
        ["state ok"],
        ["state firing"],
    )


def test_github_annotates_the_expectation(folder, here):
    put(folder, BROKEN, "rules/a.cases.yaml")
    done = here(folder, {}, "test", "--format", "github")
    assert done.code == 1
    assert done.out.startswith("::error file=rules/a.cases.yaml,line=2,col=")
    assert "title=B040::case" in done.out
    put(folder, GOOD, "rules/a.cases.yaml")
    assert here(folder, {}, "test", "--format", "github").out == ""


@pytest.mark.parametrize(
    ("words", "cases"),
    [
        pytest.param([], 3, id="the folder of the setting"),
        pytest.param(["rules/teams"], 1, id="a folder"),
        pytest.param(["rules/a.cases.yaml"], 1, id="a case file"),
        pytest.param(["rules/openai.yaml"], 1, id="a rule file brings the cases beside it"),
        pytest.param(["rules/a.cases.yaml", "rules"], 3, id="nothing is played twice"),
    ],
)
def test_which_cases_are_played(folder, here, words, cases):
    put(folder, GOOD, "rules/a.cases.yaml")
    put(folder, GOOD, "rules/openai.cases.yaml")
    put(folder, "rules: ../openai.yaml\n" + GOOD, "rules/teams/deep.cases.yaml")
    put(folder, GOOD, "rules/.hidden.cases.yaml")
    assert here(folder, {}, "test", *words, "--format", "json").json["cases"] == cases


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["test"], 0, "There are no case files (*.cases.yaml) under rules.", id="no case files"),
        pytest.param(["test", "nowhere"], 2, "", id="a path that is not there"),
    ],
)
def test_nothing_to_test(folder, here, words, code, said):
    done = here(folder, {}, *words)
    assert (done.code, done.out.strip()) == (code, said)


def test_a_case_file_of_another_ending_is_told_of(folder, here):
    put(folder, GOOD, "rules/a.cases.yml")
    done = here(folder, {}, "test")
    assert done.code == 0
    assert "W105: not read: its name must end in .cases.yaml" in done.out


def test_check_plays_cases_and_takes_them_for_no_rules(folder, here):
    put(folder, BROKEN, "rules/a.cases.yaml")
    told = here(folder, {"BUDGETBOT_CHANNEL": "spend"}, "check", "--format", "json").json
    assert (told["errors"], told["files"], told["rules"]) == (1, 1, 5)
    (problem,) = (one for one in told["problems"] if one["severity"] == "error")
    assert (problem["file"], problem["line"], problem["code"]) == ("rules/a.cases.yaml", 2, "B040")
    assert "expected state ok, got state firing" in problem["message"]
    assert here(folder, {}, "check", "rules/a.cases.yaml", "--format", "json").json["errors"] == 1


# -- hours that are passed over -------------------------------------------------------------------------


def random_case(seed):
    """A case file of one case with revisions, edits, clock steps and outages; an expectation every few hours."""
    chance = random.Random(seed)
    first = date(2026, 1, 1) + timedelta(days=chance.randrange(300))
    begins = datetime(first.year, first.month, first.day, tzinfo=UTC)

    def moment(most=45 * 24 * 60):
        return (begins + timedelta(minutes=chance.randrange(most))).strftime("%Y-%m-%dT%H:%MZ")

    rule = chance.choice(["project-month", "total-day"])
    figures = " ".join(str(chance.choice([0, 20, 60, 95, 130, 800])) for _ in range(40))
    seen = chance.choice(["12:00", "07:20", "40h"])
    lines = [f"rule: {rule}", *(["group: labs"] if rule == "project-month" else [])]
    lines.append(f"days: {{from: {first}, values: {figures}, seen: '{seen}'}}")
    days = sorted(chance.sample(range(38), 6))
    late = [(day, begins + timedelta(days=day, minutes=chance.randrange(9 * 24 * 60))) for day in days]
    lines.append("revise:")
    lines += [
        f"  - {{seen: {at:%Y-%m-%dT%H:%MZ}, day: {first + timedelta(days=day)}, value: {chance.choice([0, 50, 99, 300])}}}"
        for day, at in late
    ]
    lines.append(
        f"edit: [{{at: {moment()}, amount: {chance.choice([60, 500, 4000])}}}, {{at: {moment()}, enabled: true}}]"
    )
    start = begins + timedelta(hours=chance.randrange(800))
    lines.append(
        f"missing: [{{from: {start:%Y-%m-%dT%H:%MZ}, to: {start + timedelta(hours=30):%Y-%m-%dT%H:%MZ}}}]"
    )
    lines.append(f"clock: [{{at: {moment()}, back: {chance.choice(['5m', '90m', '1d'])}}}]")
    lines.append("expect:")
    lines += [
        f"  - {{at: {begins + timedelta(hours=hour):%Y-%m-%dT%H:%MZ}, state: ok}}"
        for hour in range(0, 60 * 24, chance.choice([7, 13, 24]))
    ]
    return HEAD + "".join(f"    {line}\n" for line in lines)


def same_at_every_hour(bound):
    """Play a case both ways; return how often each evaluated."""
    sparing, thorough = Player(bound), Player(bound, every_hour=True)
    for (expected, quick), (_, slow) in zip(sparing.play(), thorough.play(), strict=True):
        assert quick == slow, expected.at
        assert words_of(quick) == words_of(slow)
    return sparing.evaluated, thorough.evaluated


@pytest.mark.parametrize("seed", range(12))
def test_passing_hours_over_changes_nothing(folder, seed):
    put(folder, random_case(seed), "rules/random.cases.yaml")
    for bound in bound_cases(folder / "rules"):
        same_at_every_hour(bound)


def test_the_shipped_cases_are_the_same_at_every_hour_and_evaluate_a_tenth_of_them():
    counts = [same_at_every_hour(bound) for bound in bound_cases(SHIPPED)]
    assert sum(few for few, _ in counts) * 8 < sum(many for _, many in counts)


def test_reading_tells_how_many_cases_stand_there():
    assert parse(case_files.read_yaml(_source("cases: [{}, {}]\n"), Problems()), Problems()).written == 2


def _source(text):
    from bot.core.rules.nodes import Source

    return Source("a", "a", text)
