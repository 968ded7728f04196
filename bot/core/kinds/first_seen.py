"""`kind: first_seen`: a model, project, line item, key or user that was not there before.

- id: new-model
  kind: first_seen
  dimension: model
  each: project
  lookback: 90d
  min_amount: $1
  severity: info

It is new if nothing was spent on it in the `lookback` before its first day, and told once it came to `min_amount`.
It looks at every day there is: a partial day is early, and that is good. History before installation counts as
seen; where history is too short to know, the rule learns. What is new stays an incident for a week, and then
ends without a word.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import ClassVar

from bot.core.groups import fold
from bot.core.incident import Finding, Unjudged
from bot.core.money import NANO, show_usd
from bot.core.needs import Needs, learning
from bot.core.period import DAY, Span, show_day
from bot.core.rules.book import Rule, Shape, Threshold
from bot.core.rules.fields import USD, WHOLE_DAYS, choice
from bot.core.rules.metric_keys import check_dimensions
from bot.core.rules.problems import Problems
from bot.core.rules.rule_keys import COMMON, SEVERITY_KEY, Common, as_kind, selected_names
from bot.core.rules.sections import Setting
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Key, Table, Values
from bot.core.spend import Group
from bot.core.view import COST, Daily, View

ABOUT = "A model, project, line item, key or user that was not there before."

NEW = "new"
TOLD_FOR = 7 * DAY
"""How long what is new stays so."""
SLOW = 30 * DAY
"""What takes longer to come to the least amount is no news any more."""
NAMED_LATER = ("api_key", "user")
"""Dimensions that costs are told apart by only since somebody asked for them: before, nobody was seen."""

DIMENSION = Key(
    "dimension",
    choice("dimension", {word: word for word in ("model", "project", "line_item", "api_key", "user")}),
    "What is looked for: model, project, line_item, api_key or user.",
    required="model, project, line_item, api_key or user",
)
LOOKBACK = Key("lookback", WHOLE_DAYS, "Not seen on so many days before, it is new: 90d.", default="90d")
MIN_AMOUNT = Key("min_amount", USD, "It is told once it came to so much.", default="$1")

KEYS = Table(*COMMON, DIMENSION, LOOKBACK, MIN_AMOUNT, SEVERITY_KEY._replace(default="info"))


@dataclass(frozen=True, slots=True)
class FirstSeen(Rule):
    """What was not there in the days before it was."""

    shape: ClassVar[Shape] = "now"
    ends_aloud: ClassVar[bool] = False

    dimension: str = "model"
    lookback: timedelta = 90 * DAY
    min_amount: int = NANO

    @property
    def level(self) -> Threshold:
        """Return its only level."""
        return Threshold(NEW, self.severity, at_nano=self.min_amount)


def parse(values: Values, common: Common, _setting: Setting, problems: Problems) -> FirstSeen:
    """Return the rule that the values describe; what was wrong is told and left at its default."""
    check_dimensions(values, (COST,), problems)
    dimension = values.get(DIMENSION, "model")
    each = tuple(dict.fromkeys((*common.scope.each, dimension)))
    return as_kind(
        FirstSeen,
        common,
        scope=replace(common.scope, each=each),
        severity=values.get(SEVERITY_KEY, "info"),
        dimension=dimension,
        lookback=values.get(LOOKBACK, 90 * DAY),
        min_amount=values.get(MIN_AMOUNT, NANO),
    )


def mentions(values: Values, _rule: Rule) -> Iterable[Mention]:
    """Return the names that the selectors write out."""
    return selected_names(values)


def summary(rule: FirstSeen) -> str:
    """Return `not seen in 90 days, from $1 on`."""
    least = show_usd(rule.min_amount, cents=rule.min_amount % NANO != 0)
    return f"not seen in {rule.lookback.days} days, from {least} on"


def needs(rule: FirstSeen, now: datetime) -> Needs:
    """Return what must be known to judge it: days back to where the slowest news would not have been seen."""
    first = now.astimezone(UTC).date() - SLOW + DAY - rule.lookback
    return Needs(first, (), first, frozenset((COST,)))


def judge(
    rule: FirstSeen, view: View, now: datetime, watched: Collection[Group] | None = None
) -> Iterator[Finding | Unjudged]:
    """Tell of every group that is new, and of the `watched` ones that no longer are.

    What has been there all along is not told of: there is a lot of it, and nothing to say.
    """
    today = now.astimezone(UTC).date()
    span = Span(today, today + DAY)
    days = view.days(COST, rule.scope)
    begins = _known_from(rule, days, view.history_from)
    needed = today - rule.lookback
    if days is None or begins is None or begins > needed:
        yield Unjudged(rule.id, None, "learning", learning(begins, needed), span)
        return
    at = rule.scope.each.index(rule.dimension)
    new: dict[Group, tuple[date, int]] = {}
    for group in days.values:
        if not group[at]:
            continue  # spend without a name is nothing new
        seen = _appeared(days, group, begins, rule.lookback)
        if seen is None:
            continue
        first, reached, came_to = _course(days, group, seen, rule.min_amount)
        if reached is not None and today - reached < TOLD_FOR and today - first < SLOW:
            new[group] = (first, came_to)
    for group, came_to in fold({group: came_to for group, (_, came_to) in new.items()}, rule.limit):
        first = new[group][0] if group in new else today
        yield Finding(
            rule, group, span, came_to, rule.min_amount, (rule.level,), closed=first < today, holding=(NEW,),
            over=Span(first, today + DAY), note=f"first seen on {show_day(first)}" if group in new else "",
        )  # fmt: skip
    for group in watched or ():
        if group not in new and len(group) == len(rule.scope.each):
            yield Finding(rule, group, span, 0, rule.min_amount, (rule.level,), closed=False, holding=())


def _known_from(rule: FirstSeen, days: Daily | None, history_from: date | None) -> date | None:
    """Return the first day on which something would have been seen."""
    if days is None or history_from is None:
        return None
    begins = max(days.first, history_from)
    if rule.dimension not in NAMED_LATER:
        return begins
    at = rule.scope.each.index(rule.dimension)
    named = (_first_place(days.of(group)) for group in days.values if group[at])
    place = min((place for place in named if place is not None), default=None)
    return max(begins, days.first + place * DAY) if place is not None else begins


def _first_place(values: Sequence[int]) -> int | None:
    return next((place for place, value in enumerate(values) if value > 0), None)


def _appeared(days: Daily, group: Group, begins: date, lookback: timedelta) -> int | None:
    """Return the place of the day on which a group was last new; None where it never was, or nobody can know."""
    last = days.place(begins) - 1  # what was there before history counts as seen
    appeared: int | None = None
    for place, value in enumerate(days.of(group)):
        if value > 0:
            if place - last > lookback.days:
                appeared = place
            last = place
    return appeared


def _course(days: Daily, group: Group, seen: int, least: int) -> tuple[date, date | None, int]:
    """Return a group's first day, the day its sum since then came to `least`, and the sum."""
    sums = list(accumulate(days.of(group)[seen:]))
    reached = next((place for place, value in enumerate(sums) if value >= least), None)
    first = days.first + seen * DAY
    # A sum that was revised below the least is no news any more.
    return first, first + reached * DAY if reached is not None and sums[-1] >= least else None, sums[-1]
