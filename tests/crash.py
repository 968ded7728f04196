"""`python -m tests.crash --runs 300 --seed 1`: kill the bot anywhere, start it again, and count what Slack has.

One run is a story of a few polls. Each poll is a process; SIGKILL ends it at a point that the seed chooses, in the
middle of a question to OpenAI, before, after or just behind the effect of a call to Slack, or after some
milliseconds, and the next process goes on, until one lives to the end of the poll. Then every decided notice must
stand in Slack once, with the words that it has where nobody was killed.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

from tests import engines
from tests.engines import look
from tests.nursery import Nursery
from tests.shell import environment
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, world

RULES = """\
version: 1
defaults: {route: finops}
routes:
  finops: {channel: ai-spend, escalate: {after: 24h, to: exec}}
  exec: {channel: finance, remind: never}
  search: {channel: search-ops, escalate: {after: 24h, to: exec}}
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: 1000
    thresholds: [50%, {at: 80%, severity: warning}, {at: 100%, severity: critical}]
  - id: search-day
    kind: budget
    select: {project: search-prod}
    period: day
    amount: 400
    route: search
    thresholds: [{at: 100%, severity: critical}]
"""
INPUT = "gpt-5.2, input"
PLACES = ("openai", "openai", "before", "after", "answered", "answered", "time", "time")
AT_ONCE = 2
"""Processes killed in one poll at most; the one after them lives."""


def _three_open(ledger):
    ledger.cost("2025-10-04", SEARCH, INPUT, "620")
    ledger.cost("2025-10-05", SEARCH, INPUT, "450")
    ledger.cost("2025-10-05", LABS, INPUT, "550")


def _a_day_passes(ledger):
    """One rises, one is corrected, one is new, and what is critical was looked after by nobody."""
    ledger.cost("2025-10-06", LABS, INPUT, "300")
    ledger.set_day("2025-10-04", [(SEARCH, INPUT, "600"), (SEARCH, "gpt-5.2, output", "-300")])
    ledger.project("proj_new", "newcomer")
    ledger.cost("2025-10-06", "proj_new", INPUT, "1050")


def idle(_ledger):
    """Nothing is spent."""


STORY = (("2025-10-05T12:00:00Z", _three_open), ("2025-10-06T13:00:00Z", _a_day_passes))


@dataclass(frozen=True)
class Point:
    """Where a process is killed; `nowhere` lets it live."""

    place: str = "nowhere"
    number: int = 0
    """Which request or call; milliseconds for `time`."""
    lag: float = 0.0
    """Seconds behind it."""

    @classmethod
    def of(cls, chance):
        place = chance.choice(PLACES)
        match place:
            case "openai":
                return cls(place, chance.randint(1, 34), chance.choice((0.0, chance.uniform(0, 0.01))))
            case "time":
                return cls(place, chance.randint(1, 500))
            case "answered":
                return cls(place, chance.randint(1, 4), chance.uniform(0, 0.012))
            case _:
                return cls(place, chance.randint(1, 4))


class Reaper:
    """Stands between the neighbours and the bot, and ends the process that it was told to end."""

    def __init__(self, w):
        self._lock = threading.Lock()
        self._born = None
        self._point = Point()
        self._seen = Counter()
        self._note, self._answer = w.openai.note, w.slack.answer
        w.openai.note, w.slack.answer = self.note, self.answer

    @contextmanager
    def meeting(self, born, point):
        """Meet one process; outside of this nobody is killed."""
        with self._lock:
            self._born, self._point, self._seen = born, point, Counter()
        if point.place == "time":
            self._later(point.number / 1000)
        try:
            yield
        finally:
            with self._lock:
                self._born = None

    def _strikes(self, where):
        with self._lock:
            self._seen[where] += 1
            return where == self._point.place and self._seen[where] == self._point.number

    def _kill(self, whom=None):
        with self._lock:
            if self._born is not None and whom in (None, self._born):
                self._born.kill()

    def _later(self, seconds):
        timer = threading.Timer(seconds, self._kill, (self._born,))
        timer.daemon = True
        timer.start()

    def note(self, method, path, params):
        if self._strikes("openai"):
            self._later(self._point.lag) if self._point.lag else self._kill()
        return self._note(method, path, params)

    def answer(self, method, args, token):
        if self._strikes("before"):
            self._kill()
            return None
        answered = self._answer(method, args, token)
        if self._strikes("after"):
            self._kill()
            return None
        if self._strikes("answered"):
            self._later(self._point.lag)
        return answered


@dataclass
class Ran:
    """What a run came to."""

    kills: Counter = field(default_factory=Counter)
    """Place → processes that were killed there."""
    lived: int = 0
    """Processes that lived to their end."""
    heard: list = field(default_factory=list)
    """(room, in a thread, words) of every message that stands, sorted."""
    decided: list = field(default_factory=list)
    """(key, state) of every notice, sorted."""
    twice: list = field(default_factory=list)
    """Marks that stand in Slack more than once."""
    missing: list = field(default_factory=list)
    """Notices that the bot holds for said and Slack does not have, or that it never said."""
    looked: int = 0
    """How often a room's history was asked for a notice."""


def seeded(seed):
    """Return the points of each poll that a seed chooses."""
    chance = random.Random(f"crash {seed}")
    return [[Point.of(chance) for _ in range(chance.randint(1, AT_ONCE))] for _ in STORY]


