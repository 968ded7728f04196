"""What an alert of an anomaly says: an unusual day, beside what is usual for its weekday."""

from bot.core.period import show_day
from bot.render import blocks
from bot.render.alert_words import Told, peak_of, who
from bot.render.figures import Figures, Show, alone, compared, estimate, exact, short, weekday
from bot.render.kinds import settled
from bot.render.kinds.settled import verb
from bot.render.kinds.words import Words

UNUSUAL = "unusual"


def headline(told: Told) -> str:
    """Return the first line: `spent $310 on 20 Nov, where about $95 is usual for a Friday: $215 over`."""
    value = f"*{short(told.incident.value, told.unit)}*{settled.estimated(told)}"
    if settled.is_over(told):
        return f"{who(told)} {ended(told)}"
    if told.incident.state == "ok":
        return f"{who(told)} is no longer unusual after a correction: {value} {_on(told)}, {_usual(told)}"
    so = f"{verb(told)} {value} {_on(told)}, {_usual(told)}{_over(told)}"
    return f"{who(told)} {so}{_run(told)}{settled.late(told)}"


def _run(told: Told) -> str:
    """Return `, unusual for 3 days`, `, unusual on 2 days since 17 Nov`; '' on the first."""
    days = told.incident.days
    if len(days) < 2:
        return ""
    unbroken = (days[-1] - days[0]).days == len(days) - 1
    return f", unusual {f'for {len(days)} days' if unbroken else f'on {len(days)} days since {show_day(days[0])}'}"


def _on(told: Told) -> str:
    return f"on {show_day(told.incident.span.start)}"


def _usual(told: Told) -> str:
    """Return `where about $95 is usual for a Friday`."""
    expected, day = told.incident.amount, weekday(told.incident.span.start)
    if expected <= 0:
        return f"where nothing is usual for a {day}"
    return f"where about {alone(expected, told.unit)} is usual for a {day}"


def _over(told: Told) -> str:
    over = told.incident.value - told.incident.amount
    return f": *{alone(over, told.unit)} over*" if over > 0 and told.incident.amount > 0 else ""


def sentence(told: Told) -> str:
    """Return `$310.00 on 20 Nov, where about $95 is usual for a Friday`."""
    value = f"{exact(told.incident.value, told.unit)}{estimate(told.telling.estimated, told.unit, exact)}"
    return f"{value} {_on(told)}, {_usual(told)}"


def cell(told: Figures, show: Show) -> str:
    """Return `$310, usually about $95`."""
    usual = f"usually about {alone(told.amount, told.unit, show)}" if told.amount > 0 else "usually nothing"
    return f"{show(told.value, told.unit)}, {usual}{estimate(told.estimated, told.unit, show)}"


def facts(told: Told) -> list[str]:
    """Return the day, what is usual, and by how much it is above."""
    incident, unit, day = told.incident, told.unit, told.incident.span.start
    over, share = incident.value - incident.amount, compared(incident.value, incident.amount)
    usual = f"about {short(incident.amount, unit)}" if incident.amount > 0 else "nothing"
    value = f"{exact(incident.value, unit)}{estimate(told.telling.estimated, unit, exact)}"
    found = [
        f"*{weekday(day)}, {show_day(day)}*\n{value}",
        f"*Usual for a {weekday(day)}*\n{usual}",
    ]
    if over > 0 and incident.amount > 0:
        found.append(f"*Over*\n{exact(over, unit)}{f' ({share})' if share else ''}")
    if incident.foremost and incident.foremost != UNUSUAL:
        found.append(f"*Level*\n{blocks.escape(incident.foremost)}")
    return [*found, *settled.peak_fact(told), *settled.run_fact(told, "Unusual days")]


def level(label: str) -> str:
    """Return `unusual`, `$1,000 or more above the usual`."""
    if label.endswith(" over"):
        return f"{blocks.escape(label.removesuffix(' over'))} or more above the usual"
    return blocks.escape(label)


def ended(told: Told) -> str:
    """Return how it came out: `back to usual: 3 days unusual, 18–20 Nov, at most $310`."""
    most = f"at most *{short(peak_of(told.incident), told.unit)}* a day"
    return settled.past(told, "is back to usual", "unusual", most, sentence(told))


def in_thread(told: Told) -> str:
    """Return how it came out, as a line of the thread."""
    return settled.in_thread(ended(told))


WORDS = Words(
    "anomaly", "anomalies", headline, sentence, cell, facts, in_thread, over=settled.over, level=level
)
