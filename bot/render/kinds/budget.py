"""What an alert of a budget says: how much of it is used, what is left, and what the period is on course for."""

from collections.abc import Sequence
from datetime import date

from bot.core.incident import Reason
from bot.core.metrics import METRICS
from bot.core.money import show_percent
from bot.core.period import show_day
from bot.core.units import USD
from bot.render import blocks
from bot.render.alert_words import (
    Told,
    began,
    in_a_row,
    instant,
    levels,
    peak_of,
    period_days,
    reason_of,
    run_words,
    sums,
    who,
)
from bot.render.figures import Figures, Show, alone, estimate, exact, short
from bot.render.kinds.course import (
    FORECAST,
    ahead,
    course,
    course_again,
    is_below,
    on_course,
    outlook_of,
    target,
)
from bot.render.kinds.words import Words

LEVELS = frozenset(metric.words for metric in METRICS.values() if metric.level)
"""Units of what is there, and not used up: bytes stored."""


def headline(told: Told) -> str:
    """Return the first line: how much of the budget is used, and what that means."""
    incident, budget = told.incident, _budget(told)
    came_to = f"{sums(incident.value, incident.amount, told.unit)}{_estimate(told)}"
    if incident.state == "ended":
        return _ended_headline(told, budget, came_to)
    if incident.state == "ok":
        return f"{who(told)} {_below(told, budget, came_to)}"
    run = f", {in_a_row(told)}" if len(incident.days) > 1 else ""
    return f"{who(told)} {_so_what(told, budget, came_to)}{run}"


def _below(told: Told, budget: str, came_to: str) -> str:
    below = f"is below every level of {budget}"
    match told.incident.reason:
        case Reason.FORECAST_CLEARED:
            return f"is on course to stay within {budget} again: {came_to}{course_again(told)}"
        case Reason.CORRECTED:
            return f"{below} after a correction: {came_to}"
        case Reason.BUDGET_CHANGED:
            return f"{below} since the budget was raised: {came_to}"
    return f"{below}: {came_to}"


def _so_what(told: Told, budget: str, came_to: str) -> str:
    incident, unit = told.incident, told.unit
    if not incident.amount:
        spent = f"*{short(incident.value, unit)}*{_estimate(told)}"
        return f"{'spent' if unit.dollars else 'had'} {spent}, and {budget} is {alone(0, unit)}"
    over, course = incident.value - incident.amount, on_course(told)
    if over > 0:
        return f"is *{alone(over, unit)} over* {budget}: {came_to}{course}"
    share = show_percent(incident.value, incident.amount)
    used = f"stands at *{share}* of" if is_level(told) else f"has used *{share}* of"
    of = f"*{short(incident.value, unit)}* of {alone(incident.amount, unit)}{_estimate(told)}"
    if course:
        return f"{used} {budget}: {of}{course}"
    left_for = "" if is_level(told) else _left_for(told)
    left = f"{alone(-over, unit)} left{left_for}" if over else f"nothing left{left_for}"
    return f"{used} {budget}: {of}, {left}"


def is_level(told: Told) -> bool:
    """Tell whether the budget is of something that is there, and not used up."""
    return told.unit.word in LEVELS


def _ended_headline(told: Told, budget: str, came_to: str) -> str:
    incident, telling, unit = told.incident, told.telling, told.unit
    subject = who(told)
    match incident.reason:
        case Reason.LATE if incident.value > incident.amount:
            over = alone(incident.value - incident.amount, unit)
            return f"{subject} was *{over} over* {budget}, by data that came after its end: {came_to}"
        case Reason.LATE:
            passed_ = levels(passed(told))
            return f"{subject} passed {passed_} of {budget}, by data that came after its end: {came_to}"
        case Reason.PERIOD_OVER:
            return f"{subject} closed {blocks.escape(telling.period)} at {came_to}"
        case Reason.RUN_OVER if not incident.days:
            return f"{subject} is back to normal; {blocks.escape(telling.period)} was corrected to {came_to}"
        case Reason.RUN_OVER:
            peak = f"peak *{short(peak_of(incident), unit)}* of {alone(incident.amount, unit)}"
            return f"{subject} is back below {budget}: {run_words(told, 'past it')}, {peak}"
    return f"{subject} is no longer watched here ({reason_of(told)}): last {came_to}"


def _budget(told: Told) -> str:
    """Return `its November budget`, `its budget of 22 Nov`, `its budget of the last 30 days`."""
    telling = told.telling
    period = blocks.escape(telling.period)
    if telling.period_kind == "month" or (
        telling.period_kind in ("quarter", "year") and " from " not in period
    ):
        return f"its {period} budget"
    return f"its budget of {period}"


def _left_for(told: Told) -> str:
    """Return ` for 8 days`: how long what is left must last, today included."""
    telling = told.telling
    known = instant(telling.as_of)
    if telling.period_kind in ("day", "rolling") or known is None or not telling.end:
        return ""
    days = (date.fromisoformat(telling.end) - known.date()).days
    return "" if days < 1 else " for today" if days == 1 else f" for {days} days"


