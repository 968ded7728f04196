"""What spend can be told apart by: the wire's columns, and the dimensions people name in rules and questions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType

COLUMNS = (
    "project_id",
    "user_id",
    "api_key_id",
    "model",
    "batch",
    "service_tier",
    "size",
    "source",
    "vector_store_id",
    "context_level",
    "line_item",
    "api_source",
    "quantity_unit",
)
"""Every column a series can carry, in the wire's words; '' stands for what is not grouped or not attributed."""

DIMENSIONS = ("project", "line_item", "model", "api_key", "user", "team")
"""What a rule selects by and fans out over, and a question groups by, of cost."""

_TOKENS = ("project", "model", "api_key", "team", "batch", "service_tier")
_MODELS = ("project", "model", "api_key", "team")

USAGE_DIMENSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "completions": _TOKENS,
        "decisions": _TOKENS,
        "embeddings": _MODELS,
        "moderations": _MODELS,
        "images": _MODELS,
        "audio_speeches": _MODELS,
        "audio_transcriptions": _MODELS,
        "web_search_calls": _MODELS,
        "file_search_calls": ("project", "api_key", "team"),
        "vector_stores": ("project", "team"),
        "code_interpreter_sessions": ("project", "team"),
    }
)
"""What the usage of each endpoint is stored with, and can therefore be told apart by."""

EVERY_DIMENSION = (
    *DIMENSIONS,
    *dict.fromkeys(name for names in USAGE_DIMENSIONS.values() for name in names if name not in DIMENSIONS),
)
"""What any metric can be told apart by: those of cost, and those that only usage has."""

UNATTRIBUTED = {
    "project": "(no project)",
    "line_item": "(no line item)",
    "model": "(none)",
    "api_key": "(no key)",
    "user": "(no user)",
    "team": "(no team)",
    "batch": "(batch or not)",
    "service_tier": "(no tier)",
    "size": "(no size)",
    "source": "(no source)",
    "vector_store": "(no vector store)",
    "context_level": "(no context level)",
    "api_source": "(no API)",
}
"""The name of the group whose rows carry no value: never dropped, so that sums equal the bill."""

NAMED_BY_ID = {"project": "project_id", "api_key": "api_key_id", "user": "user_id"}
"""Dimensions whose value is an id with a name beside it, and the JSON key of the id."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of cost or usage over time: the values that tell it from every other, '' where there is none."""

    project_id: str = ""
    line_item: str = ""
    api_key_id: str = ""
    user_id: str = ""
    endpoint: str = ""
    """The usage endpoint that counts it: `completions`; '' for cost."""
    model: str = ""
    """The model usage names; cost names one only inside its line item."""
    batch: str = ""
    """`true` or `false`."""
    service_tier: str = ""
    size: str = ""
    source: str = ""
    vector_store_id: str = ""
    context_level: str = ""
    api_source: str = ""


MODALITIES = frozenset(("audio", "text", "image", "video"))


def model_of(line_item: str, known_models: Collection[str] = ()) -> str:
    """Return the model a cost line speaks of, '' when it names none; totals never depend on it.

    `evals | gpt-4o-mini-2024-07-18, input` is `gpt-4o-mini-2024-07-18`; a trailing modality word goes
    (`gpt-image-2 image, output`); without a comma the whole string counts only if usage knows such a model.
    """
    text = line_item.rpartition(" | ")[2].strip()
    before, comma, _ = text.rpartition(",")
    if not comma:
        return text if text in known_models else ""
    words = before.split()
    if len(words) > 1 and words[-1].lower() in MODALITIES:
        words.pop()
    return " ".join(words)


def reader(dimension: str, team_of: Callable[[str], str], models: Collection[str]) -> Callable[[Series], str]:
    """Return the function that reads `dimension` off a series; '' means unattributed.

    `team_of` answers the team of a project id; `models` are the names usage has reported.
    """
    match dimension:
        case "project":
            return lambda series: series.project_id
        case "line_item":
            return lambda series: series.line_item
        case "api_key":
            return lambda series: series.api_key_id
        case "user":
            return lambda series: series.user_id
        case "model":
            return lambda series: series.model or model_of(series.line_item, models)
        case "team":
            return lambda series: team_of(series.project_id)
        case "vector_store":
            return lambda series: series.vector_store_id
        case "batch" | "service_tier" | "size" | "source" | "context_level" | "api_source":
            return attrgetter(dimension)
    raise KeyError(dimension)


def described(
    dimensions: Sequence[str], values: Sequence[str], name_of: Callable[[str, str], str]
) -> dict[str, str | None]:
    """Return a group as JSON tells it: `project_id` + `project` where a value is an id, `model` alone elsewhere.

    An id is None where spend is not attributed; the name then says so: `(no project)`.
    """
    told: dict[str, str | None] = {}
    for dimension, value in zip(dimensions, values, strict=True):
        if dimension in NAMED_BY_ID:
            told[NAMED_BY_ID[dimension]] = value or None
        told[dimension] = name_of(dimension, value)
    return told
