"""Views, files, whispers and clicks over real HTTP and sockets; the stand-in against Slack's own SDK."""

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.edge.slack import Slack, SlackTrouble
from bot.edge.slack_app import Handlers, Socket, build_app, drain
from tests.standins.slack import (
    APP_TOKEN,
    BOT_TOKEN,
    DROP_AFTER,
    DROP_BEFORE,
    SERVER_ERROR,
    SlackStandIn,
    scopes_without,
)
from tests.standins.slack_rules import Refused
from tests.standins.slack_views import check_view

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
HELLO = {"text": "hello", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}]}


def plain(text):
    return {"type": "plain_text", "text": text, "emoji": True}


def option(value):
    return {"text": plain(value), "value": value}


def asking(block_id, element, **more):
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element, **more}


def modal(**changes):
    return {
        "type": "modal",
        "callback_id": "silence.submit",
        "private_metadata": "v1|abc|3",
        "title": plain("Silence"),
        "submit": plain("Silence"),
        "close": plain("Cancel"),
        "blocks": [
            asking(
                "until.3",
                {
                    "type": "radio_buttons",
                    "action_id": "v",
                    "options": [option("1h"), option("4h")],
                    "initial_option": option("1h"),
                },
            ),
            asking(
                "wake.3",
                {"type": "checkboxes", "action_id": "wake", "options": [option("100"), option("f10")]},
                optional=True,
            ),
            asking("note.3", {"type": "plain_text_input", "action_id": "note", "max_length": 300}),
        ],
    } | changes


def home(text="month"):
    return {"type": "home", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]}


@pytest.fixture
def standin():
    with SlackStandIn() as standin:
        yield standin


@pytest.fixture
def slack(standin):
    return Slack(BOT_TOKEN, standin.api_url, timeout=5, sleep=lambda seconds: None)


@pytest.fixture
def sdk(standin):
    client = WebClient(BOT_TOKEN, base_url=standin.api_url)
    client.proxy = None
    return client


@pytest.fixture
def trigger(standin):
    return standin.web.pull("1.trigger", "U1ALICE")


def refused(code):
    return pytest.raises(SlackTrouble, match=code)


# Words to one, words to all


def test_a_whisper_is_seen_by_one_person_and_stands_nowhere(standin, slack):
    slack.whisper("C1OPS", "U2BOB", HELLO)

    (whisper,) = standin.whispers
    assert (whisper.channel, whisper.user, whisper.text, whisper.blocks) == (
        "C1OPS",
        "U2BOB",
        *HELLO.values(),
    )
    assert standin.messages == []


def test_a_whisper_in_a_thread(standin, slack):
    card = slack.post("C1OPS", HELLO, notice="n-1")

    slack.whisper("C1OPS", "U2BOB", HELLO, card.ts)

    assert standin.whispers[0].thread_ts == card.ts


def test_a_whisper_is_not_repeated_when_its_answer_is_lost(standin, slack):
    standin.fault("chat.postEphemeral", DROP_AFTER)

    with pytest.raises(SlackTrouble) as trouble:
        slack.whisper("C1OPS", "U2BOB", HELLO)

    assert trouble.value.kind == "uncertain"
    assert len(standin.whispers) == 1


def test_what_is_said_in_a_thread_carries_no_notice_and_unfurls_nothing(standin, slack):
    asked = standin.web.add("C1OPS", "<@U1BOT> why", author="U1ALICE")

    posted = slack.say("C1OPS", HELLO, asked.ts)

    (message,) = standin.messages
    assert (message.ts, message.thread_ts, message.broadcast, message.metadata) == (
        posted.ts,
        asked.ts,
        False,
        None,
    )
    sent = standin.said("chat.postMessage")[0].args
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)


# Rooms


def test_a_channel_is_described_by_its_id(slack):
    found = slack.channel("C4OLD")

    assert (found.name, found.is_archived, found.is_member) == ("old", True, True)
    with refused("channel_not_found"):
        slack.channel("G6HIDDEN")


def test_a_public_channel_is_entered_and_a_scope_is_needed(standin, slack):
    slack.join("C3ELSEWHERE")
    assert standin.channels["C3ELSEWHERE"].is_member

    standin.scopes = scopes_without("channels:join")
    with refused("missing_scope"):
        slack.join("C3ELSEWHERE")


