"""How long one request may take in all, and whether anybody still waits for it."""

import random
import threading
import time

import stamina

from bot.edge.openai.errors import Stopped

FIRST_DELAY, LONGEST_DELAY, JITTER = 0.5, 8.0, 0.25


class OutOfTime(Exception):
    """The budget of a request is used up in the middle of an answer."""


class Patience:
    """A budget of seconds for all tries of one request, which `stop` ends at once."""

    def __init__(self, budget: float, stop: threading.Event) -> None:
        self._until = time.monotonic() + budget
        self._stop = stop

    def left(self) -> float:
        """Return the seconds left, never less than a thousandth: no timeout is not a timeout."""
        return max(self._until - time.monotonic(), 0.001)

    def allows(self, seconds: float) -> bool:
        """Return whether that long a wait leaves time for another try."""
        return seconds < self.left()

    def rest(self, seconds: float) -> None:
        """Wait; raises Stopped. In stamina's own test mode every wait is nothing."""
        if not stamina.is_testing():
            self._stop.wait(seconds)
        self._check_wanted()

    def check(self) -> None:
        """Raise Stopped when nobody waits any more, OutOfTime when the budget is used up."""
        self._check_wanted()
        if time.monotonic() > self._until:
            raise OutOfTime

    def _check_wanted(self) -> None:
        if self._stop.is_set():
            raise Stopped


def backoff(tries: int) -> float:
    """Return the seconds to wait after that many tries when the server asks for none."""
    delay: float = min(FIRST_DELAY * 2 ** (tries - 1), LONGEST_DELAY)
    return delay * (1 - JITTER * random.random())  # nosec B311 # noqa: S311  # nothing secret about a wait
