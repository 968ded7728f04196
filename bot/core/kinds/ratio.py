"""`kind: ratio`: one metric over another: dollars per 1,000 requests, the share of input that was cached.

- id: support-cost-per-1k
  kind: ratio
  select: {project: support-bot}
  each: model
  numerator: cost
  denominator: requests
  per: 1000
  window: 7d
  when: {above: 4.00}
  min_denominator: "10,000"

Both are summed over the trailing window of settled days. Two counts of the same thing without `per` are a share,
shown and written as a percentage. What cost and usage are told apart by, both must have; the model of cost is
derived from its line item (`gpt-5.2-2025-12-11, input`) and keeps the dated snapshot, as usage does, so the
two meet under the same name. Where a bill and usage name a model differently there is no denominator, and the
group is learning: never a cost of infinity.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from bot.core.incident import Finding, Reason, Unjudged
from bot.core.metrics import METRICS
from bot.core.money import LARGEST, NANO, exact_usd
from bot.core.needs import Needs
from bot.core.period import DAY, Span
from bot.core.rules.book import Rule, Threshold
from bot.core.rules.bounds import BOUND, SCALE, How
from bot.core.rules.comparing import WINDOW, fell, in_unit, moved, rose
from bot.core.rules.fields import QUANTITY, whole
from bot.core.rules.metric_keys import METRIC_FIELD, check_dimensions, unit_of_metric
from bot.core.rules.problems import Problems
from bot.core.rules.rule_keys import COMMON, FOR, SEVERITY_KEY, Common, as_kind, selected_names
from bot.core.rules.sections import Setting
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Key, Table, Values
from bot.core.settled import Comparing, Rows, Settled, looked_from, settled, tells
from bot.core.spend import Group
from bot.core.units import USD, Unit
from bot.core.view import COST, View, is_money, words_of

ABOUT = "One metric over another: dollars per 1,000 requests, the share of input that was cached."

SINGULAR = {"searches": "search", "seconds of audio": "second of audio", "bytes stored": "byte stored"}

NUMERATOR = Key(
    "numerator",
    METRIC_FIELD,
    "What is divided: cost, or usage like input_cached_tokens.",
    required="a metric, like cost",
)
DENOMINATOR = Key(
    "denominator",
    METRIC_FIELD,
    "What it is divided by, like requests or input_tokens.",
    required="a metric, like requests",
)
PER = Key(
    "per", whole(1, 10**9), "So many of the denominator; without it, two counts of one thing are a share."
)
WHEN = Key(
    "when",
    BOUND,
    "Which ratio is one too many: {above: 4.00}, {below: 35%}, {increase: 30%} or {decrease: 30%}.",
    required="which ratio is one too many, like {above: 4.00}",
)
MIN_DENOMINATOR = Key(
    "min_denominator", QUANTITY, "With less than this in the window a group is not judged, but learning."
)

KEYS = Table(*COMMON, NUMERATOR, DENOMINATOR, PER, WINDOW, WHEN, MIN_DENOMINATOR, SEVERITY_KEY, FOR)


@dataclass(frozen=True, slots=True)
class Ratio(Comparing):
    """One metric over another; `metric` is the numerator."""

    denominator: str = "num_model_requests"
    per: int = 1
    window: int = 7
    how: How = "above"
    bound: int = 0
    """Of `above` and `below`, in the unit's own scale."""
    percent: str = ""
    """Of `increase` and `decrease`, exact decimal text."""
    min_denominator: int = 1
    counts: Unit = USD

    @property
    def unit(self) -> Unit:
        return self.counts

    @property
    def falls(self) -> bool:
        return self.how in ("below", "decrease")

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """Return its one level: `above $4.00`, `below 35%`, `+30%`."""
        if self.percent:
            percent = moved(self.percent, up=not self.falls)
            return (
                Threshold(f"{'-' if self.falls else '+'}{self.percent}%", self.severity, percent=percent),
            )
        return (
            Threshold(f"{self.how} {_written(self.bound, self.unit)}", self.severity, at_nano=self.bound),
        )

    @property
    def back(self) -> timedelta:
        """Return how much before a day the first of its windows begins."""
        return ((2 if self.percent else 1) * self.window - 1) * DAY


