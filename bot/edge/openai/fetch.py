"""One span of one source, read page by page to its end and checked, or not read at all."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import blake2b

import msgspec

from bot.edge.collector import without_collector
from bot.edge.openai.ask import Ask, epoch, query
from bot.edge.openai.errors import BadAnswer, Trace
from bot.edge.openai.pace import Pace
from bot.edge.openai.rows import Group, Groups, Rows
from bot.edge.openai.sources import SOURCES
from bot.edge.openai.transport import Request, Transport
from bot.edge.openai.wire import Bucket, Page, Shape, decode_page, shape

SPARE_PAGES = 3
"""A page brings at least one bucket, so a span has no more pages than buckets, and these."""
READ_AS = "1"
"""Changes when the same bytes come to mean other values: checksums of before are worth nothing then."""

Checksums = Mapping[int, str]
"""A bucket's start → the checksum of the bytes in which its rows came."""

_one_at_a_time = threading.Lock()
"""Decoding is work for one processor: pages that wait for it are bytes, and one alone is values."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A span, read completely and checked.

    `columns`: the dimensions of a group: those grouped by, and for costs grouped by line_item quantity_unit
    at the end. A dimension that is null is ''. `groups`: each group of a row, by its number.
    `metrics`: what a row's values are: nano-dollars and millionths of a quantity for costs, else the
    source's counts by their wire names. A count that no row gave is None, not 0.
    `rows`: each bucket's start, in Unix seconds → its rows, those of one group summed. An empty bucket was there
    and is a zero.
    `checksums`: of these buckets, where they were asked for.
    `same`: the buckets that came in the same bytes as the checksums the caller knows: their rows are as they were.
    """

    source: str
    width: str
    start: datetime
    end: datetime
    columns: tuple[str, ...]
    metrics: tuple[str, ...]
    groups: Mapping[int, Group]
    rows: Mapping[int, Rows]
    pages: int
    checksums: Checksums = field(default_factory=dict)
    same: frozenset[int] = frozenset()

    @property
    def buckets(self) -> tuple[int, ...]:
        """Return the start of each bucket that was there, in Unix seconds."""
        return tuple(sorted(self.rows.keys() | self.same))

    @property
    def count(self) -> int:
        """Return how many rows were decoded."""
        return sum(map(len, self.rows.values()))


@dataclass(frozen=True, slots=True)
class _Opened:
    """A page, its buckets decoded where they are not known: None for those that are."""

    page: Page
    rows: list[Rows | None]
    checksums: list[str]


class _Repeated(BadAnswer):
    """A bucket came twice: perhaps data moved while it was paged, so it is read once more."""


def _at_once() -> None:
    """Wait for nobody."""


def read(
    transport: Transport,
    ask: Ask,
    now: datetime,
    pace: Pace,
    stop: threading.Event,
    groups: Groups,
    known: Checksums | None = None,
    ready: Callable[[], None] = _at_once,
) -> Reading:
    """Return all of `ask`. Every bucket that ended by `now` must be there.

    `groups` are those met before, to which these are added: windows of a span have nearly all of them in common.
    `known`: checksums of what the caller has; buckets that come in the same bytes are not decoded again.
    `ready` returns when a page may be decoded.
    """
    try:
        return _read_pages(transport, ask, now, pace, stop, groups, known, ready)
    except _Repeated:
        return _read_pages(transport, ask, now, pace, stop, groups, known, ready)


def _read_pages(
    transport: Transport,
    ask: Ask,
    now: datetime,
    pace: Pace,
    stop: threading.Event,
    groups: Groups,
    known: Checksums | None,
    ready: Callable[[], None],
) -> Reading:
    source = SOURCES[ask.source]
    form = shape(ask.source, ask.group_by)
    limit = ask.limit or min(pace.limit(ask), ask.length)
    rows: dict[int, Rows] = {}
    checksums: dict[int, str] = {}
    same: set[int] = set()
    cursors: set[str] = set()
    cursor: str | None = None
    pages = 0
    opened = partial(_opened, form=form, groups=groups, known=known, key=_key(ask, form), ready=ready)
    while True:
        request = Request(
            source.path,
            query(ask, limit, cursor),
            ask.source,
            absence_passes=ask.source == "costs",  # every organization has costs
        )
        answer = transport.get(request, opened, stop)
        page, trace = answer.value.page, answer.trace
        pages += 1
        pace.learn(ask, limit, answer.size, full=len(page.data) >= limit)
        for place, bucket in enumerate(page.data):
            start = bucket.start_time
            _check_bucket(ask, bucket, rows.keys() | same, now, trace)
            held = answer.value.rows[place]
            if held is None:
                same.add(start)
                continue
            rows[start] = held
            if known is not None:
                checksums[start] = answer.value.checksums[place]
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
    _check_holes(ask, rows.keys() | same, now, trace)
    return Reading(
        ask.source,
        ask.width,
        ask.start,
        ask.end,
        form.columns,
        form.metrics,
        groups.of(rows.values()),
        rows,
        pages,
        checksums,
        frozenset(same),
    )


def _opened(
    body: bytes | bytearray,
    *,
    form: Shape,
    groups: Groups,
    known: Checksums | None,
    key: bytes,
    ready: Callable[[], None],
) -> _Opened:
    """Return a page with what its buckets hold; raises Unfit, and what msgspec raises."""
    ready()
    with _one_at_a_time, without_collector():
        page = decode_page(body)
        rows: list[Rows | None] = []
        checksums: list[str] = []
        for bucket in page.data:
            if known is not None:
                checksums.append(_checksum(bucket, key))
                if known.get(bucket.start_time) == checksums[-1]:
                    rows.append(None)
                    continue
            try:
                rows.append(form.rows(bucket.results, groups))
            except msgspec.ValidationError as error:
                raise msgspec.ValidationError(_placed(str(error), len(rows))) from None
            bucket.results = msgspec.Raw()
    return _Opened(page, rows, checksums)


def _placed(error: str, bucket: int) -> str:
    """Return what msgspec says of a bucket's rows with their place in the page."""
    rows = f"$.data[{bucket}].results"
    return error.replace("`$", f"`{rows}") if "`$" in error else f"{error} - at `{rows}`"


def _key(ask: Ask, form: Shape) -> bytes:
    """Return what the meaning of a bucket's bytes depends on: how it was asked for, and what is read of it."""
    asked = (READ_AS, ask.source, ask.width, sorted(ask.filters.items()), form.columns, form.metrics)
    return blake2b(repr(asked).encode(), digest_size=16).digest()


def _checksum(bucket: Bucket, key: bytes) -> str:
    return blake2b(bucket.results, digest_size=16, key=key).hexdigest()


def _check_bucket(ask: Ask, bucket: Bucket, seen: Collection[int], now: datetime, trace: Trace) -> None:
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


def _check_holes(ask: Ask, seen: Collection[int], now: datetime, trace: Trace) -> None:
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
