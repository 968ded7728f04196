"""Reading: beside the official client, in memory, at a distance, and when nothing is new."""

import http.client
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from itertools import pairwise
from math import ceil
from statistics import median
from urllib.parse import urlencode, urlsplit

from bot.core.period import midnight
from bot.edge.openai import SOURCES, Ask
from bot.edge.store import records
from bot.sync import BACKFILL, STEADY
from bot.sync_plan import groupings, task
from tests.bench.place import LATENCY, WINDOW, YEAR, connect
from tests.bench.rows_store import COSTS
from tests.bench.table import child, row, took

MB = 1024 * 1024


def official(place):
    address = place.address("costs")
    span = place.since.isoformat(), place.tomorrow.isoformat(), place.now.isoformat()
    repeats = min(place.repeat, 3)
    ours = [child("fetch", address, *span) for _ in range(repeats)]
    theirs = [child("official", address, *span) for _ in range(min(repeats, 1 if place.scale > 0.3 else 3))]
    assert {each["rows"] for each in ours} == {each["rows"] for each in theirs}
    seconds = [median(each["seconds"] for each in some) for some in (ours, theirs)]
    memory = [median(each["peak"] for each in some) / MB for some in (ours, theirs)]
    yield row(
        "official",
        "fetch and decode a year of costs",
        "the official client reads the same pages",
        *seconds,
        "s",
        "15 × faster, less memory",
        15,
        least=True,
        ratio=seconds[1] / seconds[0],
        and_=memory[0] < memory[1],
        note=f"peak {memory[0]:.0f} MB beside {memory[1]:.0f} MB; times faster, not the quotient",
    )


def memory(place):
    address, found = place.address("completions"), {}
    for days in (YEAR // 4, YEAR):
        file = str(place.empty("memory"))
        since = place.tomorrow - timedelta(days=days)
        found[days] = child(
            "backfill",
            address,
            file,
            since.isoformat(),
            place.tomorrow.isoformat(),
            place.now.isoformat(),
            "completions",
        )
    whole, quarter = found[YEAR]["peak"] / MB, found[YEAR // 4]["peak"] / MB
    yield row(
        "memory",
        f"peak memory of a year of completions backfilled, {found[YEAR]['rows']:,} rows",
        "a quarter of a year",
        whole,
        quarter,
        "MB",
        "< 160 MB, ≤ 1.15 of a quarter",
        1.15,
        and_=whole < 160,
        note=f"in {found[YEAR]['seconds']:.1f} s",
    )


def at_a_distance(place):
    address = place.slow("costs")
    span = place.since.isoformat(), place.tomorrow.isoformat(), place.now.isoformat()

    def requests():
        """The same requests over as many plain connections, their bodies read and dropped."""
        edges = [min(n * WINDOW, YEAR) for n in range(ceil(YEAR / WINDOW) + 1)]
        starts = [int(midnight(place.since + timedelta(days=day)).timestamp()) for day in edges]
        queries = [
            urlencode(
                {
                    "start_time": start,
                    "end_time": end,
                    "limit": WINDOW,
                    "bucket_width": "1d",
                    "group_by": COSTS,
                },
                doseq=True,
            )
            for start, end in pairwise(starts)
        ]
        with ThreadPoolExecutor(BACKFILL) as pool:
            list(pool.map(lambda n: _all(address, queries[n::BACKFILL]), range(BACKFILL)))

    done = child("distant", address, *span, place.repeat)
    pages, ours = done["pages"], median(done["seconds"])
    plain = median(took(requests)[0] for _ in range(place.repeat))
    bound = ceil(pages / BACKFILL) * LATENCY
    yield row(
        "distance",
        f"fetch and decode a year of costs at 150 ms, {BACKFILL} connections",
        f"the latency of its {pages} requests",
        ours,
        bound,
        "s",
        "≤ 1.6",
        1.6,
        note=f"plain connections that drop what they read: {plain:.2f} s",
    )


def _all(address, queries):
    at = urlsplit(address)
    with closing(http.client.HTTPConnection(at.hostname, at.port)) as held:
        for query in queries:
            held.request("GET", f"{at.path}/organization/costs?{query}")
            held.getresponse().read()


def steady_poll(place):
    poll, parts, written, asked = steady(place, place.polled)
    yield row(
        "poll",
        f"a steady poll, {len(SOURCES)} sources, {asked} requests' worth of spans, nothing changed",
        "its own HTTP and decoding",
        poll,
        parts,
        "s",
        "≤ 1.3, 0 rows written",
        1.3,
        and_=written == 0,
        note=f"{written} facts written",
    )


def steady(place, file):
    """Return the median seconds of a steady poll and of its reading alone, the facts written, and its spans."""
    copy = place.folder / "steady.db"
    for old in place.folder.glob("steady.db*"):
        old.unlink()
    shutil.copy(file, copy)
    openai, store = place.openai(place.address("poll")), place.store(copy)
    before, now = facts_in(copy), place.now
    with store.reading() as tx:
        states = records.stored(tx)
    tasks = [
        task(name, width, states, now)
        for name in SOURCES
        for width in (("1d",) if name == "costs" else ("1d", "1h"))
    ]
    hour = now.replace(minute=0) + timedelta(hours=1)
    asks = [
        Ask(
            each.source,
            midnight(each.start),
            hour if each.width == "1h" else midnight(each.end),
            each.width,
            groupings(each, now, by_user=False)[0],
        )
        for each in tasks
    ]

    def read():
        with ThreadPoolExecutor(STEADY) as pool:
            list(pool.map(lambda ask: list(openai.read_span(ask, now, concurrency=1)), asks))

    polls, reads, changed = [], [], 0
    place.syncer(openai, store).poll(now)
    read()
    for n in range(place.repeat):
        at = now + timedelta(minutes=n + 1)  # names and limits are not due again so soon
        at = at if at < hour else now
        seconds, done = took(place.syncer(openai, store).poll, at)
        assert done.complete, done
        changed += sum(result.changed for result in done.results)
        polls.append(seconds)
        reads.append(took(read)[0])
    assert facts_in(copy) == before
    return median(polls), median(reads), changed, len(asks)


def facts_in(file):
    with closing(connect(file)) as held:
        tables = (
            "cost_fact",
            "cost_history",
            "usage_day",
            "usage_day_history",
            "usage_hour",
            "usage_hour_history",
        )
        return [held.execute(f"SELECT COUNT(*), SUM(observed_at) FROM {name}").fetchone() for name in tables]


ROWS = {"official": official, "memory": memory, "distance": at_a_distance, "poll": steady_poll}
