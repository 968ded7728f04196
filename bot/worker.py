"""`run`: connect, poll at once, then whatever fell due; one tick at a time; stop politely on SIGTERM."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Protocol

from bot.app import App, Polling
from bot.core.errors import BotError, Unanswered
from bot.core.schedule import next_due
from bot.desk import Desk
from bot.distress import Distress
from bot.edge.memory import give_back, settled
from bot.edge.slack_app import Socket, build_app, drain
from bot.edge.store.fence import Lost
from bot.edge.store.turns import turn_of
from bot.listen import Listener
from bot.people import People
from bot.poll import deliver, fetch_and_judge

log = logging.getLogger("budgetbot.run")

LOOK = 2.0
"""Seconds between two looks for messages that fell due between polls."""
GRACE = 4.0
"""Seconds that a tick has to finish what it holds when a stop is asked for; hosts kill after ten or thirty."""


class Stopping(Exception):
    """A stop was asked for while a long read went on; what is stored stays. No failure: no reader may catch it."""


class Worker:
    """The loop of one process. Slack is answered by threads of its own meanwhile."""

    def __init__(self, app: App, stop: threading.Event) -> None:
        self.app = app
        self.stop = stop
        self._due = app.clock()
        self._lead = turn_of(app.store.url, "lead")
        self._leading = self._led = False
        self._distress = Distress(app)
        self._checked_on = app.clock().date()

    def loop(self) -> None:
        """Tick at once and then by the schedule until stopped; ticks that came late are one."""
        try:
            while not self.stop.is_set():
                self._once()
        finally:
            self._lead.leave()

    def _once(self) -> None:
        """Do what is due, if this is the one process of all that polls."""
        if not self._leads():
            self.stop.wait(LOOK)
            return
        self._guarded(self.app.poster.begin)
        now = self.app.clock()
        if now >= self._due:
            self._distressed(self._guarded(partial(self._tick, now)), now)
            self.app.store.rest()
            give_back()
            self._due = next_due(self.app.settings.budgetbot_poll, self.app.clock())
            log.info("next poll", extra={"due": self._due.isoformat()})
        else:
            self._guarded(partial(self._deliver, now))
        self.stop.wait(max(0.0, min(LOOK, (self._due - self.app.clock()).total_seconds())))

    def _leads(self) -> bool:
        """Tell whether this process is the one that polls; who is not tries again and again to become it."""
        try:
            leads = self._lead.take()
        except Unanswered as failed:
            log.warning("nobody knows who polls", extra={"why": str(failed)})
            if self._led:
                self._distress.failed(failed, self.app.clock())
            leads = False
        else:
            self._led = leads
            if not leads:
                self._distress.worked(self.app.clock())
        if leads != self._leading:
            log.info("polls from now on" if leads else "another process polls now")
            self._due = self.app.clock() if leads else self._due
        self._leading = leads
        return leads

    def _distressed(self, failed: Exception | None, now: datetime) -> None:
        """Tell who looks after the bot that polls fail, unless somebody else makes them."""
        if failed is not None and not isinstance(failed, Stopping | Polling | Lost):
            self._distress.failed(failed, now)

    def _tick(self, now: datetime) -> None:
        if self._checked_on != now.date():
            self.app.store.check()
            self._checked_on = now.date()
        with self.app.alone(wait=0.0):
            done = fetch_and_judge(self.app, now, self._progress)
            if done.refused is not None:
                log.error("key refused", extra={"why": str(done.refused)})
            next_poll = next_due(self.app.settings.budgetbot_poll, self.app.clock())
            done = deliver(
                self.app, done, stopped=lambda: self.stop.is_set() or self.app.clock() >= next_poll
            )
        # Outside hears that somebody looks; whether Slack lets us speak is another matter, and said elsewhere.
        if done.complete:
            self.app.beat()
        self._distress.worked(now)
        if done.unsaid is not None:
            log.error("not said", extra={"why": str(done.unsaid)})

    def _deliver(self, now: datetime) -> None:
        """Say what was put off, or gathered until now; a Slack that answers slowly holds up no poll."""
        if not self.app.courier().anything(now):
            return
        with self.app.alone(wait=0.0):
            self.app.courier().deliver(
                now, stopped=lambda: self.stop.is_set() or self.app.clock() >= self._due
            )

    def _progress(self, source: str, done: int, total: int) -> None:
        log.info("backfill", extra={"source": source, "days": done, "of": total})
        if self.stop.is_set():
            raise Stopping

    def _guarded(self, work: Callable[[], None]) -> Exception | None:
        """Let no failure end the process, but return it: the next tick may succeed."""
        try:
            work()
        except Stopping as stopped:
            log.info("stopped while reading history; the next start goes on there")
            return stopped
        except Unanswered as failed:
            log.warning("not done", extra={"why": str(failed)})
            return failed
        except BotError as failed:
            log.error("not done", extra={"why": str(failed)})  # noqa: TRY400 - a sentence, not our traceback
            return failed
        except Exception as bug:
            log.exception("bug")
            return bug
        return None


class Ear(Protocol):
    """Where people are heard: a socket to Slack, or an address of our own."""

    def connect(self) -> None: ...
    def close(self) -> None: ...


def work(
    app: App,
    stop: threading.Event | None = None,
    *,
    socket: bool = True,
    port: int | None = None,
    polls: bool = True,
) -> bool:
    """Run until SIGTERM or SIGINT, finish what is held, then return; False when a read had to be left hanging.

    Slack is heard over a `socket` of its own, or at our `port`, which shows the bot's pages in any case.
    """
    stopping = app.stopping = stop or app.stopping
    if stop is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, partial(_stop, stopping))
    app.rules.now(app.clock())  # a set-up that cannot judge anything is refused before it looks alive
    loop = threading.Thread(target=Worker(app, stopping).loop, name="ticks", daemon=True)
    with ExitStack() as closing:
        for ear in _ears(app, closing, socket=socket, port=port):
            ear.connect()
            closing.callback(ear.close)
        settled()
        if polls:
            loop.start()
        while (loop.is_alive() or not polls) and not stopping.wait(1.0):
            pass
        asked_at = time.monotonic()
    begun = [thread for thread in (loop, *app.readers) if thread.is_alive()]
    for thread in begun:
        thread.join(max(0.0, asked_at + GRACE - time.monotonic()))
    left = any(thread.is_alive() for thread in begun)
    log.info("stopped", extra={"left": "a read that nobody answered"} if left else {})
    return not left


def _ears(app: App, closing: ExitStack, *, socket: bool, port: int | None) -> Iterator[Ear]:
    """Yield what listens; after they are closed, everything that was acknowledged is answered."""
    settings = app.settings
    # Answers follow the rules that the last tick judged by, and wait for nobody who reads files.
    people = People(app.slack, settings, app.clock)
    desk = Desk(app.store, app.rules.last, app.clock, people, app.slack, app)
    listener = Listener(desk)
    desk.homes.start()
    closing.callback(desk.homes.close)
    secret = None if socket else settings.slack_signing_secret
    bolt = build_app(
        settings.slack_bot_token, settings.slack_api_url, listener.handlers, signing_secret=secret
    )
    closing.callback(drain, bolt)
    if socket:
        yield Socket(bolt, settings.slack_app_token)
    if port is not None:
        from bot.edge.slack_http import PATH, slack_route  # noqa: PLC0415 - most listen over a socket alone
        from bot.edge.web import Web  # noqa: PLC0415
        from bot.serving import pages  # noqa: PLC0415

        routes = dict(pages(app))
        if not socket:
            routes["POST", PATH] = slack_route(bolt)
        yield Web(routes, port)


def _stop(stopping: threading.Event, _number: int, _frame: FrameType | None) -> None:
    stopping.set()