def test_a_person_has_a_channel_of_their_own(slack):
    where = slack.direct("U1ALICE")

    assert where == slack.post("U1ALICE", HELLO, notice="n-1").channel


def test_a_message_has_an_address(slack):
    posted = slack.post("C1OPS", HELLO, notice="n-1")

    assert slack.permalink(posted.channel, posted.ts).startswith("https://example.slack.com/archives/C1OPS/p")


# Views


def test_a_trigger_opens_one_view(standin, slack, trigger):
    view_id = slack.open_view(trigger, modal())

    assert standin.modal().id == view_id
    assert standin.modal().callback_id == "silence.submit"
    with pytest.raises(SlackTrouble) as second:
        slack.open_view(trigger, modal())
    assert (second.value.kind, second.value.code) == ("gone", "exchanged_trigger_id")


def test_a_trigger_lasts_three_seconds(standin, slack, trigger):
    standin.web.triggers[trigger][1] -= 3.1

    with pytest.raises(SlackTrouble) as late:
        slack.open_view(trigger, modal())

    assert (late.value.kind, late.value.code) == ("gone", "expired_trigger_id")
    assert standin.modal() is None


def test_a_view_is_changed_while_it_is_open(standin, slack, trigger):
    view_id = slack.open_view(trigger, modal())

    slack.update_view(view_id, modal(title=plain("More")))

    assert standin.modal().held["title"]["text"] == "More"
    standin.modal().open = False
    with refused("not_found"):
        slack.update_view(view_id, modal())


def test_three_views_stack(sdk, standin):
    for number in range(3):
        standin.web.pull(f"{number}.t", "U1ALICE")
        (sdk.views_push if number else sdk.views_open)(trigger_id=f"{number}.t", view=modal())
    standin.web.pull("9.t", "U1ALICE")

    with pytest.raises(SlackApiError, match="push_limit_reached"):
        sdk.views_push(trigger_id="9.t", view=modal())


def test_a_home_tab_is_published_and_not_over_something_newer(standin, slack):
    first = slack.publish("U1ALICE", home("one"))
    second = slack.publish("U1ALICE", home("two"), first)

    assert standin.home("U1ALICE").blocks[0]["text"]["text"] == "two"
    assert standin.home("U2BOB") is None
    with pytest.raises(SlackTrouble) as conflict:
        slack.publish("U1ALICE", home("three"), first)
    assert (conflict.value.kind, conflict.value.code) == ("gone", "hash_conflict")
    assert slack.publish("U1ALICE", home("three"), second)


@pytest.mark.parametrize("method", ["views.publish", "views.update"])
def test_what_may_be_repeated_survives_a_cut_connection(standin, slack, trigger, method):
    view_id = slack.open_view(trigger, modal())
    standin.fault(method, DROP_BEFORE)

    if method == "views.publish":
        assert slack.publish("U1ALICE", home())
    else:
        slack.update_view(view_id, modal())

    assert len(standin.said(method)) == 2


@pytest.mark.parametrize(
    ("view", "code", "where"),
    [
        pytest.param(modal(title=plain("x" * 25)), "invalid_arguments", "/view/title/text", id="title"),
        pytest.param(modal(submit=plain("x" * 25)), "invalid_arguments", "/view/submit/text", id="submit"),
        pytest.param(modal(close=plain("x" * 25)), "invalid_arguments", "/view/close/text", id="close"),
        pytest.param(
            modal(private_metadata="x" * 3001), "invalid_arguments", "/view/private_metadata", id="metadata"
        ),
        pytest.param(
            modal(blocks=[{"type": "divider"}] * 101), "invalid_arguments", "/view/blocks", id="101-blocks"
        ),
        pytest.param(modal(blocks=[]), "invalid_arguments", "/view/blocks", id="no-blocks"),
        pytest.param(
            {key: held for key, held in modal().items() if key != "submit"},
            "invalid_arguments",
            "missing submit",
            id="input-without-submit",
        ),
        pytest.param(
            modal(blocks=[{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}]),
            "invalid_arguments",
            "/view/blocks/0/type",
            id="a-table-in-a-modal",
        ),
        pytest.param(
            modal(blocks=[{"type": "divider", "block_id": "a"}] * 2),
            "invalid_arguments",
            "block_id",
            id="same-ids",
        ),
        pytest.param(
            modal(blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "€" * 2900}}] * 30),
            "view_too_large",
            "",
            id="250-kb",
        ),
        pytest.param(
            modal(
                blocks=[
                    asking("a", {"type": "radio_buttons", "action_id": "v", "options": [option("x" * 151)]})
                ]
            ),
            "invalid_arguments",
            "/view/blocks/0/element/options/0/",
            id="an-option-too-long",
        ),
        pytest.param(
            modal(blocks=[asking("a", {"type": "button", "action_id": "v", "text": plain("b")})]),
            "invalid_arguments",
            "/view/blocks/0/element/type",
            id="a-button-as-input",
        ),
    ],
)
def test_views_slack_does_not_take(slack, trigger, view, code, where):
    with pytest.raises(SlackTrouble) as trouble:
        slack.open_view(trigger, view)

    assert (trouble.value.kind, trouble.value.code) == ("payload", code)
    assert where in " ".join(trouble.value.errors)
    with pytest.raises(Refused):
        check_view(view)


