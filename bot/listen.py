"""Slack's commands, clicks, modals and events → the desk; each delivery once."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from bot.clicks import CLICKS, EVENTS, SUBMISSIONS, Doing, doing
from bot.clicks.click import Click
from bot.core.errors import Unanswered
from bot.desk import Desk
from bot.edge.slack_app import Handlers, Payload, Respond
from bot.edge.store import heard
from bot.edge.store.heard import HEARD_FOR
from bot.edge.store.store import Store
from bot.plainly import few_forms
from bot.render.plainer import CHART

log = logging.getLogger("budgetbot.listen")


class Listener:
    """Hears people. Safe to be called from many threads at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._heard = Heard(desk.store, desk.clock)

    @property
    def handlers(self) -> Handlers:
        return Handlers(
            self.command, self.action, self.first_time, self.event, self.submission, plainer=self._plainer
        )

    def _plainer(self, message: Payload) -> Iterator[dict[str, Any]]:
        """Yield an answer that Slack refused more plainly; what one person alone sees cannot show a file."""
        shared = message.get("response_type") == "in_channel" and message.get(CHART)
        return few_forms(message, self._desk.slack if shared else None)

    def command(self, payload: Payload, respond: Respond) -> None:
        """Answer `/budget …`, privately unless `public` was said."""
        respond(self._desk.ask(str(payload.get("text") or ""), str(payload.get("user_id") or "")))
        self._heard.keep()

    def action(self, action_id: str, payload: Payload, respond: Respond) -> None:
        """Answer a click."""
        who = doing(CLICKS, action_id)
        if who is None:
            log.info("unknown button", extra={"action": action_id})
            respond({"text": "This button is of another version of me. Try /budget help."})
        else:
            click = Click.of(action_id, payload, respond)
            if click.view.get("type") == "home":
                self._at_home(who, click)
            else:
                who.click(self._desk, click)
        self._heard.keep()

    def _at_home(self, who: Doing, click: Click) -> None:
        """Answer a click on the Home tab, which has no response_url, and show there what became of it."""
        homes = self._desk.homes
        try:
            who.click(self._desk, replace(click, respond=partial(homes.answer, click)))
        except Exception:
            homes.answer(click, {"text": "Something went wrong on our side, and the log says what."})
            raise
        homes.again(click.user)

    def submission(self, callback_id: str, payload: Payload, respond: Respond) -> None:
        """Take a modal that was sent; it is closed by then."""
        who = doing(SUBMISSIONS, callback_id)
        if who is None:
            log.info("unknown modal", extra={"callback": callback_id})
        else:
            click = Click.of(callback_id, payload, respond)
            who.submit(self._desk, replace(click, respond=partial(self._desk.tell, click)))
        self._heard.keep()

    def event(self, kind: str, payload: Payload) -> None:
        """Take an event; `payload` is its whole envelope."""
        who = doing(EVENTS, kind)
        if who is not None:
            who.heard(self._desk, payload)
        self._heard.keep()

    def first_time(self, key: str) -> bool:
        """Tell whether Slack delivers this for the first time."""
        return self._heard.first_time(key)


class Heard:
    """What Slack delivered: known at once in this process, and kept for the next one when the database is free."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, datetime] = {}
        self._pending: set[str] = set()
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def first_time(self, key: str) -> bool:
        """Tell whether this is heard for the first time within the hour."""
        now = self._clock()
        with self._lock:
            # In the order they came: those of more than an hour ago stand first.
            while self._known and next(iter(self._known.values())) <= now - HEARD_FOR:
                del self._known[next(iter(self._known))]
            if key in self._known:
                return False
            self._known[key] = now
        with self._store.reading() as tx:
            if heard.heard(tx, key, now):
                return False
        with self._lock:
            self._pending.add(key)
        return True

    def keep(self) -> None:
        """Write what was heard, unless somebody is at it: who comes after him takes it along."""
        while self._pending and self._writing.acquire(blocking=False):
            try:
                with self._lock:
                    taken, self._pending = self._pending, set()
                with self._store.writing() as tx:
                    heard.keep(tx, taken, self._clock())
            except Unanswered as failed:
                log.warning("not kept", extra={"why": str(failed)})
            finally:
                self._writing.release()
