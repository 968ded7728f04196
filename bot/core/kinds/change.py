"""`kind: change`: the newest settled days against as many before them.

- id: project-week
  kind: change
  each: project
  window: 7d
  when: {increase: 40%, at_least: $250}
  critical_above: $5,000

Both of `when` must hold. The window ends with the newest settled day and moves on with it. Of a level (bytes
stored) the highest day of each window counts. A group whose first spend is within the two windows is learning,
and so is one whose window before came to less than `min_base`: of nothing, everything is infinitely more.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from bot.core.incident import Finding, Reason, Unjudged
from bot.core.metrics import METRICS
from bot.core.money import NANO, show_usd
from bot.core.needs import Needs
from bot.core.period import DAY, Span, show_day
from bot.core.rules.book import Rule, Threshold
from bot.core.rules.comparing import (
    DECREASE,
    INCREASE,
    WINDOW,
    fell,
    in_unit,
    moved,
    rose,
)
from bot.core.rules.fields import QUANTITY
from bot.core.rules.metric_keys import METRIC, check_dimensions, unit_of_metric
from bot.core.rules.nodes import Node
from bot.core.rules.problems import Problems
from bot.core.rules.rule_keys import (
    COMMON,
    CRITICAL_ABOVE,
    FOR,
    SEVERITY_KEY,
    Common,
    as_kind,
    selected_names,
)
from bot.core.rules.sections import Setting
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Field, Key, Table, Values
from bot.core.settled import Comparing, Settled, looked_from, settled, tells
from bot.core.spend import Group
from bot.core.units import USD, Unit
from bot.core.view import COST, View, is_money

ABOUT = "The newest settled days against as many before them."

SEEN_BEFORE = 28 * DAY
"""So long before the two windows a group may have spent first, and need not have spent since, to be no new one."""
MIN_BASE = 10 * NANO

_AT_LEAST = Key("at_least", QUANTITY, "And by so much, in dollars or in what the metric counts.")
_WHEN_KEYS = Table(INCREASE, DECREASE, _AT_LEAST)


class When(NamedTuple):
    """What `when` says: a percentage, and an amount in billionths of what is not known yet."""

    percent: str
    falls: bool
    at_least: int | None
    place: Node


def _when(node: Node, name: str, problems: Problems) -> When | None:
    values = _WHEN_KEYS.read(node, f'"{name}"', problems)
    if values is None:
        return None
    if values.has(INCREASE) and values.has(DECREASE):
        problems.add(
            "B033", values.at(DECREASE), '"when" takes increase or decrease: write two rules for both'
        )
        return None
    falls = values.has(DECREASE)
    if not falls and not values.has(INCREASE):
        problems.add("B010", node, '"when" needs "increase" or "decrease": a percentage like 40%')
        return None
    percent = values[DECREASE if falls else INCREASE]
    return When(percent, falls, values[_AT_LEAST], values.at(_AT_LEAST)) if percent else None


WHEN = Key(
    "when",
    Field(_when, _WHEN_KEYS.schema),
    "By how much it must have changed: {increase: 40%, at_least: $250}, both of it; or decrease.",
    required="by how much it must change, like {increase: 40%, at_least: $250}",
)
MIN_BASE_KEY = Key(
    "min_base",
    QUANTITY,
    "Percentages of less than this mean nothing: the group is learning. $10 if left out, and for usage 1.",
)

KEYS = Table(*COMMON, METRIC, WINDOW, WHEN, MIN_BASE_KEY, SEVERITY_KEY, CRITICAL_ABOVE, FOR)


@dataclass(frozen=True, slots=True)
class Change(Comparing):
    """The newest settled days against as many before them."""

    window: int = 7
    percent: str = "0"
    """By how much it changes, exact decimal text."""
    falls: bool = False
    """It must be less instead of more."""
    at_least: int = 0
    """And by so much, in the metric's unit."""
    min_base: int = MIN_BASE
    counts: Unit = USD

    @property
    def unit(self) -> Unit:
        return self.counts

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """Return its levels: `+40%`, and what makes that critical."""
        sign = "-" if self.falls else "+"
        percent = moved(self.percent, up=not self.falls)
        level = Threshold(f"{sign}{self.percent}%", self.severity, percent=percent)
        if not self.critical_above:
            return (level,)
        over = show_usd(self.critical_above, cents=self.critical_above % NANO != 0)
        return (level, Threshold(f"{over} over", "critical", at_nano=self.critical_above, over=True))

    @property
    def back(self) -> timedelta:
        """Return how much before a day its two windows begin."""
        return (2 * self.window - 1) * DAY

    def holds(self, value: int, base: int) -> bool:
        """Tell whether a window's figure is that much more, or less, than the one before."""
        if self.falls:
            return fell(value, base, self.percent) and base - value >= self.at_least
        return rose(value, base, self.percent) and value - base >= self.at_least