@pytest.mark.parametrize("block", ["input-in-a-message", "three-charts", "a-chart-with-a-long-label"])
def test_blocks_slack_does_not_take_in_a_message(slack, block):
    drawn = {
        "input-in-a-message": [asking("a", {"type": "plain_text_input", "action_id": "v"})],
        "three-charts": [chart() for _ in range(3)],
        "a-chart-with-a-long-label": [chart(name="x" * 21)],
    }[block]

    with pytest.raises(SlackTrouble) as trouble:
        slack.post("C1OPS", {"text": "t", "blocks": drawn}, notice="n")

    assert trouble.value.code == "invalid_blocks"


def chart(name="Actual"):
    return {
        "type": "data_visualization",
        "title": "Spend a day",
        "chart": {
            "type": "line",
            "series": [{"name": name, "data": [{"label": "1", "value": 3}, {"label": "2", "value": 4}]}],
            "axis_config": {"categories": ["1", "2"], "x_label": "Day", "y_label": "USD"},
        },
    }


def test_a_chart_slack_takes(standin, slack):
    slack.post("C1OPS", {"text": "t", "blocks": [chart(), chart()]}, notice="n")

    assert len(standin.messages) == 1


@pytest.mark.parametrize(
    ("held", "found"),
    [
        pytest.param(HELLO["blocks"], [], id="blocks"),
        pytest.param(HELLO, [], id="message"),
        pytest.param(modal(), [], id="view"),
        pytest.param(
            [{"type": "header", "text": plain("x" * 151)}],
            ["/blocks/0/text/text must be 1 to 150 characters"],
            id="wrong-blocks",
        ),
        pytest.param(
            modal(title=plain("")), ["/view/title/text must be 1 to 24 characters"], id="wrong-view"
        ),
    ],
)
def test_slack_is_asked_what_it_thinks(standin, held, found):
    assert Slack("", standin.api_url).validate(held) == found


# Files


def test_a_picture_is_shown_once_slack_has_looked_at_it(standin):
    slept = []
    slack = Slack(BOT_TOKEN, standin.api_url, sleep=slept.append)
    standin.web.ready_after = 3

    file_id = slack.upload(PNG, "spend.png", "Spend")

    (held,) = standin.files
    assert (held.id, held.content, held.title, held.channel) == (file_id, PNG, "Spend", "")
    assert slept == [0.5, 1, 2]
    assert standin.messages == []
    image = {"type": "image", "slack_file": {"id": file_id}, "alt_text": "Spend rises"}
    slack.post("C1OPS", {"text": "t", "blocks": [image]}, notice="n")
    assert len(standin.messages) == 1


def test_a_picture_shown_too_early_is_refused(standin, slack, sdk):
    done = sdk.files_upload_v2(filename="spend.png", content=PNG, title="Spend")
    image = {"type": "image", "slack_file": {"id": done["file"]["id"]}, "alt_text": "Spend rises"}

    with pytest.raises(SlackTrouble) as trouble:
        slack.post("C1OPS", {"text": "t", "blocks": [image]}, notice="n")

    assert trouble.value.code == "invalid_blocks"
    assert "invalid slack file" in trouble.value.detail
    assert standin.files[0].content == PNG


def test_a_picture_that_is_never_ready_is_given_up_after_ten_seconds(standin):
    slept = []
    standin.web.ready_after = 99

    with pytest.raises(SlackTrouble) as trouble:
        Slack(BOT_TOKEN, standin.api_url, sleep=slept.append).upload(PNG, "spend.png", "Spend")

    assert (trouble.value.kind, trouble.value.code) == ("passing", "not_ready")
    assert sum(slept) == 10


