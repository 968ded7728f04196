"""Live spend: what unsettled days come to at the organization's own prices, and what is said of it."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.dimension import Series
from bot.core.live.estimate import Used, estimate, unsettled_from
from bot.core.live.meters import Line, Meter, counted, line_of
from bot.core.live.spends import spends
from bot.core.period import DAY, Span
from bot.core.rules.book import Rulebook
from bot.core.spend import Names

TODAY = date(2026, 11, 20)
SINCE = TODAY - DAY
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DOLLAR = 1_000_000_000
GPT = "gpt-5.2"


def ago(days):
    return TODAY - timedelta(days=days)


SETTLED = [ago(days) for days in range(15, 1, -1)]


def used(
    day, tokens=0, project="p", key="", model=GPT, endpoint="completions", batch="false", tier="", **counts
):
    """A row of usage: `tokens` of plain input, or the counts given."""
    told = counts or {"input_tokens": tokens, "output_tokens": 0}
    return Used(day, Series(project, "", key, "", endpoint, model, batch, tier), told)


def line(item, project="p", key=""):
    return Series(project, item, key)


def lines(estimates, day=TODAY):
    """Live by (project, line item, key), in dollars, of a day."""
    found = defaultdict(float)
    for each in estimates.lines:
        if each.day == day:
            series = each.series
            found[series.project_id, series.line_item, series.api_key_id] += (
                each.billed + each.added
            ) / DOLLAR
    return {key: round(amount, 6) for key, amount in found.items()}


def live(usage, billed, list_price=lambda *_: None, now=NOW, models=()):
    by_day = defaultdict(dict)
    for day, series, amount in billed:
        by_day[day][series] = by_day[day].get(series, 0) + round(amount * DOLLAR)
    return estimate(usage, by_day, SINCE, now, list_price, models)


def history(tokens=1_000, dollars=1.0, item=f"{GPT}, input", days=SETTLED, **who):
    """Settled days of one line and its use, the same each day."""
    usage = [used(day, tokens, **who) for day in days]
    return usage, [(day, line(item, who.get("project", "p")), dollars) for day in days]


# Line items and usage are read as one thing


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param("gpt-5.2, input", Line("gpt-5.2", "input"), id="model and direction"),
        pytest.param("gpt-6-astra, input_tokens", Line("gpt-6-astra", "input"), id="a token key"),
        pytest.param("gpt-4o-mini-2024-07-18, cached input", Line("gpt-4o-mini-2024-07-18", "cached input"), id="cached"),
        pytest.param("gpt-5.6-luna, cache writes", Line("gpt-5.6-luna", "cache writes"), id="cache writes"),
        pytest.param("gpt-image-2 image, output", Line("gpt-image-2", "output", "image"), id="modality with the model"),
        pytest.param("gpt-realtime-2.1, audio input", Line("gpt-realtime-2.1", "input", "audio"), id="modality after it"),
        pytest.param("evals | gpt-4o, input", Line("gpt-4o", "input", "", "evals"), id="surface"),
        pytest.param("ft-gpt-4o-2024-08-06, output", Line("ft-gpt-4o-2024-08-06", "output"), id="fine-tuned"),
        pytest.param("gpt-5.2 batch, input", Line("gpt-5.2", "input"), id="asked for in batch"),
        pytest.param("web search tool calls", Line("", "web searches"), id="web searches"),
        pytest.param("assistants api | file search", Line("", "file searches"), id="file searches"),
        pytest.param("code interpreter sessions", Line("", "sessions"), id="sessions"),
        pytest.param("vector store storage", Line("", "bytes stored"), id="storage"),
        pytest.param("file search storage", Line("", "bytes stored"), id="storage of file search"),
        pytest.param("whisper-1", Line("whisper-1", ""), id="a model alone"),
        pytest.param("service credit", None, id="a credit"),
        pytest.param("gpt-4o-2024-08-06, training", None, id="training"),
        pytest.param("gpt-live-1, voice session", None, id="words nobody knows"),
        pytest.param("", None, id="nothing"),
    ],
)  # fmt: skip
def test_a_line_item_is_read_by_its_words(item, expected):
    assert line_of(item, {"whisper-1"}) == expected


@pytest.mark.parametrize(
    ("counts", "cells"),
    [
        pytest.param(
            {"input_tokens": 100, "output_tokens": 7, "input_cached_tokens": 60, "input_cache_write_tokens": 10},
            {("input", "text"): 30, ("cached input", "text"): 60, ("cache writes", ""): 10, ("output", "text"): 7},
            id="cached and written input are parts of the whole",
        ),
        pytest.param(
            {"input_tokens": 100, "input_uncached_tokens": 100, "input_audio_tokens": 80, "output_tokens": 9,
             "output_audio_tokens": 9},
            {("input", "text"): 20, ("input", "audio"): 80, ("output", "audio"): 9},
            id="audio is a part of it too",
        ),
        pytest.param({"input_tokens": 5, "output_tokens": 0}, {("input", "text"): 5}, id="an organization told no parts"),
        pytest.param({"input_tokens": 5, "input_cached_tokens": 9}, {("cached input", "text"): 9}, id="never negative"),
    ],
)  # fmt: skip
def test_every_token_is_counted_once(counts, cells):
    assert counted(Series(endpoint="completions"), counts) == cells


def test_other_endpoints_count_one_thing():
    assert counted(Series(endpoint="images"), {"images": 4, "num_model_requests": 9}) == {("images", ""): 4}
    assert counted(Series(endpoint="web_search_calls"), {"num_requests": 3}) == {("web searches", ""): 3}
    assert counted(Series(endpoint="vector_stores"), {"usage_bytes": 0}) == {}


# Prices are the organization's own


def test_a_day_is_priced_by_what_the_organization_pays():
    usage, billed = history(tokens=1_000, dollars=0.75)
    assert lines(live([*usage, used(TODAY, 4_000)], billed)) == {("p", f"{GPT}, input", ""): 3.0}


def test_each_project_pays_its_own_price_and_a_new_one_what_all_pay():
    usage, billed = history(project="a", dollars=1)
    more, bills = history(project="b", dollars=3)
    today = [used(TODAY, 1_000, project=name) for name in "abc"]
    found = lines(live([*usage, *more, *today], billed + bills))
    assert {project: amount for (project, *_), amount in found.items()} == {"a": 1, "b": 3, "c": 2}


def test_batch_and_tiers_have_prices_of_their_own_on_the_same_line():
    usage, billed = [], []
    for place, day in enumerate(SETTLED):
        ordinary, batch, flex = 1_000 + 90 * place, 5_000 - 310 * place, 700 * (place % 3)
        usage += [used(day, ordinary), used(day, batch, batch="true"), used(day, flex, tier="flex")]
        billed.append((day, line(f"{GPT}, input"), 0.002 * ordinary + 0.001 * batch + 0.0015 * flex))
    for today, dollars in (
        (used(TODAY, 1_000), 2),
        (used(TODAY, 1_000, batch="true"), 1),
        (used(TODAY, 1_000, tier="flex"), 1.5),
        (used(TODAY, 1_000, tier="never seen"), 2),
        (used(TODAY, 1_000, tier="default"), 2),
    ):
        found = lines(live([*usage, today], billed))
        assert found == {("p", f"{GPT}, input", ""): pytest.approx(dollars, rel=0.02)}


def test_days_that_do_not_tell_ways_apart_give_their_common_price():
    usage, billed = history(tokens=1_000, dollars=3)
    usage += [used(day, 500, batch="true") for day in SETTLED]
    today = [used(TODAY, 1_000), used(TODAY, 500, batch="true")]
    assert lines(live([*usage, *today], billed)) == {("p", f"{GPT}, input", ""): 3}


def test_lines_that_share_a_count_share_the_estimate():
    usage, billed = history(project="nightly", dollars=2, item=f"{GPT}, input")
    billed += [(day, line(f"evals | {GPT}, input", "nightly"), 6) for day in SETTLED]
    today = [used(TODAY, 2_000, project="nightly"), used(TODAY, 1_000, project="new")]
    assert lines(live([*usage, *today], billed)) == {
        ("nightly", f"{GPT}, input", ""): 4,
        ("nightly", f"evals | {GPT}, input", ""): 12,
        ("new", f"{GPT}, input", ""): 2,  # nobody knows that it evaluates, too
    }


def test_a_changed_price_is_followed_within_a_week():
    usage, billed = history(dollars=1)
    billed = [(day, series, 1.0 if day < ago(8) else 1.5) for day, series, _ in billed]
    ((_, amount),) = lines(live([*usage, used(TODAY, 1_000)], billed)).items()
    assert 1.35 < amount <= 1.5


def test_a_bill_that_is_late_does_not_pass_for_a_low_price():
    usage, billed = history(dollars=1)
    usage.append(used(ago(2), 60_000, tier="flex"))  # billed after it settled
    assert lines(live([*usage, used(TODAY, 1_000)], billed)) == {
        ("p", f"{GPT}, input", ""): pytest.approx(1, rel=0.01)
    }


def test_credits_and_corrections_of_settled_days_tell_no_price():
    usage, billed = history(dollars=1)
    billed[3] = (billed[3][0], billed[3][1], -40)
    assert lines(live([*usage, used(TODAY, 1_000)], billed)) == {
        ("p", f"{GPT}, input", ""): pytest.approx(1, rel=0.01)
    }


def test_what_is_used_for_days_and_never_billed_is_free():
    def listed(*_):
        return 5.0

    usage = [
        used(day, 1_000, model="omni-moderation-latest", endpoint="moderations", input_tokens=9)
        for day in SETTLED
    ]
    today = used(TODAY, model="omni-moderation-latest", endpoint="moderations", input_tokens=9)
    assert lines(live([*usage, today], [], listed)) == {}
    assert lines(live([*usage[-2:], today], [], listed)) != {}, "two days are no proof"


def test_what_was_never_billed_is_priced_by_the_list_and_says_so():
    asked = []

    def listed(model, part, way):
        asked.append((model, part, way))
        return {"cached input": 100.0}.get(part, 1_000.0)

    counts = {"input_tokens": 3_000, "input_cached_tokens": 1_000, "output_tokens": 0}
    found = live([used(TODAY, model="gpt-9", batch="true", **counts)], [], listed)
    assert lines(found) == {("p", "gpt-9, cached input", ""): 0.0001, ("p", "gpt-9, input", ""): 0.002}
    assert {each.known for each in found.lines} == {False}
    assert set(asked) == {("gpt-9", "cached input", ("true", "")), ("gpt-9", "input", ("true", ""))}


def test_what_nobody_can_price_is_said_and_not_zero():
    found = live([used(TODAY, model="gpt-image-9", endpoint="images", images=12)], [])
    assert [(each.project_id, each.meter, each.count) for each in found.unpriced] == [
        ("p", Meter("gpt-image-9", "images"), 12)
    ]
    assert lines(found) == {}


# Usage is matched to bills


@pytest.mark.parametrize(
    ("item", "row"),
    [
        pytest.param("gpt-image-2 image, output", {"endpoint": "images", "model": "gpt-image-2", "images": 7}, id="images billed by token"),
        pytest.param("tts-1", {"endpoint": "audio_speeches", "model": "tts-1", "characters": 7}, id="characters"),
        pytest.param("gpt-4o-transcribe audio, input", {"endpoint": "audio_transcriptions", "model": "gpt-4o-transcribe", "seconds": 7}, id="seconds billed by token"),
        pytest.param("text-embedding-3-small, input", {"endpoint": "embeddings", "model": "text-embedding-3-small", "input_tokens": 7}, id="embeddings"),
        pytest.param("web search tool calls", {"endpoint": "web_search_calls", "model": "o3", "num_requests": 7}, id="web searches of any model"),
        pytest.param("assistants api | file search", {"endpoint": "file_search_calls", "model": "", "num_requests": 7}, id="file searches"),
        pytest.param("code interpreter sessions", {"endpoint": "code_interpreter_sessions", "model": "", "num_sessions": 7}, id="sessions"),
        pytest.param("ft-gpt-4o-2024-08-06, output", {"model": "ft:gpt-4o-2024-08-06:acme::b2", "output_tokens": 7}, id="a fine-tuned model by its base"),
        pytest.param("gpt-4o-2024-08-06, output", {"model": "gpt-4o", "output_tokens": 7}, id="an alias by its dated model"),
        pytest.param("gpt-realtime-2.1, audio output", {"model": "gpt-realtime-2.1", "output_tokens": 9, "output_audio_tokens": 7}, id="audio"),
    ],
)  # fmt: skip
def test_usage_finds_its_line(item, row):
    """A day that used as much as the others costs as much."""
    usage = [used(day, **row) for day in [*SETTLED, TODAY]]
    found = live(usage, [(day, line(item), 2.5) for day in SETTLED])
    assert lines(found) == {("p", item, ""): 2.5}


def test_another_date_of_a_model_is_another_model():
    usage, billed = history(item="gpt-4o-2024-08-06, input", model="gpt-4o-2024-08-06")
    found = live([*usage, used(TODAY, 1_000, model="gpt-4o-2024-11-20")], billed, lambda *_: 5e6)
    assert lines(found) == {("p", "gpt-4o-2024-11-20, input", ""): 5}


def test_audio_billed_apart_is_priced_apart():
    usage, billed = [], []
    for place, day in enumerate(SETTLED):
        audio, text = 100 + 13 * place, 900 - 50 * place
        usage.append(used(day, input_tokens=audio + text, input_audio_tokens=audio))
        billed += [
            (day, line(f"{GPT}, audio input"), audio * 0.04),
            (day, line(f"{GPT}, input"), text * 0.001),
        ]
    today = used(TODAY, input_tokens=1_000, input_audio_tokens=400)
    assert lines(live([*usage, today], billed)) == {
        ("p", f"{GPT}, audio input", ""): 16,
        ("p", f"{GPT}, input", ""): 0.6,
    }


def test_images_that_have_always_been_billed_as_input_stay_input():
    usage = [used(day, input_tokens=1_000, input_image_tokens=500) for day in SETTLED]
    billed = [(day, line(f"{GPT}, input"), 1) for day in SETTLED]
    today = used(TODAY, input_tokens=2_000, input_image_tokens=1_800)
    assert lines(live([*usage, today], billed)) == {("p", f"{GPT}, input", ""): 2}


def test_storage_grows_with_the_day():
    usage = [
        used(day, model="", endpoint="vector_stores", usage_bytes=2**30) for day in [*SETTLED, SINCE, TODAY]
    ]
    found = live(usage, [(day, line("vector store storage"), 0.1) for day in SETTLED])
    assert lines(found) == {("p", "vector store storage", ""): 0.05}
    assert lines(found, SINCE) == {("p", "vector store storage", ""): 0.1}


# The larger of the bill so far and the estimate


@pytest.mark.parametrize(
    ("so_far", "counts"),
    [
        pytest.param([], 2, id="nothing billed yet"),
        pytest.param([(f"{GPT}, input", 0.4)], 2, id="some billed"),
        pytest.param([(f"{GPT}, input", 2.5)], 2.5, id="more billed than estimated"),
        pytest.param(
            [(f"priority | {GPT}, input", 1.5)], 2, id="billed under another line of the same count"
        ),
        pytest.param([(f"{GPT}, input", -1)], 1, id="a correction is not made up for"),
        pytest.param([("service credit", -5)], -3, id="a credit counts as billed"),
        pytest.param([("gpt-5.2, training", 7)], 9, id="what usage does not count is what is billed"),
    ],
)
def test_the_larger_of_bill_and_estimate_counts(so_far, counts):
    usage, billed = history()
    billed += [(TODAY, line(item), amount) for item, amount in so_far]
    found = live([*usage, used(TODAY, 2_000)], billed)
    assert sum(lines(found).values()) == pytest.approx(counts)
    assert {
        each.metered
        for each in found.lines
        if each.series.line_item in {"service credit", "gpt-5.2, training"}
    } <= {False}


@pytest.mark.parametrize(
    ("billed_so_far", "added"),
    [
        pytest.param({"": 1.0}, {"a": 2, "b": 1}, id="costs tell no keys: usage's keys share what is added"),
        pytest.param({"a": 1.0}, {"a": 1.5, "b": 1.5}, id="where the bill is behind"),
        pytest.param({"a": 2.0, "b": 1.0}, {"a": 0.5, "b": 0.5}, id="both a little"),
        pytest.param({"a": 3.5, "b": 0.0}, {"b": 0.5}, id="one ahead, the other behind"),
    ],
)
def test_what_is_added_goes_to_the_keys_that_used_it(billed_so_far, added):
    usage, billed = history()
    today = [used(TODAY, 2_500, key="a"), used(TODAY, 1_500, key="b")]
    if "" in billed_so_far:
        today = [used(TODAY, 8_000 / 3, key="a"), used(TODAY, 4_000 / 3, key="b")]
    billed += [(TODAY, line(f"{GPT}, input", key=key), amount) for key, amount in billed_so_far.items()]
    found = live([*usage, *today], billed)
    assert {
        each.series.api_key_id: each.added / DOLLAR for each in found.lines if each.added
    } == pytest.approx(added)


amounts = st.dictionaries(
    st.tuples(
        st.sampled_from("pq"),
        st.sampled_from(("input", "output", "cached input")),
        st.sampled_from(("", "k1", "k2")),
    ),
    st.integers(-(10**6), 10**12),
    max_size=8,
)
counts = st.lists(
    st.tuples(
        st.sampled_from("pq"), st.sampled_from(("", "k1", "k2")), st.integers(0, 10**9), st.integers(0, 10**9)
    ),
    max_size=6,
)


@given(amounts, counts)
def test_an_estimate_never_takes_away_and_never_exceeds_the_larger(billed, today):
    usage, settled = history()
    usage += [
        used(TODAY, key=key, project=project, input_tokens=i, output_tokens=o) for project, key, i, o in today
    ]
    by_day = {day: {series: round(amount * DOLLAR)} for day, series, amount in settled}
    by_day[TODAY] = {
        line(f"{GPT}, {part}", project, key): amount for (project, part, key), amount in billed.items()
    }
    found = estimate(usage, by_day, SINCE, NOW, lambda *_: 3.5)
    sums = defaultdict(lambda: [0, 0, 0])
    for each in found.lines:
        assert each.added >= 0
        assert each.estimated >= 0
        total = sums[each.series.project_id, each.series.line_item.rpartition(", ")[2]]
        for place, amount in enumerate(
            (max(each.billed, 0), each.estimated, max(each.billed, 0) + each.added)
        ):
            total[place] += amount
    for so_far, estimated, counted_as in sums.values():
        assert counted_as == max(so_far, estimated)


# As sums


def test_live_is_what_is_billed_and_what_is_estimated():
    usage, billed = history()
    billed.append((TODAY, line(f"{GPT}, input"), 0.5))
    found = live(
        [*usage, used(TODAY, 2_000, key="k"), used(TODAY, 9_000, model="gpt-9", key="k")],
        billed,
        lambda *_: 1e6,
    )
    cuts = [*SETTLED, SINCE, TODAY, TODAY + DAY]
    series = {1: line(f"{GPT}, input")}
    stretches = [
        {1: sum(round(a * DOLLAR) for day, _, a in billed if day == start)} for start, _ in pairwise(cuts)
    ]
    figures = spends(found, cuts, stretches, series, Names(), Rulebook())
    today, past = Span(TODAY, TODAY + DAY), Span(SETTLED[0], SINCE)
    assert figures.live.by(("line_item",), today) == {
        (f"{GPT}, input",): 2 * DOLLAR,
        ("gpt-9, input",): 9 * DOLLAR,
    }
    assert figures.live.by(("api_key",), today) == {("",): DOLLAR // 2, ("k",): 10.5 * DOLLAR}
    assert figures.live.by(("model",), today) == {(GPT,): 2 * DOLLAR, ("gpt-9",): 9 * DOLLAR}
    assert figures.estimated.by((), today) == {(): 10.5 * DOLLAR}
    assert figures.listed.by((), today) == {(): 9 * DOLLAR}
    assert figures.live.by((), past) == {(): 14 * DOLLAR}
    assert figures.estimated.by((), past) == {}
    assert figures.since == SINCE


@pytest.mark.parametrize(
    ("costs_read", "now", "first"),
    [
        pytest.param("2026-11-20T11:59", "2026-11-20T11:59", "2026-11-18", id="36 hours are not over"),
        pytest.param("2026-11-20T12:00", "2026-11-20T12:00", "2026-11-19", id="at noon they are"),
        pytest.param(
            "2026-11-18T06:00", "2026-11-20T12:00", "2026-11-16", id="costs have not been read since"
        ),
        pytest.param("2026-10-01T06:00", "2026-11-20T12:00", "2026-11-13", id="a week at most"),
    ],
)
def test_a_day_is_settled_when_costs_were_read_after_it_settled(costs_read, now, first):
    read, moment = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (costs_read, now))
    assert unsettled_from(read, moment, timedelta(hours=36)) == date.fromisoformat(first)
