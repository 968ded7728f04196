"""Why a rule that compares settled days says what it says: its windows, its baseline, its own threshold."""

from collections.abc import Sequence
from copy import deepcopy
from datetime import date, datetime

from bot.core.explaining.working import DayLine, Step, Working
from bot.core.incident import Unjudged
from bot.core.kinds import anomaly, change, ratio
from bot.core.period import DAY, Span, show_day, show_span
from bot.core.rules.metric_keys import unit_of_metric
from bot.core.scoring import Series
from bot.core.settled import Settled, settled
from bot.core.spend import Group
from bot.core.unusual import BASE, NEEDS_HISTORY, Scorer, Stretch
from bot.core.view import View, words_of

SHOWN = 28
"""Days that are shown of a series."""


def _held(held: Unjudged) -> Working:
    return Working((Step(held.reason, holds=False),), ("its data must be there first",))


def _window(day: date, days: int) -> Span:
    return Span(day - (days - 1) * DAY, day + DAY)


def _days_in_a_row(true: Sequence[bool], wanted: int) -> Step | None:
    """Return how long it has been so, where the rule asks for more than a day; the newest of `true` first."""
    if wanted <= 1:
        return None
    count = next((place for place, so in enumerate(true) if not so), len(true))
    return Step(f"so on {count} of {wanted} settled days in a row", count >= wanted)


def change_work(rule: change.Change, view: View, now: datetime, group: Group) -> Working:
    """Return how the newest settled days compare with as many before them."""
    known = settled(rule, view, (rule.metric,), now, rule.back)
    if isinstance(known, Unjudged):
        return _held(known)
    known = known.since(known.judged[0] - rule.back - (rule.hold_days - 1) * DAY - change.SEEN_BEFORE)
    rows = dict(known.rows([view.days(rule.metric, rule.scope)], rule, {group}))
    (row,) = rows.get(group, ((0,) * (known.until - known.first).days,))
    windows, unit, newest = change.Windows(rule, known, row), rule.unit, known.newest
    value, base = windows.at(newest)
    window = _window(newest, rule.window)
    before = _window(newest - rule.window * DAY, rule.window)
    way = "less" if rule.falls else "more"
    steps = [
        Step(f"{show_span(window)} came to {unit.show(value)}, {show_span(before)} to {unit.show(base)}")
    ]
    level = rule.thresholds[0]
    at = level.at(base)
    if why := windows.learning(newest):
        steps.append(Step(why, holds=False))
    moved = value <= at if rule.falls else value >= at
    steps.append(
        Step(f"{rule.percent}% {way} than {unit.show(base)} = {unit.show(at)}: {_got(moved)}", moved)
    )
    difference = base - value if rule.falls else value - base
    if rule.at_least:
        enough = difference >= rule.at_least
        steps.append(Step(f"and by {unit.show(rule.at_least)} at least: by {unit.show(difference)}", enough))
    in_a_row = [windows.true_on(newest - place * DAY) for place in range(rule.hold_days)]
    if step := _days_in_a_row(in_a_row, rule.hold_days):
        steps.append(step)
    for critical in rule.thresholds[1:]:
        over = critical.at(base)
        steps.append(
            Step(
                f"{critical.label} {unit.show(base)} = {unit.show(over)}: {_got(value >= over)}",
                value >= over,
            )
        )
    would = _change_would(rule, value, base, at, why=bool(why))
    lines = _lines(known, (row,), newest - (2 * rule.window - 1) * DAY, window, before)
    return Working(tuple(steps), would, ((words_of(rule.metric), unit),), lines)


def _change_would(rule: change.Change, value: int, base: int, at: int, *, why: bool) -> tuple[str, ...]:
    unit = rule.unit
    if why:
        return ("comparing begins when there is enough to compare with",)
    if rule.falls:
        bound = min(at, base - rule.at_least)
        return (f"{unit.show(value - bound)} less in the window",) if value > bound else ()
    bound = max(at, base + rule.at_least)
    if value < bound:
        return (f"{unit.show(bound - value)} more in the window",)
    higher = [level for level in rule.thresholds if value < level.at(base)]
    return tuple(
        f"{unit.show(level.at(base) - value)} more in the window makes it {level.severity}"
        for level in higher
    )


