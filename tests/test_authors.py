"""What meets the authors of rules before a merge: a hook, a workflow, and annotations where GitHub looks for them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.cli import COMMANDS
from bot.core.rules.book import Problem
from bot.render.problems import as_github
from tests.shell import ROOT, Here, bare
from tests.test_rule_revision import commit

GOOD = "version: 1\nroutes: {r: {channel: c}}\nrules:\n  - {id: a, kind: budget, select: {}, period: day, amount: 1, route: r}\n"
BAD = GOOD.replace("period: day", "perriod: day")
README = (ROOT / "README.md").read_text(encoding="utf-8")
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def put(folder, text, name="rules/a.yaml"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def block(word):
    """The YAML of README that holds a word."""
    return next(text for text in re.findall(r"(?ms)^```yaml\n(.*?)^```", README) if word in text)


def test_the_hook_is_one_that_pre_commit_takes():
    (hook,) = HOOKS
    assert set(hook) <= {"id", "name", "description", "entry", "language", "files", "pass_filenames"}
    assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("budgetbot-check", "python", False)
    files = re.compile(hook["files"])
    for name in ("rules/a.yaml", "rules/teams/b.yaml", "rules/a.cases.yaml", "rules/c.yml"):
        assert files.search(name), name
    for name in ("docs/rules/a.yaml", "rules/notes.md", "rules.yaml"):
        assert not files.search(name), name


def run_hook(repository, *args):
    """Run the hook's entry as pre-commit does: from the top of the repository, with nothing but its environment."""
    words = [*HOOKS[0]["entry"].split(), *args]
    program = Path(sys.executable).parent / words[0]
    return subprocess.run(
        [program, *words[1:]], cwd=repository, env=bare({}), capture_output=True, text=True, check=False
    )


def test_the_hook_lets_good_rules_through_and_stops_bad_ones(repository):
    put(repository, GOOD)
    assert run_hook(repository).returncode == 0
    put(repository, BAD)
    stopped = run_hook(repository)
    assert stopped.returncode == 1
    assert "rules/a.yaml:4:39: error B012" in stopped.stdout
    put(repository, GOOD)
    put(repository, BAD, "deploy/budgets/b.yaml")
    assert run_hook(repository, "deploy/budgets").returncode == 1


def test_readme_shows_the_hook_as_it_is():
    (repo,) = yaml.safe_load(block("budgetbot-check"))["repos"]
    assert [hook["id"] for hook in repo["hooks"]] == [hook["id"] for hook in HOOKS]
    newest = re.search(r"(?m)^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert repo["rev"] == f"v{newest[1]}"


def test_the_sample_workflow_calls_what_exists():
    workflow = yaml.safe_load(block("runs-on"))
    steps = workflow["jobs"]["check"]["steps"]
    called = [words for step in steps for words in re.findall(r"budgetbot (\w+[^>\n]*)", step.get("run", ""))]
    assert {words.split()[0] for words in called} == {"check", "test"} <= set(COMMANDS)
    assert "check --format github" in called
    # A comment needs the right to write it, and `--diff` the branch it compares with.
    assert workflow["permissions"]["pull-requests"] == "write"
    assert steps[0]["with"]["fetch-depth"] == 0


def called_by_the_workflow():
    workflow = yaml.safe_load(block("runs-on"))
    runs = [step.get("run", "") for step in workflow["jobs"]["check"]["steps"]]
    return [words.split() for run in runs for words in re.findall(r"budgetbot (\w+[^>\n]*)", run)]


@pytest.mark.parametrize("words", called_by_the_workflow(), ids=" ".join)
def test_every_command_of_the_sample_workflow_runs_in_a_pull_request(repository, monkeypatch, capsys, words):
    """A branch with an edited amount, beside the branch it is to be merged into; no key and no database."""
    put(repository, GOOD)
    commit(repository)
    subprocess.run(["git", "-C", repository, "update-ref", "refs/remotes/origin/main", "HEAD"], check=True)
    put(repository, GOOD.replace("amount: 1,", "amount: 2,"))
    commit(repository)
    done = Here(monkeypatch, capsys)(repository, {}, *words)
    assert (done.code, done.said) == (0, [])
    if "--diff" in words:
        assert "Compared with `origin/main (" in done.out
        assert "| a | changed | amount \\$1 → \\$2 |" in done.out


def read_command(line):
    """Read a workflow command as GitHub's runner does: (command, properties, data)."""
    command, _, rest = line.lstrip().removeprefix("::").partition(" ")
    told, _, data = rest.partition("::")

    def plain(text, *signs):
        for sign in (*signs, "\r", "\n", "%"):
            text = text.replace(f"%{ord(sign):02X}", sign)
        return text

    pairs = (pair.split("=", 1) for pair in told.split(",") if pair)
    return command, {name: plain(value, ":", ",") for name, value in pairs}, plain(data)


@pytest.mark.parametrize("severity", ["error", "warning"])
@pytest.mark.parametrize(
    ("file", "message"),
    [
        pytest.param("rules/a.yaml", "nobody hears 80%, and 100%: why?", id="signs in the message"),
        pytest.param("rules/a,b:c=d.yaml", "m", id="signs in the path"),
        pytest.param("rules/100%25.yaml", "%0A is %25 of it", id="what looks escaped"),
        pytest.param("rules/a.yaml", "two\r\nlines\n::error::no command", id="line breaks"),
        pytest.param("rules/a::b.yaml", "::debug::x", id="colons"),
    ],
)
def test_github_reads_back_what_was_said(file, message, severity):
    line = as_github([Problem(file, 31, 5, "B012", message, severity)])
    assert "\n" not in line
    assert "\r" not in line
    assert read_command(line) == (
        severity,
        {"file": file, "line": "31", "col": "5", "title": "B012"},
        message,
    )


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        pytest.param(".", ["services/bot/rules"], id="from the top"),
        pytest.param("services/bot", [], id="in a folder of the repository"),
        pytest.param("services/bot/rules", ["."], id="in the rules folder"),
        pytest.param("services/other", ["../bot/rules/a.yaml"], id="beside it"),
        pytest.param("services", ["{top}/services/bot/rules"], id="by its whole path"),
    ],
)
def test_annotations_name_files_from_the_top_of_the_repository(
    repository, monkeypatch, capsys, folder, words
):
    put(repository, BAD, "services/bot/rules/a.yaml")
    (repository / "services" / "other").mkdir()
    words = [word.replace("{top}", str(repository)) for word in words]
    done = Here(monkeypatch, capsys)(repository / folder, {}, "check", *words, "--format", "github")
    assert done.code == 1
    files = {read_command(line)[1]["file"] for line in done.out.splitlines()}
    assert files == {"services/bot/rules/a.yaml"}


def test_outside_of_any_repository_files_are_named_as_they_were_given(tmp_path, monkeypatch, capsys):
    put(tmp_path, BAD)
    done = Here(monkeypatch, capsys)(tmp_path, {}, "check", "rules", "--format", "github")
    assert {read_command(line)[1]["file"] for line in done.out.splitlines()} == {"rules/a.yaml"}


def test_checking_loads_no_database_and_no_network(tmp_path):
    put(tmp_path, GOOD)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    commit(tmp_path)
    code = (
        "import sys\nfrom bot.__main__ import run\n"
        "code = run(['check', '--routes', '--diff', 'HEAD']) or run(['schema'])\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=bare({}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    heavy = {"sqlalchemy", "sqlmodel", "httpx", "slack_bolt", "slack_sdk", "alembic", "numpy"}
    assert not heavy & set(done.stderr.split())
