"""What Slack may refuse, and what becomes of a message then: nothing is lost, nothing is said twice."""

import json
import logging
from datetime import timedelta

import pytest

from bot.core.charts import Chart, as_json
from bot.core.errors import SetupWrong
from bot.core.money import NANO
from bot.core.rooms import Target
from bot.edge.store import delivery, outbox
from bot.render import blocks, picture
from bot.render.charts import native
from tests.office import DOLLAR, OPS, RESEARCH, a_workspace, an_office, empty_database
from tests.standins.slack import DROP_BEFORE, Fault, rate_limited, refuse, scopes_without

SPENT = Chart(
    "bars",
    "Spend by project",
    "search-prod made up two thirds of it.",
    "project",
    ("search-prod", "labs"),
    (200 * NANO, 100 * NANO),
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return empty_database(tmp_path_factory.mktemp("template"))


@pytest.fixture
def office(tmp_path, template):
    with a_workspace() as slack, an_office(tmp_path, template, slack) as office:
        yield office


def say(office, key, *, form="ops", target=OPS, body=None):
    with office.store.writing() as tx:
        outbox.say(tx, key, target, form, body or {"happened": f"{key} happened."}, office.now)


def digest():
    return {
        "text": "Spend was $300.",
        "blocks": [
            blocks.section("*$300* were spent"),
            native(SPENT, "chart.1"),
            blocks.table(["Project", "Spend"], [["search-prod", "$200"], ["labs", "$100"]], right={1}),
        ],
        "chart": as_json(SPENT),
    }


def refuse_blocks(office, *kinds):
    """Let Slack refuse every message that holds one of these blocks."""
    real = office.slack.web.carry_out

    def carry_out(method, args, token):
        held = json.dumps(args)
        if method in ("chat.postMessage", "chat.update") and any(
            f'"type": "{kind}"' in held for kind in kinds
        ):
            from tests.standins.slack_rules import Refused

            raise Refused("invalid_blocks", ["unsupported type [json-pointer:/blocks/1/type]"])
        return real(method, args, token)

    office.slack.web.carry_out = carry_out


def shown(message):
    beside = [block for held in message.attachments for block in held["blocks"]]
    return [block["type"] for block in (*message.blocks, *beside)]


# Blocks that Slack does not take


def test_a_chart_slack_draws_is_drawn_by_slack(office):
    say(office, "weekly", form="digest", body=digest())
    office.deliver()

    (message,) = office.cards
    assert shown(message) == ["section", "data_visualization", "table"]
    assert office.slack.files == []


def test_a_refused_chart_becomes_a_picture_that_slack_has_looked_at(office, monkeypatch):
    monkeypatch.setattr("bot.plainly.png", lambda chart: PNG)
    refuse_blocks(office, "data_visualization")
    say(office, "weekly", form="digest", body=digest())
    office.deliver()

    (message,), (held,) = office.cards, office.slack.files
    assert shown(message) == ["section", "image", "table"]
    assert message.blocks[1]["slack_file"] == {"id": held.id}
    assert (held.content, held.channel, held.title) == (PNG, "", "Spend by project")


def no_files(office, monkeypatch):
    office.slack.scopes = scopes_without("files:write")


def never_ready(office, monkeypatch):
    office.slack.web.ready_after = 99


def not_installed(office, monkeypatch):
    def png(chart):
        raise picture.NoPicture("matplotlib is not installed")

    monkeypatch.setattr("bot.plainly.png", png)


def a_bug_of_ours(office, monkeypatch):
    def png(chart):
        raise ZeroDivisionError

    monkeypatch.setattr("bot.plainly.png", png)


def refused_too(office, monkeypatch):
    refuse_blocks(office, "image")


@pytest.mark.parametrize("trouble", [no_files, never_ready, not_installed, a_bug_of_ours, refused_too])
def test_without_a_picture_a_refused_chart_becomes_letters(office, monkeypatch, trouble):
    monkeypatch.setattr("bot.plainly.png", lambda chart: PNG)
    refuse_blocks(office, "data_visualization")
    trouble(office, monkeypatch)
    say(office, "weekly", form="digest", body=digest())
    office.deliver()

    (message,) = office.cards
    assert shown(message) == ["section", "section", "table"]
    assert "search-prod" in message.blocks[1]["text"]["text"]
    assert "$200" in message.blocks[1]["text"]["text"]


def test_a_refused_table_becomes_letters_too(office, monkeypatch):
    monkeypatch.setattr("bot.plainly.png", lambda chart: PNG)
    refuse_blocks(office, "data_visualization", "image", "table")
    say(office, "weekly", form="digest", body=digest())
    office.deliver()

    (message,) = office.cards
    assert shown(message) == ["section"] * 3
    assert "labs          $100" in message.blocks[2]["text"]["text"]


def test_what_slack_refuses_in_every_form_arrives_in_words(office, caplog):
    refuse_blocks(office, "section")
    known = office.opens(1)
    caplog.set_level(logging.WARNING)
    assert office.deliver().waiting == 0

    (card,) = office.cards
    assert (card.blocks, card.attachments) == ([], [])
    assert known.fingerprint in card.text
    errors = [record.errors for record in caplog.records if record.message == "blocks refused"]
    assert errors
    assert all(said == ["unsupported type [json-pointer:/blocks/1/type]"] for said in errors)


@pytest.mark.parametrize(
    "code", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"]
)
def test_an_alert_keeps_its_buttons_where_only_its_drawing_is_refused(office, code):
    office.slack.fault("chat.postMessage", refuse(code))
    office.opens(1)
    office.deliver()

    (card,) = office.cards
    assert shown(card) == ["section", "actions"]


def test_the_form_slack_took_is_kept_for_every_edit(office):
    office.slack.fault("chat.postMessage", refuse("invalid_blocks"))
    known = office.opens(1)
    office.deliver()
    for n in range(3):
        known = office.changes(known, n, line=False, value=(900 + n) * DOLLAR)
        office.deliver()

    assert len(office.slack.said("chat.update")) == 3
    (card,) = office.cards
    assert shown(card) == ["section", "actions"]
    assert "$902" in card.text


def test_a_picture_is_uploaded_once(office, monkeypatch):
    monkeypatch.setattr("bot.plainly.png", lambda chart: PNG)
    refuse_blocks(office, "data_visualization")
    say(office, "weekly", form="digest", body=digest())
    office.deliver()
    with office.store.writing() as tx:
        tx.exec_driver_sql("UPDATE card SET revision = 2")
    office.deliver()

    assert len(office.slack.files) == 1
    assert len(office.slack.said("chat.update")) == 1
    assert shown(office.cards[0]) == ["section", "image", "table"]


def test_bare_words_that_are_refused_are_kept_and_keep_nobody_waiting_for_long(office):
    office.slack.fault("chat.postMessage", *[refuse("metadata_must_be_sent_from_app")] * 3)
    office.opens(1)
    assert office.deliver(wait=0).waiting == 1
    assert office.deliver(wait=60).waiting == 0
    assert len(office.cards) == 1


# Rooms that do not hear us


@pytest.mark.parametrize(
    ("code", "state"),
    [
        pytest.param("channel_not_found", {"is_private": True, "is_member": False}, id="channel_not_found"),
        pytest.param("not_in_channel", {"is_member": False}, id="not_in_channel"),
    ],
)
def test_the_owner_is_told_once_by_whom_the_bot_is_to_be_invited(office, code, state):
    office.slack.scopes = scopes_without("channels:join")
    for flag, value in state.items():
        setattr(office.slack.channels["C1OPS"], flag, value)
    for number in (1, 2):
        office.opens(number, facts=owned_by("U1ALICE", number))
    assert office.deliver().waiting == 0

    direct = office.client.direct("U1ALICE")
    (hint,) = [message for message in office.cards if message.channel == direct]
    assert f"Slack does not let me speak in #ops ({code})" in hint.text
    assert "`/invite @Budget Bot`" in hint.text
    assert len([message for message in office.cards if message.channel == "C9SPEND"]) == 3


def owned_by(owner, number):
    from bot.core.telling import Telling
    from bot.edge.store import incidents

    return incidents.facts(
        Telling(
            "project-month", "Monthly budget", (("project", f"team-{number}"),), owner=owner, period="October"
        )
    )


@pytest.mark.parametrize("owner", ["", "alice", "S1GROUP"])
def test_where_no_user_is_known_nobody_is_written_to(office, owner):
    office.slack.channels["C1OPS"].is_private = True
    office.slack.channels["C1OPS"].is_member = False
    office.opens(1, facts=owned_by(owner, 1))
    assert office.deliver().waiting == 0

    assert {message.channel for message in office.cards} == {"C9SPEND"}


def test_a_hint_that_cannot_be_said_is_dropped(office):
    office.slack.fault("chat.postMessage", refuse("is_inactive_x"))
    office.opens(1, facts=owned_by("U9NOBODY", 1))
    assert office.deliver().waiting == 0

    assert {message.channel for message in office.cards} == {"C9SPEND"}
    assert len(office.cards) == 2
    assert office.undelivered() == []


def test_a_public_channel_is_entered_where_that_is_granted(office):
    office.slack.channels["C1OPS"].is_member = False
    known = office.opens(1)
    assert office.deliver().waiting == 0

    (card,) = office.cards
    assert (card.channel, known.fingerprint in card.text) == ("C1OPS", True)
    assert len(office.slack.said("conversations.join")) == 1
    assert office.slack.said("conversations.join")[0].args["channel"] == "C1OPS"


def test_a_channel_that_refuses_after_it_was_entered_is_refused(office):
    office.slack.fault("chat.postMessage", refuse("not_in_channel"), refuse("not_in_channel"))
    office.opens(1)
    assert office.deliver().waiting == 0

    assert {message.channel for message in office.cards} == {"C9SPEND"}


@pytest.mark.parametrize(
    "code",
    [
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "ekm_access_denied",
        "is_inactive",
    ],
)
def test_a_room_in_trouble_is_known_until_it_is_mended(office, code):
    office.slack.fault("chat.postMessage", refuse(code))
    office.opens(1, facts=owned_by("U1ALICE", 1))
    office.deliver()
    with office.store.reading() as tx:
        assert delivery.troubles(tx) == {OPS: f"Slack: {code} (permanent)"}
    hints = [message for message in office.cards if message.channel not in ("C9SPEND", "C1OPS")]
    assert len(hints) == (code not in ("is_archived", "is_inactive"))

    office.opens(2)
    office.deliver()
    with office.store.reading() as tx:
        assert delivery.troubles(tx) == {}
    assert office.cards[-1].channel == "C1OPS"


def test_a_scope_that_is_missing_sends_nothing_elsewhere(office):
    office.slack.scopes = scopes_without("chat:write")
    office.opens(1)
    office.opens(2, RESEARCH)
    assert office.deliver(wait=30).waiting == 2
    assert len(office.slack.said("chat.postMessage")) == 2

    office.slack.scopes = None
    office.now += timedelta(minutes=10)
    assert office.deliver().waiting == 0
    assert sorted(message.channel for message in office.cards) == ["C1OPS", "C2RESEARCH"]


# A token that is not taken


@pytest.mark.parametrize("code", ["token_revoked", "invalid_auth"])
def test_a_revoked_token_is_tried_seldom_and_everything_goes_on_when_it_is_mended(office, code):
    known = office.opens(1)
    office.deliver()
    office.changes(known, 0, value=999 * DOLLAR)
    for number in range(2, 8):
        office.opens(number, RESEARCH)
    office.slack.calls.clear()
    office.slack.down = refuse(code)
    began = office.now
    told = []
    while office.now < began + timedelta(minutes=5):
        told.append(what_stops(office))
        office.now += timedelta(seconds=10)

    tries = [said for said in told if said]
    assert all(code in said for said in tries)
    assert 5 <= len(tries) <= 11
    assert len(office.slack.calls) == len(tries)
    office.slack.down = None
    assert office.deliver().waiting == 0
    assert len(office.cards) == 7
    assert office.lines == [f"line 0 of {known.fingerprint}"]


def what_stops(office):
    """Return what a tick that cannot speak says, or nothing."""
    try:
        office.courier().deliver(office.now)
    except SetupWrong as refused:
        return str(refused)
    return ""


# Messages that cannot be edited


@pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed"])
def test_a_message_closed_to_edits_says_so_in_its_thread_once(office, code):
    known = office.opens(1)
    office.deliver()
    office.slack.fault("chat.update", refuse(code))
    for n in range(3):
        known = office.changes(known, n, line=False, value=(900 + n) * DOLLAR)
        office.deliver()

    assert len(office.cards) == 1
    (line,) = office.lines
    assert line.startswith("The message above can no longer be edited. As things stand: ")
    assert "$900" in line
    assert len(office.slack.said("chat.update")) == 1
    office.changes(known, 9)
    office.deliver()
    assert office.lines[-1] == f"line 9 of {known.fingerprint}"


# Slack is away


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(DROP_BEFORE, id="cut"),
        pytest.param(Fault("service_unavailable", 503), id="503"),
    ],
)
def test_after_an_hour_without_slack_everything_is_said_once_and_in_order(office, fault):
    known = office.opens(1)
    office.deliver()
    office.slack.down = fault
    began = office.now
    for minute in range(0, 60, 5):
        office.now = began + timedelta(minutes=minute)
        if minute % 10 == 0:
            office.opens(10 + minute)
            say(office, f"note {minute}", target=RESEARCH)
        if minute % 20 == 0:
            known = office.changes(known, minute, value=(900 + minute) * DOLLAR)
        office.courier().deliver(office.now)
    office.slack.down = None
    for minute in range(60, 80, 5):
        office.now = began + timedelta(minutes=minute)
        office.courier().deliver(office.now)

    assert office.undelivered() == []
    ops = [message.text for message in office.cards if message.channel == "C1OPS"]
    assert [next(n for n in (1, 10, 20, 30, 40, 50, 60) if f"team-{n} " in text) for text in ops] == [
        *(1, 10, 20, 30, 40, 50, 60),
    ]
    notes = [message.text for message in office.cards if message.channel == "C2RESEARCH"]
    assert [
        f"note {minute} happened" in text for minute, text in zip(range(0, 60, 10), notes, strict=True)
    ] == [True] * 6
    assert office.lines == [f"line {n} of {known.fingerprint}" for n in (0, 20, 40)]
    assert "$940" in office.cards[0].text


