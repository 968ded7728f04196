"""What is known at an instant: everything a rule may look at."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from bot.core.limits import Limits
from bot.core.live.estimate import Estimates
from bot.core.metrics import metric_named
from bot.core.period import Span
from bot.core.rules.select import Scope
from bot.core.spend import Group, Names, Spend

COST, LIVE = "cost", "spend"
"""Metrics that are money: billed, and billed with estimates of what is not billed yet."""


@dataclass(frozen=True, slots=True)
class Source:
    """How fresh a source is."""

    name: str
    read_at: datetime | None = None
    """When it was last read completely."""
    newest: date | None = None
    """The newest day of which it has any figures."""
    refused: tuple[str, ...] = ()
    """Dimensions the organization's API does not tell apart, in the wire's words."""
    asked_at: datetime | None = None
    """When it was first asked for, where it was never read."""
    missed: bool = False
    """The poll that is judged could not read it completely: what is stored of it is older."""


@dataclass(frozen=True, slots=True)
class Daily:
    """Figures by day for each group: `values[group][place]` belongs to `first` + place days."""

    first: date
    values: Mapping[Group, Sequence[int]]
    days: int

    def of(self, group: Group) -> Sequence[int]:
        """Return a group's days; zeros for one that has none."""
        return self.values.get(group) or [0] * self.days

    def place(self, day: date) -> int:
        """Return where a day stands; it may lie outside."""
        return (day - self.first).days


class Total(NamedTuple):
    """What the groups of a scope come to over a span."""

    groups: dict[Group, int]
    highest: int
    """What the largest comes to; 0 where there is none."""


@dataclass(slots=True)
class Totals:
    """What the groups of a scope come to over any span: many rules ask the same, and it is added up once."""

    source: Spend | None
    scope: Scope
    by_day: bool
    """They are known day by day, up to the last one of the source."""
    known: dict[Span, Total] = field(default_factory=dict)

    def over(self, span: Span) -> Total:
        """Return the sum of each group over a span."""
        found = self.known.get(span)
        if found is None:
            source, groups = self.source, dict[Group, int]()
            if source is not None:
                groups = source.within(self.scope, reached(source, span) if self.by_day else span)
            found = self.known[span] = Total(groups, max(groups.values(), default=0))
        return found


@dataclass(frozen=True)
class View:
    """Cost and usage, live spend, OpenAI's limits and the age of every source."""

    cost: Spend
    """Billed, cut where the budgets need it."""
    daily: Spend | None = None
    """Billed, cut at every UTC day some rule looks at one by one."""
    usage: Mapping[str, Spend] = field(default_factory=dict)
    """Metric's wire name → its daily figures, integers."""
    live: Spend | None = None
    """Billed where settled, estimated where not; daily."""
    estimated: Spend | None = None
    """The part of `live` that is estimated."""
    unpriced: Mapping[str, Spend] = field(default_factory=dict)
    """Use that is not in `live`, because nothing tells its price: `images of gpt-image-9` → its counts."""
    estimates: Estimates | None = None
    """Every line that `live` was made of."""
    limits: Limits = field(default_factory=Limits)
    sources: Mapping[str, Source] = field(default_factory=dict)
    asked: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)
    """What was worked out of it once, by the question: the next that asks it is a rule that asks the same."""
    _days: dict[tuple[str, Scope], Daily | None] = field(default_factory=dict, repr=False, compare=False)
    _sums: dict[tuple[str, Scope], Totals] = field(default_factory=dict, repr=False, compare=False)

    @property
    def names(self) -> Names:
        return self.cost.names

    @property
    def history_from(self) -> date | None:
        """Return the first day whose costs are stored without a hole up to now."""
        return self.cost.history_from

    def spend(self, metric: str) -> Spend | None:
        """Return the daily figures of a metric; None where nothing of it is known."""
        if metric == COST:
            return self.daily
        if metric == LIVE:
            return self.live
        return self.usage.get(metric)

    def totals(self, metric: str, scope: Scope) -> Totals:
        """Return what adds up a metric of a scope over spans."""
        found = self._sums.get((metric, scope))
        if found is None:
            billed = metric == COST
            found = Totals(self.cost if billed else self.spend(metric), scope, not billed)
            self._sums[metric, scope] = found
        return found

    def within(self, metric: str, scope: Scope, span: Span) -> dict[Group, int]:
        """Return the sum of each group over a span."""
        return self.totals(metric, scope).over(span).groups

    def reached(self, metric: str, span: Span) -> Span:
        """Return the part of a span that daily figures reach: nothing is known of the days to come."""
        return reached(None if metric == COST else self.spend(metric), span)

    def estimated_within(self, scope: Scope, group: Group, span: Span) -> int:
        """Return how much of a group's live spend is only estimated."""
        if self.estimated is None:
            return 0
        return self.estimated.within(scope, self.reached(LIVE, span)).get(group, 0)

    def has_no_price(self, scope: Scope, group: Group, span: Span) -> tuple[str, ...]:
        """Return what a group used that no figure of live spend contains: `12 images of gpt-image-9`."""
        found = {
            words: counts.within(scope, self.reached(LIVE, span)).get(group, 0)
            for words, counts in self.unpriced.items()
        }
        return tuple(f"{count:,} {words}" for words, count in found.items() if count > 0)

    def days(self, metric: str, scope: Scope) -> Daily | None:
        """Return what each group of `scope` came to on each known day; None where nothing is known."""
        key = (metric, scope)
        if key not in self._days:
            self._days[key] = _days(self.spend(metric), scope)
        return self._days[key]

    def widest(self) -> Mapping[Scope, int]:
        """Return how many groups each scope that was looked at has, at most."""
        found: dict[Scope, int] = {}
        for (_, scope), totals in self._sums.items():
            widest = max((len(total.groups) for total in totals.known.values()), default=0)
            found[scope] = max(found.get(scope, 0), widest)
        for (_, scope), days in self._days.items():
            found[scope] = max(found.get(scope, 0), len(days.values) if days else 0)
        return found


def reached(source: Spend | None, span: Span) -> Span:
    """Return the part of a span that the figures of a source reach."""
    if source is None or not source.cuts:
        return span
    return Span(min(span.start, source.cuts[-1]), min(span.end, source.cuts[-1]))


def _days(source: Spend | None, scope: Scope) -> Daily | None:
    if source is None or len(source.cuts) < 2:
        return None
    return Daily(source.cuts[0], source.days(scope), len(source.cuts) - 1)


def is_money(metric: str) -> bool:
    """Tell whether a metric is dollars."""
    return metric in (COST, LIVE)


def words_of(metric: str) -> str:
    """Return what people call a metric: `cost`, `input tokens`."""
    known = metric_named(metric)
    return known.words if known else metric
