"""A Slack of our own: the Web API over real HTTP, sockets over real websockets, and people who type and click.

It records every call, is as strict about payloads as Slack, and fails on request: before or after the effect.
"""

import json
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from tests.standins.slack_people import People
from tests.standins.slack_rules import Refused
from tests.standins.slack_web import WebApi

BOT_TOKEN, APP_TOKEN = "xoxb-1-canary-bot", "xapp-1-canary-app"
ALL_SCOPES = (
    "commands,chat:write,channels:read,groups:read,im:write,users:read,"
    "channels:history,groups:history,im:history,channels:join,"
    "files:write,files:read,usergroups:read,app_mentions:read"
)


def scopes_without(*scopes: str) -> str:
    """Return every scope but these."""
    return ",".join(scope for scope in ALL_SCOPES.split(",") if scope not in scopes)


@dataclass(frozen=True)
class Fault:
    """How one call fails. `drop` cuts the connection: `before` the effect or `after` it."""

    error: str = ""
    status: int = 200
    headers: dict = field(default_factory=dict)
    extra: dict = field(default_factory=dict)
    html: bool = False
    broken: bool = False
    drop: str = ""
    delay: float = 0
    delay_after: float = 0


def rate_limited(retry_after: int) -> Fault:
    return Fault("ratelimited", 429, {"Retry-After": str(retry_after)})


def refuse(error: str, **extra) -> Fault:
    return Fault(error, extra=extra)


SERVER_ERROR = Fault(status=500, html=True)
HTML = Fault(html=True)
BROKEN_JSON = Fault(broken=True)
DROP_BEFORE, DROP_AFTER = Fault(drop="before"), Fault(drop="after")


@dataclass(frozen=True)
class Call:
    method: str
    args: dict
    token: str
    error: str


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined on close, so that no test leaves one behind
    request_queue_size = 128  # the usual five lose connections when forty people are answered at once


