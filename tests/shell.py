"""budgetbot as a script meets it: words and an environment in; an exit code, stdout and stderr out."""

import json
import logging
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.__main__ import run

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def logs(self):
        """The JSON lines of stderr."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    @property
    def said(self):
        """What else stands on stderr: the sentences for people."""
        return [line for line in self.err.splitlines() if line.strip() and not line.startswith("{")]

    @property
    def json(self):
        return json.loads(self.out)


def environment(world, **more):
    """The settings of a world as a shell has them; None takes one away."""
    held = {
        name.upper(): str(getattr(world.settings, name))
        for name in (
            "openai_admin_key",
            "openai_base_url",
            "slack_bot_token",
            "slack_app_token",
            "slack_api_url",
            "database_url",
            "budgetbot_rules",
            "budgetbot_channel",
        )
    } | more
    return {name: value for name, value in held.items() if value is not None}


def bare(given):
    """An environment with nothing of this machine's but what Python needs to start."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    return {**kept, **given}


def shell(folder, given, *words, timeout=60):
    """Run a real process in `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env=bare(given),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Started:
    """A process that goes on, its output in files."""

    def __init__(self, folder, given, words):
        self.out, self.err = folder / "out.txt", folder / "err.txt"
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", *words], cwd=folder, env=bare(given), stdout=out, stderr=err
            )

    def end(self, number=signal.SIGTERM, timeout=20):
        """Send a signal and return what the process came to."""
        self.process.send_signal(number)
        return self.wait(timeout)

    def wait(self, timeout=20):
        code = self.process.wait(timeout)
        return Done(code, self.out.read_text(encoding="utf-8"), self.err.read_text(encoding="utf-8"))


@contextmanager
def started(folder, given, *words):
    folder.mkdir(exist_ok=True)
    begun = Started(folder, given, words)
    try:
        yield begun
    finally:
        if begun.process.poll() is None:
            begun.process.kill()
            begun.process.wait()


@contextmanager
def _own_logs():
    root = logging.getLogger()
    kept = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:], root.level = kept


class Here:
    """The same words in this process: for many runs, and for what only happens when something is put in its place."""

    def __init__(self, monkeypatch, capsys):
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, folder, given, *words):
        self.capsys.readouterr()
        with self.monkeypatch.context() as patch, _own_logs():
            patch.chdir(folder)
            for name in list(os.environ):
                if name.startswith(("OPENAI_", "SLACK_", "BUDGETBOT_", "DATABASE_", "DYNO", "PORT")):
                    patch.delenv(name)
            for name, value in given.items():
                patch.setenv(name, value)
            code = run(list(words))
        shown = self.capsys.readouterr()
        return Done(code, shown.out, shown.err)
