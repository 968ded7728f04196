"""The month's close: what was foretold in its middle, against what it came to."""

import json
from datetime import date, timedelta

import pytest

from bot.core.forecast import Pace
from bot.core.hindsight import Hindsight, looked, usual_error
from bot.core.period import DAY, Span
from bot.core.rules.select import Scope
from bot.core.spend import Spend
from bot.render.announcements import close
from bot.render.drawn import draw
from tests.replaying import DOLLAR, NAMES
from tests.spending import BOOK, SERIES, golden, number
from tests.standins.slack_rules import check_message
from tests.world import LABS, SEARCH, world

OCTOBER = Span(date(2026, 10, 1), date(2026, 11, 1))
EACH = Scope(each=("project",))


def daily(rows, first, last):
    days = [first + n * DAY for n in range((last - first).days + 1)]
    stretches = [{key: value for (day, key), value in rows.items() if day == each} for each in days[:-1]]
    return Spend(days, stretches, SERIES, NAMES, BOOK, history_from=first)


def test_it_knows_no_more_than_was_settled_in_the_middle():
    search = number("proj_search", "gpt-5.2, input")
    rows = {(date(2026, 7, 1) + n * DAY, search): (40 + n % 7) * DOLLAR for n in range(123)}
    late = {
        (day, key): value * 3 if day >= date(2026, 10, 16) else value for (day, key), value in rows.items()
    }
    found = [
        Hindsight(daily(given, date(2026, 7, 1), date(2026, 11, 1)), OCTOBER).of(EACH, ("proj_search",))
        for given in (rows, late)
    ]
    assert found[0] == found[1]
    settled = [rows[date(2026, 7, 1) + n * DAY, search] for n in range(107)]
    assert found[0] == Pace(date(2026, 7, 1), settled).forecast(OCTOBER).total
    assert looked(OCTOBER).end == date(2026, 10, 16)


@pytest.mark.parametrize(
    ("first", "group"),
    [
        pytest.param(date(2026, 10, 20), ("proj_search",), id="began-in-the-second-half"),
        pytest.param(date(2026, 10, 12), ("proj_search",), id="four-days-old"),
        pytest.param(date(2026, 9, 1), ("(other)",), id="the-others-together"),
        pytest.param(date(2026, 9, 1), ("proj_labs",), id="nothing-spent"),
    ],
)
def test_what_nobody_could_have_known_is_not_made_up(first, group):
    rows = {(first + n * DAY, number("proj_search")): DOLLAR for n in range(60)}
    assert Hindsight(daily(rows, date(2026, 8, 1), date(2026, 10, 16)), OCTOBER).of(EACH, group) is None


def test_the_usual_error_is_the_median():
    assert usual_error([(110, 100), (80, 100), (101, 100)]) == pytest.approx(0.1)
    assert usual_error([(5, 0)]) is None


BODY = {
    "month": "October 2026",
    "rules": 1,
    "as_of": "2026-11-02T12:05:00+00:00",
    "foretold_until": "2026-10-16",
}
SEVERAL = {
    **BODY,
    "rows": [
        ["search-prod", 12_400 * DOLLAR, 12_000 * DOLLAR, 11_904 * DOLLAR],
        ["labs", 480 * DOLLAR, 500 * DOLLAR, 527 * DOLLAR],
        ["exact", 100 * DOLLAR, 500 * DOLLAR, 100 * DOLLAR],
        ["new", 20 * DOLLAR, 500 * DOLLAR, None],
        ["quiet", 0, 500 * DOLLAR, 0],
    ],
    "foretold_error": 0.04,
}
CLOSES = {
    "several": SEVERAL,
    "one": {**BODY, "rows": [SEVERAL["rows"][0]], "foretold_error": 0.04},
    "totals": {
        "month": "October 2026", "total": 12_900 * DOLLAR, "projects": [["search-prod", 12_900 * DOLLAR]],
        "as_of": "", "foretold_until": "2026-10-16", "foretold": 12_771 * DOLLAR,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSES)
def test_the_close_sets_forecast_against_actual(name):
    message = close(CLOSES[name])
    check_message(message)
    golden(f"close_foretold_{name}.json", json.dumps(message, ensure_ascii=False, indent=1))


def test_a_message_of_an_earlier_version_is_told_as_it_was():
    old = close({**BODY, "rows": [row[:3] for row in SEVERAL["rows"]]})
    assert "Foretold" not in draw("x", old)
    mixed = close({**BODY, "rows": [SEVERAL["rows"][0], SEVERAL["rows"][1][:3]]})
    check_message(mixed)
    assert "Foretold on 16 Oct" in draw("x", mixed)


RULES = """
version: 1
rules:
  - {id: m, kind: budget, select: {}, each: project, period: month, amount: 100, thresholds: [100%]}
"""


@pytest.mark.parametrize("extra", ["", ", forecast 90%"], ids=["its-own-scan", "days-that-rules-asked-for"])
def test_the_close_of_a_real_month_says_what_was_foretold(tmp_path, extra):
    with world(tmp_path) as built:
        for n in range(63):
            built.ledger.cost(date(2026, 8, 30) + timedelta(days=n), SEARCH, "gpt-5.2, input", "10")
            built.ledger.cost(date(2026, 8, 30) + timedelta(days=n), LABS, "gpt-5.2, input", "1")
        built.rules(RULES.replace("[100%]", f"[100%{extra}]"))
        built.poll("2026-10-20 12:00")
        built.poll("2026-11-02 12:05")
        (told,) = [post for post in built.posts if "is closed" in post.text]
        drawn = draw("x", {"text": told.text, "blocks": told.blocks})
    search = next(line for line in drawn.splitlines() if line.startswith("search-prod"))
    assert search.split("  ")[-1].strip() == "$310 (±0%)"
    assert "The forecasts of 16 Oct were off by under 1%" in drawn
