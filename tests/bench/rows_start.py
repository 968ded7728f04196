"""Starting, and being there: whole processes."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.rows_judge import turns
from tests.bench.serve import KEY
from tests.bench.table import row
from tests.shell import ROOT, bare, started

EMPTY = "import click\n@click.group()\ndef app(): 'Nothing.'\napp(['--help'])"
LOAD = """
import sys
from pathlib import Path
from bot.core.rules.nodes import Source
from bot.core.rules.problems import Problems
from bot.edge.collector import without_collector
from bot.edge.yaml_nodes import read_yaml
with without_collector():
    for file in sorted(Path(sys.argv[1]).iterdir()):
        read_yaml(Source(file.name, str(file), file.read_text()), Problems())
"""
REST = 15
"""Seconds after the first poll."""


def process(place, *words):
    def once():
        folder = place.folder / "shell"
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env=bare({"PYTHONPATH": str(ROOT), "BUDGETBOT_CHANNEL": "ops"}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-500:] + done.stdout[-500:]

    return once


def help_(place):
    ours, peer = turns(place, process(place, "-m", "bot", "--help"), process(place, "-c", EMPTY))
    yield row("help", "`budgetbot --help`", "an empty app of click", ours, peer, "s", "≤ 1.3", 1.3)


def check(place):
    rules = str(place.rules(1_000))
    works = process(place, "-m", "bot", "check", rules), process(place, "-c", LOAD, rules)
    ours, peer = turns(place, *works)
    yield row(
        "check",
        "`budgetbot check` on 1,000 rules",
        "the loader that keeps positions alone",
        ours,
        peer,
        "s",
        "≤ 1.3",
        1.3,
    )


def at_rest(place):
    from tests.standins.slack import SlackStandIn
    from tests.standins.slack_web import Channel

    file = place.folder / "resting.db"
    shutil.copy(place.polled, file)
    with SlackStandIn() as slack:
        slack.web.channels["C0ROOM"] = Channel("C0ROOM", "ai-spend")
        given = {
            "OPENAI_ADMIN_KEY": KEY,
            "OPENAI_BASE_URL": place.address("poll"),
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
            "DATABASE_URL": f"sqlite:///{file}",
            "BUDGETBOT_RULES": str(place.rules(20)),
            "BUDGETBOT_CHANNEL": "ai-spend",
            "BUDGETBOT_POLL": "* * * * *",
        }
        with started(place.folder / "run", given, "run") as begun:
            deadline = time.monotonic() + 300
            while '"polled"' not in begun.err.read_text():
                assert begun.process.poll() is None, begun.err.read_text()[-800:]
                assert time.monotonic() < deadline, "it never polled"
                time.sleep(0.2)
            time.sleep(REST)
            status = Path(f"/proc/{begun.process.pid}/status").read_text()
            begun.end()
    held = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in status.splitlines() if "kB" in line}
    yield row(
        "rest",
        "memory of `run` at rest, after a poll of this organization",
        "",
        held["VmRSS"],
        None,
        "MB",
        "< 100 MB",
        100,
        note=f"at its peak {held['VmHWM']:.0f} MB",
    )


ROWS = {"help": help_, "check": check, "rest": at_rest}
