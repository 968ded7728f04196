"""A stranger's first minutes: README's command in a fresh clone, then every command from an empty folder."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def commands():
    fences = re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [line for fence in fences for line in fence.splitlines() if line.strip()]


def bare_environment(home: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "LANG", "LC_", "SSL_"))
    }
    return {**kept, "PATH": os.environ["PATH"], "HOME": str(home)}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def demonstrated(clone, tmp_path_factory):
    """README's demo command, typed into the clone, with somebody who asks one thing and leaves."""
    command = next(line for line in commands() if line.endswith("budgetbot demo"))
    return subprocess.run(
        ["bash", "-c", command],
        cwd=clone,
        env=bare_environment(tmp_path_factory.mktemp("home")),
        input="/budget top 3 by model\n",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_readme_has_the_two_commands_each_on_one_line():
    lines = commands()
    assert len([line for line in lines if line.endswith("budgetbot demo")]) == 1
    assert len([line for line in lines if "bin/pytest" in line]) == 1


def test_the_demo_shows_breaches_and_answers(demonstrated):
    assert demonstrated.returncode == 0, demonstrated.stderr
    shown = demonstrated.stdout
    for word in ("labs", "gpt-5.2", "web search tool calls", "ingest-worker", "passed", "October", "%", "$"):
        assert word in shown, word
    assert "of it estimated" in shown
    assert "/budget report last-month by project" in shown
    assert "/budget top 3 by model" in shown


def test_the_demo_once_is_the_same_every_time(clone, demonstrated, tmp_path):
    assert demonstrated.returncode == 0
    runs = [
        subprocess.run(
            [clone / ".venv/bin/budgetbot", "demo", "--once"],
            cwd=tmp_path,
            env=bare_environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["--help"], 0, "Usage: budgetbot", id="help"),
        pytest.param(["--version"], 0, "0.", id="version"),
        pytest.param(["manifest"], 0, "slash_commands", id="manifest"),
        pytest.param(["check"], 0, "the built-in rules are in force", id="check without rules"),
        pytest.param(["db", "upgrade"], 0, "migration", id="db upgrade"),
        pytest.param(["db", "current"], 0, "0005", id="db current"),
        pytest.param(["status"], 0, "", id="status of nothing"),
        pytest.param(["report"], 0, "", id="report of nothing"),
        pytest.param(["top"], 0, "", id="top of nothing"),
        pytest.param(["rules"], 0, "", id="rules of nothing"),
        pytest.param(["doctor"], 1, "OPENAI_ADMIN_KEY", id="doctor finds what is missing"),
        pytest.param(["poll"], 3, "SLACK_BOT_TOKEN", id="poll names every missing setting"),
        pytest.param(["sync"], 3, "OPENAI_ADMIN_KEY", id="sync names the key"),
        pytest.param(["run"], 3, "SLACK_APP_TOKEN", id="run names the app token"),
        pytest.param(["reprot"], 2, "Did you mean report", id="a typo"),
        pytest.param(["poll", "--now", "yesterday"], 2, "no instant", id="a wrong instant"),
    ],
)
def test_the_wheel_runs_every_command_from_an_empty_folder(clone, demonstrated, tmp_path, words, code, says):
    assert demonstrated.returncode == 0
    done = subprocess.run(
        [clone / ".venv/bin/budgetbot", *words],
        cwd=tmp_path,
        env=bare_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_reports_json_of_nothing_is_no_zero(clone, demonstrated, tmp_path):
    assert demonstrated.returncode == 0
    done = subprocess.run(
        [clone / ".venv/bin/budgetbot", "report", "--format", "json"],
        cwd=tmp_path,
        env=bare_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["as_of"] is None
    assert told["history_from"] is None
    assert told["rows"] == []
