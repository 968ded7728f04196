"""`python -m tests.soak --months 3 --seed 1`: months go by in minutes, and hardly anything works all the time.

The bot is the real one, with its database, over real HTTP to stand-ins; only the clock is turned by hand. From the
seed: what every project spends, which bills are revised, when OpenAI and Slack refuse, hang, cut and lose answers,
when the process is started anew, and when its clock is wrong for a while. At the end every incident that the bills
make must have been announced exactly once, and the process must be no larger than after its first month.
"""

import argparse
import gc
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import stamina

from bot import deliver as delivering
from bot.core.errors import BotError
from bot.demo.openai_faults import BadJson, Cut, Hang, Html, Status
from tests import engines
from tests.crash import mark
from tests.engines import look
from tests.standins.slack import (
    BROKEN_JSON,
    DROP_AFTER,
    DROP_BEFORE,
    HTML,
    SERVER_ERROR,
    rate_limited,
    refuse,
)
from tests.syncing import empty_database
from tests.world import world

RULES = """\
version: 1
defaults: {route: finops}
routes:
  finops: {channel: ai-spend, escalate: {after: 24h, to: exec}}
  exec: {channel: finance, remind: never}
  days: {channel: search-ops}
  ops: {channel: budget-admin}
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: 1000
    thresholds: [50%, {at: 80%, severity: warning}, {at: 100%, severity: critical}]
  - id: project-day
    kind: budget
    select: {}
    each: project
    period: day
    amount: 200
    route: days
    thresholds: [{at: 100%, severity: warning}]
"""
BEGINS = datetime(2025, 1, 1, tzinfo=UTC)
ITEM = "gpt-5.2, input"
PROJECTS = 12
QUIET_DAYS = 3
"""The last days, on which everything works: what is put off is said by then."""
OPENAI = (
    Status(500),
    Status(502),
    Status(503),
    Status(429),
    Status(401),
    Status(403),
    Html(),
    Cut(),
    BadJson(),
    Hang(0.05),
)
ANSWERS = (
    SERVER_ERROR,
    HTML,
    BROKEN_JSON,
    DROP_BEFORE,
    DROP_AFTER,
    DROP_AFTER,
    rate_limited(30),
    refuse("ratelimited"),
    refuse("internal_error"),
    refuse("token_revoked"),
)
SLACK = (*ANSWERS, refuse("is_archived"))


@dataclass
class Soaked:
    """What the months came to."""

    polls: int = 0
    complete: int = 0
    faults: Counter = field(default_factory=Counter)
    incidents: int = 0
    notices: int = 0
    messages: int = 0
    wrong: list = field(default_factory=list)
    """What was not announced exactly once, in words."""
    sizes: list = field(default_factory=list)
    """Megabytes of this process at the end of each month (each week of a short soak)."""

    @property
    def growth(self):
        """How large the process is at its end, against after its first month."""
        return self.sizes[-1] / self.sizes[0]


def soak(folder, days, seed, every=timedelta(hours=1)):
    """Let so many days go by, and return what they came to."""
    chance = random.Random(f"soak {seed}")
    with stamina.set_testing(True, attempts=4), world(Path(folder), offers=("costs",)) as w:
        w.ledger._projects.clear()
        return _Months(w, chance, days, every).run()


