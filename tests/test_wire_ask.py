"""What may be asked of a source is refused before it is sent, or sent as the specification writes it."""

import typing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from openai.types.admin import organization as official
from pydantic import BaseModel
from wire_server import FIRST, NOW, WireServer, day, every_bucket

from bot.core.errors import Misused
from bot.edge.openai import SOURCES, Ask
from bot.edge.openai.ask import query


def asked(source="costs", start=FIRST, end=None, **more):
    return Ask(source, start, end or day(8), **more)


@pytest.mark.parametrize(
    ("wrong", "offer"),
    [
        pytest.param({"source": "responses"}, "completions", id="a-source-there-is-not"),
        pytest.param({"width": "1h"}, "It offers 1d", id="costs-by-the-hour"),
        pytest.param({"source": "completions", "width": "1w"}, "1m, 1h, 1d", id="a-week-wide"),
        pytest.param({"group_by": ("model",)}, "project_id, user_id, line_item", id="costs-by-model"),
        pytest.param(
            {"source": "file_search_calls", "group_by": ("model",)},
            "vector_store_id",
            id="file-searches-by-model",
        ),
        pytest.param(
            {"source": "vector_stores", "group_by": ("user_id",)}, "project_id", id="stores-by-user"
        ),
        pytest.param({"group_by": ("project_id", "project_id")}, "once", id="the-same-dimension-twice"),
        pytest.param({"filters": {"models": ("gpt-6-astra",)}}, "line_items", id="costs-of-a-model"),
        pytest.param(
            {"source": "embeddings", "filters": {"batch": True}}, "api_key_ids", id="embeddings-in-batch"
        ),
        pytest.param(
            {"source": "completions", "filters": {"batch": ("true",)}}, "true or false", id="batch-as-text"
        ),
        pytest.param({"filters": {"project_ids": ()}}, "Leave the filter out", id="an-empty-filter"),
        pytest.param({"filters": {"project_ids": ("",)}}, "Leave the filter out", id="an-empty-value"),
        pytest.param(
            {"filters": {"project_ids": "proj_1"}}, "Leave the filter out", id="one-text-for-a-list"
        ),
        pytest.param(
            {"source": "images", "filters": {"sizes": ("7x7",)}}, "256x256, 512x512", id="a-size-no-image-has"
        ),
        pytest.param(
            {"source": "images", "filters": {"sources": ("edit",)}}, "image.edit", id="half-a-source"
        ),
        pytest.param(
            {"source": "web_search_calls", "filters": {"context_levels": ("huge",)}},
            "low, medium, high",
            id="level",
        ),
        pytest.param({"limit": 181}, "1 to 180", id="more-costs-than-a-page-holds"),
        pytest.param({"source": "completions", "limit": 32}, "1 to 31", id="costs-limit-on-usage"),
        pytest.param({"source": "completions", "width": "1h", "limit": 0}, "1 to 168", id="no-bucket"),
        pytest.param({"end": FIRST}, "tomorrow's midnight", id="nothing"),
        pytest.param({"start": day(9)}, "tomorrow's midnight", id="backwards"),
        pytest.param({"start": datetime(2026, 11, 1)}, "aware UTC", id="naive"),  # noqa: DTZ001  # the mistake
    ],
)
def test_what_is_not_offered_is_refused_naming_what_is(wrong, offer):
    with pytest.raises(Misused, match=offer):
        asked(**wrong)


def test_each_source_takes_all_it_offers():
    given = {
        "batch": False,
        "sources": ("image.edit",),
        "sizes": ("256x256",),
        "context_levels": ("low", "high"),
    }
    for name, source in SOURCES.items():
        for width, limit in source.widths.items():
            filters = {one: given.get(one, ("a", "b")) for one in source.filters}
            ask = Ask(name, FIRST, day(8), width, source.group_by, filters, limit=limit.largest)

            pairs = query(ask, limit.largest, "page_x")

            assert [value for key, value in pairs if key == "group_by"] == list(source.group_by)
            assert {key for key, _ in pairs} >= set(source.filters) | {
                "start_time",
                "end_time",
                "limit",
                "page",
            }


@pytest.mark.parametrize("name", SOURCES)
def test_the_table_offers_what_the_official_client_offers(name):
    """Field by field: the official client's types are made from OpenAI's own specification."""
    source = SOURCES[name]
    title = "".join(part.title() for part in ["usage", *name.split("_")])
    hints = typing.get_type_hints(getattr(official, f"{title}Params"))
    response = getattr(official, f"{title}Response")

    assert set(source.filters) == set(hints) - {
        "start_time",
        "end_time",
        "bucket_width",
        "group_by",
        "limit",
        "page",
    }
    assert set(source.group_by) == set(literals(hints["group_by"]))
    assert set(source.widths) == set(literals(hints["bucket_width"]))
    bucket = typing.get_args(response.model_fields["data"].annotation)[0]
    by_object = {
        literals(kind.model_fields["object"].annotation)[0]: kind.model_fields
        for kind in models(bucket.model_fields["results"].annotation)
    }
    fields = by_object[source.object]
    assert {field for field in source.required if name != "costs"} == {
        field for field, info in fields.items() if info.is_required() and field != "object"
    }
    assert set(fields) == {"object", *source.required, *source.optional, *source.group_by}


def models(hint):
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [hint]
    return [model for inner in typing.get_args(hint) for model in models(inner)]


def literals(hint):
    if typing.get_origin(hint) is typing.Literal:
        return list(typing.get_args(hint))
    return [value for inner in typing.get_args(hint) for value in literals(inner)]


def test_the_query_repeats_bare_keys_and_writes_lower_case_booleans():
    with WireServer(always=every_bucket) as server, server.client() as client:
        filters = {"project_ids": ("proj_1", "proj_2"), "batch": True, "models": ("a&b=c", "d e,f")}
        client.read(asked("completions", group_by=("project_id", "model"), filters=filters), NOW)

    (request,) = server.asked
    assert request.path == "/v1/organization/usage/completions"
    assert request.pairs == [
        ("start_time", "1793491200"),
        ("end_time", "1794096000"),
        ("bucket_width", "1d"),
        ("limit", "7"),
        ("group_by", "project_id"),
        ("group_by", "model"),
        ("project_ids", "proj_1"),
        ("project_ids", "proj_2"),
        ("batch", "true"),
        ("models", "a&b=c"),
        ("models", "d e,f"),
    ]


def test_another_zone_is_refused_even_at_its_own_midnight():
    berlin = timezone(timedelta(hours=1))
    with pytest.raises(Misused, match="UTC"):
        asked(start=datetime(2026, 11, 1, tzinfo=berlin))
    assert asked(start=datetime(2026, 11, 1, tzinfo=UTC)).length == 7