def parse(values: Values, common: Common, _setting: Setting, problems: Problems) -> Change:
    """Return the rule that the values describe; what was wrong is told and left at its default."""
    metric = values.get(METRIC, COST)
    check_dimensions(values, (metric,), problems)
    when = values[WHEN]
    if common.critical_above and not is_money(metric):
        problems.add("B033", values.at(CRITICAL_ABOVE), '"critical_above" is in dollars')
    elif common.critical_above and when and when.falls:
        problems.add("B033", values.at(CRITICAL_ABOVE), '"critical_above" is for an increase')
    return as_kind(
        Change,
        common,
        metric=metric,
        counts=unit_of_metric(metric),
        window=values.get(WINDOW, timedelta(days=7)).days,
        percent=when.percent if when else "0",
        falls=when.falls if when else False,
        at_least=in_unit(when.at_least, metric, when.place, problems) if when else 0,
        min_base=in_unit(
            values.get(MIN_BASE_KEY, MIN_BASE if is_money(metric) else NANO),
            metric,
            values.at(MIN_BASE_KEY),
            problems,
        ),
    )


def mentions(values: Values, _rule: Rule) -> Iterator[Mention]:
    """Yield the names that the selectors write out."""
    return selected_names(values)


def summary(rule: Change) -> str:
    """Return what it asks: `40% and $250 more than the 7 days before`."""
    least = f" and {_round(rule.at_least, rule.unit)}" if rule.at_least else ""
    days = f"the {rule.window} days before" if rule.window > 1 else "the day before"
    return f"{rule.percent}%{least} {'less' if rule.falls else 'more'} than {days}"


# -- the arithmetic ------------------------------------------------------------------------------------


def needs(rule: Change, now: datetime) -> Needs:
    """Return what must be known to judge it: the windows of every judged day, and who spent before them."""
    first = looked_from(rule, now, rule.back + (rule.hold_days - 1) * DAY + SEEN_BEFORE)
    return Needs(first, (), first, frozenset((rule.metric,)))


def judge(
    rule: Change, view: View, now: datetime, watched: Collection[Group] | None = None
) -> Iterator[Finding | Unjudged]:
    """Say how each group's window compares on each of the last settled days.

    With `watched`, a group that has not changed so much is told of only if it is one of those.
    """
    known = settled(rule, view, (rule.metric,), now, rule.back)
    if isinstance(known, Unjudged):
        yield known
        return
    known = known.since(known.judged[0] - rule.back - (rule.hold_days - 1) * DAY - SEEN_BEFORE)
    levels = rule.thresholds
    for group, (row,) in known.rows([view.days(rule.metric, rule.scope)], rule, watched):
        windows = Windows(rule, known, row)
        # Where one day is true every day is told: the newest tells whether it is over.
        told = tells(group, watched) or any(map(windows.true_on, known.judged))
        why = windows.learning(known.newest)
        if why and watched is None and windows.spent:
            yield Unjudged(rule.id, group, "learning", why, Span(known.newest, known.until))
        for day in known.judged:
            over = Span(day - (rule.window - 1) * DAY, day + DAY)
            value, base = windows.at(day)
            true = windows.true_on(day)
            holds = true and all(windows.true_on(day - place * DAY) for place in range(1, rule.hold_days))
            if not true and (not told or (why and watched is None)):
                continue
            holding = tuple(
                level.label for level in levels if holds and (not level.over or value >= level.at(base))
            )
            yield Finding(
                rule, group, Span(day, day + DAY), value, base, levels, known.closed(day),
                holding=holding, over=over, pending=true and not holds,
            )  # fmt: skip


class Windows:
    """The sums of one group's trailing windows."""

    def __init__(self, rule: Change, known: Settled, row: Sequence[int]) -> None:
        self._rule = rule
        self._known = known
        self._row = row
        metric = METRICS.get(rule.metric)
        self._level = metric is not None and metric.level
        self._before = [0, *accumulate(row)]
        self._launch = next((place for place, value in enumerate(row) if value), len(row))

    @property
    def spent(self) -> bool:
        """Tell whether there is anything in the newest two windows."""
        value, base = self.at(self._known.newest)
        return bool(value or base)

    def at(self, day: date) -> tuple[int, int]:
        """Return the window that ends with a day, and the one before it."""
        end = self._known.place(day) + 1
        return self._sum(end - self._rule.window, end), self._sum(
            end - 2 * self._rule.window, end - self._rule.window
        )

    def learning(self, day: date) -> str:
        """Return why a day's two windows are not compared; '' where they are."""
        rule = self._rule
        first = self._known.place(day - rule.back)
        if first < 0:
            return str(Reason.LEARNING)
        if self._launch > first:
            since = self._known.first + self._launch * DAY
            return f"{Reason.LEARNING}: nothing before {show_day(since)}, needs {show_day(day - rule.back)}"
        _, base = self.at(day)
        if base < max(rule.min_base, 1):
            had, least = rule.unit.show(base), _round(rule.min_base, rule.unit)
            return f"{Reason.LEARNING}: {had} in the days before, needs {least}"
        return ""

    def true_on(self, day: date) -> bool:
        """Tell whether the rule's condition is true on a day, however long."""
        return not self.learning(day) and self._rule.holds(*self.at(day))

    def _sum(self, start: int, end: int) -> int:
        if self._level:
            return max(self._row[max(start, 0) : end], default=0)
        return self._before[end] - self._before[max(start, 0)]


def _round(amount: int, unit: Unit) -> str:
    return unit.show(amount, cents=amount % unit.scale != 0)
