"""`kind: native_limit`: OpenAI's own hard limits, which cut a project off when a calendar month reaches them.

- id: hard-limits
  kind: native_limit
  each: project
  expect: 100%..150% of project-month
  route: team

A limit is missing (info) where money is spent and none is set, outside (warning) what a budget of ours expects,
near its cut-off (warning) when the pace reaches it within three days, and enforcing (critical) when OpenAI refuses
requests. `expect` leans on the amount of a monthly budget that tells apart what this rule does; both sides are
meant. Without `each: project` it is about the organization's own limit. A limit that could not be read is not
known, and never missing.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import ClassVar

from bot.core.forecast import Pace
from bot.core.forecasting import LOOKS_BACK
from bot.core.groups import OTHER, fold
from bot.core.incident import Finding, Reason, Unjudged
from bot.core.kinds.budget import amount_of
from bot.core.limited import limited_project
from bot.core.limits import CutOff, Limit, cut_off, running_month
from bot.core.money import NANO, show_usd
from bot.core.needs import Needs, learning, settled_until
from bot.core.period import DAY, Period, Span, show_day
from bot.core.rules.book import Budget, Rule, Shape, Threshold
from bot.core.rules.fields import ID, from_text, percent_of
from bot.core.rules.metric_keys import MONEY
from bot.core.rules.problems import Problems, closest, quoted
from bot.core.rules.rule_keys import COMMON, EACH_KEY, EXCEPT, SELECT, Common, as_kind, selected_names
from bot.core.rules.sections import Setting, check_name
from bot.core.rules.select import Selector
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Key, Table, Values
from bot.core.spend import Group
from bot.core.view import COST, View

ABOUT = "OpenAI's own hard limits: missing, not as expected, soon reached, enforcing."

AHEAD = 3 * DAY
"""How near a cut-off is told."""
MISSING = Threshold("missing", "info")
OUTSIDE = Threshold("outside", "warning")
CUT_OFF = Threshold("cut-off", "warning")
ENFORCING = Threshold("enforcing", "critical")
LEVELS = (MISSING, OUTSIDE, CUT_OFF, ENFORCING)

_EXPECT = re.compile(r"([^%]+%)\s*\.\.\s*([^%]+%)\s+of\s+(\S+)")


@dataclass(frozen=True, slots=True)
class Expect:
    """What a limit should be: a share of a budget's amount, both sides allowed."""

    least: Threshold
    most: Threshold
    rule_id: str

    def sides(self, amount: int) -> tuple[int, int]:
        """Return the least and the most a limit should be, nano-dollars."""
        return self.least.at(amount), self.most.at(amount)

    def __str__(self) -> str:
        return f"{self.least.label} to {self.most.label} of {self.rule_id}"


def _expect(text: str) -> Expect | None:
    match = _EXPECT.fullmatch(text.strip())
    if match is None or not ID.fullmatch(match[3]):
        return None
    sides = [percent_of(side) for side in match.group(1, 2)]
    if None in sides:
        return None
    least, most = (Threshold(f"{percent}%", "warning", percent=percent or "") for percent in sides)
    return Expect(least, most, match[3]) if least.at(10**12) <= most.at(10**12) else None


EXPECT = Key(
    "expect",
    from_text(
        _expect,
        "B023",
        lambda text: (
            f"{quoted(text)} is no expectation; write 100%..150% of the id of a budget, the smaller side first"
        ),
        {
            "type": "string",
            "pattern": r"^\s*[0-9][0-9.]*\s*%\s*\.\.\s*[0-9][0-9.]*\s*%\s+of\s+" + ID.pattern + r"\s*$",
        },
    ),
    "What a limit should be, as a share of a budget's amount for the project: 100%..150% of project-month.",
)

KEYS = Table(*COMMON, EXPECT)


@dataclass(frozen=True, slots=True)
class NativeLimit(Rule):
    """OpenAI's own hard limit of each project, or of the organization."""

    shape: ClassVar[Shape] = "now"

    expect: Expect | None = None
    expected: Budget | None = None
    """The budget that `expect` names."""

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """Return its levels; without `expect` no limit is outside of anything."""
        return tuple(level for level in LEVELS if level is not OUTSIDE or self.expect)


