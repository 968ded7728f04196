"""The reader and the stand-in, each written from OpenAI's contract alone, understand each other."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from readings import rows_of

from bot.demo.ledger import Ledger
from bot.demo.openai_server import OpenAIServer
from bot.edge.openai import SOURCES, Ask, AskRefused, Named, NotOffered, OpenAI

NOW = datetime(2026, 10, 20, 17, 31, 7, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0)
TOMORROW = TODAY + timedelta(days=1)
EVERYTHING = ("project_id", "user_id", "line_item", "api_key_id", "api_source")
AMOUNTS = (
    "0.5617712500000000",
    "0",
    "0.000004500000000000000000000000000000001",
    "-3.5",
    "12345678.9",
    "1E-12",
)


@pytest.fixture
def ledger():
    full = Ledger()
    for number in range(120):
        amount = AMOUNTS[number % len(AMOUNTS)]
        project = [None, "proj_1", "proj_2"][number % 3]
        full.cost(
            (TOMORROW - timedelta(days=1 + number)).date(),
            project,
            "gpt-6-astra, input",
            amount,
            quantity="30.0",
        )
        full.cost((TOMORROW - timedelta(days=1 + number)).date(), project, "web search tool calls", amount)
    for source, offer in SOURCES.items():
        if source != "costs":
            for hours in (0, 1, 50):
                full.usage(
                    source,
                    NOW - timedelta(hours=hours),
                    dict.fromkeys(offer.required, 3),
                    project_id="proj_1",
                )
    full.project("proj_1", "search-prod")
    full.project("proj_2", "old", archived=True)
    return full


@contextmanager
def organization(ledger, **settings):
    with (
        OpenAIServer(ledger, now=lambda: NOW, **settings) as server,
        OpenAI(server.admin_key, server.base_url) as client,
    ):
        yield client


@pytest.mark.parametrize("amounts", ["string", "number"])
def test_what_is_read_equals_what_was_served_to_half_a_nano_a_row(ledger, amounts):
    span = Ask("costs", TOMORROW - timedelta(days=120), TOMORROW, group_by=("project_id", "line_item"))
    with organization(ledger, amounts=amounts, duplicate_rows=True) as client:
        readings = list(client.read_span(span, NOW))

    served = [
        row for number in range(120) for row in ledger.cost_rows((TODAY - timedelta(days=number)).date(), NOW)
    ]
    for project in (None, "proj_1", "proj_2"):
        wanted = sum((Decimal(row.amount) for row in served if row.project_id == project), Decimal(0))
        amounts_read = [
            values[0]
            for reading in readings
            for key, values in rows_of(reading).items()
            if key[1] == (project or "")
        ]
        assert abs(Decimal(sum(amounts_read)) / 10**9 - wanted) <= Decimal("5e-10") * 2 * len(amounts_read)
    assert sum(len(reading.buckets) for reading in readings) == 120


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_is_read_in_every_width_by_everything_it_offers(ledger, source):
    offer = SOURCES[source]
    with organization(ledger, offers=SOURCES, cost_group_by=EVERYTHING) as client:
        for width, start in (
            ("1d", TODAY - timedelta(days=2)),
            ("1h", TODAY),
            ("1m", NOW.replace(minute=30, second=0)),
        ):
            if width in offer.widths:
                end = TOMORROW if width != "1m" else start + timedelta(minutes=5)
                grouped = client.read(Ask(source, start, end, width, offer.group_by), NOW)
                plain = client.read(Ask(source, start, end, width), NOW)
                assert total(grouped) == total(plain)
                assert grouped.rows


def total(reading):
    """The first value, over all rows: of one who groups and one who does not it is the same."""
    return sum(values[0] for values in rows_of(reading).values())


def test_what_an_organization_lacks_is_told_apart(ledger):
    with organization(ledger, offers=["costs"], cost_group_by=("project_id",)) as client:
        with pytest.raises(NotOffered):
            client.read(Ask("decisions", TODAY, TOMORROW), NOW)
        with pytest.raises(AskRefused, match="400"):
            client.read(Ask("costs", TODAY, TOMORROW, group_by=("api_key_id",)), NOW)


def test_projects_have_their_names(ledger):
    with organization(ledger) as client:
        assert sorted(client.projects(), key=lambda one: one.id) == [
            Named("project", "proj_1", "search-prod"),
            Named("project", "proj_2", "old", archived=True),
        ]
        assert client.users() == []
        assert client.api_keys("proj_1") == []
        assert client.service_accounts("proj_1") == []
