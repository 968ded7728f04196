"""What both usage and the bill count: `gpt-5.2, cached input` and `input_cached_tokens` of gpt-5.2 are one meter.

A line item is a string for people (openai-usage: `<surface> | <model> <modality>, <direction>`), so it is read
by its words and never by a list of known ones. What has no counterpart in usage (credits, training hours) has
no meter, and is only ever known by what is billed.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bot.core.dimension import MODALITIES, Series, model_of

INPUT, CACHED, WRITTEN, OUTPUT = "input", "cached input", "cache writes", "output"
IMAGES, CHARACTERS, SECONDS = "images", "characters", "seconds"
WEB, FILES, SESSIONS, STORED = "web searches", "file searches", "sessions", "bytes stored"

COUNTED_BY = {
    "embeddings": ("input_tokens", INPUT),
    "moderations": ("input_tokens", INPUT),
    "images": ("images", IMAGES),
    "audio_speeches": ("characters", CHARACTERS),
    "audio_transcriptions": ("seconds", SECONDS),
    "web_search_calls": ("num_requests", WEB),
    "file_search_calls": ("num_requests", FILES),
    "code_interpreter_sessions": ("num_sessions", SESSIONS),
    "vector_stores": ("usage_bytes", STORED),
}
"""Endpoint → the metric that is billed, and its part; completions and decisions count tokens of many parts."""

TOOLS = {
    WEB: ("web search", "web search tool calls"),
    STORED: ("storage", "vector store storage"),
    FILES: ("file search", "file search tool calls"),
    SESSIONS: ("code interpreter", "code interpreter sessions"),
}
"""Part → the words its line items hold, tried in this order, and the line's name where none was billed yet."""

_ALONE = (IMAGES, CHARACTERS, SECONDS)
"""What endpoints count that tell no tokens: all the lines of their models are driven by it."""
SOURCES = (*COUNTED_BY, "completions", "decisions")
"""The usage endpoints that bills follow."""
_MODES = frozenset(("batch", "flex", "priority", "fast", "scale", "standard", "default"))
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class Meter(NamedTuple):
    """A part of a model's work, or calls of a tool, whatever the model; a tuple, as it is so often a key."""

    model: str
    part: str

    @property
    def line_item(self) -> str:
        """Return the name its line would have on a bill that never had one."""
        if not self.model:
            return TOOLS[self.part][1]
        return self.model if self.part in _ALONE else f"{self.model}, {self.part}"

    @property
    def words(self) -> str:
        """Return what people call so many of it: `images of gpt-image-9`, `cached input tokens of gpt-9`."""
        if not self.model:
            return self.part
        return f"{self.part if self.part in _ALONE else f'{self.part} tokens'} of {self.model}"


@dataclass(frozen=True, slots=True)
class Line:
    """What a line item says: whose work, which direction, of which modality ('': all that have no own line)."""

    model: str
    direction: str
    modality: str = ""
    surface: str = ""


def line_of(line_item: str, models: Collection[str] = ()) -> Line | None:
    """Return what a line item speaks of; None when usage counts no such thing."""
    lowered = line_item.lower()
    surface = line_item.rpartition(" | ")[0]
    for part, (wording, _) in TOOLS.items():
        if wording in lowered:
            return Line("", part)
    model = model_of(line_item, models)
    if not model:
        return None
    whose, comma, what = line_item.rpartition(" | ")[2].rpartition(",")
    if not comma:
        return Line(model, "", surface=surface)
    words = what.lower().replace("_", " ").split()
    modality = next((word for word in (*words, *whose.lower().split()[-1:]) if word in MODALITIES), "")
    direction = _direction(words)
    return Line(_unmoded(model), direction, modality, surface) if direction else None


def _direction(words: Collection[str]) -> str:
    if "cache" in words or "cached" in words:
        return WRITTEN if any(word.startswith("writ") for word in words) else CACHED
    return next((direction for direction in (INPUT, OUTPUT) if direction in words), "")


def _unmoded(model: str) -> str:
    """Return the model without a word like `batch` behind it: the ways of asking are told apart by usage."""
    return " ".join(word for word in model.split() if word.lower() not in _MODES)


Cell = tuple[str, str]
"""(direction, modality); '' where usage does not tell the modality, or there is none."""


def _parts(direction: str, prefix: str) -> tuple[tuple[Cell, str], tuple[Cell, str], Cell]:
    audio, image = (((direction, modality), f"{prefix}_{modality}_tokens") for modality in ("audio", "image"))
    return audio, image, (direction, "text")


_PARTS = {
    direction: _parts(direction, prefix)
    for direction, prefix in ((INPUT, "input"), (CACHED, "input_cached"), (OUTPUT, "output"))
}
"""Direction → the cells of its audio and images, each with the metric that counts them, and that of the rest."""


