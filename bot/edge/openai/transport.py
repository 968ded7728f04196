"""One GET with all its tries: the key, the deadline, what is retried and what is refused.

The policy is the official client's (408, 409, 429, 5xx, timeouts, connections; `x-should-retry`,
`retry-after-ms` and `Retry-After` obeyed) with more tries in less time.
"""

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Generic, NoReturn, TypeVar

import httpcore
import httpx
import msgspec
import stamina

from bot.core.errors import SetupWrong
from bot.edge.addresses import check_base_url, is_loopback
from bot.edge.openai.errors import (
    AskRefused,
    BadAnswer,
    KeyRefused,
    NoAnswer,
    NotOffered,
    Trace,
    Unfit,
    quoted,
)
from bot.edge.openai.headers import asked_delay, request_id, server_time
from bot.edge.openai.patience import OutOfTime, Patience, backoff

TRIES = 5
CONNECT_SECONDS = 5.0
LARGEST_BODY = 256 * 2**20
LARGEST_COMPLAINT = 64 * 2**10
AT_ONCE = 32
PIECE = 120 * 2**10
"""Bytes of a body that are taken at once, where so many are there: less than what `bot.edge.memory` lets the C library
ask the system for, and give back, each time."""

# Pages are megabytes. Eight threads that take them 64 KB at a time, as httpcore would, hand the interpreter to one
# another half as often again, and a year of costs takes a tenth longer.
httpcore.HTTP11Connection.READ_NUM_BYTES = PIECE

T = TypeVar("T")
Decode = Callable[[bytes | bytearray], T]


