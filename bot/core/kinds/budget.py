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

from bot.core.period import Period
from bot.core.rules.amounts import AMOUNT, pattern_places
from bot.core.rules.book import Amount, Budget, Rule
from bot.core.rules.fields import TEXT, WEEKDAY, choice
from bot.core.rules.periods import PERIOD
from bot.core.rules.problems import Problems, quoted
from bot.core.rules.rule_keys import COMMON, EACH_KEY, SELECT, as_kind, mention, selected_names
from bot.core.rules.sections import Setting, check_name
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Key, Table, Values
from bot.core.rules.thresholds import THRESHOLDS

ABOUT = "Spend so far in a period, against an amount."

METRIC = Key(
    "metric",
    choice("metric", {"cost": "cost"}, elsewhere=("spend",)),
    "What is added up: cost is what OpenAI bills.",
)
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
    "Dollars; a table of glob → dollars over the first dimension of each, with else last; or a plan of steps.",
    required="dollars, a table or a plan",
)
THRESHOLDS_KEY = Key("thresholds", THRESHOLDS, "Its levels: 80%, $500, or {at: 80%, severity: info}.")

KEYS = Table(
    *COMMON,
    # Whether a budget means everything is too dear a question for a default.
    replace(SELECT, required="{} for everything"),
    METRIC,
    PERIOD_KEY,
    WEEK_STARTS,
    CALENDAR,
    AMOUNT_KEY,
    THRESHOLDS_KEY,
)


def parse(values: Values, common: Rule, setting: Setting, problems: Problems) -> Budget:
    """Return the budget that the values describe; what was wrong is told and left at its default."""
    amount = values.get(AMOUNT_KEY, Amount(()))
    if values.has(AMOUNT_KEY) and not values.has(EACH_KEY):
        for place in pattern_places(values.at(AMOUNT_KEY)):
            message = f'an amount for {quoted(place.text)} needs "each": without it there is one group only'
            problems.add("B033", place, message)
    return as_kind(
        Budget,
        common,
        period=_period(values, setting, problems),
        amount=amount,
        thresholds=values.get(THRESHOLDS_KEY, setting.thresholds),
    )


def mentions(values: Values, rule: Rule) -> Iterator[Mention]:
    """Yield the names that the selectors and the table of amounts write out."""
    yield from selected_names(values)
    if values.has(AMOUNT_KEY) and rule.scope.each:
        for place in pattern_places(values.at(AMOUNT_KEY)):
            yield mention(rule.scope.each[0], place)


def _period(values: Values, setting: Setting, problems: Problems) -> Period:
    period = values.get(PERIOD_KEY, Period("month"))
    calendar = values[CALENDAR]
    if calendar is not None:
        check_name(calendar, setting.calendars, "calendar", values.at(CALENDAR), problems, setting)
    if values[PERIOD_KEY] is not None:
        if values.has(CALENDAR) and period.kind not in ("quarter", "year"):
            problems.add("W106", values.at(CALENDAR), '"calendar" moves quarters and years only')
        if values.has(WEEK_STARTS) and period.kind != "week":
            problems.add("W106", values.at(WEEK_STARTS), '"week_starts" moves weeks only')
    _, year_starts = setting.calendars.get(calendar or "", (None, period.year_starts))
    return replace(period, week_starts=values.get(WEEK_STARTS, setting.week_starts), year_starts=year_starts)
