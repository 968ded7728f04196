"""`kind: anomaly`: a settled day that is unusual for its series, its noise and its weekday.

- id: unusual-spend
  kind: anomaly
  each: [project, model]
  at_most: 3 per week
  ignore_below: 1% of org
  critical_above: $1,000

`bot.core.unusual` scores the days and says what was expected. A day speaks when its score reaches the rule's
threshold and its figure is not to be ignored. The threshold of a day is the lowest, never below the base, at
which the rule would have spoken no more often than `at_most` over the eight weeks up to that day, over all its
groups: it rests on nothing later, so that what was said once stays true. High days with at most one normal day
between them are one episode, which is one incident; after fourteen days it is accepted as the usual level, and
the note says so. Nothing is scored with fewer than fourteen days before it: the group is learning.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from bot.core.incident import Finding, Unjudged
from bot.core.money import NANO, show_usd
from bot.core.needs import Needs
from bot.core.period import DAY, Span, show_day
from bot.core.rules.book import Rule, Threshold
from bot.core.rules.comparing import PERCENT, in_unit, parts_of
from bot.core.rules.fields import QUANTITY, from_text
from bot.core.rules.metric_keys import METRIC, check_dimensions, unit_of_metric
from bot.core.rules.nodes import Node, Scalar
from bot.core.rules.problems import Problems, quoted
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
from bot.core.rules.select import Scope
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Field, Key, Table, Values
from bot.core.scoring import Series, Thresholds
from bot.core.settled import Comparing, Settled, looked_from, settled, tells
from bot.core.spend import Group
from bot.core.units import USD, Unit
from bot.core.unusual import ACCEPTED_AFTER, LOOKED_BACK, NEEDS_HISTORY, WINDOWS, Stretch
from bot.core.view import COST, View, is_money

ABOUT = "A settled day that is unusual for its series, its noise and its weekday."

UNUSUAL = "unusual"
EACH_DAYS = 28
"""Scoring begins at a multiple of so many days: a beginning that moved with every day would move old scores."""
LOOKS_BACK = (LOOKED_BACK + WINDOWS[-1] + NEEDS_HISTORY) * DAY
"""Eight weeks that `at_most` looks over, whose first days are held against four weeks of fourteen days' history."""
WEEKS = {"day": 7.0, "week": 1.0, "month": 12 * 7 / 365}


class Rate(NamedTuple):
    """What `at_most` says."""

    times: int
    per: str

    @property
    def a_week(self) -> float:
        return self.times * WEEKS[self.per]

    def __str__(self) -> str:
        return f"{self.times} per {self.per}"


THREE_A_WEEK = Rate(3, "week")


def _rate(text: str) -> Rate | None:
    match = re.fullmatch(r"\s*([0-9]{1,4})\s+per\s+(day|week|month)\s*", text)
    return Rate(int(match[1]), match[2]) if match and int(match[1]) else None


class Ignored(NamedTuple):
    """What `ignore_below` says: an amount, in billionths, or a share of the organization's day."""

    amount: int = 0
    percent: str = ""


def _ignored(node: Node, name: str, problems: Problems) -> Ignored | None:
    if not isinstance(node, Scalar) or "%" not in node.text:
        amount = QUANTITY.read(node, name, problems)
        return None if amount is None else Ignored(amount)
    share, _, rest = node.text.partition("%")
    if rest.split() != ["of", "org"]:
        told = f"{quoted(node.text)} is no share of the organization's day; write {share.strip()}% of org"
        problems.add("B023", node, told)
        return None
    percent = PERCENT.read(node._replace(text=f"{share}%"), name, problems)
    return Ignored(percent=percent) if percent else None


