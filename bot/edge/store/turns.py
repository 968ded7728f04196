"""Whose turn it is: one process polls at a time, and one of many is the one that polls.

Beside SQLite a lock file says so, which the system lets go of with its holder. In PostgreSQL it is an advisory lock
on a session of its own, which is spoken on every few seconds: a holder that is dead, cut off or paused falls silent,
its session is ended, and the lock is free.
"""

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from filelock import FileLock, Timeout
from sqlalchemy.engine import URL

from bot.core.errors import Unanswered
from bot.edge.store import postgres
from bot.edge.store.engine import is_sqlite, lock_path

if TYPE_CHECKING:
    from psycopg import Connection as Session

LOCKS = {"poll": 0x62756467657411, "lead": 0x62756467657412}
"""What there is a turn for → its advisory lock."""
BEAT = 5.0
"""Seconds between two signs of life."""
SILENT_MS = 20_000
"""After so long without one the session is ended: within a minute somebody else has taken over."""
LOOK = 0.2

log = logging.getLogger(__name__)


class Turn(Protocol):
    """A lock that one process holds."""

    def take(self, wait: float = 0.0) -> bool:
        """Try for `wait` seconds to hold it; tell whether it is held. Raises Unanswered when that cannot be known."""

    def held(self) -> bool:
        """Tell whether it is still held, as far as this process knows."""

    def leave(self) -> None:
        """Let it go; nothing happens when it is not held."""


def turn_of(url: URL, what: str) -> Turn:
    """Return the turn of a database for `poll` or `lead`."""
    if not is_sqlite(url):
        return SessionTurn(url, LOCKS[what])
    path = lock_path(url, what)
    return FileTurn(path) if path is not None else FreeTurn()


class FreeTurn:
    """Of a database in memory: nobody else has it."""

    def take(self, wait: float = 0.0) -> bool:
        del wait
        return True

    def held(self) -> bool:
        return True

    def leave(self) -> None:
        """Nothing was held."""


class FileTurn:
    """A lock file beside the database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path, thread_local=False)

    def take(self, wait: float = 0.0) -> bool:
        if self._lock.is_locked:
            return True
        try:
            self._lock.acquire(timeout=wait)
        except Timeout:
            return False
        except OSError as failed:
            raise Unanswered(
                f"The lock {self._path} cannot be taken ({type(failed).__name__}).",
                "See that the database's folder can be written.",
            ) from failed
        return True

    def held(self) -> bool:
        return bool(self._lock.is_locked)

    def leave(self) -> None:
        self._lock.release()


class SessionTurn:
    """An advisory lock on a session of its own, with a heartbeat while it is held."""

    def __init__(self, url: URL, lock: int) -> None:
        self._url, self._lock = url, lock
        self._session: Session[Any] | None = None
        self._speaking = threading.Lock()
        self._stop = threading.Event()
        self._beats: threading.Thread | None = None

    def take(self, wait: float = 0.0) -> bool:
        if self.held():
            return True
        self.leave()
        deadline = time.monotonic() + wait
        session = self._connected()
        while not self._asked(session, "SELECT pg_try_advisory_lock(%s)"):
            if time.monotonic() >= deadline:
                session.close()
                return False
            time.sleep(LOOK)
        self._session, self._stop = session, threading.Event()
        self._beats = threading.Thread(
            target=self._beat, args=(session, self._stop), name="turn", daemon=True
        )
        self._beats.start()
        return True

    def held(self) -> bool:
        session = self._session
        return session is not None and not session.closed

    def leave(self) -> None:
        session, self._session = self._session, None
        self._stop.set()
        if session is not None:
            session.close()  # the lock goes with it
        if self._beats is not None and self._beats is not threading.current_thread():
            self._beats.join(timeout=2 * BEAT)
            self._beats = None

    def _connected(self) -> "Session[Any]":
        from psycopg import OperationalError  # noqa: PLC0415 - only who uses PostgreSQL has it

        try:
            session = postgres.connect(self._url, idle_session_timeout=f"{SILENT_MS}ms")
        except OperationalError as failed:
            raise Unanswered(
                f"The database {self._url.database} did not answer: {failed}.", postgres.REMEDY
            ) from None
        session.autocommit = True
        return session

    def _asked(self, session: "Session[Any]", question: str) -> bool:
        from psycopg import Error  # noqa: PLC0415 - as above

        try:
            row = session.execute(question, (self._lock,)).fetchone()
        except Error as failed:
            session.close()
            raise Unanswered(
                f"The database {self._url.database} did not answer: {failed}.", postgres.REMEDY
            ) from None
        return bool(row and row[0])

    def _beat(self, session: "Session[Any]", stop: threading.Event) -> None:
        from psycopg import Error  # noqa: PLC0415 - as above

        while not stop.wait(BEAT):
            try:
                session.execute("SELECT 1")
            except Error as failed:
                log.warning("the turn is lost", extra={"why": str(failed).strip()})
                session.close()
                return
