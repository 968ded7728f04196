"""What an alert of a change says: some days beside as many days before them."""

from bot.render import blocks
from bot.render.alert_words import Told, peak_of, who
from bot.render.figures import Figures, Show, alone, compared, estimate, exact, short
from bot.render.kinds import settled
from bot.render.kinds.settled import before, before_title, more, verb, window, window_title
from bot.render.kinds.words import Words


def headline(told: Told) -> str:
    """Return the first line: `spent $1,240 in the 7 days to 20 Nov, 52% ($424) more than the 7 days before`."""
    if settled.is_over(told):
        return f"{who(told)} {ended(told)}"
    if told.incident.state == "ok":
        return f"{who(told)} is {_no_longer(told)} after a correction: {_figures(told)}"
    return f"{who(told)} {verb(told)} {_figures(told)}{settled.run(told)}{settled.late(told)}"


def _no_longer(told: Told) -> str:
    return f"no longer {'down' if settled.falls(told) else 'up'} by so much"


def _figures(told: Told) -> str:
    return f"*{short(told.incident.value, told.unit)}*{settled.estimated(told)} {window(told)}, {_than(told)}"


def _than(told: Told, show: Show = short) -> str:
    if told.incident.amount <= 0:
        return f"where {before(told)} came to {alone(told.incident.amount, told.unit, show)}"
    return f"{more(told, show)} {before(told)}"


def sentence(told: Told) -> str:
    """Return `$1,240.00 in the 7 days to 20 Nov, 52% ($424) more than the 7 days before`."""
    value = f"{exact(told.incident.value, told.unit)}{estimate(told.telling.estimated, told.unit, exact)}"
    return f"{value} {window(told)}, {_than(told, exact).replace('*', '')}"


def cell(told: Figures, show: Show) -> str:
    """Return `$1,240, +52%`."""
    share = compared(told.value, told.amount)
    sign = "+" if told.value > told.amount else "−"
    change = f"{sign}{share}" if share else f"{alone(told.amount, told.unit, show)} before"
    return f"{show(told.value, told.unit)}, {change}{estimate(told.estimated, told.unit, show)}"


def facts(told: Told) -> list[str]:
    """Return both sums, their difference and the level."""
    incident, unit = told.incident, told.unit
    difference = incident.value - incident.amount
    sign = "+" if difference > 0 else "−"
    share = compared(incident.value, incident.amount)
    change = f"{sign}{exact(abs(difference), unit)}{f' ({sign}{share})' if share else ''}"
    found = [
        f"*{window_title(told)}*\n{exact(incident.value, unit)}{estimate(told.telling.estimated, unit, exact)}",
        f"*{before_title(told)}*\n{exact(incident.amount, unit)}",
        f"*Change*\n{change}",
    ]
    if incident.foremost:
        found.append(f"*Level*\n{blocks.escape(incident.foremost.replace('-', '−'))}")
    return [*found, *settled.peak_fact(told), *settled.run_fact(told, "Days so")]


def level(label: str) -> str:
    """Return `up by 40% or more`, `$5,000 or more above what was before`."""
    if label.endswith(" over"):
        return f"{blocks.escape(label.removesuffix(' over'))} or more above what was before"
    return f"{'down' if label.startswith('-') else 'up'} by {blocks.escape(label[1:])} or more"


def ended(told: Told) -> str:
    """Return how it came out: `no longer up by so much: 3 days past it, 18–20 Nov, at most $1,300`."""
    most = f"at most *{short(peak_of(told.incident), told.unit)}* {_in_days(told)}"
    return settled.past(told, f"is {_no_longer(told)}", "past it", most, sentence(told))


def _in_days(told: Told) -> str:
    days = told.days
    return f"in {days.days} days" if days and days.days > 1 else "a day"


def in_thread(told: Told) -> str:
    """Return how it came out, as a line of the thread."""
    return settled.in_thread(ended(told))


WORDS = Words("change", "changes", headline, sentence, cell, facts, in_thread, over=settled.over, level=level)