AT_MOST = Key(
    "at_most",
    from_text(
        _rate,
        "B025",
        lambda text: f"{quoted(text)} is not how often; write one like 3 per week, or per day or month",
        {"type": "string", "pattern": r"^\s*[0-9]{1,4}\s+per\s+(day|week|month)\s*$"},
    ),
    "A cap, and no quota: its own threshold rises until it would have spoken no more often over eight weeks.",
    default="3 per week",
)
IGNORE_BELOW = Key(
    "ignore_below",
    Field(
        _ignored,
        {"anyOf": [QUANTITY.schema, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*%\s+of\s+org\s*$"}]},
    ),
    "Days of less than this say nothing: $50, or a share of the organization's whole day.",
    default="1% of org",
)

KEYS = Table(*COMMON, METRIC, AT_MOST, IGNORE_BELOW, SEVERITY_KEY, CRITICAL_ABOVE, FOR)


@dataclass(frozen=True, slots=True)
class Anomaly(Comparing):
    """A settled day that is unusual for its series."""

    at_most: Rate = THREE_A_WEEK
    ignore_below: int = 0
    """In the metric's unit."""
    ignore_percent: str = "1"
    """Of the organization's day, exact decimal text; '' where an amount is written."""
    counts: Unit = USD

    @property
    def unit(self) -> Unit:
        return self.counts

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """Return its levels: `unusual`, and what makes that critical."""
        level = Threshold(UNUSUAL, self.severity)
        if not self.critical_above:
            return (level,)
        over = show_usd(self.critical_above, cents=self.critical_above % NANO != 0)
        return (level, Threshold(f"{over} over", "critical", at_nano=self.critical_above, over=True))


def parse(values: Values, common: Common, _setting: Setting, problems: Problems) -> Anomaly:
    """Return the rule that the values describe; what was wrong is told and left at its default."""
    metric = values.get(METRIC, COST)
    check_dimensions(values, (metric,), problems)
    if common.critical_above and not is_money(metric):
        problems.add("B033", values.at(CRITICAL_ABOVE), '"critical_above" is in dollars')
    ignored = values.get(IGNORE_BELOW, Ignored(percent="1"))
    return as_kind(
        Anomaly,
        common,
        metric=metric,
        counts=unit_of_metric(metric),
        at_most=values.get(AT_MOST, THREE_A_WEEK),
        ignore_below=in_unit(ignored.amount, metric, values.at(IGNORE_BELOW), problems),
        ignore_percent=ignored.percent,
    )


def mentions(values: Values, _rule: Rule) -> Iterator[Mention]:
    """Yield the names that the selectors write out."""
    return selected_names(values)


def summary(rule: Anomaly) -> str:
    """Return what it asks: `unusual days, at most 3 per week, none below 1% of the organization's day`."""
    least = f"{rule.ignore_percent}% of the organization's day"
    if not rule.ignore_percent:
        least = rule.unit.show(rule.ignore_below, cents=rule.ignore_below % rule.unit.scale != 0)
    return f"unusual days, at most {rule.at_most}, none below {least}"


# -- the arithmetic ------------------------------------------------------------------------------------


def needs(rule: Anomaly, now: datetime) -> Needs:
    """Return what must be known to judge it: what eight weeks of scores rest on."""
    first = _anchored(looked_from(rule, now, LOOKS_BACK))
    return Needs(first, (), first, frozenset((rule.metric,)))


def judge(
    rule: Anomaly, view: View, now: datetime, watched: Collection[Group] | None = None
) -> Iterator[Finding | Unjudged]:
    """Say which of the last settled days are unusual for each group.

    With `watched`, a group of which no day is unusual is told of only if it is one of those.
    """
    looked_at = looked(rule, view, now, watched)
    if isinstance(looked_at, Unjudged):
        yield looked_at
        return
    known, found, thresholds = looked_at
    levels = rule.thresholds
    for series in found:
        told = tells(series.group, watched)
        if not series.scores and watched is None and series.spent:
            yield Unjudged(
                rule.id, series.group, "learning", series.learning, Span(known.newest, known.until)
            )
        if not series.high and not told:
            continue
        runs = series.runs(thresholds)
        # Where one day is unusual every day is told: the newest tells whether it is over.
        told = told or any(day in run.days for run in runs for day in known.judged)
        for day in known.judged:
            run = next((run for run in runs if day in run.days), None)
            scored = series.scores.get(day)
            if run is None and not told:
                continue
            if scored is None and watched is None:
                continue
            held = run is not None and all(
                day - place * DAY in run.days for place in range(1, rule.hold_days)
            )
            value, expected = (scored.value, scored.expected) if scored else (series.on(day), 0)
            holding = tuple(
                level.label for level in levels if held and (not level.over or value >= level.at(expected))
            )
            yield Finding(
                rule, series.group, Span(day, day + DAY), value, expected, levels, known.closed(day),
                holding=holding,
                over=Span(run.since, day + DAY) if run else None,
                note=_note(run, known.newest) if run else "",
                pending=run is not None and not held,
            )  # fmt: skip


def looked(
    rule: Anomaly, view: View, now: datetime, watched: Collection[Group] | None = None
) -> tuple[Settled, list[Series], Thresholds] | Unjudged:
    """Return the settled days, every group's scores and the rule's own threshold; or why it cannot be judged.

    With `watched`, days are scored for nothing only where one of those is to be told of.
    """
    known = settled(rule, view, (rule.metric,), now, NEEDS_HISTORY * DAY)
    if isinstance(known, Unjudged):
        return known
    known = known.since(_anchored(known.judged[0] - LOOKS_BACK))
    least = _least(rule, view, known)
    found = [
        Series(group, known, tuple(row), least, scored=tells(group, watched))
        for group, (row,) in known.rows([view.days(rule.metric, rule.scope)], rule, watched)
    ]
    heard = tuple(sorted(series.high for series in found if series.high))
    return known, found, Thresholds(heard, rule.at_most.a_week)


def _least(rule: Anomaly, view: View, known: Settled) -> Sequence[int]:
    """Return what each day must come to, or it says nothing."""
    if not rule.ignore_percent:
        return (rule.ignore_below,) * (known.until - known.first).days
    part, whole = parts_of(rule.ignore_percent)
    days = view.days(rule.metric, Scope())
    if days is None:
        return (0,) * (known.until - known.first).days
    everything = days.of(())[days.place(known.first) : days.place(known.until)]
    # A day that credits made negative has no share: nothing above zero is ignored then.
    return [max(-(-value * part // whole), 0) for value in everything]


def _note(run: Stretch, newest: date) -> str:
    if newest < run.since + (ACCEPTED_AFTER - 1) * DAY or not run.accepted:
        return ""
    return f"as much as this on {ACCEPTED_AFTER} days since {show_day(run.since)}: from now on it counts as usual"


def _anchored(day: date) -> date:
    return date.fromordinal(day.toordinal() // EACH_DAYS * EACH_DAYS)
