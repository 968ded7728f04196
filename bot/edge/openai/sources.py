"""The one table of what OpenAI's organization API offers.

The names are the wire's own. Where the specification of August 2026 and the newer official client
differ (`decisions`, `api_source`, `line_items`), the larger offer stands here: an organization that lacks
one of them refuses it with 400 or 404.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SECONDS = MappingProxyType({"1m": 60, "1h": 3_600, "1d": 86_400})
"""How long a bucket of each width is; buckets begin at multiples of it, in UTC."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many buckets a page holds: when nothing is said, and at most."""

    default: int
    largest: int


USAGE_WIDTHS: Mapping[str, Limit] = MappingProxyType(
    {"1m": Limit(60, 1_440), "1h": Limit(24, 168), "1d": Limit(7, 31)},
)
COSTS_WIDTHS: Mapping[str, Limit] = MappingProxyType({"1d": Limit(7, 180)})


@dataclass(frozen=True, slots=True)
class Source:
    """One endpoint: where it is, what may be asked of it and what its rows hold.

    `object` is the word each result carries: for the two searches it is not the endpoint's name, so
    it is never made from it. `required` metrics are in every row, `optional` ones may be absent or null.
    `level` says that the metrics are a level and not a flow: summing them over days means nothing.
    """

    name: str
    object: str
    group_by: tuple[str, ...]
    filters: tuple[str, ...]
    required: tuple[str, ...]
    optional: tuple[str, ...]
    metrics: tuple[str, ...]
    widths: Mapping[str, Limit]
    level: bool = False

    @property
    def path(self) -> str:
        return "/organization/costs" if self.name == "costs" else f"/organization/usage/{self.name}"


FOUR = ("project_id", "user_id", "api_key_id", "model")
FOUR_FILTERS = ("project_ids", "user_ids", "api_key_ids", "models")

TOKENS = (
    "input_tokens",
    "input_cached_tokens",
    "input_uncached_tokens",
    "input_cache_write_tokens",
    "input_cache_write_30m_tokens",
    "input_cache_write_12h_tokens",
    "input_text_tokens",
    "input_audio_tokens",
    "input_image_tokens",
    "input_cached_text_tokens",
    "input_cached_audio_tokens",
    "input_cached_image_tokens",
    "output_tokens",
    "output_text_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "num_model_requests",
)
"""`input_tokens` and `output_tokens` are wholes: every other token count is a part of one of the two."""
TOKENS_REQUIRED = ("input_tokens", "output_tokens", "num_model_requests")


def _usage(
    name: str, group_by: tuple[str, ...], filters: tuple[str, ...], *metrics: str, object_name: str = ""
) -> Source:
    return Source(
        name,
        f"organization.usage.{object_name or name}.result",
        group_by,
        filters,
        required=metrics,
        optional=(),
        metrics=metrics,
        widths=USAGE_WIDTHS,
        level=name == "vector_stores",
    )


def _tokens(name: str) -> Source:
    return Source(
        name,
        f"organization.usage.{name}.result",
        (*FOUR, "batch", "service_tier", "api_source"),
        (*FOUR_FILTERS, "batch"),
        required=TOKENS_REQUIRED,
        optional=tuple(metric for metric in TOKENS if metric not in TOKENS_REQUIRED),
        metrics=TOKENS,
        widths=USAGE_WIDTHS,
    )


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            Source(
                "costs",
                "organization.costs.result",
                ("project_id", "user_id", "line_item", "api_key_id", "api_source"),
                ("project_ids", "api_key_ids", "line_items"),
                required=("amount",),
                optional=("quantity", "quantity_unit"),
                metrics=("amount_nano", "quantity_micro"),
                widths=COSTS_WIDTHS,
            ),
            _tokens("completions"),
            _usage("embeddings", FOUR, FOUR_FILTERS, "input_tokens", "num_model_requests"),
            _usage("moderations", FOUR, FOUR_FILTERS, "input_tokens", "num_model_requests"),
            _usage(
                "images",
                (*FOUR, "size", "source"),
                (*FOUR_FILTERS, "sources", "sizes"),
                "images",
                "num_model_requests",
            ),
            _usage("audio_speeches", FOUR, FOUR_FILTERS, "characters", "num_model_requests"),
            _usage("audio_transcriptions", FOUR, FOUR_FILTERS, "seconds", "num_model_requests"),
            _usage("vector_stores", ("project_id",), ("project_ids",), "usage_bytes"),
            _usage("code_interpreter_sessions", ("project_id",), ("project_ids",), "num_sessions"),
            _usage(
                "file_search_calls",
                ("project_id", "user_id", "api_key_id", "vector_store_id"),
                ("project_ids", "user_ids", "api_key_ids", "vector_store_ids"),
                "num_requests",
                object_name="file_searches",
            ),
            _usage(
                "web_search_calls",
                (*FOUR, "context_level", "api_source"),
                (*FOUR_FILTERS, "context_levels"),
                "num_model_requests",
                "num_requests",
                object_name="web_searches",
            ),
            _tokens("decisions"),
        )
    },
)

VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sources": ("image.generation", "image.edit", "image.variation"),
        "sizes": ("256x256", "512x512", "1024x1024", "1792x1792", "1024x1792"),
        "context_levels": ("low", "medium", "high"),
    },
)
"""The filters whose values the specification lists; all others take any text."""
