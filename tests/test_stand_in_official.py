"""OpenAI's own client reads the stand-in, so that the stand-in cannot drift from the real thing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from openai import OpenAI

from bot.demo.ledger import Ledger
from bot.demo.openai_endpoints import COSTS, ENDPOINTS, OFFERED
from bot.demo.openai_server import OpenAIServer

NOW = datetime(2026, 10, 20, 17, 31, 7, tzinfo=UTC)


def unix(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


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
