"""Cases: rules tested by their authors, as a shell, a pull request and an author meet them."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.cases.play import Player
from bot.render.cases import words_of
from tests.casebook import DAYS, HEAD, TOTAL, bound_cases, played, rules_folder, story
from tests.shell import Here

SHIPPED = Path(__file__).parents[1] / "rules"


@pytest.fixture
def folder(tmp_path):
    return rules_folder(tmp_path)


@pytest.fixture
def here(monkeypatch, capsys):
    return Here(monkeypatch, capsys)


def test_the_case_of_the_documentation_holds(folder):
    text = (SHIPPED.parent / "README.md").read_text(encoding="utf-8")
    shown = text[text.index("rules: [openai.yaml]") :]
    done = played(folder, shown[: shown.index("```")])
    assert (done.told, done.cases, done.expectations) == ((), 1, 3)


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
            "  - {at: 2026-08-02T12:59Z, state: ok}",
            "  - {at: 2026-08-02T19:59Z, state: nodata}",
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
    pytest.param(
        [
            "rule: limited",
            "group: labs",
            "days: {from: 2026-05-01, values: 30x92 30x20}",
            "limits:",
            '  - {project: labs, amount: "500"}',
            "  - {project: labs, status: none, from: 2026-08-16T00:00Z}",
            "  - {project: labs, amount: 1000, enforcing: true, from: 2026-08-17T00:00Z}",
            "expect:",
            "  - {at: 2026-08-13T18:00Z, state: ok, value: 390, amount: 500}",
            '  - {at: 2026-08-14T18:00Z, state: firing, level: 80%, says: "17 Aug"}',
            "  - {at: 2026-08-18T00:00Z, amount: 1000}",
        ],
        id="a budget of OpenAI's own limit, and when it cuts off",
    ),
    pytest.param(
        [
            "rule: live",
            "days: {from: 2026-08-01, values: 100x4}",
            "revise:",
            "  - {seen: 2026-08-04T08:00Z, day: 2026-08-04, value: 150}",
            "  - {seen: 2026-08-04T09:20Z, day: 2026-08-04, value: 260}",
            "expect:",
            "  - {at: 2026-08-04T09:00Z, state: ok, value: 150}",
            "  - {at: 2026-08-04T09:20Z, state: firing, value: 260}",
        ],
        id="live spend fires while the day goes on",
    ),
    pytest.param(
        [
            "rule: ahead",
            "days: {from: 2026-04-01, values: 300x122 300x10 900x21}",
            "expect:",
            "  - {at: 2026-08-10T18:00Z, state: ok}",
            "  - {at: 2026-08-20T18:00Z, state: firing, level: forecast 100%, reason: forecast}",
            "  - {at: 2026-08-31T18:00Z, state: firing, level: 100%, severity: critical, messages: 1}",
        ],
        id="a forecast, seen before the level itself",
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
    assert (told["errors"], told["files"], told["rules"]) == (1, 1, 8)
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
    bound = bound_cases(SHIPPED / "budgets.cases.yaml")
    counts = [same_at_every_hour(each) for each in bound if each.versions[0].rule.kind == "budget"]
    assert sum(few for few, _ in counts) * 8 < sum(many for _, many in counts)


@pytest.mark.parametrize("kind", ["unusual-spend", "new-model", "lab-live", "hard-limits"])
def test_a_case_of_another_kind_is_the_same_at_every_hour(kind):
    *_, last = bound_cases(SHIPPED / "examples" / f"{kind}.cases.yaml")
    same_at_every_hour(last)
