"""Who may do what with an alert, in Slack: by the verified user alone, kindly refused, and kept."""

from threading import Thread

import pytest

from bot.core.asker import Asker
from bot.core.reference import Reference
from tests.heard import listening
from tests.staffed import an_office
from tests.world import LABS

SET = {"budgetbot_operators": "U1ALICE", "budgetbot_admins": "U1ALICE"}


@pytest.fixture
def office(tmp_path):
    with an_office(tmp_path) as held:
        yield held


def test_a_viewer_is_refused_kindly_and_that_is_kept(office):
    with listening(office.built, **SET):
        (clicked,) = office.people.press(office.card, "alert.ack", user="U6CAROL").wait()
        assert clicked["text"] == (
            "Only operators may do that, and who owns the budget: BUDGETBOT_OPERATORS names them."
        )
        assert clicked["response_type"] == "ephemeral"
        (typed,) = office.slack.slash("silence project=labs for 1h -- x", user="U6CAROL").wait()
        (strange,) = office.slack.slash(f"ack {office.mark[:5]}", user="U5STRANGER").wait()
        assert "another workspace" in strange["text"]
        (history,) = office.slack.slash(f"history {office.mark}", user="U6CAROL").wait()
    assert office.rows("SELECT * FROM acknowledgement") == office.rows("SELECT * FROM silence") == []
    assert [row[:3] for row in office.audit()] == [
        ("U6CAROL", "ack", office.mark),
        ("U6CAROL", "silence", "silence project=labs for 1h -- x"),
        ("U5STRANGER", "ack", office.mark),
    ]
    assert all(row[3] for row in office.audit())
    assert typed["text"] == clicked["text"]
    assert "was refused" in str(history)


def test_people_of_another_workspace_are_shown_nothing(office):
    with listening(office.built):
        (told,) = office.slack.slash("status", user="U5STRANGER").wait()
        (member,) = office.slack.slash("status", user="U2BOB").wait()
    assert "another workspace" in told["text"]
    assert "$" not in str(told)
    assert "$" in str(member)
    assert [row[:2] for row in office.audit()] == [("U5STRANGER", "status")]


def test_an_owner_is_an_operator_for_what_is_theirs_alone(office):
    office.spend("2025-10-04", "2600", LABS)
    office.built.slack.web.groups = {"S9LABS": ("labs-leads", ["U1ALICE"])}
    office.poll("2025-10-05 12:30")
    labs, search = (
        row[0] for row in office.rows("SELECT fingerprint FROM incident ORDER BY value_nano DESC")
    )
    with listening(office.built, budgetbot_operators="U9", budgetbot_admins="U9"):

        def say(words, user):
            (answer,) = office.slack.slash(words, user=user).wait()
            return answer["text"]

        assert "Only operators may" in say(f"ack {labs}", "U2BOB")
        assert "is acknowledged: no reminder" in say(f"ack {search}", "U2BOB")
        assert "is acknowledged: no reminder" in say(f"ack {labs}", "U1ALICE")
        assert "Only operators may" in say(f"unack {search}", "U1ALICE")
        assert "si_1 holds back" in say("silence project=labs for 2h -- x", "U1ALICE")
        assert "Only operators may" in say("silence project=labs,search-prod for 2h -- x", "U1ALICE")
        assert "Only operators may" in say("silence severity=critical for 2h -- x", "U1ALICE")
        assert "Only operators may" in say("unsilence si_1", "U2BOB")
        assert "more than 24 hours" in say("silence team=search for 2d -- x", "U2BOB")
        assert "si_2 holds back" in say("silence team=search for 24h -- x", "U2BOB")
        assert "Only operators may" in say("refresh", "U2BOB")
        assert "for admins" in say("doctor", "U2BOB")


