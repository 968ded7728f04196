"""One span read page by page: complete and exact, or an error and nothing."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import stamina
from readings import rows_of
from wire_server import DAY, FIRST, NOW, Reply, WireServer, bucket, cost, day, every_bucket, page, tokens

from bot.edge.openai import Ask, BadAnswer, ForeignCurrency, NoAnswer


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=5):
        yield


def read(*script, ask=None, now=NOW, **server_settings):
    with WireServer(*script, **server_settings) as server, server.client() as client:
        return client.read(ask or two_days(), now)


def two_days(**more):
    return Ask("costs", day(1), day(3), **more)


BY_LINE = {"group_by": ("project_id", "line_item")}
START = int(FIRST.timestamp())


def test_a_reading_says_what_was_there_and_what_it_is_made_of():
    reading = read(
        page(
            bucket(day(1), cost("1.5", project_id="proj_1", line_item="web search tool calls", quantity=3)),
            then="a",
        ),
        page(bucket(day(2))),
        ask=two_days(**BY_LINE),
    )

    assert (reading.source, reading.width, reading.start, reading.end) == ("costs", "1d", day(1), day(3))
    assert reading.buckets == (START, START + DAY)
    assert reading.columns == ("project_id", "line_item", "quantity_unit")
    assert reading.metrics == ("amount_nano", "quantity_micro")
    assert rows_of(reading) == {(START, "proj_1", "web search tool calls", ""): (1_500_000_000, 3_000_000)}
    assert reading.pages == 2


@pytest.mark.parametrize(
    ("literal", "nano"),
    [
        pytest.param('"12.50"', 12_500_000_000, id="a-string"),
        pytest.param("0.21870350744715547", 218_703_507, id="a-number-with-a-long-tail"),
        pytest.param('"0.000004500000000000000000000000000000000"', 4_500, id="39-decimals"),
        pytest.param('"0E-6176"', 0, id="the-zero-of-a-128-bit-decimal"),
        pytest.param("0E-6176", 0, id="the-same-as-a-number"),
        pytest.param("0", 0, id="an-integer-zero"),
        pytest.param('"-4.25"', -4_250_000_000, id="a-credit"),
        pytest.param('"0.0000000005"', 0, id="half-a-nano-goes-to-even"),
        pytest.param('"0.0000000015"', 2, id="one-and-a-half-too"),
        pytest.param("1e3", 1_000_000_000_000, id="with-an-exponent"),
        pytest.param("9007199254.740993", 9_007_199_254_740_993_000, id="past-a-floats-digits"),
        pytest.param("0.1234567894999999999999999999999999999999", 123_456_789, id="no-double-rounding"),
    ],
)
def test_money_is_exact_from_its_literal_text(literal, nano):
    body = json.dumps(page(bucket(day(1), cost("@")), bucket(day(2))).body).replace('"@"', literal)
    assert rows_of(read(Reply(body))) == {(START,): (nano, None)}


@pytest.mark.parametrize(
    ("quantity", "unit", "micro"),
    [
        pytest.param(30.0, "tokens", 30_000_000, id="a-float"),
        pytest.param("30.5", "gibibyte_hours", 30_500_000, id="a-string"),
        pytest.param("0.0000015", "images", 2, id="half-even"),
        pytest.param(0, "a unit of tomorrow", 0, id="zero"),
        pytest.param(None, None, None, id="null"),
    ],
)
def test_a_quantity_is_whole_millionths_of_its_unit(quantity, unit, micro):
    row = cost("0", line_item="x", quantity=quantity, quantity_unit=unit)
    reading = read(page(bucket(day(1), row), bucket(day(2))), ask=two_days(group_by=("line_item",)))
    assert rows_of(reading) == {(START, "x", unit or ""): (0, micro)}


def test_quantities_of_different_units_are_not_mixed():
    rows = [
        cost("1", line_item="x", quantity=1, quantity_unit="tokens"),
        cost("1", line_item="x", quantity=1, quantity_unit="1000_tokens"),
    ]
    assert rows_of(read(page(bucket(day(1), *rows), bucket(day(2))))) == {(START,): (2_000_000_000, None)}
    by_line = read(page(bucket(day(1), *rows), bucket(day(2))), ask=two_days(group_by=("line_item",)))
    assert len(by_line.rows) == 2


def test_a_project_that_nobody_grouped_by_is_summed_away():
    rows = [cost("1", project_id="proj_1", line_item="x"), cost("2", project_id="proj_2", line_item="x")]
    reading = read(page(bucket(day(1), *rows), bucket(day(2))), ask=two_days(group_by=("line_item",)))
    assert rows_of(reading) == {(START, "x", ""): (3_000_000_000, None)}


def test_counts_that_no_row_gives_stay_unknown_and_others_add_up():
    ask = Ask("completions", day(1), day(3), group_by=("model", "batch"))
    rows = [
        tokens("m", 10, batch=True, input_cached_tokens=None),
        tokens("m", 5, batch=True, input_cached_tokens=3),
        tokens("m", 7, batch=False),
        tokens(None, 30, batch=None, input_tokens="30.0"),
    ]
    reading = read(page(bucket(day(1), *rows), bucket(day(2))), ask=ask)

    at = {name: number for number, name in enumerate(reading.metrics)}
    assert reading.columns == ("model", "batch")
    assert set(rows_of(reading)) == {(START, "m", "true"), (START, "m", "false"), (START, "", "")}
    both = rows_of(reading)[START, "m", "true"]
    assert (both[at["input_tokens"]], both[at["input_cached_tokens"]]) == (15, 3)
    assert both[at["output_audio_tokens"]] is None
    assert both[at["num_model_requests"]] == 2
    assert rows_of(reading)[START, "m", "false"][at["input_cached_tokens"]] is None
    assert rows_of(reading)[START, "", ""][at["input_tokens"]] == 30


def test_what_is_unknown_is_ignored():
    whole = page(
        bucket(day(1), cost("1", organization_id="org-1", user_email="a@b", tomorrow=[{}]))
        | {"start_time_iso": "?"},
        bucket(day(2)),
    )
    whole.body["also"] = {"new": True}
    assert rows_of(read(whole)) == {(START,): (1_000_000_000, None)}


def without(thing, *path):
    *way, last = path
    inner = thing
    for step in way:
        inner = inner[step]
    del inner[last]
    return thing


def changed(value, *path):
    thing = page(bucket(day(1), cost("1")), bucket(day(2))).body
    inner = thing
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return thing


GOOD = page(bucket(day(1), cost("1")), bucket(day(2)))
ROW = ("data", 0, "results", 0)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"error": "no"}, "missing", id="another-thing-altogether"),
        pytest.param(changed("list", "object"), "object", id="not-a-page"),
        pytest.param(changed("slice", "data", 0, "object"), "object", id="not-a-bucket"),
        pytest.param(changed("organization.cost.result", *ROW, "object"), "object", id="not-a-cost"),
        pytest.param(changed(None, "data"), "data", id="no-data"),
        pytest.param(changed(None, "data", 0, "results"), "results", id="null-for-results"),
        pytest.param(changed("NaN", *ROW, "amount", "value"), "amount", id="nan-as-text"),
        pytest.param(changed(float("nan"), *ROW, "amount", "value"), "no number", id="nan-bare"),
        pytest.param(changed("Infinity", *ROW, "amount", "value"), "amount", id="infinity-as-text"),
        pytest.param(changed(float("inf"), *ROW, "amount", "value"), "no number", id="infinity-bare"),
        pytest.param(changed("1e400", *ROW, "amount", "value"), "more than can be stored", id="far-too-much"),
        pytest.param(
            changed("9300000000", *ROW, "amount", "value"), "more than can be stored", id="a-little-too-much"
        ),
        pytest.param(changed("ten", *ROW, "amount", "value"), "decimal", id="words"),
        pytest.param(changed(None, *ROW, "amount", "value"), "value", id="null-for-a-value"),
        pytest.param(changed(None, *ROW, "amount"), "amount", id="null-for-an-amount"),
        pytest.param(changed({"value": "1"}, *ROW, "amount"), "currency", id="an-amount-of-nothing"),
        pytest.param(changed({"currency": "usd"}, *ROW, "amount"), "value", id="a-currency-of-nothing"),
        pytest.param(
            changed(START + 60, "data", 0, "start_time"), "inside another", id="a-misaligned-bucket"
        ),
        pytest.param(changed(START - DAY, "data", 0, "start_time"), "outside", id="a-bucket-before"),
        pytest.param(changed(START + 2 * DAY, "data", 1, "start_time"), "outside", id="a-bucket-after"),
        pytest.param(changed(START + DAY - 60, "data", 0, "end_time"), "86400 seconds", id="a-short-bucket"),
        pytest.param(
            changed(START + 2 * DAY, "data", 0, "end_time"), "86400 seconds", id="overlapping-buckets"
        ),
        pytest.param(changed([], "data"), "2 of 2 buckets are missing", id="no-bucket-at-all"),
        pytest.param(changed(True, "has_more"), "no cursor", id="more-without-a-cursor"),
        pytest.param(
            {**GOOD.body, "has_more": True, "next_page": ""}, "no cursor", id="more-with-an-empty-cursor"
        ),
        pytest.param(without(changed(0, "x"), "has_more"), "has_more", id="no-word-on-more"),
        pytest.param(without(changed(0, "x"), "object"), "object", id="an-unnamed-page"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_an_error_at_once(body, says):
    with WireServer(Reply(body)) as server, server.client() as client:
        with pytest.raises(BadAnswer, match=says) as caught:
            client.read(two_days(), NOW)
        assert len(server.asked) == 1
    assert caught.value.exit_code == 4
    assert (caught.value.source, caught.value.status) == ("costs", 200)


def test_a_sum_that_no_column_holds_is_an_error():
    rows = [cost("9000000000"), cost("9000000000")]
    with pytest.raises(BadAnswer, match="larger than can be stored"):
        read(page(bucket(day(1), *rows), bucket(day(2))))


def test_a_quantity_that_no_column_holds_is_an_error():
    for quantity in ("1e13", "NaN", "sNaN", "-1e14"):
        row = cost("1", line_item="x", quantity=quantity)
        with pytest.raises(BadAnswer, match="quantity"):
            read(page(bucket(day(1), row), bucket(day(2))), ask=two_days(group_by=("line_item",)))


def test_another_currency_has_its_own_error():
    row = cost("1")
    row["amount"]["currency"] = "eur"
    with pytest.raises(ForeignCurrency, match="eur"):
        read(page(bucket(day(1), row), bucket(day(2))))


def test_a_hole_in_the_days_is_an_error_and_the_day_that_is_not_over_is_none():
    today = NOW.replace(hour=0, minute=0)
    ask = Ask("costs", today - timedelta(days=2), today + timedelta(days=1))
    there = [bucket(today - timedelta(days=2), cost("1")), bucket(today - timedelta(days=1)), bucket(today)]

    assert len(read(page(*there), ask=ask).buckets) == 3
    assert len(read(page(*there[:2]), ask=ask).buckets) == 2
    for gone in (0, 1):
        with pytest.raises(BadAnswer, match="1 of 3 buckets are missing"):
            read(page(*there[:gone], *there[gone + 1 :]), ask=ask)


def test_usage_may_end_its_current_bucket_at_the_present_and_costs_may_not():
    hour = NOW.replace(minute=0)
    ask = Ask("completions", hour - timedelta(hours=1), hour + timedelta(hours=1), "1h")
    before = bucket(hour - timedelta(hours=1), seconds=3_600)

    assert len(read(page(before, bucket(hour, seconds=1_800)), ask=ask).buckets) == 2
    with pytest.raises(BadAnswer, match="3600 seconds"):
        read(page(bucket(hour - timedelta(hours=1), seconds=1_800), bucket(hour, seconds=3_600)), ask=ask)
    today = NOW.replace(hour=0, minute=0)
    with pytest.raises(BadAnswer, match="86400 seconds"):
        read(page(bucket(today, seconds=55_800)), ask=Ask("costs", today, today + timedelta(days=1)))


def test_a_repeated_cursor_is_an_error():
    pages = [page(bucket(day(1)), then="c"), page(bucket(day(2)), then="c")]
    with pytest.raises(BadAnswer, match="cursor repeats"):
        read(*pages)


def test_pages_without_an_end_are_an_error():
    numbers = iter(range(1_000))
    with (
        WireServer(always=lambda asked: page(then=f"page_{next(numbers)}")) as server,
        server.client() as client,
        pytest.raises(BadAnswer, match="do not end"),
    ):
        client.read(two_days(), NOW)
    assert len(server.asked) == 5


def test_a_bucket_that_comes_twice_is_read_once_more_and_never_summed():
    twice = [page(bucket(day(1), cost("1")), then="c"), page(bucket(day(1), cost("1")), bucket(day(2)))]
    good = page(bucket(day(1), cost("7")), bucket(day(2)))

    assert rows_of(read(*twice, good)) == {(START,): (7_000_000_000, None)}
    with pytest.raises(BadAnswer, match="came twice"):
        read(*twice, *twice, good)


def test_cursors_are_percent_encoded_and_travel_with_the_same_question():
    cursor = "page_AAAAAGdI+/&?%41 é=="
    with (
        WireServer(page(bucket(day(1)), then=cursor), page(bucket(day(2)))) as server,
        server.client() as client,
    ):
        client.read(two_days(**BY_LINE), NOW)

    first, second = server.asked
    assert second.one("page") == cursor
    assert [pair for pair in second.pairs if pair[0] != "page"] == first.pairs


def test_names_from_outside_are_kept_as_they_are():
    strange = 'evals | <!channel> "🦩" \u202e, input\n'
    reading = read(
        page(bucket(day(1), cost("1", line_item=strange)), bucket(day(2))),
        ask=two_days(group_by=("line_item",)),
    )
    assert (START, strange, "") in rows_of(reading)


OFFICIAL = """
{
    "object": "page",
    "data": [
        {
            "object": "bucket",
            "start_time": 1730419200,
            "end_time": 1730505600,
            "results": [
                {
                    "object": "organization.usage.completions.result",
                    "input_tokens": 1000,
                    "input_cached_tokens": 800,
                    "input_cache_write_tokens": 50,
                    "input_uncached_tokens": 150,
                    "output_tokens": 500,
                    "input_text_tokens": 100,
                    "output_text_tokens": 300,
                    "input_cached_text_tokens": 500,
                    "input_audio_tokens": 30,
                    "input_cached_audio_tokens": 100,
                    "output_audio_tokens": 150,
                    "input_image_tokens": 20,
                    "input_cached_image_tokens": 200,
                    "output_image_tokens": 50,
                    "num_model_requests": 5,
                    "project_id": null,
                    "user_id": null,
                    "api_key_id": null,
                    "model": null,
                    "batch": null,
                    "service_tier": null
              }
            ]
        }
    ],
    "has_more": true,
    "next_page": "page_AAAAAGdGxdEiJdKOAAAAAGcqsYA="
}
"""


def test_the_example_of_the_specification_is_read():
    start = datetime(2024, 11, 1, tzinfo=UTC)
    ask = Ask("completions", start, start + timedelta(days=2))
    last = page(bucket(start + timedelta(days=1)))
    reading = read(Reply(OFFICIAL), last, ask=ask)

    (values,) = rows_of(reading).values()
    read_back = dict(zip(reading.metrics, values, strict=True))
    (row,) = json.loads(OFFICIAL)["data"][0]["results"]
    counts = {name: value for name, value in row.items() if isinstance(value, int)}
    absent = {"input_cache_write_30m_tokens": None, "input_cache_write_12h_tokens": None}
    assert read_back == counts | absent


def test_a_months_sum_is_within_half_a_nano_a_row():
    values = [Decimal(f"0.{number * 7_919_000_000_000_077 % 10**20:020d}") for number in range(1, 900)]
    rows = [
        cost(str(value) if number % 2 else float(value), project_id="p")
        for number, value in enumerate(values)
    ]
    served = sum((Decimal(repr(row["amount"]["value"]).strip("'")) for row in rows), Decimal(0))
    ((total, _),) = rows_of(read(page(bucket(day(1), *rows), bucket(day(2))))).values()
    assert abs(Decimal(total) / 10**9 - served) <= Decimal("5e-10") * len(rows)


def test_a_page_that_is_cut_and_never_whole_is_no_answer_and_no_reading():
    whole = page(bucket(day(1), cost("1")), bucket(day(2)))
    whole.cut = True
    with pytest.raises(NoAnswer, match=r"cut short.*5 tries"):
        read(always=lambda asked: whole)


def test_an_empty_organization_is_read_page_by_page():
    with WireServer(always=every_bucket) as server, server.client() as client:
        reading = client.read(Ask("costs", day(1), day(21), limit=6), NOW)
    assert (rows_of(reading), len(reading.buckets), reading.pages) == ({}, 20, 4)
    assert [asked.one("limit") for asked in server.asked] == ["6"] * 4
