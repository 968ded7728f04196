"""Deliveries → webhooks: a thread for each receiver, so that one that hangs keeps nobody else waiting."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.core.errors import SetupWrong
from bot.core.rooms import Target, ops_room
from bot.core.rules.book import Rulebook
from bot.edge import webhook
from bot.edge.store import delivery, hooks, outbox, records
from bot.edge.store.hooks import Delivery
from bot.edge.store.store import Store
from bot.edge.webhook import Hook, HookTrouble
from bot.logs import hide

log = logging.getLogger("budgetbot.webhook")

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
GIVES_UP = timedelta(days=3)
"""An event that nobody took for so long is history."""
SAID_AFTER = timedelta(hours=1)
"""Longer than a receiver takes to restart: then somebody is told."""
HURRY = 0.5
"""Seconds that a delivery has to end when the process does."""
GONE = "webhook-gone:"
"""Marks the address, as a hash, at which a webhook said that it wants no more events."""


class Poster:
    """Sends events in the background. What it has not sent when the process ends is sent by the next one."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        setting: Callable[[str], Hook],
        book: Callable[[], Rulebook],
        *,
        fallback: str = "",
        patience: float = webhook.PATIENCE,
    ) -> None:
        """`setting` returns the webhook of a name, or raises SetupWrong; `fallback` is the channel of last resort."""
        self.store, self.clock, self.setting, self.book = store, clock, setting, book
        self.fallback, self.patience = fallback, patience
        self._stopping = threading.Event()
        self._senders: dict[str, threading.Thread] = {}

    def begin(self) -> None:
        """Begin to send what may be tried now, and return at once."""
        with self.store.reading() as tx:
            waiting = hooks.waiting(tx)
        clock = self.clock()
        for name, (_, first) in waiting.items():
            sender = self._senders.get(name)
            if first <= clock and not (sender and sender.is_alive()):
                sender = threading.Thread(
                    target=self._send, args=(name,), name=f"webhook {name}", daemon=True
                )
                self._senders[name] = sender
                sender.start()

    def wait(self, seconds: float) -> int:
        """Wait for what was begun, `seconds` at most; return how many events nobody took yet."""
        until = time.monotonic() + seconds
        for sender in list(self._senders.values()):
            sender.join(max(0.0, until - time.monotonic()))
        with self.store.reading() as tx:
            return sum(count for count, _ in hooks.waiting(tx).values())

    def close(self, seconds: float = HURRY) -> None:
        """Begin nothing more, and wait a moment for what is under way."""
        self._stopping.set()
        until = time.monotonic() + seconds
        for sender in self._senders.values():
            sender.join(max(0.0, until - time.monotonic()))

    def _send(self, name: str) -> None:
        """Send what may be tried, one after the other."""
        try:
            while not self._stopping.is_set():
                with self.store.writing() as tx:
                    job = hooks.claim(tx, name, self.clock())
                if job is None:
                    return
                self._one(job)
        except Exception:
            # What was taken is tried again in a minute, by whoever lives.
            log.exception("webhook stopped", extra={"webhook": name})

    def _one(self, job: Delivery) -> None:
        try:
            hook = self._setting(job)
            began = time.monotonic()
            webhook.post(hook, job.body["id"], job.body["payload"], self.clock(), patience=self.patience)
        except HookTrouble as trouble:
            log.warning(
                "event not sent",
                extra={"webhook": job.name, "event": job.body["id"], "try": job.attempts, "why": trouble.why},
            )
            with self.store.writing() as tx:
                self._failed(tx, job, trouble)
            return
        seconds = round(time.monotonic() - began, 3)
        log.info("event sent", extra={"webhook": job.name, "id": job.body["id"], "seconds": seconds})
        with self.store.writing() as tx:
            before = hooks.sent(tx, job, self.clock())
            records.mark(tx, f"{GONE}{job.name}", "")
            if before:
                self._say(tx, job, f"The webhook {job.name} takes events again.", "", over=True)

    def _setting(self, job: Delivery) -> Hook:
        try:
            hook = self.setting(job.name)
        except SetupWrong as wrong:
            raise HookTrouble("setting", wrong.happened.rstrip("."), wrong.remedy) from None
        hide((hook.url, hook.secret))
        with self.store.reading() as tx:
            gone = records.marker(tx, f"{GONE}{job.name}")
        if gone == _hashed(hook):
            raise HookTrouble("gone", "it answered 410 before: it wants no more events")
        return hook

    def _failed(self, tx: Connection, job: Delivery, trouble: HookTrouble) -> None:
        """Decide what becomes of an event: tried again later, or given up, which somebody is told once."""
        clock = self.clock()
        name, why = job.name, trouble.why
        if trouble.kind == "gone":
            hooks.drop(tx, job, why)
            if trouble.remedy:
                records.mark(tx, f"{GONE}{name}", _hashed(self.setting(name)))
                self._tell(tx, job, f"The webhook {name} is sent nothing more: {why}.", trouble.remedy)
            return
        if trouble.kind == "refused":
            hooks.drop(tx, job, why)
            self._tell(
                tx, job, f"The webhook {name} refuses events, which are lost to it: {why}.", trouble.remedy
            )
            return
        if trouble.kind == "setting":
            hooks.put_off(tx, job, clock + LONGEST_WAIT, why)
            happened = f"Nothing can be sent to the webhook {name}, events wait: {why}."
            self._tell(tx, job, happened, trouble.remedy)
            return
        if clock - job.since >= GIVES_UP:
            hooks.drop(tx, job, why)
        else:
            wait = timedelta(seconds=trouble.retry_after or 0)
            hooks.put_off(tx, job, clock + max(wait, _backoff(job)), why)
        if clock - job.since >= SAID_AFTER:
            happened = f"The webhook {name} has taken nothing since {job.since:%d %b %H:%M} UTC: {why}."
            remedy = f"Events wait for it, each for {GIVES_UP.days} days; see what its own log says."
            self._tell(tx, job, happened, remedy)

    def _tell(self, tx: Connection, job: Delivery, happened: str, remedy: str) -> None:
        if delivery.trouble(tx, job.target, happened):
            self._say(tx, job, happened, remedy)

    def _say(self, tx: Connection, job: Delivery, happened: str, remedy: str, *, over: bool = False) -> None:
        """Say it in Slack: a webhook cannot tell of itself."""
        room = ops_room(self.book(), self.fallback)
        target = room.target if room else Target("slack", self.fallback) if self.fallback else None
        log.log(logging.INFO if over else logging.ERROR, happened, extra={"remedy": remedy})
        if target is not None:
            body: dict[str, object] = {"happened": happened, "remedy": remedy}
            body |= {"recovered": True} if over else {}
            outbox.say(tx, f"webhook:{job.name}:{job.notice}:{over}", target, "ops", body, job.due_at)


def _backoff(job: Delivery) -> timedelta:
    return min(FIRST_WAIT * (1 << min(job.attempts - 1, 12)), LONGEST_WAIT)


def _hashed(hook: Hook) -> str:
    return hashlib.sha256(f"{hook.secret} {hook.url}".encode()).hexdigest()[:16]
