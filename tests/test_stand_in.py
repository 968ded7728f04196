"""The stand-in for OpenAI's organization API: read by the official client, as strict as the real one."""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from openai import OpenAI

from bot.demo.ledger import EXACT, CostRow, Ledger
from bot.demo.openai_endpoints import COSTS, ENDPOINTS, OFFERED
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


# The official client


@pytest.fixture(scope="module")
def busy():
    """An organization that used everything, every day of forty."""
    ledger = Ledger()
    ledger.project("proj_1", "search-prod")
    first = datetime(2026, 9, 11, tzinfo=UTC)
    for nth in range(40):
        at = first + timedelta(days=nth, hours=nth % 24, minutes=nth)
        for project in ("proj_1", "proj_2"):
            ledger.cost(at.date(), project, "gpt-5.2, input", f"{nth}.000000000000000000000000000001")
            ledger.cost(at.date(), project, "gpt-5.2, output", 0)
            for endpoint in ENDPOINTS:
                if endpoint is not COSTS:
                    counts = dict.fromkeys(endpoint.metrics, nth)
                    ledger.usage(endpoint.source, at, counts, project_id=project, model="gpt-5.2")
        ledger.cost(at.date(), None, "service credit", "-0.5")
    return ledger


@pytest.fixture(scope="module")
def official(busy):
    """The official client; importing it takes a second, so one reads for all."""
    sources = OFFERED | {"decisions"}
    with (
        OpenAIServer(busy, now=lambda: NOW, offers=sources, duplicate_rows=True) as server,
        OpenAI(admin_api_key="sk-admin-demo", api_key="", base_url=server.base_url, max_retries=0) as client,
    ):
        yield client


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.source)
def test_the_official_client_reads_the_same_rows_and_sums(official, busy, endpoint):
    fetch = getattr(official.admin.organization.usage, endpoint.source)
    read, page, pages = [], None, 0
    while page is not None or not pages:
        more = {"page": page} if page else {}
        answer = fetch(
            start_time=unix("2026-09-11"),
            end_time=unix("2026-10-21"),
            limit=15,
            group_by=["project_id"] if endpoint is not COSTS else ["project_id", "line_item"],
            **more,
        )
        read += [row for bucket in answer.data for row in bucket.results]
        page, pages = answer.next_page, pages + 1

    assert pages == 3
    assert {row.object for row in read} == {endpoint.result}
    if endpoint is COSTS:
        assert len(read) == 2 * 5 * 40  # each twice, for duplicate_rows splits them
        assert sum((Decimal(str(row.amount.value)) for row in read), Decimal(0)) == pytest.approx(
            busy.total()
        )
    else:
        assert len(read) == 2 * 2 * 40
        for metric in endpoint.metrics:
            assert sum(getattr(row, metric) for row in read) == 2 * sum(range(40))


def test_the_official_client_reads_every_name(official, busy):
    busy.user("user-1", "Ada", "ada@example.com")
    busy.service_account("proj_1", "svc_acct_1", "indexer")
    busy.limit("proj_1", 2_000_000)
    busy.limit(None, 9_000_000, status="enforcing")
    for nth in range(25):
        busy.api_key("proj_1", f"key_{nth}", f"key {nth}", active=nth % 5 != 0)
    organization = official.admin.organization

    assert [project.name for project in organization.projects.list(include_archived=True)] == ["search-prod"]
    assert [user.email for user in organization.users.list()] == ["ada@example.com"]
    keys = list(organization.projects.api_keys.list("proj_1", owner_project_access="any", limit=10))
    assert len(keys) == 25
    assert [item.name for item in organization.projects.service_accounts.list("proj_1")] == ["indexer"]
    assert organization.projects.spend_limit.retrieve("proj_1").threshold_amount == 2_000_000
    assert organization.spend_limit.retrieve().enforcement.status == "enforcing"


# Refusals


