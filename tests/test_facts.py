"""Facts: written where they changed, kept as they were known, summed as of any instant."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readings import reading as read_as

from bot.core.period import epoch, midnight
from bot.edge.store import facts
from bot.edge.store.series_index import SeriesIndex
from bot.edge.store.store import Store
from tests.engines import database_url, written

FIRST = date(2026, 10, 1)
NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)


def costs(rows, days=3, start=FIRST, missing=()):
    """A reading of costs: (day number, project) → nano-dollars, or (nano-dollars, quantity)."""
    buckets = [epoch(start + timedelta(days=n)) for n in range(days) if n not in missing]
    filled = {
        (epoch(start + timedelta(days=day)), project, "line", ""): value
        if isinstance(value, tuple)
        else (value, None)
        for (day, project), value in rows.items()
    }
    return read_as(
        "costs",
        "1d",
        midnight(start),
        midnight(start + timedelta(days=days)),
        tuple(buckets),
        ("project_id", "line_item", "quantity_unit"),
        ("amount_nano", "quantity_micro"),
        filled,
        1,
    )


@pytest.fixture
def store(tmp_path):
    with Store(database_url(tmp_path)) as opened:
        yield opened


def keep(store, reading, now=NOON):
    with store.writing() as tx:
        return facts.store(tx, store.index, reading, now)


def rows(store, statement):
    with store.reading() as tx:
        return [tuple(row) for row in tx.exec_driver_sql(statement)]


def known(store, at=None, days=3):
    """What is known, or was known at an instant: (day number, project) → nano-dollars, zeros left out."""
    cuts = [FIRST + timedelta(days=n) for n in range(days + 1)]
    with store.reading() as tx:
        series, _ = store.index.refresh(tx)
        stretches = facts.sums(tx, cuts, known_at=at)
    return {
        (day, series[key].project_id): amount
        for day, stretch in enumerate(stretches)
        for key, amount in stretch.items()
        if amount
    }


def test_nothing_is_written_when_nothing_changed(store):
    reading = costs({(0, "a"): 5, (1, "a"): 7, (1, "b"): -3})
    assert keep(store, reading) == 3
    before = rows(store, "SELECT * FROM cost_fact")
    with store.writing() as tx:
        writes = written(tx)
        assert facts.store(tx, store.index, reading, NOON + timedelta(hours=1)) == 0
        assert written(tx) == writes
    assert rows(store, "SELECT * FROM cost_fact") == before
    assert rows(store, "SELECT * FROM cost_history") == []


def test_one_changed_row_is_one_row_written_and_one_kept(store):
    keep(store, costs({(0, "a"): 5, (1, "a"): 7}))
    with store.writing() as tx:
        writes = written(tx)
        later = NOON + timedelta(hours=1)
        assert facts.store(tx, store.index, costs({(0, "a"): 5, (1, "a"): 8}), later) == 1
        assert written(tx) == writes + 2
    bucket = epoch(FIRST + timedelta(days=1))
    seen, changed = int(NOON.timestamp()), int(later.timestamp())
    assert rows(store, "SELECT bucket, observed_at, replaced_at, amount_nano FROM cost_history") == [
        (bucket, seen, changed, 7)
    ]
    assert rows(store, f"SELECT observed_at, amount_nano FROM cost_fact WHERE bucket = {bucket}") == [
        (changed, 8)
    ]


def test_a_vanished_row_is_zero_and_was_something(store):
    keep(store, costs({(0, "a"): (5, 30_000_000), (0, "b"): 7}))
    later = NOON + timedelta(hours=1)
    assert keep(store, costs({(0, "b"): 7}), later) == 1
    assert rows(store, "SELECT amount_nano, quantity_micro FROM cost_history") == [(5, 30_000_000)]
    assert known(store) == {(0, "b"): 7}
    assert known(store, NOON) == {(0, "a"): 5, (0, "b"): 7}
    assert keep(store, costs({(0, "b"): 7}), later + timedelta(hours=1)) == 0


def test_a_bucket_that_was_not_answered_keeps_its_values(store):
    keep(store, costs({(1, "a"): 5, (2, "a"): 7}))
    assert keep(store, costs({(1, "a"): 5}, missing=(2,)), NOON + timedelta(hours=1)) == 0
    assert known(store) == {(1, "a"): 5, (2, "a"): 7}


def test_days_outside_the_reading_are_not_touched(store):
    keep(store, costs({(0, "a"): 5, (1, "a"): 6, (2, "a"): 7}))
    middle = costs({}, days=1, start=FIRST + timedelta(days=1))
    assert keep(store, middle, NOON + timedelta(hours=1)) == 1
    assert known(store) == {(0, "a"): 5, (2, "a"): 7}


def test_a_zero_that_was_never_anything_else_is_not_stored_and_a_free_quantity_is(store):
    assert keep(store, costs({(0, "a"): (0, None), (0, "b"): (0, 0), (0, "c"): (0, 30_000_000)})) == 1
    assert rows(store, "SELECT amount_nano, quantity_micro FROM cost_fact") == [(0, 30_000_000)]


def test_a_finer_grouping_takes_the_place_of_the_coarser_one(store):
    keep(store, costs({(0, "a"): 5}))
    bucket = epoch(FIRST)
    finer = read_as(
        "costs",
        "1d",
        midnight(FIRST),
        midnight(FIRST + timedelta(days=1)),
        (bucket,),
        ("project_id", "line_item", "api_key_id", "quantity_unit"),
        ("amount_nano", "quantity_micro"),
        {(bucket, "a", "line", "key_1", ""): (2, None), (bucket, "a", "line", "", ""): (3, None)},
        1,
    )
    assert keep(store, finer, NOON + timedelta(hours=1)) == 2
    with store.reading() as tx:
        (stretch,) = facts.sums(tx, (FIRST, FIRST + timedelta(days=1)))
    assert sum(stretch.values()) == 5


def test_the_same_second_says_it_again_and_the_last_word_counts(store):
    keep(store, costs({(0, "a"): 5}))
    keep(store, costs({(0, "a"): 6}), NOON + timedelta(microseconds=900))
    assert known(store) == known(store, NOON) == {(0, "a"): 6}
    assert rows(store, "SELECT * FROM cost_history") == []


def test_a_clock_that_stepped_back_loses_no_value_and_ends_none_before_it_began(store):
    keep(store, costs({(0, "a"): 5}))
    keep(store, costs({(0, "a"): 6}), NOON - timedelta(hours=1))
    keep(store, costs({(0, "a"): 7}), NOON - timedelta(minutes=50))
    keep(store, costs({(0, "a"): 8}), NOON + timedelta(hours=1))
    history = rows(
        store, "SELECT observed_at, replaced_at, amount_nano FROM cost_history ORDER BY observed_at"
    )
    assert [amount for _, _, amount in history] == [5, 6, 7]
    assert all(since < until for since, until, _ in history)
    assert all(one[1] == next_[0] for one, next_ in pairwise(history))
    assert known(store) == {(0, "a"): 8}
    assert known(store, NOON) == {(0, "a"): 5}


observations = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=4000),
        st.dictionaries(
            st.tuples(st.integers(0, 2), st.sampled_from(["", "a", "b"])), st.integers(-3, 3), max_size=6
        ),
        st.sets(st.integers(0, 2), max_size=2),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def emptied(on_engine, tmp_path_factory):
    """One database for all examples: opening one takes longer than all the rest."""
    with Store(database_url(tmp_path_factory.mktemp("facts"))) as opened:
        yield opened


@settings(max_examples=60, deadline=None)
@given(observations)
def test_what_was_known_at_an_instant_is_what_the_last_reading_up_to_it_said(emptied, story):
    """Any revisions in any order of the clock's seconds, unanswered days among them."""
    with emptied.writing() as tx:
        for table in ("cost_fact", "cost_history"):
            tx.exec_driver_sql(f"DELETE FROM {table}")
    state = {}
    seen = {}
    for second, said, unanswered in sorted(story, key=lambda one: one[0]):
        answered = {place: amount for place, amount in said.items() if place[0] not in unanswered}
        keep(emptied, costs(answered, missing=unanswered), NOON + timedelta(seconds=second))
        state = {place: amount for place, amount in state.items() if place[0] in unanswered} | answered
        state = {place: amount for place, amount in state.items() if amount}
        seen[second] = state
        again = costs(answered, missing=unanswered)
        assert keep(emptied, again, NOON + timedelta(seconds=second)) == 0
    assert known(emptied) == state
    for instant in {0, *seen, *(second + 1 for second in seen)}:
        last = max((second for second in seen if second <= instant), default=None)
        wanted = seen[last] if last is not None else {}
        assert known(emptied, NOON + timedelta(seconds=instant)) == wanted


