"""`kind: budget`: spend so far in a period, against an amount.

- id: project-month
  kind: budget
  select: {}
  each: project
  period: month
  amount: {search-*: "12,000", sandbox-*: 200}
  thresholds: [50%, 80%, 100%]
  route: team
"""

from collections.abc import Iterator
from dataclasses import replace

from bot.core.metrics import metric_named
from bot.core.money import LARGEST, NANO, show_usd
from bot.core.period import Period
from bot.core.rules.amounts import AMOUNT, pattern_places
from bot.core.rules.book import Amount, Budget, Plan, Rule, Threshold
from bot.core.rules.fields import TEXT, WEEKDAY
from bot.core.rules.metric_keys import METRIC, MONEY, check_dimensions, unit_of_metric
from bot.core.rules.periods import PERIOD
from bot.core.rules.problems import Problems, quoted
from bot.core.rules.rule_keys import (
    COMMON,
    CRITICAL_ABOVE,
    EACH_KEY,
    FOR,
    SELECT,
    Common,
    as_kind,
    mention,
    selected_names,
)
from bot.core.rules.sections import Setting, check_name
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Key, Table, Values
from bot.core.rules.thresholds import THRESHOLDS

_MONTH = Period("month")
_NOTHING = Amount(())

ABOUT = "Spend so far in a period, against an amount."

PERIOD_KEY = Key(
    "period",
    PERIOD,
    "The days it counts over, from 00:00 UTC: day, week, month, quarter, year, {rolling: 30d}, {from, to}.",
    required="day, week, month, quarter, year, {rolling: 30d} or {from: ..., to: ...}",
)
WEEK_STARTS = Key("week_starts", WEEKDAY, "The first day of a week.")
CALENDAR = Key("calendar", TEXT, "The fiscal calendar its quarters and years follow.")
AMOUNT_KEY = Key(
    "amount",
    AMOUNT,
    "Dollars; a table of glob → dollars over the first dimension of each, with else last; a plan of steps; "
    "or hard_limit, which is OpenAI's own limit.",
    required="dollars, a table, a plan or hard_limit",
)
THRESHOLDS_KEY = Key(
    "thresholds", THRESHOLDS, "Its levels: 80%, $500, forecast 100%, or {at: 80%, severity: info}."
)

KEYS = Table(
    *COMMON,
    # Whether a budget means everything is too dear a question for a default.
    SELECT._replace(required="{} for everything"),
    METRIC,
    PERIOD_KEY,
    WEEK_STARTS,
    CALENDAR,
    AMOUNT_KEY,
    THRESHOLDS_KEY,
    FOR,
    CRITICAL_ABOVE,
)


def parse(values: Values, common: Common, setting: Setting, problems: Problems) -> Budget:
    """Return the budget that the values describe; what was wrong is told and left at its default."""
    amount = values.get(AMOUNT_KEY, _NOTHING)
    if values.has(AMOUNT_KEY) and not values.has(EACH_KEY):
        for place in pattern_places(values.at(AMOUNT_KEY)):
            message = f'an amount for {quoted(place.text)} needs "each": without it there is one group only'
            problems.add("B033", place, message)
    metric = values.get(METRIC, MONEY[0])
    check_dimensions(values, (metric,), problems)
    period = _period(values, setting, problems)
    return as_kind(
        Budget,
        common,
        period=period,
        amount=_in_unit(amount, metric, values, problems),
        thresholds=_levels(values, period, metric, common, setting, problems),
        counts=unit_of_metric(metric),
        metric=metric,
    )


def _in_unit(amount: Amount, metric: str, values: Values, problems: Problems) -> Amount:
    """Return the amounts in the metric's own unit: what is written was read as if it were dollars."""
    if metric in MONEY:
        if any(nano > LARGEST for _, plan in amount.entries for _, nano in plan.steps):
            problems.add("B022", values.at(AMOUNT_KEY), "that is more dollars than can be stored")
        return amount
    if amount.by_hard_limit:
        problems.add("B033", values.at(AMOUNT_KEY), '"hard_limit" is in dollars: it fits no budget of usage')
    # Usage comes in whole numbers, so at or above 1.5 is at or above 2.
    entries = (
        (pattern, Plan(tuple((day, -(-nano // NANO)) for day, nano in plan.steps), plan.hard_limit))
        for pattern, plan in amount.entries
    )
    return Amount(tuple(entries))


def _levels(
    values: Values, period: Period, metric: str, common: Common, setting: Setting, problems: Problems
) -> tuple[Threshold, ...]:
    levels = values.get(THRESHOLDS_KEY, setting.thresholds)
    written = values.has(THRESHOLDS_KEY)
    if period.kind in ("day", "rolling") and any(level.basis == "forecast" for level in levels):
        if written:
            told = "a day has" if period.kind == "day" else "a rolling period has"
            problems.add("B033", values.at(THRESHOLDS_KEY), f"{told} no forecast: leave it out")
        levels = tuple(level for level in levels if level.basis == "actual")
    if metric not in MONEY:
        if written and any(not level.percent for level in levels):
            message = f"a level in dollars fits no budget of {_words_of(metric)}; write a share, like 80%"
            problems.add("B033", values.at(THRESHOLDS_KEY), message)
        levels = tuple(level for level in levels if level.percent)
        if common.critical_above:
            problems.add("B033", values.at(CRITICAL_ABOVE), '"critical_above" is in dollars')
    elif common.critical_above:
        over = show_usd(common.critical_above, cents=common.critical_above % NANO != 0)
        critical = Threshold(f"{over} over", "critical", at_nano=common.critical_above, over=True)
        levels = (*levels, critical)
    return levels


def mentions(values: Values, rule: Rule) -> Iterator[Mention]:
    """Yield the names that the selectors and the table of amounts write out."""
    yield from selected_names(values)
    if values.has(AMOUNT_KEY) and rule.scope.each:
        for place in pattern_places(values.at(AMOUNT_KEY)):
            yield mention(rule.scope.each[0], place)


def _period(values: Values, setting: Setting, problems: Problems) -> Period:
    written = values[PERIOD_KEY]
    period = written or _MONTH
    if not (values.has(CALENDAR) or values.has(WEEK_STARTS)):
        return _turned(period, setting.week_starts, period.year_starts)
    calendar = values[CALENDAR]
    if calendar is not None:
        check_name(calendar, setting.calendars, "calendar", values.at(CALENDAR), problems, setting)
    if written is not None:
        if values.has(CALENDAR) and period.kind not in ("quarter", "year"):
            problems.add("W106", values.at(CALENDAR), '"calendar" moves quarters and years only')
        if values.has(WEEK_STARTS) and period.kind != "week":
            problems.add("W106", values.at(WEEK_STARTS), '"week_starts" moves weeks only')
    _, year_starts = setting.calendars.get(calendar or "", (None, period.year_starts))
    return _turned(period, values.get(WEEK_STARTS, setting.week_starts), year_starts)


def _turned(period: Period, week_starts: int, year_starts: tuple[int, int]) -> Period:
    if period.week_starts == week_starts and period.year_starts == year_starts:
        return period
    return replace(period, week_starts=week_starts, year_starts=year_starts)


def _words_of(metric: str) -> str:
    known = metric_named(metric)
    return known.words if known else metric
