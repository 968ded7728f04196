"""Slack's commands and clicks → answers from the store; never a call to OpenAI inside Slack's three seconds."""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from bot.answers import Answer, answer
from bot.core.errors import Unanswered
from bot.core.outcome import Outcome
from bot.core.query import parse
from bot.core.question import Query
from bot.core.verbs import VERBS
from bot.edge.slack_app import Handlers, Payload, Respond
from bot.edge.store import heard
from bot.edge.store.heard import HEARD_FOR
from bot.edge.store.store import Store
from bot.orders import Actor, carry_out
from bot.people import People
from bot.render.replies import HELP, RUN, VERSION, reply
from bot.rulebook import InForce

log = logging.getLogger("budgetbot.listen")

AT_ONCE = 4
"""Answers worked out at once: more would only take the processor and the database from each other."""

Answered = tuple[Answer, Query | None]


class Listener:
    """Answers people. Safe to be called from many threads at once.

    Nothing here waits for whoever writes to the database: a poll may hold it for seconds, and people for three.
    """

    def __init__(
        self,
        store: Store,
        rules: Callable[[datetime], InForce],
        clock: Callable[[], datetime],
        people: People | None = None,
    ) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._people = people
        self._heard = Heard(store, clock)
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._asking: dict[str, Future[Answered]] = {}
        self._lock = threading.Lock()

    @property
    def handlers(self) -> Handlers:
        return Handlers(command=self.command, action=self.action, first_time=self.first_time)

    def command(self, payload: Payload, respond: Respond) -> None:
        """Answer `/budget …`, privately unless `public` was said."""
        self._answer(str(payload.get("text") or ""), str(payload.get("user_id") or ""), respond)

    def action(self, action_id: str, payload: Payload, respond: Respond) -> None:
        """Answer a click on a button that carries a command."""
        value = _value(payload)
        version, _, words = value.partition("|")
        if not action_id.startswith((RUN, HELP)) or version != VERSION or not words:
            log.info("unknown button", extra={"action": action_id})
            respond({"text": "This button is of another version of me. Try /budget help."})
            return
        user = payload.get("user") or {}
        words = f"help {words}" if action_id.startswith(HELP) else words
        self._answer(words, str(user.get("id") or ""), respond)

    def first_time(self, key: str) -> bool:
        """Tell whether Slack delivers this for the first time."""
        return self._heard.first_time(key)

    def _answer(self, words: str, user_id: str, respond: Respond) -> None:
        order = parse(words, self._clock().astimezone(UTC).date())
        if isinstance(order, Query) and VERBS[order.verb].orders:
            respond(reply(self._ordered(order, user_id), order))
        else:
            respond(reply(*self._answered(words)))
        self._heard.keep()

    def _ordered(self, order: Query, user_id: str) -> Outcome:
        """Do what somebody orders who may: the payload is Slack's own, so its user id is who they are."""
        if self._people is None or not user_id:
            return Outcome(
                "Nobody can be asked who you are, so nothing was changed.", done=False, refused=True
            )
        known = self._people.look_up(user_id)
        if known.why:
            return Outcome(known.why, done=False, refused=True)
        now = self._clock()
        try:
            return carry_out(self._store, self._rules(now), order, Actor(user_id, known.role), now)
        except Unanswered as failed:
            return Outcome(f"{failed.happened} Nothing was changed.", done=False, refused=True)

    def _answered(self, words: str) -> Answered:
        """Return the answer; who asks what somebody else is just asking shares it."""
        with self._lock:
            shared = self._asking.get(words)
            mine = Future[Answered]() if shared is None else shared
            if shared is None:
                self._asking[words] = mine
        if shared is not None:
            return shared.result()
        try:
            with self._turns:
                now = self._clock()
                mine.set_result(answer(self._store, self._rules(now), words, now))
        except BaseException as failed:
            mine.set_exception(failed)
            raise
        finally:
            with self._lock:
                del self._asking[words]
        return mine.result()


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
            self._known = {known: at for known, at in self._known.items() if at > now - HEARD_FOR}
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


def _value(payload: Mapping[str, Any]) -> str:
    actions = payload.get("actions") or [{}]
    first = actions[0]
    chosen = first.get("selected_option") or {}
    return str(first.get("value") or chosen.get("value") or "")