def ratio_work(rule: ratio.Ratio, view: View, now: datetime, group: Group) -> Working:
    """Return how a ratio of two metrics comes out over the newest settled days."""
    metrics = (rule.metric, rule.denominator)
    known = settled(rule, view, metrics, now, rule.back)
    if isinstance(known, Unjudged):
        return _held(known)
    known = known.since(known.judged[0] - rule.back - (rule.hold_days - 1) * DAY)
    days = [view.days(metric, rule.scope) for metric in metrics]
    nothing = (0,) * (known.until - known.first).days
    rows = dict(known.rows(days, rule, {group}, sized=1)).get(group, (nothing, nothing))
    windows, unit, newest = ratio.Windows(rule, known, rows), rule.unit, known.newest
    value, bound = windows.figures(newest)
    window = _window(newest, rule.window)
    units = [unit_of_metric(metric) for metric in metrics]
    begin, end = known.place(window.start), known.place(window.end)
    sums = [sum(row[max(begin, 0) : end]) for row in rows]
    told = " over ".join(each.show(total) for each, total in zip(units, sums, strict=True))
    steps = [Step(f"{show_span(window)}: {told} = {unit.show(value)}")]
    if why := windows.learning(newest):
        steps.append(Step(why, holds=False))
    holds = windows.true_on(newest)
    label = rule.thresholds[0].label
    than = f"{unit.show(bound)} in the days before" if rule.percent else unit.show(bound)
    steps.append(Step(f"{label}: {unit.show(value)} against {than}", holds))
    if rule.min_denominator > 1:
        least = units[1].show(rule.min_denominator)
        steps.append(
            Step(f"at least {least} in the window: {units[1].show(sums[1])}", sums[1] >= rule.min_denominator)
        )
    if step := _days_in_a_row(
        [windows.true_on(newest - n * DAY) for n in range(rule.hold_days)], rule.hold_days
    ):
        steps.append(step)
    would: tuple[str, ...] = ()
    if not holds:
        would = (f"a ratio {label} over {rule.window} settled day{'s' if rule.window > 1 else ''}",)
        if rule.percent:
            would = (f"a ratio {rule.percent}% {'less' if rule.falls else 'more'} than {unit.show(bound)}",)
    columns = tuple((words_of(metric), each) for metric, each in zip(metrics, units, strict=True))
    before = _window(newest - rule.window * DAY, rule.window) if rule.percent else None
    back = (2 if rule.percent else 1) * rule.window
    return Working(
        tuple(steps), would, columns, _lines(known, rows, newest - (back - 1) * DAY, window, before)
    )


def anomaly_work(rule: anomaly.Anomaly, view: View, now: datetime, group: Group) -> Working:
    """Return how unusual the newest settled day is, by which threshold, and from what figure on one would be."""
    looked = anomaly.looked(rule, view, now, {group})
    if isinstance(looked, Unjudged):
        return _held(looked)
    known, found, thresholds = looked
    series = next((each for each in found if each.group == group), None)
    unit, newest = rule.unit, known.newest
    columns = ((words_of(rule.metric), unit), ("expected", unit))
    if series is None or not series.scores:
        why = series.learning if series else f"nothing in the last {(known.until - known.first).days} days"
        return Working(
            (Step(why, holds=False),), (f"{NEEDS_HISTORY + 1} settled days must be there first",), columns
        )
    wanted = thresholds.on(newest)
    scored = series.scores.get(newest)
    steps = []
    high = False
    if scored is not None:
        high = scored.score >= wanted
        came_to = f"{unit.show(scored.value)} on {newest:%A} {show_day(newest)}"
        steps.append(
            Step(f"{came_to}, {unit.show(scored.expected)} was expected: a score of {scored.score:.2f}")
        )
        told = f"a score of {wanted:.2f} is unusual"
        raised = (
            f", raised from {BASE} so that the rule speaks at most {rule.at_most}" if wanted > BASE else ""
        )
        steps.append(Step(f"{told}{raised}", high))
    least = series.least[known.place(newest)]
    share = f" ({rule.ignore_percent}% of the organization's day)" if rule.ignore_percent else ""
    counts = series.on(newest) >= least
    steps.append(Step(f"days below {unit.show(least)}{share} are ignored", counts))
    runs = series.runs(thresholds)
    run = next((run for run in runs if newest in run.days), None)
    if run is not None and len(run.days) > 1:
        steps.append(Step(f"{len(run.days)} unusual days since {show_day(run.since)}", holds=True))
    in_a_row = [any(newest - place * DAY in each.days for each in runs) for place in range(rule.hold_days)]
    if step := _days_in_a_row(in_a_row, rule.hold_days):
        steps.append(step)
    for critical in rule.thresholds[1:]:
        if scored is not None:
            at = critical.at(scored.expected)
            steps.append(
                Step(
                    f"{critical.label} the expected = {unit.show(at)}: {_got(scored.value >= at)}",
                    scored.value >= at,
                )
            )
    would = _unusual_from(series, known, wanted, least)
    days = tuple(
        DayLine(day.day, (day.value, day.expected), f"score {day.score:.1f}{_unusual(day.day, runs)}")
        for day in list(series.scores.values())[-SHOWN:]
    )
    sentence = (
        f"{unit.show(would, cents=False)} or more on {newest + DAY:%A} {show_day(newest + DAY)}"
        if would
        else ""
    )
    return Working(tuple(steps), (sentence,) if sentence else (), columns, days)


def _unusual(day: date, runs: Sequence[Stretch]) -> str:
    return ", unusual" if any(day in run.days for run in runs) else ""


def _unusual_from(series: Series, known: Settled, wanted: float, least: int) -> int:
    """Return the figure from which on the day after the newest would be unusual, to a hundredth; 0 where none is."""
    scorer = Scorer(known.first)
    for value in series.row:
        scorer.add(value)

    def scores(value: int) -> bool:
        tried = deepcopy(scorer)
        tried.add(value)
        return bool(tried.scored) and tried.scored[-1].score >= wanted

    low, high = max(least, 1) - 1, max(*series.row, least, 1) * 100
    if not scores(high):
        return 0
    while (high - low) * 100 > high:
        middle = (low + high) // 2
        low, high = (low, middle) if scores(middle) else (middle, high)
    return high


def _lines(
    known: Settled, rows: Sequence[Sequence[int]], first: date, window: Span, before: Span | None
) -> tuple[DayLine, ...]:
    lines = []
    for place in range(max(known.place(first), 0), known.place(known.until)):
        day = known.first + place * DAY
        note = "window" if day in window else "before" if before and day in before else ""
        lines.append(DayLine(day, tuple(row[place] for row in rows), note))
    return tuple(lines)


def _got(reached: bool) -> str:
    return "reached" if reached else "not reached"
