"""A room is spoken to as fast as Slack bears, and none waits for another."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.pacing import Bucket, Pacer
from bot.edge.store import outbox
from tests.office import DOLLAR, OPS, RESEARCH, a_workspace, an_office, empty_database

NOON = datetime(2026, 10, 10, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def seconds(bucket, count):
    """Return when so many went, each as soon as it might."""
    at, went = NOON, []
    for _ in range(count):
        at = bucket.free(at)
        bucket.take(at)
        went.append((at - NOON).total_seconds())
    return went


def test_a_few_go_at_once_and_then_one_a_second():
    assert seconds(Bucket(SECOND, 3), 6) == [0, 0, 0, 1, 2, 3]


def test_a_pause_fills_the_bucket_and_no_more():
    bucket = Bucket(SECOND, 3)
    seconds(bucket, 3)
    later = NOON + timedelta(minutes=1)
    for _ in range(3):
        assert bucket.free(later) == later
        bucket.take(later)
    assert bucket.free(later) == later + SECOND


def test_edits_of_the_whole_workspace_stay_below_fifty_a_minute():
    went = seconds(Pacer().edits, 200)
    assert max(sum(start <= at < start + 60 for at in went[10:]) for start in range(60)) <= 50


def test_rooms_rest_alone():
    pacer = Pacer()
    for _ in range(3):
        pacer.spoke(OPS, NOON, edit=False)
    pacer.spoke(RESEARCH, NOON, edit=False)

    assert pacer.resting(NOON) == {OPS}
    assert pacer.first(NOON) == NOON + SECOND
    assert pacer.resting(NOON + SECOND) == frozenset()
    assert not pacer.edits_rest(NOON)


@pytest.fixture
def office(tmp_path):
    with a_workspace() as slack, an_office(tmp_path, empty_database(tmp_path), slack) as office:
        yield office


def test_a_flood_in_one_room_is_paced_and_the_other_hears_at_once(office):
    for number in range(8):
        office.opens(number)
    office.opens(20, RESEARCH)
    pacer = Pacer()
    began = office.now
    office.deliver(wait=0, pacer=pacer)

    at = {"C1OPS": [], "C2RESEARCH": []}
    for message in office.cards:
        at[message.channel].append(float(message.ts) // 1 - began.timestamp())
    assert at == {"C1OPS": [0, 0, 0, 1, 2, 3, 4, 5], "C2RESEARCH": [0]}


def test_a_thread_counts_with_its_room_and_the_next_delivery_goes_on(office):
    known = office.opens(1)
    pacer = Pacer()
    office.deliver(wait=0, pacer=pacer)
    for n in range(4):
        known = office.changes(known, n, line=True, value=(900 + n) * DOLLAR)
    began = office.now
    office.deliver(wait=0, pacer=pacer)

    went = [
        float(message.ts) // 1 - began.timestamp() for message in office.slack.messages if message.thread_ts
    ]
    assert went == [0, 0, 1, 2]


def test_a_stop_does_not_wait_for_a_room(office):
    for number in range(8):
        office.opens(number)
    left = office.courier(pacer=Pacer()).deliver(office.now, stopped=lambda: bool(office.slept))

    assert (left.done, left.waiting) == (3, 5)


def test_edits_of_many_messages_are_paced_together_and_posts_go_before(office):
    known = [office.opens(number) for number in range(14)]
    office.deliver()
    office.now += timedelta(minutes=5)
    for number, each in enumerate(known):
        office.changes(each, 0, line=False, value=(900 + number) * DOLLAR)
    with office.store.writing() as tx:
        outbox.say(tx, "note", RESEARCH, "ops", {"happened": "Something."}, office.now)
    office.slack.calls.clear()
    pacer, began = Pacer(), office.now
    office.deliver(wait=0, pacer=pacer)

    methods = [call.method for call in office.slack.calls]
    assert methods == ["chat.postMessage", *["chat.update"] * 14]
    assert (office.now - began).total_seconds() == pytest.approx(4 * 1.2)
