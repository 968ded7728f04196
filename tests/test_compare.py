"""`compare`: rows add up to the totals of both ranges, and nothing is compared with a hole."""

import csv
import io
import json
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.compared import compare, drawn, ranges
from bot.core.dimension import Series
from bot.core.period import Span
from bot.core.spend import Names
from bot.core.verbs import COST_KEYS
from bot.render.replies import reply
from bot.render.terminal import shell
from tests.spending import DOLLAR, SERIES, TODAY, ago, answered, asked, golden, number, scan
from tests.test_alerts import HOSTILE
from tests.test_replies import accepted, buttons, cells

BYS = [*((one,) for one in COST_KEYS), *combinations(COST_KEYS, 2)]
RANGES = ("mtd", "yesterday", "7d", "last-month", "mtd vs=last-month", "7d vs=2026-10", "last-week vs=mtd")
SPENT = [
    *((ago(n), number("proj_search", "gpt-5.2, input"), (400 + n) * DOLLAR) for n in range(60)),
    *((ago(n), number("proj_search", "gpt-5.2, output"), 91 * DOLLAR) for n in range(0, 60, 3)),
    *((ago(n), number("proj_labs", "web search tool calls", "key_1"), 12_340_000_000) for n in range(60)),
    *((ago(n), number("proj_new", "gpt-image-2 image, output"), 4_200_000) for n in (2, 3)),
    *((ago(n), number("", "gpt-5.2, input"), 30 * DOLLAR) for n in range(40, 50)),
]
rows = st.lists(
    st.tuples(st.integers(0, 99).map(ago), st.sampled_from(sorted(SERIES)), st.integers(-(10**12), 10**15)),
    max_size=40,
)


def compared(words, table=SPENT, **known):
    query = asked(words)
    return compare(query, scan(table, ranges(query), **known), TODAY)


@settings(deadline=None)
@given(
    rows,
    st.sampled_from(BYS),
    st.sampled_from(RANGES),
    st.sampled_from(("", "project!=labs", "model=gpt-5.2")),
)
def test_rows_add_up_to_what_reports_say_of_both_ranges(table, by, words, only):
    answer = compared(f"compare {words} by {','.join(by)} {only}", table)
    for span, total, amounts in (
        (answer.span, answer.total.amount, [row.amount for row in answer.rows]),
        (answer.versus, answer.total.before, [row.before for row in answer.rows]),
    ):
        assert total == answered(f"report {span.start}..{span.last} {only}", table).total
        assert sum(amounts) == total
    assert sum(row.change for row in answer.rows) == answer.total.change
    assert answer.total.change == answer.total.amount - answer.total.before
    assert all(row.change == row.amount - row.before for row in answer.rows)
    assert len({row.group for row in answer.rows}) == len(answer.rows)


@settings(deadline=None)
@given(rows, st.integers(1, 30))
def test_the_largest_changes_come_first_and_the_others_are_added_up(table, most):
    answer = compared("compare qtd by line_item,project", table)
    sizes = [abs(row.change) for row in answer.rows]
    assert sizes == sorted(sizes, reverse=True)
    short = answer.fewer(most)
    told = [*short.rows, *([short.rest] if short.rest else [])]
    assert len(short.rows) + short.others == len(answer.rows)
    for figure in ("amount", "before", "change"):
        assert sum(getattr(row, figure) for row in told) == getattr(answer.total, figure)


@pytest.mark.parametrize(
    ("words", "span", "versus"),
    [
        pytest.param("compare", (date(2026, 11, 1), date(2026, 11, 23)), (date(2026, 10, 1), date(2026, 10, 23)), id="the same days of last month"),
        pytest.param("compare 7d", (ago(6), ago(-1)), (ago(13), ago(6)), id="as many days before"),
        pytest.param("compare 7d vs=2026-11-01..2026-11-07", (ago(6), ago(-1)), (date(2026, 11, 1), date(2026, 11, 8)), id="those that are named"),
        pytest.param("compare last-month", (date(2026, 10, 1), date(2026, 11, 1)), (date(2026, 9, 1), date(2026, 10, 1)), id="the month before"),
    ],
)  # fmt: skip
def test_which_days_are_compared(words, span, versus):
    answer = compared(words)
    assert (answer.span, answer.versus) == (Span(*span), Span(*versus))
    assert answer.by == ("project",)


