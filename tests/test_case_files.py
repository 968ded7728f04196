"""What a bad case file prints: every mistake at its place, in words."""

import pytest

from bot.core.cases.parse import parse
from bot.core.rules.nodes import Source
from bot.core.rules.problems import Problems
from bot.edge.yaml_nodes import read_yaml
from tests.casebook import DAYS, HEAD, OK, RULES, TOTAL, played, rules_folder, story


@pytest.fixture
def folder(tmp_path):
    return rules_folder(tmp_path)


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


def test_reading_tells_how_many_cases_stand_there():
    root = read_yaml(Source("a", "a", "cases: [{}, {}]\n"), Problems())
    assert parse(root, Problems()).written == 2
