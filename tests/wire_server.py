"""A scripted server on loopback: hands out what was put in, records what was asked."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from bot.edge.openai import OpenAI

KEY = "sk-admin-CRUNCHY-ARMCHAIR-42"
DAY = 86_400
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


def day(number: int) -> datetime:
    """The midnight that begins day `number` of November, and on into December."""
    return FIRST + timedelta(days=number - 1)


@dataclass
class Reply:
    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hold: threading.Event | None = None

    def raw(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True)
class Asked:
    path: str
    raw_query: str
    headers: dict[str, str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.raw_query, keep_blank_values=True)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.raw_query, keep_blank_values=True)

    def one(self, name: str) -> str:
        (value,) = self.query[name]
        return value


class WireServer:
    """Answers with each of `script` in turn, then with `always(asked)`; asked for more than that, it says 418."""

    def __init__(self, *script: Reply, always: Callable[[Asked], Reply] | None = None) -> None:
        self.asked: list[Asked] = []
        self._script = list(script)
        self._always = always
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_GET(self):
                outer._answer(self)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def client(self, **settings: float) -> OpenAI:
        return OpenAI(KEY, self.url, **settings)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = Asked(
            parts.path, parts.query, {name.lower(): value for name, value in handler.headers.items()}
        )
        with self._lock:
            self.asked.append(asked)
            reply = self._script.pop(0) if self._script else None
        if reply is None:
            reply = self._always(asked) if self._always else Reply("nothing scripted", 418)
        if reply.hold is not None:
            reply.hold.wait(5)
        body = reply.raw()
        try:
            handler.send_response_only(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[: len(body) // 2] if reply.cut else body)
            handler.close_connection = reply.cut
        except OSError:
            handler.close_connection = True  # the client was told to stop


def bucket(start: datetime, *results: dict[str, Any], seconds: int = DAY) -> dict[str, Any]:
    begins = int(start.timestamp())
    return {"object": "bucket", "start_time": begins, "end_time": begins + seconds, "results": list(results)}


def page(*buckets: dict[str, Any], then: str | None = None) -> Reply:
    return Reply({"object": "page", "data": list(buckets), "has_more": then is not None, "next_page": then})


def cost(value: Any, **dimensions: Any) -> dict[str, Any]:
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": None,
        "project_id": None,
        **dimensions,
    }


def tokens(model: str, count: int, **more: Any) -> dict[str, Any]:
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": count,
        "output_tokens": count // 10,
        "num_model_requests": 1,
        "model": model,
        **more,
    }


def every_bucket(asked: Asked, *, seconds: int = DAY, size: int = 0) -> Reply:
    """A well-behaved empty organization: every bucket asked for, page by page; `size` pads each bucket."""
    begins = int(asked.query.get("page", asked.query["start_time"])[0].removeprefix("page_"))
    ends = int(asked.one("end_time"))
    starts = range(begins, ends, seconds)[: int(asked.one("limit"))]
    buckets = [
        bucket(datetime.fromtimestamp(start, UTC), seconds=seconds) | {"pad": "x" * size} for start in starts
    ]
    following = starts[-1] + seconds
    return page(*buckets, then=f"page_{following}" if following < ends else None)
