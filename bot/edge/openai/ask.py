"""A question to one source, refused before it is sent when the source does not offer it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.errors import Misused
from bot.edge.openai.sources import SECONDS, SOURCES, VALUES, Source

ARRAY = ""
"""What follows a repeated key in a query: nothing is the specification's form, `[]` the official
client's. Both are served today; this is the place to change should one of them end. Commas never:
line items contain them."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What to read from one source: `start` to before `end`, both UTC and aligned to `width`.

    `limit` overrides how many buckets a page is asked for. Raises Misused, naming what the source
    does offer, when it does not offer this. Costs take user_id together with project_id only from some
    organizations: that is for the server to say, with 400.
    """

    source: str
    start: datetime
    end: datetime
    width: str = "1d"
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...] | bool] = field(default_factory=dict)
    limit: int | None = None

    def __post_init__(self) -> None:
        source = SOURCES.get(self.source)
        if source is None:
            raise Misused(f"There is no source {self.source!r}.", f"OpenAI offers {_listed(SOURCES)}.")
        if self.width not in source.widths:
            raise Misused(
                f"{self.source} has no buckets of {self.width!r}.",
                f"It offers {_listed(source.widths)}.",
            )
        _check_grouping(source, self.group_by)
        for name, value in self.filters.items():
            _check_filter(source, name, value)
        _check_span(self)
        largest = source.widths[self.width].largest
        if self.limit is not None and not 1 <= self.limit <= largest:
            raise Misused(
                f"{self.source} cannot give {self.limit} buckets of {self.width} on a page.",
                f"It offers 1 to {largest}.",
            )

    @property
    def step(self) -> int:
        """Return how many seconds a bucket is long."""
        return SECONDS[self.width]

    @property
    def length(self) -> int:
        """Return how many buckets the span holds."""
        return (epoch(self.end) - epoch(self.start)) // self.step

    @property
    def largest(self) -> int:
        """Return how many buckets the source gives on a page at most."""
        return SOURCES[self.source].widths[self.width].largest


def query(ask: Ask, limit: int, page: str | None = None) -> list[tuple[str, str]]:
    """Return the pairs of the query string: arrays as a repeated key, nothing empty, nothing absent."""
    pairs = [
        ("start_time", str(epoch(ask.start))),
        ("end_time", str(epoch(ask.end))),
        ("bucket_width", ask.width),
        ("limit", str(limit)),
    ]
    pairs += [(f"group_by{ARRAY}", value) for value in ask.group_by]
    for name, wanted in ask.filters.items():
        if isinstance(wanted, bool):
            pairs.append((name, str(wanted).lower()))
        else:
            pairs += [(f"{name}{ARRAY}", value) for value in wanted]
    if page is not None:
        pairs.append(("page", page))
    return pairs


def epoch(instant: datetime) -> int:
    """Return the Unix seconds of an aware instant."""
    return int(instant.timestamp())


def _check_grouping(source: Source, group_by: tuple[str, ...]) -> None:
    if len(set(group_by)) != len(group_by):
        raise Misused(f"{source.name} cannot be grouped by {group_by!r}.", "Name each dimension once.")
    for dimension in group_by:
        if dimension not in source.group_by:
            raise Misused(
                f"{source.name} cannot be grouped by {dimension!r}.",
                f"It offers {_listed(source.group_by)}.",
            )


def _check_filter(source: Source, name: str, value: object) -> None:
    if name not in source.filters:
        raise Misused(
            f"{source.name} cannot be filtered by {name!r}.", f"It offers {_listed(source.filters)}."
        )
    if name == "batch":
        if not isinstance(value, bool):
            raise Misused(f"The filter batch of {source.name} is not {value!r}.", "It takes true or false.")
        return
    if not isinstance(value, tuple) or not value or not all(isinstance(one, str) and one for one in value):
        raise Misused(
            f"The filter {name} of {source.name} is empty or no list of texts.",
            "Leave the filter out to keep everything.",
        )
    if name in VALUES and (unknown := [one for one in value if one not in VALUES[name]]):
        raise Misused(
            f"The filter {name} of {source.name} has no {unknown[0]!r}.",
            f"It offers {_listed(VALUES[name])}.",
        )


def _check_span(ask: Ask) -> None:
    for edge, instant in (("start", ask.start), ("end", ask.end)):
        if instant.utcoffset() != timedelta(0):
            raise Misused(
                f"The {edge} of a span of {ask.source} is not in UTC.",
                "Buckets are UTC: give an aware UTC instant.",
            )
        if instant.microsecond or epoch(instant) % ask.step:
            raise Misused(
                f"{instant:%Y-%m-%dT%H:%M:%S}Z is not where a bucket of {ask.width} begins.",
                "A clipped bucket would count a part as a whole: align the span.",
            )
    if ask.start >= ask.end:
        raise Misused(
            f"The span of {ask.source} ends before it begins.",
            "The end is exclusive: for today it is tomorrow's midnight.",
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
