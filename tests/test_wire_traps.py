"""The fifteen mistakes a client of this API would make, each shown not to be made here."""

import logging
from datetime import datetime, timedelta, timezone
from urllib.parse import unquote_plus

import pytest
import stamina
from readings import rows_of
from wire_server import DAY, FIRST, KEY, NOW, Reply, WireServer, bucket, cost, day, every_bucket, page, tokens

from bot.core.errors import Misused, SetupWrong
from bot.edge.openai import SOURCES, Ask, AskRefused, BadAnswer, ForeignCurrency, KeyRefused, NoAnswer, OpenAI

START = int(FIRST.timestamp())
TODAY = NOW.replace(hour=0, minute=0)
TOMORROW = TODAY + timedelta(days=1)


def read(ask, *script, always=None):
    with WireServer(*script, always=always) as server, server.client() as client:
        return client.read(ask, NOW)


def one_day(source="costs", **more):
    return Ask(source, day(1), day(2), **more)


def test_trap_1_a_missing_results_is_a_failed_poll_and_never_zero():
    for old_name in ({"result": [cost("1")]}, {}):
        span = bucket(day(1), cost("1"))
        del span["results"]
        with pytest.raises(BadAnswer, match="results"):
            read(one_day(), page(span | old_name))


def test_trap_2_an_amount_is_no_float():
    rows = [
        cost("0E-6176"),
        cost("0.000004500000000000000000000000000000000"),
        cost(0.21870350744715547),
        cost("-0.1"),
    ]
    reading = read(one_day(), page(bucket(day(1), *rows)))
    assert rows_of(reading) == {(START,): (118_708_007, None)}
    assert type(rows_of(reading)[START,][0]) is int


def test_trap_3_the_first_page_is_not_the_last():
    def answer(asked):
        reply = every_bucket(asked)
        for one in reply.body["data"]:
            one["results"] = [cost("1")]
        return reply

    reading = read(Ask("costs", day(1), day(22)), always=answer)
    assert (len(rows_of(reading)), reading.pages) == (21, 3)
    assert sum(amount for amount, _ in rows_of(reading).values()) == 21_000_000_000


def test_trap_4_costs_of_today_end_at_tomorrows_midnight():
    with pytest.raises(Misused, match="align"):
        Ask("costs", TODAY, NOW.replace(second=0))
    with pytest.raises(Misused, match="tomorrow's midnight"):
        Ask("costs", TODAY, TODAY)

    with WireServer(always=every_bucket) as server, server.client() as client:
        client.read(Ask("costs", TODAY, TOMORROW), NOW)
    (asked,) = server.asked
    assert int(asked.one("end_time")) - int(asked.one("start_time")) == DAY
    assert int(asked.one("end_time")) % DAY == 0


@pytest.mark.parametrize("source", SOURCES)
def test_trap_5_an_unaligned_start_is_not_sent(source):
    for width, seconds in (("1d", 3_600), ("1h", 60), ("1m", 1)):
        if width in SOURCES[source].widths:
            with pytest.raises(Misused, match="align"):
                Ask(source, day(1) + timedelta(seconds=seconds), day(3), width)


def test_trap_6_days_are_utc_and_the_window_is_fixed_before_paging():
    for hours in (-8, 1):
        with pytest.raises(Misused, match="UTC"):
            Ask("costs", datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=hours))), day(2))

    with WireServer(always=every_bucket) as server, server.client() as client:
        client.read(Ask("costs", day(1), TOMORROW), NOW)
    assert len(server.asked) == 4
    assert len({(asked.one("start_time"), asked.one("end_time")) for asked in server.asked}) == 1


def test_trap_7_a_day_read_again_is_the_whole_day_anew():
    """The reading names every day that was there, so whoever stores it can replace whole days."""
    ask = Ask("costs", day(1), day(3), group_by=("project_id",))
    first = page(bucket(day(1), cost("5", project_id="p")), bucket(day(2), cost("1", project_id="p")))
    later = page(bucket(day(1)), bucket(day(2), cost("3", project_id="q")))
    with WireServer(first, later) as server, server.client() as client:
        before, after = client.read(ask, NOW), client.read(ask, NOW)

    assert before.buckets == after.buckets == (START, START + DAY)
    assert rows_of(after) == {(START + DAY, "q"): (3_000_000_000, None)}


def test_trap_8_rows_without_a_project_and_unknown_line_items_are_kept():
    rows = [
        cost("1", project_id=None, line_item="gpt-6-astra, input"),
        cost("2", project_id="", line_item="gpt-6-astra, input"),
        cost("4", project_id="proj_1", line_item="an item of tomorrow"),
        cost("8", project_id="proj_1", line_item=None),
    ]
    reading = read(one_day(group_by=("project_id", "line_item")), page(bucket(day(1), *rows)))
    assert {key[1:3]: amount for key, (amount, _) in rows_of(reading).items()} == {
        ("", "gpt-6-astra, input"): 3_000_000_000,
        ("proj_1", "an item of tomorrow"): 4_000_000_000,
        ("proj_1", ""): 8_000_000_000,
    }


