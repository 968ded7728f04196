"""One database, opened and migrated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, OperationalError

from bot.core.errors import Unanswered
from bot.edge.store import engine, postgres
from bot.edge.store.facts import SeriesIndex
from bot.edge.store.fence import Fence


class Store:
    """A database and its series index. Safe to share between threads; each transaction is its own."""

    def __init__(self, url: str) -> None:
        """Open and migrate the database; raises SetupWrong or Unanswered with the remedy."""
        self.url = engine.parse_url(url)
        self.fence = Fence()
        self._engine = engine.open_engine(self.url)
        self.index = SeriesIndex()
        with _told(self.url):
            self.migrated = engine.upgrade(self._engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view."""
        with _told(self.url), engine.reading(self._engine) as tx:
            yield tx

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it is kept, or nothing."""
        try:
            with _told(self.url), engine.writing(self._engine) as tx:
                self.fence.check(tx)
                yield tx
        except BaseException:
            self.index.forget()
            raise

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _told(url: URL) -> Iterator[None]:
    """Say a failure of the database in one sentence."""
    try:
        yield
    except OperationalError as failed:
        raise Unanswered(
            f"The database {url.database} did not answer: {str(failed.orig).strip()}.",
            "See that its folder exists and can be written, that the disk has room, and that nothing else locks it."
            if engine.is_sqlite(url)
            else postgres.REMEDY,
        ) from failed
    except DatabaseError as failed:
        if failed.connection_invalidated:
            raise Unanswered(
                f"The database {url.database} hung up: {str(failed.orig).strip()}.", postgres.REMEDY
            ) from failed
        if "malformed" not in str(failed.orig) and "not a database" not in str(failed.orig):
            raise
        raise Unanswered(
            f"The database {url.database} is damaged: {failed.orig}.", "Put its last good copy in its place."
        ) from failed
