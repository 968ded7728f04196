"""Line two in words: who and since when, on cards, in threads and in tables.

`BUDGETBOT_GOLDEN=write` writes the file of cards anew, to be read before it is committed.
"""

from dataclasses import replace

import pytest

from bot.core.blame import NO_KEYS, NOBODY
from bot.core.incident import Reason
from bot.core.telling import Blame, Part
from bot.render.alert_blame import unknown, words
from bot.render.alert_lines import line
from bot.render.alerts import card
from bot.render.drawn import draw
from tests.spending import golden
from tests.test_alerts import DOLLAR, HOSTILE, event, texts, told, valid

KEY, MODEL = Part("api_key", "ingest-worker", 950 * DOLLAR), Part("model", "gpt-5.2", 940 * DOLLAR)
OUTPUT = Part("direction", "output", 930 * DOLLAR)
HOUR = {"since": "2026-11-18T09:00:00Z", "since_hour": True}
WHO = Blame((KEY, MODEL, OUTPUT), 74, **HOUR)


def blamed(blame, *args, **more):
    return told(*args, tell={"blame": blame, **more.pop("tell", {})}.items(), **more)


@pytest.mark.parametrize(
    ("blame", "said"),
    [
        pytest.param(
            WHO, "key *ingest-worker*, `gpt-5.2` output, since 18 Nov 09:00 UTC, 74% of the rise", id="all of it"
        ),
        pytest.param(
            Blame((KEY, MODEL), 97, "2026-11-18"),
            "key *ingest-worker*, `gpt-5.2`, since 18 Nov, 97% of the rise",
            id="the day alone",
        ),
        pytest.param(
            replace(WHO, first_seen=True),
            "key *ingest-worker*, `gpt-5.2` output, first seen 18 Nov 09:00 UTC, 74% of the rise",
            id="somebody who never was there before",
        ),
        pytest.param(
            Blame((KEY,), 130, "2026-11-18"),
            "key *ingest-worker*, since 18 Nov, more than the whole rise",
            id="more than all of it, for others fell",
        ),
        pytest.param(Blame((KEY,), 31), "key *ingest-worker*, 31% of the rise", id="by and by"),
        pytest.param(
            Blame((Part("project", "labs", 1), KEY, OUTPUT), 60, "2026-11-18"),
            "project *labs*, key *ingest-worker*, output, since 18 Nov, 60% of the rise",
            id="a direction of the model the rule names",
        ),
        pytest.param(Blame((OUTPUT,), 60), "output, 60% of the rise", id="a direction and nothing else"),
        pytest.param(
            Blame((KEY, Part("line_item", "web search tool calls", 1)), 60),
            "key *ingest-worker*, line item `web search tool calls`, 60% of the rise",
            id="a tool",
        ),
        pytest.param(replace(WHO, parts=(KEY,), fell=True, share=80), "key *ingest-worker*, since 18 Nov 09:00 UTC, 80% of the fall", id="a fall"),
        pytest.param(Blame(why_not=NOBODY, since="2026-11-18"), "", id="nobody"),
    ],
)  # fmt: skip
def test_who_and_since_when(blame, said):
    assert words(blame) == said


@pytest.mark.parametrize(
    ("blame", "state", "said"),
    [
        pytest.param(WHO, "firing", "", id="nothing is missing"),
        pytest.param(None, "firing", "", id="nobody looked"),
        pytest.param(replace(WHO, why_not=NO_KEYS), "firing", f"Which key: {NO_KEYS}", id="all but the key"),
        pytest.param(Blame(why_not=NOBODY), "firing", "Who and since when: no part stands out", id="nobody"),
        pytest.param(
            Blame(why_not=NOBODY, **HOUR),
            "firing",
            "Who and since when: no part stands out, since 18 Nov 09:00 UTC",
            id="nobody, but since when",
        ),
        pytest.param(Blame(why_not=NOBODY), "ended", "", id="over: nobody asks any more"),
    ],
)
def test_why_it_is_not_known(blame, state, said):
    assert unknown(blamed(blame, state=state, reason=Reason.PERIOD_OVER)) == said


SAME = [blamed(WHO, f"team-{n}", fingerprint=f"{n:012x}", tell={"parts": ()}) for n in range(4)]
CARDS = {
    "known": [blamed(WHO)],
    "never there before": [blamed(replace(WHO, first_seen=True))],
    "not known": [blamed(Blame(why_not="nothing is stored before 1 Nov to compare with"))],
    "not by key": [blamed(Blame((MODEL, OUTPUT), 74, "2026-11-18", why_not=NO_KEYS))],
    "where it went says no more": [blamed(Blame((KEY,), 74), tell={"parts": (KEY,)})],
    "the month is over": [blamed(WHO, state="ended", reason=Reason.PERIOD_OVER)],
    "corrected": [blamed(WHO, value=4_000, state="ok", level="", severity="", reason=Reason.CORRECTED)],
    "several with one cause": SAME,
    "several with one cause but one": [*SAME[:3], blamed(None, "labs", tell={"parts": ()})],
}


def test_what_cards_say():
    said = []
    for form, which in CARDS.items():
        message = card(which, 1)
        valid(message)
        drawn = draw("x", message).split("\n", 1)[1]
        said.append(f"## {form}\n{message['text']}\n\n{drawn}\n")
    golden("words_blame.txt", "\n".join(said).rstrip())


@pytest.mark.parametrize(
    ("of", "blame", "says"),
    [
        pytest.param(event("raised", passed=("80%",)), WHO, True, id="a graver level"),
        pytest.param(event("raised", passed=("80%",), quiet=True), WHO, False, id="one that is no graver"),
        pytest.param(
            event("raised", passed=("80%",)), Blame((MODEL,), 74), False, id="only a model is known"
        ),
        pytest.param(event("corrected", value=11_880), WHO, False, id="a correction"),
    ],
)
def test_the_line_of_a_graver_level_says_who(of, blame, says):
    said = line(of, blamed(blame), named=False)
    assert said.endswith(f"; {words(blame)}") is says
    assert ("of the rise" in said) is says


@pytest.mark.parametrize("name", [pytest.param(name, id=kind) for kind, name in HOSTILE.items()])
def test_hostile_names_stay_words(name):
    parts = tuple(Part(dimension, name, 1) for dimension in ("project", "api_key", "line_item", "direction"))
    hostile = blamed(Blame(parts, 74, why_not=name))
    messages = [card([hostile], 1), card([hostile] * 3, 1)]
    messages.append({"text": line(event("raised", passed=("80%",)), hostile, named=True)})
    for message in messages:
        valid(message)
        mrkdwn = "".join(texts(message))
        assert "<!" not in mrkdwn
        assert "<https://evil" not in mrkdwn
