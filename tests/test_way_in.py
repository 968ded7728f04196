"""README's ten minutes, walked: its rules, a first alert for who asks for one, and the amount written back."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.manifest import OPTIONAL, REQUIRED
from tests.heard import listening
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, world

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
WAY_IN = README[README.index("## Ten minutes") : README.index("## Asking")]
MAY = README[README.index("### What it may do in Slack") : README.index("## What an alert does")]


def written():
    """The rules that README tells a newcomer to write."""
    found = re.search(r"```yaml\n(.*?)```", WAY_IN, re.DOTALL)
    return re.sub(r"^ {3}", "", found[1], flags=re.MULTILINE)


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(written())
        built.ledger.cost("2025-10-01", SEARCH, "gpt-5.2, output", "400")
        built.ledger.cost("2025-10-01", LABS, "gpt-5.2, output", "3")
        yield built


def test_a_newcomer_sees_a_first_alert_for_the_asking_and_takes_it_back(w):
    w.poll("2025-10-05 12:00")
    assert w.posts == []
    with listening(w) as slack:
        w.rules(written().replace('else: "1,000"', "else: 1"))
        assert "1 alert opened" in slack.slash("refresh").wait()[0]["text"]
        w.app.courier().deliver(w._clock[0])
        (card,) = w.posts
        assert slack.channels[card.channel].name == "ai-spend"
        assert "labs" in card.text
        slack.people.press(card, "alert.more", option="why").wait()
        w._clock[0] += timedelta(minutes=2)
        w.rules(written())
        slack.slash("refresh").wait()
        w.app.courier().deliver(w._clock[0])
    assert [message.ts for message in w.posts] == [card.ts]
    assert "since the budget was raised" in card.text


def test_every_scope_that_is_asked_for_is_told_and_no_other():
    told = re.findall(r"`([a-z_]+(?::[a-z]+)?)`", "".join(re.findall(r"^\| (.*?) \|", MAY, re.MULTILINE)))
    assert sorted(told) == sorted([*REQUIRED, *OPTIONAL])
    optional = re.findall(r"`([a-z_:]+)`", "".join(re.findall(r"^\| optional: (.*?) \|", MAY, re.MULTILINE)))
    assert sorted(optional) == sorted(OPTIONAL)
