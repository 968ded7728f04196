"""Delivery is killed, cut off, refused and delayed; every decided notice still stands in its room exactly once."""

import itertools
import random
import shutil
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from bot.core.errors import SetupWrong
from bot.core.incident import Event, Reason
from bot.core.rooms import Message, Opening, Room
from bot.edge.store import incidents, outbox
from bot.edge.store.store import Store
from tests.office import DOLLAR, NOW, OPS, RESEARCH, Office, a_workspace, an_office, empty_database, incident
from tests.standins.slack import (
    DROP_AFTER,
    DROP_BEFORE,
    SERVER_ERROR,
    rate_limited,
    refuse,
    scopes_without,
)


class Killed(BaseException):
    """What a process does not survive: nothing may catch it."""


class Fuse:
    """Kills whoever takes one step too many."""

    def __init__(self, steps):
        self.left = steps

    def step(self):
        self.left -= 1
        if not self.left:
            raise Killed


class FusedStore:
    def __init__(self, store, fuse):
        self.store, self.fuse, self.reading = store, fuse, store.reading

    @contextmanager
    def writing(self):
        self.fuse.step()
        with self.store.writing() as tx:
            yield tx
            self.fuse.step()
        self.fuse.step()


class FusedSpeaker:
    def __init__(self, slack, fuse):
        self.slack, self.fuse = slack, fuse

    def __getattr__(self, name):
        real = getattr(self.slack, name)

        def call(*args, **how):
            self.fuse.step()
            answer = real(*args, **how)
            self.fuse.step()
            return answer

        return call


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return empty_database(tmp_path_factory.mktemp("template"))


@pytest.fixture
def workspace():
    with a_workspace() as slack:
        yield slack


@pytest.fixture
def office(tmp_path, template, workspace):
    with an_office(tmp_path, template, workspace) as office:
        yield office


def test_every_notice_stands_once_wherever_the_process_is_killed(tmp_path, template, workspace):
    deaths = 0
    for seed in range(40):
        chance = random.Random(seed)
        path = tmp_path / f"{seed}.db"
        shutil.copy(template, path)
        with Store(f"sqlite:///{path}") as store:
            office = Office(store, workspace)
            one, two = office.opens(1), office.opens(2, RESEARCH)
            with store.writing() as tx:
                outbox.say(tx, "note", OPS, "ops", {"happened": "Something."}, NOW)
            deaths += deliver_mortally(office, chance)
            one = office.changes(one, 0, value=1001 * DOLLAR, severity="critical", level="100%")
            one = office.changes(one, 1, value=1002 * DOLLAR)
            office.changes(two, 0, RESEARCH, value=1003 * DOLLAR)
            deaths += deliver_mortally(office, chance)

            assert len(office.cards) == 3, seed
            assert sorted(office.lines) == sorted(
                [
                    f"line 0 of {one.fingerprint}",
                    f"line 1 of {one.fingerprint}",
                    f"line 0 of {two.fingerprint}",
                ]
            ), seed
            assert [line for line in office.lines if one.fingerprint in line] == [
                f"line 0 of {one.fingerprint}",
                f"line 1 of {one.fingerprint}",
            ]
            texts = "\n".join(message.text for message in office.cards)
            assert "$1,002" in texts, seed
            assert "$1,003" in texts, seed
            assert office.undelivered() == []
    assert deaths > 150


