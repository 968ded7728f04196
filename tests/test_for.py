"""`for` on a budget: on so many days in a row its level must stand before it speaks."""

from datetime import timedelta

import pytest

from tests.replaying import Story, book_of

DAILY = """
  - id: cap
    kind: budget
    select: {}
    each: project
    period: day
    amount: 100
    thresholds: [{at: 100%, severity: warning}, {at: 200%, severity: critical}]
    for: 3d
"""
MONTHLY = DAILY.replace("period: day", "period: month").replace("amount: 100", "amount: 1,000")


@pytest.mark.parametrize(
    ("rules", "days", "told"),
    [
        pytest.param(DAILY, "50 120 120 50 120", [], id="never-three-in-a-row"),
        pytest.param(DAILY, "50 120 130 140 50", [("04 00:00", "fired", "100%")], id="on-the-third-day"),
        pytest.param(
            DAILY,
            "50 120 230 240 250 50",
            [("04 00:00", "fired", "100%"), ("05 00:00", "raised", "200%")],
            id="each-level-by-itself",
        ),
        pytest.param(
            MONTHLY, "900 200 0 0 0", [("04 00:00", "fired", "100%")], id="two-days-after-it-was-reached"
        ),
    ],
)
@pytest.mark.parametrize("every", [1, 6], ids=["hourly", "six-hourly"])
def test_levels_that_must_hold(rules, days, told, every):
    story = Story(book_of(rules)).spend("2026-11-01", days)
    said = story.run("2026-11-01T00:00", "2026-11-06T00:00", timedelta(hours=every))
    assert [each for each in said if each[1] != "ended"] == told


def test_it_is_pending_before():
    story = Story(book_of(DAILY)).spend("2026-11-01", "50 120 120")
    story.run("2026-11-01T00:00", "2026-11-03T06:00")
    (newest,) = [found for found in story.replay.last.findings if found.span.start.day == 3] or [None]
    assert newest is None or newest.pending
    assert not story.replay.incidents