def test_newcomers_and_goners_are_marked():
    marks = {row.names[0]: row.mark for row in compared("compare mtd").rows}
    assert marks == {"search-prod": "", "labs": "", "proj_new": "new", "(no project)": "gone"}


@pytest.mark.parametrize(
    ("words", "known", "amount", "before", "note"),
    [
        pytest.param(
            "compare 2026-11-01..2026-11-10", {"history_from": date(2026, 10, 25)}, True, True,
            "Costs are stored from 2026-10-25 on: earlier days are missing; budgetbot sync --since 2026-10-22 fetches them.",
            id="a hole in the range before",
        ),
        pytest.param(
            "compare 2026-11-01..2026-11-10", {"history_from": date(2026, 11, 5)}, True, False,
            "Costs are stored from 2026-11-05 on: earlier days are missing; budgetbot sync --since 2026-10-22 fetches them.",
            id="nothing of the range before",
        ),
        pytest.param(
            "compare 7d vs=2026-11-01..2026-11-07", {"as_of": datetime(2026, 11, 20, 8, 30, tzinfo=UTC)}, True, True,
            "Costs were last read on 20 Nov at 08:30 UTC: what was spent since is missing.",
            id="not read up to now",
        ),
        pytest.param(
            "compare 2026-10 vs=7d", {"as_of": datetime(2026, 11, 10, 8, 30, tzinfo=UTC)}, True, False,
            "Costs were last read on 10 Nov at 08:30 UTC: what was spent since is missing.",
            id="the range it is compared with was not read",
        ),
    ],
)  # fmt: skip
def test_nothing_is_compared_with_a_hole(words, known, amount, before, note):
    answer = compared(words, **known)
    assert not answer.whole
    assert (answer.total.amount is not None, answer.total.before is not None) == (amount, before)
    assert answer.total.change is None
    assert {(row.change, row.mark) for row in answer.rows} == {(None, "")}
    assert answer.notes == (note,)
    drawn = shell(answer, "table", answer.query)
    assert "%" not in drawn.replace("change  %", "")
    assert "up" not in drawn.split("\n")[0].replace(" up to ", "")
    told = json.loads(shell(answer, "json", answer.query))
    assert not told["whole"]
    assert told["change"] is told["change_usd"] is None


@settings(deadline=None)
@given(rows)
def test_days_of_ranges_that_differ_in_length_are_averages(table):
    answer = compared("compare last-month by project", table)
    assert answer.by_day
    a_day, then = answer.daily(answer.total)
    assert a_day == round(Decimal(answer.total.amount) / 31)
    assert then == round(Decimal(answer.total.before) / 30)
    assert not compared("compare 7d").by_day


def told(words, **known):
    answer = compared(words, **known)
    return accepted(reply(answer, answer.query))


REPLIES = {
    "compare": lambda: told("compare"),
    "compare_two": lambda: told("compare last-month by line_item,project project!=zz public"),
    "compare_hole": lambda: told("compare mtd by model", history_from=date(2026, 10, 5)),
    "compare_none": lambda: told("compare", history_from=None, as_of=None),
    "compare_raw": lambda: told("compare 7d raw csv"),
}


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_replies_are_the_golden_ones(name):
    golden(f"reply_{name}.json", json.dumps(REPLIES[name](), indent=1, ensure_ascii=False))


