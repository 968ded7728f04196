"""The demo's organization: a believable bill, the same every time, with a story in it."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import yaml

from bot.demo.ledger import EXACT
from bot.demo.openai_faults import Mutate
from bot.demo.openai_server import OpenAIServer
from bot.demo.organization import Organization
from bot.demo.tariff import charges

LATER = datetime(2026, 12, 1, tzinfo=UTC)
OCTOBER = [date(2026, 10, nth) for nth in range(1, 32)]
SEPTEMBER = [date(2026, 9, nth) for nth in range(1, 31)]


@pytest.fixture(scope="module")
def organization():
    return Organization()


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spent(organization, days, *, now=LATER, project=None, line_item="", model=None):
    total = Decimal(0)
    for day in days:
        for row in organization.cost_rows(day, now):
            wanted = project is None or row.project_id == organization.project_id(project)
            if wanted and (row.line_item or "").startswith(line_item if model is None else f"{model},"):
                total = EXACT.add(total, Decimal(row.amount))
    return total


def running(organization, days, budget, **which):
    """Yield (day, percent of the budget spent in the period so far)."""
    so_far = Decimal(0)
    for day in days:
        so_far += spent(organization, [day], **which)
        yield day, so_far * 100 / budget


def passes(organization, days, budget, percent, **which):
    """Return the first day on which this percent of the budget is spent; None when it never is."""
    return next((day for day, used in running(organization, days, budget, **which) if used >= percent), None)


def budgets():
    text = (Path(__file__).parents[1] / "bot/demo/rules.yaml").read_text()
    rules = {rule["id"]: rule for rule in yaml.safe_load(text)["rules"]}
    dollars = rules["project-month"]["amount"]
    return {name: Decimal(amount.replace(",", "")) for name, amount in dollars.items()}


# A believable bill


def test_the_same_seed_tells_the_same_story():
    day, now = date(2026, 10, 14), at("2026-10-14T15:20")
    assert Organization().cost_rows(day, now) == Organization().cost_rows(day, now)
    assert Organization(seed=8).cost_rows(day, now) != Organization().cost_rows(day, now)


def test_another_end_moves_the_story_along():
    story = Organization(end=date(2026, 12, 31)).story
    assert story[-1][0] == date(2026, 12, 27)
    assert [sentence for _, sentence in story[:-1]] == [sentence for _, sentence in Organization().story[:-1]]


def test_a_days_bill_is_of_a_believable_size(organization):
    for day in SEPTEMBER + OCTOBER:
        rows = organization.cost_rows(day, LATER)
        weekend = day.weekday() >= 5
        assert 60 <= len(rows) <= 120
        assert (700 if weekend else 1_100) < spent(organization, [day]) < (2_000 if weekend else 2_500)
    assert {row.project_id for row in rows} - {item["id"] for item in organization.projects()} == {None}


def test_before_the_beginning_and_after_now_there_is_nothing(organization):
    assert organization.cost_rows(date(2026, 4, 30), LATER) == ()
    assert organization.cost_rows(date(2026, 10, 15), at("2026-10-14T23:00")) == ()
    span = (at("2026-04-29"), at("2026-05-01"))
    assert list(organization.usage_rows("completions", *span, LATER)) == []


def test_the_current_day_grows_with_the_clock_and_trails_it(organization):
    day = date(2026, 10, 14)
    assert organization.cost_rows(day, at("2026-10-14T00:05")) == ()
    instants = [datetime.combine(day, time(hour, 30), UTC) for hour in range(24)]
    grown = [spent(organization, [day], now=now) for now in instants]
    assert grown == sorted(grown)
    assert len(set(grown)) == 24
    assert grown[11] / spent(organization, [day]) == pytest.approx(Decimal("0.46"), abs=Decimal("0.08"))


def test_a_day_settles_within_a_day_of_its_end(organization):
    day = date(2026, 9, 9)
    ended, settled = at("2026-09-10T00:20"), at("2026-09-11T00:00")
    seen = [spent(organization, [day], now=ended + timedelta(hours=hours)) for hours in range(24)]
    final = spent(organization, [day], now=settled)
    assert seen == sorted(seen)
    assert len(set(seen)) == 6
    assert Decimal("0.98") < seen[0] / final < Decimal("0.99")
    assert organization.cost_rows(day, settled) == organization.cost_rows(day, LATER)
    assert spent(organization, [day], now=ended) == seen[0]  # whatever was looked at in between


def test_usage_and_costs_agree_at_the_tariff(organization):
    day = date(2026, 10, 14)
    span = (at("2026-10-14"), at("2026-10-15"))
    by_model = defaultdict(Decimal)
    names = {
        "uncached": "input_uncached_tokens",
        "cached": "input_cached_tokens",
        "cache_write": "input_cache_write_tokens",
        "output": "output_tokens",
    }
    for row in organization.usage_rows("completions", *span, LATER):
        if row.dims["model"] in ("gpt-5.2", "gpt-5.6-luna"):
            for charge in charges("completions", row.dims["model"], batch=row.dims["batch"]):
                amount = Decimal(charge.amount(row.metrics[names[charge.count]]))
                by_model[row.dims["model"]] = EXACT.add(by_model[row.dims["model"]], amount)
    assert by_model == {model: spent(organization, [day], model=model) for model in by_model}
    assert len(by_model) == 2

    searches = sum(
        row.metrics["num_requests"] for row in organization.usage_rows("web_search_calls", *span, LATER)
    )
    assert spent(organization, [day], line_item="web search tool calls") == searches * Decimal("0.01")


@pytest.mark.parametrize("minutes", [60, 7])
def test_the_parts_of_a_day_add_up_to_it(organization, minutes):
    start, end = at("2026-10-14"), at("2026-10-15")

    def tokens(since, until):
        rows = organization.usage_rows("completions", since, until, LATER)
        return sum(row.metrics["input_tokens"] + row.metrics["output_tokens"] for row in rows)

    edges = [start + timedelta(minutes=minutes) * nth for nth in range(24 * 60 // minutes + 1)] + [end]
    assert sum(tokens(since, until) for since, until in pairwise(edges)) == tokens(start, end)


def test_token_counts_keep_the_apis_own_identities(organization):
    span = (at("2026-10-14T08:00"), at("2026-10-14T09:00"))
    for row in organization.usage_rows("completions", *span, LATER):
        count = row.metrics
        assert count["input_tokens"] == (
            count["input_cached_tokens"] + count["input_cache_write_tokens"] + count["input_uncached_tokens"]
        )
        assert count["input_uncached_tokens"] == count["input_text_tokens"] + count["input_audio_tokens"]
        assert count["output_tokens"] == count["output_text_tokens"] + count["output_audio_tokens"]
        assert count["num_model_requests"] > 0


# The story


def test_the_story_is_told_in_order_with_a_date_for_each_turn(organization):
    days = [day for day, _ in organization.story]
    assert days == sorted(days)
    assert (organization.story_begins, days[-1]) == (date(2026, 9, 1), date(2026, 10, 27))
    assert organization.start <= organization.story_begins - timedelta(days=120)


def test_the_launch_lifts_answers_over_their_daily_cap_for_four_days(organization):
    over = [
        day
        for day in SEPTEMBER + OCTOBER
        if spent(organization, [day], project="search-prod", model="gpt-5.2") > 600
    ]
    assert over == [date(2026, 10, nth) for nth in (6, 7, 8, 9)]
    before = spent(organization, [date(2026, 9, 22)], project="search-prod")
    assert spent(organization, [date(2026, 10, 20)], project="search-prod") > before * Decimal("1.25")


def test_the_runaway_key_breaks_the_budget_of_labs(organization):
    month = {"organization": organization, "days": OCTOBER, "budget": budgets()["labs"], "project": "labs"}
    assert [passes(percent=percent, **month).day for percent in (50, 80, 100)] == [13, 14, 15]
    assert passes(organization, SEPTEMBER, budgets()["labs"], 50, project="labs") is None

    labs = organization.project_id("labs")
    (key,) = [key for key in organization.api_keys(labs) if key["name"] == "ingest-worker"]
    days = [
        day
        for day in OCTOBER
        if any(row.api_key_id == key["id"] for row in organization.cost_rows(day, LATER))
    ]
    assert days == [date(2026, 10, nth) for nth in (12, 13, 14, 15, 16)]


def test_the_late_bill_takes_support_over_80_percent_at_once(organization):
    def percent(now):
        cost = spent(organization, OCTOBER, now=at(now), project="support-bot")
        return cost * 100 / budgets()["support-bot"]

    assert 50 < percent("2026-10-26T23:59") < 75
    assert 80 < percent("2026-10-27T00:15") < 100
    used = organization.usage_rows("completions", at("2026-10-25"), at("2026-10-26"), at("2026-10-26T06:00"))
    assert any(
        row.dims.get("service_tier") == "flex" for row in used
    )  # it was used when it was not yet billed


@pytest.mark.parametrize(
    ("project", "reached"),
    [
        pytest.param("search-prod", {50: 14, 80: 22, 100: 28}, id="search-prod-ends-over"),
        pytest.param("payments-ml", {50: 16, 80: 27, 100: None}, id="payments-ml-ends-close"),
    ],
)
def test_budgets_fill_during_october(organization, project, reached):
    for percent, day in reached.items():
        passed = passes(organization, OCTOBER, budgets()[project], percent, project=project)
        assert (passed.day if passed else None) == day


def test_tools_pass_their_budget_late_in_the_month(organization):
    passed = passes(organization, OCTOBER, 400, 100, line_item="web search tool calls")
    assert 24 <= passed.day <= 29
    assert passes(organization, SEPTEMBER, 400, 100, line_item="web search tool calls") is None


def test_a_model_and_the_organization_end_october_over_their_budgets(organization):
    for budget, which in ((20_000, {"model": "gpt-5.2"}), (46_000, {})):
        assert passes(organization, OCTOBER, budget, 100, **which).day >= 26
        assert passes(organization, SEPTEMBER, budget, 100, **which) is None


def test_a_credit_is_a_negative_row_of_no_project(organization):
    (row,) = [row for row in organization.cost_rows(date(2026, 9, 22), LATER) if row.amount.startswith("-")]
    assert (row.project_id, row.line_item, row.amount) == (None, "service credit", "-250.00")


def test_what_was_archived_spends_no_more(organization):
    assert spent(organization, [date(2026, 7, 14)], project="chat-legacy") > 0
    assert spent(organization, [date(2026, 7, 15)], project="chat-legacy") == 0


# Served


def test_served_over_http_it_is_the_same_bill_and_names_appear_in_their_time(organization):
    clock = [at("2026-10-11T06:00")]
    labs = organization.project_id("labs")
    with (
        OpenAIServer(organization, now=lambda: clock[0]) as server,
        httpx.Client(headers={"Authorization": f"Bearer {server.admin_key}"}) as client,
    ):

        def get(path, **params):
            answer = client.get(f"{server.base_url}/organization/{path}", params=params)
            return answer.json()

        def keys():
            return {
                key["name"] for key in get(f"projects/{labs}/api_keys", owner_project_access="any")["data"]
            }

        assert keys() == {"notebooks"}
        clock[0] = LATER
        assert keys() == {"notebooks", "ingest-worker"}
        assert len(get("projects", include_archived="true")["data"]) == 13
        assert len(get("projects")["data"]) == 12
        assert (
            get(f"projects/{organization.project_id('search-prod')}/spend_limit")["threshold_amount"]
            == 2_500_000
        )

        window = {
            "start_time": int(at("2026-10-01").timestamp()),
            "end_time": int(at("2026-11-01").timestamp()),
        }
        grouping = ["project_id", "line_item", "api_key_id"]
        body = get("costs", **window, limit=31, group_by=grouping)
        served = Decimal(0)
        for bucket in body["data"]:
            for row in bucket["results"]:
                served = EXACT.add(served, Decimal(row["amount"]["value"]))
        assert served == spent(organization, OCTOBER)
        assert "0E-6176" in str(body)  # moderation is free

        server.fail("/costs", Mutate(lambda answer: answer["data"][0]["results"].clear()))
        assert get("costs", **window, limit=31, group_by=grouping)["data"][0]["results"] == []
        assert get("costs", **window, limit=31, group_by=grouping) == body  # nothing odd was remembered

        stores = get("usage/vector_stores", **window, limit=31, group_by="project_id")
        assert all(len(bucket["results"]) == 1 for bucket in stores["data"])
