"""The one place where real things are chosen: clock, database, OpenAI, Slack, rules."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from bot.core.errors import Unanswered
from bot.core.pacing import Pacer
from bot.core.rooms import ops_room, room_of
from bot.deliver import Courier, Speaker
from bot.edge import heartbeat
from bot.edge.openai import OpenAI
from bot.edge.slack import Slack
from bot.edge.store import delivery
from bot.edge.store.engine import is_sqlite
from bot.edge.store.fence import next_turn
from bot.edge.store.store import Store
from bot.edge.store.turns import turn_of
from bot.naming import DAILY
from bot.posting import Poster
from bot.rulebook import Rules
from bot.settings import DOTENV, Settings, webhook
from bot.sync import Syncer

WAIT = 60.0
"""Seconds to wait for another process that polls."""


class Polling(Unanswered):
    """Somebody else fetches, judges or delivers just now."""


def wall_clock() -> datetime:
    """Return the real time, aware UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class App:
    """Everything a command works with, opened once."""

    settings: Settings
    store: Store
    rules: Rules
    clock: Callable[[], datetime] = wall_clock
    speaker: Speaker | None = None
    """Where messages go, when it is not Slack."""
    pace: timedelta | None = None
    """How long a message rests between two edits, when it is not as Slack bears it: then rooms do not rest either."""
    names_every: timedelta = DAILY
    """How often all names are asked for."""
    sources: tuple[str, ...] = ()
    """What is polled; nothing named is everything."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the process is to end: who waits for OpenAI waits no longer."""
    readers: list[threading.Thread] = field(default_factory=list)
    """Who reads OpenAI because somebody asked for it now."""
    _openai: OpenAI | None = field(default=None)
    _slack: Slack | None = field(default=None)
    _pacer: Pacer = field(default_factory=Pacer)
    _beat: threading.Thread | None = field(default=None)
    _poster: Poster | None = field(default=None)

    @classmethod
    def open(cls, settings: Settings, clock: Callable[[], datetime] = wall_clock) -> Self:
        """Open the database (created and migrated by itself, checked for damage) and read nothing else yet."""
        store = Store(settings.database_url, checked=True)
        return cls(settings, store, Rules(settings, store, keep=True), clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._beat is not None:
            self._beat.join(heartbeat.HURRY if self.stopping.is_set() else heartbeat.PATIENCE)
        if self._poster is not None:
            self._poster.close()
        if self._openai is not None:
            self._openai.__exit__(None, None, None)
        self.store.close()

    @property
    def openai(self) -> OpenAI:
        if self._openai is None:
            self._openai = OpenAI(self.settings.openai_admin_key, self.settings.openai_base_url).__enter__()
        return self._openai

    @property
    def slack(self) -> Slack:
        if self._slack is None:
            self._slack = Slack(self.settings.slack_bot_token, self.settings.slack_api_url)
        return self._slack

    def syncer(self) -> Syncer:
        return Syncer(self.openai, self.store, self.clock, names_every=self.names_every)

    def courier(self) -> Courier:
        speaker = self.speaker or self.slack
        pace = delivery.EDIT_PACE if self.pace is None else self.pace
        return Courier(
            self.store,
            speaker,
            self.clock,
            fallback=self._fallback(),
            pace=pace,
            pacer=self._pacer if self.pace is None else None,
            book=lambda: self.rules.last(self.clock()).book,
        )

    @property
    def poster(self) -> Poster:
        """What sends events to webhooks, meanwhile."""
        if self._poster is None:
            self._poster = Poster(
                self.store,
                self.clock,
                lambda name: webhook(name, os.environ, dotenv=DOTENV),
                lambda: self.rules.last(self.clock()).book,
                fallback=self._fallback(),
            )
        return self._poster

    def beat(self) -> None:
        """Show a sign of life outside, if somebody looks for one; nobody waits for it."""
        if url := self.settings.budgetbot_heartbeat_url:
            self._beat = heartbeat.begin(url)

    def _fallback(self) -> str:
        """Return the channel that hears what another one refuses: the settings', or that of the bot's own trouble."""
        if self.settings.channel:
            return self.settings.channel
        book = self.rules.last(self.clock()).book
        room = ops_room(book, "") or room_of(book, book.default_route)
        return room.target.address if room else ""

    def alone(self, wait: float | None = None) -> AbstractContextManager[None]:
        """Hold the turn to poll: one process fetches, judges and delivers at a time."""
        return alone(self.store, WAIT if wait is None else wait)


@contextmanager
def alone(store: Store, wait: float = WAIT) -> Iterator[None]:
    """Hold the turn to poll into a database.

    Who loses it meanwhile, because it was paused or cut off, finds out before it writes anything more.
    """
    turn = turn_of(store.url, "poll")
    if not turn.take(wait):
        raise Polling("Another budgetbot is polling into this database.", "Let it finish, or stop it first.")
    try:
        if is_sqlite(store.url):
            yield  # a lock file cannot be lost
            return
        with store.writing() as tx:
            number = next_turn(tx)
        with store.fence.turn(number):
            yield
    finally:
        turn.leave()
