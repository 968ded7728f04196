"""Where what people say arrives, whatever way it came: asked, ordered or refused; never a call to OpenAI meanwhile."""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bot.answered import Recent
from bot.answers import answer
from bot.app import App
from bot.clicks.click import Click
from bot.core.asker import NOBODY, Asker
from bot.core.errors import Unanswered
from bot.core.outcome import Outcome
from bot.core.owning import owners
from bot.core.query import parse
from bot.core.question import Query
from bot.core.verbs import VERBS
from bot.edge.slack import Slack, SlackTrouble
from bot.edge.store import homes, overlays
from bot.edge.store.store import Store
from bot.homing import Homes
from bot.orders import carry_out
from bot.people import FOREIGN, People
from bot.plainly import send
from bot.questions import Asked, answering
from bot.render.replies import reply
from bot.rulebook import InForce
from bot.sharing import share

log = logging.getLogger("budgetbot.desk")

AT_ONCE = 4
"""Answers worked out at once: more would only take the processor and the database from each other."""

ME = "@me"
"""Who asks, in a filter."""

Answered = tuple[object, Query | None]


class Desk:
    """Answers words. Safe to be called from many threads at once.

    Nothing here waits for whoever writes to the database, but orders: a poll may hold it for seconds.
    """

    def __init__(
        self,
        store: Store,
        rules: Callable[[datetime], InForce],
        clock: Callable[[], datetime],
        people: People | None = None,
        slack: Slack | None = None,
        app: App | None = None,
    ) -> None:
        self.store = store
        self.rules = rules
        self.clock = clock
        self.people = people
        self.app = app
        self.homes = Homes(self)
        self._slack = slack
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._asking: dict[tuple[str, str], Future[_Given]] = {}
        self._recent: Recent[tuple[_Given, InForce]] = Recent()
        self._lock = threading.Lock()

    @property
    def slack(self) -> Slack:
        """Return Slack's edge, for what a response_url cannot do."""
        if self._slack is None:
            assert self.app is not None
            self._slack = self.app.slack
        return self._slack

    def ask(self, words: str, user: str) -> dict[str, Any]:
        """Return the body that answers words, for their author alone unless they say otherwise."""
        given = self._given(words, user, sure=False)
        query, body = given.query, given.body
        return share(self, query, body, user) if query is not None and query.to else body

    def answered(self, words: str, user: str, *, sure: bool = False) -> Answered:
        """Return the answer to words, and the question as it was understood (None where it was not).

        Not `sure`: an order about everything is counted first.
        """
        given = self._given(words, user, sure=sure)
        return given.answer, given.query

    def _given(self, words: str, user: str, *, sure: bool) -> "_Given":
        query = parse(words, self.clock().astimezone(UTC).date())
        if isinstance(query, Query) and concerns_who(query):
            return _Given(self.ordered(query, user, sure=sure), query)
        if self.people is not None and user and self.people.foreign(user):
            self.refused(
                Asker(user), query.verb if isinstance(query, Query) else "read", words[:200], FOREIGN
            )
            return _Given(Outcome(FOREIGN, done=False, refused=True), None)
        return self._shared(words, user if isinstance(query, Query) and _personal(query) else "")

    def asker(self, user: str) -> Asker:
        """Return who somebody is; `why` says why they may change nothing."""
        if self.people is None or not user:
            return Asker(user, why="Nobody can be asked who you are, so nothing was changed.")
        return self.people.look_up(user, owners(self.rules(self.clock()).book))

    def known(self, user: str) -> Asker | None:
        """Return who somebody is if nobody need be asked: what must open at once cannot wait."""
        if self.people is None:
            return None
        return self.people.known(user, owners(self.rules(self.clock()).book))

    def ordered(self, query: Query, user: str, *, sure: bool = True) -> object:
        """Do what somebody orders who may: the payload is Slack's own, so its user id is who they are."""
        asker, verb, now = self.asker(user), VERBS[query.verb], self.clock()
        try:
            if verb.orders:
                # Whose budget it is decides as well, so each alert is looked at where the order is carried out.
                return carry_out(self.store, self.rules(now), query, asker, now, sure=sure)
            if why := asker.lacks(verb.who, looks=not verb.changes):
                self.refused(asker, query.verb, query.command, why)
                return Outcome(why, done=False, refused=True)
            asked = Asked(self.store, self.rules(now), query, now, asker=asker, app=self.app)
            return answering(query.verb).answer(asked)
        except Unanswered as failed:
            return Outcome(f"{failed.happened} Nothing was changed.", done=False, refused=True)

    def refused(self, asker: Asker, what: str, about: str, why: str) -> None:
        """Keep that somebody was refused something: what is tried is as telling as what is done."""
        log.info("refused", extra={"who": asker.who, "what": what, "why": why})
        try:
            with self.store.writing() as tx:
                overlays.audit(tx, self.clock(), asker.who, what, about, {}, {"refused": why})
        except Unanswered as failed:  # a refusal stands whether it is written down or not
            log.error("refusal not kept", extra={"who": asker.who, "why": str(failed)})  # noqa: TRY400 - a sentence

    def tell(self, click: Click, message: Mapping[str, Any]) -> None:
        """Say something to one person who has no response_url: where they were, else in a direct message."""
        place = str(click.view.get("private_metadata") or "").rpartition("|")[2]
        if place[:1] in ("C", "G"):
            try:
                send(message, partial(self.slack.whisper, place, click.user), None)
            except SlackTrouble as trouble:
                log.info("not whispered", extra={"why": str(trouble)})
            else:
                return
        send(message, partial(self.slack.say, click.user), self.slack)

    def _shared(self, words: str, user: str) -> "_Given":
        """Return the answer; who asks what somebody else is just asking shares it."""
        key = (words, user)
        with self._lock:
            shared = self._asking.get(key)
            mine = Future[_Given]() if shared is None else shared
            if shared is None:
                self._asking[key] = mine
        if shared is not None:
            return shared.result()
        try:
            mine.set_result(self._worked_out(key))
        except BaseException as failed:
            mine.set_exception(failed)
            raise
        finally:
            with self._lock:
                del self._asking[key]
        return mine.result()

    def _worked_out(self, key: tuple[str, str]) -> "_Given":
        """Return the answer given to this seconds ago if nothing has changed since; else work it out."""
        words, user = key
        now = self.clock()
        rules = self.rules(now)
        with self.store.reading() as tx:
            # What is asked under one stamp is worked out from it or from something newer, never from older.
            stamp = (homes.stamp(tx), id(rules))
        if (known := self._recent.get(key, stamp)) is not None:
            return known[0]
        with self._turns:
            asker = self.asker(user) if user else NOBODY
            given = _Given(*answer(self.store, rules, words, now, asker=asker, app=self.app))
        self._recent.put(key, stamp, (given, rules))  # kept alive, so that its id stays its own
        return given


class _Given:
    """An answer, the question as it was understood, and the body that says it: drawn once, for all who asked."""

    def __init__(self, answer: object, query: Query | None) -> None:
        self.answer = answer
        self.query = query
        self._drawing = threading.Lock()
        self._body: dict[str, Any] | None = None

    @property
    def body(self) -> dict[str, Any]:
        """Return what Slack is told. Nobody changes it."""
        with self._drawing:
            if self._body is None:
                self._body = reply(self.answer, self.query)
            return self._body


def concerns_who(query: Query) -> bool:
    """Tell whether a command changes something or is not for everybody: then it matters who says it."""
    return VERBS[query.verb].changes or VERBS[query.verb].who != "viewer"


def _personal(query: Query) -> bool:
    """Tell whether the answer depends on who asks."""
    bare = query.verb == "status" and not query.filters
    return bare or any(ME in condition.values for condition in query.filters)
