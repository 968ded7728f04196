"""What the simulated organization pays, and under which line items it is billed."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType

from bot.demo.ledger import EXACT

MILLION = Decimal(1_000_000)
COMMITMENT = Decimal("0.97375")
"""The organization's negotiated share of list prices: real bills have long tails for such reasons."""
BATCH = Decimal("0.5")

TOKEN_PRICES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {  # dollars a million tokens
        "gpt-5.2": {"uncached": "1.75", "cached": "0.175", "output": "14"},
        "gpt-5.6-luna": {"uncached": "1.25", "cached": "0.125", "cache_write": "1.5625", "output": "10"},
        "gpt-5-mini-2025-08-07": {"uncached": "0.25", "cached": "0.025", "output": "2"},
        "gpt-5-nano-2025-08-07": {"uncached": "0.05", "cached": "0.005", "output": "0.4"},
        "gpt-4.1-2025-04-14": {"uncached": "2", "cached": "0.5", "output": "8"},
        "gpt-4o-2024-08-06": {"uncached": "2.5", "cached": "1.25", "output": "10"},
        "gpt-4o-mini-2024-07-18": {"uncached": "0.15", "cached": "0.075", "output": "0.6"},
        "gpt-realtime-2.1": {"audio_input": "32", "audio_output": "64"},
        "text-embedding-3-small": {"uncached": "0.02"},
        "text-embedding-3-large": {"uncached": "0.13"},
        "omni-moderation-latest": {"uncached": "0"},
    }
)
DIRECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "uncached": "input",
        "cached": "cached input",
        "cache_write": "cache writes",
        "output": "output",
        "audio_input": "audio input",
        "audio_output": "audio output",
    }
)
IMAGE_TOKENS = 1_056
"""What one square image of medium quality comes to."""
GIBIBYTE = Decimal(2**30)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one of a count costs: `price` dollars each, on this line, as `each` of `unit`."""

    count: str
    line_item: str
    price: Decimal
    unit: str | None
    each: Decimal = Decimal(1)

    def amount(self, count: int) -> str:
        """Return the exact decimal of `count` of them."""
        return f"{EXACT.multiply(self.price, Decimal(count)):f}"

    def quantity(self, count: int) -> str:
        return f"{EXACT.multiply(self.each, Decimal(count)):f}"


TOOLS: Mapping[str, Charge] = MappingProxyType(
    {
        "web_search_calls": Charge("calls", "web search tool calls", Decimal("0.01"), "calls"),
        "file_search_calls": Charge("calls", "assistants api | file search", Decimal("0.0025"), "calls"),
        "code_interpreter_sessions": Charge("sessions", "code interpreter sessions", Decimal("0.03"), None),
        "audio_transcriptions": Charge("seconds", "whisper-1", Decimal("0.0001"), "duration_seconds"),
        "audio_speeches": Charge("characters", "tts-1", Decimal("0.000015"), "characters"),
        "vector_stores": Charge(
            "byte_hours",
            "vector store storage",
            Decimal("0.0042") / GIBIBYTE,
            "gibibyte_hours",
            EXACT.divide(Decimal(1), GIBIBYTE),
        ),
    }
)


@cache
def charges(source: str, model: str | None, surface: str = "", *, batch: bool = False) -> tuple[Charge, ...]:
    """Return what a request to this model is billed for; `surface` is the line item's prefix."""
    if source in TOOLS:
        return (TOOLS[source],)
    if source == "images":
        tokens = Decimal(IMAGE_TOKENS)
        price = EXACT.multiply(COMMITMENT, Decimal(30) / MILLION)
        line_item = f"{model} image, output"
        return (Charge("images", line_item, EXACT.multiply(price, tokens), "tokens", tokens),)
    share = COMMITMENT * (BATCH if batch else 1)
    return tuple(
        Charge(
            count,
            f"{surface}{model}, {DIRECTIONS[count]}",
            EXACT.multiply(share, Decimal(dollars) / MILLION),
            "tokens",
        )
        for count, dollars in TOKEN_PRICES[str(model)].items()
    )


def metrics(source: str, counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts under the API's names, with the sums it makes of them."""
    requests = {"num_model_requests": counts.get("requests", 0)}
    match source:
        case "completions":
            cached, written = counts.get("cached", 0), counts.get("cache_write", 0)
            text, audio = counts.get("uncached", 0), counts.get("audio_input", 0)
            said, spoken = counts.get("output", 0), counts.get("audio_output", 0)
            return requests | {
                "input_tokens": text + audio + cached + written,
                "input_cached_tokens": cached,
                "input_uncached_tokens": text + audio,
                "input_cache_write_tokens": written,
                "input_text_tokens": text,
                "input_audio_tokens": audio,
                "input_image_tokens": 0,
                "input_cached_text_tokens": cached,
                "input_cached_audio_tokens": 0,
                "input_cached_image_tokens": 0,
                "output_tokens": said + spoken,
                "output_text_tokens": said,
                "output_audio_tokens": spoken,
                "output_image_tokens": 0,
            }
        case "embeddings" | "moderations":
            return requests | {"input_tokens": counts["uncached"]}
        case "web_search_calls":
            return requests | {"num_requests": counts["calls"]}
        case "file_search_calls":
            return {"num_requests": counts["calls"]}
        case "code_interpreter_sessions":
            return {"num_sessions": counts["sessions"]}
        case "vector_stores":  # a level: what was stored on average over the day
            return {"usage_bytes": counts["byte_hours"] // 24}
        case _:  # images, seconds and characters bear the API's own names
            return requests | {name: count for name, count in counts.items() if name != "requests"}
