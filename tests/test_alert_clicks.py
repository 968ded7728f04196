"""What people press on alerts: through the real bolt app, to the card, the thread, the audit and back to them."""

import json

import pytest

from tests.heard import listening
from tests.staffed import an_office, older, valid
from tests.standins.slack import Fault
from tests.world import LABS, SEARCH


@pytest.fixture
def office(tmp_path):
    with an_office(tmp_path) as held:
        yield held


# -- acknowledged ----------------------------------------------------------------------------------------


def test_a_click_edits_the_card_writes_in_its_thread_and_says_nothing_else(office):
    with listening(office.built):
        office.clock("2025-10-05 12:10")
        pressed = office.people.press(office.card, "alert.ack")
        assert pressed.acked
        assert office.until(lambda: office.rows("SELECT * FROM acknowledgement"))
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
        assert office.until(lambda: office.rows("SELECT * FROM acknowledgement"))
        office.clock("2025-10-05 12:14")
        (said,) = office.people.press(seen, "alert.ack").wait()
        assert said["text"] == (
            "search-prod is acknowledged already, by <@U2BOB> at 5 Oct 12:10 UTC, 4 minutes ago."
        )
        assert (said["response_type"], said["replace_original"]) == ("ephemeral", False)
        office.deliver()
        held = dict(vars(office.card))
        drop = office.people.press(office.card, "alert.unack", user="U2BOB")
        assert office.until(lambda: not office.rows("SELECT * FROM acknowledgement"))
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
        assert office.until(lambda: office.rows("SELECT * FROM acknowledgement"))
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
        assert office.until(lambda: len(office.rows("SELECT * FROM acknowledgement")) == 5)
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
        assert office.until(lambda: len(office.rows("SELECT * FROM acknowledgement")) == 5)
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
        assert office.until(lambda: len(office.rows("SELECT * FROM acknowledgement")) == 1)
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


def test_an_alerts_spend_is_exported_to_who_asks(office):
    with listening(office.built):
        (said,) = office.people.press(office.card, "alert.more", option="csv|").wait()
        assert office.until(lambda: office.slack.files)
    (sent,) = office.slack.files
    assert "1200" in str(vars(sent))
    assert said["response_type"] == "ephemeral"


# -- modals ----------------------------------------------------------------------------------------------


def test_a_silence_is_opened_filled_in_and_carried_out_by_the_persons_clocks(office):
    with listening(office.built, budgetbot_admins="U1ALICE"):
        office.clock("2025-10-05 12:10")  # a Sunday, ten past two in Berlin
        office.people.press(office.card, "alert.silence")
        assert office.until(lambda: office.slack.modal() is not None)
        modal = office.slack.modal()
        valid({"blocks": modal.blocks})
        assert modal.held["private_metadata"] == f"v1|{office.mark}|2|C0ROOM"
        assert "search-prod" in str(modal.blocks[0])
        office.people.submit(
            modal, {"until": "tomorrow", "scope": "rule", "wake": "500", "reason": "load <test>\nfor all"}
        )
        assert office.until(lambda: office.slack.whispers)
        said = office.slack.whispers[-1]
        assert (said.channel, said.user) == ("C0ROOM", "U1ALICE")
        assert said.text.startswith(
            f"si_1 holds back rule=project-month project={SEARCH} until 6 Oct 07:00 UTC (09:00 in Europe/Berlin) "
            "or until it grows by $500: load &lt;test&gt; for all."
        )
        office.deliver()
        assert "Silenced by <@U1ALICE> until 6 Oct 07:00 UTC: load &lt;test&gt; for all" in str(
            office.card.blocks
        )
        (ended,) = [office.people.press(office.card, "alert.unsilence")]
        (offer,) = ended.wait()
        assert "is held back by si_1" in offer["text"]
        (done,) = office.people.press(offer, "alert.sure").wait()
        assert done["text"] == "si_1 is over: what it held back is said with the next poll."
        office.deliver()
    assert "Silenced by" not in str(office.card.blocks)
    assert [row[:3] for row in office.audit()] == [
        ("U1ALICE", "silence", "si_1"),
        ("U1ALICE", "unsilence", "si_1"),
    ]


@pytest.mark.parametrize(
    ("values", "matchers", "with_incident", "ends"),
    [
        pytest.param({"until": "1h"}, "fingerprint", 0, "2025-10-05 13:10", id="this alert, an hour"),
        pytest.param({"until": "over"}, "fingerprint", 1, "2025-11-05 12:10", id="until it is over"),
        pytest.param(
            {"until": "over", "scope": "project"}, "project", 0, "2025-11-01 00:00", id="the period's end"
        ),
    ],
)
def test_how_long_and_how_much_is_silenced(office, values, matchers, with_incident, ends):
    with listening(office.built, budgetbot_admins="U1ALICE"):
        office.clock("2025-10-05 12:10")
        office.people.press(office.card, "alert.silence")
        assert office.until(lambda: office.slack.modal() is not None)
        office.people.submit("silence", values | {"reason": "known"})
        assert office.until(lambda: office.slack.whispers)
    (row,) = office.rows("SELECT matchers, with_incident, ends_at FROM silence")
    assert list(json.loads(row[0])) == [matchers]
    assert (row[1], row[2][:16]) == (with_incident, ends)