@dataclass(frozen=True, slots=True)
class Request:
    """What to get. `about` names it in errors; `scope` is what the key needs; `absence_passes`: 404 is an outage."""

    path: str
    query: list[tuple[str, str]]
    about: str
    scope: str = "the scope api.usage.read"
    absence_passes: bool = False


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came back, decoded; its size in bytes, unpacked."""

    value: T
    size: int
    trace: Trace


class _Passing(Exception):
    """May go away by itself. `delay`: seconds the server asks for; `final`: it asks not to be tried again."""

    def __init__(
        self, happened: str, trace: Trace, *, delay: float | None = None, final: bool = False
    ) -> None:
        super().__init__(happened)
        self.happened = happened
        self.trace = trace
        self.delay = delay
        self.final = final


class Transport:
    """Sends requests with the key, to one address only; safe to use from many threads."""

    def __init__(self, key: str, base_url: str, *, timeout: float, budget: float) -> None:
        self.base_url = check_base_url("OPENAI_BASE_URL", base_url).rstrip("/")
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise SetupWrong(
                "OPENAI_ADMIN_KEY is empty or holds characters that no key has.",
                "Set OPENAI_ADMIN_KEY to an admin key of the organization.",
            )
        try:
            host = httpx.URL(self.base_url).host
        except httpx.InvalidURL:
            raise SetupWrong("OPENAI_BASE_URL is not an address.", "Set it to an https:// address.") from None
        self.skew: timedelta | None = None
        self._timeout = timeout
        self._budget = budget
        self._key = key
        self._client = httpx.Client(
            headers={
                "Authorization": f"Bearer {key}",
                "Accept": "application/json",
                "User-Agent": "budgetbot",
            },
            follow_redirects=False,  # the key goes nowhere but where it was told to
            limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
            mounts={f"all://{_bracketed(host)}": None}
            if is_loopback(host)
            else None,  # no proxy on the way home
            verify=_trusted(),
        )

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    def close(self) -> None:
        self._client.close()

    def get(self, request: Request, decode: Decode[T], stop: threading.Event) -> Answer[T]:
        """Return the decoded answer.

        Raises this package's errors, and Stopped when `stop` is set before the answer is complete.
        """
        url = f"{self.base_url}{request.path}?{httpx.QueryParams(tuple(request.query))}"
        patience = Patience(self._budget, stop)
        tries, due = 0, 0.0

        def after(error: Exception) -> float | bool:
            nonlocal due
            if not isinstance(error, _Passing) or error.final:
                return False
            due = backoff(tries) if error.delay is None else error.delay
            # The waiting itself is done below, where it can be broken off; stamina's sleep cannot.
            return 0.0 if patience.allows(due) else False

        try:
            for attempt in stamina.retry_context(on=after, attempts=TRIES, timeout=None):
                with attempt:
                    tries = attempt.num
                    patience.rest(due)
                    return self._once(request, url, decode, patience, Trace(request.about, tries=tries))
        except _Passing as trouble:
            _give_up(trouble)
        raise AssertionError("stamina either returns or raises")

    def _once(
        self, request: Request, url: str, decode: Decode[T], patience: Patience, trace: Trace
    ) -> Answer[T]:
        left = patience.left()
        timeout = httpx.Timeout(min(self._timeout, left), connect=min(CONNECT_SECONDS, self._timeout, left))
        try:
            # Streamed: a response that keeps its content is a cycle, and pages would pile up in memory.
            with self._client.stream("GET", url, timeout=timeout) as response:
                trace = Trace(trace.source, response.status_code, request_id(response.headers), trace.tries)
                if not response.is_success:
                    _refuse(request, response, _complaint(response, patience, self._key), trace)
                if there := server_time(response.headers):
                    self.skew = datetime.now(UTC) - there  # the wall clock itself is what is measured here
                body = _body(response, patience, trace, LARGEST_BODY)
        except (httpx.TimeoutException, OutOfTime):
            raise _Passing("OpenAI did not answer in time", trace) from None
        except httpx.ConnectError as error:
            raise _Passing(f"OpenAI cannot be reached: {quoted(str(error), self._key)}", trace) from None
        except httpx.RequestError as error:
            raise _Passing(f"OpenAI's answer was cut short: {quoted(str(error), self._key)}", trace) from None
        return Answer(_decoded(body, decode, trace, self._key), len(body), trace)


def _body(response: httpx.Response, patience: Patience, trace: Trace, largest: int) -> bytearray:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        patience.check()  # a trickle never times out by itself
        if len(body) > largest:
            raise BadAnswer(f"OpenAI's answer is longer than {largest:,} bytes", trace=trace)
    return body


def _decoded(body: bytearray, decode: Decode[T], trace: Trace, key: str) -> T:
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise BadAnswer(
            f"OpenAI's answer is not as agreed: {quoted(str(error), key)}",
            "Nothing of it was kept. If it stays so, OpenAI's API has changed: look for a newer budgetbot.",
            trace=trace,
        ) from None
    except Unfit as error:
        raise error.kind(
            f"OpenAI's answer is not as agreed: {error}", "Nothing of it was kept.", trace=trace
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if _says_nan(body):
            raise BadAnswer(
                "OpenAI's answer holds a value that is no number", "Nothing of it was kept.", trace=trace
            ) from None
        raise _Passing("OpenAI answered with something that is not JSON", trace) from None


def _says_nan(body: bytearray) -> bool:
    """Return whether all that is wrong with `body` is a bare NaN or Infinity, as some writers put it."""
    found: list[str] = []
    try:
        json.loads(body, parse_constant=found.append)
    except (ValueError, RecursionError):
        return False
    return bool(found)


def _refuse(request: Request, response: httpx.Response, said: str, trace: Trace) -> NoReturn:
    """Raise what an answer without success means."""
    status = response.status_code
    should = response.headers.get("x-should-retry", "").lower()
    if status in {401, 403}:
        raise KeyRefused(
            f"OpenAI refuses the key{said}",
            "OPENAI_ADMIN_KEY must be an admin key (sk-admin-…) that an owner of the organization made, "
            f"with {request.scope}.",
            trace=trace,
        )
    if status == 404 and not request.absence_passes:
        raise NotOffered(f"OpenAI has no such thing for this organization{said}", trace=trace)
    if status < 400:
        raise BadAnswer(
            "OpenAI's address leads elsewhere, and the key is not sent after it",
            "Set OPENAI_BASE_URL to the address where it ends.",
            trace=trace,
        )
    passing = status in {404, 408, 409, 429} or status >= 500 or should == "true"
    if passing and status != 400:
        happened = "OpenAI asks for patience" if status == 429 else "OpenAI is in trouble"
        raise _Passing(
            f"{happened}{said}", trace, delay=asked_delay(response.headers), final=should == "false"
        )
    raise AskRefused(f"OpenAI refuses the question{said}", trace=trace)


def _complaint(response: httpx.Response, patience: Patience, key: str) -> str:
    """Return `: ` and the short message in an error's body, which may be unwrapped, empty or HTML: then ''."""
    try:
        said = msgspec.json.decode(_body(response, patience, Trace(""), LARGEST_COMPLAINT))
    except (httpx.RequestError, BadAnswer, OutOfTime, ValueError, RecursionError):
        return ""  # the status says enough
    for name in ("error", "message"):
        said = said.get(name, said) if isinstance(said, dict) else said
    return f": {quoted(said, key)}" if isinstance(said, str) and said.strip() else ""


def _give_up(trouble: _Passing) -> NoReturn:
    remedy = "Nothing was lost: try again later."
    if trouble.delay is not None:
        remedy = f"Nothing was lost: try again in {_spoken(trouble.delay)}."
    elif trouble.trace.status == 429:
        remedy = "Nothing was lost: try again later; if it stays so, look at the organization's limits and credits."
    raise NoAnswer(trouble.happened, remedy, trace=trouble.trace, retry_after=trouble.delay) from None


def _spoken(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} seconds" if seconds >= 1.5 else "a second"
    return f"{seconds / 60:.0f} minutes" if seconds < 6_000 else f"{seconds / 3_600:.0f} hours"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Return one context for all clients: making it takes a tenth of a second."""
    return httpx.create_ssl_context()
