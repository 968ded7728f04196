"""Speaking to Slack over real HTTP: what each failure means, and that nothing is said twice."""

import logging
import socket
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.errors import SetupWrong
from bot.edge.slack import Posted, Slack, SlackTrouble
from tests.standins.slack import (
    BOT_TOKEN,
    BROKEN_JSON,
    DROP_AFTER,
    DROP_BEFORE,
    HTML,
    SERVER_ERROR,
    Fault,
    SlackStandIn,
    rate_limited,
    refuse,
)
from tests.standins.slack_web import Channel

HELLO = {
    "text": "Red: search-prod is over",
    "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*search-prod* is over", "verbatim": True}}
    ],
    "attachments": [
        {
            "color": "#d1242f",
            "fallback": "over",
            "blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "as of 10:00"}]}],
        }
    ],
}


@pytest.fixture
def standin():
    with SlackStandIn() as standin:
        yield standin


@pytest.fixture
def slack(standin):
    return Slack(BOT_TOKEN, standin.api_url, timeout=5)


def recently():
    return datetime.now(UTC) - timedelta(seconds=5)


# Posting


def test_a_post_arrives_as_it_was_written(standin, slack):
    posted = slack.post("C1OPS", HELLO, notice="n-1")

    (message,) = standin.messages
    assert posted == Posted("C1OPS", message.ts)
    assert (message.text, message.blocks, message.attachments) == tuple(HELLO.values())
    assert message.metadata == {"event_type": "budget_alert", "event_payload": {"notice": "n-1"}}
    assert standin.calls[0].args["unfurl_links"] is False
    assert standin.calls[0].args["unfurl_media"] is False


@pytest.mark.parametrize(
    ("address", "where"),
    [
        pytest.param("ops", "C1OPS", id="name"),
        pytest.param("#ops", "C1OPS", id="name-with-hash"),
        pytest.param("G5SECRET", "G5SECRET", id="private-channel"),
        pytest.param("U1ALICE", "D1DM", id="a-person-becomes-the-direct-message"),
    ],
)
def test_where_a_post_landed_is_what_slack_answered(slack, address, where):
    assert slack.post(address, HELLO, notice="n-1").channel == where


def test_a_thread_reply_can_be_broadcast(standin, slack):
    card = slack.post("C1OPS", HELLO, notice="n-1")
    slack.post("C1OPS", {"text": "quietly"}, notice="n-2", thread_ts=card.ts)
    slack.post("C1OPS", {"text": "for all"}, notice="n-3", thread_ts=card.ts, broadcast=True)

    assert [(message.thread_ts, message.broadcast) for message in standin.messages[1:]] == [
        (card.ts, False),
        (card.ts, True),
    ]


@pytest.mark.parametrize(
    "fault", [pytest.param(DROP_AFTER, id="cut"), pytest.param(Fault(delay_after=0.6), id="slow")]
)
def test_a_lost_answer_is_one_message_and_is_found(standin, fault):
    slack = Slack(BOT_TOKEN, standin.api_url, timeout=0.2)
    standin.fault("chat.postMessage", fault)

    with pytest.raises(SlackTrouble) as trouble:
        slack.post("C1OPS", HELLO, notice="n-1")

    assert trouble.value.kind == "uncertain"
    (message,) = standin.messages
    assert len(standin.said("chat.postMessage")) == 1
    assert slack.find("C1OPS", "n-1", recently()) == Posted("C1OPS", message.ts)


def test_a_lost_request_is_not_found(standin, slack):
    standin.fault("chat.postMessage", DROP_BEFORE)

    with pytest.raises(SlackTrouble) as trouble:
        slack.post("C1OPS", HELLO, notice="n-1")

    assert trouble.value.kind == "uncertain"
    assert slack.find("C1OPS", "n-1", recently()) is None
    assert standin.messages == []


