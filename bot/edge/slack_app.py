"""Listens to Slack: every command and click is acknowledged before anything else, and always answered."""

import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.edge.addresses import check_base_url, is_loopback
from bot.edge.redact import calm_libraries
from bot.edge.slack_respond import Payload, Plainer, Respond, Responder, responder
from bot.edge.slack_trouble import SlackTrouble, from_answer, from_wire

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_bolt.adapter.socket_mode import SocketModeHandler
    from slack_sdk import WebClient

__all__ = ["Handlers", "Payload", "Respond", "Socket", "build_app", "drain", "socket_trouble"]

COMMAND = "/budget"
ANSWERS_AT_ONCE = 12
"""Threads that answer: enough for those that wait for Slack or the database; more would only wait for each other."""
_ANY = re.compile("")
# What bolt reads from the environment behind our back: two of them turn OAuth on and drop the token.
_BOLT_READS = (
    "SLACK_BOT_TOKEN",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SLACK_SIGNING_SECRET",
    "SLACK_VERIFICATION_TOKEN",
)

_log = logging.getLogger(__name__)
_environment = threading.Lock()


def _unheard(kind: str, payload: Payload) -> None:
    """Nobody cares for events yet."""


def _unsent(callback_id: str, payload: Payload, respond: Respond) -> None:
    """Nobody opens modals yet."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """What to do with what people do. Each runs in a thread of its own after the acknowledgement, and may raise.

    `command(payload, respond)` gets a slash command; `action(action_id, payload, respond)` a click. `first_time(key)`
    says whether this trigger or event was never seen before, so that a second delivery does nothing. `event(type,
    payload)` gets an event's whole envelope, `submission(callback_id, payload, respond)` a modal that was sent: it is
    closed by then.
    """

    command: Callable[[Payload, Respond], None]
    action: Callable[[str, Payload, Respond], None]
    first_time: Callable[[str], bool]
    event: Callable[[str, Payload], None] = _unheard
    submission: Callable[[str, Payload, Respond], None] = _unsent
    plainer: Plainer | None = None
    """Says an answer that Slack refuses more plainly."""


def build_app(token: str, base_url: str, handlers: Handlers, *, signing_secret: str | None = None) -> "App":
    """Return the bolt app; nothing is sent, so Slack may be down. `drain` it at the end.

    Raises SetupWrong unless `base_url` is https or loopback. Without a signing secret no HTTP request is believed.
    """
    from slack_bolt import App  # noqa: PLC0415  a third of a second that only a listener needs to pay
    from slack_bolt.authorization import AuthorizeResult  # noqa: PLC0415

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # Bolt's own would ask auth.test before the first acknowledgement.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token.strip())

    client = _client(base_url)
    calm_libraries()
    with _without(_BOLT_READS):
        app = App(
            name="budgetbot",
            logger=logging.getLogger("slack_bolt"),  # otherwise bolt's loggers copy the root's level: DEBUG
            client=client,
            authorize=authorize,
            token_verification_enabled=False,
            # An empty secret would verify: whoever knows that it is empty could sign.
            signing_secret=signing_secret or secrets.token_hex(32),
            # Acknowledged where it is heard, in no thread that slow answers could fill; the answers have their own.
            process_before_response=True,
            listener_executor=(
                answers := ThreadPoolExecutor(ANSWERS_AT_ONCE, thread_name_prefix="slack-answer")
            ),
        )
    calm_libraries()
    for heard, work in (
        (app.command(COMMAND), _command_work(handlers)),
        (app.block_action(_ANY), _action_work(handlers)),
        (app.view_submission(_ANY), _submission_work(handlers)),
        (app.event(_ANY), _event_work(handlers)),
    ):
        heard(_acknowledged(answers, work))
    return app


def socket_trouble(app_token: str, base_url: str) -> SlackTrouble | None:
    """Ask Slack for a socket's address, and return what keeps it from giving one; the socket is not opened."""
    from slack_sdk.errors import SlackApiError  # noqa: PLC0415  as above

    try:
        _client(base_url).apps_connections_open(app_token=app_token.strip())
    except SlackApiError as error:
        return from_answer(error)
    except (OSError, HTTPException, ValueError) as error:
        return from_wire(error)
    return None