FORGED = [
    pytest.param("alert.ack", "v1|000000000000|1", "No alert has the fingerprint", id="no such alert"),
    pytest.param("alert.ack", "v1|c1|1", "another version", id="a table, where an alert is meant"),
    pytest.param("group.ack", "v1|c999|1", "know nothing of that", id="no such table"),
    pytest.param("group.ack", "v1|{mark}|1", "another version", id="an alert, where a table is meant"),
    pytest.param("alert.ack", "v2|{mark}|1", "another version", id="of another version"),
    pytest.param("alert.ack", "v1|{mark}' OR 1=1|1", "another version", id="no fingerprint"),
    pytest.param("alert.ack", "", "another version", id="nothing"),
    pytest.param("alert.ack", "x" * 2_000, "another version", id="oversize"),
    pytest.param("alert.ack", "v1|{mark}|99999999999999999999", "another version", id="a huge revision"),
    pytest.param("alert.ack", "v1|{mark}|٣", "another version", id="a digit of another script"),
    pytest.param("alert.more", "drop|v1|{mark}|1", "another version", id="no such choice"),
    pytest.param("alert.nonsense", "v1|{mark}|1", "another version", id="no such button"),
    pytest.param("alert.sure", "v1|report", "another version", id="sure of a question"),
    pytest.param("alert.sure", "v1|ack all", "Only operators", id="sure, and no operator"),
    pytest.param("alert.ack", "v1|{mark}|1", "Only operators", id="true, and no operator"),
    pytest.param("cmd.run.0", "v1|ack {mark}", "Only operators", id="an order in a question's button"),
    pytest.param("group.silence", "v1|c999|1", "over or corrected", id="silence no such table"),
    pytest.param("alert.drill", "v1|000000000000|1", "know nothing of that", id="drill into nothing"),
]


def test_forged_values_are_harmless(office):
    with listening(office.built, **SET):
        for case in FORGED:
            action, value, says = case.values
            pressed = office.slack.click(action, value.replace("{mark}", office.mark), user="U6CAROL")
            assert pressed.acked, case.id
            assert says in pressed.wait()[0]["text"], case.id
    assert office.rows("SELECT * FROM acknowledgement") == office.rows("SELECT * FROM silence") == []
    assert {row[0] for row in office.audit()} == {"U6CAROL"}
    assert [row[1] for row in office.audit()].count("click") == sum(
        "another version" in case.values[2] for case in FORGED
    )
    assert [row[1:3] for row in office.audit() if row[1] != "click"] == [("ack", office.mark)] * 3
    assert all(len(row[2]) <= 210 and row[3] for row in office.audit())


@pytest.mark.parametrize(
    "value", ["v1|c1|1\n", "why|v1|0123456789ab|1 ", "V1|0123456789ab|1", "v1|c|1", "v1||1"]
)
def test_what_is_no_reference(value):
    assert Reference.read(value) is None


@pytest.mark.parametrize(
    "about",
    [
        Reference("0123456789ab", 0, 3),
        Reference(card_id=7, revision=1),
        Reference("0123456789ab", 0, 2, "why"),
    ],
)
def test_a_reference_is_read_as_it_was_written(about):
    assert Reference.read(str(about)) == about


def test_everything_is_counted_before_it_is_acknowledged(office):
    office.spend("2025-10-04", "2600", LABS)
    office.poll("2025-10-05 12:30")
    with listening(office.built):
        (asked,) = office.slack.slash("ack all -- the launch").wait()
        assert asked["text"] == (
            "That is 2 alerts: labs, search-prod. Nothing is acknowledged yet."
            if "labs, search" in asked["text"]
            else "That is 2 alerts: search-prod, labs. Nothing is acknowledged yet."
        )
        assert office.rows("SELECT * FROM acknowledgement") == []
        (none,) = office.slack.slash("ack all project=nobody").wait()
        assert none["text"] == "No alert with project=nobody is open that nobody looks after."
        (done,) = office.people.press(asked, "alert.sure", text="Acknowledge 2 alerts").wait()
        assert "is acknowledged: no reminder" in done["text"]
        office.deliver()
    assert len(office.rows("SELECT * FROM acknowledgement")) == 2
    assert {row[2] for row in office.audit()} == {
        row[0] for row in office.rows("SELECT fingerprint FROM incident")
    }
    assert (
        sorted(office.lines)
        == [
            "*labs*: Acknowledged by <@U1ALICE>: the launch",
            "*search-prod*: Acknowledged by <@U1ALICE>: the launch",
        ]
        or len(office.lines) == 2
    )


