"""A poll: what it reads, what it stores of it, and what it leaves alone."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from math import inf

import pytest
from sqlmodel import SQLModel

from bot.core.period import Span
from bot.core.rules.book import Rulebook
from bot.demo.ledger import Ledger
from bot.demo.openai_faults import BadJson, Cut, Html, Mutate, Status
from bot.edge.openai import OpenAI
from bot.edge.store import facts, records
from bot.loading import load_spend
from tests.syncing import LINE, NOON, TODAY, ago, at, before, bot, groups

TOMORROW = TODAY + timedelta(days=1)
HALF = Decimal("5e-10")
AMOUNTS = (
    "0.5617712500000000",
    "0",
    "0.000004500000000000000000000000000000001",
    "-3.5",
    "1234567.891",
    "1E-12",
    "0.0000000005",
    "21.9999999995",
)
ITEMS = (
    LINE,
    "gpt-6-astra, cached input",
    "evals | gpt-4o-mini-2024-07-18, input",
    "web search tool calls",
    None,
)


def filled():
    """121 days of two hundred odd lines, some without a project, some without a line item."""
    ledger = Ledger()
    for number in range(121):
        for place in range(12):
            ledger.cost(
                ago(number),
                (None, "proj_1", "proj_2", "proj_3")[(number + place) % 4],
                ITEMS[place % len(ITEMS)],
                AMOUNTS[(number * 5 + place) % len(AMOUNTS)],
                quantity="30.0" if place % 2 else None,
                quantity_unit="1000_tokens" if place % 2 else None,
            )
    return ledger


def served(ledger):
    return [row for number in range(121) for row in ledger.cost_rows(ago(number), NOON)]


@pytest.mark.parametrize("amounts", ["string", "number"])
@pytest.mark.parametrize("duplicate_rows", [False, True], ids=["once", "twice"])
def test_a_first_poll_stores_120_days_exactly(tmp_path, amounts, duplicate_rows):
    ledger = filled()
    with bot(tmp_path, ledger, amounts=amounts, duplicate_rows=duplicate_rows) as built:
        synced = built.poll()
        assert synced.complete
        rows = served(ledger)
        halves = 2 if duplicate_rows else 1

        def near(amount, some):
            exact = sum((Decimal(row.amount) for row in some), Decimal(0))
            return abs(Decimal(amount).scaleb(-9) - exact) <= HALF * len(some) * halves

        assert near(built.one("SELECT SUM(amount_nano) FROM cost_fact"), rows)
        span = Span(ago(120), TOMORROW)
        with built.store.reading() as tx:
            days = [ago(120) + timedelta(days=n) for n in range(122)]
            spend = load_spend(tx, built.store, Rulebook(()), days)
        assert spend.history_from == ago(120)
        for dimension, read in (
            ("project", lambda row: row.project_id or ""),
            ("line_item", lambda row: row.line_item or ""),
            ("model", lambda row: _model(row.line_item)),
        ):
            wanted = defaultdict(list)
            for row in rows:
                wanted[read(row)].append(row)
            got = spend.by((dimension,), span)
            assert {group for (group,) in got} == set(wanted)
            for group, some in wanted.items():
                assert near(got[group,], some), (dimension, group)
        for number in range(121):
            day = Span(ago(number), ago(number) + timedelta(days=1))
            assert near(sum(spend.by(("project",), day).values()), ledger.cost_rows(ago(number), NOON))


def _model(item):
    if not item or "," not in item:
        return ""
    return item.rpartition(" | ")[2].rpartition(",")[0]


def small(days=10):
    ledger = Ledger()
    ledger.project("proj_1", "search-prod")
    for number in range(days):
        ledger.cost(ago(number), "proj_1", LINE, "10")
        ledger.cost(ago(number), "proj_2", LINE, "0.5")
    return ledger


# -- a steady poll ---------------------------------------------------------------------------------


def test_a_poll_that_finds_nothing_new_writes_nothing_but_its_record(tmp_path):
    with bot(tmp_path, small()) as built:
        built.poll()
        stored, version = built.costs(), built.version()
        again = built.poll(NOON + timedelta(minutes=15))
        assert again.complete
        assert [result.changed for result in again.results] == [0]
        assert built.costs() == stored
        assert built.version() == version
        assert built.state().read_at == NOON + timedelta(minutes=15)
        changed = [row[0] for row in built.rows("SELECT changed FROM poll ORDER BY id")]
        assert changed == [20 + 3, 0]  # costs, and what is known of limits


def test_a_revision_is_one_row_and_what_was_known_stays_known(tmp_path):
    ledger = small()
    with bot(tmp_path, ledger) as built:
        built.poll()
        version = built.version()
        row = next(row for row in ledger.cost_rows(ago(2), NOON) if row.project_id == "proj_1")
        ledger.revise(row, "12.5")
        later = NOON + timedelta(hours=6)
        assert built.poll(later).results[0].changed == 1
        assert built.version() > version
        assert built.day(ago(2)) == {("proj_1", LINE): 12_500_000_000, ("proj_2", LINE): 500_000_000}
        assert built.rows("SELECT amount_nano FROM cost_history") == [(10_000_000_000,)]
        with built.store.reading() as tx:
            cuts = [ago(2), ago(1)]
            before_, after = (
                sum(facts.sums(tx, cuts, known_at=instant)[0].values())
                for instant in (later - timedelta(seconds=1), later)
            )
        assert (before_, after) == (10_500_000_000, 13_000_000_000)


def test_a_line_that_vanished_is_nothing_and_its_past_is_kept(tmp_path):
    ledger = small()
    with bot(tmp_path, ledger) as built:
        built.poll()
        ledger.set_day(ago(1), [("proj_1", LINE, "10")])
        assert built.poll(NOON + timedelta(hours=1)).results[0].changed == 1
        assert built.day(ago(1)) == {("proj_1", LINE): 10_000_000_000}
        assert built.rows("SELECT amount_nano FROM cost_history") == [(500_000_000,)]


def test_a_current_day_that_is_not_answered_keeps_its_value(tmp_path):
    with bot(tmp_path, small()) as built:
        built.poll()
        whole = built.day(TODAY)
        built.server.fail("/costs", Mutate(lambda page: page["data"].pop() and None))
        assert built.poll(NOON + timedelta(hours=1)).complete
        assert built.day(TODAY) == whole


# -- windows ---------------------------------------------------------------------------------------


def test_windows_of_a_life(tmp_path):
    """The first poll, a steady one, the daily one, and one after a week of silence."""
    with bot(tmp_path, small(200)) as built:
        built.poll()
        assert min(built.asked_since()) == ago(120)
        assert max(built.asked_until()) == at("2026-10-21")
        built.forget_requests()

        built.poll(NOON + timedelta(minutes=15))
        assert (built.asked_since(), built.asked_until()) == ([ago(3)], [at("2026-10-21")])
        built.forget_requests()

        built.poll(NOON + timedelta(days=1))
        assert min(built.asked_since()) == TODAY + timedelta(days=1) - timedelta(days=35)
        built.forget_requests()
        built.poll(NOON + timedelta(days=1, minutes=15))
        assert min(built.asked_since()) == ago(2)
        built.forget_requests()

        built.poll(NOON + timedelta(days=8))
        # The last day seen had only begun, and those before it had not settled.
        assert min(built.asked_since()) <= ago(-1) - timedelta(days=35)
        assert built.state().since == ago(120)
        assert built.state().through == TODAY + timedelta(days=9)


def test_a_day_that_was_partial_before_a_long_silence_is_made_whole(tmp_path):
    ledger = small(200)
    with bot(tmp_path, ledger) as built:
        built.poll()
        ledger.cost(TODAY, "proj_1", LINE, "99")
        ledger.cost(ago(30), "proj_1", LINE, "7")
        for silence in (37, 90):
            late = NOON + timedelta(days=silence)
            ledger.cost((late - timedelta(days=20)).date(), "proj_1", LINE, "3")
            built.forget_requests()
            end = built.state().through
            assert built.poll(late).complete
            # The days that had settled before it are not read again.
            assert min(built.asked_since()) == end - timedelta(days=36)
            state = built.state()
            assert (state.since, state.through) == (ago(120), TODAY + timedelta(days=silence + 1))
        assert built.day(TODAY)["proj_1", LINE] == 109_000_000_000
        assert built.day(ago(30))["proj_1", LINE] == 17_000_000_000
        assert Decimal(built.one("SELECT SUM(amount_nano) FROM cost_fact")).scaleb(-9) == sum(
            Decimal(row.amount) for number in range(-90, 121) for row in ledger.cost_rows(ago(number), NOON)
        )


def test_a_silence_that_is_made_good_in_two_halves_hides_no_hole(tmp_path):
    ledger = small(200)
    with bot(tmp_path, ledger) as built:
        built.poll()
        late = NOON + timedelta(days=90)
        missed = [TODAY + timedelta(days=n) for n in range(1, 91)]
        built.server.refuses = before(missed[60], 500)
        assert "is not read yet" in built.poll(late).results[0].why
        built.server.refuses = None
        assert built.state().since >= missed[60]
        ledger.cost(missed[0], "proj_1", LINE, "3")
        assert built.poll(late + timedelta(hours=1)).complete
        assert built.state().since == late.date() - timedelta(days=120)
        assert built.day(missed[0]) == {("proj_1", LINE): 3_000_000_000}


def test_the_windows_are_those_of_the_poll_also_when_midnight_passes_under_way(tmp_path):
    with bot(tmp_path, small()) as built:
        late = at("2026-10-20 23:59:59")
        built.poll(late)
        built.forget_requests()
        built.sources = ("costs", "completions")

        def pass_midnight(page):
            built.clock[0] = late + timedelta(minutes=10)

        built.server.fail("", Mutate(pass_midnight))
        polled = built.poll(late + timedelta(milliseconds=500))
        assert polled.complete
        assert set(built.asked_until("/costs")) == {at("2026-10-21")}
        assert max(built.asked_until("/completions")) == at("2026-10-21")
        assert built.state().through == TOMORROW


def test_a_rule_that_looks_further_back_has_its_history_fetched(tmp_path):
    ledger = small(300)
    with bot(tmp_path, ledger) as built:
        built.poll()
        assert built.state().since == ago(120)
        version = built.version()
        built.forget_requests()
        built.poll(NOON + timedelta(minutes=15), needs_from=ago(250))
        assert built.state().since == ago(250)
        assert min(built.asked_since()) == ago(250)
        assert built.version() > version
        assert built.day(ago(250)) == built.day(ago(1))
        built.forget_requests()
        built.poll(NOON + timedelta(minutes=30), needs_from=ago(250))
        assert built.asked_since() == [ago(3)]


def test_history_without_any_cost_counts_as_change_because_rules_waited_for_it(tmp_path):
    with bot(tmp_path, small(5)) as built:
        built.poll()
        version = built.version()
        synced = built.poll(NOON + timedelta(minutes=15), needs_from=ago(250))
        assert synced.results[0].changed == 0
        assert built.version() > version


def test_history_that_cannot_be_read_does_not_silence_the_last_days(tmp_path):
    ledger = small(300)
    with bot(tmp_path, ledger) as built:
        built.poll()
        ledger.cost(TODAY, "proj_1", LINE, "5")
        built.server.refuses = before(ago(200), 500)
        synced = built.poll(NOON + timedelta(minutes=15), needs_from=ago(250))
        assert synced.costs_complete
        assert "history from 2026-02-12 is not read yet" in synced.results[0].why
        assert built.day(TODAY)["proj_1", LINE] == 15_000_000_000
        assert ago(250) < built.state().since <= ago(120)
        built.server.refuses = None
        built.poll(NOON + timedelta(minutes=30), needs_from=ago(250))
        assert built.state().since == ago(250)


def test_a_first_poll_that_dies_goes_on_where_it_was(tmp_path):
    ledger = filled()
    with bot(tmp_path, ledger) as built:
        built.server.refuses = before(ago(80), 500)
        first = built.poll()
        assert not first.complete
        reached = built.state()
        assert reached.read_at is None
        assert ago(80) <= reached.since < ago(3)
        kept = built.one("SELECT COUNT(*) FROM cost_fact")
        assert kept
        built.server.refuses = None
        built.restart()
        built.forget_requests()
        assert built.poll(NOON + timedelta(minutes=1)).complete
        # What was kept is not asked for again, but for the last days.
        older = [day for day in built.asked_since() if day < ago(40)]
        assert older
        assert max(older) < reached.since
        assert built.state().since == ago(120)
        assert Decimal(built.one("SELECT SUM(amount_nano) FROM cost_fact")).scaleb(-9).quantize(
            Decimal("0.0001")
        ) == ledger.total().quantize(Decimal("0.0001"))


def test_months_that_are_refused_end_the_history_and_are_asked_for_again_tomorrow(tmp_path):
    with bot(tmp_path, small(200)) as built:
        built.server.refuses = before(ago(47))
        synced = built.poll()
        assert synced.complete
        assert f"no history before {ago(47)}" in synced.results[0].why
        assert (built.state().since, built.state().floor) == (ago(47), ago(47))
        assert built.day(ago(47))
        built.forget_requests()
        built.poll(NOON + timedelta(hours=1))
        assert built.asked_since() == [ago(3)]
        built.server.refuses = None
        assert built.poll(NOON + timedelta(days=1)).complete
        assert built.state().since == ago(119)


def test_a_young_organization_is_read_as_far_as_it_goes(tmp_path):
    """Its API refuses days that the daily look back would ask for."""
    with bot(tmp_path, small(200)) as built:
        built.server.refuses = before(ago(20))
        assert built.poll().complete
        assert built.state().since == ago(20)
        for hours in (1, 25, 26):
            assert built.poll(NOON + timedelta(hours=hours)).complete


# -- capabilities ----------------------------------------------------------------------------------


def test_decisions_that_answer_404_are_remembered_and_probed_again_daily(tmp_path):
    with bot(tmp_path, small()) as built:
        built.sources = ("decisions",)
        first = built.poll()
        assert first.complete
        assert {result.why for result in first.results} == {"not offered to this organization"}
        built.forget_requests()
        built.poll(NOON + timedelta(hours=23))
        assert built.asked_since("/decisions") == []
        built.poll(NOON + timedelta(hours=25))
        assert len(built.asked_since("/decisions")) == 2
        built.server.offers |= {"decisions"}
        built.ledger.usage(
            "decisions",
            NOON,
            {"input_tokens": 5, "output_tokens": 1, "num_model_requests": 1},
            project_id="proj_1",
        )
        built.poll(NOON + timedelta(hours=50))
        assert built.one("SELECT input_tokens FROM usage_day") == 5
        assert built.state("decisions").offered


def test_a_source_that_has_answered_before_and_is_gone_is_an_outage(tmp_path):
    with bot(tmp_path, small()) as built:
        built.sources = ("costs", "embeddings")
        assert built.poll().complete
        built.server.offers -= {"embeddings"}
        gone = built.poll(NOON + timedelta(hours=1))
        assert [(r.source, r.width, r.complete) for r in gone.results] == [
            ("costs", "1d", True),
            ("embeddings", "1d", False),
            ("embeddings", "1h", False),
            ("limits", "", True),
        ]
        assert built.state("embeddings").offered


def test_costs_that_answer_404_are_an_outage_even_at_first(tmp_path):
    with bot(tmp_path, small()) as built:
        built.server.offers -= {"costs"}
        assert not built.poll().complete


def test_a_grouping_that_is_refused_is_gone_without_for_a_day_and_said(tmp_path):
    ledger = small()
    with bot(tmp_path, ledger, cost_group_by=("project_id", "line_item")) as built:
        synced = built.poll()
        assert synced.complete
        assert synced.results[0].why == "without api_key_id, which this organization's API refuses"
        assert built.day(TODAY)
        built.forget_requests()
        built.poll(NOON + timedelta(hours=1))
        assert set(built.groupings()) == {("project_id", "line_item")}
        built.forget_requests()
        built.server.cost_group_by |= {"api_key_id"}
        again = built.poll(NOON + timedelta(days=1))
        assert again.results[0].why == ""
        assert built.state().refused == ()
        assert ("project_id", "line_item", "api_key_id") in built.groupings()
        before_ = built.costs()
        assert built.poll(NOON + timedelta(days=1, hours=1)).results[0].changed == 0
        assert built.costs() == before_


def test_refused_months_do_not_keep_a_refused_grouping_from_being_probed(tmp_path):
    with bot(tmp_path, small(100), cost_group_by=("project_id", "line_item")) as built:
        built.server.refuses = before(ago(60))
        built.poll()
        built.server.cost_group_by |= {"api_key_id"}
        built.poll(NOON + timedelta(days=1))
        assert built.state().refused == ()


def test_users_are_told_apart_where_a_rule_asks_for_it_and_back_in_time(tmp_path):
    ledger = Ledger()
    for number in range(60):
        ledger.cost(ago(number), "proj_1", LINE, "10", user_id="user_a")
        ledger.cost(ago(number), "proj_1", LINE, "1", user_id="user_b")
    every = ("project_id", "line_item", "api_key_id", "user_id")
    by_user = (
        "SELECT s.user_id, SUM(f.amount_nano) / 1000000000, COUNT(*) FROM cost_fact f JOIN series s ON s.id = f.series_id "
        "WHERE f.amount_nano <> 0 GROUP BY 1 ORDER BY 1"
    )
    with bot(tmp_path, ledger, cost_group_by=every) as built:
        built.poll()
        assert built.rows(by_user) == [("", 660, 60)]
        built.poll(NOON + timedelta(minutes=15), by_user=True)
        assert built.rows(by_user) == [("user_a", 600, 60), ("user_b", 60, 60)]
        assert built.state().user_from == ago(120)
        built.forget_requests()
        built.poll(NOON + timedelta(minutes=30), by_user=True)
        assert built.asked_since() == [ago(3)]
        built.span(ago(50))
        assert built.rows(by_user) == [("user_a", 600, 60), ("user_b", 60, 60)]
        built.poll(NOON + timedelta(minutes=45))
        assert built.one("SELECT SUM(amount_nano) FROM cost_fact") == 660_000_000_000
        assert built.state().user_from is None
        built.poll(NOON + timedelta(minutes=60), by_user=True)
        assert built.rows(by_user) == [("user_a", 600, 60), ("user_b", 60, 60)]


def test_users_are_told_apart_also_where_keys_are_refused(tmp_path):
    ledger = Ledger()
    ledger.cost(TODAY, "proj_1", LINE, "10", user_id="user_a")
    with bot(tmp_path, ledger, cost_group_by=("project_id", "line_item", "user_id")) as built:
        synced = built.poll(by_user=True)
        assert synced.results[0].why == "without api_key_id, which this organization's API refuses"
        assert built.one("SELECT user_id FROM series") == "user_a"


def test_an_organization_that_refuses_users_is_not_read_anew_at_every_poll(tmp_path):
    with bot(tmp_path, small(60)) as built:
        built.poll(by_user=True)
        assert built.state().refused == ("user_id",)
        built.forget_requests()
        built.poll(NOON + timedelta(minutes=15), by_user=True)
        assert built.asked_since() == [ago(3)]
        built.forget_requests()
        built.poll(NOON + timedelta(days=1), by_user=True)
        assert min(built.asked_since()) == ago(34)


# -- usage -----------------------------------------------------------------------------------------

COUNTS = {
    "completions": {"input_tokens": 7, "output_tokens": 3, "num_model_requests": 2},
    "embeddings": {"input_tokens": 5, "num_model_requests": 1},
    "moderations": {"input_tokens": 4, "num_model_requests": 1},
    "images": {"images": 6, "num_model_requests": 2},
    "audio_speeches": {"characters": 900, "num_model_requests": 3},
    "audio_transcriptions": {"seconds": 61, "num_model_requests": 2},
    "vector_stores": {"usage_bytes": 2**40},
    "code_interpreter_sessions": {"num_sessions": 8},
    "file_search_calls": {"num_requests": 9},
    "web_search_calls": {"num_model_requests": 3, "num_requests": 11},
    "decisions": {"input_tokens": 1, "output_tokens": 1, "num_model_requests": 1},
}


@pytest.mark.parametrize("source", COUNTS)
def test_usage_lands_by_the_day_and_by_the_hour_and_what_was_not_told_stays_unknown(tmp_path, source):
    ledger = Ledger()
    for hours in (0, 1, 200):
        ledger.usage(source, NOON - timedelta(hours=hours), COUNTS[source], project_id="proj_1")
    with bot(tmp_path, ledger, offers={source}) as built:
        built.sources = (source,)
        assert built.poll().complete
        counted = {}
        for table in ("usage_day", "usage_hour"):
            names = [column.name for column in SQLModel.metadata.tables[table].columns][3:]
            counted[table] = [
                {name: value for name, value in zip(names, row[3:], strict=True) if value is not None}
                for row in built.rows(f"SELECT * FROM {table} ORDER BY bucket")
            ]
        twice = 1 if source == "vector_stores" else 2  # a level is not added up
        assert counted["usage_hour"] == [COUNTS[source]] * 2
        assert counted["usage_day"] == [
            COUNTS[source],
            {name: count * twice for name, count in COUNTS[source].items()},
        ]
        assert built.rows("SELECT DISTINCT source, project_id FROM series") == [(source, "proj_1")]
        assert built.one("SELECT MAX(bucket) FROM usage_hour") == int(at("2026-10-20 12:00").timestamp())


def test_batch_and_tier_tell_completions_apart_and_a_refused_tier_is_gone_without(tmp_path):
    ledger = Ledger()
    for batch, tier in ((True, "default"), (False, "flex"), (False, "default")):
        ledger.usage(
            "completions", NOON, COUNTS["completions"], project_id="p", batch=batch, service_tier=tier
        )
    read = "SELECT batch, service_tier, SUM(input_tokens) FROM usage_day JOIN series ON id = series_id WHERE input_tokens > 0 GROUP BY 1, 2 ORDER BY 1, 2"
    with bot(tmp_path, ledger) as built:
        built.sources = ("completions",)
        built.poll()
        assert built.rows(read) == [("false", "default", 7), ("false", "flex", 7), ("true", "default", 7)]
        built.server.refuses = groups("service_tier")
        synced = built.poll(NOON + timedelta(minutes=15))
        assert {r.why for r in synced.results} == {
            "without service_tier, which this organization's API refuses"
        }
        assert built.rows(read) == [("false", "", 14), ("true", "", 7)]


def test_hours_after_a_silence_claim_no_days_in_between(tmp_path):
    with bot(tmp_path, small()) as built:
        built.sources = ("embeddings",)
        built.poll()
        built.poll(NOON + timedelta(days=10))
        assert built.state("embeddings", "1h").since == TODAY + timedelta(days=7)
        assert built.state("embeddings", "1d").since == ago(120)


# -- failures --------------------------------------------------------------------------------------


def edit(change):
    def of(page):
        change(page)

    return Mutate(of)


def first_row(change):
    def of(page):
        for bucket in page["data"]:
            for row in bucket["results"]:
                change(row)

    return Mutate(of)


def nan(row):
    row["amount"]["value"] = "NaN"


def foreign(row):
    row["amount"]["currency"] = "eur"


FAULTS = [
    pytest.param(Status(500), id="500"),
    pytest.param(Html(502), id="html"),
    pytest.param(Html(200), id="html-with-200"),
    pytest.param(Cut(), id="cut"),
    pytest.param(BadJson(), id="bad-json"),
    pytest.param(Status(401), id="401"),
    pytest.param(Status(403), id="403"),
    pytest.param(Status(404), id="404"),
    pytest.param(Status(429), id="429"),
    pytest.param(Status(400), id="400"),
    pytest.param(edit(lambda page: page.update(has_more=True, next_page="page_again")), id="endless-cursor"),
    pytest.param(edit(lambda page: page.update(has_more=True, next_page=None)), id="no-cursor"),
    pytest.param(edit(lambda page: page["data"][0].pop("results")), id="no-results"),
    pytest.param(edit(lambda page: page["data"].pop(0)), id="hole"),
    pytest.param(edit(lambda page: page["data"].clear()), id="empty"),
    pytest.param(
        edit(
            lambda page: [
                bucket.update(start_time=bucket["start_time"] - 86_400 * 40) for bucket in page["data"]
            ]
        ),
        id="wrong-bucket",
    ),
    pytest.param(first_row(nan), id="nan"),
    pytest.param(first_row(lambda row: row.pop("amount")), id="no-amount"),
    pytest.param(first_row(lambda row: row["amount"].pop("value")), id="no-value"),
    pytest.param(first_row(lambda row: row["amount"].pop("currency")), id="no-currency"),
    pytest.param(first_row(foreign), id="foreign-currency"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_source_that_fails_keeps_what_it_had_and_the_others_go_on(tmp_path, fault):
    ledger = small()
    with bot(tmp_path, ledger) as built:
        built.sources = ("costs", "embeddings")
        built.poll()
        stored, state, names = built.costs(), built.state(), built.rows("SELECT * FROM name")
        ledger.cost(TODAY, "proj_1", LINE, "77")
        ledger.usage("embeddings", NOON, COUNTS["embeddings"], project_id="proj_1")
        built.server.fail("/costs", fault, inf)
        later = NOON + timedelta(hours=1)
        synced = built.poll(later)
        costs = next(result for result in synced.results if result.source == "costs")
        assert not costs.complete
        assert not synced.costs_complete
        assert costs.why
        assert "\n" not in costs.why
        assert "sk-admin" not in costs.why.replace("(sk-admin-…)", "")
        assert built.costs() == stored
        assert built.state() == state
        assert all(result.complete for result in synced.results if result.source != "costs")
        assert built.one("SELECT input_tokens FROM usage_day") == 5
        assert built.state("embeddings").read_at == later
        assert bool(synced.refused) == (fault in (Status(401), Status(403)))
        assert built.rows(
            "SELECT complete, why FROM poll_source WHERE source = 'costs' ORDER BY poll_id"
        ) == [
            (1, ""),
            (0, costs.why),
        ]
        built.server.recover()
        assert built.poll(later + timedelta(hours=1)).complete
        assert built.day(TODAY)["proj_1", LINE] == 87_000_000_000
        assert len(built.rows("SELECT * FROM name")) >= len(names)


@pytest.mark.parametrize(
    "fault",
    [fault for fault in FAULTS if fault.id in ("500", "401", "404", "400", "endless-cursor", "hole", "nan")],
)
def test_a_first_poll_that_fails_stores_no_figure_and_the_next_stores_all(tmp_path, fault):
    with bot(tmp_path, small()) as built:
        built.server.fail("/costs", fault, inf)
        assert not built.poll().costs_complete
        assert built.costs() == ([], [])
        assert built.state().read_at is None
        with built.store.reading() as tx:
            spend = load_spend(tx, built.store, Rulebook(()), [ago(1), TODAY])
        assert spend.history_from is None
        built.server.recover()
        assert built.poll(NOON + timedelta(minutes=15)).complete
        assert built.state().since == ago(120)
        assert built.one("SELECT SUM(amount_nano) FROM cost_fact") == 105_000_000_000


def test_a_fault_on_a_later_page_stores_nothing_of_the_first(tmp_path):
    ledger = small(60)
    with bot(tmp_path, ledger) as built:
        built.poll()
        stored = built.costs()
        for number in range(36):
            ledger.cost(ago(number), "proj_1", LINE, "1")
        built.server.fail("/costs", Status(500), inf, skip=1)
        with OpenAI(
            built.server.admin_key, built.server.base_url
        ) as built.openai:  # asks for small pages again
            assert not built.poll(NOON + timedelta(days=1)).complete
        assert len(built.server.asked("/costs")) > 2
        assert built.costs() == stored


def test_a_refused_key_is_said_and_nothing_else_is_tried_in_its_name(tmp_path):
    with bot(tmp_path, small()) as built:
        built.server.break_down(Status(401))
        synced = built.poll()
        assert synced.refused is not None
        assert "OPENAI_ADMIN_KEY" in synced.refused.remedy
        assert not synced.complete
        assert built.server.asked("/projects") == []


def test_one_poll_is_one_record_with_each_source(tmp_path):
    with bot(tmp_path, small()) as built:
        built.sources = ("costs", "embeddings")
        synced = built.poll()
        with built.store.reading() as tx:
            now, complete, results = records.last_poll(tx)
        assert (now, complete) == (NOON, True)
        assert sorted((r.source, r.width) for r in results) == [
            ("costs", "1d"),
            ("embeddings", "1d"),
            ("embeddings", "1h"),
            ("limits", ""),
        ]
        costs = next(result for result in results if result.source == "costs")
        assert costs.changed == 20
        assert costs.rows == 20
        assert costs.pages >= 2
        assert built.one("SELECT id FROM poll") == synced.poll_id