def parse(values: Values, common: Common, _setting: Setting, problems: Problems) -> Ratio:
    """Return the rule that the values describe; what was wrong is told and left at its default."""
    numerator, denominator = values.get(NUMERATOR, COST), values.get(DENOMINATOR, "num_model_requests")
    check_dimensions(values, (numerator, denominator), problems)
    for key, metric in ((NUMERATOR, numerator), (DENOMINATOR, denominator)):
        if metric in METRICS and METRICS[metric].level:
            message = (
                f"{words_of(metric)} are a level and no flow: nothing can be counted per {words_of(metric)}"
            )
            problems.add("B033", values.at(key), message)
    if numerator == denominator or (is_money(numerator) and is_money(denominator)):
        problems.add("B033", values.at(DENOMINATOR), "that is the same over itself")
    share = not values.has(PER) and _counted(numerator) == _counted(denominator)
    per = values.get(PER, 1)
    when = values[WHEN]
    if when and when.bound and when.bound.percent != share:
        unit = _unit(numerator, denominator, per, share=False)
        message = f"takes no percentage: the ratio is {'dollars ' if unit.dollars else ''}{unit.word}"
        if share:
            message = 'is of a share here: write a percentage, like "35%"'
        problems.add("B033", when.place, f'"{when.how}" {message}')
    return as_kind(
        Ratio,
        common,
        metric=numerator,
        denominator=denominator,
        per=per,
        counts=_unit(numerator, denominator, per, share=share),
        window=values.get(WINDOW, timedelta(days=7)).days,
        how=when.how if when else "above",
        bound=when.bound.billionths if when and when.bound else 0,
        percent=when.percent if when else "",
        min_denominator=max(
            in_unit(values[MIN_DENOMINATOR], denominator, values.at(MIN_DENOMINATOR), problems), 1
        ),
    )


def _counted(metric: str) -> str:
    return METRICS[metric].unit if metric in METRICS else "dollars"


def _unit(numerator: str, denominator: str, per: int, *, share: bool) -> Unit:
    if share:
        return Unit("", SCALE, share=True)
    return Unit(_word(numerator, denominator, per), SCALE, dollars=is_money(numerator))


def _word(numerator: str, denominator: str, per: int) -> str:
    """Return what stands after the figure: `per 1,000 requests`, `seconds of audio per request`."""
    told = "" if is_money(numerator) else f"{words_of(numerator)} "
    if is_money(denominator):
        return f"{told}per ${per:,}"
    words = words_of(denominator)
    return (
        f"{told}per {per:,} {words}"
        if per > 1
        else f"{told}per {SINGULAR.get(words, words.removesuffix('s'))}"
    )


def _written(bound: int, unit: Unit) -> str:
    """Return a bound as people write it, to its last digit: `$4.00`, `$0.0042`, `35%`, `1.5`."""
    if unit.share:
        return f"{exact_usd(bound * 100)}%"
    exact = exact_usd(bound)
    if not unit.dollars:
        return exact
    whole_dollars, _, fraction = exact.partition(".")
    return f"${int(whole_dollars):,}.{fraction:0<2}"


def mentions(values: Values, _rule: Rule) -> Iterator[Mention]:
    """Yield the names that the selectors write out."""
    return selected_names(values)


def summary(rule: Ratio) -> str:
    """Return what it asks: `cost per 1,000 requests above $4.00 over 7 days`."""
    over = f"over {rule.window} days" if rule.window > 1 else "of a day"
    named = f"{words_of(rule.metric)} in {words_of(rule.denominator)}"
    if not rule.unit.share:
        named = f"{words_of(rule.metric)} {rule.unit.word}" if rule.unit.dollars else rule.unit.word
    if rule.percent:
        days = f"the {rule.window} days before" if rule.window > 1 else "the day before"
        return f"{named} {rule.percent}% {'less' if rule.falls else 'more'} than {days}"
    return f"{named} {rule.thresholds[0].label} {over}"


# -- the arithmetic ------------------------------------------------------------------------------------


def needs(rule: Ratio, now: datetime) -> Needs:
    """Return what must be known to judge it: both metrics over the windows of every judged day."""
    first = looked_from(rule, now, rule.back + (rule.hold_days - 1) * DAY)
    return Needs(first, (), first, frozenset((rule.metric, rule.denominator)))