def counted(series: Series, counts: Mapping[str, int | None]) -> dict[Cell, int]:
    """Return what one row of usage comes to by direction and modality, each token once: `counts` by wire name.

    `input_tokens` is all of the input, cached and written to the cache too (openai-usage-api, 6), so the parts
    that are billed apart are taken from it; where an organization is not told the parts, the whole is plain.
    """
    single = COUNTED_BY.get(series.endpoint)
    if single is not None:
        metric, part = single
        count = counts.get(metric)
        return {(part, ""): count} if count else {}
    cached, written = counts.get("input_cached_tokens") or 0, counts.get("input_cache_write_tokens") or 0
    plain = counts.get("input_uncached_tokens")
    if plain is None:
        plain = (counts.get("input_tokens") or 0) - cached - written
    found: dict[Cell, int] = {}
    if written > 0:
        found[WRITTEN, ""] = written
    for whole, (audio, audio_tokens), (image, image_tokens), text in (
        (plain, *_PARTS[INPUT]),
        (cached, *_PARTS[CACHED]),
        (counts.get("output_tokens") or 0, *_PARTS[OUTPUT]),
    ):
        heard, seen = counts.get(audio_tokens) or 0, counts.get(image_tokens) or 0
        if heard > 0:
            found[audio] = heard
        if seen > 0:
            found[image] = seen
        if whole > heard + seen:
            found[text] = whole - heard - seen
    return found


class Meters:
    """Which meter a line item and a count belong to, learned from what is billed and counted together."""

    def __init__(
        self,
        line_items: Iterable[str],
        models: Collection[str],
        settled: Collection[tuple[str, Cell]],
        current: Collection[tuple[str, Cell]] = (),
    ) -> None:
        """Learn from the line items billed and the (usage's model, cell) counted on settled and on other days."""
        read = {item: line_of(item, models) for item in line_items}
        lines = [line for line in read.values() if line is not None]
        self._of_cell: dict[tuple[str, Cell], Meter] = {}
        self._billed = {line.model for line in lines}
        self._undated: dict[str, set[str]] = {}
        for model in self._billed:
            self._undated.setdefault(_DATED.sub("", model), set()).add(model)
        self._own: dict[tuple[str, str], set[str]] = {}
        for line in lines:
            self._own.setdefault((line.model, line.direction), set()).add(line.modality)
        before = {(self.model(model), *cell) for model, cell in settled}
        self._inside = {
            (model, direction, modality)
            for model, direction, modality in before
            if "" in (own := self._own.get((model, direction), set())) and modality not in own
        }
        """Modalities that were counted while only the plain line was billed: it covers them."""
        seen = before | {(self.model(model), *cell) for model, cell in current}
        self._parts: dict[str, set[str]] = {}
        for model, direction, modality in seen:
            meter = self.of(model, (direction, modality))
            self._parts.setdefault(meter.model, set()).add(meter.part)
        self._of_line = {item: self._resolve(line) for item, line in read.items() if line is not None}
        self._surfaced = {item for item, line in read.items() if line is not None and line.surface}

    def model(self, name: str) -> str:
        """Return the name that bills have for usage's model: a fine-tuned one's base, a dated one's alias."""
        if name in self._billed:
            return name
        if name.startswith("ft:"):
            name = f"ft-{name.split(':')[1]}"
        undated = _DATED.sub("", name)
        if undated in self._billed:
            return undated
        alike = self._undated.get(undated, set())
        return next(iter(alike)) if undated == name and len(alike) == 1 else name

    def of(self, model: str, cell: Cell) -> Meter:
        """Return the meter that counts a cell of usage's model."""
        known = self._of_cell.get((model, cell))
        if known is None:
            known = self._of_cell[model, cell] = self._read(model, cell)
        return known

    def _read(self, model: str, cell: Cell) -> Meter:
        direction, modality = cell
        if direction in TOOLS:
            return Meter("", direction)
        model = self.model(model)
        own = self._own.get((model, direction), set())
        apart = modality in {"audio", "image"} and (model, direction, modality) not in self._inside
        if modality and (modality in own or apart):
            direction = f"{modality} {direction}"
        return Meter(model, direction)

    def of_line(self, line_item: str) -> Meter | None:
        """Return the meter that drives a line item; None when usage counts nothing of it."""
        return self._of_line.get(line_item)

    def has_surface(self, line_item: str) -> bool:
        """Tell whether a line is billed apart for where the work was asked: `evals | gpt-5.2, input`."""
        return line_item in self._surfaced

    def _resolve(self, line: Line) -> Meter | None:
        if line.direction in TOOLS:
            return Meter("", line.direction)
        counted_parts = self._parts.get(line.model, set())
        exact = f"{line.modality} {line.direction}".strip()
        for part in (exact, *_ALONE, *((INPUT,) if not line.direction else ())):
            if part in counted_parts:
                return Meter(line.model, part)
        # Nobody used it in these days: it stays what it says, so that a bill of it is not taken for another's.
        return Meter(line.model, exact) if line.direction else None
