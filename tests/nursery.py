"""Processes of the bot that begin at once: forked from one that has imported it and done nothing else.

Each has a number of its own, opens its own database, sockets and files, and can be killed as any process can.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.shell import ROOT, bare

BRISK = """\
import bot.deliver, bot.app, bot.edge.store.turns
from datetime import timedelta
bot.deliver.LOOK_AGAIN = 0.05
bot.deliver.MENDED_WAIT = timedelta()
opened = bot.app.App.open.__func__

def brisk(cls, *args, **how):
    app = opened(cls, *args, **how)
    app.pace = timedelta()
    return app

bot.app.App.open = classmethod(brisk)
"""
"""The same bot, that does not rest between two messages: Slack's pace is tried elsewhere."""


class Born:
    """A process of the bot that runs now."""

    def __init__(self, nursery, pid):
        self._nursery, self.pid = nursery, pid

    def kill(self):
        """End it as a machine does that loses its power. Safe at any time until it was waited for."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        """Return its exit code, or less than nothing when it was killed."""
        return self._nursery.said()["code"]

    def bury(self):
        """Let its number go: nobody may kill it any more."""
        self._nursery.ask({"bury": self.pid})


class Nursery:
    """Starts processes, one at a time."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            cwd=ROOT,
            env=bare({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def start(self, folder, given, *words):
        """Begin a command in a folder, with what a shell there has; what it says goes to `said.txt`."""
        self.ask({"folder": str(folder), "given": given, "words": words})
        return Born(self, self.said()["pid"])

    def ask(self, what):
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def said(self):
        line = self._process.stdout.readline()
        assert line, "the nursery is gone"
        return json.loads(line)


def _tell(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _live(folder, given, words):
    """Be the bot, and return what it comes to."""
    os.chdir(folder)
    os.environ.update(given)
    said = os.open(Path(folder) / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, place in enumerate((nothing, said, said)):
        os.dup2(place, number)
    from bot.__main__ import run

    code = run(list(words))
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _prepare():
    """Import what a poll needs, and open nothing."""
    import gc
    import importlib
    import pkgutil

    import sqlalchemy.orm

    import bot

    for found in pkgutil.walk_packages(bot.__path__, "bot."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for name in ("psycopg", "slack_sdk.web.client", "sqlmodel"):
        importlib.import_module(name)
    sqlalchemy.orm.configure_mappers()
    exec(BRISK, {})
    gc.freeze()


def main():
    _prepare()
    # Not `for line in sys.stdin`: a child must find nothing read ahead.
    while line := sys.stdin.readline():
        asked = json.loads(line)
        if "bury" in asked:
            os.waitpid(asked["bury"], 0)
            continue
        pid = os.fork()
        if not pid:
            code = 70
            try:
                code = _live(**asked)
            finally:
                os._exit(code)
        _tell(pid=pid)
        over = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        killed = over.si_code in (os.CLD_KILLED, os.CLD_DUMPED)
        _tell(code=-over.si_status if killed else over.si_status)


if __name__ == "__main__":
    main()
