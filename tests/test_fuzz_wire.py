"""Whatever OpenAI's address answers is read exactly or refused whole, and whatever knocks at ours is believed only signed."""

import copy
import hashlib
import hmac
import io
import json
import threading
import time
from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.money import nano
from bot.edge.openai import Ask, BadAnswer, fetch
from bot.edge.openai.errors import Trace
from bot.edge.openai.pace import Pace
from bot.edge.openai.rows import Groups
from bot.edge.openai.transport import Answer, _decoded, _Passing
from bot.edge.slack_app import Handlers, build_app, drain
from bot.edge.slack_http import PATH, slack_route
from bot.edge.web import Page, Web
from tests.readings import rows_of
from tests.wire_server import DAY, FIRST, NOW, bucket, cost, day, tokens

KEY = "sk-admin-canary"
START = int(FIRST.timestamp())
COSTS = Ask("costs", day(1), day(3), group_by=("project_id", "line_item"))
USAGE = Ask("completions", day(1), day(3), group_by=("project_id", "model"))


class Answered:
    """A transport whose one page is there already."""

    def __init__(self, body):
        self.body = bytearray(body)

    def get(self, request, decode, stop):
        return Answer(
            _decoded(self.body, decode, Trace(request.about), KEY), len(self.body), Trace(request.about)
        )


def read(ask, body):
    """The rows of a page; None when it is refused, in whichever way."""
    try:
        return fetch.read(Answered(body), ask, NOW, Pace(), threading.Event(), Groups())
    except (BadAnswer, _Passing) as trouble:
        refused = trouble
    assert KEY not in str(refused)
    return None


def told(body):
    """What a page of costs says, read by nobody's code but Python's: key → nano-dollars; None when it says nothing."""
    try:
        # Bytes that are no text may stand where nobody reads.
        page = json.loads(body.decode(errors="replace"), parse_float=Decimal, parse_int=Decimal)
        rows = {}
        for held in page["data"]:
            for row in held["results"]:
                key = (
                    int(held["start_time"]),
                    *(row.get(name) or "" for name in ("project_id", "line_item", "quantity_unit")),
                )
                rows[key] = rows.get(key, 0) + nano(Decimal(str(row["amount"]["value"])))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation, RecursionError):
        return None
    return rows


GOOD = {
    "object": "page",
    "data": [
        bucket(
            day(1),
            cost("1.5", project_id="proj_1", line_item="gpt-5.2, input", quantity=3),
            cost(0.1, project_id="proj_2", line_item="web search", quantity=None),
            cost("-4.25", project_id="proj_1", line_item=None),
        ),
        bucket(day(2), cost("0.000004500000000000000000000000000000000", project_id=None)),
    ],
    "has_more": False,
    "next_page": None,
}
USED = {
    **GOOD,
    "data": [
        bucket(day(1), tokens("gpt-5.2", 1_000, project_id="proj_1")),
        bucket(day(2), tokens("gpt-5.2", 2_000, project_id="proj_1")),
    ],
}
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [
            "",
            "0",
            "1e400",
            "-0",
            "NaN",
            "Infinity",
            "1.5",
            "usd",
            "USD",
            "eur",
            "bucket",
            "page",
            "\u0000",
            KEY,
        ]
    )
    | st.text(max_size=8)
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(held, path=()):
    """Every place in a page, from the top down."""
    yield path
    inner = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


@st.composite
def changed(draw, good):
    """A page with one to three changes: something else stands somewhere, is gone, or stands there twice."""
    page = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([place for place in places(page) if place]))
        inside = page
        for key in path[:-1]:
            inside = inside[key]
        deed = draw(st.sampled_from(["else", "gone", "twice"]))
        if deed == "else":
            inside[path[-1]] = draw(ANYTHING)
        elif deed == "gone":
            del inside[path[-1]]
        elif isinstance(inside, list):
            inside.insert(path[-1], copy.deepcopy(inside[path[-1]]))
    return page


def exact(reading, body):
    rows = told(body)
    assert rows is not None, "it was read although it says nothing"
    assert {key: values[0] for key, values in rows_of(reading).items()} == rows
    assert reading.buckets == (START, START + DAY)


def test_a_good_page_is_read():
    body = json.dumps(GOOD).encode()
    exact(read(COSTS, body), body)
    assert len(rows_of(read(USAGE, json.dumps(USED).encode()))) == 2


@given(changed(GOOD))
def test_a_page_of_costs_is_read_exactly_or_refused(page):
    body = json.dumps(page).encode()
    if (reading := read(COSTS, body)) is not None:
        exact(reading, body)


@given(changed(USED))
def test_a_page_of_usage_is_read_exactly_or_refused(page):
    reading = read(USAGE, json.dumps(page).encode())
    if reading is not None:
        total = sum(
            int(Decimal(str(row["input_tokens"]))) for held in page["data"] for row in held["results"]
        )
        assert (
            sum(values[reading.metrics.index("input_tokens")] for values in rows_of(reading).values())
            == total
        )
        assert reading.buckets == (START, START + DAY)


@given(ANYTHING.map(json.dumps).map(str.encode) | st.binary(max_size=200))
def test_what_is_no_page_is_refused(body):
    assert read(COSTS, body) is None
    assert read(USAGE, body) is None


