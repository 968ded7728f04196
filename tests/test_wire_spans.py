"""A long span is read as windows, several at once: in order, bounded, and stopped cleanly."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
import stamina
from readings import rows_of
from wire_server import NOW, Reply, WireServer, bucket, cost, day, every_bucket, page

from bot.edge.openai import Ask, KeyRefused, NoAnswer
from bot.edge.openai.pace import LARGEST_PAGE, Pace
from bot.edge.openai.span import AHEAD, enough, read_windows

SPAN = Ask("costs", day(1) - timedelta(days=100), day(21))


def test_the_windows_tile_the_span_in_order_of_time():
    with WireServer(always=every_bucket) as server, server.client() as client:
        readings = list(client.read_span(SPAN, NOW))

    assert (readings[0].start, readings[-1].end) == (SPAN.start, SPAN.end)
    assert all(one.end == two.start for one, two in pairwise(readings))
    assert sum(len(reading.buckets) for reading in readings) == SPAN.length


def test_the_newest_may_come_first():
    with WireServer(always=every_bucket) as server, server.client() as client:
        readings = list(client.read_span(SPAN, NOW, newest_first=True))

    assert (readings[0].end, readings[-1].start) == (SPAN.end, SPAN.start)
    assert all(one.start == two.end for one, two in pairwise(readings))


def test_it_begins_with_the_apis_defaults_and_grows_to_its_maximum():
    hours = Ask("completions", day(1), day(21), "1h")
    with (
        WireServer(always=lambda asked: every_bucket(asked, seconds=width(asked))) as server,
        server.client() as client,
    ):
        by_day, by_hour = (
            [len(reading.buckets) for reading in client.read_span(ask, NOW, concurrency=1)]
            for ask in (SPAN, hours)
        )

    assert by_day == [7, 14, 28, 56, 15]
    assert by_hour == [24, 48, 96, 168, 144]


def width(asked):
    return {"1h": 3_600, "1d": 86_400}[asked.one("bucket_width")]


def test_pages_that_are_too_large_shrink_in_proportion_and_stay_below():
    padded = LARGEST_PAGE // 5

    with (
        WireServer(always=lambda asked: every_bucket(asked, size=padded)) as server,
        server.client() as client,
    ):
        readings = list(client.read_span(Ask("costs", day(1), day(21)), NOW, concurrency=1))

    assert [len(reading.buckets) for reading in readings][:3] == [7, 4, 4]
    assert max(len(reading.buckets) for reading in readings[1:]) <= 4


def test_a_limit_moves_once_however_many_pages_were_under_way():
    ask = Ask("costs", day(1), day(21))
    pace = Pace()
    for _ in range(4):
        pace.learn(ask, 7, LARGEST_PAGE * 2, full=True)
    assert pace.limit(ask) == 3
    for _ in range(4):
        pace.learn(ask, 3, 1_000, full=True)
    assert pace.limit(ask) == 6
    pace.learn(ask, 6, 1_000, full=False)
    assert pace.limit(ask) == 6

    pace.learn(ask, 1, LARGEST_PAGE * 9, full=True)
    assert pace.limit(ask) == 1
    for limit in (1, 2, 4, 8, 16, 32, 64, 128, 180):
        pace.learn(ask, limit, 1_000, full=True)
    assert pace.limit(ask) == 180


def test_what_one_grouping_teaches_is_not_held_against_another():
    pace = Pace()
    pace.learn(Ask("costs", day(1), day(8)), 7, LARGEST_PAGE + 1, full=True)
    assert pace.limit(Ask("costs", day(1), day(8), group_by=("project_id",))) == 7


def test_no_more_windows_are_under_way_than_asked_for():
    lock, under_way, most = threading.Lock(), 0, 0
    barrier = threading.Barrier(3)

    def answer(asked):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        barrier.wait(5)  # proves that three are under way at once
        with lock:
            under_way -= 1
        return every_bucket(asked)

    fixed = Ask("costs", day(1), day(19), limit=2)
    with WireServer(always=answer) as server, server.client() as client:
        assert len(list(client.read_span(fixed, NOW, concurrency=3))) == 9
    assert most == 3


def test_nothing_is_read_ahead_of_a_slow_taker():
    fixed = Ask("costs", day(1), day(21), limit=1)
    with WireServer(always=every_bucket) as server, server.client() as client:
        readings = client.read_span(fixed, NOW, concurrency=4)
        next(readings)
        next(readings)
        readings.close()
    assert len(server.asked) <= 5


def test_what_came_before_a_failure_is_whole_and_the_failure_is_raised():
    def answer(asked):
        if int(asked.one("start_time")) >= int(day(9).timestamp()):
            return Reply({"error": {"message": "no"}}, 403)
        return every_bucket(asked)

    taken = []
    fixed = Ask("costs", day(1), day(21), limit=4)
    with WireServer(always=answer) as server, server.client() as client:
        readings = client.read_span(fixed, NOW, concurrency=1)
        with pytest.raises(KeyRefused):
            taken.extend(reading.start for reading in readings)
    assert taken == [day(1), day(5)]
    assert len(server.asked) == 3


def test_a_failure_wakes_the_others_and_is_the_error_that_is_raised():
    """The first window rests for most of its minute, unless the failure of another wakes it."""

    def answer(asked):
        if int(asked.one("start_time")) == int(day(1).timestamp()):
            return Reply({}, 500, {"retry-after": "50"})
        return Reply({}, 401)

    fixed = Ask("costs", day(1), day(21), limit=4)
    with (
        stamina.set_testing(False),
        WireServer(always=answer) as server,
        server.client() as client,
        pytest.raises(KeyRefused),
    ):
        list(client.read_span(fixed, NOW, concurrency=2))
    assert len(server.asked) <= 3


def test_closing_early_wakes_who_rests_and_leaves_no_thread():
    def answer(asked):
        if int(asked.one("start_time")) == int(day(1).timestamp()):
            return every_bucket(asked)
        return Reply({}, 503, {"retry-after": "50"})

    with WireServer(always=answer) as server, server.client() as client:
        readings = client.read_span(Ask("costs", day(1), day(21), limit=4), NOW, concurrency=3)
        assert next(readings).start == day(1)
        readings.close()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("openai")]
    with pytest.raises(StopIteration):
        next(readings)


def test_a_window_that_never_comes_fails_the_span():
    with (
        stamina.set_testing(True, attempts=2),
        WireServer(always=lambda asked: Reply(status=500)) as server,
        server.client() as client,
        pytest.raises(NoAnswer, match="2 tries"),
    ):
        list(client.read_span(Ask("costs", day(1), day(3)), NOW))


def test_a_question_is_refused_before_any_window_is_read():
    with WireServer(page(bucket(day(1), cost("1")))) as server, server.client() as client:
        readings = client.read_span(Ask("costs", day(1), day(2)), NOW)
        assert server.asked == []
        assert [rows_of(reading) for reading in readings] == [
            {(int(day(1).timestamp()),): (1_000_000_000, None)}
        ]


def test_windows_wait_as_bytes_and_are_decoded_shortly_before_they_are_taken():
    """Eight at once hide the distance; eight decoded at once would fill the memory of a small machine."""
    arrived, decoded, all_here = [], [], threading.Event()

    def read(window, stop, ready):
        arrived.append(window.start)
        if len(arrived) == 8:
            all_here.set()
        ready()
        decoded.append(window.start)
        return window.start

    ask = Ask("costs", day(1), day(13))
    taken = read_windows(read, ask, lambda _: 1, 8, newest_first=False)
    assert next(taken) == day(1)
    assert all_here.wait(10)
    assert sorted(decoded) == [day(n + 1) for n in range(len(decoded))]
    assert len(decoded) <= 1 + AHEAD
    assert list(taken) == [day(n) for n in range(2, 13)]
    assert len(decoded) == 12


def test_a_window_that_waits_to_be_decoded_ends_when_nobody_takes_it():
    waited = threading.Event()

    def read(window, stop, ready):
        if window.start == day(8):
            waited.set()
        ready()
        return window.start

    taken = read_windows(read, Ask("costs", day(1), day(13)), lambda _: 1, 8, newest_first=False)
    next(taken)
    assert waited.wait(10)
    taken.close()


def test_the_first_window_of_an_unknown_size_is_asked_for_alone():
    """Eight pages of a size nobody has seen may be ten times as large as eight pages should be."""
    asked_before = []

    def answer(asked):
        if not asked_before:
            threading.Event().wait(0.2)  # whoever else is under way arrives
        asked_before.append(len(server.asked))
        return every_bucket(asked)

    with WireServer(always=answer) as server, server.client() as client:
        span = client.read_span(SPAN, NOW, concurrency=8)
        assert len(next(span).buckets) == 7
        assert asked_before[0] == 1
        assert len(list(span)) == len(asked_before) - 1


@pytest.mark.parametrize(
    ("distance", "work", "requests"),
    [
        pytest.param(0.5, 0.02, 8, id="far away"),
        pytest.param(0.06, 0.02, 8, id="as far as eight hide"),
        pytest.param(0.04, 0.02, 6, id="nearer"),
        pytest.param(0.005, 0.02, 3, id="next door"),
        pytest.param(0.0, 0.02, 2, id="here"),
        pytest.param(0.005, 0.0, 8, id="nothing to decode"),
    ],
)
def test_no_more_are_asked_for_at_once_than_hide_the_distance(distance, work, requests):
    assert enough(distance, work, 8) == requests


@pytest.mark.parametrize(
    ("pages", "on_the_way", "decoded", "asked"),
    [
        pytest.param(1, 0.0, 0.4, 3, id="near"),
        pytest.param(1, 0.1, 0.0, 8, id="far"),
        pytest.param(3, 0.1, 0.0, 8, id="far, in pages that are smaller than asked for"),
    ],
)
def test_the_first_window_tells_how_many_to_ask_for_at_once(pages, on_the_way, decoded, asked):
    cut = []

    def length(window):
        cut.append(window)
        return 1

    def read(window, stop, ready):
        first = window.start == day(1)
        for _ in range(pages):
            stop.wait(on_the_way if first else 0)
            ready()
            stop.wait(decoded if first else 0)
        return window.start

    span = Ask("costs", day(1), day(13))
    taken = read_windows(read, span, length, 8, newest_first=False, first_alone=True)
    assert next(taken) == day(1)
    assert len(cut) == asked
    taken.close()
