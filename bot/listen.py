"""Slack's commands and clicks → answers from the store; never a call to OpenAI inside Slack's three seconds."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.answers import answer
from bot.edge.slack_app import Handlers, Payload, Respond
from bot.edge.store import records
from bot.edge.store.store import Store
from bot.render.replies import HELP, RUN, VERSION, reply
from bot.rulebook import InForce

log = logging.getLogger("budgetbot.listen")


class Listener:
    """Answers people. Safe to be called from many threads at once."""

    def __init__(
        self, store: Store, rules: Callable[[datetime], InForce], clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._writing = threading.Lock()

    @property
    def handlers(self) -> Handlers:
        return Handlers(command=self.command, action=self.action, first_time=self.first_time)

    def command(self, payload: Payload, respond: Respond) -> None:
        """Answer `/budget …`, privately unless `public` was said."""
        self._answer(str(payload.get("text") or ""), respond)

    def action(self, action_id: str, payload: Payload, respond: Respond) -> None:
        """Answer a click on a button that carries a command."""
        value = _value(payload)
        version, _, words = value.partition("|")
        if not action_id.startswith((RUN, HELP)) or version != VERSION or not words:
            log.info("unknown button", extra={"action": action_id})
            respond({"text": "This button is of another version of me. Try /budget help."})
            return
        self._answer(f"help {words}" if action_id.startswith(HELP) else words, respond)

    def first_time(self, key: str) -> bool:
        """Tell whether Slack delivers this for the first time."""
        # One after the other: forty that ask SQLite for the same turn wait longer than forty in a row.
        with self._writing, self._store.writing() as tx:
            return records.first_time(tx, key, self._clock())

    def _answer(self, words: str, respond: Respond) -> None:
        now = self._clock()
        given, query = answer(self._store, self._rules(now), words, now)
        respond(reply(given, query))


def _value(payload: Mapping[str, Any]) -> str:
    actions = payload.get("actions") or [{}]
    first = actions[0]
    chosen = first.get("selected_option") or {}
    return str(first.get("value") or chosen.get("value") or "")