@pytest.mark.parametrize(
    ("conditions", "asks"),
    [
        pytest.param("severity>=info", True, id="every severity"),
        pytest.param("project=*", True, id="a star"),
        pytest.param("severity=info,warning,critical", True, id="every one by name"),
        pytest.param("project=search-prod", False, id="a project, though it is the only alert"),
        pytest.param("project=search-* severity>=info", False, id="one of them tells"),
    ],
)
def test_a_silence_of_everything_asks_first(office, conditions, asks):
    with listening(office.built):
        (said,) = office.slack.slash(f"silence {conditions} for 4h -- maintenance").wait()
        assert ("Nothing is silenced yet" in said["text"]) == asks
        assert len(office.rows("SELECT * FROM silence")) == (not asks)
        if asks:
            assert "1 alert firing now" in said["text"]
            (done,) = office.people.press(said, "alert.sure", text="Silence everything").wait()
            assert done["text"].startswith("si_1 holds back")
    assert len(office.rows("SELECT * FROM silence")) == 1


def test_a_time_of_day_is_by_the_persons_clocks_else_by_those_of_the_rules(office):
    with listening(office.built):
        office.clock("2025-10-05 12:10")
        (hers,) = office.slack.slash("silence project=labs until 18:00 -- x").wait()
        assert "until 5 Oct 16:00 UTC (18:00 in Europe/Berlin)" in hers["text"]
        office.slack.web.users["U2BOB"]["tz"] = "America/New_York"
        (his,) = office.slack.slash("silence project=labs until 18:00 -- y", user="U2BOB").wait()
        assert "until 5 Oct 22:00 UTC (18:00 in America/New_York)" in his["text"]
        office.slack.web.users["U6CAROL"]["tz"] = "Mars/Olympus"
        (unknown,) = office.slack.slash("silence team=labs until 18:00 -- z", user="U6CAROL").wait()
        assert "until 5 Oct 16:00 UTC (18:00 in Europe/Berlin)" in unknown["text"]


@pytest.mark.parametrize(
    ("who", "role", "why", "no_admins", "lacks"),
    [
        pytest.param("viewer", "viewer", "Guests may look.", False, "", id="anybody may look"),
        pytest.param("self", "viewer", "", False, "", id="what is one's own"),
        pytest.param(
            "self", "viewer", "Guests may look.", False, "Guests may look.", id="a guest has nothing"
        ),
        pytest.param("operator", "viewer", "", False, "Only operators", id="a viewer is no operator"),
        pytest.param("operator", "operator", "", False, "", id="an operator is"),
        pytest.param("admin", "operator", "", False, "for admins", id="an operator is no admin"),
        pytest.param("admin", "operator", "", True, "", id="but stands in where there is none"),
        pytest.param("admin", "viewer", "Guests may look.", True, "for admins", id="a guest never does"),
        pytest.param("admin", "admin", "", False, "", id="an admin"),
    ],
)
def test_what_somebody_lacks(who, role, why, no_admins, lacks):
    found = Asker("U1", role=role, why=why, no_admins=no_admins).lacks(who, looks=who == "admin")
    assert found.find(lacks) >= 0
    assert bool(found) == bool(lacks)


def test_forty_people_click_and_type_at_once_while_a_poll_runs(office):
    for n in range(10):
        office.built.ledger.project(f"proj_{n}", f"team-{n}")
        office.spend("2025-10-04", str(2_100 + n), f"proj_{n}")
    with listening(office.built):
        for n in range(40):
            office.slack.web.users[f"U{n}P"] = {**office.slack.web.users["U1ALICE"], "id": f"U{n}P"}
        poll = Thread(target=office.built.poll, args=("2025-10-05 12:30",), kwargs={"wait": 0.0})
        done = []

        def act(n):
            user = f"U{n}P"
            if n % 2:
                done.append(office.slack.slash(f"report project=search-prod top={n}", user=user))
            elif n % 4:
                done.append(office.people.press(office.card, "alert.drill", user=user))
            else:
                done.append(office.slack.click("alert.ack", f"v1|{office.mark}|2", user=user))

        people = [Thread(target=act, args=(n,)) for n in range(40)]
        poll.start()
        for person in people:
            person.start()
        for person in people:
            person.join()
        assert len([one for one in done if one.acked and one.ack_seconds < 3]) == 40
        # Of those who acknowledge one is first; its answer is the card.
        assert office.until(lambda: sum(bool(one.answers) for one in done) == 39, 60)
        poll.join()
        office.deliver()
    assert [row[1] for row in office.audit()] == ["ack"]
    assert len([line for line in office.lines if "Acknowledged by" in line]) == 1
