"""Why a budget stands where it stands: its sum by day, each level, and how probable the forecast ones are."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import accumulate

from bot.core.explaining.working import DayLine, Step, Working, listed, percent
from bot.core.forecast import RELEASE, Forecast, Pace, raised
from bot.core.forecasting import COURSES, LOOKS_BACK
from bot.core.groups import OTHER
from bot.core.kinds.budget import amount_of, levels_of
from bot.core.metrics import METRICS
from bot.core.needs import settled_until
from bot.core.period import DAY, Span, show_day, show_span
from bot.core.rules.book import Budget, Threshold
from bot.core.spend import Group
from bot.core.units import Unit
from bot.core.view import View, words_of

LATELY = 14
"""Days shown of a period of one day, which is told beside those before it."""
PROBABILITIES = 5
"""Settled days whose forecasts are shown."""


def work(
    rule: Budget, view: View, now: datetime, group: Group, span: Span, amount: int | None = None
) -> Working:
    """Return how a budget's levels stand in a period; `amount` is what it was then, where that is known."""
    if amount is None:
        amount = amount_of(rule, group, view.names, view.limits, span)
    today = now.astimezone(UTC).date()
    first = min(span.start, span.end - LATELY * DAY) if rule.period.kind == "day" else span.start
    known = _days(rule, view, group, Span(first, min(span.end, today + DAY)))
    if known is None:
        return Working((Step(f"no {words_of(rule.metric)} stored yet"),))
    first, values = known
    level = rule.metric in METRICS and METRICS[rule.metric].level
    of_period = values[max((span.start - first).days, 0) :]
    begins = max(span.start, first)
    sums = list(accumulate(of_period, max)) if level else list(accumulate(of_period))
    value = sums[-1] if sums else 0
    lines = _lines(rule, first, values, begins, sums, amount, now)
    columns: tuple[tuple[str, Unit], ...] = ((words_of(rule.metric), rule.unit),)
    if rule.period.kind != "day":
        columns = (*columns, ("highest so far" if level else "sum", rule.unit))
    if amount is None:
        return Working((Step("no amount for this group: it is not watched"),), (), columns, lines)
    unit, closed = rule.unit, now >= span.ends_at
    when = "at most" if level else "in all" if closed else "so far"
    steps = [Step(f"{unit.show(value)} {when}, of {_how(rule, view, group, amount)}")]
    would: list[str] = []
    by = f"by {show_day(span.last)}" if rule.period.kind != "rolling" else "in these days"
    for threshold in levels_of(rule, amount):
        at = threshold.at(amount)
        reached = value > 0 and value >= at
        steps.append(
            Step(f"{_level(rule, threshold, amount)}: {_reached(begins, sums, at, value, rule)}", reached)
        )
        if not reached and not closed:
            missing = at - value if at > value else 0
            more = (
                f"{unit.show(missing)} more"
                if missing
                else "any use at all"
                if not unit.dollars
                else "any spend"
            )
            would.append(f"{more} {by} reaches {threshold.label}")
    if not closed and rule.foresees and rule.period.kind in COURSES:
        for step, sentence in _forecasts(rule, view, now, group, span, value, amount):
            steps.append(step)
            would += [sentence] if sentence else []
    if closed:
        would.append(f"{rule.called(span)} is over: only a revision of its days could")
    elif not would:
        would.append("nothing: there is no higher level")
    return Working(tuple(steps), tuple(would), columns, lines)


def _days(rule: Budget, view: View, group: Group, span: Span) -> tuple[date, list[int]] | None:
    """Return the first known day of a span, and what each day from then on came to."""
    days = view.days(rule.metric, rule.scope)
    if days is None:
        return None
    first = max(span.start, days.first)
    begin, end = days.place(first), min(days.place(span.end), days.days)
    if group[:1] == (OTHER,):
        return first, [0] * max(end - begin, 0)  # nobody can say which are the others of a day
    return first, list(days.of(group)[begin:end])


def _lines(
    rule: Budget,
    first: date,
    values: Sequence[int],
    begins: date,
    sums: Sequence[int],
    amount: int | None,
    now: datetime,
) -> tuple[DayLine, ...]:
    until = settled_until(rule, now)
    levels = levels_of(rule, amount) if amount is not None else ()
    lines = []
    for place, value in enumerate(values):
        day = first + place * DAY
        at = (day - begins).days
        total = sums[at] if at >= 0 else value
        before = (sums[at - 1] if at > 0 else 0) if at >= 0 else total
        passed = [
            each.label for each in levels if amount is not None and _reaches(before, total, each.at(amount))
        ]
        if rule.period.kind == "day" and amount is not None:
            passed = [each.label for each in levels if value > 0 and value >= each.at(amount)]
        notes = [*passed[-1:], *(["not settled"] if day >= until else [])]
        figures = (value,) if rule.period.kind == "day" else (value, total)
        lines.append(DayLine(day, figures, ", ".join(notes)))
    return tuple(lines)