def deliver_mortally(office, chance):
    """Deliver with couriers that die at random steps, until one survives; return how many died."""
    for deaths in itertools.count():
        # The first ones die young, so that every early step is cut somewhere.
        fuse = Fuse(chance.randint(1, 12 + 4 * deaths))
        try:
            mortal = office.courier(FusedStore(office.store, fuse), FusedSpeaker(office.client, fuse))
            left = mortal.deliver(office.now, wait=3600)
        except Killed:
            continue
        assert not left.waiting
        return deaths
    raise AssertionError


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(DROP_AFTER, id="answer lost"),
        pytest.param(SERVER_ERROR, id="500 before"),
        pytest.param(DROP_BEFORE, id="cut before"),
    ],
)
@pytest.mark.parametrize("act", ["card", "line"])
def test_a_lost_answer_is_looked_for_and_never_doubled(office, fault, act):
    known = None
    if act == "line":
        known = office.opens(1)
        office.deliver()
    office.slack.fault("chat.postMessage", fault)
    if known is None:
        office.opens(1)
    else:
        office.changes(known, 0)
    assert office.deliver().waiting == 0
    assert len(office.cards) == 1
    assert len(office.lines) == (act == "line")
    assert "repeat" not in office.slack.messages[-1].text


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(rate_limited(30), id="rate limit"),
        pytest.param(SERVER_ERROR, id="500"),
        pytest.param(refuse("internal_error"), id="trouble at Slack"),
        pytest.param(refuse("token_revoked"), id="token refused for a while"),
    ],
)
def test_who_may_not_look_just_now_looks_later(office, fault):
    office.slack.fault("chat.postMessage", DROP_AFTER)
    office.slack.fault("conversations.history", fault, fault)
    office.opens(1)
    for _ in range(3):
        with suppress(SetupWrong):
            office.deliver()
        office.now += timedelta(minutes=5)
    assert office.deliver().waiting == 0
    (card,) = office.cards
    assert "repeat" not in card.text


def test_without_leave_to_look_the_repeat_says_what_it_is(office):
    office.slack.scopes = scopes_without("channels:history", "groups:history", "im:history")
    office.slack.fault("chat.postMessage", DROP_AFTER)
    office.opens(1)
    office.deliver()
    assert ["(may be a repeat)" in message.text for message in office.cards] == [False, True]


def test_a_rate_limit_is_honoured_and_other_rooms_are_not_kept_waiting(office):
    office.opens(1)
    office.opens(2)
    office.opens(3, RESEARCH)
    office.slack.fault("chat.postMessage", rate_limited(30))
    assert office.deliver(wait=0).waiting == 2
    assert [message.channel for message in office.cards] == ["C2RESEARCH"]
    assert len(office.slack.said("chat.postMessage")) == 2
    assert office.deliver(wait=29).waiting == 2
    assert len(office.cards) == 1
    assert office.deliver(wait=60).waiting == 0
    assert len(office.cards) == 3


def test_the_lines_of_a_thread_keep_their_order_when_one_is_put_off(office):
    known = office.opens(1)
    office.deliver()
    office.changes(known, 0)
    office.changes(known, 1)
    office.slack.fault("chat.postMessage", refuse("ratelimited"))
    office.deliver()
    assert office.lines == [f"line {n} of {known.fingerprint}" for n in (0, 1)]


def test_refused_blocks_are_said_in_plain_words(office):
    office.opens(1)
    office.slack.fault("chat.postMessage", refuse("invalid_blocks", errors=["too much"]))
    office.deliver()
    (card,) = office.cards
    assert card.text.startswith("Amber: team-1 has used 80%")
    assert card.attachments == []


def test_a_message_that_cannot_be_drawn_is_still_said(office, monkeypatch):
    from bot.render import alerts

    def broken(*_):
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(alerts, "card", broken)
    known = office.opens(1)
    assert office.deliver().waiting == 0
    assert known.fingerprint in office.cards[0].text


@pytest.mark.parametrize(
    ("code", "state"),
    [
        pytest.param(
            "channel_not_found", {"is_private": True, "is_member": False}, id="private and not invited"
        ),
        pytest.param("is_archived", {"is_archived": True}, id="archived"),
        pytest.param("not_in_channel", {"is_member": False}, id="not invited"),
    ],
)
def test_a_room_that_refuses_is_heard_in_the_fallback_with_one_sentence(office, code, state):
    office.slack.scopes = scopes_without("channels:join")
    for flag, value in state.items():
        setattr(office.slack.web.channels["C1OPS"], flag, value)
    office.opens(1)
    office.opens(2)
    assert office.deliver().waiting == 0
    assert [message.channel for message in office.cards] == ["C9SPEND"] * 3
    (sentence,) = [message.text for message in office.cards if "does not let me speak" in message.text]
    assert sentence.startswith(
        f"budgetbot: Slack does not let me speak in #ops ({code}): its messages come here."
    )
    assert ("/invite" in sentence) == (code != "is_archived")


