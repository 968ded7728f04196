"""OpenAI's hard limits on the wire: exact cents, only 404 is none, and nothing is ever written."""

import re
from pathlib import Path

import pytest
from wire_server import KEY, Reply, WireServer

from bot import edge
from bot.edge.openai import (
    AskRefused,
    BadAnswer,
    ForeignCurrency,
    KeyRefused,
    NoAnswer,
    NotOffered,
    SpendLimit,
)

LIMIT = {
    "object": "project.spend_limit",
    "threshold_amount": 10_000,
    "currency": "USD",
    "interval": "month",
    "enforcement": {"status": "inactive"},
}


def reply(**changes):
    return Reply({name: value for name, value in (LIMIT | changes).items() if value != "left out"})


def error(message, status, **body):
    return Reply(
        {"error": {"message": message, "type": "invalid_request_error", "param": None} | body}, status
    )


@pytest.mark.parametrize(
    ("answer", "limit"),
    [
        pytest.param(reply(), SpendLimit(100_000_000_000, "inactive"), id="a hundred dollars"),
        pytest.param(reply(threshold_amount=1), SpendLimit(10_000_000, "inactive"), id="a cent"),
        pytest.param(
            reply(threshold_amount=922_337_203_685), SpendLimit(9_223_372_036_850_000_000, "inactive"), id="the largest"
        ),
        pytest.param(reply(threshold_amount=10_000.0), SpendLimit(100_000_000_000, "inactive"), id="a whole float"),
        pytest.param(reply(currency="usd"), SpendLimit(100_000_000_000, "inactive"), id="lower case, as costs are"),
        pytest.param(reply(currency="Usd"), SpendLimit(100_000_000_000, "inactive"), id="any case"),
        pytest.param(reply(enforcement={"status": "enforcing"}), SpendLimit(100_000_000_000, "enforcing"), id="enforcing"),
        pytest.param(reply(enforcement={"status": "warming_up"}), SpendLimit(100_000_000_000, "warming_up"), id="a newer word"),
        pytest.param(reply(more={"x": 1}), SpendLimit(100_000_000_000, "inactive"), id="fields nobody knows"),
        pytest.param(error("No spend limit is set.", 404), SpendLimit(None), id="none"),
        pytest.param(Reply(b"", 404), SpendLimit(None), id="none, without a word"),
    ],
)  # fmt: skip
def test_a_limit_is_read_to_the_cent(answer, limit):
    with WireServer(answer) as server, server.client() as client:
        found = client.spend_limit("proj_1")
    assert found == limit
    assert found.enforcing == (limit.enforcement == "enforcing")
    assert [asked.path for asked in server.asked] == ["/v1/organization/projects/proj_1/spend_limit"]
    assert server.asked[0].pairs == []


def test_the_organizations_own_has_an_address_and_a_name_of_its_own():
    with WireServer(reply(object="organization.spend_limit")) as server, server.client() as client:
        assert client.spend_limit(None).amount == 100_000_000_000
    assert server.asked[0].path == "/v1/organization/spend_limit"


def test_an_id_from_outside_cannot_lead_elsewhere():
    with WireServer(reply()) as server, server.client() as client:
        client.spend_limit("../x?y#z")
    assert server.asked[0].path == "/v1/organization/projects/..%2Fx%3Fy%23z/spend_limit"


@pytest.mark.parametrize(
    ("answer", "failure", "says"),
    [
        pytest.param(reply(currency="EUR"), ForeignCurrency, "'EUR'", id="euros"),
        pytest.param(reply(currency=""), ForeignCurrency, "''", id="no currency"),
        pytest.param(reply(interval="week"), BadAnswer, "'week'", id="a week"),
        pytest.param(reply(object="organization.spend_limit"), BadAnswer, "'organization.spend_limit'", id="another's"),
        pytest.param(reply(threshold_amount=0), BadAnswer, "below a cent", id="nothing"),
        pytest.param(reply(threshold_amount=-1), BadAnswer, "below a cent", id="less than nothing"),
        pytest.param(reply(threshold_amount=922_337_203_686), BadAnswer, "above all", id="more than is kept"),
        pytest.param(reply(threshold_amount=10**4_000), BadAnswer, "above all", id="more than exists"),
        pytest.param(reply(threshold_amount=99.5), BadAnswer, "threshold_amount", id="half a cent"),
        pytest.param(reply(threshold_amount=None), BadAnswer, "threshold_amount", id="null"),
        pytest.param(reply(threshold_amount="left out"), BadAnswer, "threshold_amount", id="no amount"),
        pytest.param(reply(currency=None), BadAnswer, "currency", id="null currency"),
        pytest.param(reply(interval="left out"), BadAnswer, "interval", id="no interval"),
        pytest.param(reply(enforcement=None), BadAnswer, "enforcement", id="no enforcement"),
        pytest.param(reply(enforcement={}), BadAnswer, "status", id="no status"),
        pytest.param(Reply([LIMIT]), BadAnswer, "object", id="a list"),
        pytest.param(Reply({"object": "list", "data": []}), BadAnswer, "threshold_amount", id="an empty list"),
        pytest.param(error("Missing scopes", 403), KeyRefused, "Missing scopes", id="403"),
        pytest.param(error(f"Incorrect API key {KEY}", 401), KeyRefused, "sk-…", id="401 with the key in it"),
        pytest.param(error("no", 400), AskRefused, "refuses the question", id="400"),
        pytest.param(error("Invalid URL (GET /v1/organization/spend_limit)", 404), NotOffered, "Invalid URL", id="no such address"),
        pytest.param(error("Unknown request URL: GET /v1/x.", 404, code="unknown_url"), NotOffered, "Unknown", id="no such address, newer words"),
        pytest.param(Reply(b"", 302, {"Location": "http://127.0.0.1:9/"}), BadAnswer, "elsewhere", id="leads elsewhere"),
    ],
)  # fmt: skip
def test_what_is_no_limit_in_dollars_a_month_is_no_answer(answer, failure, says):
    with WireServer(answer) as server, server.client() as client, pytest.raises(failure) as told:
        client.spend_limit("proj_1")
    assert says in str(told.value)
    assert KEY not in str(told.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Reply(b"", 500), id="500"),
        pytest.param(Reply("<html>", 502), id="502"),
        pytest.param(error("slow down", 429), id="429"),
        pytest.param(Reply('{"object": "project.spend_', 200), id="half a JSON"),
        pytest.param(Reply(LIMIT, cut=True), id="cut"),
    ],
)
def test_passing_trouble_is_tried_again_and_never_becomes_none(trouble):
    with WireServer(trouble, trouble, reply()) as server, server.client() as client:
        assert client.spend_limit("proj_1").amount == 100_000_000_000
    assert len(server.asked) == 3
    with (
        WireServer(always=lambda asked: trouble) as server,
        server.client() as client,
        pytest.raises(NoAnswer),
    ):
        client.spend_limit("proj_1")
    assert len(server.asked) == 5


def test_nothing_that_reads_openai_knows_how_to_write():
    """One place sends, and it sends GET."""
    folder = Path(edge.__path__[0], "openai")
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    sending = re.compile(r"\.(?:post|put|patch|delete|request|send|stream|build_request)\(|POST|DELETE|PATCH")
    found = {(name, each) for name, text in sources.items() for each in sending.findall(text)}
    assert found == {("transport.py", ".stream(")}
    assert re.findall(r"\.stream\(\s*([^,]+),", sources["transport.py"]) == ['"GET"']
