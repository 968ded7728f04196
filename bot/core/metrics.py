"""What usage counts: each metric by its wire name, where it is counted, and what people call it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from bot.core.dimension import USAGE_DIMENSIONS


class Metric(NamedTuple):
    """One count of the usage API."""

    name: str
    """The wire's word: `input_tokens`."""
    words: str
    """What people call them, in the plural: `input tokens`."""
    unit: str
    """What one of them is, in the plural: `tokens`."""
    sources: tuple[str, ...]
    """The endpoints whose counts add up to it."""
    aliases: tuple[str, ...] = ()
    level: bool = False
    """It is a level and not a flow: a span's value is its highest day, never the sum of its days."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return what it can be told apart by; where one of its sources lacks a dimension, it is unattributed."""
        return tuple(dict.fromkeys(name for source in self.sources for name in USAGE_DIMENSIONS[source]))


_TOKENS = ("completions", "decisions")
_READ = (*_TOKENS, "embeddings", "moderations")
_ANSWERED = (*_READ, "images", "audio_speeches", "audio_transcriptions")
"""Web searches count model requests too, but a search is a tool of a request that completions counts already."""


def _tokens(name: str, words: str) -> Metric:
    return Metric(name, words, "tokens", _TOKENS)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            # The two wholes; every other token count is a part of one of them, and never added to it.
            Metric("input_tokens", "input tokens", "tokens", _READ),
            _tokens("output_tokens", "output tokens"),
            _tokens("input_cached_tokens", "cached input tokens"),
            _tokens("input_uncached_tokens", "uncached input tokens"),
            _tokens("input_cache_write_tokens", "cache write tokens"),
            _tokens("input_cache_write_30m_tokens", "cache write tokens kept 30 minutes"),
            _tokens("input_cache_write_12h_tokens", "cache write tokens kept 12 hours"),
            _tokens("input_text_tokens", "text input tokens"),
            _tokens("input_audio_tokens", "audio input tokens"),
            _tokens("input_image_tokens", "image input tokens"),
            _tokens("input_cached_text_tokens", "cached text input tokens"),
            _tokens("input_cached_audio_tokens", "cached audio input tokens"),
            _tokens("input_cached_image_tokens", "cached image input tokens"),
            _tokens("output_text_tokens", "text output tokens"),
            _tokens("output_audio_tokens", "audio output tokens"),
            _tokens("output_image_tokens", "image output tokens"),
            Metric("num_model_requests", "requests", "requests", _ANSWERED, ("requests",)),
            Metric("images", "images", "images", ("images",)),
            Metric("characters", "characters", "characters", ("audio_speeches",)),
            Metric("seconds", "seconds of audio", "seconds", ("audio_transcriptions",)),
            Metric("num_sessions", "sessions", "sessions", ("code_interpreter_sessions",), ("sessions",)),
            Metric(
                "num_requests",
                "searches",
                "searches",
                ("file_search_calls", "web_search_calls"),
                ("searches",),
            ),
            Metric("usage_bytes", "bytes stored", "bytes", ("vector_stores",), ("bytes",), level=True),
        )
    }
)
"""Every metric by its wire name."""

_BY_NAME = {name: metric for metric in METRICS.values() for name in (metric.name, *metric.aliases)}


def metric_named(text: str) -> Metric | None:
    """Return the metric of a wire name or an alias (`requests`); None when there is none."""
    return _BY_NAME.get(text)