def test_trap_9_repeated_rows_are_summed():
    ask = one_day("completions", group_by=("model",))
    reading = read(ask, page(bucket(day(1), tokens("m", 100), tokens("m", 30), tokens("n", 1))))
    place = reading.metrics.index("input_tokens")
    assert {key[1]: values[place] for key, values in rows_of(reading).items()} == {"m": 130, "n": 1}


def test_trap_10_parts_are_not_added_to_the_whole_nor_levels_over_days():
    reading = read(
        one_day("completions"),
        page(bucket(day(1), tokens("m", 1_000, input_cached_tokens=800, input_audio_tokens=30))),
    )
    values = dict(zip(reading.metrics, *rows_of(reading).values(), strict=True))
    assert (values["input_tokens"], values["input_cached_tokens"], values["input_audio_tokens"]) == (
        1_000,
        800,
        30,
    )

    stored = {"object": "organization.usage.vector_stores.result", "usage_bytes": 7}
    stores = read(Ask("vector_stores", day(1), day(3)), page(bucket(day(1), stored), bucket(day(2), stored)))
    assert rows_of(stores) == {(START,): (7,), (START + DAY,): (7,)}
    assert [name for name, source in SOURCES.items() if source.level] == ["vector_stores"]


def test_trap_11_money_comes_from_costs_alone():
    with_money = [
        name for name, source in SOURCES.items() if any("amount" in metric for metric in source.metrics)
    ]
    assert with_money == ["costs"]


def test_trap_12_cents_are_not_taken_for_dollars():
    row = cost(1_000)
    row["amount"]["currency"] = "USD"  # as OpenAI's spend limits write it, in cents
    with pytest.raises(ForeignCurrency, match="USD"):
        read(one_day(), page(bucket(day(1), row)))


@pytest.mark.parametrize(
    ("status", "kind", "tries"),
    [
        pytest.param(400, AskRefused, 1, id="400-once"),
        pytest.param(401, KeyRefused, 1, id="401-once"),
        pytest.param(403, KeyRefused, 1, id="403-once"),
        pytest.param(429, NoAnswer, 5, id="429-not-for-ever"),
        pytest.param(500, NoAnswer, 5, id="500-again"),
        pytest.param(503, NoAnswer, 5, id="503-again"),
    ],
)
def test_trap_13_what_is_final_is_not_retried_and_what_passes_is(status, kind, tries):
    with (
        stamina.set_testing(True, attempts=5),
        WireServer(always=lambda asked: Reply({}, status)) as server,
        server.client() as client,
        pytest.raises(kind),
    ):
        client.read(one_day(), NOW)
    assert len(server.asked) == tries


def test_trap_14_arrays_are_repeated_keys_and_nothing_is_sent_empty():
    with WireServer(always=every_bucket) as server, server.client() as client:
        client.read(one_day(), NOW)
        filters = {"line_items": ("gpt-6-astra, input_tokens", "web search tool calls")}
        client.read(one_day(group_by=("project_id", "line_item"), filters=filters), NOW)

    plain, grouped = server.asked
    assert {key for key, _ in plain.pairs} == {"start_time", "end_time", "bucket_width", "limit"}
    assert grouped.query["group_by"] == ["project_id", "line_item"]
    assert grouped.query["line_items"] == list(filters["line_items"])
    assert "group_by=project_id&group_by=line_item" in unquote_plus(grouped.raw_query)
    assert not [key for asked in server.asked for key, value in asked.pairs if not value]


def test_trap_14_the_objects_of_the_searches_are_not_named_like_their_endpoints():
    for source, plural, more in (
        ("file_search_calls", "file_searches", {}),
        ("web_search_calls", "web_searches", {}),
    ):
        counts = dict.fromkeys(SOURCES[source].required, 3)
        row = {"object": f"organization.usage.{plural}.result", **counts, **more}
        assert rows_of(read(one_day(source), page(bucket(day(1), row)))) == {(START,): (3,) * len(counts)}
        row["object"] = f"organization.usage.{source}.result"
        with pytest.raises(BadAnswer, match="object"):
            read(one_day(source), page(bucket(day(1), row)))


def test_trap_15_pages_stay_modest_names_are_asked_for_in_full_and_the_key_stays_here(caplog):
    caplog.set_level(logging.DEBUG)
    empty = {"object": "list", "data": [], "has_more": False}
    hour = Ask("completions", day(1), day(2), "1m", group_by=("project_id", "model"))

    def answer(asked):
        return Reply(empty) if asked.path.count("/usage/") == 0 else every_bucket(asked, seconds=60)

    with WireServer(always=answer) as server, server.client() as client:
        next(client.read_span(hour, NOW, concurrency=1)).pages  # noqa: B018  # one window is enough
        client.projects()
        client.api_keys("proj_1")

    assert server.asked[0].one("limit") == "60"
    assert server.asked[-2].one("include_archived") == "true"
    assert server.asked[-1].one("owner_project_access") == "any"
    assert KEY not in caplog.text
    with pytest.raises(SetupWrong, match="clear"):
        OpenAI(KEY, "http://api.openai.example/v1")