def _client(base_url: str) -> "WebClient":
    from slack_sdk import WebClient  # noqa: PLC0415  as above

    address = check_base_url("SLACK_API_URL", base_url).rstrip("/") + "/"
    client = WebClient(base_url=address, timeout=10)
    if is_loopback(urlsplit(address).hostname or ""):
        client.proxy = None
    return client


def drain(app: "App") -> None:
    """Return when every acknowledged command and click is answered; nothing new is begun."""
    app.listener_runner.listener_executor.shutdown(wait=True)


class Socket:
    """Socket Mode: kept open in its own thread, whatever Slack does, until it is closed."""

    def __init__(
        self,
        app: "App",
        app_token: str,
        *,
        ping_interval: float = 10,
        first_wait: float = 1,
        longest_wait: float = 30,
        deaf_seconds: float = 60,
        rebuild_seconds: float = 120,
    ) -> None:
        self._app = app
        self._app_token = app_token.strip()
        self._ping_interval = ping_interval
        self._first_wait, self._longest_wait = first_wait, longest_wait
        self._deaf_seconds, self._rebuild_seconds = deaf_seconds, rebuild_seconds
        self._handler: SocketModeHandler | None = None
        self._newborn = ("", 0.0)  # a session that has not answered a ping yet, and since when we know it
        self._stop = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="slack-socket", daemon=True)

    def connect(self) -> None:
        """Begin to connect and return at once; tried until it works."""
        self._keeper.start()

    def alive(self) -> bool:
        """Return whether the socket is open and Slack was heard within the last minute."""
        handler = self._handler
        session = handler.client.current_session if handler is not None else None
        if session is None or not session.is_active():
            return False
        # A socket can die without a sign, so being open is not enough: every ping has an answer.
        if session.last_ping_pong_time is not None:
            return time.time() - session.last_ping_pong_time < self._deaf_seconds
        if self._newborn[0] != session.session_id:
            self._newborn = (session.session_id, time.monotonic())
        return time.monotonic() - self._newborn[1] < self._deaf_seconds

    def close(self) -> None:
        """Close the socket, then wait until everything that was acknowledged is answered."""
        self._stop.set()
        if self._keeper.is_alive():
            self._keeper.join(timeout=30)
        drain(self._app)

    def _keep(self) -> None:
        while not self._stop.is_set():
            self._handler = self._made()
            try:
                if self._opened(self._handler):
                    self._watch()
            finally:
                handler, self._handler = self._handler, None
                _shut(handler)

    def _made(self) -> "SocketModeHandler":
        from slack_bolt.adapter.socket_mode import SocketModeHandler  # noqa: PLC0415  as above

        handler = SocketModeHandler(self._app, self._app_token, ping_interval=self._ping_interval)
        handler.client.proxy = self._app.client.proxy
        return handler

    def _opened(self, handler: "SocketModeHandler") -> bool:
        """Return True once connected, False when stopped before."""
        wait, last = self._first_wait, ""
        while not self._stop.is_set():
            trouble = _connect(handler)
            if trouble is None:
                return True
            if trouble.code != last:
                _log.warning("Slack's socket cannot be opened (%s); trying again until it can", trouble.code)
                last = trouble.code
            self._stop.wait(min(self._longest_wait, trouble.retry_after or wait))
            wait = min(self._longest_wait, wait * 2)
        return False

    def _watch(self) -> None:
        """Return when the socket should be made anew, or when stopped. The client reopens it by itself before."""
        heard = time.monotonic()
        while not self._stop.wait(min(1.0, self._rebuild_seconds / 4)):
            if self.alive():
                heard = time.monotonic()
            elif time.monotonic() - heard > self._rebuild_seconds:
                _log.warning("Slack's socket was deaf for %.0f s; making a new one", self._rebuild_seconds)
                return


