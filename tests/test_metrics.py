"""Metrics: named as the wire and as people name them, counted where they count, summed as what they are."""

from datetime import UTC, date, datetime, timedelta

import pytest
from readings import reading as read_as

from bot.core.dimension import DIMENSIONS, UNATTRIBUTED, USAGE_DIMENSIONS, Series, reader
from bot.core.metrics import METRICS, metric_named
from bot.core.period import Span, epoch, midnight
from bot.core.rules.book import Rulebook, Team
from bot.core.rules.select import Pattern, Scope, Selector
from bot.core.spend import Names, Spend
from bot.edge.openai import SOURCES
from bot.edge.store import facts
from bot.edge.store.fact_tables import UsageValues
from bot.edge.store.records import Stored, keep
from bot.edge.store.store import Store
from bot.sync_plan import GROUPED, OPTIONAL
from bot.viewing import load_usage

FIRST = date(2026, 10, 1)
NOON = datetime(2026, 10, 3, 12, tzinfo=UTC)
DAYS = [FIRST + timedelta(days=n) for n in range(4)]
ALL = Span(FIRST, DAYS[-1])


@pytest.fixture
def store(tmp_path):
    with Store(f"sqlite:///{tmp_path}/usage.db") as opened:
        yield opened


def used(store, source, columns, metrics, rows, width="1d", now=NOON):
    """Keep a reading of (day number, *dimension values) → values."""
    buckets = tuple(epoch(day) for day in DAYS[:3])
    filled = {(epoch(DAYS[key[0]]), *key[1:]): values for key, values in rows.items()}
    reading = read_as(source, width, midnight(FIRST), midnight(DAYS[3]), buckets, columns, metrics, filled, 1)
    with store.writing() as tx:
        facts.store(tx, store.index, reading, now)
        keep(tx, [Stored(source, width, since=FIRST, through=DAYS[3], read_at=now)])


def loaded(store, *names, now=NOON, book=Rulebook()):  # noqa: B008 - a frozen value
    with store.reading() as tx:
        return load_usage(tx, store, book, names, DAYS, now)


def test_every_metric_of_the_wire_is_known_and_stored():
    told = {name for source in SOURCES.values() if source.name != "costs" for name in source.metrics}
    assert set(METRICS) == told == set(UsageValues.model_fields)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_counts_only_where_its_endpoint_tells_it(metric):
    for source in metric.sources:
        assert metric.name in SOURCES[source].metrics
        assert SOURCES[source].level == metric.level
    left_out = {name for name, source in SOURCES.items() if metric.name in source.metrics} - set(
        metric.sources
    )
    # A web search is a tool of a request that completions counts already.
    assert left_out == ({"web_search_calls"} if metric.name == "num_model_requests" else set())
    assert set(metric.dimensions) <= set(UNATTRIBUTED)


def test_usage_has_the_dimensions_it_is_stored_with():
    usual = ("project_id", "api_key_id", "model")
    for source, dimensions in USAGE_DIMENSIONS.items():
        columns = (*GROUPED.get(source, usual), *OPTIONAL.get(source, ()))
        assert set(dimensions) - {"team"} == {column.removesuffix("_id") for column in columns}
    assert set(USAGE_DIMENSIONS) == set(SOURCES) - {"costs"}
    assert "batch" not in DIMENSIONS


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("requests", "num_model_requests", id="an alias"),
        pytest.param("input_tokens", "input_tokens", id="a wire name"),
        pytest.param("num_sessions", "num_sessions", id="a wire name that has an alias"),
        pytest.param("sessions", "num_sessions", id="its alias"),
        pytest.param("tokens", None, id="nothing: which tokens?"),
        pytest.param("cost", None, id="cost is no usage"),
    ],
)
def test_metrics_are_named(text, name):
    found = metric_named(text)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("dimension", "value"),
    [
        pytest.param("model", "gpt-5.2", id="the model it names itself"),
        pytest.param("batch", "true", id="batch"),
        pytest.param("service_tier", "flex", id="service tier"),
        pytest.param("size", "1024x1024", id="size"),
        pytest.param("source", "image.edit", id="source of an image"),
        pytest.param("vector_store", "vs_1", id="vector store, without _id"),
        pytest.param("context_level", "low", id="context level"),
        pytest.param("team", "search", id="team"),
        pytest.param("api_key", "key_1", id="key"),
        pytest.param("user", "", id="what it lacks is unattributed"),
    ],
)
def test_a_usage_series_is_read_by_dimension(dimension, value):
    series = Series(
        "proj_1", api_key_id="key_1", endpoint="images", model="gpt-5.2", batch="true", service_tier="flex",
        size="1024x1024", source="image.edit", vector_store_id="vs_1", context_level="low",
    )  # fmt: skip
    assert reader(dimension, {"proj_1": "search"}.get, ())(series) == value


def test_a_usage_series_keeps_every_column_through_the_database(store):
    columns = ("project_id", "api_key_id", "model", "batch", "service_tier")
    rows = {(0, "proj_1", "key_1", "gpt-5.2", "false", "flex"): (7, 3, 1)}
    used(store, "completions", columns, ("input_tokens", "output_tokens", "num_model_requests"), rows)
    used(
        store,
        "images",
        ("size", "source"),
        ("images", "num_model_requests"),
        {(0, "1x1", "image.edit"): (2, 2)},
    )
    with store.reading() as tx:
        series = store.index.usage(tx)
        costs, models = store.index.refresh(tx)
    assert set(series.values()) == {
        Series(
            "proj_1",
            api_key_id="key_1",
            endpoint="completions",
            model="gpt-5.2",
            batch="false",
            service_tier="flex",
        ),
        Series(endpoint="images", size="1x1", source="image.edit"),
    }
    assert costs == {}
    assert models == {"gpt-5.2"}


