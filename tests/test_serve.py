"""`serve` as a load balancer meets it: real HTTP, Slack's signatures, the four pages, slow and odd clients."""

import hashlib
import hmac
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Event, Thread
from urllib.parse import urlencode

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.app import wall_clock
from bot.core.errors import SetupWrong, Unanswered
from bot.edge.web import BODY, Page, Web
from bot.worker import work
from tests.shell import environment, started
from tests.standins.slack_people import Asked
from tests.syncing import empty_database
from tests.test_run import wait_for
from tests.world import LABS, SEARCH, at, world

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
RULES = """\
version: 1
rules:
  - {id: total, kind: budget, title: Everything, select: {}, period: month, amount: 1000, thresholds: [50%]}
"""


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@contextmanager
def serving(built, **how):
    """Run the bot's own flow until the block ends; yield its address."""
    stop, port = Event(), free_port()
    done = []
    thread = Thread(target=lambda: done.append(work(built.app, stop, port=port, **how)))
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            deadline = time.monotonic() + 20
            while True:
                try:
                    client.get("/healthz")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, "it never listened"
                    time.sleep(0.02)
            yield client
    finally:
        stop.set()
        thread.join(30)
    assert done == [True]


@pytest.fixture(scope="module")
def spent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    (folder / "budgetbot.db").write_bytes(empty_database())
    with world(folder, offers=("costs",)) as built:
        built.rules(RULES)
        built.ledger.cost("2025-10-03", SEARCH, "gpt-5.2, output", "550.25")
        built.ledger.cost("2025-10-03", LABS, "gpt-5.2, input", "12")
        built.start(slack_signing_secret=SECRET)
        built.poll("2025-10-05 12:00")
        built.app.clock = lambda: at("2025-10-05 12:01")
        with serving(built, socket=False, polls=False) as client:
            built.client = client
            yield built


@pytest.fixture
def client(spent):
    return spent.client


def signed(body, *, secret=SECRET, stamp=None, **headers):
    stamp = str(int(time.time())) if stamp is None else stamp
    signature = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={signature}",
    } | headers


def command(spent, text, trigger, user="U1ALICE"):
    """Return somebody who types, and the body that Slack would send for them."""
    key = f"T1TEAM/{trigger}/canary"
    payload = {
        "token": "legacy-canary",
        "command": "/budget",
        "text": text,
        "user_id": user,
        "team_id": "T1TEAM",
        "channel_id": "C1OPS",
        "trigger_id": trigger,
        "response_url": f"{spent.slack.origin}/respond/{key}",
    }
    asked = Asked("slash_commands", payload, spent.slack.people, at=time.monotonic())
    spent.slack.people.asked[key] = asked
    return asked, urlencode(payload)


# -- Slack's requests ------------------------------------------------------------------------------


def test_a_signed_command_is_acknowledged_and_answered(spent, client):
    asked, body = command(spent, "status", trigger="serve.1")
    began = time.monotonic()
    answer = client.post("/slack/events", content=body, headers=signed(body))
    assert (answer.status_code, answer.text) == (200, "")
    assert time.monotonic() - began < 3
    assert "56%" in str(asked.wait()[0])


def test_a_request_that_is_replayed_is_acknowledged_and_does_nothing(spent, client):
    asked, body = command(spent, "status", trigger="serve.2")
    headers = signed(body)
    assert client.post("/slack/events", content=body, headers=headers).status_code == 200
    assert len(asked.wait()) == 1
    assert client.post("/slack/events", content=body, headers=headers).status_code == 200
    other, later = command(spent, "help", trigger="serve.3")
    client.post("/slack/events", content=later, headers=signed(later))
    other.wait()
    assert len(asked.answers) == 1


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"x-slack-request-timestamp": "soon"}, id="a timestamp that is no number"),
        pytest.param({"x-slack-request-timestamp": "٣"}, id="digits of another alphabet"),
        pytest.param({"x-slack-request-timestamp": "9" * 400}, id="a timestamp without end"),
        pytest.param({"x-slack-signature": "v0=müll"}, id="a signature with other letters"),
        pytest.param({"x-slack-signature": "v1=" + "0" * 64}, id="another version"),
        pytest.param({"x-slack-signature": "v0=" + "0" * 64}, id="a signature of nothing"),
    ],
)
def test_what_slack_did_not_sign_is_refused(spent, client, headers):
    asked, body = command(spent, "status", trigger="serve.never")
    good = signed(body) if headers else {}
    raw = {key: value.encode() for key, value in (good | headers).items()}
    assert client.post("/slack/events", content=body, headers=raw).status_code == 401
    assert asked.answers == []


@pytest.mark.parametrize("away", [-301, 301, -100_000])
def test_a_signature_is_good_for_five_minutes_both_ways(spent, client, away):
    asked, body = command(spent, "status", trigger="serve.old")
    stamp = str(int(time.time()) + away)
    answer = client.post("/slack/events", content=body, headers=signed(body, stamp=stamp))
    assert answer.status_code == 401
    assert asked.answers == []


def test_another_secret_signs_nothing(spent, client):
    _, body = command(spent, "status", trigger="serve.forged")
    for secret in ("", "another"):
        assert (
            client.post("/slack/events", content=body, headers=signed(body, secret=secret)).status_code == 401
        )


def test_bytes_that_are_no_text_are_refused(client):
    assert client.post("/slack/events", content=b"\xff\xfe", headers=signed("x")).status_code == 401