def parse(values: Values, common: Common, _setting: Setting, problems: Problems) -> NativeLimit:
    """Return the rule that the values describe; what was wrong is told and left at its default."""
    each = common.scope.each
    if each not in ((), ("project",)):
        message = 'OpenAI limits projects and the organization: write "each: project", or leave it out'
        problems.add("B033", values.at(EACH_KEY), message)
    for key in (SELECT, EXCEPT):
        for name in values.get(key, Selector()).dimensions:
            if not each:
                message = 'the organization\'s own limit is one for all: select projects with "each: project"'
                problems.add("B033", values.at(key), message)
            elif name not in ("project", "team"):
                message = f"a hard limit has no dimension {quoted(name)}; it has project, team"
                problems.add("B034", values.at(key), message, closest(name, ("project", "team")))
    return as_kind(NativeLimit, common, expect=values[EXPECT])


def join(
    rule: NativeLimit, values: Values, rules: Mapping[str, Rule | None], setting: Setting, problems: Problems
) -> NativeLimit:
    """Return the rule with the budget it leans on; of `rules`, None is one that could not be read."""
    if rule.expect is None:
        return rule
    named, place = rule.expect.rule_id, values.at(EXPECT)
    budget = rules.get(named)
    if budget is None:
        check_name(named, rules, "rule", place, problems, setting)
        return rule
    if trouble := _unfit(rule, budget):
        problems.add("B033", place, f"{quoted(named)} {trouble}")
    return replace(rule, expected=budget) if isinstance(budget, Budget) else rule


def _unfit(rule: NativeLimit, budget: Rule) -> str:
    """Return why no limit can be held against a rule's amount; '' when it can."""
    per = "a project" if rule.scope.each else "the organization"
    if not isinstance(budget, Budget):
        return f"is no budget: expect leans on a budget's amount for {per}"
    if budget.metric not in MONEY:
        return "is no budget of dollars, and a hard limit is"
    if budget.period.kind != "month":
        return "is no budget of a month, and a hard limit counts calendar months"
    if budget.scope.each != rule.scope.each:
        wanted = '"each: project"' if rule.scope.each else 'no "each"'
        return f"has no amount for {per}: it needs {wanted}"
    return ""


def mentions(values: Values, _rule: Rule) -> Iterable[Mention]:
    """Return the names that the selectors write out."""
    return selected_names(values)


def summary(rule: NativeLimit) -> str:
    """Return `set, 100% to 150% of project-month, not reached within 3 days`."""
    expected = f", {rule.expect}" if rule.expect else ""
    return f"set{expected}, not reached within {AHEAD.days} days"


def needs(rule: NativeLimit, now: datetime) -> Needs:
    """Return what must be known to judge it: this month and the last, and days enough for the pace."""
    month, before = _months(now)
    daily = min(month.start, settled_until(rule, now) - LOOKS_BACK)
    return Needs(month.start, (before, month), daily, frozenset((COST,)), limits=True)


def _months(now: datetime) -> tuple[Span, Span]:
    month = running_month(now)
    before = Period("month").before(month)
    assert before is not None
    return month, before


def judge(
    rule: NativeLimit, view: View, now: datetime, watched: Collection[Group] | None = None
) -> Iterator[Finding | Unjudged]:
    """Say of every limit whether it is as it should be; with `watched`, only of those that are not, and of these.

    A project is looked at when something was spent on it this month or the last, or its limit is known: on the
    first of a month it is not forgotten.
    """
    month, before = _months(now)
    today = now.astimezone(UTC).date()
    if view.history_from is None or month.start < view.history_from:
        why = learning(view.history_from, month.start)
        yield Unjudged(rule.id, None, "learning", why, Span(today, today + DAY))
        return
    spent, spent_before = (view.within(COST, rule.scope, each) for each in (month, before))
    spending = {group for sums in (spent, spent_before) for group, value in sums.items() if value > 0}
    groups = spending | set(_limited(rule, view))
    judged = [
        _one(rule, view, now, group, value, month, spends=group in spending)
        for group, value in fold({group: spent.get(group, 0) for group in groups}, rule.limit)
        if not rule.scope.each or group[0]  # spend without a project is under no project's limit
    ]
    unknown = {each.reason for each in judged if isinstance(each, Unjudged)}
    if len(unknown) == 1 and len(judged) > 1 and all(isinstance(each, Unjudged) for each in judged):
        yield Unjudged(rule.id, None, "nodata", unknown.pop(), Span(today, today + DAY))
        return
    for each in judged:
        told = isinstance(each, Unjudged) or each.top is not None or each.group[:1] == (OTHER,)
        if told or watched is None or each.group in watched:
            yield each


def _limited(rule: NativeLimit, view: View) -> Iterator[Group]:
    """Yield the groups whose limit is known to be set, whether or not they spend."""
    if not rule.scope.each:
        yield ()
    elif set(rule.scope.dimensions) == {"project"}:
        for project, limit in view.limits.projects.items():
            if limit.status == "set" and rule.scope.admits({"project": project}, view.names.of):
                yield (project,)