@given(st.data())
def test_a_page_with_other_bytes_in_it_is_read_exactly_or_refused(data):
    body = bytearray(json.dumps(GOOD).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    if (reading := read(COSTS, bytes(body))) is not None:
        exact(reading, bytes(body))


@given(st.integers(0, len(json.dumps(GOOD)) - 1))
def test_a_page_that_ends_early_is_refused(length):
    assert read(COSTS, json.dumps(GOOD).encode()[:length]) is None


def test_a_page_as_deep_as_it_gets_is_refused():
    assert read(COSTS, b'{"object":"page","data":' + b"[" * 200_000 + b"]" * 200_000 + b"}") is None


# -- at our own address ------------------------------------------------------------------------------------

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


class Knocked:
    """The bot's own address without a socket, and what came through it."""

    def __init__(self):
        self.done = []

        def did(*_args):
            self.done.append(_args)

        handlers = Handlers(did, did, lambda _key: True, did, did)
        self.app = build_app("xoxb-1", "https://slack.com/api/", handlers, signing_secret=SECRET)
        self.web = Web(
            {("POST", PATH): slack_route(self.app), ("GET", "/healthz"): lambda _: Page(body="ok\n")}, 0
        )

    def ask(self, body, headers, method="POST", path=PATH, query=""):
        """The status that is answered."""
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.input": io.BytesIO(body),
            **{
                f"HTTP_{name.upper().replace('-', '_')}": value
                for name, value in headers.items()
                if name != "content-type"
            },
            **({"CONTENT_TYPE": headers["content-type"]} if "content-type" in headers else {}),
        }
        answered = []
        content = b"".join(self.web._wsgi(environ, lambda status, held: answered.append((status, held))))
        assert dict(answered[0][1])["Content-Length"] == str(len(content)) or method == "HEAD"
        return int(answered[0][0].split()[0])


@pytest.fixture(scope="module")
def knocked():
    built = Knocked()
    yield built
    drain(built.app)


def signature(stamp, body, secret=SECRET):
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()


# As a WSGI server hands headers over: bytes as Latin-1.
LATIN = st.text(st.characters(max_codepoint=255), max_size=80)
STAMPS = (
    st.just("now")
    | LATIN
    | st.integers().map(str)
    | st.sampled_from(["", "0", "-1", "1e9", "٣", "9" * 400, " 1", "nan"])
)
SIGNATURES = (
    LATIN
    | st.binary(min_size=32, max_size=32).map(lambda held: f"v0={held.hex()}")
    | st.sampled_from(["", "v0=", "v1=" + "0" * 64, "v0=" + "g" * 64, "v0=" + "é" * 64, "v0=" + "A" * 64])
)
TYPES = (
    st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""]
    )
    | LATIN
)


@given(STAMPS, SIGNATURES, TYPES, st.binary(max_size=300), LATIN)
def test_what_is_not_signed_is_not_believed(knocked, stamp, signed, kind, body, other):
    headers = {
        "x-slack-request-timestamp": str(int(time.time())) if stamp == "now" else stamp,
        "x-slack-signature": signed,
        "content-type": kind,
        "x-slack-retry-num": other,
        "cookie": other,
    }
    before = len(knocked.done)
    assert knocked.ask(body, headers) == 401
    assert (
        knocked.ask(body, {name: held for name, held in headers.items() if name != "x-slack-signature"})
        == 401
    )
    assert len(knocked.done) == before


@given(
    st.integers(301, 10**6) | st.integers(-(10**6), -301),
    st.binary(max_size=40).map(lambda held: b"text=" + held.hex().encode()),
)
def test_what_was_signed_at_another_time_is_not_believed(knocked, ago, body):
    stamp = str(int(time.time()) - ago)
    assert (
        knocked.ask(body, {"x-slack-request-timestamp": stamp, "x-slack-signature": signature(stamp, body)})
        == 401
    )


FORMS = (
    st.binary(max_size=200)
    | ANYTHING.map(json.dumps).map(str.encode)
    | ANYTHING.map(lambda held: b"payload=" + json.dumps(held).encode())
    | st.text(max_size=40).map(lambda held: f"payload={held}".encode())
    | st.dictionaries(
        st.sampled_from(["type", "event", "command", "team_id", "user", "actions", "view", "challenge"]),
        ANYTHING,
        max_size=5,
    )
    .map(json.dumps)
    .map(str.encode)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FORMS, TYPES)
def test_whatever_is_signed_is_answered_and_is_never_our_failure(knocked, caplog, body, kind):
    """Only Slack can sign: bolt itself may answer 500 to what is none of Slack's, and our own side never fails."""
    stamp = str(int(time.time()))
    headers = {
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": signature(stamp, body),
        "content-type": kind,
    }
    assert knocked.ask(body, headers) in (200, 400, 401, 404, 500)
    assert not [record for record in caplog.records if record.name.startswith("bot.")]


@given(st.sampled_from(["GET", "HEAD", "PUT", "DELETE", "BREW", ""]), st.just(PATH) | LATIN, LATIN)
def test_other_methods_and_paths_find_nothing(knocked, method, path, query):
    assert knocked.ask(b"", {}, method, path, query) in (200, 401, 404, 405)
