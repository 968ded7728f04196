"""A long span as windows, several read at once, handed over in order."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import ceil

from bot.edge.openai.ask import Ask
from bot.edge.openai.errors import Stopped
from bot.edge.openai.fetch import Reading

AHEAD = 1
"""Windows that are decoded before the one in front of them is taken; further ones wait as the bytes they came in,
which are a fraction of what is made of them."""

Ready = Callable[[], None]
Reader = Callable[[Ask, threading.Event, Ready], Reading]


class _Queue:
    """Lets windows be decoded in the order they are taken, and not long before."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._taken = 0
        self._moved = threading.Condition()
        self.came: list[float] = []
        """When each page of the first window was there, by the monotonic clock."""

    def wait(self, place: int) -> None:
        """Return when the window at a place may be decoded; raises Stopped when it will not be taken."""
        if place == 0:
            self.came.append(time.monotonic())
        with self._moved:
            self._moved.wait_for(lambda: self._stop.is_set() or place <= self._taken + AHEAD)
        if self._stop.is_set():
            raise Stopped

    def taken(self) -> None:
        with self._moved:
            self._taken += 1
            self._moved.notify_all()

    def stop(self) -> None:
        with self._moved:
            self._stop.set()
            self._moved.notify_all()


def read_windows(
    read: Reader,
    ask: Ask,
    length: Callable[[Ask], int],
    concurrency: int,
    *,
    newest_first: bool,
    first_alone: bool = False,
) -> Generator[Reading, None, None]:
    """Yield the readings of `ask`'s windows in order of time, or the newest first.

    `length(ask)` is asked anew for each window: how many buckets it should hold. No more than
    `concurrency` windows are held, read or waiting to be taken, and few of them decoded. The first failure stops
    the other windows and is raised in the place of the window that would have been next; so does closing.
    With `first_alone` the first window is read before any other is asked for: it tells how long they should be, and
    how many of them to ask for at once.
    """
    stop = threading.Event()
    queue = _Queue(stop)

    def guarded(place: int, window: Ask) -> Reading:
        try:
            return read(window, stop, partial(queue.wait, place))
        except BaseException:
            queue.stop()
            raise

    windows = _cut(ask, length, newest_first=newest_first)
    held: deque[Future[Reading]] = deque()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="openai") as pool:
        try:
            for place, window in enumerate(windows):
                asked = time.monotonic()
                held.append(pool.submit(guarded, place, window))
                if first_alone and place == 0:
                    wait(held)
                    if queue.came:
                        distance, work = queue.came[0] - asked, time.monotonic() - queue.came[-1]
                        concurrency = enough(distance, work, concurrency)
                if len(held) >= concurrency:
                    yield _taken(held)
                    queue.taken()
            while held:
                yield _taken(held)
                queue.taken()
        finally:
            queue.stop()
            pool.shutdown(wait=True, cancel_futures=True)


def enough(distance: float, work: float, most: int) -> int:
    """Return how many requests at once hide the distance: one that is worked on, one that waits, and those on the way.

    `distance` and `work` are the seconds until a page's bytes are there, and from then on until it is read. More than
    enough would only get in each other's way: what one thread decodes, the others interrupt.
    """
    return most if distance >= work * most else min(most, 2 + ceil(2 * distance / work))


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