def _how(rule: Budget, view: View, group: Group, amount: int) -> str:
    """Return the amount with where it comes from: `$12,000.00 (OpenAI's hard limit)`."""
    first = group[0] if group else ""
    name = view.names.of(rule.scope.each[0], first) if group and first != OTHER else first
    plan = rule.amount.plan(first, name)
    return f"{rule.unit.show(amount)}{' (the hard limit at OpenAI)' if plan and plan.hard_limit else ''}"


def _level(rule: Budget, threshold: Threshold, amount: int) -> str:
    unit, at = rule.unit, threshold.at(amount)
    if threshold.percent:
        return f"{threshold.label} of {unit.show(amount)} = {unit.show(at)}"
    if threshold.over:
        return f"{threshold.label} {unit.show(amount)} = {unit.show(at)}"
    return threshold.label


def _reached(begins: date, sums: Sequence[int], at: int, value: int, rule: Budget) -> str:
    if value <= 0 or value < at:
        return f"{rule.unit.show(at - value)} to go" if at > value else "nothing spent"
    # What credits took back in between was reached all the same: the last time counts.
    place = max(
        (n for n, total in enumerate(sums) if _reaches(sums[n - 1] if n else 0, total, at)), default=0
    )
    return f"reached on {show_day(begins + place * DAY)}"


def _reaches(before: int, total: int, at: int) -> bool:
    """Tell whether a sum reaches a figure on a day: nothing spent is at no level, not even at that of $0."""
    return 0 < total >= at and not 0 < before >= at


def _alike(words: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each run of equal words with its first and its last place."""
    first = 0
    for place, word in enumerate(words):
        if place + 1 == len(words) or words[place + 1] != word:
            yield word, first, place
            first = place + 1


def _forecasts(
    rule: Budget, view: View, now: datetime, group: Group, span: Span, value: int, amount: int
) -> Iterator[tuple[Step, str]]:
    """Yield each forecast level with the probabilities of its last settled days, and what would raise it."""
    days, begins, until = view.days(rule.metric, rule.scope), view.history_from, settled_until(rule, now)
    pace = None
    if days is not None and begins is not None:
        first = max(span.start - LOOKS_BACK, begins, days.first)
        values = days.of(group)
        pace = Pace(first, values[days.place(first) : max(days.place(until), days.place(first))])
    levels = sorted(
        (level for level in rule.thresholds if level.basis == "forecast"), key=lambda level: level.at(amount)
    )
    for level in levels:
        at, name = level.at(amount), f"{level.label} ({rule.unit.show(level.at(amount))} or more)"
        if value >= at:
            yield Step(f"{name}: muted, for so much is reached", holds=False), ""
            continue
        lacks = pace.needs(span) if pace is not None else None
        if pace is None or lacks is not None:
            have = (
                f"needs {lacks.need_days} settled days, has {lacks.have_days}" if lacks else "no history yet"
            )
            yield Step(f"{name}: {have}"), ""
            continue
        probabilities = pace.probabilities(span, at)
        last = probabilities[-PROBABILITIES:]
        since = pace.settled_until - len(last) * DAY
        shown = [
            f"{told} on {show_span(Span(since + first * DAY, since + (end + 1) * DAY))}"
            for told, first, end in _alike([percent(chance) for chance in last])
        ]
        stands = raised(probabilities, level.confidence)
        wants = f"needs {percent(level.confidence)} on two settled days in a row"
        clears = f"clears below {percent(level.confidence - RELEASE)} on two"
        said = listed(shown) if shown else "no day of the period has settled"
        step = Step(f"{name}: {said}; {clears if stands else wants}", stands)
        outlook = pace.forecast(span)
        if stands or not isinstance(outlook, Forecast):
            yield step, ""
            continue
        now_at = f"it is on course for {rule.unit.show(outlook.total, cents=False)}"
        yield (
            step,
            f"{level.label}: a probability of {percent(level.confidence)} on two settled days in a row; {now_at}",
        )
