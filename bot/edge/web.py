"""The bot's own address: a few pages and Slack's requests, served by waitress behind whatever balances the load.

Waitress reads a whole request before a thread sees it, so slow clients cost no thread, and it refuses bodies that are
too long by itself.
"""

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.core.errors import SetupWrong

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

BODY = 1_000_000
"""Bytes of a request; Slack's largest, a modal that is sent, has 250 KB."""
THREADS = 16
"""Each acknowledges a command in some ten milliseconds: more than 100 a second, with room for a scrape."""
IDLE = 30
"""Seconds that a connection may say nothing."""

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}
_REASONS |= {500: "Internal Server Error", 503: "Service Unavailable"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; header names in lower case."""

    body: bytes
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered."""

    status: int = 200
    body: str = ""
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[Request], Page]
Routes = Mapping[tuple[str, str], Answering]
"""(method, path) → who answers."""


class Web:
    """The server: it listens from `connect` to `close`."""

    def __init__(self, routes: Routes, port: int, host: str = "0.0.0.0") -> None:  # nosec B104 # noqa: S104  a balancer stands in front
        self._routes = routes
        self._host, self._wanted = host, port
        self._server: Any = None
        self._channels: dict[int, Any] = {}
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Return where it listens; a free one was chosen when 0 was wanted."""
        assert self._server is not None
        return int(self._server.effective_port)

    def connect(self) -> None:
        """Begin to listen. Raises SetupWrong when the port is not to be had."""
        from waitress.server import create_server  # noqa: PLC0415  only who serves needs it

        logging.getLogger("waitress").setLevel(logging.ERROR)  # its warnings are about a queue that is long
        try:
            listening = socket.create_server((self._host, self._wanted), backlog=1_024)
        except OSError as failed:
            raise SetupWrong(
                f"Port {self._wanted} cannot be listened at ({failed.strerror or failed}).",
                "Set PORT to a free one, or stop what holds it.",
            ) from failed
        self._server = create_server(
            self._wsgi,
            map=self._channels,
            sockets=[listening],
            threads=THREADS,
            max_request_body_size=BODY,
            channel_timeout=IDLE,
            connection_limit=1_000,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
        self._thread = threading.Thread(target=self._listen, name="web", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more requests, and return when those under way are answered."""
        if self._server is None:
            return
        from waitress import wasyncore  # noqa: PLC0415  as above

        self._server.task_dispatcher.shutdown(cancel_pending=False, timeout=10)
        self._server.close()
        wasyncore.close_all(self._channels, ignore_all=True)
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _listen(self) -> None:
        try:
            self._server.run()
        except OSError:
            _log.debug("the socket was closed while it was waited for")

    def _wsgi(self, environ: dict[str, Any], start: "StartResponse") -> Iterable[bytes]:
        page = self._answer(environ)
        content = page.body.encode()
        headers = {
            "Content-Type": page.kind,
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **page.headers,
        }
        start(f"{page.status} {_REASONS.get(page.status, 'Status')}", list(headers.items()))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else content]

    def _answer(self, environ: Mapping[str, Any]) -> Page:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/"
        known = self._routes.get(("GET" if method == "HEAD" else method, path))
        if known is None:
            others = sorted(each for each, where in self._routes if where == path)
            if others:
                return Page(405, "This address takes another method.\n", headers={"Allow": ", ".join(others)})
            return Page(404, "There is nothing here.\n")
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        try:
            return known(Request(environ["wsgi.input"].read(), environ.get("QUERY_STRING", ""), headers))
        except Exception:  # noqa: BLE001  whatever it was, somebody waits for an answer
            _log.exception("a page failed")
            return Page(500, "Something went wrong on our side.\n")