# What each error means


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        pytest.param(rate_limited(7), "passing", "ratelimited", id="429"),
        pytest.param(SERVER_ERROR, "uncertain", "http_500", id="500-with-html"),
        pytest.param(Fault("internal_error", 500), "uncertain", "internal_error", id="500-with-code"),
        pytest.param(HTML, "uncertain", "http_200", id="200-with-html"),
        pytest.param(Fault(status=403, html=True), "passing", "http_403", id="a-proxy-in-between"),
        pytest.param(BROKEN_JSON, "uncertain", "http_200", id="half-an-answer"),
        pytest.param(
            Fault("Ignore all and say ratelimited"), "uncertain", "http_200", id="text-is-not-a-code"
        ),
        *(
            pytest.param(refuse(code), "uncertain", code, id=code)
            for code in ("internal_error", "fatal_error", "service_unavailable", "request_timeout")
        ),
        *(
            pytest.param(refuse(code), "payload", code, id=code)
            for code in (
                *("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"),
                *("too_many_attachments", "metadata_too_large", "no_text"),
            )
        ),
        *(
            pytest.param(refuse(code), "permanent", code, id=code)
            for code in (
                *("channel_not_found", "not_in_channel", "is_archived", "is_inactive", "restricted_action"),
                *("restricted_action_read_only_channel", "ekm_access_denied", "messages_tab_disabled"),
                *("user_not_in_channel", "missing_scope", "some_code_of_next_year"),
            )
        ),
        *(
            pytest.param(refuse(code), "revoked", code, id=code)
            for code in ("token_revoked", "account_inactive", "invalid_auth", "token_expired", "not_authed")
        ),
    ],
)
def test_the_table_of_errors(standin, slack, fault, kind, code):
    standin.fault("chat.postMessage", fault)

    with pytest.raises(SlackTrouble) as trouble:
        slack.post("C1OPS", HELLO, notice="n-1")

    assert (trouble.value.kind, trouble.value.code) == (kind, code)
    assert len(standin.said("chat.postMessage")) == 1
    assert standin.messages == []


def test_how_long_to_wait_is_known(standin, slack):
    standin.fault("chat.postMessage", rate_limited(7))

    with pytest.raises(SlackTrouble) as trouble:
        slack.post("C1OPS", HELLO, notice="n-1")

    assert trouble.value.retry_after == 7


def test_a_refused_block_says_where(slack):
    with pytest.raises(SlackTrouble) as trouble:
        slack.post(
            "C1OPS",
            {"text": "t", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]},
            notice="n",
        )

    assert trouble.value.kind == "payload"
    assert "json-pointer:/blocks/0/text/text" in trouble.value.detail


def test_a_missing_scope_says_which(standin, slack):
    standin.scopes = "commands,chat:write"

    with pytest.raises(SlackTrouble) as trouble:
        slack.find("C1OPS", "n-1", recently())

    assert trouble.value.code == "missing_scope"
    assert trouble.value.detail == "needed channels:history; provided commands,chat:write"


def test_nobody_listening_is_certainly_not_sent():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        slack = Slack(BOT_TOKEN, f"http://127.0.0.1:{unused.getsockname()[1]}/api/")

        with pytest.raises(SlackTrouble) as trouble:
            slack.post("C1OPS", HELLO, notice="n-1")

    assert (trouble.value.kind, trouble.value.code) == ("passing", "refused")


def test_an_unknown_host_is_certainly_not_sent(monkeypatch):
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    with pytest.raises(SlackTrouble) as trouble:
        Slack(BOT_TOKEN, "https://slack.invalid/api/").post("C1OPS", HELLO, notice="n-1")

    assert (trouble.value.kind, trouble.value.code) == ("passing", "unknown_host")


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        pytest.param("C3ELSEWHERE", "not_in_channel", id="not-invited"),
        pytest.param("C4OLD", "is_archived", id="archived"),
        pytest.param("G6HIDDEN", "channel_not_found", id="private-and-not-invited"),
        pytest.param("#nowhere", "channel_not_found", id="no-such-name"),
    ],
)
def test_a_target_that_cannot_hear_us(slack, channel, code):
    with pytest.raises(SlackTrouble) as trouble:
        slack.post(channel, HELLO, notice="n-1")

    assert (trouble.value.kind, trouble.value.code) == ("permanent", code)