# Too fast


def test_one_room_that_is_spoken_to_too_fast_keeps_nobody_else_waiting(office):
    for number in (1, 2, 3):
        office.opens(number)
        office.opens(10 + number, RESEARCH)
    office.slack.fault("chat.postMessage", rate_limited(60))
    began = office.now
    office.deliver(wait=0)

    assert [message.channel for message in office.cards] == ["C2RESEARCH"] * 3
    assert office.now == began
    office.now += timedelta(seconds=59)
    office.deliver(wait=0)
    assert len(office.cards) == 3
    office.now += timedelta(seconds=1)
    office.deliver(wait=0)
    assert len(office.cards) == 6


def test_edits_that_come_too_fast_wait_as_slack_says(office):
    known = office.opens(1)
    office.deliver()
    office.changes(known, 0, value=900 * DOLLAR)
    office.slack.fault("chat.update", rate_limited(30))
    office.deliver(wait=20)
    assert office.lines == [f"line 0 of {known.fingerprint}"]
    assert len(office.slack.said("chat.update")) == 1
    office.deliver(wait=40)
    assert "$900" in office.cards[0].text


def test_alerts_go_before_closes_and_digests_whenever_they_were_written(office):
    say(office, "weekly", form="digest", body=digest(), target=RESEARCH)
    say(office, "october", form="close", body=closed(), target=RESEARCH)
    known = office.opens(1)
    office.deliver()
    say(office, "weekly again", form="digest", body=digest(), target=RESEARCH)
    office.changes(known, 0)
    office.opens(2)
    office.deliver()

    told = [message.text for message in office.slack.messages]
    alerts = [place for place, text in enumerate(told) if "team-" in text]
    assert alerts == [0, 3]
    assert "October is closed" in told[1].replace("*", "")
    assert told[2] == told[5] == "Spend was $300."
    assert told[4] == f"line 0 of {known.fingerprint}"


