"""A long span as windows, several read at once, handed over in order."""

import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from bot.edge.openai.ask import Ask
from bot.edge.openai.errors import Stopped
from bot.edge.openai.fetch import Reading

Reader = Callable[[Ask, threading.Event], Reading]


def read_windows(
    read: Reader, ask: Ask, length: Callable[[Ask], int], concurrency: int, *, newest_first: bool
) -> Generator[Reading, None, None]:
    """Yield the readings of `ask`'s windows in order of time, or the newest first.

    `length(ask)` is asked anew for each window: how many buckets it should hold. No more than
    `concurrency` windows are held, read or waiting to be taken. The first failure stops the other
    windows and is raised in the place of the window that would have been next; so does closing.
    """
    stop = threading.Event()

    def guarded(window: Ask) -> Reading:
        try:
            return read(window, stop)
        except BaseException:
            stop.set()
            raise

    windows = _cut(ask, length, newest_first=newest_first)
    held: deque[Future[Reading]] = deque()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="openai") as pool:
        try:
            for window in windows:
                held.append(pool.submit(guarded, window))
                if len(held) >= concurrency:
                    yield _taken(held)
            while held:
                yield _taken(held)
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _taken(held: deque[Future[Reading]]) -> Reading:
    """Return the next window's reading, or raise the failure that kept it from being read."""
    try:
        return held.popleft().result()
    except Stopped:
        for other in held:  # stopped because one of these failed
            if (error := other.exception()) and not isinstance(error, Stopped):
                raise error from None
        raise


def _cut(ask: Ask, length: Callable[[Ask], int], *, newest_first: bool) -> Generator[Ask, None, None]:
    start, end = ask.start, ask.end
    while start < end:
        size = timedelta(seconds=ask.step * length(ask))
        if newest_first:
            edge = max(start, end - size)
            yield replace(ask, start=edge, end=end)
            end = edge
        else:
            edge = min(end, start + size)
            yield replace(ask, start=start, end=edge)
            start = edge