def test_slacks_question_whether_the_address_is_ours_is_answered(client):
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB", "token": "x"})
    answer = client.post(
        "/slack/events", content=body, headers=signed(body) | {"content-type": "application/json"}
    )
    assert answer.status_code == 200
    assert answer.json() == {"challenge": "3eZbrw1aB"}


def test_a_body_without_end_is_refused_and_costs_no_memory(client):
    body = "x" * (BODY + 1)
    assert client.post("/slack/events", content=body, headers=signed(body)).status_code == 413


def test_a_client_that_never_finishes_holds_nobody_up(spent, client):
    port = client.base_url.port
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    try:
        for each in slow:
            each.sendall(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        asked, body = command(spent, "help", trigger="serve.slow")
        assert client.post("/slack/events", content=body, headers=signed(body), timeout=3).status_code == 200
        assert asked.wait()
    finally:
        for each in slow:
            each.close()


def test_a_hundred_people_at_once_are_all_acknowledged_and_answered(spent, client):
    asked = [command(spent, "status", trigger=f"serve.many.{place}") for place in range(100)]

    def post(body):
        return client.post("/slack/events", content=body, headers=signed(body), timeout=60).status_code

    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(post, [body for _, body in asked])) == {200}
    assert all(each.wait(seconds=60) for each, _ in asked)


# -- pages -----------------------------------------------------------------------------------------


def test_the_process_says_that_it_lives(client):
    assert client.get("/healthz").text == "ok\n"
    assert client.head("/healthz").status_code == 200


def test_who_polls_by_schedule_can_be_relied_on(spent, client):
    told = client.get("/readyz")
    assert (told.status_code, told.json()["ready"]) == (200, True)


def test_who_did_not_poll_for_long_cannot(spent, client, monkeypatch):
    monkeypatch.setattr(spent.app, "clock", lambda: wall_clock() + timedelta(hours=1))
    told = client.get("/readyz")
    assert (told.status_code, told.json()["ready"]) == (503, False)
    assert "the last complete poll ended at" in told.json()["why"]


def test_a_database_that_does_not_answer_is_said(spent, client, monkeypatch):
    def broken():
        raise Unanswered("The database did not answer.", "See that it can be read.")

    monkeypatch.setattr(spent.app.store, "reading", broken)
    told = client.get("/readyz")
    assert (told.status_code, told.json()["why"]) == (503, "The database did not answer.")
    assert client.get("/healthz").status_code == 200


def test_the_metrics_are_prometheus_own_and_true(client):
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    (value,) = families["budgetbot_value"].samples
    assert value.labels["rule"] == "total"
    assert value.value == 562.25
    assert families["budgetbot_amount"].samples[0].value == 1000
    assert families["budgetbot_ratio"].samples[0].value == pytest.approx(0.56225)
    assert families["budgetbot_notices_waiting"].samples[0].value == 0
    polls = {sample.labels["complete"]: sample.value for sample in families["budgetbot_polls"].samples}
    assert polls["true"] >= 1
    assert families["budgetbot_rule_files_in_force"].samples[0].value == 1
    assert {sample.labels["source"] for sample in families["budgetbot_data_age_seconds"].samples} == {"costs"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/", 404, id="nothing"),
        pytest.param("GET", "/slack/events", 405, id="Slack's address is posted to"),
        pytest.param("POST", "/metrics", 405, id="pages are read"),
        pytest.param("GET", "/../etc/passwd", 404, id="no file"),
    ],
)
def test_other_addresses_are_none(client, method, path, status):
    assert client.request(method, path).status_code == status


def test_a_page_that_fails_is_answered_and_logged(caplog):
    def broken(_):
        raise RuntimeError("no")

    web = Web({("GET", "/x"): broken, ("GET", "/y"): lambda _: Page(body="fine")}, 0, "127.0.0.1")
    web.connect()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{web.port}", trust_env=False) as client:
            assert client.get("/x").status_code == 500
            assert client.get("/y").text == "fine"
    finally:
        web.close()
    assert "a page failed" in caplog.text


def test_a_port_that_is_taken_is_said_with_its_remedy():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        with pytest.raises(SetupWrong, match="cannot be listened at"):
            Web({}, held.getsockname()[1], "127.0.0.1").connect()


# -- stopping ----------------------------------------------------------------------------------------------


def test_a_stop_under_load_answers_everything_that_was_acknowledged(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built.rules(RULES)
        port = free_port()
        given = environment(built, SLACK_SIGNING_SECRET=SECRET, PORT=str(port), SLACK_APP_TOKEN=None)
        with (
            started(tmp_path / "serve", given, "serve", "--no-poll") as process,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client,
        ):
            wait_for(lambda: answers(client))
            asked = [command(built, "help", trigger=f"serve.stop.{place}") for place in range(60)]
            taken = []

            def post(one):
                with suppress(httpx.TransportError):  # it stops meanwhile: Slack says so to who asked
                    if (
                        client.post("/slack/events", content=one[1], headers=signed(one[1])).status_code
                        == 200
                    ):
                        taken.append(one[0])

            with ThreadPoolExecutor(20) as pool:
                posting = [pool.submit(post, one) for one in asked]
                wait_for(lambda: len(taken) > 10)
                done = process.end(timeout=30)
                for each in posting:
                    each.result()
        assert done.code == 0, done.err
        assert "Traceback" not in done.err
        assert all(each.wait(1) for each in taken), "acknowledged, and never answered"


def answers(client):
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
