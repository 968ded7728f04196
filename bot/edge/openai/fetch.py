"""One span of one source, read page by page to its end and checked, or not read at all."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.edge.openai.ask import Ask, epoch, query
from bot.edge.openai.errors import BadAnswer, ForeignCurrency, Trace
from bot.edge.openai.pace import Pace
from bot.edge.openai.sources import SOURCES
from bot.edge.openai.transport import Request, Transport
from bot.edge.openai.wire import Bucket, Foreign, Rows, Shape, Unfit, shape

SPARE_PAGES = 3
"""A page brings at least one bucket, so a span has no more pages than buckets, and these."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A span, read completely and checked.

    `buckets`: the start of each bucket that was there, in Unix seconds; an empty one was there and is a zero.
    `columns`: the dimensions in a row's key after the bucket's start: those grouped by, and for costs
    grouped by line_item quantity_unit at the end. A dimension that is null is ''.
    `metrics`: what a row's values are: nano-dollars and millionths of a quantity for costs, else the
    source's counts by their wire names. A count that no row gave is None, not 0.
    `rows`: one entry per key, repeated rows summed.
    """

    source: str
    width: str
    start: datetime
    end: datetime
    buckets: tuple[int, ...]
    columns: tuple[str, ...]
    metrics: tuple[str, ...]
    rows: dict[tuple[int | str, ...], tuple[int | None, ...]]
    pages: int


class _Repeated(BadAnswer):
    """A bucket came twice: perhaps data moved while it was paged, so it is read once more."""


def read(transport: Transport, ask: Ask, now: datetime, pace: Pace, stop: threading.Event) -> Reading:
    """Return all of `ask`. Every bucket that ended by `now` must be there."""
    try:
        return _read_pages(transport, ask, now, pace, stop)
    except _Repeated:
        return _read_pages(transport, ask, now, pace, stop)


def _read_pages(transport: Transport, ask: Ask, now: datetime, pace: Pace, stop: threading.Event) -> Reading:
    source = SOURCES[ask.source]
    form = shape(ask.source, ask.group_by)
    limit = ask.limit or min(pace.limit(ask), ask.length)
    rows: Rows = {}
    buckets: set[int] = set()
    cursors: set[str] = set()
    cursor: str | None = None
    pages = 0
    while True:
        request = Request(
            source.path,
            query(ask, limit, cursor),
            ask.source,
            absence_passes=ask.source == "costs",  # every organization has costs
        )
        answer = transport.get(request, form.decode, stop)
        page, trace = answer.value, answer.trace
        pages += 1
        pace.learn(ask, limit, answer.size, full=len(page.data) >= limit)
        for bucket in page.data:
            _check_bucket(ask, bucket, buckets, now, trace)
            buckets.add(bucket.start_time)
            _add(form, rows, bucket, trace)
        if not page.has_more:
            break
        cursor = page.next_page
        if not cursor:
            raise _bad("there is more, but no cursor to it", trace)
        if cursor in cursors:
            raise _bad("a cursor repeats", trace)
        if pages >= ask.length + SPARE_PAGES:
            raise _bad("the pages do not end", trace)
        cursors.add(cursor)
        del page, answer  # one page in memory at a time
    _check_holes(ask, buckets, now, trace)
    return Reading(
        ask.source,
        ask.width,
        ask.start,
        ask.end,
        tuple(sorted(buckets)),
        form.columns,
        form.metrics,
        rows,
        pages,
    )


def _add(form: Shape, rows: Rows, bucket: Bucket, trace: Trace) -> None:
    try:
        form.add(rows, bucket.start_time, bucket.results)
    except Foreign as error:
        raise _bad(str(error), trace, ForeignCurrency) from None
    except Unfit as error:
        raise _bad(str(error), trace) from None


def _check_bucket(ask: Ask, bucket: Bucket, seen: set[int], now: datetime, trace: Trace) -> None:
    start = bucket.start_time
    if start % ask.step:
        raise _bad(f"a bucket begins at {start}, inside another", trace)
    if not epoch(ask.start) <= start < epoch(ask.end):
        raise _bad(f"a bucket begins at {start}, outside what was asked", trace)
    if bucket.end_time != start + ask.step and not _still_filling(ask, bucket, now):
        raise _bad(f"the bucket at {start} is not {ask.step} seconds long", trace)
    if start in seen:
        raise _bad(f"the bucket at {start} came twice", trace, _Repeated)


def _still_filling(ask: Ask, bucket: Bucket, now: datetime) -> bool:
    """Return whether a short bucket is the current one: usage ends its last one at the request's instant."""
    full = bucket.start_time + ask.step
    return ask.source != "costs" and bucket.start_time < bucket.end_time < full and full > now.timestamp()


def _check_holes(ask: Ask, seen: set[int], now: datetime, trace: Trace) -> None:
    step, present = ask.step, now.timestamp()
    missing = [
        start
        for start in range(epoch(ask.start), epoch(ask.end), step)
        if start not in seen and start + step <= present
    ]
    if missing:
        raise _bad(f"{len(missing)} of {ask.length} buckets are missing, the first at {missing[0]}", trace)


def _bad(what: str, trace: Trace, kind: Callable[..., BadAnswer] = BadAnswer) -> BadAnswer:
    return kind(f"OpenAI's answer is not as agreed: {what}", "Nothing of it was kept.", trace=trace)
