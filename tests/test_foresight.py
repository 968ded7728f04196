"""Forecast levels: they rise on two settled days, are muted by the level itself, and clear with a word."""

from datetime import timedelta

import pytest

from bot.core.incident import Reason
from tests.replaying import Story, book_of

BUDGET = """
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: 12,000
    thresholds: [50%, 80%, 100%, forecast 100%]
"""


def story(rules=BUDGET, **more):
    return Story(book_of(rules), **more).spend("2026-09-01", "300x30 300x31")


def said(told):
    return [(transition, level) for _, transition, level in told]


def test_a_forecast_is_said_once_before_the_budget_is_gone():
    days = story().spend("2026-11-01", "600x30")
    told = days.run("2026-11-01T01:00", "2026-12-09T01:00")
    assert said(told) == [
        ("raised" if place else "fired", level)
        for place, level in enumerate(["forecast 100%", "50%", "80%", "100%"])
    ] + [("ended", "100%")]
    when = {level: moment for moment, _, level in told[:4]}
    assert when["forecast 100%"] < when["50%"] < when["80%"] < when["100%"]


def test_it_rises_when_a_day_settles_and_never_sooner_by_polling_faster():
    for every in (timedelta(minutes=30), timedelta(hours=6)):
        days = story().spend("2026-11-01", "300x6 600x24")
        days.run("2026-11-07T00:00", "2026-11-20T00:00", every)
        first = next(event for event in days.events if event.level == "forecast 100%")
        assert (first.at.day, first.at.hour, first.at.minute) == (12, 12, 0)


def test_a_forecast_that_clears_says_so_in_the_thread():
    rules = BUDGET.replace("50%, 80%, 100%, forecast", "100%, forecast")
    days = story(rules).spend("2026-11-01", "300x5 900x6 20x19")
    told = days.run("2026-11-01T01:00", "2026-11-30T13:00")
    assert said(told) == [("fired", "forecast 100%"), ("cleared", "forecast 100%")]
    assert days.events[-1].quiet
    assert (days.incident.state, days.incident.forecast) == ("ok", "")
    assert days.events[-1].reason == Reason.FORECAST_CLEARED


def test_the_level_itself_mutes_its_forecast_without_a_word():
    days = story().spend("2026-11-01", "300x12 9000 300x17")
    told = days.run("2026-11-01T01:00", "2026-11-30T13:00")
    assert said(told) == [("fired", "100%")]
    assert days.incident.forecast == ""


def test_an_actual_level_is_said_although_a_higher_forecast_stands():
    days = story().spend("2026-11-01", "600x30")
    told = days.run("2026-11-01T01:00", "2026-11-12T01:00")
    assert said(told) == [("fired", "forecast 100%"), ("raised", "50%")]
    assert (days.incident.level, days.incident.forecast, days.incident.foremost) == (
        "50%",
        "forecast 100%",
        "forecast 100%",
    )
    assert days.incident.severity == "warning"


def test_the_severity_of_what_rises_decides_whether_the_room_hears_it():
    days = story().spend("2026-11-01", "600x30")
    days.run("2026-11-01T01:00", "2026-12-01T01:00")
    assert {event.level: event.quiet for event in days.events if event.transition != "ended"} == {
        "forecast 100%": True,  # the opening is a message of its own
        "50%": True,
        "80%": True,
        "100%": False,
    }


@pytest.mark.parametrize(
    ("confidence", "heard"),
    [pytest.param("50%", True, id="half-is-enough"), pytest.param("99%", False, id="nearly-sure")],
)
def test_confidence_is_the_authors_choice(confidence, heard):
    rules = BUDGET.replace("forecast 100%", f"{{at: 100%, basis: forecast, confidence: {confidence}}}")
    days = Story(book_of(rules)).spend("2026-09-01", "390 410 400 420 380 405 395 400x54")
    days.spend("2026-11-01", "410 380 395 430 370 420 405 390 440 360 415 405 380 400 410")
    told = said(days.run("2026-11-10T01:00", "2026-11-15T13:00"))
    assert (("fired", "forecast 100%") in told) == heard


def test_a_new_project_has_no_forecast_until_five_days_of_the_period_settled():
    days = Story(book_of(BUDGET)).spend("2026-11-01", "900x30")
    told = days.run("2026-11-01T01:00", "2026-11-06T11:00")
    assert said(told) == []
    assert [moment for moment, _, level in days.run("2026-11-06T12:00", "2026-11-09T12:00") if level] != []


def test_a_forecast_level_taken_out_of_the_rule_is_gone_without_a_word():
    days = story().spend("2026-11-01", "600x30")
    days.run("2026-11-01T01:00", "2026-11-08T13:00")
    assert days.incident.forecast == "forecast 100%"
    book = book_of(BUDGET.replace(", forecast 100%", ""))
    days.book = book
    days.replay.edit(book)
    days.tick("2026-11-08T14:00")
    assert days.incident.forecast == ""
    assert days.events[-1].transition == "fired"


def test_a_weekly_budget_is_foreseen_too():
    rules = BUDGET.replace("period: month", "period: week").replace("12,000", "3,000")
    days = Story(book_of(rules)).spend("2026-10-05", "480 500 490 470 480 510 485 475x21")
    days.spend("2026-11-02", "500x7")
    told = days.run("2026-11-02T00:00", "2026-11-08T23:00")
    assert ("raised", "forecast 100%") in said(told)
    assert said(told)[-1] == ("raised", "100%")


def test_every_poll_of_the_month_says_nothing_twice():
    days = story().spend("2026-11-01", "600x30")
    days.run("2026-11-01T00:30", "2026-12-12T00:30")
    keys = [event.key for event in days.events]
    assert len(keys) == len(set(keys))
