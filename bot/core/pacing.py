"""How fast a room may be spoken to: about a message a second, a few at once after a pause; edits for all together.

Slack counts posts by method and channel, and edits for the whole workspace (50 a minute).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.rooms import Target


@dataclass(slots=True)
class Bucket:
    """So many at once, then one every `every`. A bucket that was never used is full."""

    every: timedelta
    burst: int
    _next: datetime | None = None

    def free(self, at: datetime) -> datetime:
        """Return when the next may go: `at`, or later."""
        if self._next is None:
            return at
        return max(at, self._next - self.every * (self.burst - 1))

    def take(self, at: datetime) -> None:
        """Count one that went at `at`."""
        self._next = max(at, self._next or at) + self.every


@dataclass(slots=True)
class Pacer:
    """The buckets of every room, and of all edits. It outlives a delivery: what was said just now counts."""

    every: timedelta = timedelta(seconds=1)
    burst: int = 3
    edits: Bucket = field(default_factory=lambda: Bucket(timedelta(seconds=1.2), 10))
    _rooms: dict[Target, Bucket] = field(default_factory=dict)

    def spoke(self, target: Target, at: datetime, *, edit: bool) -> None:
        """Count a call that was made."""
        if edit:
            self.edits.take(at)
            return
        self._rooms.setdefault(target, Bucket(self.every, self.burst)).take(at)

    def resting(self, at: datetime) -> frozenset[Target]:
        """Return the rooms in which nothing is posted just now."""
        return frozenset(target for target, bucket in self._rooms.items() if bucket.free(at) > at)

    def edits_rest(self, at: datetime) -> bool:
        """Tell whether nothing is edited just now."""
        return self.edits.free(at) > at

    def first(self, at: datetime) -> datetime | None:
        """Return when the first of what rests may go on; None when nothing rests."""
        waits = [bucket.free(at) for bucket in (self.edits, *self._rooms.values())]
        return min((free for free in waits if free > at), default=None)
