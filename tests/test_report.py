"""Reports add up, whatever is asked, and never pass a part off as the whole."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.period import Span
from bot.core.ranges import before
from bot.core.report import report, spans_needed
from bot.core.verbs import COST_KEYS, TIMES
from tests.spending import AS_OF, DOLLAR, SERIES, TODAY, ago, answered, asked, number, scan

BYS = [
    *((one,) for one in (*COST_KEYS, *TIMES)),
    *(pair for pair in combinations((*COST_KEYS, *TIMES), 2) if len(set(pair) & set(TIMES)) < 2),
]
FILTERS = (
    "project=search-prod",
    "project!=labs",
    "project~o",
    "project=*-*",
    'project="(no project)"',
    "model=gpt-5.2",
    'line_item="gpt-5.2, input"',
    "team=search",
    "api_key=ingest-worker",
    "api_key=key_1 model!=gpt-5.2",
)
RANGES = (
    "today",
    "mtd",
    "7d",
    "4w",
    "3m",
    "last-week",
    "last-month",
    "qtd",
    "2026-11-01..2026-11-20",
    "since 2026-09-30",
)

rows = st.lists(
    st.tuples(st.integers(0, 99).map(ago), st.sampled_from(sorted(SERIES)), st.integers(-(10**12), 10**15)),
    max_size=40,
)


@settings(deadline=None)
@given(rows, st.sampled_from(BYS), st.sampled_from(("", *FILTERS)), st.sampled_from(RANGES))
def test_rows_add_up_to_the_total_and_the_total_to_what_passes_the_filter(table, by, only, words):
    answer = answered(f"report {words} by {','.join(by)} {only}", table)
    assert sum(row.amount for row in answer.rows) == answer.total
    assert len({row.group for row in answer.rows}) == len(answer.rows)
    if not only:
        assert answer.total == sum(amount for day, _, amount in table if day in answer.span)
    for row in answer.rows:
        assert row.share == (row.amount / answer.total if answer.total else 0.0)
        assert len(row.group) == len(row.names) == len(by)


@settings(deadline=None)
@given(rows, st.sampled_from(BYS), st.integers(1, 100), st.integers(1, 40))
def test_what_is_shown_and_the_others_add_up_to_the_total(table, by, top, room):
    query = asked(f"report qtd by {','.join(by)} top={top}")
    answer = report(query, scan(table, spans_needed(query)), TODAY)
    count, amount = answer.others
    assert len(answer.shown) + count == len(answer.rows)
    assert sum(row.amount for row in answer.shown) + amount == answer.total
    assert [row.amount for row in answer.rows] == sorted((row.amount for row in answer.rows), reverse=True)
    for cut in (answer, replace(answer, query=replace(query, top=None))):
        short = cut.shortened(room)
        assert len(short.rows) <= room
        assert len(short.rows) + short.others == len(answer.rows)
        assert sum(row.amount for row in short.rows) + short.amount == answer.total


@settings(deadline=None)
@given(rows, st.sampled_from(FILTERS[:2] + FILTERS[5:8]))
def test_a_filter_and_its_opposite_split_the_total(table, only):
    key, value = only.replace("!=", "=").split("=", 1)
    inside = answered(f"report qtd by day {key}={value}", table)
    outside = answered(f"report qtd by day {key}!={value}", table)
    assert inside.total + outside.total == answered("report qtd by day", table).total


@settings(deadline=None)
@given(rows)
def test_days_are_the_sums_of_those_days(table):
    expected = defaultdict(int)
    for day, _, amount in table:
        expected[day] += amount
    answer = answered("report 30d by day", table)
    assert [row.group[0] for row in answer.rows] == [str(ago(n)) for n in range(29, -1, -1)]
    assert {row.group[0]: row.amount for row in answer.rows} == {
        str(ago(n)): expected[ago(n)] for n in range(30)
    }
    for row in answer.rows:
        assert answered(f"report {row.group[0]}", table).total == row.amount


@settings(deadline=None)
@given(rows, st.sampled_from(("week", "month")))
def test_weeks_and_months_are_the_sums_of_their_days_inside_the_range(table, unit):
    answer = answered(f"report 2026-09-16..2026-11-10 by {unit}", table)
    days = answered("report 2026-09-16..2026-11-10 by day", table)
    sums = defaultdict(int)
    for row in days.rows:
        day = date.fromisoformat(row.group[0])
        start = day - timedelta(days=day.weekday()) if unit == "week" else day
        sums[str(start) if unit == "week" else f"{day:%Y-%m}"] += row.amount
    assert {row.group[0]: row.amount for row in answer.rows} == sums


@settings(deadline=None)
@given(rows, st.sampled_from(RANGES), st.sampled_from(COST_KEYS))
def test_the_range_before_is_what_was_reported_of_it_then(table, words, by):
    answer = answered(f"report {words} by {by}", table)
    assert answer.compared == before(words, answer.span)
    earlier = answered(f"report {answer.compared.start}..{answer.compared.last} by {by}", table)
    assert answer.before == earlier.total
    known = {row.group: row.amount for row in earlier.rows}
    assert [row.before for row in answer.rows] == [known.get(row.group, 0) for row in answer.rows]


@pytest.mark.parametrize(
    ("words", "compared"),
    [
        pytest.param("mtd", Span(date(2026, 10, 1), date(2026, 10, 23)), id="the-same-days-of-last-month"),
        pytest.param("last-month", Span(date(2026, 9, 1), date(2026, 10, 1)), id="a-whole-month"),
        pytest.param("7d", Span(date(2026, 11, 9), date(2026, 11, 16)), id="as-many-days"),
        pytest.param("today", Span(date(2026, 11, 21), date(2026, 11, 22)), id="yesterday"),
        pytest.param("last-week", Span(date(2026, 11, 2), date(2026, 11, 9)), id="the-week-before"),
    ],
)
def test_what_a_range_is_compared_with(words, compared):
    assert answered(f"report {words}", []).compared == compared


# -- what is not stored is never told as nothing -----------------------------------------------------

SPENT = [(ago(n), number("proj_search", "gpt-5.2, input"), DOLLAR) for n in range(100)]


@pytest.mark.parametrize(
    ("words", "known", "stored", "note"),
    [
        pytest.param(
            "7d",
            {},
            Span(ago(6), ago(-1)),
            "Today (22 Nov) is not over: its costs are still coming in.",
            id="today",
        ),
        pytest.param(
            "yesterday",
            {},
            Span(ago(1), ago(0)),
            "21 Nov has not settled yet: its costs may still change.",
            id="yesterday",
        ),
        pytest.param(
            "2026-11-01..2026-11-10", {}, Span(date(2026, 11, 1), date(2026, 11, 11)), None, id="settled"
        ),
        pytest.param(
            "2026-11-01..2026-11-10",
            {"history_from": date(2026, 11, 5)},
            Span(date(2026, 11, 5), date(2026, 11, 11)),
            "Costs are stored from 2026-11-05 on: earlier days are missing; "
            "budgetbot sync --since 2026-11-01 fetches them.",
            id="begins-before-the-history",
        ),
        pytest.param(
            "2026-11-01..2026-11-10",
            {"history_from": date(2026, 11, 11)},
            None,
            "Costs are stored from 2026-11-11 on: these days are missing; "
            "budgetbot sync --since 2026-11-01 fetches them.",
            id="all-before-the-history",
        ),
        pytest.param(
            "7d",
            {"as_of": datetime(2026, 11, 20, 8, 30, tzinfo=UTC)},
            Span(ago(6), ago(1)),
            "Costs were last read on 20 Nov at 08:30 UTC: what was spent since is missing.",
            id="not-read-up-to-now",
        ),
        pytest.param(
            "7d",
            {"history_from": None, "as_of": None},
            None,
            "No costs are stored yet: the first poll fetches them.",
            id="nothing-stored",
        ),
    ],
)
def test_days_that_are_not_stored_are_said(words, known, stored, note):
    answer = answered(f"report {words} by day", SPENT, **known)
    assert answer.stored == stored
    assert list(answer.notes) == ([note] if note else [])


def test_a_day_nobody_read_is_no_row_and_a_quiet_day_is():
    spent = [(ago(3), number("proj_labs"), DOLLAR)]
    answer = answered(
        "report 7d by day", spent, history_from=ago(4), as_of=datetime(2026, 11, 20, 8, tzinfo=UTC)
    )
    assert [(row.group[0], row.amount) for row in answer.rows] == [
        (str(ago(4)), 0),
        (str(ago(3)), DOLLAR),
        (str(ago(2)), 0),
    ]


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"history_from": date(2026, 10, 2)}, id="earlier-range-not-stored"),
        pytest.param({"as_of": AS_OF - timedelta(days=2)}, id="this-range-not-read"),
    ],
)
def test_a_part_is_compared_with_nothing(known):
    answer = answered("report mtd", SPENT, **known)
    assert answer.before is None
    assert {row.before for row in answer.rows} == {None}
    assert answered("report mtd", SPENT).before == 22 * DOLLAR


@pytest.mark.parametrize(
    ("only", "note"),
    [
        pytest.param(
            "project=serach-prod", "“serach-prod” is no project; the closest is “search-prod”.", id="typo"
        ),
        pytest.param("project!=lab", "“lab” is no project; the closest is “labs”.", id="excluding-nothing"),
        pytest.param("project=zz-*", "“zz-*” is no project.", id="glob"),
        pytest.param(
            "model=gpt-5.3", "“gpt-5.3” is no model in these days; the closest is “gpt-5.2”.", id="model"
        ),
        pytest.param("project=quiet-one", None, id="known-and-quiet"),
        pytest.param('project=search-prod,"(no project)"', None, id="no-project-is-always-known"),
        pytest.param("team=search", None, id="team"),
    ],
)
def test_a_typo_in_a_filter_does_not_read_as_no_spend(only, note):
    answer = answered(f"report 2026-11-01..2026-11-10 {only}", SPENT)
    assert list(answer.notes) == ([note] if note else [])


def test_costs_without_keys_say_so():
    assert answered("report 2026-11-01..2026-11-10 by api_key", SPENT).notes == (
        "OpenAI does not tell these costs apart by API key.",
    )
    keyed = [*SPENT, (date(2026, 11, 3), number("proj_labs", "", "key_1"), 1)]
    assert answered("report 2026-11-01..2026-11-10 by api_key", keyed).notes == ()
