"""Answers a command or a click at its response_url: five times within half an hour, and never in silence.

Of the five an answer takes one; two more where Slack refuses how it is drawn, a third where a picture of it is refused
as well, and one or two where it lets people wait.
"""

import heapq
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.client import HTTPException
from itertools import count
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from bot.edge.addresses import is_loopback
from bot.edge.slack_trouble import from_wire, retry_after

Payload = Mapping[str, Any]
Respond = Callable[[Payload], None]
Plainer = Callable[[Payload], Iterable[dict[str, Any]]]
"""Says the same more and more plainly, made only when it is asked for; nothing where it cannot."""

PATIENCE = 2.5
"""Seconds after which somebody who waits is told that the answer is on its way."""
WAITING = ":hourglass: Working it out; the answer comes here."
BELOW = "The answer stands below."
DONE = "Done."
_TRIES, _LONGEST_WAIT, _TIMEOUT = 3, 10.0, 10
_USES = 5
_DRAWN = {"blocks", "attachments"}
_TAKEN = {*_DRAWN, "text", "response_type", "replace_original", "delete_original", "thread_ts"}
_log = logging.getLogger(__name__)


class Responder:
    """Answers one command or click, from any thread. `done` must follow when nobody will answer any more.

    Somebody who waits longer than `PATIENCE` is told so. That line is replaced by the answer to a command; the
    response_url of a click replaces what was clicked on, so there the answer follows it.
    """

    def __init__(
        self, response_url: str | None, *, replaces: bool = False, plainer: Plainer | None = None
    ) -> None:
        self._url = response_url
        self._replaces = replaces
        self._plainer = plainer
        self._lock = threading.Lock()
        self._answered = False
        self._waits = False
        """Somebody was told to wait, and has had no answer since."""
        self._used = 0
        if response_url is not None:
            _WAITING.add(self, monotonic() + PATIENCE)

    @property
    def answered(self) -> bool:
        """Tell whether nobody need be told to wait any more."""
        return self._answered

    def __call__(self, message: Payload) -> None:
        """Answer. It raises ValueError for a message without text; a refusal by Slack is logged."""
        if not message.get("text"):
            raise ValueError("an answer needs text: notifications and screen readers have nothing else")
        if self._url is None:
            _log.error("an answer has no address to go to")
            return
        with self._lock:
            self._answered = True
            body = {key: held for key, held in message.items() if key in _TAKEN}
            if self._waits and self._replaces:
                if body.get("response_type") == "in_channel":
                    # What one person alone saw cannot become what all see.
                    self._send({"text": BELOW, "replace_original": True})
                else:
                    body["replace_original"] = True
            self._waits = False
            self._send(body, message)

    def done(self) -> None:
        """Let nobody wait for more: what could be said was said."""
        with self._lock:
            self._answered = True
            if self._waits:
                self._waits = False
                self._send({"text": DONE, "replace_original": self._replaces})

    def wait(self) -> None:
        """Say that the answer is on its way, unless there was one."""
        with self._lock:
            if not self._answered:
                self._waits = True
                self._send({"response_type": "ephemeral", "replace_original": False, "text": WAITING})

    def _send(self, body: dict[str, Any], message: Payload | None = None) -> None:
        assert self._url is not None
        forms = iter([body]) if message is None else _forms(body, message, self._plainer)
        left = _USES - self._used
        self._used += 1
        refusal = _deliver(self._url, forms, max(1, left))
        if refusal:
            _log.error("Slack did not take an answer: %s", refusal)


class _Waiting:
    """Those who wait for an answer: one thread looks after all of them, for as long as there are any."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Responder]] = []
        self._numbers = count()
        self._sooner = threading.Condition()
        self._watched = False

    def add(self, responder: Responder, due: float) -> None:
        """Let somebody be told to wait at `due`, by the monotonic clock, who has no answer by then."""
        with self._sooner:
            heapq.heappush(self._due, (due, next(self._numbers), responder))
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, name="slack-waiting", daemon=True).start()
            elif self._due[0][2] is responder:
                self._sooner.notify()

    def _watch(self) -> None:
        while True:
            with self._sooner:
                while self._due and self._due[0][2].answered:
                    heapq.heappop(self._due)
                if not self._due:
                    self._watched = False
                    return
                due, _, responder = self._due[0]
                left = due - monotonic()
                if left > 0:
                    self._sooner.wait(left)
                    continue
                heapq.heappop(self._due)
            # Slack may take its time with this one, and the next one must not wait for it.
            threading.Thread(target=responder.wait, name="slack-wait", daemon=True).start()


_WAITING = _Waiting()


def responder(
    response_url: str | None, *, replaces: bool = False, plainer: Plainer | None = None
) -> Responder:
    """Return how to answer; `replaces` where the answer may take the place of a line that asks to wait."""
    return Responder(response_url, replaces=replaces, plainer=plainer)


def _forms(body: dict[str, Any], message: Payload, plainer: Plainer | None) -> Iterator[dict[str, Any]]:
    """Yield an answer as it was drawn, then more plainly, then its words alone."""
    yield body
    beside = {key: held for key, held in body.items() if key not in _DRAWN}
    for simpler in plainer(message) if plainer is not None else ():
        drawn = {key: held for key, held in simpler.items() if key in _DRAWN}
        if drawn:
            yield {**beside, **drawn}
    if body.keys() & _DRAWN:
        yield beside


def _deliver(response_url: str, forms: Iterator[dict[str, Any]], uses: int) -> str:
    """Send an answer, later or plainer where that helps; return why it was not taken, or nothing.

    The last of the `uses` that are left is for the bare words: in them it arrives.
    """
    from slack_sdk.webhook import WebhookClient  # noqa: PLC0415  only a listener needs to wait for it

    body = next(forms)
    # What may have arrived is repeated only when it is private: a public answer would stand there twice.
    private = body.get("response_type", "ephemeral") != "in_channel"
    client = WebhookClient(response_url, retry_handlers=[], timeout=_TIMEOUT)
    if is_loopback(urlsplit(response_url).hostname or ""):
        client.proxy = None
    refusal = ""
    tried = troubles = 0
    while tried < uses and troubles < _TRIES:
        tried += 1
        try:
            answer = client.send_dict(body)
        except (OSError, HTTPException, ValueError) as error:
            trouble = from_wire(error)
            troubles += 1
            refusal, wait = trouble.code, troubles / 2
            if trouble.kind != "passing" and not private:
                return refusal
        else:
            # bolt's own respond() raises nothing either: the status has to be looked at.
            if answer.status_code == 200 and not _refused(answer.body):
                return ""
            refusal, wait = f"{answer.status_code} {answer.body[:200]}", 0.0
            if answer.status_code == 429:
                troubles += 1
                wait = min(_LONGEST_WAIT, retry_after(answer.headers) or 0.0)
            elif answer.status_code >= 500 and private:
                troubles += 1
                wait = troubles / 2
            elif answer.status_code < 500 and answer.status_code != 404:
                plainer = next(forms, None)
                if plainer is None:
                    return refusal
                _log.warning("Slack refused how an answer is drawn, saying it more plainly: %s", refusal)
                last = tried == uses - 1
                body = {key: held for key, held in body.items() if key not in _DRAWN} if last else plainer
            else:
                return refusal
        if tried < uses and troubles < _TRIES:
            sleep(wait)
    return refusal


def _refused(body: str) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False  # the usual answer is the bare word ok
    return isinstance(answer, dict) and answer.get("ok") is False