def judge(
    rule: Ratio, view: View, now: datetime, watched: Collection[Group] | None = None
) -> Iterator[Finding | Unjudged]:
    """Say what each group's ratio is on each of the last settled days.

    With `watched`, a group with nothing to say is told of only if it is one of those.
    """
    metrics = (rule.metric, rule.denominator)
    known = settled(rule, view, metrics, now, rule.back)
    if isinstance(known, Unjudged):
        yield known
        return
    known = known.since(known.judged[0] - rule.back - (rule.hold_days - 1) * DAY)
    levels = rule.thresholds
    days = [view.days(metric, rule.scope) for metric in metrics]
    for group, rows in known.rows(days, rule, watched, sized=1):
        windows = Windows(rule, known, rows)
        # Where one day is true every day is told: the newest tells whether it is over.
        told = tells(group, watched) or any(map(windows.true_on, known.judged))
        why = windows.learning(known.newest)
        if why and watched is None and windows.known:
            yield Unjudged(rule.id, group, "learning", why, Span(known.newest, known.until))
        for day in known.judged:
            over = Span(day - (rule.window - 1) * DAY, day + DAY)
            true = windows.true_on(day)
            holds = true and all(windows.true_on(day - place * DAY) for place in range(1, rule.hold_days))
            if not true and (not told or (why and watched is None)):
                continue
            value, amount = windows.figures(day)
            yield Finding(
                rule, group, Span(day, day + DAY), value, amount, levels, known.closed(day),
                holding=tuple(level.label for level in levels) if holds else (),
                over=over, pending=true and not holds,
            )  # fmt: skip


class Windows:
    """The trailing windows of one group: ratios as exact fractions of integers."""

    def __init__(self, rule: Ratio, known: Settled, rows: Rows) -> None:
        self._rule = rule
        self._known = known
        self._sums = [[0, *accumulate(row)] for row in rows]
        # One of the unit, in the integers that the metrics are kept in.
        self._up = rule.per * SCALE * (NANO if is_money(rule.denominator) else 1)
        self._down = NANO if is_money(rule.metric) else 1

    @property
    def known(self) -> bool:
        """Tell whether there is anything in the newest window."""
        return any(self._of(sums, self._known.newest) for sums in self._sums)

    def learning(self, day: date) -> str:
        """Return why the ratio of a day is not judged; '' where it is."""
        rule = self._rule
        days = f"{rule.window} days" if rule.window > 1 else "a day"
        for back in (0, rule.window) if rule.percent else (0,):
            first = day - (back + rule.window - 1) * DAY
            if first < self._known.first:
                return str(Reason.LEARNING)
            had = self._of(self._sums[1], day - back * DAY)
            if had < rule.min_denominator:
                unit = unit_of_metric(rule.denominator)
                least = unit.show(rule.min_denominator).removesuffix(f" {unit.word}")
                before = " before" if back else ""
                return f"{Reason.LEARNING}: {unit.show(had)} in {days}{before}, needs {least}"
        if rule.percent and self._of(self._sums[0], day - rule.window * DAY) <= 0:
            return f"{Reason.LEARNING}: no {words_of(rule.metric)} in {days} before"
        return ""

    def true_on(self, day: date) -> bool:
        """Tell whether the rule's condition is true on a day, however long."""
        if self.learning(day):
            return False
        rule, (top, bottom) = self._rule, self._fraction(day)
        match rule.how:
            case "above":
                return top > rule.bound * bottom
            case "below":
                return top < rule.bound * bottom
        top_before, bottom_before = self._fraction(day - rule.window * DAY)
        test = fell if rule.falls else rose
        return test(top * bottom_before, top_before * bottom, rule.percent)

    def figures(self, day: date) -> tuple[int, int]:
        """Return a day's ratio, and the bound or the ratio before, in the rule's unit; 0 of nothing."""
        value = _whole(*self._fraction(day))
        if not self._rule.percent:
            return value, self._rule.bound
        return value, _whole(*self._fraction(day - self._rule.window * DAY))

    def _fraction(self, day: date) -> tuple[int, int]:
        numerator, denominator = (self._of(sums, day) for sums in self._sums)
        return numerator * self._up, denominator * self._down

    def _of(self, sums: Sequence[int], day: date) -> int:
        end = self._known.place(day) + 1
        return sums[max(end, 0)] - sums[max(end - self._rule.window, 0)]


def _whole(top: int, bottom: int) -> int:
    # What cannot be stored is as large as can be: a trillion dollars a request is not told apart from more.
    return max(-LARGEST, min(top // bottom, LARGEST)) if bottom > 0 else 0
