"""Three real processes on one PostgreSQL: one polls, whoever is killed, paused or cut off; each alert is said once."""

import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.demo.ledger import Ledger
from bot.demo.openai_faults import Hang
from bot.demo.openai_server import OpenAIServer
from tests import engines
from tests.engines import look
from tests.shell import ROOT, bare, environment
from tests.standins.slack import Fault, SlackStandIn
from tests.standins.slack_web import Channel
from tests.world import SEARCH, World

RULES = """\
version: 1
rules:
  - id: project
    kind: budget
    select: {}
    each: project
    period: month
    amount: 100
    thresholds: [{at: 100%, severity: critical}]
"""
# The same process as anybody's, only quicker: it polls every three seconds, and soon notices that another is gone.
BEGIN = """\
from datetime import timedelta
import bot.edge.store.turns as turns
import bot.worker as worker
turns.BEAT, turns.SILENT_MS, worker.LOOK = 0.2, 1500, 0.3
worker.next_due = lambda schedule, now: now + timedelta(seconds=3)
from bot.__main__ import main
main()
"""


class Fleet:
    """Processes that all run the same bot, and the project that spends next."""

    def __init__(self, world, closing):
        self.world = world
        self.url = world.settings.database_url
        self.closing = closing
        self.members = []
        self.projects = 0

    def start(self):
        folder = self.world.tmp_path / f"member{len(self.members)}"
        folder.mkdir()
        err = self.closing.enter_context((folder / "err.txt").open("wb"))
        given = environment(self.world, BUDGETBOT_POLL="* * * * *")
        process = subprocess.Popen(
            [sys.executable, "-c", BEGIN, "run"],
            cwd=folder,
            env={**bare(given), "PYTHONPATH": str(ROOT)},
            stderr=err,
        )
        process.log = folder / "err.txt"
        self.members.append(process)
        self.closing.callback(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()

    @property
    def leaders(self):
        """The processes whose last word on it is that they poll; who is paused cannot say that it is over."""
        found = []
        for process in self.members:
            said = re.findall(
                r"polls from now on|another process polls now", process.log.read_text(encoding="utf-8")
            )
            if process.poll() is None and said and said[-1] == "polls from now on":
                found.append(process)
        return found

    @property
    def leader(self):
        """The one process that polls."""
        found = self.leaders
        return found[0] if len(found) == 1 else None

    def spend(self):
        """Let a new project pass its budget; return its name."""
        self.projects += 1
        name = f"project-{self.projects}"
        self.world.ledger.project(f"proj_new{self.projects}", name)
        self.world.ledger.cost(datetime.now(UTC).date(), f"proj_new{self.projects}", "gpt-5.2, output", "150")
        return name

    def told(self, name):
        return [message for message in self.world.posts if f"{name} " in f"{message.text} "]


def wait_for(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


@contextmanager
def gone(fleet, process):
    """Wait until another one than this polls, and its tick is over."""
    yield
    wait_for(lambda: set(fleet.leaders) - {process})


@pytest.fixture
def fleet(tmp_path):
    before = engines.engine()
    engines.choose("postgres")
    ledger = Ledger()
    ledger.project(SEARCH, "search-prod")
    ledger.cost(datetime.now(UTC).date().replace(day=1), SEARCH, "gpt-5.2, output", "150")
    with (
        OpenAIServer(
            ledger, now=lambda: datetime.now(UTC) + timedelta(seconds=1), offers=("costs",)
        ) as openai,
        SlackStandIn() as slack,
        ExitStack() as closing,
    ):
        slack.web.channels["C0ROOM"] = Channel("C0ROOM", "ai-spend")
        world = World(tmp_path, openai, slack, [])
        world.rules(RULES)
        made = Fleet(world, closing)
        for _ in range(3):
            made.start()
        wait_for(lambda: made.leader and made.told("search-prod"))
        yield made
    engines.choose(before)


def test_nothing_is_lost_and_nothing_said_twice_whatever_happens_to_who_polls(fleet):
    world, names = fleet.world, ["search-prod"]

    # Killed in the middle of a poll.
    first = wait_for(lambda: fleet.leader)
    world.openai.break_down(Hang(60))
    names.append(fleet.spend())
    before = len(world.openai.asked("/organization/costs"))
    wait_for(lambda: len(world.openai.asked("/organization/costs")) > before, 90)
    with gone(fleet, first):
        first.kill()
        world.openai.recover()
    wait_for(lambda: fleet.told(names[-1]))

    # Killed after Slack took the message and before it said so.
    second = wait_for(lambda: fleet.leader)
    names.append(fleet.spend())
    world.slack.fault("chat.postMessage", Fault(delay_after=5))
    wait_for(lambda: fleet.told(names[-1]), 90)
    with gone(fleet, second):
        second.kill()
    fleet.start()
    fleet.start()

    # Paused: another one takes over; it comes back, and writes nothing.
    third = wait_for(lambda: fleet.leader)
    third.send_signal(signal.SIGSTOP)
    names.append(fleet.spend())
    with gone(fleet, third):
        pass
    wait_for(lambda: fleet.told(names[-1]))
    third.send_signal(signal.SIGCONT)
    wait_for(lambda: "another process polls now" in third.log.read_text(encoding="utf-8"))

    # Cut off: its sessions end, the process lives.
    names.append(fleet.spend())
    with psycopg.connect(fleet.url, autocommit=True) as held:
        held.execute(
            "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid "
            "WHERE l.locktype = 'advisory' AND a.datname = current_database()"
        )
    wait_for(lambda: fleet.told(names[-1]), 90)

    wait_for(lambda: not look(fleet.url, "SELECT 1 FROM notice WHERE state IN ('waiting', 'sending')"))
    assert {name: len(fleet.told(name)) for name in names} == dict.fromkeys(names, 1)
    sent = Counter(str(message.metadata) for message in world.slack.messages)
    assert max(sent.values()) == 1
    assert len(look(fleet.url, "SELECT fingerprint FROM incident")) == len(names)
    for process in fleet.members:
        assert "Traceback" not in process.log.read_text(encoding="utf-8")
