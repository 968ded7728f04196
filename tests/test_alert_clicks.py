"""What people press on alerts: through the real bolt app, to the card, the thread, the audit and back to them."""

import sqlite3
from contextlib import closing

import pytest

from tests.heard import listening
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

    def audit(self):
        told = self.rows("SELECT who, what, subject, after ->> 'refused' FROM audit ORDER BY id")
        return [tuple(each) for each in told]


@pytest.fixture
def office(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.slack.web.groups = {"S9LABS": ("labs-leads", ["U2BOB"])}
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


# -- acknowledged ----------------------------------------------------------------------------------------


def test_a_click_edits_the_card_writes_in_its_thread_and_says_nothing_else(office):
    with listening(office.built):
        office.clock("2025-10-05 12:10")
        pressed = office.people.press(office.card, "alert.ack")
        assert pressed.acked
        assert office.people.until(lambda: office.rows("SELECT * FROM acknowledgement"))
        office.deliver()
    assert "Acknowledged by <@U1ALICE> at 5 Oct 12:10 UTC" in str(office.card.blocks)
    assert "'Un-acknowledge'" in str(office.card.attachments)
    assert "'Acknowledge'" not in str(office.card.attachments)
    assert office.lines == ["*search-prod*: Acknowledged by <@U1ALICE>"]
    assert len(office.built.posts) == 1
    assert pressed.answers == []
    assert office.audit() == [("U1ALICE", "ack", office.mark, None)]


def test_whoever_comes_later_hears_what_happened_since(office):
    with listening(office.built):
        seen = dict(vars(office.card))
        office.clock("2025-10-05 12:10")
        office.people.press(office.card, "alert.ack", user="U2BOB")
        assert office.people.until(lambda: office.rows("SELECT * FROM acknowledgement"))
        office.clock("2025-10-05 12:14")
        (said,) = office.people.press(seen, "alert.ack").wait()
        assert said["text"] == (
            "search-prod is acknowledged already, by <@U2BOB> at 5 Oct 12:10 UTC, 4 minutes ago."
        )
        assert (said["response_type"], said["replace_original"]) == ("ephemeral", False)
        office.deliver()
        held = dict(vars(office.card))
        drop = office.people.press(office.card, "alert.unack", user="U2BOB")
        assert office.people.until(lambda: not office.rows("SELECT * FROM acknowledgement"))
        assert drop.answers == []
        (said,) = office.people.press(held, "alert.unack").wait()
        assert said["text"] == "Nobody has acknowledged search-prod."
    assert [row[:2] for row in office.audit()] == [("U2BOB", "ack"), ("U2BOB", "unack")]


def test_an_acknowledgement_that_races_the_end_does_nothing_and_says_so(office):
    seen = dict(vars(office.card))
    office.poll("2025-11-01 12:00")
    assert office.rows("SELECT state FROM incident") == [("ended",)]
    before = office.rows("SELECT * FROM incident")
    assert not any(block["type"] == "actions" for block in office.card.attachments[0]["blocks"])
    with listening(office.built):
        (said,) = office.people.press(seen, "alert.ack").wait()
        assert said["text"] == ("search-prod is over, since 1 Nov 12:00 UTC: there is nothing to look after.")
        pressed = office.people.press(seen, "alert.silence")
        assert "over or corrected" in pressed.wait()[0]["text"]
        assert office.slack.modal() is None
    assert office.rows("SELECT * FROM incident") == before
    assert office.rows("SELECT * FROM acknowledgement") == []


def test_who_saw_an_older_state_learns_what_was_acknowledged(office):
    seen = dict(vars(office.card))
    office.spend("2025-10-04", "300")
    office.poll("2025-10-05 13:00")
    with listening(office.built):
        (said,) = office.people.press(older(office.card, seen), "alert.ack").wait()
    assert "as it stands now, which is not what you saw" in said["text"]
    assert "$1,500" in said["text"]
    valid(said)
    assert len(office.rows("SELECT * FROM acknowledgement")) == 1


def test_a_click_that_slack_delivers_twice_is_done_once(office):
    with listening(office.built):
        pressed = office.people.press(office.card, "alert.ack")
        assert office.people.until(lambda: office.rows("SELECT * FROM acknowledgement"))
        office.people.again(pressed)
        office.people.slash("help").wait()
    assert pressed.acks == 2
    assert pressed.answers == []
    assert len(office.audit()) == 1


# -- a table ---------------------------------------------------------------------------------------------


@pytest.fixture
def table(office):
    for n in range(5):
        office.built.ledger.project(f"proj_{n}", f"team-{n}")
        office.spend("2025-10-04", str(2_100 + n), f"proj_{n}")
    office.poll("2025-10-05 12:30")
    assert len(office.built.posts) == 2
    return office.built.posts[1]


def test_a_whole_table_is_acknowledged_with_one_click_and_one_line(office, table):
    with listening(office.built):
        office.clock("2025-10-05 12:40")
        pressed = office.people.press(table, "group.ack", text="Acknowledge all 5")
        assert office.people.until(lambda: len(office.rows("SELECT * FROM acknowledgement")) == 5)
        office.deliver()
        (again,) = office.people.press(older(table, vars(table)), "group.show").wait()
    assert pressed.answers == []
    assert office.lines == ["*team-0*, *team-1*, *team-2*, *team-3*, *team-4*: Acknowledged by <@U1ALICE>"]
    shown = office.built.posts[1]
    assert "Acknowledge all" not in str(shown.blocks)
    assert {row[1] for row in office.audit()} == {"ack"}
    assert len(office.audit()) == 5
    assert len([block for block in again["blocks"] if block["type"] == "section"]) == 5
    assert "Acknowledged by <@U1ALICE>" in str(again["blocks"])
    valid(again)


def test_a_table_says_who_was_quicker(office, table):
    with listening(office.built):
        seen = older(table, {**vars(table)})
        office.people.press(table, "group.ack", user="U2BOB")
        assert office.people.until(lambda: len(office.rows("SELECT * FROM acknowledgement")) == 5)
        (said,) = office.people.press(seen, "group.ack").wait()
    assert "acknowledged already, by <@U2BOB>" in said["text"]
    assert len(office.audit()) == 5


def test_one_of_a_table_can_be_handled_by_itself(office, table):
    with listening(office.built):
        (shown,) = office.people.press(table, "group.show").wait()
        first = shown["blocks"][0]["accessory"]["options"]
        assert [each["value"].split("|")[0] for each in first] == [
            "ack",
            "silence",
            "drill",
            "why",
            "explain",
        ]
        office.people.press(shown, "alert.more", option="ack|")
        assert office.people.until(lambda: len(office.rows("SELECT * FROM acknowledgement")) == 1)
        (drilled,) = office.people.press(shown, "alert.more", option="drill|").wait()
    assert "2,104" in str(drilled)
    valid(drilled)


# -- looked into -----------------------------------------------------------------------------------------


def test_drilling_down_shows_the_period_by_the_widest_cut_with_ways_on(office):
    office.built.ledger.cost("2025-10-04", SEARCH, "gpt-5-nano, input", "7.50")
    office.poll("2025-10-05 12:30")
    with listening(office.built):
        (said,) = office.people.press(office.card, "alert.drill").wait()
        assert (said["response_type"], said["replace_original"]) == ("ephemeral", False)
        assert "1,207.50" in str(said)
        buttons = [e for block in said["blocks"] if block["type"] == "actions" for e in block["elements"]]
        assert {each["text"]["text"]: each["value"] for each in buttons} == {
            "By key": f"v1|report 2025-10-01..2025-10-05 by api_key project={SEARCH}",
            "By day": f"v1|report 2025-10-01..2025-10-05 by day project={SEARCH}",
            "Why": f"v1|why {office.mark}",
        }
        (days,) = office.people.press(said, "cmd.run.drill.day").wait()
        assert "1,200" in str(days)
    valid(said)


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        pytest.param("why", "search-prod", id="why"),
        pytest.param("explain", "Monthly budget of a project", id="explain"),
    ],
)
def test_the_menu_asks_for_whoever_clicks(office, choice, says):
    with listening(office.built):
        (said,) = office.people.press(office.card, "alert.more", option=f"{choice}|", user="U3GUEST").wait()
    assert says in str(said)
    assert said["response_type"] == "ephemeral"
