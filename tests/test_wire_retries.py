"""Passing trouble is tried again within bounds, a refusal never, and the key is in no message."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import stamina
from wire_server import KEY, NOW, Reply, WireServer, bucket, cost, day, page

from bot.core.errors import SetupWrong, Unanswered
from bot.edge.openai import Ask, AskRefused, BadAnswer, KeyRefused, NoAnswer, NotOffered, OpenAI
from bot.edge.openai.errors import quoted
from bot.edge.openai.headers import asked_delay
from bot.edge.openai.patience import Patience, backoff

ASK = Ask("costs", day(1), day(3))
GOOD = page(bucket(day(1), cost("1")), bucket(day(2)))
USAGE = Ask("decisions", day(1), day(3))
WAIT_A_MILLI = {"retry-after-ms": "1"}


@pytest.fixture
def no_waiting():
    with stamina.set_testing(True, attempts=5):
        yield


def error(message, status, **headers):
    return Reply({"error": {"message": message, "type": "x", "param": None, "code": None}}, status, headers)


PASSING = [
    pytest.param(Reply(status=500), id="500-with-nothing"),
    pytest.param(Reply("<html>Bad gateway</html>", 502, {"Content-Type": "text/html"}), id="502-with-html"),
    pytest.param(error("slow down", 429), id="429-without-retry-after"),
    pytest.param(Reply({"code": 404, "message": "unwrapped"}, 404), id="404-on-costs"),
    pytest.param(Reply("timeout", 408), id="408"),
    pytest.param(Reply("lock", 409), id="409"),
    pytest.param(Reply({"code": 422}, 422, {"x-should-retry": "true"}), id="x-should-retry"),
    pytest.param(Reply("<html>Sign in to the hotel</html>"), id="html-with-200"),
    pytest.param(Reply("", 200), id="nothing-with-200"),
    pytest.param(Reply('{"object": "page", "data": ['), id="half-a-json"),
    pytest.param(Reply(b'{"object": "page\xff"}'), id="no-utf-8"),
    pytest.param(Reply('{"x": ' + "[" * 100_000), id="too-deep"),
    pytest.param(Reply(GOOD.body, cut=True), id="cut-in-the-middle"),
    pytest.param(Reply("not gzip", 200, {"Content-Encoding": "gzip"}), id="broken-gzip"),
]


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("trouble", PASSING)
def test_passing_trouble_is_tried_again(trouble):
    with WireServer(trouble, trouble, trouble, trouble, GOOD) as server, server.client() as client:
        assert client.read(ASK, NOW).pages == 1
    assert len(server.asked) == 5


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("trouble", PASSING)
def test_passing_trouble_that_stays_is_one_sentence(trouble):
    trouble.headers["x-request-id"] = "req_7"
    with (
        WireServer(always=lambda asked: trouble) as server,
        server.client() as client,
        pytest.raises(NoAnswer) as caught,
    ):
        client.read(ASK, NOW)
    assert len(server.asked) == 5
    assert caught.value.exit_code == 4
    assert caught.value.happened.endswith(f"(costs, status {trouble.status}, request req_7, 5 tries).")
    assert "\n" not in str(caught.value)
    assert "<html>" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        pytest.param(error("Missing scopes: api.usage.read", 401), KeyRefused, "api.usage.read", id="401"),
        pytest.param(
            Reply("<html>no</html>", 403), KeyRefused, "owner of the organization", id="403-with-html"
        ),
        pytest.param(error("bad group_by", 400), AskRefused, "bad group_by", id="400"),
        pytest.param(
            Reply({}, 400, {"x-should-retry": "true"}), AskRefused, "refuses", id="400-that-says-retry"
        ),
        pytest.param(
            Reply({}, 401, {"x-should-retry": "true"}), KeyRefused, "refuses", id="401-that-says-retry"
        ),
        pytest.param(Reply({"error": "gone"}, 410), AskRefused, "gone", id="410-with-a-bare-text"),
        pytest.param(
            Reply("", 302, {"Location": "http://127.0.0.1:1/"}), BadAnswer, "OPENAI_BASE_URL", id="302"
        ),
        pytest.param(Reply({}, 503, {"x-should-retry": "false"}), NoAnswer, "1 try", id="503-that-says-no"),
        pytest.param(
            Reply({}, 429, {"Retry-After": "120"}), NoAnswer, "try again in 2 minutes", id="429-for-too-long"
        ),
        pytest.param(
            Reply({}, 503, {"Retry-After": "86400"}), NoAnswer, "try again in 24 hours", id="503-for-a-day"
        ),
    ],
)
def test_a_refusal_is_said_at_once(reply, kind, says):
    with WireServer(reply) as server, server.client() as client, pytest.raises(kind, match=says) as caught:
        client.read(ASK, NOW)
    assert len(server.asked) == 1
    assert caught.value.status == reply.status


def test_a_refused_key_is_a_matter_of_the_settings():
    assert issubclass(KeyRefused, SetupWrong)
    for kind in (AskRefused, NotOffered, BadAnswer, NoAnswer):
        assert issubclass(kind, Unanswered)


def test_404_means_not_offered_except_on_costs():
    with (
        WireServer(Reply({}, 404, {"x-should-retry": "true"})) as server,
        server.client() as client,
        pytest.raises(NotOffered, match=r"decisions, status 404, 1 try"),
    ):
        client.read(USAGE, NOW)
    assert len(server.asked) == 1


@pytest.mark.usefixtures("no_waiting")
def test_an_address_nobody_answers_is_no_answer():
    with WireServer() as server:
        url = server.url
    with OpenAI(KEY, url) as client, pytest.raises(NoAnswer, match=r"cannot be reached.*no status, 5 tries"):
        client.read(ASK, NOW)


@pytest.mark.usefixtures("no_waiting")
def test_a_silent_server_is_left_after_the_timeout():
    release = threading.Event()
    with WireServer(always=lambda asked: Reply(GOOD.body, hold=release)) as server:
        with server.client(timeout=0.05) as client, pytest.raises(NoAnswer, match=r"in time.*5 tries"):
            client.read(ASK, NOW)
        release.set()


def test_the_wait_asked_for_is_the_wait(monkeypatch):
    waits = []
    monkeypatch.setattr(Patience, "rest", lambda self, seconds: waits.append(seconds))
    asked = [
        error("slow", 429, **{"retry-after": "7"}),
        error("slow", 503, **WAIT_A_MILLI),
        error("slow", 500),
    ]

    with WireServer(*asked, GOOD) as server, server.client() as client:
        assert client.read(ASK, NOW).pages == 1

    assert waits[:3] == [0.0, 7.0, 0.001]
    assert 1.5 <= waits[3] <= 2  # our own third


def test_a_wait_is_really_waited_for():
    with WireServer(error("slow", 429, **WAIT_A_MILLI), GOOD) as server, server.client() as client:
        assert client.read(ASK, NOW).pages == 1
    assert len(server.asked) == 2


def test_no_try_begins_after_the_budget():
    """Our own first wait, at least 0.375 s, is longer than a budget of 0.3 s."""
    with (
        WireServer(always=lambda asked: Reply(status=500)) as server,
        server.client(budget=0.3) as client,
        pytest.raises(NoAnswer, match="1 try"),
    ):
        client.read(ASK, NOW)
    assert len(server.asked) == 1


def test_waits_grow_to_eight_seconds_less_a_quarter():
    for tries, longest in ((1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8), (9, 8)):
        for _ in range(20):
            assert longest * 0.75 <= backoff(tries) <= longest


THEN = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "delay"),
    [
        pytest.param({"retry-after": "7"}, 7, id="seconds"),
        pytest.param({"retry-after": "0.5"}, 0.5, id="a-fraction"),
        pytest.param({"retry-after-ms": "1500", "retry-after": "7"}, 1.5, id="milliseconds-first"),
        pytest.param({"retry-after-ms": "soon", "retry-after": "7"}, 7, id="words-for-milliseconds"),
        pytest.param(
            {
                "retry-after": format_datetime(THEN + timedelta(seconds=9), usegmt=True),
                "date": format_datetime(THEN),
            },
            9,
            id="a-date-by-the-servers-own-clock",
        ),
        pytest.param(
            {"retry-after": format_datetime(THEN), "date": format_datetime(THEN)}, None, id="a-date-gone-by"
        ),
        pytest.param({"retry-after": "-3"}, None, id="less-than-nothing"),
        pytest.param({"retry-after": "0"}, None, id="nothing"),
        pytest.param({"retry-after": "nan"}, None, id="nan"),
        pytest.param({"retry-after": "inf"}, None, id="for-ever"),
        pytest.param({"retry-after": "tomorrow"}, None, id="words"),
        pytest.param({}, None, id="no-word"),
    ],
)
def test_a_retry_after_is_read_in_all_its_forms(headers, delay):
    assert asked_delay(httpx.Headers(headers)) == delay


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(error(f"Incorrect API key provided: {KEY}.", 401), id="401"),
        pytest.param(error(f"no {KEY} here", 400), id="400"),
        pytest.param(error(f"no {KEY} here", 503, **{"x-should-retry": "false"}), id="503"),
        pytest.param(Reply({"object": KEY}), id="200"),
        pytest.param(Reply({}, 400, {"x-request-id": KEY}), id="as-a-request-id"),
    ],
)
def test_the_key_is_in_no_message_and_no_repr(reply):
    with WireServer(reply) as server, server.client() as client:
        with pytest.raises((SetupWrong, Unanswered)) as caught:
            client.read(ASK, NOW)
        said = [
            str(caught.value),
            repr(caught.value),
            repr(client),
            repr(vars(client)),
            repr(caught.value.trace),
        ]
    assert not [text for text in said if "CRUNCHY" in text]
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_words_from_outside_are_plain_and_short():
    assert quoted("a\x1b[31mb\r\n\u202ec\u200b  d. ") == "a [31mb c d"
    assert quoted("key sk-proj-abc***wxyz is wrong") == "key sk-… is wrong"
    assert len(quoted("x" * 5_000)) == 200


def test_a_key_that_cannot_be_one_is_refused_unseen():
    for key in ("", "sk admin", "sk-é", "sk-admin\n", "sk-\x00"):
        with pytest.raises(SetupWrong, match="OPENAI_ADMIN_KEY") as caught:
            OpenAI(key, "http://127.0.0.1/v1")
        assert "sk-é" not in str(caught.value)


def test_the_key_does_not_follow_a_redirect():
    with WireServer(GOOD) as elsewhere:
        away = Reply("", 307, {"Location": elsewhere.url + "/organization/costs"})
        with (
            WireServer(away) as server,
            server.client() as client,
            pytest.raises(BadAnswer, match="elsewhere"),
        ):
            client.read(ASK, NOW)
    assert elsewhere.asked == []


def test_a_proxy_is_not_asked_the_way_to_this_machine(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with WireServer(GOOD) as server, server.client() as client:
        assert client.read(ASK, NOW).pages == 1


def test_the_clocks_are_compared():
    behind = format_datetime(datetime.now(UTC) - timedelta(minutes=7), usegmt=True)
    with (
        WireServer(GOOD, Reply(GOOD.body, headers={"Date": behind}), GOOD) as server,
        server.client() as client,
    ):
        client.read(ASK, NOW)
        assert client.skew is None  # it never said

        client.read(ASK, NOW)
        client.read(ASK, NOW)
        assert timedelta(minutes=6) < client.skew < timedelta(minutes=9)


def test_other_threads_may_read_at_the_same_time():
    failures = []

    def read(client):
        try:
            assert client.read(ASK, NOW).pages == 1
        except BaseException as problem:  # noqa: BLE001  # reported below, in the test's own thread
            failures.append(problem)

    with WireServer(always=lambda asked: GOOD) as server, server.client() as client:
        threads = [threading.Thread(target=read, args=[client]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(server.asked) == 8


def test_a_body_without_an_end_is_left_when_the_budget_is_used_up():
    """A trickle never runs into a timeout: each byte arrives in time."""
    with (
        trickling_server() as url,
        OpenAI(KEY, url, budget=0.2) as client,
        pytest.raises(NoAnswer, match="in time"),
    ):
        client.read(ASK, NOW)


class trickling_server:  # noqa: N801  # reads as a verb where it is used
    def __enter__(self):
        import socketserver

        done = self.done = threading.Event()

        class Trickle(socketserver.StreamRequestHandler):
            def handle(self):
                while self.rfile.readline().strip():
                    pass
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
                while not done.is_set():
                    try:
                        self.wfile.write(b" ")
                    except OSError:
                        return
                    time.sleep(0.01)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Trickle)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def __exit__(self, *_):
        self.done.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_the_message_reads_as_a_sentence():
    reply = error(
        "You exceeded your current quota.", 503, **{"x-should-retry": "false", "x-request-id": "req_1"}
    )
    with WireServer(reply) as server, server.client() as client, pytest.raises(NoAnswer) as caught:
        client.read(ASK, NOW)
    assert json.dumps(str(caught.value)) == json.dumps(
        "OpenAI is in trouble: You exceeded your current quota (costs, status 503, request req_1, 1 try). "
        "Nothing was lost: try again later."
    )
