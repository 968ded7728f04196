"""Why a rule cannot be judged by what it reads: refused by the organization's API, or too old."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from bot.core.dimension import NAMED_BY_ID
from bot.core.incident import Reason, Unjudged
from bot.core.kinds import KINDS
from bot.core.kinds.freshness import COSTS, KIND_OF, ages, allowed, instant
from bot.core.live.meters import SOURCES as PRICED
from bot.core.metrics import METRICS
from bot.core.needs import Needs
from bot.core.rules.book import Rule, Rulebook
from bot.core.view import COST, LIVE, Source, View

COMPARING = ("change", "anomaly", "ratio", "first_seen")
"""Kinds that late costs mislead: a budget only counts too little."""
COLUMN_OF = {**NAMED_BY_ID, "service_tier": "service_tier"}
"""Dimensions that an organization's API may refuse, and the wire's word for each."""


def unready(
    rule: Rule, wanted: Needs, fresh: tuple[timedelta, timedelta], view: View, now: datetime
) -> Unjudged | None:
    """Return why a rule that needs `wanted` is not judged; None when it can be.

    `fresh` says how old polls and data may be (`freshness.allowed`).

    What is open stays as it is, and nothing is said of the rule: what is stale is said once, by the freshness.
    """
    sources = known_sources(wanted, view)
    return refused(rule, sources) or late(rule, sources, fresh, view, now)


def refused(rule: Rule, sources: Iterable[Source]) -> Unjudged | None:
    """Return why a rule is not judged that takes apart what some of the sources it reads do not."""
    for source in sources:
        for dimension in rule.scope.dimensions:
            if COLUMN_OF.get(dimension) in source.refused:
                return Unjudged(rule.id, None, "error", _refused(dimension, source))
    return None


def late(
    rule: Rule, sources: Collection[Source], fresh: tuple[timedelta, timedelta], view: View, now: datetime
) -> Unjudged | None:
    """Return why a rule is not judged whose sources are too old; the same for all rules that are alike."""
    poll, data = fresh
    for source in sources:
        if source.missed:
            why = f"{Reason.STALE}: {_called(source)} could not be read by this poll"
            return Unjudged(rule.id, None, "nodata", why)
        if source.read_at is not None and now - source.read_at >= poll:
            why = f"{Reason.STALE}: {_called(source)} last read on {instant(source.read_at)}"
            return Unjudged(rule.id, None, "nodata", why)
    if rule.kind in COMPARING and any(source.name == COSTS for source in sources):
        for age in ages(view.sources, now, poll, data):
            if age.stale:
                return Unjudged(rule.id, None, "nodata", f"{Reason.STALE}: {age.said}")
    return None


def any_ready(book: Rulebook, missed: Collection[str], now: datetime) -> bool:
    """Tell whether some rule about figures reads none of the sources that were missed."""
    today = now.astimezone(UTC).date()
    return any(
        rule.kind != KIND_OF and set(missed).isdisjoint(sources_of(KINDS[rule.kind].needs(rule, now)))
        for rule in book.rules
        if rule.active_on(today)
    )


def stale_usage(book: Rulebook, sources: Mapping[str, Source], now: datetime) -> tuple[str, ...]:
    """Return the usage that some rule reads and that could not be read for so long that the rule waits."""
    poll, _ = allowed(book, now)
    today = now.astimezone(UTC).date()
    read = dict.fromkeys(
        name
        for rule in book.rules
        if rule.active_on(today)
        for name in sources_of(KINDS[rule.kind].needs(rule, now))
        if name != COSTS and name in sources
    )
    known = {name: sources[name].read_at for name in read}
    return tuple(sorted(name for name, at in known.items() if at is not None and now - at >= poll))


def known_sources(wanted: Needs, view: View) -> tuple[Source, ...]:
    """Return the sources that a rule reads, of those that are known."""
    return tuple(view.sources[name] for name in sources_of(wanted) if name in view.sources)


def sources_of(wanted: Needs) -> tuple[str, ...]:
    """Return the sources of what a rule needs, costs first: live spend is made of costs and of what they follow."""
    names = [source for name in sorted(wanted.metrics & METRICS.keys()) for source in METRICS[name].sources]
    if LIVE in wanted.metrics:
        names += PRICED
    if wanted.spans or wanted.metrics & {COST, LIVE}:
        names.insert(0, COSTS)
    return tuple(dict.fromkeys(names))


def _refused(dimension: str, source: Source) -> str:
    told = _called(source)
    word = dimension.replace("_", " ")
    return (
        f"OpenAI does not tell {told} by {word} to this organization: "
        f"take {dimension} out of the rule, or ask OpenAI to allow it"
    )


def _called(source: Source) -> str:
    return "costs" if source.name == COSTS else f"usage of {source.name.replace('_', ' ')}"
