"""What a silence is about, and what an acknowledgement bears: tables."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.acknowledge import Acknowledgement
from bot.core.filters import Filter
from bot.core.incident import Incident
from bot.core.period import Span
from bot.core.query import parse
from bot.core.rules.select import Pattern
from bot.core.silence import Silence, Subject, as_matchers, conditions_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LABS = Subject(
    "9f3c21aa01bc",
    "project-model",
    "Monthly budget",
    "warning",
    "research",
    {"tier": "prod", "cost-center": "42"},
    {"project": ("proj_labs", "labs"), "model": ("gpt-5.2", "gpt-5.2")},
)
WHOLE = Subject("0a0a0a0a0a0a", "org", "Organization", "critical")
PINNED = Subject(
    "1b1b1b1b1b1b", "lab-live", "Live", "info", pinned={"project": (Pattern("lab"), Pattern("labs"))}
)


def silenced(words):
    order = parse(f"silence {words} for 2d -- x", NOW.date())
    conditions = list(order.filters)
    if order.ids:
        conditions.append(Filter("fingerprint", "=", order.ids))
    silence = Silence(3, tuple(conditions), "x", "U1", NOW, NOW + timedelta(days=2))
    # As it is kept, and read again.
    again = conditions_of(as_matchers(silence.conditions))
    assert again == silence.conditions
    known = {"labs": LABS, "whole": WHOLE, "pinned": PINNED}
    return {name for name, subject in known.items() if silence.matches(subject)}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param("project=labs", {"labs"}, id="name"),
        pytest.param("project=lab*", {"labs", "pinned"}, id="glob, also of what a rule selects"),
        pytest.param("project=proj_labs", {"labs"}, id="id"),
        pytest.param("project=labs,lab", {"labs", "pinned"}, id="any of"),
        pytest.param("project!=labs", {"whole"}, id="not"),
        pytest.param("model~5.2", {"labs"}, id="contains"),
        pytest.param("model=gpt-5.2 project=other", set(), id="all must hold"),
        pytest.param("rule=org", {"whole"}, id="rule"),
        pytest.param('rule="monthly budget"', {"labs"}, id="the rule's title"),
        pytest.param("severity>=warning", {"labs", "whole"}, id="severity"),
        pytest.param("severity=info", {"pinned"}, id="one severity"),
        pytest.param("team=research", {"labs"}, id="team"),
        pytest.param('team="(no team)"', {"whole", "pinned"}, id="no team"),
        pytest.param("label=tier=prod", {"labs"}, id="label and value"),
        pytest.param("label=cost-center", {"labs"}, id="label"),
        pytest.param("label=tier=dev", set(), id="another value"),
        pytest.param("label!=tier=prod", {"whole", "pinned"}, id="not that label"),
        pytest.param("9f3c21aa01bc", {"labs"}, id="fingerprint"),
        pytest.param("user=ada", set(), id="what nobody tells apart"),
    ],
)
def test_what_a_silence_is_about(words, found):
    assert silenced(words) == found


def test_a_silence_of_nothing_matches_nothing():
    assert not Silence(1, (), "x", "U1", NOW, NOW + timedelta(days=1)).matches(LABS)


def test_a_silence_stands_from_when_it_is_made_until_it_ends():
    silence = Silence(1, (), "x", "U1", NOW, NOW + timedelta(hours=1))
    assert silence.stands(NOW)
    assert silence.stands(NOW + timedelta(minutes=59))
    assert not silence.stands(NOW + timedelta(hours=1))
    assert not silence.stands(NOW - timedelta(seconds=1))


def test_it_wakes_for_growth_since_it_first_held_back():
    silence = Silence(1, (), "x", "U1", NOW, NOW, wake=500, began={"a": 100})
    assert [silence.wakes("a", value) for value in (100, 599, 600, 50)] == [False, False, True, False]
    assert not silence.wakes("b", 10_000)


@pytest.mark.parametrize(
    ("severity", "value", "falls", "stands"),
    [
        pytest.param("warning", 100, False, True, id="as it was"),
        pytest.param("warning", 124, False, True, id="a little more"),
        pytest.param("warning", 125, False, False, id="a quarter more"),
        pytest.param("critical", 100, False, False, id="graver"),
        pytest.param("info", 100, False, True, id="milder"),
        pytest.param("", 50, False, True, id="corrected"),
        pytest.param("warning", 150, True, True, id="more, where less is worse"),
        pytest.param("warning", 76, True, True, id="a little less, where less is worse"),
        pytest.param("warning", 75, True, False, id="a quarter less, where less is worse"),
    ],
)
def test_an_acknowledgement_stands_until_it_gets_worse(severity, value, falls, stands):
    given = Acknowledgement("a", "U1", NOW, 100, "warning")
    assert (given.outgrown(severity, value, falls=falls) == "") == stands


def test_what_was_nothing_is_worse_with_the_first_cent():
    assert Acknowledgement("a", "U1", NOW, 0, "warning").outgrown("warning", 0) == ""
    assert Acknowledgement("a", "U1", NOW, 0, "warning").outgrown("warning", 1)


INCIDENT = Incident(
    fingerprint="a",
    rule_id="r",
    group=(),
    occurrence="#1",
    state="firing",
    level="100%",
    severity="warning",
    said_levels=("100%",),
    value=20,
    amount=10,
    said=100,
    peak=100,
    span=Span(date(2026, 11, 22), date(2026, 11, 23)),
    days=(date(2026, 11, 21), date(2026, 11, 22)),
    opened_at=NOW,
    changed_at=NOW,
    reason="run goes on",
)


def test_in_a_run_the_worst_of_its_days_was_seen_and_in_a_month_the_figure_of_now():
    """At ten in the morning a day's figure is small; that it reaches yesterday's by the evening is no growth."""
    seen = INCIDENT
    assert Acknowledgement.of(seen, "U1", NOW).outgrown("warning", 110) == ""
    assert Acknowledgement.of(seen, "U1", NOW).outgrown("warning", 125)
    assert Acknowledgement.of(replace(seen, occurrence="2026-11-01"), "U1", NOW).value == 20
    assert Acknowledgement.of(seen, "U1", NOW, falls=True).value == 20
