"""What each endpoint of the organization API offers, written down from OpenAI's own pages.

Deliberately apart from the table the bot asks by: a stand-in that shared it would share its mistakes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

SECONDS = MappingProxyType({"1m": 60, "1h": 3_600, "1d": 86_400})
USAGE_LIMITS = MappingProxyType({"1m": (60, 1_440), "1h": (24, 168), "1d": (7, 31)})
"""Buckets a page: what an absent `limit` means, and the largest that is accepted."""
COST_LIMITS = MappingProxyType({"1d": (7, 180)})

CALLER = ("project_id", "user_id", "api_key_id", "model")
BY_CALLER = MappingProxyType(
    {"project_ids": "project_id", "user_ids": "user_id", "api_key_ids": "api_key_id", "models": "model"}
)
VALUES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "sources": frozenset({"image.generation", "image.edit", "image.variation"}),
        "sizes": frozenset({"256x256", "512x512", "1024x1024", "1792x1792", "1024x1792"}),
        "context_levels": frozenset({"low", "medium", "high"}),
    }
)
"""The filters that take no other words."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: its path, the `object` of its results, what it groups and filters by, what it counts."""

    source: str
    path: str
    result: str
    group_by: tuple[str, ...]
    filters: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    batch: bool = False
    limits: Mapping[str, tuple[int, int]] = field(default_factory=lambda: USAGE_LIMITS)


def _usage(
    source: str,
    metrics: tuple[str, ...],
    group_by: tuple[str, ...] = CALLER,
    filters: Mapping[str, str] = BY_CALLER,
    *,
    batch: bool = False,
    named: str | None = None,
) -> Endpoint:
    return Endpoint(
        source,
        f"/organization/usage/{source}",
        f"organization.usage.{named or source}.result",
        group_by,
        filters,
        metrics,
        batch,
    )


TOKENS = ("input_tokens", "output_tokens", "num_model_requests")
OF_COMPLETIONS = (*CALLER, "batch", "service_tier", "api_source")
ONLY_PROJECT = {"project_ids": "project_id"}

COSTS = Endpoint(
    "costs",
    "/organization/costs",
    "organization.costs.result",
    ("project_id", "line_item", "api_key_id", "user_id", "api_source"),
    {"project_ids": "project_id", "api_key_ids": "api_key_id", "line_items": "line_item"},
    limits=COST_LIMITS,
)
ENDPOINTS = (
    COSTS,
    _usage("completions", TOKENS, OF_COMPLETIONS, batch=True),
    _usage("embeddings", ("input_tokens", "num_model_requests")),
    _usage("moderations", ("input_tokens", "num_model_requests")),
    _usage(
        "images",
        ("images", "num_model_requests"),
        (*CALLER, "size", "source"),
        {**BY_CALLER, "sources": "source", "sizes": "size"},
    ),
    _usage("audio_speeches", ("characters", "num_model_requests")),
    _usage("audio_transcriptions", ("seconds", "num_model_requests")),
    _usage("vector_stores", ("usage_bytes",), ("project_id",), ONLY_PROJECT),
    _usage("code_interpreter_sessions", ("num_sessions",), ("project_id",), ONLY_PROJECT),
    _usage(
        "file_search_calls",
        ("num_requests",),
        ("project_id", "user_id", "api_key_id", "vector_store_id"),
        {
            "project_ids": "project_id",
            "user_ids": "user_id",
            "api_key_ids": "api_key_id",
            "vector_store_ids": "vector_store_id",
        },
        named="file_searches",
    ),
    _usage(
        "web_search_calls",
        ("num_model_requests", "num_requests"),
        (*CALLER, "context_level", "api_source"),
        {**BY_CALLER, "context_levels": "context_level"},
        named="web_searches",
    ),
    _usage("decisions", TOKENS, OF_COMPLETIONS, batch=True),
)
BY_PATH: Mapping[str, Endpoint] = MappingProxyType({endpoint.path: endpoint for endpoint in ENDPOINTS})
SOURCES = tuple(endpoint.source for endpoint in ENDPOINTS)
OFFERED = frozenset(SOURCES) - {"decisions"}
"""What most organizations have: `decisions` answers 404 to them for ever."""
