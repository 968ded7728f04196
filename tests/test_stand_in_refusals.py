"""What the stand-in for OpenAI's organization API refuses, and with which status."""

from datetime import UTC, datetime

import httpx
import pytest

from bot.demo.ledger import Ledger
from bot.demo.openai_server import OpenAIServer

NOW = datetime(2026, 10, 20, 17, 31, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def server():
    ledger = Ledger()
    ledger.project("proj_1", "search-prod")
    ledger.project("proj_old", "chat-legacy", archived=True)
    with OpenAIServer(ledger, now=lambda: NOW) as running:
        yield running


@pytest.fixture(scope="module")
def http():
    with httpx.Client(headers={"Authorization": "Bearer sk-admin-demo"}) as client:
        yield client


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
def test_what_the_api_does_not_offer_is_a_400(server, http, path, query):
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
def test_what_is_not_there_is_a_404(server, http, path):
    assert http.get(f"{server.base_url}/organization/{path}").status_code == 404
