"""One database, opened and migrated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Connection

from bot.edge.store import engine
from bot.edge.store.fence import Fence
from bot.edge.store.series_index import SeriesIndex
from bot.edge.store.trouble import Damaged, damaged, told


class Store:
    """A database and its series index. Safe to share between threads; each transaction is its own."""

    def __init__(self, url: str, *, checked: bool = False) -> None:
        """Open and migrate the database, `checked` for damage before; raises SetupWrong or Unanswered."""
        self.url = engine.parse_url(url)
        self.fence = Fence()
        self._engine = engine.open_engine(self.url)
        self.index = SeriesIndex()
        self._suspect = False
        try:
            if checked:
                self.check()
            with told(self.url):
                self.migrated = engine.upgrade(self._engine)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view."""
        try:
            with told(self.url), engine.reading(self._engine) as tx:
                yield tx
        except Damaged:
            self._leave()
            raise

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it is kept, or nothing. Into a file that was found damaged nothing is written."""
        if self._suspect:
            self.check()
        try:
            with told(self.url), engine.writing(self._engine) as tx:
                self.fence.check(tx)
                yield tx
        except Damaged:
            self._leave()
            raise
        except BaseException:
            self.index.forget()
            raise

    def check(self) -> None:
        """Raise Damaged when the pages of a SQLite file contradict each other; PostgreSQL looks after its own.

        Who writes looks before the first write and once a day: SQLite itself notices damage only where it happens to
        read, and would go on writing around it. 138 MB take 0.8 seconds, a thirteenth of what `db verify` takes, so
        nobody has to find out whether the last process ended well.
        """
        if not engine.is_sqlite(self.url) or engine.in_memory(self.url):
            return
        try:
            with told(self.url), engine.reading(self._engine) as tx:
                tx.exec_driver_sql(
                    "PRAGMA shrink_memory"
                )  # what is remembered of the file is not what is in it
                found = str(tx.exec_driver_sql("PRAGMA quick_check(1)").scalar())
                tx.exec_driver_sql("PRAGMA shrink_memory")  # nobody needs all of the file next
            if found != "ok":
                raise damaged(self.url, " ".join(found.split()))
            self._suspect = False
        except Damaged:
            self._leave()
            raise

    def _leave(self) -> None:
        """Let go of a damaged file: when a good copy takes its place, that is what is opened."""
        self._suspect = True
        self.index.forget()
        self._engine.dispose()

    def rest(self) -> None:
        """Let idle connections forget what they read last: each of SQLite's remembers megabytes of it.

        They stay open: with a full disk no new one could be opened, and nobody be answered.
        """
        engine.rest(self._engine)

    def close(self) -> None:
        self._engine.dispose()
