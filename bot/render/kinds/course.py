"""What the period of a budget is on course for: in its first line, among its facts and in its thread."""

from datetime import date
from fractions import Fraction

from bot.core.incident import Reason
from bot.core.money import parse_usd, show_percent
from bot.core.outlook import Outlook
from bot.core.period import DAY, show_day
from bot.core.units import USD
from bot.render import blocks
from bot.render.alert_words import Told, instant
from bot.render.figures import short

FORECAST = "forecast "
"""How a level about the forecast is called, before its target."""


def on_course(told: Told) -> str:
    """Return `, on course for *$14,020*, $2,020 over`, where the period is on course past its budget."""
    incident, outlook = told.incident, outlook_of(told)
    if outlook is None:
        return f", {foreseen(incident.forecast)}" if incident.forecast else ""
    if outlook.total <= incident.value:
        return ""
    if outlook.total <= incident.amount:
        share = show_percent(outlook.total, incident.amount)
        return f", on course for *{short(outlook.total)}*, {share} of it" if incident.forecast else ""
    over = f", {short(outlook.total - incident.amount)} over" if incident.value <= incident.amount else ""
    return f", on course for *{short(outlook.total)}*{over}"


def foreseen(label: str) -> str:
    """Return a forecast level without its figure, where nobody looked further: `on course to pass 100% of it`."""
    aim = blocks.escape(target(label))
    return f"on course to pass {aim} of it" if aim.endswith("%") else f"on course to pass {aim}"


def target(label: str) -> str:
    """Return what a forecast level is about: `100%` of `forecast 100%`."""
    return label.removeprefix(FORECAST)


def outlook_of(told: Told) -> Outlook | None:
    """Return what the period is on course for, where that is told in dollars as the budget is."""
    return told.telling.outlook if told.unit == USD else None


def course_again(told: Told) -> str:
    """Return `, on course for *$11,200*`; '' while only the look ahead is known that has cleared since."""
    outlook, incident = outlook_of(told), told.incident
    if outlook is None or outlook.total > incident.amount or outlook.total <= incident.value:
        return ""
    return f", on course for *{short(outlook.total)}*"


def ahead(told: Told) -> list[str]:
    """Return what the period is on course for; once it is over, what it was."""
    incident, outlook = told.incident, outlook_of(told)
    if outlook is None or not told.telling.end:
        return []
    if incident.reason == Reason.FORECAST_CLEARED and outlook.total > incident.amount:
        return []  # it is the look ahead that has cleared since
    share = f" ({show_percent(outlook.total, incident.amount)})" if incident.amount else ""
    if incident.state == "ended":
        said = show_day(date.fromisoformat(outlook.settled_until))
        return [f"*Forecast was*\n{short(outlook.total)}{share}, by the days before {said}"]
    last = show_day(date.fromisoformat(told.telling.end) - DAY)
    likely = f"{short(outlook.low)} to {short(outlook.high)}"
    found = [f"*Forecast, {last}*\n{short(outlook.total)}{share}, {likely}"]
    runs_out = instant(outlook.runs_out_at)
    if runs_out is not None:
        found.append(f"*Runs out*\n{show_day(runs_out.date())}, about {runs_out:%H}:00 UTC")
    return found


def course(told: Told, label: str, so_far: str, when: str = "") -> str:
    """Return `on course for $14,020, 117% of $12,000`; with what it came to `so_far` where nobody looked ahead."""
    outlook, amount = outlook_of(told), told.incident.amount
    if outlook is None:
        return f"{foreseen(label)}{when}, {so_far} so far"
    share = f", {show_percent(outlook.total, amount)} of {short(amount)}" if amount else ""
    return f"on course for {short(outlook.total)}{when}{share}"


def is_below(total: int, label: str, amount: int) -> bool:
    """Tell whether a forecast is below what a level of the forecast is about."""
    aim = target(label)
    if aim.endswith("%"):
        return total * 100 < Fraction(aim.removesuffix("%")) * amount
    at = parse_usd(aim)
    return at is not None and total < at