def test_a_report_of_years_is_cut_by_the_day(store):
    keep(store, costs({(day, "a"): day + 1 for day in range(900)}, days=900))
    cuts = [FIRST + timedelta(days=day) for day in range(901)]
    with store.reading() as tx:
        for at in (None, NOON):
            stretches = facts.sums(tx, cuts, known_at=at)
            assert [sum(stretch.values()) for stretch in stretches] == list(range(1, 901))
        assert facts.sums(tx, cuts[:1]) == []


def usage(source, metrics, values, columns=("project_id",), group=("a",), width="1d"):
    bucket = epoch(FIRST)
    return read_as(
        source,
        width,
        midnight(FIRST),
        midnight(FIRST) + (timedelta(days=1) if width == "1d" else timedelta(hours=1)),
        (bucket,),
        columns,
        metrics,
        {(bucket, *group): values} if values is not None else {},
        1,
    )


def test_usage_keeps_unknown_apart_from_none_and_each_width_in_its_table(store):
    metrics = ("input_tokens", "input_cached_tokens", "num_model_requests")
    keep(store, usage("completions", metrics, (7, None, 0)))
    keep(store, usage("completions", metrics, (9, None, 1), width="1h"))
    columns = "input_tokens, input_cached_tokens, num_model_requests, usage_bytes"
    assert rows(store, f"SELECT {columns} FROM usage_day") == [(7, None, 0, None)]
    assert rows(store, f"SELECT {columns} FROM usage_hour") == [(9, None, 1, None)]


