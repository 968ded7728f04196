"""`check` as a shell and a pull request meet it; with a database, what the last poll knows of names and spend."""

import pytest

from tests.shell import Here, environment
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, at, world

GOOD = "version: 1\nrules:\n  - {id: total, kind: budget, select: {}, period: month, amount: 100}\n"
BAD = "version: 1\nrules:\n  - {id: other, kind: bugdet, select: {}, period: month, amount: 100}\n"


@pytest.fixture
def here(monkeypatch, capsys):
    return Here(monkeypatch, capsys)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rules").mkdir()
    return tmp_path


def put(folder, text, name="rules/a.yaml"):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        pytest.param("text", "1 rule", "rules/b.yaml:3:23: error", id="text"),
        pytest.param("json", '"errors": 0', '"file": "rules/b.yaml"', id="json"),
        pytest.param("github", "", "::error file=rules/b.yaml,line=3,col=23", id="github"),
    ],
)
def test_problems_are_exit_1_and_their_absence_0(folder, here, form, good, bad):
    put(folder, GOOD)
    done = here(folder, {}, "check", "--format", form)
    assert (done.code, done.err) == (0, "")
    assert good in done.out
    put(folder, BAD, "rules/b.yaml")
    done = here(folder, {}, "check", "--format", form)
    assert (done.code, done.err) == (1, "")
    assert bad in done.out
    assert sorted(path.name for path in folder.iterdir()) == ["rules"]


def test_json_is_as_agreed(folder, here):
    put(folder, BAD)
    told = here(folder, {}, "check", "--format", "json").json
    assert {key: told[key] for key in ("errors", "warnings", "files")} == {
        "errors": 1,
        "warnings": 0,
        "files": 1,
    }
    (problem,) = told["problems"]
    assert {"file", "line", "column", "severity", "code", "message", "suggestion"} <= set(problem)
    assert (problem["line"], problem["column"], problem["suggestion"]) == (3, 23, "budget")


def test_warnings_alone_are_exit_0(folder, here):
    put(folder, GOOD)
    put(folder, GOOD.replace("total", "lost"), "rules/late.yml")
    done = here(folder, {}, "check")
    assert done.code == 0
    assert "W105" in done.out


def test_several_paths_are_checked_together(folder, here):
    put(folder, GOOD)
    put(folder, BAD, "more/b.yaml")
    told = here(folder, {}, "check", "rules/a.yaml", "more", "--format", "json").json
    assert (told["files"], told["errors"]) == (2, 1)
    assert told["problems"][0]["file"] == "more/b.yaml"


def test_a_path_twice_is_one_problem(folder, here):
    put(folder, BAD)
    assert here(folder, {}, "check", "rules", "rules/a.yaml", "--format", "json").json["errors"] == 1


@pytest.mark.parametrize(
    ("words", "given", "code"),
    [
        pytest.param(["check", "nowhere"], {}, 2, id="a path that is not there"),
        pytest.param(["check"], {"BUDGETBOT_RULES": "nowhere"}, 3, id="a setting that leads nowhere"),
        pytest.param(["check", "--format", "xml"], {}, 2, id="no such format"),
    ],
)
def test_nothing_to_check_is_told_by_its_exit_code(folder, here, words, given, code):
    done = here(folder, given, *words)
    assert done.code == code
    assert done.out == ""


def test_the_setting_says_where_the_rules_are(folder, here):
    put(folder, BAD, "mine/b.yaml")
    assert "mine/b.yaml:3" in here(folder, {"BUDGETBOT_RULES": "mine"}, "check").out


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built._clock[0] = at("2025-10-05 12:00")
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "850")
        built.ledger.cost("2025-10-03", LABS, "gpt-5.2, output", "10")
        yield built


NEW = """\
version: 1
rules:
  - {id: new, kind: budget, select: {}, each: project, period: month, amount: 1000}
  - {id: typo, kind: budget, select: {project: serach-prod}, period: month, amount: 1000}
"""


def test_the_last_poll_knows_names_and_spend(w, here):
    given = environment(w)
    assert here(w.tmp_path, given, "poll", "--now", "2025-10-05T12:00:00Z").code == 0
    w.rules(NEW)
    done = here(w.tmp_path, given, "check", "--now", "2025-10-05T12:00:00Z")
    assert done.code == 0
    assert 'W103: no project named "serach-prod"' in done.out
    assert "search-prod" in done.out
    assert "W110" in done.out
    assert '80% ($800) of "new" is already passed for 1 project' in done.out


def test_a_new_rule_about_what_is_so_now_says_what_it_would_say(w, here):
    given = environment(w)
    w.rules("version: 1\n")
    assert here(w.tmp_path, given, "poll", "--now", "2025-10-05T12:00:00Z").code == 0
    w.rules("version: 1\nrules: [{id: limits, kind: native_limit, each: project}]\n")
    done = here(w.tmp_path, given, "check", "--now", "2025-10-05T12:00:00Z")
    assert done.code == 0
    assert (
        '"limits" already has something to say (missing) for 2 projects; loading this file sends' in done.out
    )


def test_projects_that_no_budget_watches_are_named(w, here):
    given = environment(w)
    rule = "{id: a, kind: budget, select: {project: PROJECT}, period: month, amount: 9000}"
    w.rules(f"version: 1\nrules: [{rule.replace('PROJECT', 'labs')}]\n")
    assert here(w.tmp_path, given, "poll", "--now", "2025-10-05T12:00:00Z").code == 0
    done = here(w.tmp_path, given, "check", "--now", "2025-10-05T12:00:00Z")
    assert "W109: no budget watches search-prod ($" in done.out
    w.rules(f"version: 1\nrules: [{rule.replace('PROJECT', '[labs, search-*]')}]\n")
    assert "W109" not in here(w.tmp_path, given, "check", "--now", "2025-10-05T12:00:00Z").out


def test_rules_that_have_spoken_already_are_not_announced(w, here):
    w.rules(NEW)
    assert here(w.tmp_path, environment(w), "poll", "--now", "2025-10-05T12:00:00Z").code == 0
    assert "W110" not in here(w.tmp_path, environment(w), "check", "--now", "2025-10-05T12:00:00Z").out


@pytest.mark.parametrize(
    ("content", "said"),
    [pytest.param(b"no database" * 999, 1, id="damaged"), pytest.param(b"", 0, id="empty")],
)
def test_a_database_that_cannot_be_asked_hides_no_problem(folder, here, content, said):
    put(folder, BAD)
    (folder / "budgetbot.db").write_bytes(content)
    done = here(folder, {}, "check")
    assert done.code == 1
    assert "bugdet" in done.out
    assert len(done.said) == said
