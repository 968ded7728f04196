"""Quiet hours, over midnight, over weekends and over the nights in which clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.money import NANO
from bot.core.quiet import Quiet
from bot.core.rules.book import Digest, Escalation, Rulebook
from bot.edge.rule_files import load_texts

BERLIN = "Europe/Berlin"
NIGHTS = Quiet("nights", time(20), time(8))
WEEKENDS = Quiet("weekends", weekends=True)
BOTH = Quiet("both", time(20), time(8), weekends=True)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN))


@pytest.mark.parametrize(
    ("quiet", "now", "ends"),
    [
        pytest.param(NIGHTS, "2026-10-06 19:59", None, id="just before"),
        pytest.param(NIGHTS, "2026-10-06 20:00", "2026-10-07 08:00", id="from its first minute"),
        pytest.param(NIGHTS, "2026-10-07 02:00", "2026-10-07 08:00", id="after midnight"),
        pytest.param(NIGHTS, "2026-10-07 08:00", None, id="its end is loud"),
        pytest.param(NIGHTS, "2026-10-10 12:00", None, id="a saturday is a day"),
        pytest.param(WEEKENDS, "2026-10-10 00:00", "2026-10-12 00:00", id="weekend"),
        pytest.param(WEEKENDS, "2026-10-09 23:59", None, id="friday"),
        pytest.param(BOTH, "2026-10-09 21:00", "2026-10-12 08:00", id="friday night to monday morning"),
        pytest.param(BOTH, "2026-10-11 12:00", "2026-10-12 08:00", id="sunday"),
        pytest.param(NIGHTS, "2026-10-24 23:00", "2026-10-25 08:00", id="the night that has 13 hours"),
        pytest.param(NIGHTS, "2026-03-28 23:00", "2026-03-29 08:00", id="the night that has 11 hours"),
        pytest.param(
            Quiet("x", time(2, 30), time(5)), "2026-03-29 04:00", "2026-03-29 05:00", id="begins in the gap"
        ),
        pytest.param(
            Quiet("x", time(12), time(13)), "2026-10-06 12:30", "2026-10-06 13:00", id="within a day"
        ),
        pytest.param(Quiet("x"), "2026-10-06 12:30", None, id="never"),
    ],
)
def test_when_it_is_quiet_and_until_when(quiet, now, ends):
    assert quiet.until(BERLIN, berlin(now)) == (berlin(ends).astimezone(UTC) if ends else None)


@st.composite
def quiets(draw):
    minutes = st.integers(0, 24 * 60 - 1)
    begins, ends = draw(minutes), draw(minutes)
    hours = begins != ends
    return Quiet(
        "q",
        time(*divmod(begins, 60)) if hours else None,
        time(*divmod(ends, 60)) if hours else None,
        weekends=draw(st.booleans()),
    )


def by_the_clock(quiet, local):
    """Quiet by what a clock on the wall says."""
    if quiet.weekends and local.weekday() >= 5:
        return True
    if quiet.begins is None:
        return False
    at = local.time()
    if quiet.begins < quiet.ends:
        return quiet.begins <= at < quiet.ends
    return at >= quiet.begins or at < quiet.ends


@given(
    quiet=quiets(),
    zone=st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    minute=st.integers(0, 366 * 24 * 60),
)
def test_it_is_quiet_when_the_clock_on_the_wall_says_so(quiet, zone, minute):
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    local = now.astimezone(ZoneInfo(zone))
    ends = quiet.until(zone, now)
    changing = {(now + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in range(-6, 7)}
    if len(changing) == 1:
        assert (ends is not None) == by_the_clock(quiet, local)
    if ends is not None:
        assert now < ends <= now + timedelta(days=4)
        assert quiet.until(zone, ends) is None
        assert quiet.until(zone, ends - timedelta(microseconds=1)) == ends
        assert quiet.until(zone, now + (ends - now) / 2) == ends


BOOK = """
version: 1
defaults: {timezone: Europe/Berlin, freshness: {poll: 2h}}
routes:
  finops: {channel: "#ai-spend", quiet: nights, remind: 08:30, escalate: {after: 24h, to: exec}}
  exec: {user: "@boss", remind: never}
quiet:
  nights: {hours: 20:00-08:00, weekends: true, wake: $250}
  days: {hours: 12:00 – 13:00}
digests:
  - {id: weekly, schedule: "0 9 * * MON", report: "last-week by project", route: finops}
  - {id: daily, schedule: 0 9 * * *, report: yesterday}
rules: []
"""


def test_a_file_says_who_hears_what_when():
    book = load_texts({"rules.yaml": BOOK}).book
    assert book.quiets == {
        "nights": Quiet("nights", time(20), time(8), weekends=True, wake=250 * NANO),
        "days": Quiet("days", time(12), time(13), wake=500 * NANO),
    }
    finops, boss = book.routes["finops"], book.routes["exec"]
    assert (finops.channel, finops.quiet, finops.remind) == ("ai-spend", "nights", time(8, 30))
    assert finops.escalate == Escalation(timedelta(hours=24), "exec")
    assert (boss.user, boss.quiet, boss.remind, boss.escalate) == ("boss", "", None, None)
    assert book.digests == (
        Digest("weekly", "0 9 * * MON", "last-week by project", "finops"),
        Digest("daily", "0 9 * * *", "yesterday"),
    )
    assert (book.freshness_poll, book.freshness_data) == (timedelta(hours=2), Rulebook().freshness_data)