def test_a_room_that_refuses_again_after_it_was_mended_is_news_again(office):
    office.slack.fault("chat.postMessage", refuse("is_archived"))
    office.opens(1)
    office.deliver()
    office.opens(2)
    office.deliver()
    office.now += timedelta(days=1)
    office.slack.fault("chat.postMessage", refuse("is_archived"))
    office.opens(3)
    office.deliver()
    assert sum("does not let me speak" in message.text for message in office.cards) == 2


def test_a_room_archived_after_the_card_moves_its_thread_to_the_fallback(office):
    known = office.opens(1)
    office.deliver()
    office.slack.web.channels["C1OPS"].is_archived = True
    office.changes(known, 0, value=1001 * DOLLAR)
    assert office.deliver().waiting == 0
    moved = [message for message in office.slack.messages if message.channel == "C9SPEND"]
    assert sum(f"line 0 of {known.fingerprint}" == message.text for message in moved) == 1
    assert sum("$1,001" in message.text for message in moved) == 1


def test_without_a_fallback_a_refused_message_is_kept_and_tried_hourly(office):
    office.slack.scopes = scopes_without("channels:join")
    office.slack.web.channels["C1OPS"].is_member = False
    office.opens(1)
    assert office.courier(fallback="").deliver(office.now, wait=60).waiting == 1
    office.slack.web.channels["C1OPS"].is_member = True
    office.now += timedelta(hours=1)
    assert office.courier(fallback="").deliver(office.now).waiting == 0
    assert len(office.cards) == 1


def test_a_revoked_token_stops_everything_and_loses_nothing(office):
    office.opens(1)
    office.opens(2, RESEARCH)
    office.slack.fault("chat.postMessage", refuse("token_revoked"))
    with pytest.raises(SetupWrong, match="token_revoked"):
        office.deliver()
    assert len(office.slack.said("chat.postMessage")) == 1
    office.now += timedelta(minutes=5)
    assert office.deliver().waiting == 0
    assert len(office.cards) == 2


@pytest.mark.parametrize("line", [True, False])
def test_a_deleted_card_is_posted_anew_while_its_trouble_lasts(office, line):
    known = office.opens(1)
    office.deliver()
    office.cards[0].deleted = True
    office.changes(known, 0, line=line, value=999 * DOLLAR)
    assert office.deliver().waiting == 0
    (card,) = office.cards
    assert "$999" in card.text
    office.changes(known, 1)
    office.deliver()
    assert office.lines == [f"line 1 of {known.fingerprint}"]


def test_a_deleted_card_of_something_over_stays_deleted(office):
    known = office.opens(1)
    office.deliver()
    office.cards[0].deleted = True
    office.changes(known, 0, state="ended", reason=Reason.PERIOD_OVER)
    assert office.deliver().waiting == 0
    assert office.slack.messages == []


def test_edits_of_a_message_are_five_seconds_apart_and_the_latest_state_wins(office):
    known = office.opens(1)
    office.deliver()
    began = office.now
    for n in range(20):
        known = office.changes(known, n, line=False, value=(900 + n) * DOLLAR)
        assert office.courier().deliver(office.now, wait=0).done <= 1
        office.now += timedelta(seconds=1)
    office.deliver()
    updates = office.slack.said("chat.update")
    assert "$919" in office.cards[0].text
    assert len(updates) <= (office.now - began).total_seconds() / 5 + 1
    assert len(updates) >= 3


def test_an_edit_that_fails_is_tried_again(office):
    known = office.opens(1)
    office.deliver()
    office.changes(known, 0, line=False, value=900 * DOLLAR)
    office.slack.fault("chat.update", SERVER_ERROR, rate_limited(7))
    assert office.deliver().waiting == 0
    assert "$900" in office.cards[0].text


def test_what_gathers_is_held_until_its_time(office):
    known = incident(1)
    event = Event(
        known.fingerprint, known.rule_id, known.group, "fired", "80%", 0, NOW, "", known.value, "warning"
    )
    with office.store.writing() as tx:
        incidents.write(tx, [known], None)
        ids = incidents.record(tx, [event], None)
        opening = Opening(known.fingerprint, event.key, Room(OPS, "r"), "warning", 0)
        later = NOW + timedelta(hours=1)
        outbox.open_message(tx, Message(OPS, (opening,), later, later), ids, NOW)
    left = office.deliver()
    assert (left.done, left.waiting, left.held) == (0, 0, 1)
    office.now += timedelta(hours=1)
    assert office.deliver().done == 1
