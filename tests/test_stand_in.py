"""The stand-in for OpenAI's organization API: windows, pages, rows and names as the real one has them."""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from bot.demo.ledger import EXACT, CostRow, Ledger
from bot.demo.openai_server import OpenAIServer

NOW = datetime(2026, 10, 20, 17, 31, 7, tzinfo=UTC)
DAY = 86_400
KEY = {"Authorization": "Bearer sk-admin-demo"}


def unix(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def server(ledger):
    with OpenAIServer(ledger, now=lambda: NOW) as running:
        yield running


@pytest.fixture(scope="module")
def http():
    """One client for all: to make one costs more than to ask."""
    with httpx.Client(headers=KEY) as client:
        yield client


@pytest.fixture
def get(server, http):
    """Asks as httpx asks, and answers with (status, body)."""

    def ask(path, **params):
        answer = http.get(f"{server.base_url}{path}", params=params)
        return answer.status_code, answer.json()

    return ask


def costs(get, **params):
    status, body = get("/organization/costs", **params)
    assert status == 200, body
    return body


def rows(body):
    return [row for bucket in body["data"] for row in bucket["results"]]


def total(body):
    total = Decimal(0)
    for row in rows(body):
        total = EXACT.add(total, Decimal(row["amount"]["value"]))
    return total


# Windows and pages


def test_costs_speak_in_whole_utc_days_up_to_the_current_one(get):
    body = costs(get, start_time=unix("2026-10-18T09:30"), end_time=unix("2026-10-25"))
    edges = [(bucket["start_time"], bucket["end_time"]) for bucket in body["data"]]
    midnight = unix("2026-10-18")
    assert edges == [(midnight + DAY * nth, midnight + DAY * (nth + 1)) for nth in range(3)]
    assert [bucket["results"] for bucket in body["data"]] == [[], [], []]
    assert costs(get, start_time=unix("2026-10-20T12:00"))["data"][0]["start_time"] == unix("2026-10-20")


def test_usage_clips_its_edges_and_ends_now(get):
    _, body = get("/organization/usage/completions", start_time=unix("2026-10-19T09:30:59"))
    assert [(bucket["start_time"], bucket["end_time"]) for bucket in body["data"]] == [
        (unix("2026-10-19T09:30"), unix("2026-10-20")),
        (unix("2026-10-20"), int(NOW.timestamp())),
    ]
    _, body = get(
        "/organization/usage/completions",
        start_time=unix("2026-10-20T16:00"),
        end_time=unix("2026-10-20T21:00"),
        bucket_width="1h",
    )
    assert [bucket["end_time"] for bucket in body["data"]] == [
        unix("2026-10-20T17:00"),
        unix("2026-10-20T18:00"),
    ]


def test_pages_hold_buckets_and_tell_nothing_twice(get, ledger):
    for nth in range(1, 21):
        ledger.cost(f"2026-10-{nth:02}", "proj_1", "gpt-5.2, input", nth)
    window = {"start_time": unix("2026-10-01"), "end_time": unix("2026-10-21")}
    first = costs(get, **window)
    assert len(first["data"]) == 7
    assert first["has_more"]

    seen, page = first["data"], first["next_page"]
    while page:
        assert page.startswith("page_")
        assert page.endswith("=")
        assert base64.b64decode(page.removeprefix("page_"))
        body = costs(get, **window, page=page)
        seen, page = seen + body["data"], body["next_page"]
    assert [bucket["start_time"] for bucket in seen] == [
        window["start_time"] + DAY * nth for nth in range(20)
    ]
    assert not body["has_more"]

    status, refused = get(
        "/organization/costs",
        start_time=unix("2026-10-02"),
        end_time=unix("2026-10-21"),
        page=first["next_page"],
    )
    assert (status, refused["error"]["param"]) == (400, "page")


def test_an_open_window_ends_where_its_first_page_said(ledger, http):
    clock = [NOW]
    with OpenAIServer(ledger, now=lambda: clock[0]) as server:
        address = f"{server.base_url}/organization/usage/completions"
        window = {"start_time": unix("2026-10-18"), "limit": 2}
        first = http.get(address, params=window).json()
        clock[0] = NOW + timedelta(days=2)
        last = http.get(address, params=window | {"page": first["next_page"]}).json()
    assert [bucket["end_time"] for bucket in last["data"]] == [int(NOW.timestamp())]


# Rows


def test_lists_come_bare_or_in_brackets(get, ledger):
    ledger.cost("2026-10-19", "proj_1", "evals | gpt-5.2, input", 1)
    ledger.cost("2026-10-19", "proj_2", "gpt-5.2, input", 2)
    ledger.cost("2026-10-19", "proj_3", "gpt-5.2, input", 4)
    start = unix("2026-10-19")
    for name in ("project_ids", "project_ids[]"):
        assert total(costs(get, start_time=start, **{name: ["proj_1", "proj_3"]})) == 5
    by = rows(costs(get, start_time=start, **{"group_by[]": ["project_id", "line_item"]}))
    assert [(row["project_id"], row["line_item"]) for row in by] == [
        ("proj_1", "evals | gpt-5.2, input"),
        ("proj_2", "gpt-5.2, input"),
        ("proj_3", "gpt-5.2, input"),
    ]
    both = {"line_items": "gpt-5.2, input", "project_ids": ["proj_1", "proj_2"]}
    assert total(costs(get, start_time=start, **both)) == 2


@pytest.mark.parametrize("amounts", ["string", "number"])
def test_amounts_are_exact(ledger, http, amounts):
    literals = [
        "0.0000045",
        "0.21870350744715547",
        "12345.6",
        "-250",
        "0",
        "0.000004500000000000000000000000000000009",
    ]
    for nth, amount in enumerate(literals):
        ledger.cost("2026-10-19", f"proj_{nth}", "gpt-5.2, input", amount)
    with OpenAIServer(ledger, now=lambda: NOW, amounts=amounts) as server:
        address = f"{server.base_url}/organization/costs"
        params = {"start_time": unix("2026-10-19"), "group_by": "project_id"}
        body = json.loads(http.get(address, params=params).text, parse_float=Decimal)
    values = [row["amount"]["value"] for row in rows(body)]
    assert {type(value) for value in values} <= ({str} if amounts == "string" else {Decimal, int})
    assert [Decimal(value) for value in values] == [Decimal(literal) for literal in literals]
    assert total(body) == ledger.total()
    if amounts == "string":
        assert values[4] == "0E-6176"
        assert values[0] == "0.000004500000000000000000000000000000000"


def test_dimensions_are_null_unless_grouped_by_with_the_one_known_exception(get, ledger):
    ledger.project("proj_1", "search-prod")
    for project in ("proj_1", "proj_2", None):
        ledger.cost("2026-10-19", project, "gpt-5.2, input", 1, quantity="30", quantity_unit="1000_tokens")
    start = unix("2026-10-19")
    (plain,) = rows(costs(get, start_time=start))
    assert (plain["project_id"], plain["line_item"], plain["api_key_id"], plain["quantity"]) == (None,) * 4
    by_item = rows(costs(get, start_time=start, group_by="line_item"))
    assert [row["project_id"] for row in by_item] == ["proj_1", "proj_2", None]
    assert by_item[0]["project_name"] == "search-prod"
    assert (by_item[0]["quantity"], by_item[0]["quantity_unit"]) == (30.0, "1000_tokens")
    assert by_item[0]["organization_id"]


def test_a_row_may_come_in_two_parts(ledger, http):
    ledger.cost("2026-10-19", "proj_1", "gpt-5.2, input", "0.0000000000000000000000000000000000001")
    ledger.usage("completions", "2026-10-19T08:00", {"input_tokens": 7, "output_tokens": 1}, model="gpt-5.2")
    with OpenAIServer(ledger, now=lambda: NOW, duplicate_rows=True) as server:
        params = {"start_time": unix("2026-10-19"), "group_by": "project_id"}
        body = http.get(f"{server.base_url}/organization/costs", params=params).json()
        used = http.get(f"{server.base_url}/organization/usage/completions", params=params).json()
    assert len(rows(body)) == len(rows(used)) == 2
    assert total(body) == ledger.total()
    assert sum(row["input_tokens"] for row in rows(used)) == 7


def test_usage_is_counted_where_it_fell_and_filtered(get, ledger):
    tokens = {"input_tokens": 10, "output_tokens": 1, "num_model_requests": 1}
    ledger.usage(
        "completions", "2026-10-20T07:59:59", tokens, project_id="proj_1", model="gpt-5.2", batch=True
    )
    ledger.usage("completions", "2026-10-20T08:00", tokens, project_id="proj_1", model="gpt-5.2", batch=False)
    ledger.usage("completions", "2026-10-20T08:30", tokens, project_id="proj_2", model="gpt-5-mini")
    window = {
        "start_time": unix("2026-10-20T07:00"),
        "end_time": unix("2026-10-20T10:00"),
        "bucket_width": "1h",
    }

    def counted(**params):
        _, body = get("/organization/usage/completions", **window, **params)
        return [sum(row["input_tokens"] for row in bucket["results"]) for bucket in body["data"]]

    assert counted() == [10, 20, 0]
    assert counted(batch="true") == [10, 0, 0]
    assert counted(batch="false") == [0, 20, 0]
    assert counted(models=["gpt-5.2"], project_ids=["proj_1", "proj_2"]) == [10, 10, 0]
    _, body = get("/organization/usage/completions", **window, group_by=["batch", "service_tier"])
    assert [row["batch"] for row in rows(body)] == [True, False]
    assert {row["service_tier"] for row in rows(body)} == {"default"}
    assert {row["model"] for row in rows(body)} == {None}


def test_bytes_stored_are_a_level(get, ledger):
    for hour, size in ((1, 100), (2, 300)):
        ledger.usage("vector_stores", f"2026-10-19T0{hour}:00", {"usage_bytes": size}, project_id="proj_1")
    ledger.usage("vector_stores", "2026-10-19T01:00", {"usage_bytes": 1_000}, project_id="proj_2")
    _, body = get("/organization/usage/vector_stores", start_time=unix("2026-10-19"))
    assert rows(body)[0]["usage_bytes"] == 1_300


def test_a_revision_replaces_the_day(get, ledger):
    row = ledger.cost("2026-10-19", "proj_1", "gpt-5.2, input", "10")
    start = unix("2026-10-19")
    assert ledger.revise(row, "12.5") == CostRow(row.day, "proj_1", "gpt-5.2, input", "12.5")
    assert total(costs(get, start_time=start)) == Decimal("12.5")
    ledger.set_day("2026-10-19", [(None, "service credit", "-3")])
    assert total(costs(get, start_time=start)) == -3


def test_money_is_never_a_float(ledger):
    with pytest.raises(TypeError, match="is a float"):
        ledger.cost("2026-10-19", None, None, 0.1)


def test_organizations_differ_in_what_costs_are_grouped_by(ledger, http):
    for nth, user in enumerate(("user-1", "user-2", None)):
        ledger.cost("2026-10-19", "proj_1", "gpt-5.2, input", nth, user_id=user, api_key_id=f"key_{nth}")
    every = ("project_id", "line_item", "user_id", "api_source")
    with OpenAIServer(ledger, now=lambda: NOW, cost_group_by=every) as server:
        address, start = f"{server.base_url}/organization/costs", unix("2026-10-19")
        by_user = http.get(
            address, params={"start_time": start, "group_by": ["user_id", "api_source"]}
        ).json()
        by_key = http.get(address, params={"start_time": start, "group_by": "api_key_id"})
    assert [row["user_id"] for row in rows(by_user)] == ["user-1", "user-2", None]
    assert by_key.status_code == 400


# Names


def test_lists_hide_what_was_not_asked_for_and_continue_after(get, ledger):
    for nth in range(30):
        ledger.project(f"proj_{nth:02}", f"project {nth}", archived=nth == 3)
    ledger.api_key("proj_00", "key_1", "nightly")
    ledger.api_key("proj_00", "key_2", "left behind", active=False)

    _, first = get("/organization/projects")
    assert (len(first["data"]), first["has_more"], first["last_id"]) == (20, True, "proj_20")
    _, rest = get("/organization/projects", after=first["last_id"], limit=100)
    assert (len(rest["data"]), rest["has_more"]) == (9, False)
    _, everything = get("/organization/projects", include_archived="true", limit=100)
    assert len(everything["data"]) == 30

    def keys(**params):
        return [key["id"] for key in get("/organization/projects/proj_00/api_keys", **params)[1]["data"]]

    assert keys() == ["key_1"]
    assert keys(owner_project_access="inactive") == ["key_2"]
    assert keys(owner_project_access="any") == ["key_1", "key_2"]
    _, empty = get("/organization/users")
    assert (empty["data"], empty["first_id"], empty["has_more"]) == ([], None, False)