def test_tables_are_the_golden_ones():
    forms = ("compare", "compare last-month by model", "compare 2026-11-01..2026-11-10 top=2 by line_item")
    drawn = [f"$ {words}\n{shell(compared(words), 'table', asked(words))}\n" for words in forms]
    hole = compared("compare mtd", history_from=date(2026, 10, 5))
    drawn.append(f"$ compare mtd, stored from 5 Oct\n{shell(hole, 'table', hole.query)}")
    golden("answer_compare.txt", "\n".join(drawn))


def test_machines_read_every_row_with_exact_amounts():
    answer = compared("compare mtd by project")
    told = json.loads(shell(answer, "json", answer.query))
    assert [row["project"] for row in told["rows"]] == [row.names[0] for row in answer.rows]
    assert sum(Decimal(row["cost_usd"]) for row in told["rows"]) == Decimal(told["total_usd"])
    assert sum(Decimal(row["before_usd"]) for row in told["rows"]) == Decimal(told["before_usd"])
    assert Decimal(told["total_usd"]) - Decimal(told["before_usd"]) == Decimal(told["change_usd"])
    read = list(csv.DictReader(io.StringIO(shell(answer, "csv", answer.query))))
    assert [row["change_usd"] for row in read] == [row["change_usd"] for row in told["rows"]]
    assert {row["project"]: row["mark"] for row in read}["proj_new"] == "new"


def test_a_pivot_keeps_the_ranges_and_sharing_asks_the_same_in_public():
    body = told("compare 7d vs=2026-11-01..2026-11-07 by model project=labs")
    asked_by = {each["text"]["text"]: each["value"].partition("|")[2] for each in buttons(body)}
    assert asked_by["By project"] == "compare 7d vs=2026-11-01..2026-11-07 by project project=labs"
    assert asked_by["Why"] == "why 7d vs=2026-11-01..2026-11-07 project=labs"
    assert asked_by["Share in channel"] == "compare 7d vs=2026-11-01..2026-11-07 by model project=labs public"
    assert "Share in channel" not in str(told("compare public"))


def test_a_chart_shows_what_moved_most_beside_what_it_was():
    answer = compared("compare mtd by line_item chart")
    chart = drawn(answer)
    assert chart.title == "What moved by line item, 1–22 Nov"
    moved = {row.names[0]: (row.before, row.amount) for row in answer.rows if row.change}
    assert dict(zip(chart.labels, zip(chart.earlier, chart.actual, strict=True), strict=True)) == moved
    assert chart.finding == "gpt-5.2, input is down $982 on 1–22 Oct, from $10,013 to $9,031."
    body = accepted(reply(replace(answer, chart=chart), answer.query))
    assert body["chart"]["kind"] == "bars"
    assert (
        "gpt-5.2, input" in shell(replace(answer, chart=chart), "table", answer.query).split("What moved")[1]
    )
    assert drawn(compared("compare mtd chart", history_from=date(2026, 10, 5))) is None
    assert drawn(compared("compare 7d chart", [])) is None


@pytest.mark.parametrize("name", [pytest.param(name, id=kind) for kind, name in HOSTILE.items()])
def test_hostile_names_stay_words(name):
    series = {n: Series(f"p{n}", name, f"k{n}") for n in range(120)}
    names = Names({(dimension, f"{dimension[0]}{n}"): name for dimension in ("project",) for n in range(120)})
    table = [(ago(n % 40), n, (n + 1) * DOLLAR) for n in range(120)]
    query = asked("compare mtd by project,line_item top=90")
    answer = compare(query, scan(table, ranges(query), series=series, names=names), TODAY)
    answer = replace(answer, chart=drawn(answer))
    body = accepted(reply(answer, query))
    table_told = cells(body)
    assert table_told[-1][0] == "Total"
    sums = defaultdict(float)
    for row in table_told[1:]:
        sums[row[0] == "Total"] += float(row[2].replace("$", "").replace(",", "").replace("−", "-"))
    assert sums[True] == pytest.approx(sums[False])
    for form in ("table", "json", "csv"):
        assert "\x1b" not in shell(answer, form, query)
