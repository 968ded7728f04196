"""The forecast: what is certain, what is likely, and that no history makes it stumble."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.forecast import UNPROVEN, Forecast, Needs, Pace, raised
from bot.core.money import NANO
from bot.core.period import DAY, Period, Span

MONTH = Period("month")
OFFICE = (100, 100, 100, 100, 100, 20, 10)
NOVEMBER = Span(date(2026, 11, 1), date(2026, 12, 1))


def dollars(*values):
    return [round(value * NANO) for value in values]


def office(days, factor=1.0):
    """2026-08-31 is a Monday: weeks of $530."""
    return dollars(*(OFFICE[day % 7] * factor for day in range(days)))


MONDAY = date(2026, 8, 31)


def test_a_steady_office_is_forecast_to_the_dollar():
    days = office(62 + 10)  # settled up to 10 November
    found = Pace(MONDAY, days).forecast(NOVEMBER)
    whole = sum(office(62 + 30)[62:])
    assert found.settled_until == date(2026, 11, 11)
    assert found.certain == sum(days[62:])
    assert found.total == pytest.approx(whole, rel=0.03)
    assert found.low < found.total < found.high
    assert found.origins >= 4
    assert found.past_error < 0.05


def test_what_was_seen_today_is_a_floor_and_a_credit_is_taken_off():
    pace = Pace(MONDAY, office(72))
    plain = pace.forecast(NOVEMBER)
    runaway = pace.forecast(NOVEMBER, seen=dollars(0, 5_000))
    credited = pace.forecast(NOVEMBER, seen=dollars(-400))
    assert pace.forecast(NOVEMBER, seen=dollars(1)).total == plain.total  # more is still to come today
    assert runaway.total > plain.total + 4_800 * NANO
    assert runaway.low >= runaway.certain >= 5_000 * NANO
    assert credited.total == plain.total - 400 * NANO


@pytest.mark.parametrize(
    ("zeros", "days", "until", "answer"),
    [
        pytest.param(0, 13, date(2026, 10, 1), Needs("history", 13), id="13 days before the month"),
        pytest.param(0, 14, date(2026, 10, 1), None, id="14 days are enough"),
        pytest.param(0, 4, date(2026, 11, 5), Needs("history", 4), id="4 of the period"),
        pytest.param(0, 5, date(2026, 11, 6), None, id="5 of the period are enough"),
        pytest.param(90, 4, date(2026, 11, 20), Needs("history", 4), id="a launch begins its own history"),
        pytest.param(90, 5, date(2026, 11, 20), None, id="five days after a launch in the period"),
    ],
)
def test_what_a_forecast_needs(zeros, days, until, answer):
    first = until - timedelta(days=days + zeros)
    pace = Pace(first, [0] * zeros + dollars(*[50] * days))
    found = pace.forecast(MONTH.containing(until))
    if answer:
        assert found == answer
    else:
        assert found.sigma == UNPROVEN
        assert found.past_error is None


def test_a_day_has_no_forecast():
    assert Pace(MONDAY, office(72)).forecast(Span(date(2026, 11, 11), date(2026, 11, 12))) == Needs("day")


def test_nothing_ever_spent_is_forecast_as_nothing():
    found = Pace(MONDAY, [0] * 72).forecast(NOVEMBER)
    assert (found.total, found.low, found.high) == (0, 0, 0)
    assert found.probability_over(1) == 0.0
    assert found.probability_over(0) == 1.0


def test_a_period_that_is_over_is_certain():
    found = Pace(MONDAY, office(120)).forecast(NOVEMBER)
    assert found.total == found.low == found.high == found.certain == sum(office(92)[62:])
    assert found.probability_over(found.total) == 1.0
    assert found.probability_over(found.total + 1) == 0.0


def test_the_past_is_seen_as_it_was():
    days = office(92)
    whole, then = Pace(MONDAY, days), Pace(MONDAY, days[:72])
    assert whole.forecast(NOVEMBER, until=date(2026, 11, 11)) == then.forecast(NOVEMBER)
    assert whole.probabilities(NOVEMBER, 2_000 * NANO)[:10] == then.probabilities(NOVEMBER, 2_000 * NANO)


def test_the_alert_stands_after_two_days_and_falls_after_two():
    assert not raised([0.9])
    assert not raised([0.9, 0.7, 0.9])
    assert raised([0.1, 0.8, 0.8])
    assert raised([0.9, 0.9, 0.3, 0.6, 0.3])  # never two days in a row below 50%
    assert raised([0.9, 0.9, 0.5, 0.5])
    assert not raised([0.9, 0.9, 0.49, 0.49])
    assert raised([0.6, 0.6], confidence=0.6)


@pytest.mark.parametrize(
    ("amount", "seen", "now", "at"),
    [
        pytest.param(50, (), None, "2026-11-01T12:00", id="half of the first settled day"),
        pytest.param(250, (), None, "2026-11-03T12:00", id="a settled day"),
        pytest.param(1_150, (), None, "2026-11-12T12:00", id="a day to come"),
        pytest.param(1_050, (100,), "2026-11-11T12:00", "2026-11-11T06:00", id="passed this morning"),
        pytest.param(1_075, (50,), "2026-11-11T12:00", "2026-11-11T18:00", id="this evening"),
        pytest.param(1_025, (0,), "2026-11-11T12:00", "2026-11-11T15:00", id="never before now"),
        pytest.param(3_001, (), None, None, id="not in this period"),
        pytest.param(0, (), None, "2026-11-01T00:00", id="nothing is always reached"),
    ],
)
def test_when_an_amount_is_reached(amount, seen, now, at):
    pace = Pace(MONDAY, dollars(*[100] * 72))
    found = pace.crosses(NOVEMBER, amount * NANO, dollars(*seen), now and datetime.fromisoformat(now + "Z"))
    wanted = at and datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert found is wanted or abs(found - wanted) < timedelta(seconds=1)


def test_days_without_rows_cost_nothing_and_the_order_of_reading_is_no_matter():
    span = Span(MONDAY, MONDAY + timedelta(days=72))
    read = {MONDAY + timedelta(days=n): value for n, value in enumerate(office(72)) if n % 5}
    again = dict(reversed(read.items())) | dict(list(read.items())[10:20])
    listed = [0 if n % 5 == 0 else value for n, value in enumerate(office(72))]
    assert Pace.of(read, span).forecast(NOVEMBER) == Pace.of(again, span).forecast(NOVEMBER)
    assert Pace.of(read, span).forecast(NOVEMBER) == Pace(MONDAY, listed).forecast(NOVEMBER)


def test_every_day_of_nine_years_has_a_forecast():
    day, last = date(2024, 1, 1), date(2032, 12, 31)
    history = office(20)
    while day <= last:
        pace = Pace(day - timedelta(days=20), history)
        for period in (MONTH, Period("quarter", year_starts=(2, 1))):
            found = pace.forecast(period.containing(day), seen=dollars(3))
            assert isinstance(found, Forecast)
            assert found.total >= found.certain
        day += DAY


amounts = st.one_of(
    st.just(0),
    st.integers(0, 3),
    st.integers(0, 10**12),
    st.integers(-(10**12), 10**12),
    st.integers(0, 2**62),
)
histories = st.lists(amounts, max_size=90)
floors = st.lists(amounts, max_size=4)
spans = st.builds(
    lambda start, days: Span(MONDAY + timedelta(days=start), MONDAY + timedelta(days=start + days)),
    st.integers(-40, 100),
    st.integers(1, 100),
)


@given(histories, floors, spans, st.integers(-(10**12), 2**63))
@settings(max_examples=150, deadline=None)
def test_no_history_makes_it_stumble(days, seen, period, amount):
    pace = Pace(MONDAY, days)
    found = pace.forecast(period, seen)
    if isinstance(found, Forecast):
        assert found.low <= found.total <= found.high
        assert found.certain <= found.high
        assert 0 <= found.probability_over(amount) <= 1
    pace.probabilities(period, amount)
    crossing = pace.crosses(period, amount, seen, datetime(2026, 11, 11, 9, tzinfo=UTC))
    assert crossing is None or isinstance(crossing, datetime)


@given(
    st.lists(st.integers(0, 10**12), min_size=14, max_size=90), st.lists(st.integers(0, 10**12), max_size=3)
)
@settings(max_examples=60, deadline=None)
def test_the_total_is_never_below_what_is_certain(days, seen):
    pace = Pace(MONDAY, days)
    period = MONTH.containing(pace.settled_until)
    found = pace.forecast(period, seen)
    if isinstance(found, Forecast):
        ahead = seen[: (period.end - pace.settled_until).days]
        assert found.certain == pace.settled_of(period) + sum(ahead)
        assert found.total >= found.low >= found.certain


@given(
    st.lists(st.integers(10**6, 10**12), min_size=30, max_size=90),
    st.lists(st.integers(0, 10**14), min_size=2, max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_a_higher_amount_is_never_more_likely(days, ats):
    pace = Pace(MONDAY, days)
    found = pace.forecast(MONTH.containing(pace.settled_until))
    likely = [found.probability_over(at) for at in sorted(ats)]
    assert likely == sorted(likely, reverse=True)


@given(st.lists(st.integers(0, 10**9), min_size=20, max_size=90), st.sampled_from([2, 7, 1000, 10**6]))
@settings(max_examples=60, deadline=None)
def test_a_larger_unit_changes_nothing_else(days, factor):
    period = MONTH.containing(MONDAY + timedelta(days=len(days)))
    small = Pace(MONDAY, days).forecast(period)
    large = Pace(MONDAY, [value * factor for value in days]).forecast(period)
    if isinstance(small, Needs):
        assert small == large
        return
    assert large.sigma == pytest.approx(small.sigma, rel=1e-6)
    for one, other in ((small.total, large.total), (small.low, large.low), (small.high, large.high)):
        assert other == pytest.approx(one * factor, rel=1e-6, abs=factor)
