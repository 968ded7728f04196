"""Hard limits: what is not known is not nothing, and when the running month reaches one."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.forecast import Pace
from bot.core.limits import UNKNOWN, CutOff, Limit, Limits, cut_off, running_month
from bot.core.money import NANO
from bot.core.period import DAY, Span

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
READ = datetime(2026, 11, 11, 11, 30, tzinfo=UTC)


def usd(amount):
    return round(amount * NANO)


def limit(dollars, **more):
    return Limit("set", usd(dollars), read_at=READ, **more)


def steady(until=date(2026, 11, 10), days=60, a_day=100):
    """$100 a day, settled up to `until`."""
    return Pace(until - days * DAY, [usd(a_day)] * days)


def test_what_was_never_read_is_unknown_and_not_none():
    assert Limits().of("proj_1") == Limits().of("") == UNKNOWN
    assert UNKNOWN.status == "unknown"
    assert UNKNOWN.amount is None
    assert UNKNOWN.why


def test_a_project_has_its_own_limit_and_the_organization_its_own():
    limits = Limits(limit(9_000), {"proj_1": limit(100), "proj_2": Limit("none", read_at=READ)})
    assert limits.of("").amount == usd(9_000)
    assert limits.of("proj_1").amount == usd(100)
    assert limits.of("proj_2").status == "none"
    assert limits.of("proj_3") is UNKNOWN  # neither the organization's nor none


@pytest.mark.parametrize(
    ("now", "month"),
    [
        pytest.param(NOON, Span(date(2026, 11, 1), date(2026, 12, 1)), id="in the middle"),
        pytest.param(
            datetime(2026, 11, 1, tzinfo=UTC), Span(date(2026, 11, 1), date(2026, 12, 1)), id="first instant"
        ),
        pytest.param(
            datetime.fromisoformat("2026-11-30T23:30:00-08:00"),
            Span(date(2026, 12, 1), date(2027, 1, 1)),
            id="days are UTC days",
        ),
    ],
)
def test_a_limit_counts_the_calendar_month(now, month):
    assert running_month(now) == month


@pytest.mark.parametrize("known", [Limit("none", read_at=READ), UNKNOWN, Limit("unknown", why="refused")])
def test_without_a_limit_that_is_known_there_is_no_cut_off(known):
    assert cut_off(known, steady(), [], NOON) is None


@pytest.mark.parametrize(
    ("dollars", "seen", "at"),
    [
        # 9 settled days of $100, $100 seen of the 10th, $50 of the 11th by noon
        pytest.param(2_000, (100, 50), datetime(2026, 11, 21, tzinfo=UTC), id="at the pace"),
        pytest.param(2_050, (100, 50), datetime(2026, 11, 21, 12, tzinfo=UTC), id="within a day"),
        pytest.param(1_075, (100, 50), datetime(2026, 11, 11, 18, tzinfo=UTC), id="this evening"),
        pytest.param(3_000, (100, 50), datetime(2026, 12, 1, tzinfo=UTC), id="with the month's last instant"),
        pytest.param(3_000.01, (100, 50), None, id="a cent above what the month comes to"),
        pytest.param(500, (100, 50), datetime(2026, 11, 6, tzinfo=UTC), id="reached on a settled day"),
        pytest.param(1_025, (100, 50), datetime(2026, 11, 11, 6, tzinfo=UTC), id="reached this morning"),
        pytest.param(4_000, (100, 3_500), datetime(2026, 11, 11, 10, 17, 8, 571428, tzinfo=UTC), id="a runaway"),
    ],
)  # fmt: skip
def test_when_openai_cuts_off(dollars, seen, at):
    found = cut_off(limit(dollars), steady(), [usd(each) for each in seen], NOON)
    assert found.limit == usd(dollars)
    assert not found.enforcing
    if at is None:
        assert found.at is None
    else:
        assert abs(found.at - at) < timedelta(seconds=1)


def test_what_is_enforced_is_said_whatever_the_costs_know():
    found = cut_off(limit(3_100, enforcing=True), steady(), [usd(100)], NOON)
    assert found.enforcing
    assert found.at is None


def test_a_new_month_begins_from_nothing_although_the_last_days_of_the_old_one_are_not_settled():
    first = datetime(2026, 12, 1, 6, tzinfo=UTC)
    pace = steady(until=date(2026, 11, 30))
    found = cut_off(limit(2_000), pace, [usd(9_000), usd(25)], first)
    assert found.at == datetime(2026, 12, 21, tzinfo=UTC)
    young = Pace(date(2026, 11, 29), [usd(100)])
    assert cut_off(limit(2_000), young, [usd(9_000), usd(25)], first).at is None


def test_too_little_history_foresees_nothing_but_knows_what_is_reached():
    young = Pace(date(2026, 11, 8), [usd(100), usd(100)])
    assert young.needs(running_month(NOON)) is not None
    assert cut_off(limit(1_000), young, [usd(100)], NOON).at is None
    assert cut_off(limit(300), young, [usd(100)], NOON).at == NOON


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        pytest.param(NOON + timedelta(days=3), True, id="to the instant"),
        pytest.param(NOON + timedelta(days=3, seconds=1), False, id="later"),
        pytest.param(NOON - timedelta(days=2), True, id="reached"),
        pytest.param(None, False, id="not at this pace"),
    ],
)
def test_a_cut_off_within_days(at, holds):
    assert CutOff(at, usd(1), enforcing=False).within(timedelta(days=3), NOON) is holds
