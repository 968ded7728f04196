"""Forged clicks and modals: whatever a button's value or a form holds, nothing raises, and nobody acts who may not."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.reference import Reference
from bot.desk import Desk
from bot.listen import Listener
from bot.people import People
from tests.staffed import an_office

ACTIONS = ("cmd.run.1", "cmd.help", "alert.ack", "alert.unack", "alert.unsilence", "alert.drill", "alert.csv", "alert.why", "alert.more",
           "alert.silence", "alert.sure", "group.ack", "group.show", "group.silence", "group.sure", "home.ack", "home.more", "nothing", "", ".")  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
VALUES = (
    st.text(max_size=60)
    | st.sampled_from(
        ["", "v1|", "v1|c0|0", "v1|c999999999|1", "v1|ffffffffffff|1", "v2|ffffffffffff|1", "ack|v1|ffffffffffff|0", "v1|ack all", "v1|silence all for 1h -- x",
         "v1|status", "v1|unsilence si_1", "why|v1|c1|1", "V1|c1|1", "v1|c1|1\n", "v1|c١|1", "v1|c1|-1", "v1|c1|99999999999999"]
    )
)  # fmt: skip
STRANGERS = st.sampled_from(["", "U3GUEST", "U9NOBODY", "USLACKBOT", "B1BOT"])


class Pressed:
    """A bot with one alert, and people who press whatever they like."""

    def __init__(self, office):
        self.office = office
        app = office.built.app
        people = People(app.slack, office.built.settings, app.clock)
        self.listener = Listener(Desk(app.store, app.rules.last, app.clock, people, app.slack, app))
        self.answers = []

    def state(self):
        """What an order would change."""
        return [
            self.office.rows(f"SELECT * FROM {table} ORDER BY 1")
            for table in ("acknowledgement", "silence", "subscription", "incident", "card", "notice")
        ]

    def click(self, action, value, user, **more):
        self.answers.clear()
        payload = {
            "type": "block_actions",
            "user": {"id": user, "team_id": "T1TEAM"},
            "actions": [{"action_id": action, "value": value}],
            "channel": {"id": "C0ROOM"},
            "trigger_id": "forged",
            **more,
        }
        self.listener.action(action, payload, self.answers.append)

    def send(self, callback, view, user):
        self.answers.clear()
        payload = {
            "type": "view_submission",
            "user": {"id": user, "team_id": "T1TEAM"},
            "view": view,
            "trigger_id": "forged",
        }
        self.listener.submission(callback, payload, self.answers.append)


@pytest.fixture(scope="module")
def pressed(tmp_path_factory):
    with an_office(tmp_path_factory.mktemp("pressed")) as office:
        yield Pressed(office)


# Each example asks a real Slack and a real database.
pressing = settings(
    max_examples=max(10, settings().max_examples // 10), suppress_health_check=[HealthCheck.too_slow]
)


@given(VALUES)
def test_a_value_is_a_reference_or_nothing(value):
    found = Reference.read(value)
    if found is not None:
        assert Reference.read(str(found)) == found
        assert bool(found.fingerprint) != bool(found.card_id) or found.card_id == 0


@pressing
@given(st.sampled_from(ACTIONS) | st.text(max_size=12), VALUES, STRANGERS)
def test_whatever_a_stranger_presses_changes_nothing(pressed, action, value, user):
    before = pressed.state()
    pressed.click(action, value, user)
    assert pressed.state() == before


@pressing
@given(
    st.sampled_from(
        [
            "alert.ack",
            "alert.silence",
            "alert.unack",
            "group.ack",
            "group.silence",
            "alert.sure",
            "alert.more",
        ]
    ),
    STRANGERS,
    st.booleans(),
)
def test_a_true_reference_in_a_strangers_hand_changes_nothing(pressed, action, user, table):
    before = pressed.state()
    value = "v1|c1|1" if table else f"v1|{pressed.office.mark}|1"
    pressed.click(action, value, user)
    pressed.click("alert.more", f"ack|{value}", user)
    pressed.click("alert.sure", "v1|ack all", user)
    assert pressed.state() == before


@pressing
@given(
    st.sampled_from(ACTIONS),
    VALUES.filter(lambda value: Reference.read(value) is None and not value.startswith("v1|")),
)
def test_what_is_no_reference_does_nothing_in_anybodys_hand(pressed, action, value):
    before = pressed.state()
    pressed.click(action, value, "U1ALICE")
    assert pressed.state() == before
    assert all(answer["text"] for answer in pressed.answers)


STATES = (
    st.dictionaries(
        st.sampled_from(["until", "reason", "scope", "wake", "wish"]),
        st.fixed_dictionaries({}, optional={"v": ANYTHING, "value": ANYTHING}) | ANYTHING,
        max_size=5,
    )
    | ANYTHING
)


@pressing
@given(
    st.sampled_from(["silence.submit", "more.submit", "silence", "more", "other", ""]),
    VALUES | st.just("true"),
    STATES,
    st.just("U3GUEST") | st.just("U1ALICE"),
)
def test_whatever_a_form_holds_it_is_answered_and_does_nothing(pressed, callback, metadata, state, user):
    before = pressed.state()
    if metadata == "true":
        metadata = f"v1|{pressed.office.mark}|1|C0ROOM"
    pressed.send(callback, {"id": "V1", "private_metadata": metadata, "state": {"values": state}}, user)
    assert pressed.state() == before