def closed():
    return {
        "month": "October",
        "rows": [["search-prod", 900 * DOLLAR, 1000 * DOLLAR, None]],
        "rules": 1,
        "as_of": "2026-11-01T00:00:00Z",
        "settles_at": "2026-11-04T00:00:00Z",
        "rule": "project-month",
    }


# What every call carries


def test_every_message_has_words_and_unfurls_nothing(office):
    known = office.opens(1)
    say(office, "weekly", form="digest", body=digest())
    office.deliver()
    office.changes(known, 0, value=900 * DOLLAR)
    office.deliver()

    posts, edits = office.slack.said("chat.postMessage"), office.slack.said("chat.update")
    assert len(posts) == 3
    assert len(edits) == 1
    assert all(call.args["text"] for call in (*posts, *edits))
    assert all(call.args["blocks"] for call in (*posts, *edits))
    assert all((call.args["unfurl_links"], call.args["unfurl_media"]) == (False, False) for call in posts)
    assert not any(
        "chart" in call.args or "link_names" in call.args or "parse" in call.args for call in posts
    )
    assert not any(message.edited for message in office.slack.messages)


def test_a_person_gets_what_is_said_to_them(office):
    office.opens(1, Target("slack", "U1ALICE"))
    office.deliver()
    assert office.cards[0].channel == office.client.direct("U1ALICE")