def test_requests_add_up_over_the_endpoints_that_answer(store):
    tokens = ("input_tokens", "output_tokens", "num_model_requests")
    used(
        store,
        "completions",
        ("project_id", "model"),
        tokens,
        {(0, "a", "m"): (100, 5, 2), (1, "a", "n"): (7, 1, 1)},
    )
    used(store, "embeddings", ("project_id",), ("input_tokens", "num_model_requests"), {(0, "a"): (40, 4)})
    searched = ("num_model_requests", "num_requests")
    used(store, "web_search_calls", ("project_id",), searched, {(0, "a"): (2, 9)})
    used(store, "file_search_calls", ("project_id",), ("num_requests",), {(1, "b"): (1,)})
    view = loaded(store, "num_model_requests", "input_tokens", "num_requests")
    assert view["num_model_requests"].by(("project",), ALL) == {("a",): 7}
    assert view["input_tokens"].by(("model",), ALL) == {("m",): 100, ("n",): 7, ("",): 40}
    assert view["num_requests"].by(("project",), ALL) == {("a",): 9, ("b",): 1}
    assert view["input_tokens"].by((), Span(FIRST, DAYS[1])) == {(): 140}


def test_cached_tokens_are_never_added_to_input(store):
    metrics = ("input_tokens", "input_cached_tokens", "output_tokens", "num_model_requests")
    used(store, "completions", ("project_id",), metrics, {(0, "a"): (100, 80, 5, 1)})
    view = loaded(store, "input_tokens", "input_cached_tokens")
    assert [spend.by((), ALL)[()] for spend in view.values()] == [100, 80]


def test_usage_is_read_as_it_was_known(store):
    for count, hour in ((5, 1), (9, 6)):
        used(store, "audio_speeches", ("project_id",), ("characters", "num_model_requests"), {(0, "a"): (count, 1)},
             now=NOON + timedelta(hours=hour))  # fmt: skip
    with store.reading() as tx:
        then = facts.metric_sums(tx, METRICS["characters"], DAYS[:2], known_at=NOON + timedelta(hours=2))
        now = facts.metric_sums(tx, METRICS["characters"], DAYS[:2])
        earlier = facts.metric_sums(tx, METRICS["characters"], DAYS[:2], known_at=NOON)
    assert [[*stretch.values()] for stretch in (*then, *now, *earlier)] == [[5], [9], []]


def test_no_day_after_now_is_told_and_nothing_was_read_before_the_first_poll(store):
    metrics = ("seconds", "num_model_requests")
    assert loaded(store, "seconds")["seconds"].history_from is None
    used(store, "audio_transcriptions", ("project_id",), metrics, {(0, "a"): (60, 1), (2, "a"): (7, 1)})
    whole, part = loaded(store, "seconds"), loaded(store, "seconds", now=NOON - timedelta(days=1))
    assert whole["seconds"].by((), ALL) == {(): 67}
    assert part["seconds"].by((), ALL) == {(): 60}
    assert (whole["seconds"].history_from, whole["seconds"].as_of) == (FIRST, NOON)


def test_hours_add_up_to_days_but_not_those_of_a_level(store):
    used(store, "images", ("project_id",), ("images", "num_model_requests"), {(0, "a"): (3, 1)}, width="1h")
    with store.reading() as tx:
        assert [*facts.metric_sums(tx, METRICS["images"], DAYS[:2], width="1h")[0].values()] == [3]
        with pytest.raises(ValueError, match="level"):
            facts.metric_sums(tx, METRICS["usage_bytes"], DAYS[:2], width="1h")


def test_what_is_stored_for_three_days_is_not_three_times_as_much(store):
    rows = {(0, "a"): (100,), (1, "a"): (130,), (2, "a"): (90,), (1, "b"): (10,), (2, "b"): (60,)}
    used(store, "vector_stores", ("project_id",), ("usage_bytes",), rows)
    stored = loaded(store, "usage_bytes", book=Rulebook(teams=(Team("both", (Pattern("*"),)),)))[
        "usage_bytes"
    ]
    assert stored.by(("project",), ALL) == {("a",): 130, ("b",): 60}
    assert stored.by(("team",), ALL) == {("both",): 150}, (
        "the highest day of both, not the sum of their highest"
    )
    assert stored.within(Scope(), ALL) == {(): 150}
    assert stored.within(Scope(each=("project",)), ALL, by=()) == {(): 150}
    only = Scope(select=Selector((("project", (Pattern("b"),)),)))
    assert stored.within(only, ALL) == {(): 60}
    assert stored.within(only, Span(FIRST, DAYS[2])) == {(): 10}


def test_a_level_is_refused_where_days_are_added_up():
    spend = Spend(
        [FIRST, DAYS[1], DAYS[3]], [{1: 5}, {1: 9}], {1: Series("a")}, Names(), Rulebook(), level=True
    )
    assert spend.by((), Span(FIRST, DAYS[1])) == {(): 5}
    with pytest.raises(KeyError, match="every day"):
        spend.by((), ALL)
