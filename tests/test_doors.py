"""Rooms that open, shut and are renamed, and an app that is put out: each told by Slack over the socket."""

import time

import pytest

from bot.edge.store import delivery
from tests.heard import listening
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, world

RULES = """\
version: 1
routes: {ops: {channel: budget-admin}, money: {channel: finance}, search: {channel: search-ops}}
defaults: {route: money}
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 100, thresholds: [50%]}
  - {id: search, kind: budget, title: Search, select: {project: search-prod}, period: month, amount: 1000, route: search}
"""
FINANCE, OPS = "C2ROOM", "C3ROOM"


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-10-01", SEARCH, "gpt-5.2, output", "20")
        built.poll("2025-10-05 13:05")
        yield built


def spend(w):
    """Open an alert that is to be said in #finance."""
    w.ledger.cost("2025-10-05", LABS, "gpt-5.2, output", "40")


def deliver(w):
    return w.app.courier().deliver(w._clock[0])


def said_in(w, room):
    return [message.text for message in w.posts if message.channel == room]


def event(kind, **more):
    return {"type": kind, "event_ts": "1759669500.000100", **more}


def heard(slack, told):
    """Let Slack tell something; it is acknowledged, and worked on meanwhile."""
    asked = slack.event(told)
    assert asked.acked
    return asked


def until(true):
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def troubles(w):
    with w.app.store.reading() as tx:
        return {target.address: why for target, why in delivery.troubles(tx).items()}


def test_what_waits_for_a_room_is_said_as_soon_as_it_lets_us_in(w):
    """Without any other room to speak in, what is refused waits; an invitation ends that at once."""
    w.rules(
        "version: 1\nrules: [{id: t, kind: budget, select: {}, period: month, amount: 100, thresholds: [50%]}]\n"
    )
    w.start(budgetbot_channel="finance")
    w.slack.scopes = "commands,chat:write,channels:read,groups:read,im:write,users:read"
    w.slack.channels[FINANCE].is_member = False
    spend(w)
    w.poll("2025-10-05 14:05")
    assert w.posts == []
    with listening(w) as slack:
        assert deliver(w).done == 0
        w.slack.channels[FINANCE].is_member = True
        heard(slack, event("member_joined_channel", user="U1BOT", channel=FINANCE, channel_type="C"))
        until(lambda: w.app.courier().anything(w._clock[0]))
    deliver(w)
    assert len(said_in(w, FINANCE)) == 1
    assert troubles(w) == {}


def test_nothing_is_said_where_nothing_waits_and_nobody_else_is_us(w):
    with listening(w) as slack:
        for user in ("U1BOT", "U1ALICE"):
            heard(slack, event("member_joined_channel", user=user, channel="C1OPS", channel_type="C"))
        slack.slash("help").wait()
    deliver(w)
    assert w.posts == []


@pytest.mark.parametrize(("kind", "private"), [("channel_archive", False), ("group_archive", True)])
def test_an_archived_room_is_told_once_with_its_remedy(w, kind, private):
    channel = w.slack.channels[FINANCE]
    channel.is_private = private
    with listening(w) as slack:
        channel.is_archived = True
        asked = heard(slack, event(kind, channel=FINANCE, user="U1ALICE"))
        until(lambda: troubles(w))
        slack.people.again(asked)
        heard(slack, event(kind, channel="C1OPS", user="U1ALICE"))
        slack.slash("help").wait()
    deliver(w)
    (told,) = said_in(w, "C0ROOM")
    assert "#finance was archived, and rules speak there. What is to be said there comes here." in told
    assert "write another channel in the rule file" in told
    assert list(troubles(w)) == ["finance"]
    spend(w)
    w.poll("2025-10-05 14:05")
    assert len(said_in(w, "C0ROOM")) == 2, "the alert came there, and nothing was told twice"
    assert "60%" in said_in(w, "C0ROOM")[1]


def test_the_room_of_our_own_trouble_is_not_told_of_itself(w):
    with listening(w, budgetbot_channel="") as slack:
        w.slack.channels[OPS].is_archived = True
        heard(slack, event("channel_archive", channel=OPS, user="U1ALICE"))
        until(lambda: troubles(w))
    deliver(w)
    assert w.posts == []


def test_a_renamed_room_is_told_with_what_to_write(w):
    spend(w)
    w.poll("2025-10-05 14:05")
    assert len(said_in(w, FINANCE)) == 1
    with listening(w) as slack:
        w.slack.channels[FINANCE].name = "money"
        heard(slack, event("channel_rename", channel={"id": FINANCE, "name": "money", "created": 1}))
        until(lambda: troubles(w))
    deliver(w)
    (told,) = said_in(w, "C0ROOM")
    assert "#finance is called #money now, and rules speak in it by its old name." in told
    assert f"Write money in the rule file, or {FINANCE}, which no renaming changes." in told


def test_a_room_that_takes_the_name_rules_speak_of_is_tried_at_once(w):
    w.rules(RULES.replace("{channel: finance}", "{channel: treasury}"))
    w.start(budgetbot_channel="")
    w.app.rules.now(w._clock[0])
    with listening(w, budgetbot_channel="") as slack:
        spend(w)
        w.poll("2025-10-05 14:05")
        w.slack.channels[FINANCE].name = "treasury"
        heard(slack, event("channel_rename", channel={"id": FINANCE, "name": "treasury", "created": 1}))
        until(lambda: not troubles(w))


@pytest.mark.parametrize("kind", ["tokens_revoked", "app_uninstalled"])
def test_an_app_that_is_put_out_says_so_in_the_log_and_goes_on(w, caplog, kind):
    with listening(w) as slack:
        heard(slack, event(kind, tokens={"bot": ["U1BOT"]}))
        assert slack.slash("help").wait()
        (told,) = [record for record in caplog.records if record.name == "budgetbot.rooms"]
        assert told.levelname == "ERROR"
        assert "nstall" in told.getMessage()
    assert w.posts == []


def test_a_slack_that_tells_nothing_of_a_channel_is_no_failure(w, caplog):
    with listening(w) as slack:
        heard(slack, event("channel_archive", channel="C9NOWHERE", user="U1ALICE"))
        heard(slack, event("member_joined_channel", user="U1BOT", channel="C9NOWHERE", channel_type="C"))
        slack.slash("help").wait()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