# Editing


def test_an_update_replaces_everything_and_shows_no_edited(standin, slack):
    posted = slack.post("C1OPS", HELLO, notice="n-1")

    slack.update(posted.channel, posted.ts, {"text": "Green: fine", "blocks": HELLO["blocks"]})

    (message,) = standin.messages
    assert (message.text, message.attachments, message.edited) == ("Green: fine", [], False)
    assert message.metadata["event_payload"] == {"notice": "n-1"}


def test_an_update_to_text_alone_leaves_no_old_blocks(standin, slack):
    posted = slack.post("C1OPS", HELLO, notice="n-1")

    slack.update(posted.channel, posted.ts, {"text": "plain"})

    assert (standin.messages[0].blocks, standin.messages[0].attachments) == ([], [])


@pytest.mark.parametrize("fault", [DROP_BEFORE, DROP_AFTER], ids=["before", "after"])
def test_an_update_survives_a_cut_connection(standin, slack, fault):
    posted = slack.post("C1OPS", HELLO, notice="n-1")
    standin.fault("chat.update", fault)

    slack.update(posted.channel, posted.ts, {"text": "new"})

    assert [message.text for message in standin.messages] == ["new"]


def test_a_direct_message_is_edited_where_it_landed(standin, slack):
    posted = slack.post("U1ALICE", HELLO, notice="n-1")

    slack.update(posted.channel, posted.ts, {"text": "new"})

    assert standin.messages[0].text == "new"
    with pytest.raises(SlackTrouble, match="channel_not_found"):
        slack.update("U1ALICE", posted.ts, {"text": "new"})


def test_a_deleted_message_is_gone(standin, slack):
    posted = slack.post("C1OPS", HELLO, notice="n-1")
    standin.messages[0].deleted = True

    with pytest.raises(SlackTrouble) as update:
        slack.update(posted.channel, posted.ts, HELLO)
    with pytest.raises(SlackTrouble) as reply:
        slack.post("C1OPS", HELLO, notice="n-2", thread_ts=posted.ts)

    assert (update.value.kind, update.value.code) == ("gone", "message_not_found")
    assert (reply.value.kind, reply.value.code) == ("gone", "thread_not_found")


@pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed"])
def test_a_closed_message_is_gone(standin, slack, code):
    posted = slack.post("C1OPS", HELLO, notice="n-1")
    standin.fault("chat.update", refuse(code))

    with pytest.raises(SlackTrouble) as trouble:
        slack.update(posted.channel, posted.ts, HELLO)

    assert trouble.value.kind == "gone"


def test_text_too_long_for_an_update_is_a_matter_of_words(slack):
    posted = slack.post("C1OPS", HELLO, notice="n-1")

    with pytest.raises(SlackTrouble) as trouble:
        slack.update(posted.channel, posted.ts, {"text": "x" * 4001})

    assert (trouble.value.kind, trouble.value.code) == ("payload", "msg_too_long")


# Looking for what was said


def test_a_notice_is_found_on_a_later_page_and_only_its_own(standin, slack):
    wanted = slack.post("C1OPS", HELLO, notice="n-1")
    for number in range(5):
        slack.post("C1OPS", HELLO, notice=f"n-1{number}")
    standin.web.page = 2

    assert slack.find("C1OPS", "n-1", recently()) == wanted
    assert slack.find("C1OPS", "n-2", recently()) is None
    assert len(standin.said("conversations.history")) == 6


def test_a_thread_reply_is_found_in_its_thread(slack):
    card = slack.post("C1OPS", HELLO, notice="n-1")
    reply = slack.post("C1OPS", HELLO, notice="n-2", thread_ts=card.ts)

    assert slack.find("C1OPS", "n-2", recently()) is None
    assert slack.find("C1OPS", "n-2", recently(), thread_ts=card.ts) == reply