def _connect(handler: "SocketModeHandler") -> SlackTrouble | None:
    from slack_sdk.errors import SlackApiError  # noqa: PLC0415  as above

    try:
        handler.client.connect()
    except SlackApiError as error:
        return from_answer(error)
    except Exception as error:  # noqa: BLE001  nothing may end the thread that keeps us listening
        return from_wire(error)
    return None


def _shut(handler: "SocketModeHandler") -> None:
    client = handler.client
    client.closed = True
    client.message_queue.put(None)  # wakes the thread that would wait a second for the next message
    try:
        handler.client.close()
    except Exception:  # noqa: BLE001  it is on its way out, and another one may be needed
        _log.exception("Slack's socket did not close well")


Work = Callable[[], None]


def _acknowledged(answers: ThreadPoolExecutor, begun: Callable[[Payload], Work]) -> Callable[..., None]:
    """Return a listener that acknowledges at once and leaves the work to a thread of its own.

    Whoever waits for a thread waits for an answer too, so what tells them to wait is begun before.

    Bolt's lazy listeners do the same and copy the whole request for it, a quarter of all that an answer costs.
    """

    def listener(ack: "Ack", body: Payload) -> None:
        ack()
        answers.submit(begun(body))

    return listener


def _command_work(handlers: Handlers) -> Callable[[Payload], Work]:
    def begun(body: Payload) -> Work:
        respond = responder(body.get("response_url"), replaces=True, plainer=handlers.plainer)

        def work() -> None:
            with _answered(respond, "a command"):
                if _first(handlers, body.get("trigger_id")):
                    handlers.command(body, respond)

        return work

    return begun


def _action_work(handlers: Handlers) -> Callable[[Payload], Work]:
    def begun(body: Payload) -> Work:
        respond = responder(body.get("response_url"), plainer=handlers.plainer)

        def work() -> None:
            with _answered(respond, "a click"):
                if _first(handlers, body.get("trigger_id")):
                    handlers.action(body["actions"][0]["action_id"], body, respond)

        return work

    return begun


def _submission_work(handlers: Handlers) -> Callable[[Payload], Work]:
    def begun(body: Payload) -> Work:
        respond = responder((body.get("response_urls") or [{}])[0].get("response_url"))

        def work() -> None:
            with _answered(respond, "a modal"):
                if _first(handlers, body.get("trigger_id") or body["view"]["id"]):
                    handlers.submission(body["view"]["callback_id"], body, respond)

        return work

    return begun


def _event_work(handlers: Handlers) -> Callable[[Payload], Work]:
    def begun(body: Payload) -> Work:
        def work() -> None:
            with _answered(None, "an event"):
                if _first(handlers, body.get("event_id")):
                    handlers.event(body["event"]["type"], body)

        return work

    return begun


def _first(handlers: Handlers, key: str | None) -> bool:
    return not key or handlers.first_time(key)


@contextmanager
def _answered(respond: Responder | None, what: str) -> Iterator[None]:
    """Turn whatever a handler raises into a line of log and kind words with the same id."""
    try:
        yield
    except Exception:  # noqa: BLE001  whatever it was, somebody is waiting for an answer
        error_id = f"e-{secrets.token_hex(2)}"
        _log.exception("%s failed (%s)", what, error_id)
        if respond is not None:
            words = f"Something went wrong on our side (id {error_id}); nothing was changed."
            respond({"response_type": "ephemeral", "replace_original": False, "text": words})
    finally:
        if respond is not None:
            respond.done()


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    with _environment:
        kept = {name: os.environ.pop(name) for name in names if name in os.environ}
        try:
            yield
        finally:
            os.environ.update(kept)