class _Months:
    def __init__(self, w, chance, days, every):
        self.w, self.chance, self.days, self.every = w, chance, days, every
        self.came = Soaked()
        self.rows = {}
        self.shape = {}
        self.bad_until = BEGINS
        w.rules(RULES)
        if engines.engine() == "sqlite":
            (w.tmp_path / "budgetbot.db").write_bytes(empty_database())
        # Slack's clock is the one that is turned, too: history is searched by it.
        ticks = iter(range(10**9))
        w.slack.web._now = lambda: f"{int(w._clock[0].timestamp())}.{next(ticks) % 10**6:06d}"
        for number in range(PROJECTS):
            w.ledger.project(f"proj_{number}", f"team-{number}")
        self._start()

    def run(self):
        looked_again, delivering.LOOK_AGAIN = delivering.LOOK_AGAIN, 0.0
        try:
            return self._run()
        finally:
            delivering.LOOK_AGAIN = looked_again

    def _run(self):
        end = BEGINS + timedelta(days=self.days)
        part = 30 if self.days > 30 else max(1, self.days // 3)
        now, day = BEGINS + self.every, None
        while now < end:
            if now.date() != day:
                day = now.date()
                self._bill(now)
                self._revise(now)
                if (now - BEGINS).days % part == 0 and now - BEGINS > timedelta(days=1):
                    self._weigh()
            if now < end - timedelta(days=QUIET_DAYS):
                self._break(now)
            elif now - self.every < end - timedelta(days=QUIET_DAYS):
                self._mend()
            self._poll(now)
            now += self.every
        self._weigh()
        self._count()
        return self.came

    # What happens

    def _start(self):
        app = self.w.start(budgetbot_channel="ai-spend")
        app.clock = lambda: self.w._clock[0]

    def _bill(self, now):
        """Bill the day that begins, for every project: most stay in their budgets, some do not."""
        for number in range(PROJECTS):
            key = number, now.month
            if key not in self.shape:
                self.shape[key] = self.chance.choice((10, 12, 20, 24, 30, 36, 45))
            dollars = self.shape[key] * self.chance.uniform(0.9, 1.1)
            if self.chance.random() < 0.02:
                dollars = 260
            self._set(number, now.date(), f"{dollars:.6f}")

    def _set(self, number, day, amount):
        self.rows[number, day] = Decimal(amount)
        held = [(f"proj_{n}", ITEM, value) for (n, d), value in self.rows.items() if d == day]
        self.w.ledger.set_day(day, held)

    def _revise(self, now):
        """Correct a bill of the last days by a little, as OpenAI does."""
        for (number, day), amount in list(self.rows.items()):
            if 0 < (now.date() - day).days <= 4 and self.chance.random() < 0.04:
                self.came.faults["a bill revised"] += 1
                self._set(number, day, f"{amount * Decimal(str(self.chance.uniform(0.97, 1.03))):.6f}")

    def _break(self, now):
        """Let something go wrong with the neighbours, or with this process."""
        chance, w = self.chance, self.w
        if now >= self.bad_until:
            w.openai.recover()
            if chance.random() < 0.06:
                fault = chance.choice(OPENAI)
                self.came.faults[f"OpenAI {type(fault).__name__} {getattr(fault, 'code', '')}".strip()] += 1
                if chance.random() < 0.5:
                    w.openai.fail(
                        "/organization/costs", fault, chance.randint(1, 6), skip=chance.randint(0, 1)
                    )
                else:
                    w.openai.break_down(fault)
                    self.bad_until = now + timedelta(hours=chance.choice((1, 2, 6, 14)))
        if chance.random() < 0.12:
            method = chance.choice(
                ("chat.postMessage", "chat.postMessage", "chat.update", "conversations.history")
            )
            kinds = SLACK if method == "chat.postMessage" else ANSWERS
            faults = [chance.choice(kinds) for _ in range(chance.randint(1, 3))]
            self.came.faults["Slack"] += len(faults)
            w.slack.fault(method, *faults)
        if chance.random() < 0.01:
            self.came.faults["Slack away for an hour"] += 1
            w.slack.down = chance.choice((SERVER_ERROR, DROP_BEFORE, DROP_AFTER))
        else:
            w.slack.down = None
        if chance.random() < 0.05:
            self.came.faults["started anew"] += 1
            self._start()

    def _mend(self):
        """Let everything work from now on."""
        self.w.openai.recover()
        self.w.slack.down = None
        self.w.slack._faults.clear()

    def _poll(self, now):
        self._tick(now)
        if self.chance.random() < 0.02 and now < BEGINS + timedelta(days=self.days - QUIET_DAYS):
            self.came.faults["clock back"] += 1
            self._tick(now - timedelta(hours=self.chance.randint(1, 30)))
            self.w._clock[0] = now

    def _tick(self, now):
        self.came.polls += 1
        with suppress(BotError):  # is told, kept, and tried again by the next one
            self.came.complete += self.w.poll(f"{now:%Y-%m-%d %H:%M}", wait=0).complete
        # What stand-ins remember of calls is not the bot's.
        self.w.openai.requests.clear()
        self.w.slack.calls.clear()

    # What came of it

    def _weigh(self):
        gc.collect()
        self.came.sizes.append(round(resident(), 1))

    def _count(self):
        came, url = self.came, self.w.settings.database_url
        standing = Counter(mark(message) for message in self.w.slack.messages)
        came.messages = standing.total()
        came.wrong += [f"{one} stands {times} times" for one, times in standing.items() if times > 1]
        came.wrong += [
            f"{key} is {state}: {why}"
            for key, state, why in look(url, "SELECT key, state, why FROM notice")
            if state not in ("sent", "dropped")
        ]
        came.notices = look(url, "SELECT count(*) FROM notice WHERE state = 'sent'")[0][0]
        known = look(url, "SELECT fingerprint, rule_id, group_ids, occurrence FROM incident")
        came.incidents = len(known)
        self._announced([row[0] for row in known], standing)
        self._as_billed(known)

    def _announced(self, fingerprints, standing):
        """Every incident has one message in its own room that Slack has."""
        url = self.w.settings.database_url
        posts = dict(
            look(
                url,
                "SELECT card_id, min(id) FROM notice WHERE act = 'post' AND state = 'sent' GROUP BY card_id",
            )
        )
        rooms = "SELECT m.fingerprint, c.id FROM card_member m JOIN card c ON c.id = m.card_id WHERE c.form = 'incidents'"
        cards = {}
        for fingerprint, card in look(url, rooms):
            body = look(url, f"SELECT body FROM card WHERE id = {card}")[0][0]
            if fingerprint not in (engines.held(body).get("escalated") or {}):
                cards.setdefault(fingerprint, []).append(card)
        for fingerprint in fingerprints:
            told = [card for card in cards.get(fingerprint, ()) if standing[f"n{posts.get(card)}"] == 1]
            if len(told) != 1:
                self.came.wrong.append(f"incident {fingerprint} was announced {len(told)} times")

    def _as_billed(self, known):
        """The bills alone say which months must have been heard of, and which must not."""
        heard = Counter((group, when) for _, rule, group, when in known if rule == "project-month")
        spent = Counter()
        for (number, day), amount in self.rows.items():
            spent[number, day.replace(day=1)] += amount
        for (number, month), amount in spent.items():
            times = heard[json.dumps([f"proj_{number}"]), month.isoformat()]
            if (amount >= 520 and times != 1) or (amount < 480 and times):
                self.came.wrong.append(f"team-{number} spent ${amount:.0f} in {month:%B}: {times} incidents")


def resident():
    """Return how many megabytes of memory this process holds now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # no Linux: the most that it ever held
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
            2**20 if sys.platform == "darwin" else 2**10
        )
    return pages * 4096 / 2**20


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--months", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=60, metavar="MINUTES")
    parser.add_argument("--engine", choices=engines.ENGINES, default="sqlite")
    asked = parser.parse_args()
    engines.choose(asked.engine)
    logging.getLogger().addHandler(logging.NullHandler())
    sys.stdout.write(f"seed {asked.seed}\n")
    sys.stdout.flush()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bb-soak-") as folder:
        came = soak(folder, round(asked.months * 30), asked.seed, timedelta(minutes=asked.every))
    for each in came.wrong:
        sys.stdout.write(f"{each}\n")
    said = {
        "seed": asked.seed,
        "engine": asked.engine,
        "days": round(asked.months * 30),
        "polls": came.polls,
        "complete": came.complete,
        "faults": dict(sorted(came.faults.items())),
        "faults in all": came.faults.total(),
        "incidents": came.incidents,
        "notices": came.notices,
        "messages": came.messages,
        "not announced exactly once": len(came.wrong),
        "megabytes after each month": came.sizes,
        "growth": round(came.growth, 3),
        "seconds": round(time.monotonic() - began),
    }
    sys.stdout.write(json.dumps(said, indent=2) + "\n")
    return 1 if came.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
