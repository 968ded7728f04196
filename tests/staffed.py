"""An office with people in it: one alert stands in its room, and what is pressed there comes back."""

import sqlite3
import time
from contextlib import closing, contextmanager

from tests.standins.slack_rules import rebuild
from tests.syncing import empty_database
from tests.world import SEARCH, at, world

RULES = """\
version: 1
defaults: {route: finops, timezone: Europe/Berlin}
teams:
  search: {projects: [search-*], channel: search-ops, owner: U2BOB}
  labs: {projects: [labs], channel: search-ops, owner: S9LABS}
routes:
  finops: {channel: ai-spend}
rules:
  - id: project-month
    kind: budget
    title: Monthly budget of a project
    select: {}
    each: project
    period: month
    amount:
      search-prod: 1000    # agreed in June
      else: 2000
    thresholds: [100%]
    runbook: https://wiki.example.com/spend
"""


class Office:
    """A world with people in it."""

    def __init__(self, built):
        self.built = built
        self.slack = built.slack
        self.people = built.slack.people

    def rows(self, sql):
        with closing(sqlite3.connect(self.built.tmp_path / "budgetbot.db")) as held:
            return held.execute(sql).fetchall()

    def clock(self, now):
        self.built._clock[0] = at(now)

    def deliver(self):
        """What the worker does every two seconds."""
        self.built.app.courier().deliver(self.built._clock[0])

    def poll(self, now):
        """One tick, by the clock of the story."""
        if self.built.app is None:
            self.built.start()
        self.built.app.clock = lambda: self.built._clock[0]
        self.built.poll(now, wait=0.0)

    def spend(self, day, amount, project=SEARCH):
        self.built.ledger.cost(day, project, "gpt-5.2, output", amount)

    @property
    def card(self):
        return self.built.posts[0]

    @property
    def lines(self):
        return [reply.text for reply in self.built.replies]

    @property
    def mark(self):
        return self.rows("SELECT fingerprint FROM incident ORDER BY value_nano DESC")[0][0]

    def until(self, true, seconds=10):
        """Wait until something is true of the database or of Slack."""
        ends = time.monotonic() + seconds
        while not (found := true()) and time.monotonic() < ends:
            time.sleep(0.02)
        return found

    def audit(self):
        told = self.rows("SELECT who, what, subject, after ->> 'refused' FROM audit ORDER BY id")
        return [tuple(each) for each in told]


@contextmanager
def an_office(tmp_path):
    """Open one in which a project has spent more than its month's budget."""
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.slack.web.groups = {"S9LABS": ("labs-leads", ["U2BOB"])}
        carol = {**built.slack.web.users["U1ALICE"], "id": "U6CAROL", "name": "carol"}
        built.slack.web.users["U6CAROL"] = carol
        built.rules(RULES)
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "1200")
        held = Office(built)
        held.poll("2025-10-05 12:00")
        yield held


def valid(body):
    groups = [body.get("blocks") or [], *(each["blocks"] for each in body.get("attachments") or [])]
    for group in groups:
        for block in group:
            if block["type"] != "table":
                rebuild(block)


def older(card, seen):
    """The message as somebody's client still shows it: at its place, with its older buttons."""

    class Older:
        pass

    older = Older()
    vars(older).update({**vars(card), "attachments": seen["attachments"], "ts": card.ts})
    return older