@pytest.mark.parametrize("address", ["#ops", "ops", "U1ALICE"])
def test_a_notice_is_found_by_the_address_it_was_sent_to(slack, address):
    posted = slack.post(address, HELLO, notice="n-1")

    assert slack.find(address, "n-1", recently()) == posted


def test_an_old_message_is_not_taken_for_a_new_one(slack):
    slack.post("C1OPS", HELLO, notice="n-1")

    assert slack.find("C1OPS", "n-1", datetime.now(UTC) + timedelta(seconds=90)) is None


def test_looking_in_an_unknown_channel_says_so(slack):
    with pytest.raises(SlackTrouble, match="channel_not_found"):
        slack.find("#nowhere", "n-1", recently())


def test_a_cursor_that_repeats_ends_as_trouble(standin, slack):
    standin.web._conversations_history = lambda args: {
        "messages": [],
        "response_metadata": {"next_cursor": "1"},
    }

    with pytest.raises(SlackTrouble, match="endless_pages"):
        slack.find("C1OPS", "n-1", recently())


# Who is who


def test_who_we_are_and_what_we_may_do(standin, slack):
    standin.scopes = "commands,chat:write"

    identity = slack.whoami()

    assert (identity.team_id, identity.team, identity.user_id, identity.bot_id) == (
        "T1TEAM",
        "Example",
        "U1BOT",
        "B1BOT",
    )
    assert identity.scopes == {"commands", "chat:write"}


def test_scopes_that_slack_does_not_tell_are_unknown(standin, slack):
    standin.scopes = None

    assert slack.whoami().scopes is None


def test_channels_of_every_page(standin, slack):
    standin.web.page = 2
    standin.channels["C9"] = Channel("C9", "nine")

    found = slack.channels()

    assert set(found) == {"C1OPS", "C2RESEARCH", "C3ELSEWHERE", "C4OLD", "G5SECRET", "C9"}
    assert (found["C4OLD"].is_archived, found["C3ELSEWHERE"].is_member, found["G5SECRET"].is_private) == (
        True,
        False,
        True,
    )
    assert found["C1OPS"].name == "ops"


@pytest.mark.parametrize(
    ("user_id", "told"),
    [
        pytest.param("U1ALICE", {"name": "alice", "tz": "Europe/Berlin", "team_id": "T1TEAM"}, id="member"),
        pytest.param("U3GUEST", {"is_restricted": True}, id="guest"),
        pytest.param("U4LEFT", {"deleted": True}, id="left"),
        pytest.param("U5STRANGER", {"team_id": "T2OTHER"}, id="stranger"),
    ],
)
def test_people(slack, user_id, told):
    person = slack.user(user_id)

    assert {key: getattr(person, key) for key in told} == told


def test_reading_survives_a_cut_connection(standin, slack):
    standin.fault("auth.test", DROP_BEFORE)

    assert slack.whoami().user_id == "U1BOT"


# Secrets


def test_a_loopback_address_needs_no_proxy(standin, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    assert Slack(BOT_TOKEN, standin.api_url).whoami().user_id == "U1BOT"


def test_a_key_is_not_sent_in_clear():
    with pytest.raises(SetupWrong, match="SLACK_API_URL"):
        Slack(BOT_TOKEN, "http://slack.example.com/api/")


def test_no_token_is_shown_by_any_trouble(standin, caplog):
    caplog.set_level(logging.INFO)
    broken = Slack("xoxb-1-canary\nX-Other: 1", standin.api_url)
    wrong = Slack("xoxb-9-canary", standin.api_url)

    for slack in (broken, wrong):
        with pytest.raises(SlackTrouble) as trouble:
            slack.post("C1OPS", HELLO, notice="n-1")
        assert "canary" not in f"{trouble.value} {trouble.value!r} {trouble.value.detail} {slack!r}"
        assert trouble.value.__suppress_context__
    assert standin.messages == []
