"""A public price list: genai-prices, which ships its prices and is never asked to fetch any.

Imported when the first price is asked for: it takes a third of a second, and most organizations never need it.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache

from bot.core.money import NANO

SAMPLE = 1_000
"""Units priced at once: few enough that no price for long contexts applies."""

_TOKENS = {
    "input": ("input",),
    "text input": ("input", "input_text"),
    "audio input": ("input", "input_audio"),
    "image input": ("input", "input_image"),
    "cached input": ("input", "cache_read"),
    "text cached input": ("input", "input_text", "cache_read", "cache_text_read"),
    "audio cached input": ("input", "input_audio", "cache_read", "cache_audio_read"),
    "image cached input": ("input", "input_image", "cache_read", "cache_image_read"),
    "cache writes": ("input", "cache_write"),
    "output": ("output",),
    "text output": ("output", "output_text"),
    "audio output": ("output", "output_audio"),
    "image output": ("output", "output_image"),
}
_USAGE = {part: tuple(f"{name}_tokens" for name in names) for part, names in _TOKENS.items()} | {
    "characters": ("input_characters",),
    "seconds": ("audio_seconds",),
    "web searches": ("web_searches",),
    "file searches": ("storage_searches",),
}
"""Part of a model's work → what the list counts it as: a part, and every whole it lies in."""
_TOOLS = frozenset(("web searches", "file searches"))
_ANY = "gpt-5"
"""Whose tools are priced where usage names no model, or one that the list has no tools for: they cost alike."""


def list_prices(at: datetime) -> Callable[[str, str, tuple[str, str]], float | None]:
    """Return what answers (model, part, (batch, service tier)) with nano-dollars a unit, or None, as of `at`.

    None where the list does not know the model, or has no price for that part: images, sessions and storage.
    """

    @cache
    def price(model: str, part: str, way: tuple[str, str]) -> float | None:
        counted = _USAGE.get(part)
        found = _price(model, counted, way, at) if model and counted else None
        if found is None and counted and part in _TOOLS:
            return _price(_ANY, counted, way, at)
        return found

    return price


def _price(model: str, counted: tuple[str, ...], way: tuple[str, str], at: datetime) -> float | None:
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - see above

    batch, tier = way
    context = ({"processing": "batch"} if batch == "true" else {}) | ({"service_tier": tier} if tier else {})
    try:
        found = calc_price(
            Usage(**dict.fromkeys(counted, SAMPLE)),
            model,
            provider_id="openai",
            genai_request_timestamp=at,
            price_context=context or None,
        )
    except LookupError:
        return None
    if not found.total_price and str(found.model_price):
        return None  # it has prices, for other things than this
    return float(found.total_price) * NANO / SAMPLE