def test_a_modal_that_slack_no_longer_opens_is_offered_again(office):
    with listening(office.built):
        office.slack.fault("views.open", Fault("expired_trigger_id"))
        (said,) = office.people.press(office.card, "alert.silence").wait()
        assert "took too long" in said["text"]
        office.people.press(said, "alert.silence")
        assert office.until(lambda: office.slack.modal() is not None)


def test_a_modal_opens_at_once_and_is_taken_back_from_who_may_not_send_it(office):
    with listening(office.built, budgetbot_operators="U1ALICE", budgetbot_admins="U1ALICE"):
        office.slack.fault("users.info", Fault(delay=3.2))
        office.people.press(office.card, "alert.silence", user="U6CAROL")
        assert office.until(lambda: office.slack.modal("U6CAROL") is not None, 2.5)
        kept = office.slack.modal("U6CAROL").blocks
        assert office.until(office.audit)
        assert "Only operators may do that" in str(office.slack.modal("U6CAROL").blocks)
        # What was on the screen before is sent all the same: it is looked at once more.
        view = office.slack.modal("U6CAROL")
        view.held = {
            **view.held,
            "callback_id": "silence.submit",
            "private_metadata": f"v1|{office.mark}|1|C0ROOM",
            "blocks": kept,
        }
        office.people.submit(view, {"reason": "mine"}, user="U6CAROL")
        assert office.until(lambda: office.slack.whispers)
        assert "Only operators may do that" in office.slack.whispers[-1].text
        (said,) = office.people.press(office.card, "alert.silence", user="U6CAROL").wait()
        assert "Only operators may do that" in said["text"]
    assert office.rows("SELECT * FROM silence") == []
    assert {row[:3] for row in office.audit()} == {("U6CAROL", "silence", office.mark)}


def test_who_sent_a_modal_is_answered_though_slack_refuses_how_it_is_drawn(office):
    with listening(office.built):
        office.people.press(office.card, "alert.silence")
        assert office.until(lambda: office.slack.modal() is not None)
        office.slack.fault("chat.postEphemeral", Fault("invalid_blocks"))
        office.people.submit(office.slack.modal(), {"until": "1h", "reason": "x"})
        assert office.until(lambda: office.slack.whispers)
    assert "si_1 holds back" in office.slack.whispers[-1].text


def test_a_forged_modal_changes_nothing_that_its_sender_may_not(office):
    with listening(office.built):
        office.people.press(office.card, "alert.silence")
        assert office.until(lambda: office.slack.modal() is not None)
        modal = office.slack.modal()
        for forged in (
            "",
            "v1|000000000000|1|C0ROOM",
            "v1|c999|1|C0ROOM",
            "x" * 3000,
            f"{office.mark}|C0ROOM",
        ):
            modal.held = {**modal.held, "private_metadata": forged}
            office.people.submit(modal, {"reason": "x", "until": "1h"})
        assert office.until(
            lambda: len(office.slack.whispers) + len(office.slack.said("chat.postMessage")) >= 6
        )
    assert office.rows("SELECT * FROM silence") == []
    assert [row[:2] for row in office.audit()] == [("U1ALICE", "modal")] * 3
    assert all(len(row[2]) <= 210 and row[3] for row in office.audit())


# -- more ------------------------------------------------------------------------------------------------


def asked(office, user="U1ALICE", **values):
    pressed = office.people.press(office.card, "alert.more", option="more|", user=user)
    assert office.until(lambda: office.slack.modal(user) is not None)
    modal = office.slack.modal(user)
    valid({"blocks": modal.blocks})
    before = len(office.slack.whispers)
    office.people.submit(modal, {"reason": "the launch", **values}, user=user)
    assert office.until(lambda: len(office.slack.whispers) > before), pressed
    return office.slack.whispers[-1].text


def test_the_owner_is_asked_in_person_with_the_line_to_change(office):
    with listening(office.built, budgetbot_rules_url="https://git.example.com/{file}#L{line}"):
        office.clock("2025-10-05 12:10")
        said = asked(office, wish="1500")
        assert said == "<@U2BOB> is asked for $1,500.00, with the figures and the line to change."
        office.deliver()
        direct = next(m for m in office.slack.messages if m.channel.startswith("D"))
        shown = json.dumps(direct.blocks)
        assert (
            "<@U1ALICE> asks for *$1,500* instead of $1,000 for *search-prod*, October: the launch" in shown
        )
        assert "- search-prod: 1000 # agreed in June\\n+ search-prod: 1500 # agreed in June" in shown
        assert "$1,200 of $1,000, 120%" in shown
        assert "https://git.example.com/" in shown
        valid({"blocks": direct.blocks})
    assert office.lines == [
        "*search-prod*: <@U1ALICE> asked <@U2BOB> for $1,500 instead of $1,000: the launch"
    ]
    assert office.audit() == [("U1ALICE", "more", office.mark, None)]


