"""Who lost their turn while they were paused or cut off finds out before they write.

A lock alone cannot tell: its holder may sleep through its end and go on. So each turn has a number, which the
database keeps, and every write of a turn looks first whether its number is still the newest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, select
from sqlmodel import col

from bot.core.errors import Unanswered
from bot.edge.store.sql import insert
from bot.edge.store.tables import Marker

TURN = "turn"
"""The mark that holds the number of the newest turn."""


class Lost(Unanswered):
    """Another process took over: what this one still wanted to write is not written."""


class Fence:
    """Keeps the writes of a turn that is over out of the database. Of one store, for all its threads."""

    def __init__(self) -> None:
        self._mine: ContextVar[int | None] = ContextVar("turn", default=None)

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """Check every write of this thread, while it lasts, against the number of its turn."""
        token = self._mine.set(number)
        try:
            yield
        finally:
            self._mine.reset(token)

    def check(self, tx: Connection) -> None:
        """Raise Lost in a turn that is over; writes outside of any turn are nobody's business."""
        mine = self._mine.get()
        if mine is not None and newest(tx) != mine:
            raise Lost(
                "Another budgetbot took over while this one was away; nothing of it was written.",
                "Nothing is to be done: the other one goes on.",
            )


def newest(tx: Connection) -> int:
    """Return the number of the newest turn; 0 before the first."""
    value = tx.execute(select(col(Marker.value)).where(col(Marker.key) == TURN)).scalar()
    return int(value) if value else 0


def next_turn(tx: Connection) -> int:
    """Begin a turn and return its number: writes of earlier ones are refused from now on."""
    number = newest(tx) + 1
    statement = insert(Marker).values(key=TURN, value=str(number))
    tx.execute(statement.on_conflict_do_update(index_elements=("key",), set_={"value": str(number)}))
    return number