def _one(
    rule: NativeLimit, view: View, now: datetime, group: Group, value: int, month: Span, *, spends: bool
) -> Finding | Unjudged:
    today = now.astimezone(UTC).date()
    span, over = Span(today, today + DAY), Span(month.start, today + DAY)
    limit = view.limits.of(limited_project(rule, group, view.names) or "")
    if group == (OTHER,):
        return Finding(rule, group, span, value, 0, LEVELS, closed=False, holding=(), over=over)
    if limit.status == "unknown":
        why = f"{Reason.STALE}: OpenAI's hard limit is not known ({limit.why})"
        return Unjudged(rule.id, group, "nodata", why, span)
    notes: dict[str, str] = {}
    if limit.status == "none" or limit.amount is None:
        if spends:
            notes[MISSING.label] = f"OpenAI has no hard limit for {_whom(rule)}"
        amount = 0
    else:
        amount = limit.amount
        if outside := _outside(rule, view, group, amount, month):
            notes[OUTSIDE.label] = outside
        if limit.enforcing:
            notes[ENFORCING.label] = (
                f"OpenAI refuses its requests: the hard limit of {_usd(amount)} a month is reached"
            )
        elif soon := _soon(rule, view, group, limit, now):
            notes[CUT_OFF.label] = soon
    holding = tuple(level.label for level in LEVELS if level.label in notes)
    note = "; ".join(notes[label] for label in reversed(holding))
    return Finding(
        rule, group, span, value, amount, LEVELS, closed=False, holding=holding, over=over, note=note
    )


def _whom(rule: NativeLimit) -> str:
    return "this project" if rule.scope.each else "the organization"


def _outside(rule: NativeLimit, view: View, group: Group, limit: int, month: Span) -> str:
    """Return how a limit differs from what is expected; '' where it does not, or nothing is."""
    budget = rule.expected
    if rule.expect is None or budget is None or not _counts(budget, view, group, month):
        return ""
    amount = amount_of(budget, group, view.names, view.limits, month)
    if amount is None:
        return ""
    least, most = rule.expect.sides(amount)
    if least <= limit <= most:
        return ""
    told = _usd(least) if least == most else f"{_usd(least)} to {_usd(most)}"
    return f"the hard limit of {_usd(limit)} is {'below' if limit < least else 'above'} the expected {told}"


def _counts(budget: Budget, view: View, group: Group, month: Span) -> bool:
    """Tell whether a budget counts the group at all: it may select others."""
    if set(budget.scope.dimensions) <= {"project"} and group:
        return budget.scope.admits({"project": group[0]}, view.names.of)
    return not budget.scope.dimensions or group in view.within(COST, budget.scope, month)


def _soon(rule: NativeLimit, view: View, group: Group, limit: Limit, now: datetime) -> str:
    """Return when OpenAI cuts a group off, if that is near; '' otherwise, and where nobody can tell."""
    cut = _cut_off(rule, view, group, limit, now)
    if cut is None or cut.at is None or not cut.within(AHEAD, now):
        return ""
    if cut.at <= now:
        return f"the hard limit of {_usd(cut.limit)} a month is reached: OpenAI may refuse its requests any moment"
    # A whole hour is as near as such a figure is: a sharper one would change at every look.
    hour = (cut.at + timedelta(minutes=59)).replace(minute=0, second=0, microsecond=0)
    when = f"{hour:%A} {show_day(hour.date())} {hour:%H:%M} UTC"
    return f"OpenAI cuts it off {when} at this pace, at its hard limit of {_usd(cut.limit)}"


def _cut_off(rule: NativeLimit, view: View, group: Group, limit: Limit, now: datetime) -> CutOff | None:
    days = view.days(COST, rule.scope)
    begins = view.history_from
    if days is None or begins is None:
        return None
    values = tuple(days.of(group))
    begin = max(days.place(begins), 0)
    end = max(begin, min(days.place(settled_until(rule, now)), len(values)))
    if begin == end:
        return None
    seen = values[end : days.place(now.astimezone(UTC).date()) + 1]
    return cut_off(limit, _pace(days.first + begin * DAY, values[begin:end]), seen, now)


@lru_cache(maxsize=2_000)  # what a group's settled days say changes once a day, and is asked at every poll
def _pace(first: date, settled: tuple[int, ...]) -> Pace:
    return Pace(first, settled)


def _usd(amount: int) -> str:
    return show_usd(amount, cents=amount % NANO != 0)
