"""Messages that only a clock or another order brings: as a person has read them, and taken whatever is in them."""

import json
from datetime import timedelta

import pytest

from bot.core.accuracy import Score, accuracy
from bot.core.asker import Asker
from bot.core.period import DAY, Span
from bot.core.subscription import Subscription, Subscriptions
from bot.render import announcements, deeds
from bot.render.replies import reply
from bot.sharing import _signed
from tests.spending import asked, golden
from tests.standins.slack_rules import check_message
from tests.test_alerts import AT, DOLLAR, HOSTILE, told

NAME = "search-prod"
FIRST = AT.date()


def remind(name):
    return announcements.remind([told(name), told("labs", 9_000, 8_000, fingerprint="1" * 12)])


def remind_one(name):
    return announcements.remind([told(name)])


def held_back(name):
    said = deeds.quoted(name)
    return announcements.lines({"lines": [f"*{said}*: passed 80%", f"*{said}*: passed 100%"]})


def trouble(name):
    return announcements.ops({"happened": f"#{name} was archived.", "remedy": "Unarchive it."})


def recovered(name):
    return announcements.ops({"happened": f"OpenAI answers again about {name}.", "recovered": True})


def scored(name):
    days = [Score(FIRST + n * DAY, "p", name, (90 + n) * DOLLAR, True, AT) for n in range(3)]
    billed = {each.day: {("p", name): 100 * DOLLAR} for each in days}
    return reply(accuracy(days, billed, Span(FIRST, FIRST + 3 * DAY), as_of=AT))


def subscribed(name):
    words = f'last-week by project project="{name}"'
    each = Subscription(
        3,
        "U1ALICE",
        "0 9 * * MON",
        "Europe/Berlin",
        "weekly monday 09:00",
        words,
        AT,
        AT - timedelta(hours=1),
    )
    return reply(Subscriptions((each,), AT))


def subscribed_to_nothing(name):
    del name
    return reply(Subscriptions((), AT))


def signed(name):
    query = asked("status in <#C1ROOM|ops>")
    return _signed(remind(name), Asker("U1ALICE", role="operator"), query)


SAYERS = (
    *(remind, remind_one, held_back, trouble, recovered, scored, subscribed, subscribed_to_nothing, signed),
)


@pytest.mark.parametrize("say", SAYERS, ids=lambda say: say.__name__)
def test_messages_are_what_a_person_has_read(say):
    golden(f"other_{say.__name__}.json", json.dumps(say(NAME), indent=1, ensure_ascii=False))


@pytest.mark.parametrize("name", [pytest.param(name, id=kind) for kind, name in HOSTILE.items()])
@pytest.mark.parametrize("say", SAYERS, ids=lambda say: say.__name__)
def test_names_from_outside_stay_names(say, name):
    body = say(name)
    check_message({key: body[key] for key in ("text", "blocks", "attachments") if key in body})
    shown = json.dumps([body["text"], body["blocks"]], ensure_ascii=False)
    assert not any(mark in shown for mark in ("\u202e", "\u200f"))
    assert "<!channel>" not in body["text"]
    for block in body["blocks"]:
        if block["type"] == "section":
            assert "<!channel>" not in str(block)