@pytest.mark.parametrize(("channel", "where"), [("C1OPS", "C1OPS"), ("#ops", "C1OPS"), ("U2BOB", "D1DM")])
def test_a_file_stands_in_its_room_with_its_words(standin, slack, channel, where):
    file_id = slack.send_file(channel, b"a,b\n", "spend.csv", "Spend", comment="as asked")

    (message,) = standin.messages
    assert (message.channel, message.text, message.files) == (where, "as asked", [file_id])


def test_a_file_stands_in_its_thread(standin, slack):
    card = slack.post("C1OPS", HELLO, notice="n-1")

    slack.send_file("C1OPS", b"a,b\n", "spend.csv", "Spend", thread_ts=card.ts)

    assert standin.messages[-1].thread_ts == card.ts


def test_an_ok_that_shared_nothing_is_noticed(standin, slack):
    standin.web.shares = False

    with pytest.raises(SlackTrouble) as trouble:
        slack.send_file("C1OPS", b"a,b\n", "spend.csv", "Spend")

    assert (trouble.value.kind, trouble.value.code) == ("uncertain", "not_shared")


def test_an_alternative_text_keeps_a_file_from_being_shared(standin, sdk):
    """As Slack does it: it says ok."""
    sdk.api_call("files.completeUploadExternal", json={"files": []})
    done = sdk.files_getUploadURLExternal(filename="a.png", length=3)
    standin.web.receive_file(done["file_id"], b"abc")
    asked = {"files": [{"id": done["file_id"], "alt_txt": "x"}], "channel_id": "C1OPS"}

    assert sdk.api_call("files.completeUploadExternal", json=asked)["ok"]
    assert standin.messages == []


@pytest.mark.parametrize("scope", ["files:write", "files:read"])
def test_files_need_scopes(standin, slack, scope):
    standin.scopes = scopes_without(scope)

    with pytest.raises(SlackTrouble) as trouble:
        slack.upload(PNG, "spend.png", "Spend")

    assert trouble.value.code == "missing_scope"
    assert trouble.value.detail.startswith(f"needed {scope}; provided commands,")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(DROP_BEFORE, id="cut"),
        pytest.param(DROP_AFTER, id="answer-lost"),
        pytest.param(SERVER_ERROR, id="server-error"),
    ],
)
def test_bytes_that_do_not_arrive_change_nothing(standin, slack, fault):
    standin.fault("upload", fault)

    with pytest.raises(SlackTrouble) as trouble:
        slack.send_file("C1OPS", b"a,b\n", "spend.csv", "Spend")

    assert trouble.value.kind == "passing"
    assert standin.messages == []


# What people do


class Listener:
    """Remembers what was heard through the real bolt app."""

    def __init__(self, standin):
        self.heard = []
        handlers = Handlers(self.hear, self.click, lambda key: True, self.hear, self.submit)
        self.app = build_app(BOT_TOKEN, standin.api_url, handlers)

    def hear(self, *told):
        self.heard.append(told)

    def click(self, action_id, payload, respond):
        self.heard.append((action_id, payload["actions"][0], payload))
        respond({"text": "done", "replace_original": False})

    def submit(self, callback_id, payload, respond):
        self.heard.append((callback_id, payload))


@pytest.fixture
def listener(standin):
    listener = Listener(standin)
    socket = Socket(listener.app, APP_TOKEN, ping_interval=0.2, first_wait=0.02)
    socket.connect()
    standin.people.wait_connected()
    yield listener
    socket.close()
    drain(listener.app)


CARD = {
    "text": "t",
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "t"}}],
    "attachments": [
        {
            "color": "#d1242f",
            "fallback": "t",
            "blocks": [
                {
                    "type": "actions",
                    "block_id": "act.3",
                    "elements": [
                        {
                            "type": "button",
                            "action_id": "alert.ack",
                            "value": "v1|a|3",
                            "text": plain("Acknowledge"),
                        },
                        {
                            "type": "overflow",
                            "action_id": "alert.more",
                            "options": [option("why|v1|a|3"), option("csv|v1|a|3")],
                        },
                    ],
                }
            ],
        }
    ],
}


