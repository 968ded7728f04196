"""Periods tile time, whatever the calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.period import DAY, Period, Span, epoch, midnight, show_span

FIRST, LAST = date(2024, 1, 1), date(2032, 12, 31)
CALENDARS = [(month, day) for month in range(1, 13) for day in (1, 6, 28)]


@pytest.mark.parametrize(
    "period",
    [
        *(pytest.param(Period("week", week_starts=n), id=f"week from {n}") for n in range(7)),
        pytest.param(Period("day"), id="day"),
        pytest.param(Period("month"), id="month"),
        *(pytest.param(Period("quarter", year_starts=c), id=f"quarter {c}") for c in CALENDARS),
        *(pytest.param(Period("year", year_starts=c), id=f"year {c}") for c in CALENDARS),
    ],
)
def test_periods_follow_one_another_without_a_gap(period):
    day, span = FIRST, period.containing(FIRST)
    assert day in span
    while day <= LAST:
        assert period.containing(day) == span
        assert period.name(span)
        if day == span.last:
            following = period.containing(day + DAY)
            assert following.start == span.end
            assert period.before(following) == span
            span = following
        day += DAY


@pytest.mark.parametrize(
    ("period", "day", "span"),
    [
        pytest.param(Period("month"), "2028-02-29", "29 days", id="a leap day"),
        pytest.param(Period("week"), "2026-11-22", "2026-11-16 2026-11-23", id="Sunday is a week's last"),
        pytest.param(Period("week", week_starts=6), "2026-11-22", "2026-11-22 2026-11-29", id="or its first"),
        pytest.param(
            Period("quarter", year_starts=(2, 1)), "2026-01-31", "2025-11-01 2026-02-01", id="fiscal"
        ),
        pytest.param(
            Period("year", year_starts=(2, 1)), "2026-01-31", "2025-02-01 2026-02-01", id="fiscal year"
        ),
        pytest.param(Period("rolling", rolling_days=30), "2026-03-01", "2026-01-31 2026-03-02", id="rolling"),
    ],
)
def test_the_span_of_a_day(period, day, span):
    found = period.containing(date.fromisoformat(day))
    assert span in (f"{found.start} {found.end}", f"{found.days} days")


def test_a_fixed_period_is_there_or_not():
    fixed = Span(date(2026, 10, 5), date(2026, 10, 8))
    period = Period("fixed", fixed=fixed)
    inside = [day for day in range(1, 31) if period.containing(date(2026, 10, day)) == fixed]
    assert inside == [5, 6, 7]
    assert period.containing(date(2026, 10, 8)) is None
    assert period.before(fixed) is None


def test_days_and_buckets_are_the_same_thing():
    day = FIRST
    while day <= LAST:
        assert epoch(day) == midnight(day).timestamp()
        day += DAY


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        pytest.param("2026-11-01", "2026-11-23", "1–22 Nov", id="in a month"),
        pytest.param("2026-11-22", "2026-11-23", "22 Nov", id="a day"),
        pytest.param("2026-10-28", "2026-11-04", "28 Oct – 3 Nov", id="over a month's end"),
        pytest.param("2026-10-01", "2027-02-01", "2026-10-01 – 2027-01-31", id="over a year's end"),
    ],
)
def test_spans_as_people_read_them(start, end, words):
    assert show_span(Span(date.fromisoformat(start), date.fromisoformat(end))) == words


@pytest.mark.parametrize(
    ("period", "day", "name"),
    [
        pytest.param(Period("day"), "2026-11-22", "22 Nov", id="day"),
        pytest.param(Period("week"), "2026-11-22", "the week of 16 Nov", id="week"),
        pytest.param(Period("month"), "2026-11-22", "November", id="month"),
        pytest.param(Period("quarter"), "2026-11-22", "Q4 2026", id="quarter"),
        pytest.param(
            Period("quarter", year_starts=(2, 1)), "2026-11-22", "the quarter from 1 Nov", id="fiscal quarter"
        ),
        pytest.param(Period("year"), "2026-11-22", "2026", id="year"),
        pytest.param(
            Period("year", year_starts=(2, 1)), "2026-11-22", "the year from 1 Feb 2026", id="fiscal year"
        ),
        pytest.param(Period("rolling", rolling_days=30), "2026-11-22", "the last 30 days", id="rolling"),
    ],
)
def test_what_people_call_a_period(period, day, name):
    assert period.name(period.containing(date.fromisoformat(day))) == name


def test_midnight_is_utc():
    assert midnight(date(2026, 3, 29)) == datetime(2026, 3, 29, tzinfo=UTC)
    assert Span(date(2026, 3, 29), date(2026, 3, 30)).ends_at - midnight(date(2026, 3, 29)) == timedelta(
        days=1
    )
