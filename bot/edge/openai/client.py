"""The organization API of OpenAI, as one object."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from bot.edge.openai import fetch, limits, names
from bot.edge.openai.ask import Ask
from bot.edge.openai.fetch import Checksums, Reading
from bot.edge.openai.limits import SpendLimit
from bot.edge.openai.names import Named
from bot.edge.openai.pace import Pace
from bot.edge.openai.rows import Groups
from bot.edge.openai.span import read_windows
from bot.edge.openai.transport import Transport


class OpenAI:
    """Reads one organization; a context manager, safe to use from many threads.

    `timeout`: seconds of silence one try bears; `budget`: seconds for all tries of one request.
    Raises SetupWrong for an address or a key that cannot be one.
    """

    def __init__(self, key: str, base_url: str, *, timeout: float = 30.0, budget: float = 60.0) -> None:
        self._transport = Transport(key, base_url, timeout=timeout, budget=budget)
        self._pace = Pace()

    def __repr__(self) -> str:
        return f"OpenAI({self._transport.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    @property
    def skew(self) -> timedelta | None:
        """Return how far the own clock is ahead of OpenAI's, by its last answer; None when it never said."""
        return self._transport.skew

    def read(self, ask: Ask, now: datetime) -> Reading:
        """Return all of `ask`, or raise: KeyRefused, AskRefused, NotOffered, BadAnswer, NoAnswer."""
        return fetch.read(self._transport, ask, now, self._pace, threading.Event(), Groups())

    def read_span(
        self,
        ask: Ask,
        now: datetime,
        *,
        concurrency: int = 4,
        newest_first: bool = False,
        known: Checksums | None = None,
    ) -> Iterator[Reading]:
        """Yield `ask` window by window, in order of time or the newest first; raises as `read` does.

        Up to `concurrency` windows are read at once, each about one page of at most eight megabytes.
        Whatever was yielded before a failure is complete. Close the iterator to stop early.
        `known`: checksums of what the caller has; buckets that come in the same bytes are not decoded again.
        """
        groups = Groups()

        def read(window: Ask, stop: threading.Event, ready: Callable[[], None]) -> Reading:
            return fetch.read(self._transport, window, now, self._pace, stop, groups, known, ready)

        return read_windows(
            read,
            ask,
            self._pace.limit,
            concurrency,
            newest_first=newest_first,
            first_alone=ask.limit is None and not self._pace.knows(ask),
        )

    def projects(self) -> list[Named]:
        """Return all projects, archived ones too."""
        return names.projects(self._transport)

    def users(self) -> list[Named]:
        """Return the organization's users."""
        return names.users(self._transport)

    def api_keys(self, project_id: str) -> list[Named]:
        """Return the API keys of a project."""
        return names.api_keys(self._transport, project_id)

    def service_accounts(self, project_id: str) -> list[Named]:
        """Return the service accounts of a project."""
        return names.service_accounts(self._transport, project_id)

    def spend_limit(self, project_id: str | None) -> SpendLimit:
        """Return the hard limit of a project, or the organization's own for None; its amount None: none is set.

        Raises KeyRefused, AskRefused, NotOffered, BadAnswer, NoAnswer: then what it is is unknown.
        """
        return limits.spend_limit(self._transport, project_id)