def test_pressing_what_stands_in_a_message(standin, slack, listener):
    posted = slack.post("C1OPS", CARD, notice="n-1")
    (card,) = standin.messages

    standin.people.press(card, "alert.ack", user="U2BOB").wait()
    standin.people.press(card, "alert.more", option="csv").wait()

    (_, pressed, payload), (_, chosen, _) = listener.heard
    assert (pressed["value"], pressed["block_id"], payload["user"]["id"]) == ("v1|a|3", "act.3", "U2BOB")
    assert payload["container"]["message_ts"] == posted.ts
    assert chosen["selected_option"]["value"] == "csv|v1|a|3"
    with pytest.raises(AssertionError, match="there is no alert"):
        standin.people.press(card, "alert.silence")
    with pytest.raises(AssertionError, match="is none of"):
        standin.people.press(card, "alert.more", option="nothing")


def test_forging_what_stands_nowhere(standin, listener):
    standin.click("alert.more", "csv|v1|forged|3", element="overflow").wait()

    assert listener.heard[0][1]["selected_option"]["value"] == "csv|v1|forged|3"


def test_filling_in_a_modal(standin, slack, listener):
    asked = standin.click("alert.silence", "v1|a|3")
    slack.open_view(asked.payload["trigger_id"], modal())
    asked.wait()

    done = standin.people.submit("silence", {"until.3": "4h", "wake": ["100"], "note": "load test"})

    assert done.acked
    assert standin.modal() is None
    assert standin.people.until(lambda: len(listener.heard) == 2)
    callback_id, payload = listener.heard[1]
    view = payload["view"]
    assert callback_id == "silence.submit"
    assert view["private_metadata"] == "v1|abc|3"
    values = view["state"]["values"]
    assert values["until.3"]["v"]["selected_option"]["value"] == "4h"
    assert [held["value"] for held in values["wake.3"]["wake"]["selected_options"]] == ["100"]
    assert values["note.3"]["note"]["value"] == "load test"


def test_a_modal_that_is_sent_back_stays_open(standin, slack):
    def work(ack):
        ack(response_action="errors", errors={"note.3": "Say why."})

    app = App(client=WebClient(BOT_TOKEN, base_url=standin.api_url), token_verification_enabled=False)
    app.client.proxy = None
    app.view("silence.submit")(work)
    socket = Socket(app, APP_TOKEN, ping_interval=0.2, first_wait=0.02)
    socket.connect()
    standin.people.wait_connected()
    slack.open_view(standin.web.pull("1.trigger", "U1ALICE"), modal())

    done = standin.people.submit("silence", {"note": "x"})
    socket.close()

    assert done.ack_payload == {"response_action": "errors", "errors": {"note.3": "Say why."}}
    assert done.refusals == []
    assert standin.modal() is not None


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param({}, "note.3 must be filled in", id="empty"),
        pytest.param({"note": "x", "until": "4h"}, "no field", id="no-such-field"),
        pytest.param({"note": "x", "until.3": "9h"}, "is none of", id="no-such-option"),
    ],
)
@pytest.mark.usefixtures("listener")
def test_what_nobody_can_fill_in(standin, slack, values, why):
    slack.open_view(standin.click("a", "v").payload["trigger_id"], modal())

    with pytest.raises(AssertionError, match=why):
        standin.people.submit("silence", values)


def test_looking_at_the_home_tab(standin, slack, listener):
    assert standin.people.open_home("U2BOB").acked
    slack.publish("U2BOB", home())
    standin.people.open_home("U2BOB")

    assert standin.people.until(lambda: len(listener.heard) == 2)
    first, second = (envelope["event"] for _, envelope in listener.heard)
    assert (first["type"], first["user"], first["tab"]) == ("app_home_opened", "U2BOB", "home")
    assert "view" not in first
    assert second["view"]["hash"] == standin.home("U2BOB").hash


def test_calling_the_bot_in_a_thread(standin, slack, listener):
    card = slack.post("C1OPS", HELLO, notice="n-1")

    standin.people.mention("why", thread_ts=card.ts, user="U2BOB")

    assert standin.people.until(lambda: listener.heard)
    kind, envelope = listener.heard[0]
    event = envelope["event"]
    assert (kind, event["text"], event["thread_ts"]) == ("app_mention", "<@U1BOT> why", card.ts)
    assert [message.text for message in standin.messages] == ["hello"]
    standin.scopes = scopes_without("app_mentions:read")
    assert not standin.people.mention("why").acked