def test_one_source_that_vanishes_leaves_the_others_of_its_table(store):
    keep(store, usage("vector_stores", ("usage_bytes",), (100,)))
    keep(store, usage("embeddings", ("input_tokens", "num_model_requests"), (5, 1)))
    assert (
        keep(
            store,
            usage("embeddings", ("input_tokens", "num_model_requests"), None),
            NOON + timedelta(hours=1),
        )
        == 1
    )
    read = "SELECT s.source, u.usage_bytes, u.input_tokens, u.num_model_requests, u.images FROM usage_day u JOIN series s ON s.id = u.series_id ORDER BY 1"
    assert rows(store, read) == [("embeddings", None, 0, 0, None), ("vector_stores", 100, None, None, None)]
    assert rows(store, "SELECT input_tokens FROM usage_day_history") == [(5,)]


def test_a_transaction_that_failed_hands_out_no_series(store):
    class Killed(Exception):
        pass

    def half():
        with store.writing() as tx:
            facts.store(tx, store.index, costs({(0, "lost"): 5}), NOON)
            raise Killed

    with pytest.raises(Killed):
        half()
    keep(store, costs({(0, "other"): 1}))
    keep(store, costs({(0, "lost"): 2, (0, "other"): 1}))
    assert known(store) == {(0, "other"): 1, (0, "lost"): 2}


def test_another_process_may_add_series_too(store, tmp_path):
    keep(store, costs({(0, "a"): 5}))
    with Store(database_url(tmp_path)) as other:
        keep(other, costs({(0, "a"): 5, (0, "b"): 6}), NOON + timedelta(hours=1))
    keep(store, costs({(0, "a"): 5, (0, "b"): 6, (0, "c"): 7}), NOON + timedelta(hours=2))
    assert known(store) == {(0, "a"): 5, (0, "b"): 6, (0, "c"): 7}


def test_reports_read_while_a_poll_adds_series(store):
    """A report walks over the series it knows; a poll that adds some must not pull them from under it."""
    keep(store, costs({(0, f"p{n}"): 1 for n in range(50)}))
    with store.reading() as tx:
        held, _ = store.index.refresh(tx)
    walk = iter(held.items())
    next(walk)
    adding = threading.Thread(target=lambda: keep(store, costs({(0, f"q{n}"): 1 for n in range(50)})))
    adding.start()
    adding.join()
    store.index.forget()  # as after another thread's failed write
    assert len(list(walk)) == len(held) - 1
    with store.reading() as tx:
        assert len(store.index.refresh(tx)[0]) == 100


def test_an_index_that_is_told_to_forget_finds_everything_again(store):
    keep(store, costs({(0, "a"): 5, (1, "b"): 6}))
    store.index.forget()
    assert keep(store, costs({(0, "a"): 5, (1, "b"): 6}), NOON + timedelta(hours=1)) == 0
    assert rows(store, "SELECT COUNT(*) FROM series") == [(2,)]


def test_amounts_reach_the_ends_of_their_column(store):
    largest = 2**63 - 1
    keep(store, costs({(0, "a"): largest, (1, "a"): -largest}))
    assert known(store) == {(0, "a"): largest, (1, "a"): -largest}


def test_who_asks_about_a_past_day_is_not_told_of_those_after_it(store):
    keep(store, costs({(0, "a"): 5, (1, "a"): 6, (2, "a"): 7}))
    cuts = [FIRST, FIRST + timedelta(days=31)]
    with store.reading() as tx:
        (stretch,) = facts.sums(tx, cuts, before=FIRST + timedelta(days=2))
    assert list(stretch.values()) == [11]


@pytest.mark.parametrize("count", [1, 9, 700, 4_096, 4_700])
def test_as_many_rows_are_written_as_were_read_each_with_its_own_values(store, count):
    """In statements of many rows, which end where no day does; days differ, and each begins with nothing known."""
    told = {(day, f"p{n}"): (n - 7, n * day if n % 3 else None) for day in range(3) for n in range(count)}
    counted = {key: value for key, value in told.items() if any(value)}
    assert keep(store, costs(told)) == len(counted)
    found = rows(
        store,
        "SELECT f.bucket, s.project_id, f.amount_nano, f.quantity_micro FROM cost_fact f "
        "JOIN series s ON s.id = f.series_id",
    )
    first = epoch(FIRST)
    assert {((bucket - first) // 86_400, project): values for bucket, project, *values in found} == {
        key: list(value) for key, value in counted.items()
    }


def test_series_that_name_the_same_project_hold_its_name_once(store):
    keep(store, costs({(0, "a-project"): 5}))
    keep(store, replace(costs({(0, "a-project"): 5}), groups={0: ("a-project", "another line", "")}))
    with store.reading() as tx:
        series, _ = SeriesIndex().refresh(tx)
    one, other = series.values()
    assert one != other
    assert one.project_id is other.project_id
