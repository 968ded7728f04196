"""Spend and what the judge says → where every rule and group is by arithmetic alone, whatever people were told."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from bot.core.evaluate import Evaluation, evaluate
from bot.core.groups import fold
from bot.core.incident import Finding, Unjudged
from bot.core.kinds import KINDS
from bot.core.kinds.budget import amount_of, levels_of
from bot.core.kinds.freshness import allowed
from bot.core.needs import inactive, learning
from bot.core.period import Span
from bot.core.readiness import unready
from bot.core.rules.book import Budget, Rule, Rulebook, rank
from bot.core.rules.select import Scope
from bot.core.spend import Group
from bot.core.status import State
from bot.core.view import COST, View

Key = tuple[str, Group]
Rank = tuple[int, int, float, str, Group]
"""How bad a place is: the worst sorts first."""

ORDER: tuple[State, ...] = ("firing", "error", "nodata", "pending", "ok", "learning", "inactive", "ended")
FIRING, OK = ORDER.index("firing"), ORDER.index("ok")


class Place(NamedTuple):
    """A rule and group with its figures, not yet put into words: a reader sees twenty of a hundred thousand."""

    rule: Rule
    group: Group
    span: Span
    value: int
    amount: int
    found: Finding | None = None
    """What the judge said, where it was asked for every group."""

    @property
    def finding(self) -> Finding:
        """Return what the judge said, or would say."""
        if self.found is not None:
            return self.found
        assert isinstance(self.rule, Budget)
        levels = levels_of(self.rule, self.amount)
        return Finding(self.rule, self.group, self.span, self.value, self.amount, levels, closed=False)


def spans_needed(book: Rulebook, now: datetime) -> tuple[Span, ...]:
    """Return the spans at which a scan must be cut: the current periods, and the ones before.

    Who spent in the period before is watched, even if it spends nothing now.
    """
    spans: dict[Span, None] = {}
    for rule, current in _current(book, now):
        spans[current] = None
        if rule.scope.each and (earlier := rule.period.before(current)) is not None:
            spans[earlier] = None
    return tuple(spans)


def judged(book: Rulebook) -> Rulebook:
    """Return the book with those rules alone that the judge is asked about: the others are sums against a table."""
    return replace(book, rules=tuple(rule for rule in book.rules if not _is_plain(rule)))


@dataclass(frozen=True, slots=True)
class Places:
    """What is known of spending where places are looked for; what was added up once is kept."""

    book: Rulebook
    view: View
    """Its cost is cut at `spans_needed`, and for the rules of `judged`."""
    now: datetime
    _sums: dict[tuple[Scope, Span], dict[Group, int]] = field(init=False, default_factory=dict)
    _dear: list[Evaluation] = field(init=False, default_factory=list)

    def found(self) -> tuple[list[tuple[Rank, Place]], list[Unjudged]]:
        """Return every rule and group that has an amount, and how bad it is; and what cannot be judged."""
        judged_all = self._judged()
        unjudged = [*self._why_not(), *judged_all.unjudged]
        skipped = {each.rule_id for each in unjudged if each.group is None}
        places = [
            ranked
            for rule, current in _current(self.book, self.now)
            if rule.id not in skipped
            for ranked in self._places(rule, current)
        ]
        return [*places, *_newest(judged_all.findings)], unjudged

    def _why_not(self) -> Iterator[Unjudged]:
        """Yield why a budget is not judged now."""
        fresh = allowed(self.book, self.now)
        for rule in self.book.rules:
            if not rule.active_on(self.now.date()):
                yield Unjudged(rule.id, None, "inactive", inactive(rule))
            elif isinstance(rule, Budget) and _is_plain(rule):
                wanted = KINDS[rule.kind].needs(rule, self.now)
                held = unready(rule, wanted, fresh, self.view, self.now)
                if held is not None:
                    yield held
                    continue
                current = rule.period.containing(self.now.date())
                begins = self.view.cost.history_from
                if current is not None and (begins is None or current.start < begins):
                    yield Unjudged(rule.id, None, "learning", learning(begins, current.start), current)

    def _judged(self) -> Evaluation:
        """Return what the judge says of the rules whose arithmetic is dearer than a sum, asked once."""
        if not self._dear:
            self._dear.append(self._evaluated())
        return self._dear[0]

    def _evaluated(self) -> Evaluation:
        today = self.now.date()
        dear = tuple(rule for rule in judged(self.book).rules if rule.active_on(today))
        return evaluate(replace(self.book, rules=dear), self.view, self.now) if dear else Evaluation()

    def _places(self, rule: Budget, current: Span) -> Iterator[tuple[Rank, Place]]:
        """Yield every group that has an amount, and how bad it is."""
        sums = self._within(rule.scope, current)
        folded = len(sums) > rule.limit
        levels: dict[int, list[tuple[int, int]]] = {}
        amounts: dict[str, int | None] = {}
        same_for_all = [pattern for pattern, _ in rule.amount.entries] == [None]
        for group, value in self._groups(rule, current, sums) if not folded else fold(sums, rule.limit):
            first = group[0] if group and not same_for_all else ""
            if first not in amounts:
                amounts[first] = amount_of(rule, group, self.view.cost.names, self.view.limits, current)
            amount = amounts[first]
            if amount is None:
                continue
            if amount not in levels:
                levels[amount] = sorted((level.at(amount), rank(level.severity)) for level in rule.thresholds)
            gravest = -1
            for at, grave in levels[amount]:
                if not 0 < value >= at:
                    break
                gravest = max(gravest, grave)
            order = FIRING if gravest >= 0 else OK
            place = Place(rule, group, current, value, amount)
            yield (order, -gravest, -share(value, amount), rule.id, group), place

    def _groups(self, rule: Budget, current: Span, sums: Mapping[Group, int]) -> Iterator[tuple[Group, int]]:
        """Yield what was spent by group, and nothing for those that were there before, or have a name in the rule."""
        yield from sums.items()
        seen = set(sums)
        for group in self._quiet(rule, current):
            if group not in seen and len(seen) < rule.limit:
                seen.add(group)
                yield group, 0

    def _quiet(self, rule: Budget, current: Span) -> Iterator[Group]:
        each = rule.scope.each
        if not each:
            yield ()
            return
        earlier = rule.period.before(current)
        if earlier is not None:
            yield from self._within(rule.scope, earlier)
        if set(rule.scope.dimensions) == set(each) and len(each) == 1:
            patterns = [pattern for pattern, _ in rule.amount.entries if pattern and not pattern.regex]
            named = [pattern for pattern in patterns if not set(pattern.text) & {"*", "?"}]
            for (dimension, value), name in self.view.cost.names.current.items() if named else ():
                meant = dimension == each[0] and any(pattern.matches(value, name) for pattern in named)
                if meant and rule.scope.admits({dimension: value}, self.view.cost.names.of):
                    yield (value,)

    def _within(self, scope: Scope, span: Span) -> dict[Group, int]:
        # Many rules look at the same groups: they are added up once.
        key = (scope, span)
        if key not in self._sums:
            self._sums[key] = self.view.cost.within(scope, span)
        return self._sums[key]


def _current(book: Rulebook, now: datetime) -> Iterator[tuple[Budget, Span]]:
    today = now.date()
    for rule in book.rules:
        if isinstance(rule, Budget) and _is_plain(rule) and rule.active_on(today):
            current = rule.period.containing(today)
            if current is not None:
                yield rule, current


def _is_plain(rule: Rule) -> bool:
    """Tell whether a rule's state is a sum against a table: told of a hundred thousand groups at once."""
    return (
        isinstance(rule, Budget)
        and rule.metric == COST
        and not rule.foresees
        and not rule.amount.by_hard_limit
        and rule.hold_days == 1
    )


def _newest(findings: Iterable[Finding]) -> Iterator[tuple[Rank, Place]]:
    """Yield the newest judged span of each rule and group, and how bad it is."""
    newest: dict[Key, Finding] = {}
    for finding in findings:
        key = (finding.rule.id, finding.group)
        current = not finding.closed or finding.rule.shape == "now"
        if current and (key not in newest or newest[key].span.start <= finding.span.start):
            newest[key] = finding
    for finding in newest.values():
        order = FIRING if finding.foremost else ORDER.index("pending") if finding.pending else OK
        part = share(finding.value, finding.amount)
        place = Place(finding.rule, finding.group, finding.span, finding.value, finding.amount, finding)
        yield (order, -rank(finding.severity or ""), -part, finding.rule.id, finding.group), place


def share(value: int, amount: int) -> float:
    """Return which part of an amount a value is; anything is infinitely much of nothing."""
    return value / amount if amount else float("inf") if value > 0 else 0.0
