"""The house keeps its own laws: floors, words, commands, documents."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import COMMANDS, cli
from tests.shell import bare, shell

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "core": {"core"},
    "render": {"core", "render"},
    "edge": {"core", "edge"},
    "demo": {"core", "demo"},
}
MODULES = sorted(path for path in (ROOT / "bot").rglob("*.py") if path.parent.name != "bot")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.startswith("bot."):
                yield node.lineno, name.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_floors_lean_only_on_lower_floors(path):
    floor = path.relative_to(ROOT / "bot").parts[0]
    if floor not in MAY_IMPORT:
        return  # the shell's words may call anything
    for line, name in imported(path):
        assert name in MAY_IMPORT[floor], f"{path.name}:{line} imports bot.{name}"


def test_core_touches_no_world():
    forbidden = {
        "httpx",
        "sqlalchemy",
        "sqlmodel",
        "slack_sdk",
        "slack_bolt",
        "socket",
        "os",
        "subprocess",
        "rich",
    }
    for path in (ROOT / "bot" / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {name.split(".")[0] for name in names} & forbidden, path


def test_core_asks_no_clock():
    for path in (ROOT / "bot" / "core").rglob("*.py"):
        assert not re.search(r"\.(now|utcnow|today)\(", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(command):
    shown = CliRunner().invoke(cli, [command, "--help"])
    assert shown.exit_code == 0, shown.output
    assert f"Example: budgetbot {command}" in " ".join(shown.output.split())


def test_readme_names_every_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"budgetbot {command}" in readme or f"`{command}`" in readme, command


def test_readme_names_every_setting_that_is_read():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"settings\.([a-z_]+_(?:key|url|token|channel|rules|rev|poll))\b", _sources()))
    for name in used:
        assert f"`{name.upper()}`" in readme, name


def test_the_procfile_starts_what_exists():
    for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines():
        words = line.split(": ", 1)[1].split()
        assert words[0] == "budgetbot"
        assert words[1] in COMMANDS


def test_the_top_level_is_as_agreed():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {name.split("/")[0] for name in listed.splitlines() if not name.startswith(".")}
    assert top <= {
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "Procfile",
        "bot",
        "rules",
        "migrations",
        "tests",
    }


def test_the_version_is_the_changelogs():
    from importlib.metadata import version

    first = re.search(
        r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert first
    assert version("budgetbot") == first[1]


def test_starting_up_does_not_load_what_help_does_not_need():
    code = "import sys, bot.__main__; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not set(loaded) & {
        "sqlalchemy",
        "sqlmodel",
        "httpx",
        "slack_bolt",
        "slack_sdk",
        "alembic",
        "rich",
        "yaml",
    }


def test_the_list_of_commands_loads_no_rules():
    code = "import sys; from bot.__main__ import run; run(['--help']); print(*sorted(sys.modules))"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = listed.splitlines()[-1].split()
    assert "bot.core.verbs" in loaded
    assert not [name for name in loaded if name.startswith("bot.core.rules")]


def test_rule_files_are_checked_without_what_judges_them(tmp_path):
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nrules:\n  - {id: a, kind: budget, select: {}, period: month, amount: 5}\n"
    )
    code = (
        "import sys; from bot.__main__ import run; run(['check', sys.argv[1]]); print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "1 rule" in done.stdout
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "bot.core.rules.budgets" in loaded
    assert not loaded & {
        "bot.core.kinds.budget",
        "bot.core.rules.regex",
        "bot.core.view",
        "bot.core.incident",
        "croniter",
        "encodings.utf_8_sig",
        "hashlib",
        "json",
        "logging",
        "signal",
        "sqlalchemy",
    }


@pytest.mark.parametrize(
    ("words", "collects"),
    [
        pytest.param(["--help"], False, id="help"),
        pytest.param(["check", "--help"], False, id="brief"),
        pytest.param(["poll", "--help"], True, id="works-on"),
        pytest.param(["run", "--help"], True, id="stays"),
    ],
)
def test_garbage_is_collected_by_commands_that_make_some_and_not_at_the_end(words, collects):
    """It would take a tenth of a `check`: everything that was loaded, walked again and again to be thrown away."""
    code = (
        f"import atexit, gc, sys; from bot.__main__ import main; sys.argv = ['budgetbot', *{words}]\n"
        "atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0))\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"{collects} True"


def test_a_check_that_asks_a_database_works_like_any_other_command(tmp_path):
    (tmp_path / "rules").mkdir()
    budget = "{id: a, kind: budget, select: {}, period: day, amount: 1, route: r}"
    text = f"version: 1\nroutes: {{r: {{channel: c}}}}\nrules:\n  - {budget}\n"
    (tmp_path / "rules" / "a.yaml").write_text(text)
    assert shell(tmp_path, {}, "db", "upgrade").code == 0
    code = (
        "import atexit, gc, sys; from bot.__main__ import main; sys.argv = ['budgetbot', 'check', 'rules']\n"
        "atexit.register(lambda: print(gc.isenabled()))\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=bare({}), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "True"


def _sources():
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))
