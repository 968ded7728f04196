"""No sequence of polls says anything twice, and after every tick what stands is true."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.decide import Said, decide
from bot.core.dimension import Series
from bot.core.evaluate import cuts, evaluate
from bot.core.incident import Reason
from bot.core.period import Period, Span
from bot.core.rules.book import Amount, Budget, Origin, Plan, Rulebook, Threshold
from bot.core.rules.select import Scope
from bot.core.spend import Names, Spend
from bot.core.view import View

DOLLAR = 10**9
START = date(2026, 9, 25)
LEVELS = (
    Threshold("50%", "info", percent="50"),
    Threshold("80%", "warning", percent="80"),
    Threshold("100%", "critical", percent="100"),
)
SERIES = {
    1: Series(project_id="proj_a", line_item="gpt-5.2, input"),
    2: Series(project_id="proj_b", line_item="x"),
}


def rule(kind="month", amount=100, **more):
    period = Period(kind, rolling_days=5) if kind == "rolling" else Period(kind)
    if kind == "fixed":
        period = Period("fixed", fixed=Span(date(2026, 9, 28), date(2026, 10, 9)))
    return Budget(
        id="r",
        kind="budget",
        origin=Origin("a.yaml", 1),
        scope=Scope(each=("project",)),
        period=period,
        amount=Amount(((None, Plan(((date.min, amount * DOLLAR),))),)),
        thresholds=LEVELS,
        **more,
    )


class Bot:
    """What the database does, in memory."""

    def __init__(self, kind="month"):
        self.book = Rulebook((rule(kind),))
        self.days = {}
        self.incidents = {}
        self.rules = frozenset()
        self.keys = []
        self.evaluation = None

    def tick(self, now):
        at = cuts(self.book, now)
        stretches = []
        for start, end in pairwise(at):
            sums = {}
            for (day, series), value in self.days.items():
                if start <= day < end:
                    sums[series] = sums.get(series, 0) + value * DOLLAR
            stretches.append(sums)
        spend = Spend(at, stretches, SERIES, Names(), self.book, history_from=date(2026, 1, 1), as_of=now)
        self.evaluation = evaluate(self.book, View(spend), now)
        counts = {}
        for incident in self.incidents.values():
            if incident.occurrence.startswith("#"):
                key = (incident.rule_id, incident.group)
                counts[key] = counts.get(key, 0) + 1
        said = Said(tuple(self.incidents.values()), counts, self.rules)
        decisions = decide(self.book, self.evaluation.findings, said, now, organization="o")
        self.rules |= {rule.id for rule in self.book.rules}
        changed = [decision.incident for decision in decisions if decision.incident is not None]
        assert len({incident.fingerprint for incident in changed}) == len(changed)
        for incident in changed:
            self.incidents[incident.fingerprint] = incident
        events = [event for decision in decisions for event in decision.events]
        self.keys += [event.key for event in events]
        return events, changed, decisions


def moment(hours):
    return datetime(2026, 9, 25, tzinfo=UTC) + timedelta(hours=hours)


steps = st.lists(
    st.tuples(
        st.integers(0, 60),  # hours until the next poll
        st.lists(
            st.tuples(st.integers(0, 6), st.sampled_from((1, 2)), st.integers(-20, 130)), max_size=3
        ),  # (days ago, series, dollars of that day from now on)
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@example("day", [(0, [(0, 1, 50), (4, 1, 50)]), (0, [(1, 1, 50)])])
@example("day", [(0, [(0, 1, 50), (1, 1, 80)])])
@example("day", [(0, [(1, 1, 80), (2, 1, 50)])])
@example("month", [(24, []), (60, [(0, 1, 80)]), (60, [(1, 1, -1)])])
@example("month", [(15, []), (60, [(3, 1, 50)]), (52, [(5, 1, 0)]), (17, [(1, 1, 3)])])
@example("week", [(8, [(0, 1, 25), (6, 1, 80)]), (16, [(0, 1, 25), (6, 1, 1)])])
@example("week", [(0, [(0, 2, 50), (5, 2, 80)]), (0, [(0, 2, 0)])])
@given(st.sampled_from(("day", "week", "month", "quarter", "rolling", "fixed")), steps)
def test_no_sequence_of_polls_says_an_event_twice_or_leaves_a_card_untrue(kind, story):
    bot, hours = Bot(kind), 0
    for wait, revisions in story:
        hours += wait
        now = moment(hours)
        for ago, series, value in revisions:
            bot.days[now.date() - timedelta(days=ago), series] = value
        bot.tick(now)
        events, changed, _ = bot.tick(now)
        assert (events, changed) == ([], []), "the same data at the same instant says nothing"
        later = now + timedelta(minutes=1)
        if later.date() == now.date():
            assert bot.tick(later)[0] == []
        everything_stands(bot)
    assert len(set(bot.keys)) == len(bot.keys)
    fired = [key for key in bot.keys if ":fired:" in key]
    assert len({key.split(":")[0] for key in fired}) == len(fired), "an incident opens once"


def everything_stands(bot):
    truth = {(f.group, f.span): f for f in bot.evaluation.findings}
    for incident in bot.incidents.values():
        finding = truth.get((incident.group, incident.span))
        if finding is None or not incident.announced:
            continue
        assert (incident.value, incident.amount) == (finding.value, finding.amount)
        reached = {level.label for level in finding.reached}
        near = max(finding.amount * 2 // 100, DOLLAR)
        if incident.level and incident.level not in reached:
            assert finding.value >= finding.levels[finding.place(incident.level)].at(finding.amount) - near
        elif incident.state == "firing":
            assert incident.level == finding.top.label
        assert reached <= set(incident.said_levels)
        if incident.state == "ok":
            assert not reached
    for finding in bot.evaluation.findings:
        if finding.top and not finding.closed:
            assert any(
                incident.group == finding.group and incident.state == "firing" and incident.announced
                for incident in bot.incidents.values()
            ), "what is true now is said"


def test_every_hour_of_a_leap_year_is_decided():
    for kind in ("day", "week", "month", "quarter", "year", "rolling"):
        bot = Bot(kind)
        bot.days = {(date(2028, 1, 1) + timedelta(days=n), 1): 3 for n in range(366)}
        now = datetime(2027, 12, 31, tzinfo=UTC)
        while now < datetime(2029, 1, 3, tzinfo=UTC):
            bot.tick(now)
            now += timedelta(hours=1 if now.day in (1, 28, 29) else 12)
        everything_stands(bot)
        assert len(set(bot.keys)) == len(bot.keys)


def test_silence_has_a_reason_too():
    bot = Bot("month")
    bot.days[START, 1] = 10
    assert [decision.reason for decision in bot.tick(moment(1))[2]] == [Reason.BELOW]
    bot.days[START, 1] = 60
    assert [decision.reason for decision in bot.tick(moment(2))[2]] == [Reason.FIRST]
    assert [decision.reason for decision in bot.tick(moment(3))[2]] == [Reason.ALREADY_SAID]
    bot.days[START, 1] = 49
    assert [decision.reason for decision in bot.tick(moment(4))[2]] == [Reason.NEAR]
    bot.days[START, 1] = 48
    assert [decision.reason for decision in bot.tick(moment(5))[2]] == [Reason.NEAR]
    bot.days[START, 1] = 47
    assert [decision.reason for decision in bot.tick(moment(6))[2]] == [Reason.CORRECTED]
    bot.days[START, 1] = 52
    assert [decision.reason for decision in bot.tick(moment(7))[2]] == [Reason.RECROSSED]


def test_the_margin_is_a_dollar_at_least():
    bot = Bot("month")
    bot.book = Rulebook((rule(amount=10),))
    bot.days[START, 1] = 6
    bot.tick(moment(1))
    bot.days[START, 1] = 4  # half a level is 5, and 4 is a dollar below it
    assert bot.tick(moment(2))[0] == []
    bot.days[START, 1] = 3
    assert [event.transition for event in bot.tick(moment(3))[0]] == ["corrected"]


def test_a_rule_that_cannot_be_judged_for_want_of_history_keeps_its_incidents():
    bot = Bot("month")
    bot.days[START, 1] = 60
    bot.tick(moment(1))
    (incident,) = bot.incidents.values()
    said = Said((incident,), {}, bot.rules)
    assert decide(bot.book, (), said, moment(2), organization="o", learning={"r"}) == []
    (left,) = decide(bot.book, (), said, moment(2), organization="o")
    assert left.reason == Reason.GROUP_LEFT


@pytest.mark.parametrize(
    ("book", "hours", "reason"),
    [
        pytest.param(Rulebook(()), 2, Reason.RULE_REMOVED, id="the rule is gone"),
        pytest.param(Rulebook((rule(enabled=False),)), 2, Reason.INACTIVE, id="the rule is switched off"),
        pytest.param(Rulebook((rule(),)), 2000, Reason.PERIOD_OVER, id="slept through the end"),
        pytest.param(Rulebook((rule("day"),)), 2, Reason.PERIOD_CHANGED, id="counts days now"),
    ],
)
def test_why_an_incident_ends_without_a_finding(book, hours, reason):
    bot = Bot("month")
    bot.days[START, 1] = 60
    bot.tick(moment(1))
    (incident,) = bot.incidents.values()
    bot.book = book
    if reason is not Reason.PERIOD_CHANGED:
        bot.days.clear()
    bot.tick(moment(hours))
    ended = bot.incidents[incident.fingerprint]
    assert (ended.state, ended.reason) == ("ended", reason)


def test_levels_that_were_renamed_are_not_news_when_the_figure_was_heard():
    bot = Bot("month")
    bot.days[START, 1] = 85
    bot.tick(moment(1))
    bot.book = Rulebook(
        (
            replace(
                rule(),
                thresholds=(
                    Threshold("60%", "warning", percent="60"),
                    Threshold("90%", "critical", percent="90"),
                ),
            ),
        )
    )
    assert bot.tick(moment(2))[0] == []
    bot.days[START, 1] = 95
    assert [(event.transition, event.passed) for event in bot.tick(moment(3))[0]] == [
        ("raised", ("60%", "90%"))
    ]


def test_a_second_run_gets_a_number_of_its_own_and_the_first_stays_one():
    bot = Bot("day")
    bot.tick(moment(0))
    for day, value in ((0, 120), (1, 130), (9, 140)):
        bot.days[START + timedelta(days=day), 1] = value
        bot.tick(moment(24 * day + 12))
    assert sorted(incident.occurrence for incident in bot.incidents.values()) == ["#1", "#2"]
    first = next(incident for incident in bot.incidents.values() if incident.occurrence == "#1")
    assert first.days == (START, START + timedelta(days=1))
    assert (first.state, first.reason) == ("ended", Reason.RUN_OVER)


def test_days_before_a_rules_first_evaluation_are_recorded_and_count_in_todays_run():
    bot = Bot("day")
    for day in range(4):
        bot.days[START + timedelta(days=day), 1] = 120
    events, _, _ = bot.tick(moment(24 * 3 + 12))
    (event,) = events
    assert (event.transition, event.passed) == ("fired", ("50%", "80%", "100%"))
    (incident,) = bot.incidents.values()
    assert len(incident.days) == 4


def test_an_event_of_an_earlier_day_knows_how_long_the_run_was_then():
    """One poll learns more of yesterday and that today is over as well: each line counts its own day."""
    bot = Bot("day")
    for place, value in enumerate((120, 130)):
        bot.days[date(2026, 10, 1) + timedelta(days=place), 1] = value
    bot.tick(datetime(2026, 10, 2, 12, tzinfo=UTC))
    bot.days[date(2026, 10, 2), 1] = 900
    bot.days[date(2026, 10, 3), 1] = 1800
    events, _, _ = bot.tick(datetime(2026, 10, 3, 12, tzinfo=UTC))
    assert [(event.period, len(event.days)) for event in events] == [("2 Oct", 2), ("3 Oct", 3)]
