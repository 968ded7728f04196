"""A report with a chart that Slack refuses: a picture where others see it, letters, words; wherever it is said."""

import json
from datetime import date, timedelta

import pytest

from tests.heard import listening
from tests.standins import slack_people, slack_web
from tests.standins.slack import scopes_without
from tests.standins.slack_rules import Refused, check_message
from tests.syncing import empty_database
from tests.world import SEARCH, world

RULES = """\
version: 1
rules:
  - {id: total, kind: budget, select: {}, period: month, amount: 4000}
"""
WORDS = "report 7d by day"
OPS = "C1ROOM"


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refused")
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        built.rules(RULES)
        for n in range(40):
            built.ledger.cost(date(2026, 10, 1) + timedelta(days=n), SEARCH, "gpt-5.2, output", f"{80 + n}.5")
        built.poll("2026-11-10 12:00")
        with listening(built):
            yield built


@pytest.fixture
def slack(connected):
    connected.slack.scopes = scopes_without()
    connected.slack.web.files.clear()
    return connected.slack


def refuse(monkeypatch, *kinds):
    """Let Slack refuse every message that holds one of these blocks."""

    def check(message, files=()):
        if any(f'"type": "{kind}"' in json.dumps(message.get("blocks") or []) for kind in kinds):
            raise Refused("invalid_blocks", ["unsupported type [json-pointer:/blocks/1/type]"])
        check_message(message, files)

    monkeypatch.setattr(slack_people, "check_message", check)
    monkeypatch.setattr(slack_web, "check_message", check)


def privately(slack):
    return slack.slash(WORDS).wait(seconds=30)[0]


def publicly(slack):
    return slack.slash(f"{WORDS} public").wait(seconds=30)[0]


def shared(slack):
    return slack.click("cmd.run.share", f"v1|{WORDS} public").wait(seconds=30)[0]


def elsewhere(slack):
    before = len(slack.messages)
    assert "Posted in" in slack.slash(f"{WORDS} in <#{OPS}|ops>").wait(seconds=30)[0]["text"]
    return posted(slack, before)


def mentioned(slack):
    before = len(slack.messages)
    slack.people.mention(WORDS, channel=OPS)
    assert any(slack.people.until(lambda: len(slack.messages) > before, 0.05) for _ in range(400))
    return posted(slack, before)


def posted(slack, before):
    (message,) = slack.messages[before:]
    return {"text": message.text, "blocks": message.blocks}


def drawn(message):
    """The blocks that draw, in their order; letters are sections of code."""
    found = []
    for block in message.get("blocks") or []:
        if block["type"] in ("data_visualization", "image", "table"):
            found.append(block["type"])
        elif block["type"] == "section" and block["text"]["text"].startswith("```"):
            found.append("letters")
    return found


CHART, PICTURE, TABLE = "data_visualization", "image", "table"
SEEN_BY_ALL = [publicly, shared, elsewhere, mentioned]


@pytest.mark.parametrize("say", SEEN_BY_ALL, ids=lambda say: say.__name__)
def test_what_all_see_becomes_a_picture(slack, monkeypatch, say):
    refuse(monkeypatch, CHART)
    message = say(slack)
    assert drawn(message) == [PICTURE, TABLE]
    (image,) = [block for block in message["blocks"] if block["type"] == "image"]
    (held,) = slack.files
    assert image["slack_file"] == {"id": held.id}
    assert held.content.startswith(b"\x89PNG")
    assert held.channel == ""


@pytest.mark.parametrize("say", SEEN_BY_ALL, ids=lambda say: say.__name__)
def test_a_refused_picture_becomes_letters(slack, monkeypatch, say):
    refuse(monkeypatch, CHART, PICTURE)
    assert drawn(say(slack))[0] == "letters"
    assert len(slack.files) == 1


@pytest.mark.parametrize("say", SEEN_BY_ALL, ids=lambda say: say.__name__)
def test_without_the_scope_for_files_it_becomes_letters_at_once(slack, monkeypatch, say):
    slack.scopes = scopes_without("files:write")
    refuse(monkeypatch, CHART)
    assert drawn(say(slack))[0] == "letters"


def test_what_one_person_alone_sees_becomes_letters_at_once(slack, monkeypatch):
    refuse(monkeypatch, CHART)
    message = privately(slack)
    assert drawn(message) == ["letters", "letters"]
    assert slack.files == []
    assert any(block["type"] == "actions" for block in message["blocks"])


@pytest.mark.parametrize("say", [privately, *SEEN_BY_ALL], ids=lambda say: say.__name__)
def test_the_words_arrive_whatever_is_refused(slack, monkeypatch, say):
    refuse(monkeypatch, CHART, PICTURE, TABLE, "section")
    message = say(slack)
    assert not message.get("blocks")
    assert "$" in message["text"]


def test_the_words_arrive_though_two_lines_were_spent_on_waiting(slack, monkeypatch):
    monkeypatch.setattr("bot.edge.slack_respond.PATIENCE", 0.0)
    refuse(monkeypatch, CHART, PICTURE, TABLE, "section")
    asked = slack.slash(f"{WORDS} public")
    assert slack.people.until(lambda: any("$" in answer["text"] for answer in asked.answers), 30)
    assert len(asked.answers) + len(asked.refusals) <= 5