class SlackStandIn:
    """One workspace on loopback. `api_url` is what SLACK_API_URL would hold."""

    def __init__(self, *, scopes: str | None = ALL_SCOPES) -> None:
        self.scopes = scopes
        self.bot_token, self.app_token = BOT_TOKEN, APP_TOKEN
        self.calls: list[Call] = []
        self.down: Fault | None = None
        self._faults: dict[str, list[Fault]] = {}
        self._lock = threading.RLock()
        self.web = WebApi(self)
        self.people = People(self)
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        self._closing.callback(thread.join)
        self._closing.callback(self._http.server_close)
        self._closing.callback(self._http.shutdown)
        self._closing.enter_context(self.people)
        return self

    def __exit__(self, *_) -> None:
        self._closing.close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def api_url(self) -> str:
        return f"{self.origin}/api/"

    # What a test looks at, and people do

    @property
    def channels(self):
        return self.web.channels

    @property
    def messages(self):
        """Every message of the bot that stands, oldest first."""
        return [message for message in self.web.messages if not (message.deleted or message.author)]

    @property
    def whispers(self):
        """What was shown to one person alone, oldest first."""
        return self.web.whispers

    @property
    def files(self):
        """Every file that was uploaded, oldest first."""
        return list(self.web.files.values())

    def home(self, user: str = "U1ALICE"):
        """Return what somebody's Home tab shows, or None."""
        return self.web.homes.get(user)

    def modal(self, user: str = "U1ALICE"):
        """Return the modal on top of somebody's screen, or None."""
        return next(iter(self.web.open_views(user)[::-1]), None)

    def said(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def fault(self, method: str, *faults: Fault) -> None:
        """Let the next calls of a method fail, one each, in order; `respond` is the answers to people."""
        with self._lock:
            self._faults.setdefault(method, []).extend(faults)

    def slash(self, text: str, **who):
        return self.people.slash(text, **who)

    def click(self, action_id: str, value: str, **who):
        return self.people.click(action_id, value, **who)

    def event(self, event: dict, **how):
        return self.people.event(event, **how)

    # The wire

    def answer(self, method: str, args: dict, token: str) -> tuple[int, dict, bytes] | None:
        """Return status, headers and body; None cuts the connection."""
        fault = self._next_fault(method)
        time.sleep(fault.delay)
        if fault.drop == "before" or fault.html or fault.broken or fault.error:
            self._record(method, args, token, fault.error or fault.drop or "fault")
            return None if fault.drop else _failed(fault)
        body = self._carry_out(method, args, token)
        time.sleep(fault.delay_after)
        if fault.drop == "after":
            return None
        headers = {} if self.scopes is None else {"x-oauth-scopes": self.scopes}
        return 200, headers, json.dumps(body).encode()

    def answered(self, path: str, raw: str) -> tuple[int, dict, bytes] | None:
        """Take what the bot says to a person, at a response_url."""
        fault = self._next_fault("respond")
        if fault.drop == "before" or fault.html or fault.error:
            return None if fault.drop else _failed(fault)
        answer = self.people.receive(path, raw)
        return None if fault.drop == "after" else answer

    def uploaded(self, path: str, content: bytes) -> tuple[int, dict, bytes] | None:
        """Take the bytes of a file; its faults are those of `upload`."""
        fault = self._next_fault("upload")
        if fault.drop == "before" or fault.html or fault.error:
            return None if fault.drop else _failed(fault)
        with self._lock:
            status = self.web.receive_file(path.removeprefix("/upload/"), content)
        return None if fault.drop == "after" else (status, {}, f"OK - {len(content)}".encode())

    def _next_fault(self, method: str) -> Fault:
        with self._lock:
            waiting = self._faults.get(method, [])
            if waiting:
                return waiting.pop(0)
            return Fault() if method == "respond" else self.down or Fault()

    def _carry_out(self, method: str, args: dict, token: str) -> dict:
        with self._lock:
            try:
                body = {"ok": True, **self.web.carry_out(method, args, token)}
            except Refused as refusal:
                body = {"ok": False, "error": refusal.code, **refusal.extra}
                if refusal.errors:
                    body["errors"] = refusal.errors
                    if method != "blocks.validate":
                        body["response_metadata"] = {
                            "messages": [f"[ERROR] {said}" for said in refusal.errors]
                        }
            self._record(method, args, token, body.get("error", ""))
            return body

    def _record(self, method, args, token, error):
        with self._lock:
            self.calls.append(Call(method, args, token, error))


def _failed(fault: Fault) -> tuple[int, dict, bytes]:
    if fault.html:
        return (
            fault.status,
            {"Content-Type": "text/html"},
            b"<html><body>Something is not right</body></html>",
        )
    if fault.broken:
        return fault.status, {}, b'{"ok": true, "chan'
    return (
        fault.status,
        fault.headers,
        json.dumps({"ok": False, "error": fault.error, **fault.extra}).encode(),
    )


def _handler(slack: SlackStandIn):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path)
            if path.path.startswith("/upload/"):
                self._send(slack.uploaded(path.path, content))
                return
            raw = content.decode()
            if path.path.startswith("/api/"):
                args = dict(parse_qsl(path.query)) | _parsed(raw, self.headers.get("Content-Type", ""))
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or args.pop(
                    "token", ""
                )
                self._send(slack.answer(path.path.removeprefix("/api/"), args, token))
            elif path.path.startswith("/respond/"):
                self._send(slack.answered(path.path, raw))
            else:
                self._send((404, {}, b""))

        def _send(self, answer):
            if answer is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, headers, body = answer
            try:
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json; charset=utf-8"} | headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                pass  # the caller did not wait: that was the test

        def log_message(self, *_):
            pass

    return Handler


def _parsed(raw: str, kind: str) -> dict:
    if not raw:
        return {}  # slack_sdk says JSON and sends nothing when there is nothing to say
    return (
        json.loads(raw)
        if kind.startswith("application/json")
        else dict(parse_qsl(raw, keep_blank_values=True))
    )
