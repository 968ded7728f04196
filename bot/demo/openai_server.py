"""A stand-in for OpenAI's organization API: real HTTP on loopback, as strict as the real one."""

import socket
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import parse_qsl

from bot.demo import openai_names
from bot.demo.ledger import Wire, World
from bot.demo.openai_endpoints import BY_PATH, OFFERED
from bot.demo.openai_faults import BadJson, Cut, Fault, Hang, Html, Mutate, Script, Status
from bot.demo.openai_pages import JSON, Memo, Voice, page
from bot.demo.openai_questions import Pairs, Refused, ask

PREFIX = "/v1"
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center>cloudflare</center></body></html>"


class Request(NamedTuple):
    """One request as it came: `path` begins with /v1, `params` are decoded and in order."""

    method: str
    path: str
    params: list[tuple[str, str]]


class OpenAIServer:
    """Serves a world on 127.0.0.1 while its context lasts.

    `now` is the organization's clock; the Date header is the wall's. `offers` are the sources this
    organization has, `cost_group_by` what its costs may be grouped by: both differ in real life.
    A failure inside the stand-in is answered with 500 and raised when the context ends.
    """

    def __init__(
        self,
        world: World,
        *,
        now: Callable[[], datetime],
        admin_key: str = "sk-admin-demo",
        amounts: Literal["string", "number"] = "string",
        cost_group_by: Collection[str] = ("project_id", "line_item", "api_key_id"),
        offers: Collection[str] = OFFERED,
        duplicate_rows: bool = False,
        port: int = 0,
    ) -> None:
        self.world = world
        self.now = now
        self.admin_key = admin_key
        self.voice = Voice(amounts, duplicate_rows)
        self.cost_group_by = frozenset(cost_group_by)
        self.offers = frozenset(offers)
        self.requests: list[Request] = []
        self.faults: list[Script] = []
        self.bugs: list[BaseException] = []
        self.closing = Event()
        self._memo: Memo = {}
        self._lock = Lock()
        self._listener = _Listener(("127.0.0.1", port), self)
        self._thread = Thread(target=self._listener.serve_forever, args=(0.01,), name="openai-stand-in")

    @property
    def base_url(self) -> str:
        """The address to set as OPENAI_BASE_URL."""
        return f"http://127.0.0.1:{self._listener.server_address[1]}{PREFIX}"

    def fail(self, path_suffix: str, fault: Fault, times: float = 1, *, skip: int = 0) -> None:
        """Make the next `times` requests whose path ends in `path_suffix` fail, after sparing `skip`.

        `inf` times lasts until `recover`; "" is every path. Scripts strike in the order they were given.
        """
        with self._lock:
            self.faults.append(Script(path_suffix, fault, times, skip))

    def break_down(self, fault: Fault, path_suffix: str = "") -> None:
        """Make every request fail until `recover`."""
        self.fail(path_suffix, fault, inf)

    def recover(self) -> None:
        """Forget every failure still to come."""
        with self._lock:
            self.faults.clear()

    def asked(self, path_suffix: str) -> list[Request]:
        """Return the requests so far whose path ends so."""
        with self._lock:
            return [request for request in self.requests if request.path.endswith(path_suffix)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._listener.shutdown()
        self._listener.hang_up()
        self._listener.server_close()
        self._thread.join()
        if self.bugs and error is None:
            raise self.bugs[0]

    def note(self, method: str, path: str, params: Pairs) -> Fault | None:
        """Record a request and return the failure it shall meet."""
        with self._lock:
            self.requests.append(Request(method, path, list(params)))
            return next((script.fault for script in self.faults if script.strikes(path)), None)

    def answer(
        self, method: str, path: str, params: Pairs, authorization: str, *, plain: bool = False
    ) -> Wire:
        """Return the body of a 200, or raise Refused; a `plain` one holds no JSON already written."""
        if authorization != f"Bearer {self.admin_key}":
            raise Refused(401, "Incorrect API key provided.", None, "invalid_api_key")
        endpoint = BY_PATH.get(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
        if endpoint is not None and endpoint.source in self.offers:
            _only_get(method, path)
            question = ask(endpoint, params, self.cost_group_by)
            return page(self.world, question, self.now(), self.voice, None if plain else self._memo)
        if path.startswith(PREFIX):
            if openai_names.PATH.fullmatch(path.removeprefix(PREFIX)):
                _only_get(method, path)
            found = openai_names.answer(self.world, path.removeprefix(PREFIX), params, self.now())
            if found is not None:
                return found
        raise Refused(404, f"Invalid URL ({method} {path})", None, None)


def _only_get(method: str, path: str) -> None:
    if method != "GET":
        raise Refused(405, f"Not allowed to {method} on {path}.", None, "method_not_supported")


class _Listener(ThreadingHTTPServer):
    """Hangs up on everybody when it closes, so that no thread outlives the stand-in."""

    daemon_threads = False  # so that server_close waits for them
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], stand_in: OpenAIServer) -> None:
        self.stand_in = stand_in
        self._callers: set[socket.socket] = set()
        self._callers_lock = Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._callers_lock:
            self._callers.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._callers_lock:
            self._callers.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        with self._callers_lock:
            for caller in self._callers:
                with suppress(OSError):  # already gone
                    caller.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a caller that left in the middle; bugs are caught where they happen."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "openai-stand-in"
    sys_version = ""
    disable_nagle_algorithm = True  # or every answer waits 40 ms for the caller's acknowledgement
    wbufsize = -1
    server: _Listener

    def do_GET(self) -> None:
        stand_in = self.server.stand_in
        path, _, query = self.path.partition("?")
        params = parse_qsl(query, keep_blank_values=True)
        fault = stand_in.note(self.command, path, params)
        if isinstance(fault, Status):
            self._send(fault.code, _error_body(fault.code, fault.body), headers=fault.headers)
            return
        if isinstance(fault, Html):
            self._send(fault.code, HTML, kind="text/html; charset=UTF-8")
            return
        if isinstance(fault, Hang):
            stand_in.closing.wait(fault.seconds)
        status, body = self._answer(path, params, fault)
        if isinstance(fault, BadJson):
            body = body[: len(body) // 2]
        self._send(status, body, cut=isinstance(fault, Cut))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

    def _answer(self, path: str, params: Pairs, fault: Fault | None) -> tuple[int, bytes]:
        stand_in = self.server.stand_in
        key = self.headers.get("Authorization", "")
        try:
            answer = stand_in.answer(self.command, path, params, key, plain=isinstance(fault, Mutate))
            if isinstance(fault, Mutate):
                answer = fault.change(answer) or answer
            return 200, JSON.encode(answer)
        except Refused as refused:
            return refused.status, JSON.encode(refused.body())
        except Exception as bug:  # noqa: BLE001 - kept, and raised where the stand-in's user sees it
            stand_in.bugs.append(bug)
            return 500, _error_body(500, None)

    def _send(
        self,
        status: int,
        body: bytes,
        *,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
        cut: bool = False,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-request-id", f"req_{uuid.uuid4().hex}")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status == 405:
            self.send_header("Allow", "GET")
        if self.command != "GET" or cut:  # whose body was not read, or is not sent
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing: what was asked is in `requests`."""


def _error_body(code: int, body: bytes | str | Wire | None) -> bytes:
    match body:
        case bytes():
            return body
        case str():
            return body.encode()
        case None:
            return JSON.encode(Refused(code, "The stand-in was told to fail.").body())
        case _:
            return JSON.encode(body)
