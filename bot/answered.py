"""Answers that were just given: a room that talks about an alert asks the same thing within seconds."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 5.0
"""Seconds an answer is given again: what it says of its age moves by the minute."""
MOST = 256
"""Answers kept at once, those of longest ago forgotten first."""


class Recent(Generic[T]):
    """Answers by what was asked, each good for a few seconds and for as long as nothing has changed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[Hashable, float, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, asked: Hashable, stamp: Hashable) -> T | None:
        """Return the answer given to this under the same `stamp`; None where there is none."""
        with self._lock:
            found = self._kept.get(asked)
        if found is None or found[0] != stamp or self._clock() - found[1] > KEPT:
            return None
        return found[2]

    def put(self, asked: Hashable, stamp: Hashable, answer: T) -> None:
        """Keep an answer that was worked out under `stamp`."""
        with self._lock:
            self._kept[asked] = (stamp, self._clock(), answer)
            self._kept.move_to_end(asked)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
