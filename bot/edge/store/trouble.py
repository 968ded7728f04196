"""What goes wrong with a database, in one sentence with its remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, OperationalError

from bot.core.errors import Unanswered
from bot.edge.store import postgres
from bot.edge.store.engine import is_sqlite

FILE_REMEDY = (
    "See that its folder exists and can be written, that the disk has room, and that nothing else locks it."
)
DAMAGED_REMEDY = (
    "Stop the bot, look with budgetbot db verify, and put the last good copy (budgetbot db backup) in its place, "
    "without a -wal or -shm file beside it."
)
_DAMAGED = ("malformed", "not a database", "malformed database schema")


class DatabaseTrouble(Unanswered):
    """The database did not answer: nothing was lost."""


class Damaged(DatabaseTrouble):
    """The file is not whole: nothing more is written into it."""


@contextmanager
def told(url: URL) -> Iterator[None]:
    """Say a failure of the database in one sentence; raises DatabaseTrouble, or what is our own bug."""
    try:
        yield
    except DatabaseError as failed:
        said = str(failed.orig).strip()
        if is_sqlite(url) and any(words in said for words in _DAMAGED):
            raise damaged(url, said) from failed
        if isinstance(failed, OperationalError):
            raise DatabaseTrouble(
                f"The database {url.database} did not answer: {said}.",
                FILE_REMEDY if is_sqlite(url) else postgres.REMEDY,
            ) from failed
        if failed.connection_invalidated:
            raise DatabaseTrouble(
                f"The database {url.database} hung up: {said}.", postgres.REMEDY
            ) from failed
        raise


def damaged(url: URL, said: str) -> Damaged:
    """Return what is said of a file that is not whole."""
    return Damaged(f"The database {url.database} is damaged: {said}.", DAMAGED_REMEDY)
