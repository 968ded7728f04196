"""Months that are kept: they are what their days add up to, whatever is written or deleted, and when they are not kept."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from bot.core.effects import Billed
from bot.core.period import DAY, epoch
from bot.edge.store import facts, months, records
from bot.edge.store.billed import billed
from bot.edge.store.copying import copy
from bot.edge.store.retention import prune
from bot.edge.store.soundness import unsound
from bot.edge.store.store import Store
from tests.engines import database_url
from tests.test_facts import costs

FIRST, LAST = date(2026, 5, 20), date(2026, 9, 10)
LONG = (LAST - FIRST).days
NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
WHOLE = [date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1)]
ENDS = [FIRST, *WHOLE, date(2026, 9, 1), LAST]


@pytest.fixture(scope="module")
def database(tmp_path_factory, on_engine):
    with Store(database_url(tmp_path_factory.mktemp("months"))) as opened:
        yield opened


@pytest.fixture
def store(database):
    emptied(database)
    return database


def emptied(store):
    with store.writing() as tx:
        for table in ("cost_month", "cost_fact", "cost_history"):
            tx.exec_driver_sql(f"DELETE FROM {table}")
        records.keep(tx, [records.Stored("costs", since=FIRST, through=LAST)])


def write(store, rows, start=FIRST, days=LONG, minutes=0):
    with store.writing() as tx:
        return facts.store(tx, store.index, costs(rows, days, start), NOON + timedelta(minutes=minutes))


def kept(store):
    with store.reading() as tx:
        return sorted(
            {
                datetime.fromtimestamp(row[0], UTC).date()
                for row in tx.exec_driver_sql("SELECT bucket FROM cost_month")
            }
        )


def told(store, cuts, before=None):
    """What the store says of stretches: (sums, bills)."""
    with store.reading() as tx:
        return facts.sums(tx, cuts, before=before), billed(tx, cuts, before or date.max)


def added(store, cuts, before=None):
    """What the days add up to, one by one."""
    with store.reading() as tx:
        rows = tx.exec_driver_sql(
            "SELECT bucket, series_id, amount_nano, quantity_micro FROM cost_fact"
        ).fetchall()
    sums, bills = [], []
    for start, end in pairwise(cuts):
        amounts, some = {}, {}
        for bucket, series, amount, quantity in rows:
            if epoch(start) <= bucket < epoch(min(end, before or end)):
                amounts[series] = amounts.get(series, 0) + amount
                bare = abs(amount) if quantity is None else 0
                some[series] = some.get(series, Billed()) + Billed(amount, quantity or 0, bare)
        sums.append(amounts)
        bills.append(some)
    return sums, bills


values = st.one_of(
    st.integers(-5, 5), st.tuples(st.integers(-5, 5), st.one_of(st.none(), st.integers(0, 9_000_000)))
)
places = st.tuples(st.integers(0, LONG - 1), st.sampled_from(["", "a", "b"]))
days = st.dates(FIRST - 40 * DAY, LAST + 40 * DAY)
deeds = st.lists(
    st.one_of(
        st.tuples(
            st.just("write"), st.integers(0, LONG - 1), st.integers(1, LONG), st.dictionaries(places, values)
        ),
        st.just(("add up",)),
        st.tuples(st.just("prune"), st.dates(FIRST - DAY, LAST)),
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.dictionaries(places, values, max_size=30),
    deeds,
    st.lists(days, min_size=2, max_size=8, unique=True),
    st.none() | days,
)
def test_with_months_or_without_it_comes_to_the_same(database, bills, deeds, cuts, before):
    emptied(database)
    write(database, bills)
    cuts.sort()
    for minute, (what, *how) in enumerate((("add up",), *deeds, ("add up",)), 1):
        if what == "write":
            start, length, rows = how
            until = min(start + length, LONG)
            inside = {
                (day - start, name): value for (day, name), value in rows.items() if start <= day < until
            }
            write(database, inside, FIRST + start * DAY, until - start, minute)
        elif what == "prune":
            prune(database, how[0])
        else:
            months.add_up(database, LAST)
        for asked in (cuts, ENDS, [FIRST, LAST]):
            assert told(database, asked, before) == added(database, asked, before)
        assert unsound(database) == []


def test_what_is_kept_are_the_months_that_are_over_and_stored_from_their_first_day(store):
    write(store, {(day, "a"): 1 for day in range(LONG)})
    months.add_up(store, LAST)
    assert kept(store) == WHOLE


def test_a_year_reads_months_and_only_the_days_beside_them(store):
    write(store, {(day, "a"): 1 for day in range(LONG)})
    months.add_up(store, LAST)
    with store.writing() as tx:  # nobody writes like this: it shows which of the two is read
        tx.exec_driver_sql("UPDATE cost_month SET amount_nano = 1000")
    ((sums,), (bills,)) = told(store, [FIRST, LAST])
    assert list(sums.values()) == [3_000 + 12 + 9]
    assert [each.amount for each in bills.values()] == [3_021]
    with store.reading() as tx:
        (known,) = facts.sums(tx, [FIRST, LAST], known_at=NOON)
    assert list(known.values()) == [LONG], "what was known then is in the days alone"
    (sums,), _ = told(store, [FIRST, LAST], before=date(2026, 8, 31))
    assert list(sums.values()) == [2_000 + 12 + 30]


@pytest.mark.parametrize(
    ("day", "left"),
    [
        pytest.param(date(2026, 6, 30), WHOLE[1:], id="the last of a month"),
        pytest.param(date(2026, 7, 1), [WHOLE[0], WHOLE[2]], id="the first of a month"),
        pytest.param(date(2026, 9, 1), WHOLE, id="a month that is not over"),
    ],
)
def test_a_day_that_changes_takes_its_month_along_until_the_next_poll(store, day, left):
    write(store, {(n, "a"): 1 for n in range(LONG)})
    months.add_up(store, LAST)
    write(store, {(0, "a"): 1}, day, 1, minutes=1)
    assert kept(store) == WHOLE, "nothing changed"
    write(store, {(0, "a"): 5}, day, 1, minutes=2)
    assert kept(store) == left
    months.add_up(store, LAST)
    assert kept(store) == WHOLE


def test_a_write_that_fails_leaves_the_month_as_it_was(store):
    write(store, {(n, "a"): 1 for n in range(LONG)})
    months.add_up(store, LAST)

    def fail():
        with store.writing() as tx:
            facts.store(tx, store.index, costs({(0, "a"): 9}, 1, WHOLE[0]), NOON)
            raise RuntimeError("no power")

    with pytest.raises(RuntimeError, match="no power"):
        fail()
    assert kept(store) == WHOLE
    assert unsound(store) == []


def test_nothing_is_written_where_no_month_is_missing(store):
    write(store, {(20, "a"): 1, (50, "a"): 1})  # nothing in August
    months.add_up(store, LAST)
    assert kept(store) == WHOLE[:2]
    begun = []

    def began(connection):
        begun.append(connection.get_execution_options().get("writes", False))

    event.listen(store._engine, "begin", began)
    try:
        months.add_up(store, LAST)
    finally:
        event.remove(store._engine, "begin", began)
    assert begun == [False]


def test_a_month_that_does_not_equal_its_days_is_found(store):
    write(store, {(n, name): (1, 5) for n in range(LONG) for name in "ab"})
    months.add_up(store, LAST)
    with store.writing() as tx:
        tx.exec_driver_sql(f"UPDATE cost_month SET quantity_micro = 4 WHERE bucket = {epoch(WHOLE[1])}")
        tx.exec_driver_sql(f"UPDATE cost_fact SET amount_nano = 2 WHERE bucket = {epoch(WHOLE[2])}")
    assert unsound(store) == [
        "the month 2026-07 does not equal its days in 2 series",
        "the month 2026-08 does not equal its days in 2 series",
    ]


def test_a_copy_has_the_months_too(store, tmp_path):
    write(store, {(n, "a"): 1 for n in range(LONG)})
    months.add_up(store, LAST)
    with Store(database_url(tmp_path, name="copy")) as target:
        copy(store, target)
        assert kept(target) == WHOLE
        assert unsound(target) == []
        assert told(target, ENDS) == told(store, ENDS)


def test_cuts_at_the_end_of_time_are_none_of_a_month(store):
    write(store, {(n, "a"): 1 for n in range(LONG)})
    months.add_up(store, LAST)
    (sums,), _ = told(store, [FIRST, date.max])
    assert list(sums.values()) == [LONG]