def test_another_key_is_refused_and_is_not_repeated(server, http):
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer sk-proj-wrong"}):
        answer = http.get(f"{server.base_url}/organization/costs?start_time=0", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert "sk-" not in answer.text


def test_only_get_is_allowed(server, http):
    for path in ("/organization/costs", "/organization/projects/p/spend_limit"):
        answer = http.post(f"{server.base_url}{path}", json={"threshold_amount": 1})
        assert answer.status_code == 405


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param("costs", "", id="no-start"),
        pytest.param("costs", "start_time=now", id="start-is-a-word"),
        pytest.param("costs", "start_time=-1", id="start-before-1970"),
        pytest.param("costs", "start_time=1&start_time=2", id="start-twice"),
        pytest.param("costs", "start_time=0&end_time=", id="empty-value"),
        pytest.param("costs", "start_time=0&project_id=p", id="unknown-parameter"),
        pytest.param("costs", "start_time=0&models=gpt-5.2", id="a-filter-of-another-endpoint"),
        pytest.param("costs", "start_time=0&batch=true", id="batch-of-costs"),
        pytest.param("costs", "start_time=0&bucket_width=1h", id="hourly-costs"),
        pytest.param("costs", "start_time=0&limit=181", id="limit-over-180"),
        pytest.param("costs", "start_time=0&limit=0", id="limit-0"),
        pytest.param("costs", "start_time=0&group_by=model", id="costs-by-model"),
        pytest.param("costs", "start_time=0&group_by=user_id", id="costs-by-user-not-here"),
        pytest.param("costs", "start_time=0&group_by=project_id,line_item", id="commas"),
        pytest.param("costs", "start_time=0&project_ids=a,b", id="commas-in-a-filter"),
        pytest.param("costs", "start_time=0&group_by[]=", id="an-empty-array"),
        pytest.param("costs", "start_time=1792454400&end_time=1792515600", id="one-date"),
        pytest.param("costs", "start_time=1792454400&end_time=1792368000", id="backwards"),
        pytest.param("costs", "start_time=1798761600", id="the-future"),
        pytest.param("costs", "start_time=0&page=page_bm9ib2R5", id="a-foreign-cursor"),
        pytest.param("costs", "start_time=0&page=2", id="no-cursor-at-all"),
        pytest.param("usage/completions", "start_time=0&limit=32", id="limit-over-31-days"),
        pytest.param(
            "usage/completions", "start_time=0&bucket_width=1h&limit=169", id="limit-over-168-hours"
        ),
        pytest.param(
            "usage/completions", "start_time=0&bucket_width=1m&limit=1441", id="limit-over-1440-minutes"
        ),
        pytest.param("usage/completions", "start_time=0&bucket_width=1w", id="a-week"),
        pytest.param("usage/completions", "start_time=0&batch=yes", id="batch-yes"),
        pytest.param("usage/completions", "start_time=9&end_time=9", id="an-empty-window"),
        pytest.param("usage/completions", "start_time=0&group_by=line_item", id="usage-by-line-item"),
        pytest.param("usage/embeddings", "start_time=0&group_by=batch", id="embeddings-by-batch"),
        pytest.param("usage/vector_stores", "start_time=0&group_by=model", id="stores-by-model"),
        pytest.param("usage/vector_stores", "start_time=0&user_ids=u", id="stores-of-a-user"),
        pytest.param("usage/file_search_calls", "start_time=0&models=m", id="file-searches-of-a-model"),
        pytest.param("usage/images", "start_time=0&sizes=1x1", id="no-such-size"),
        pytest.param("usage/images", "start_time=0&sources=dream", id="no-such-source"),
        pytest.param("usage/web_search_calls", "start_time=0&context_levels=deep", id="no-such-level"),
        pytest.param("projects", "limit=101", id="limit-over-100"),
        pytest.param("projects", "after=proj_9", id="after-nobody"),
        pytest.param("projects", "include_archived=1", id="a-boolean-as-a-digit"),
        pytest.param("projects/proj_1/api_keys", "owner_project_access=all", id="no-such-access"),
        pytest.param("projects/proj_old/service_accounts", "", id="accounts-of-an-archived-project"),
    ],
)
def test_what_the_api_does_not_offer_is_a_400(server, http, ledger, path, query):
    ledger.project("proj_1", "search-prod")
    ledger.project("proj_old", "chat-legacy", archived=True)
    answer = http.get(f"{server.base_url}/organization/{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("usage/decisions?start_time=0", id="a-source-not-offered"),
        pytest.param("usage/responses?start_time=0", id="a-source-that-never-was"),
        pytest.param("projects/proj_9", id="another-organization's-project"),
        pytest.param("projects/proj_9/api_keys", id="its-keys"),
        pytest.param("spend_limit", id="no-limit-set"),
        pytest.param("projects/proj_1/spend_limit", id="no-limit-set-for-the-project"),
    ],
)
def test_what_is_not_there_is_a_404(server, http, ledger, path):
    ledger.project("proj_1", "search-prod")
    assert http.get(f"{server.base_url}/organization/{path}").status_code == 404


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
