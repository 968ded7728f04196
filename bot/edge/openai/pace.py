"""How many buckets to ask for at once, learned from the pages seen."""

import threading

from bot.edge.openai.ask import Ask
from bot.edge.openai.sources import SOURCES

LARGEST_PAGE = 8_000_000
ROOMY_PAGE = LARGEST_PAGE // 3
"""A page below this may double and still stays under the largest, with room to spare."""


class Pace:
    """Keeps pages near, and under, eight megabytes: the API's own maxima make pages of eighty.

    Begins with the API's default limits (a week of days, a day of hours). A limit shrinks in proportion when a page
    under it was too large and doubles when a full one was small; a page asked for under an older limit, of which there
    are several when windows are read at once, cannot move it twice. Safe to use from many threads.
    """

    def __init__(self) -> None:
        self._limits: dict[object, int] = {}
        self._seen: set[object] = set()
        self._lock = threading.Lock()

    def limit(self, ask: Ask) -> int:
        """Return how many buckets a page of `ask` should hold."""
        if ask.limit is not None:
            return ask.limit
        return self._limits.get(_kind(ask), SOURCES[ask.source].widths[ask.width].default)

    def knows(self, ask: Ask) -> bool:
        """Tell whether a page of such an `ask` was ever seen: until then it may be ten times too large."""
        return _kind(ask) in self._seen

    def learn(self, ask: Ask, asked: int, size: int, *, full: bool) -> None:
        """Take in that a page of `asked` buckets was `size` bytes long, and whether it was `full`."""
        with self._lock:
            self._seen.add(_kind(ask))
            limit = self.limit(ask)
            if size > LARGEST_PAGE:
                self._limits[_kind(ask)] = max(1, min(limit, asked * LARGEST_PAGE // size))
            elif full and asked == limit and size < ROOMY_PAGE:
                self._limits[_kind(ask)] = min(ask.largest, asked * 2)


def _kind(ask: Ask) -> object:
    return ask.source, ask.width, frozenset(ask.group_by), bool(ask.filters)
