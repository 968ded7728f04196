"""The stand-in for OpenAI's API when it is told to fail, and when it closes."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime

import httpx
import pytest

from bot.demo.ledger import Ledger
from bot.demo.openai_faults import BadJson, Cut, Hang, Html, Mutate, Status
from bot.demo.openai_server import OpenAIServer

NOW = datetime(2026, 10, 20, 17, 31, 7, tzinfo=UTC)
COSTS = "/organization/costs?start_time=1792368000"


@pytest.fixture
def ledger():
    ledger = Ledger()
    ledger.cost("2026-10-19", "proj_1", "gpt-5.2, input", 1)
    return ledger


@pytest.fixture
def server(ledger):
    with OpenAIServer(ledger, now=lambda: NOW) as running:
        yield running


@pytest.fixture(scope="module")
def http():
    with httpx.Client(headers={"Authorization": "Bearer sk-admin-demo"}) as client:
        yield client


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 503])
def test_a_status_is_answered_once_and_then_the_truth(server, http, code):
    server.fail("/costs", Status(code, headers={"Retry-After": "2"}))
    failed, good = (http.get(f"{server.base_url}{COSTS}") for _ in range(2))
    assert (failed.status_code, failed.headers["retry-after"]) == (code, "2")
    assert failed.json()["error"]["message"]
    assert good.json()["data"]


def test_every_other_failure(server, http):
    address = f"{server.base_url}{COSTS}"
    server.fail("/costs", Html())
    assert "<html>" in http.get(address).text

    server.fail("/costs", Cut())
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(address)

    server.fail("/costs", BadJson())
    with pytest.raises(json.JSONDecodeError):
        http.get(address).json()

    server.fail("/costs", Hang(30))
    with pytest.raises(httpx.ReadTimeout):
        http.get(address, timeout=0.05)

    def without_results(answer):
        del answer["data"][0]["results"]

    server.fail("/costs", Mutate(without_results), skip=1)
    assert "results" in http.get(address).json()["data"][0]
    assert "results" not in http.get(address).json()["data"][0]

    server.fail("/costs", Mutate(lambda answer: {**answer, "data": [], "odd": Decimal("NaN")}))
    assert http.get(address).text.endswith('"odd":NaN}')

    server.break_down(Status(503, body="", headers={"x-why": "maintenance"}))
    assert [http.get(address).status_code for _ in range(3)] == [503] * 3
    server.recover()
    assert http.get(address).status_code == 200


def test_what_was_asked_is_remembered(server, http):
    params = {"start_time": 1, "group_by": ["project_id", "line_item"]}
    http.get(f"{server.base_url}/organization/costs", params=params)
    assert server.asked("/costs") == [
        (
            "GET",
            "/v1/organization/costs",
            [("start_time", "1"), ("group_by", "project_id"), ("group_by", "line_item")],
        )
    ]


def test_answers_carry_the_wall_clock_and_an_id_on_a_kept_connection(server, http):
    answers = [http.get(f"{server.base_url}/organization/users") for _ in range(2)]
    dates = [parsedate_to_datetime(answer.headers["date"]) for answer in answers]
    assert all(abs(datetime.now(UTC) - date) < timedelta(minutes=1) for date in dates)
    assert len({answer.headers["x-request-id"] for answer in answers}) == 2
    assert answers[0].http_version == "HTTP/1.1"
    assert "connection" not in answers[0].headers


def test_closing_hangs_up_on_idle_callers_and_leaves_no_thread(ledger):
    before = threading.active_count()
    with OpenAIServer(ledger, now=lambda: NOW) as server:
        port = int(server.base_url.rpartition(":")[2].partition("/")[0])
        caller = socket.create_connection(("127.0.0.1", port))
        caller.sendall(b"GET /v1/organization/users HTTP/1.1\r\nAuthorization: Bearer sk-admin-demo\r\n\r\n")
        assert caller.recv(20).startswith(b"HTTP/1.1 200")
    with caller:
        while caller.recv(4096):
            pass  # what was already sent, then the end
    assert threading.active_count() == before


def test_a_bug_inside_is_raised_where_it_is_seen(ledger, http):
    def broken(answer):
        raise KeyError("no such key")

    def story():
        with OpenAIServer(ledger, now=lambda: NOW) as server:
            server.fail("/users", Mutate(broken))
            assert http.get(f"{server.base_url}/organization/users").status_code == 500

    with pytest.raises(KeyError, match="no such key"):
        story()