def play(nursery, points=(), story=STORY):
    """Play the story and return what it came to; `points` are those of each poll, and without any nobody is killed."""
    with (
        tempfile.TemporaryDirectory(prefix="bb-crash-") as folder,
        world(Path(folder), offers=("costs",)) as w,
    ):
        if engines.engine() == "sqlite":
            (w.tmp_path / "budgetbot.db").write_bytes(empty_database())
        w.rules(RULES)
        reaper = Reaper(w)
        ran = Ran()
        given = environment(w)
        for (now, happens), killed_at in zip_longest(story, points, fillvalue=()):
            happens(w.ledger)
            w._clock[0] = datetime.fromisoformat(now)
            for point in (*killed_at, Point()):
                born = nursery.start(w.tmp_path, given, "poll", "--now", now)
                with reaper.meeting(born, point):
                    code = born.wait()
                born.bury()
                if code == -9:
                    ran.kills[point.place] += 1
                    continue
                assert code == 0, (point, code, (w.tmp_path / "said.txt").read_text(encoding="utf-8"))
                ran.lived += 1
                break
        _count(w, ran)
    return ran


def _count(w, ran):
    """Hold what Slack has against what was decided."""
    url = w.settings.database_url
    rooms = {channel.id: channel.name for channel in w.slack.channels.values()}
    standing = w.slack.messages
    ran.heard = sorted((rooms[m.channel], bool(m.thread_ts), m.text) for m in standing)
    ran.decided = sorted(look(url, "SELECT key, state FROM notice"))
    marks = Counter(mark(message) for message in standing)
    ran.twice = [one for one, times in marks.items() if times > 1]
    posts = "SELECT min(n.id) FROM notice n WHERE n.act = 'post' AND n.state = 'sent' GROUP BY n.card_id"
    replies = "SELECT n.id FROM notice n WHERE n.act = 'reply' AND n.state = 'sent'"
    said = {f"n{row[0]}" for question in (posts, replies) for row in look(url, question)}
    ran.missing = sorted(said - marks.keys())
    ran.missing += [key for key, state in ran.decided if state not in ("sent", "dropped")]
    ran.looked = len(w.slack.said("conversations.history")) + len(w.slack.said("conversations.replies"))


def mark(message):
    """Return the notice that a message says, by its metadata."""
    return message.metadata["event_payload"]["notice"]


def wrong(ran, undisturbed):
    """Return in words what is not as it is where nobody was killed; '' when everything is."""
    troubles = []
    if ran.twice:
        troubles.append(f"said twice: {ran.twice}")
    if ran.missing:
        troubles.append(f"not said: {ran.missing}")
    if ran.decided != undisturbed.decided:
        troubles.append(f"decided otherwise: {_apart(ran.decided, undisturbed.decided)}")
    if ran.heard != undisturbed.heard:
        troubles.append(f"heard otherwise: {_apart(ran.heard, undisturbed.heard)}")
    return "; ".join(troubles)


def _apart(one, other):
    more, less = Counter(one) - Counter(other), Counter(other) - Counter(one)
    return {"more": sorted(more.elements()), "less": sorted(less.elements())}


@dataclass
class Counts:
    """What many runs came to."""

    kills: Counter = field(default_factory=Counter)
    lived: int = 0
    looked: int = 0
    runs: int = 0
    notices: int = 0
    wrong: dict = field(default_factory=dict)
    """Seed → what is not as it should be."""


def many(seeds, jobs=2):
    """Play the story once undisturbed and once for each seed, and return what they came to."""
    counts, waiting = Counts(), iter(seeds)
    turn = threading.Lock()
    with Nursery() as nursery:
        undisturbed = play(nursery)
    counts.notices = sum(state == "sent" for _, state in undisturbed.decided)

    def some():
        with Nursery() as nursery:
            while True:
                with turn:
                    seed = next(waiting, None)
                if seed is None:
                    return
                ran = play(nursery, seeded(seed))
                with turn:
                    counts.kills += ran.kills
                    counts.lived += ran.lived
                    counts.looked += ran.looked
                    counts.runs += 1
                    if said := wrong(ran, undisturbed):
                        counts.wrong[seed] = said

    with ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(some) for _ in range(jobs)]:
            done.result()
    return counts


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=engines.ENGINES, default="sqlite")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    engines.choose(asked.engine)
    began = time.monotonic()
    counts = many(range(asked.seed, asked.seed + asked.runs), asked.jobs)
    for seed, said in sorted(counts.wrong.items()):
        sys.stdout.write(f"seed {seed}: {said}\n")
    said = {
        "engine": asked.engine,
        "seeds": f"{asked.seed}..{asked.seed + asked.runs - 1}",
        "runs": counts.runs,
        "killed": dict(counts.kills),
        "killed in all": counts.kills.total(),
        "lived": counts.lived,
        "looked into history": counts.looked,
        "notices a run": counts.notices,
        "runs with something lost, said twice or said otherwise": len(counts.wrong),
        "seconds": round(time.monotonic() - began),
    }
    sys.stdout.write(json.dumps(said, indent=2) + "\n")
    return 1 if counts.wrong else 0


if __name__ == "__main__":
    os.environ.pop("DYNO", None)
    sys.exit(main())