def _estimate(told: Told) -> str:
    return estimate(told.telling.estimated, told.unit)


# -- figures and facts -----------------------------------------------------------------------------


def cell(told: Figures, show: Show) -> str:
    """Return `$10,284 of $12,000`."""
    of = f"{show(told.value, told.unit)} of {alone(told.amount, told.unit, show)}"
    return f"{of}{estimate(told.estimated, told.unit, show)}"


def sentence(told: Told) -> str:
    """Return `$10,284.17 of $12,000.00 (85%)`."""
    incident, unit = told.incident, told.unit
    share = f" ({show_percent(incident.value, incident.amount)})" if incident.amount else ""
    of = f"{exact(incident.value, unit)} of {alone(incident.amount, unit, exact)}{share}"
    return f"{of}{estimate(told.telling.estimated, unit, exact)}"


def passed(told: Told) -> list[str]:
    """Return the levels its figure has reached, lowest first, and the forecast level that stands."""
    value, forecast = told.incident.value, told.incident.forecast
    reached = [label for label, at in told.telling.percents if value > 0 and value >= at]
    return [*reached, forecast] if forecast and told.incident.state == "firing" else reached


def over(told: Told) -> int | None:
    """Return nano-dollars over the budget, negative below it; None of a budget in another unit."""
    return told.incident.value - told.incident.amount if told.unit == USD else None


def facts(told: Told) -> list[str]:
    """Return its figures one by one."""
    incident, telling, unit = told.incident, told.telling, told.unit
    spent = "Spent" if unit == USD else "Stands at" if is_level(told) else "Used"
    of = f"{exact(incident.value, unit)} of {alone(incident.amount, unit, exact)}"
    told_facts = [
        f"*{spent}*\n{of}{estimate(telling.estimated, unit, exact)}",
        f"*Period*\n{period_days(telling)}",
    ]
    reached = passed(told)
    if reached:
        told_facts.append(f"*Passed*\n{levels(reached)}")
    coming = next(((label, at) for label, at in telling.percents if label not in reached), None)
    if coming and incident.state != "ended":
        label, at = coming
        at_most = "" if label == exact(at) or label == short(at) else f" at {alone(at, unit, exact)}"
        told_facts.append(f"*Next level*\n{blocks.escape(label)}{at_most}")
    told_facts += ahead(told)
    if incident.peak > incident.value:
        share = f" ({show_percent(incident.peak, incident.amount)})" if incident.amount else ""
        told_facts.append(f"*Peak*\n{alone(incident.peak, unit, exact)}{share}")
    if len(incident.days) > 1:
        weeks = "Weeks" if telling.period_kind == "week" else "Days"
        told_facts.append(f"*{weeks} over*\n{len(incident.days)}, since {show_day(began(told))}")
    return told_facts


# -- what happened, in the thread ------------------------------------------------------------------


def rose(told: Told, labels: Sequence[str], because: str) -> str:
    """Return `passed 80 and 100%: $12,140.00 of $12,000.00 (101%)`, or what a forecast level foresees."""
    foreseen = [label for label in labels if label.startswith(FORECAST)]
    if foreseen and len(foreseen) == len(labels):
        named = levels([target(label) for label in labels])
        return f"{course(told, labels[-1], sentence(told))}: {FORECAST}{named}{because}"
    return f"passed {levels(labels)}{because}: {sentence(told)}"


def again(told: Told, label: str, because: str) -> str:
    """Return `at 80% again: $10,284.00 of $12,000.00 (85%)`."""
    if label.startswith(FORECAST):
        return f"{course(told, label, sentence(told), ' again')}: {blocks.escape(label)}{because}"
    return f"at {blocks.escape(label)} again{because}: {sentence(told)}"


def cleared(told: Told, label: str) -> str:
    """Return `forecast cleared: on course for $11,200 again, 93% of $12,000`."""
    outlook = outlook_of(told)
    if outlook is None or not is_below(outlook.total, label, told.incident.amount):
        # The last look ahead is the one that has cleared: its figure is no longer so.
        return f"{blocks.escape(label)} cleared: {sentence(told)}"
    return f"forecast cleared: {course(told, label, sentence(told), ' again')}"


def ended(told: Told) -> str:
    """Return how the period or the run came out."""
    incident, period = told.incident, blocks.escape(told.telling.period)
    match incident.reason:
        case Reason.PERIOD_OVER:
            return f"{period} is over: {sentence(told)}"
        case Reason.RUN_OVER:
            peak = exact(peak_of(incident), told.unit)
            run = run_words(told, "past it")
            return f"the run is over: {run}, peak {peak}; the last, {period}: {sentence(told)}"
    return f"{reason_of(told)}: last {sentence(told)}"


WORDS = Words(
    "budget",
    "budgets",
    headline,
    sentence,
    cell,
    facts,
    ended,
    over,
    passed,
    rose=rose,
    again=again,
    cleared=cleared,
)