def test_where_nobody_can_be_told_in_person_the_thread_is(office):
    office.spend("2025-10-04", "9000", LABS)
    office.poll("2025-10-05 12:30")
    with listening(office.built):
        card = office.built.posts[1]
        office.people.press(card, "alert.more", option="more|")
        assert office.until(lambda: office.slack.modal() is not None)
        office.people.submit("more", {"reason": "the launch", "wish": "20000"})
        assert office.until(lambda: office.slack.whispers)
        office.deliver()
    (line,) = office.lines
    assert line.startswith(
        "*labs*: <@U1ALICE> asked <!subteam^S9LABS> for $20,000 instead of $2,000: the launch"
    )
    assert "labs: 20000" in line
    assert not [m for m in office.slack.messages if m.channel.startswith("D")]


@pytest.mark.parametrize(
    ("user", "wish", "says"),
    [
        pytest.param("U3GUEST", "1500", "Guests may look", id="a guest"),
        pytest.param("U5STRANGER", "1500", "another workspace", id="a stranger"),
        pytest.param("U1ALICE", "900", "no more than it has", id="less than it has"),
    ],
)
def test_what_is_no_asking_for_more(office, user, wish, says):
    with listening(office.built):
        office.people.press(office.card, "alert.more", option="more|", user=user)
        assert office.until(lambda: office.slack.modal(user) is not None)
        modal = office.slack.modal(user)
        if user != "U1ALICE":
            assert office.until(lambda: says in str(office.slack.modal(user).blocks))
        else:
            office.people.submit(modal, {"reason": "x", "wish": wish}, user=user)
            assert office.until(lambda: office.slack.whispers)
            assert says in office.slack.whispers[-1].text
        office.deliver()
    assert not [m for m in office.slack.messages if m.channel.startswith("D")]
    assert office.lines == []


# -- on the Home tab -------------------------------------------------------------------------------------


def test_an_alert_on_the_home_tab_is_handled_there(office):
    with listening(office.built, budgetbot_operators="U1ALICE", budgetbot_admins="U1ALICE"):
        office.people.open_home("U1ALICE")
        assert office.until(lambda: "alert.ack" in str(vars(office.slack.home("U1ALICE") or office)))
        office.people.press(office.slack.home("U1ALICE"), "alert.ack")
        assert office.until(lambda: office.rows("SELECT * FROM acknowledgement"))
        assert office.until(lambda: "alert.unack" in str(vars(office.slack.home("U1ALICE"))))
        office.people.open_home("U6CAROL")
        assert office.until(lambda: "alert.unack" in str(vars(office.slack.home("U6CAROL") or office)))
        office.people.press(office.slack.home("U6CAROL"), "alert.unack", user="U6CAROL")
        assert office.until(lambda: office.slack.modal("U6CAROL") is not None)
        assert "Only operators may do that" in str(office.slack.modal("U6CAROL").blocks)
    assert len(office.rows("SELECT * FROM acknowledgement")) == 1


def test_a_table_is_silenced_as_one(office, table):
    with listening(office.built):
        office.people.press(table, "group.silence")
        assert office.until(lambda: office.slack.modal() is not None)
        office.people.submit("silence", {"until": "4h", "reason": "migration"})
        assert office.until(lambda: office.slack.whispers)
        office.deliver()
    (row,) = office.rows("SELECT matchers FROM silence")
    assert len(json.loads(row[0])["fingerprint"]) == 5
    assert len(office.lines) == 1
    assert "Silenced by <@U1ALICE>" in office.lines[0]


# -- ways out --------------------------------------------------------------------------------------------

KINDS = """\
version: 1
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 1000, runbook: "https://wiki.example.com/t"}
  - {id: one, kind: budget, title: One project, select: {project: search-prod}, period: day, amount: 100}
"""


@pytest.mark.parametrize("rule", ["total", "one"])
def test_every_alert_has_ways_out(office, rule):
    with listening(office.built, budgetbot_rules_url="https://git.example.com/{file}#L{line}"):
        pass
    office.built.rules(KINDS)
    office.spend("2025-10-05", "500")
    office.poll("2025-10-05 12:30")
    office.deliver()
    title = {"total": "Everything", "one": "One project"}[rule]
    (card,) = [m for m in office.built.posts if title in str(m.attachments)]
    context = str(card.attachments[0]["blocks"])
    assert f"|{title}>" in context
    assert "https://git.example.com/" in context
    assert ("wiki.example.com" in context) == (rule == "total")
    assert (f"https://platform.openai.com/settings/{SEARCH}/limits" in context) == (rule == "one")
