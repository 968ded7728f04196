"""What alerts about settled days share: change, anomaly and ratio look at days that are over."""

from bot.core.incident import Reason
from bot.core.period import Span, show_day, show_span
from bot.core.units import USD
from bot.render import blocks
from bot.render.alert_words import Told, began, in_a_row, reason_of, run_words
from bot.render.figures import Show, compared, estimate, exact, short

OVER = (Reason.RUN_OVER, Reason.OVER)
"""Why an incident ended, where it is just no longer so."""


def window(told: Told) -> str:
    """Return `in the 7 days to 20 Nov`, `on 20 Nov`."""
    days = told.days
    if days is None:
        return f"on {blocks.escape(told.telling.period)}"
    return (
        f"on {show_day(days.start)}"
        if days.days == 1
        else f"in the {days.days} days to {show_day(days.last)}"
    )


def before(told: Told, *, short_form: bool = False) -> str:
    """Return `the 7 days before`, `the day before`; in short form without the count."""
    days = told.days
    count = days.days if days else 1
    if count == 1:
        return "the day before"
    return "before" if short_form else f"the {count} days before"


def window_title(told: Told) -> str:
    """Return `14–20 Nov`, with which a card heads the figure of its days."""
    return show_span(told.days) if told.days else blocks.escape(told.telling.period)


def before_title(told: Told) -> str:
    """Return `7–13 Nov`: as many days before the window."""
    days = told.days
    if days is None:
        return "Before"
    return show_span(Span(days.start - (days.end - days.start), days.start))


def verb(told: Told) -> str:
    """Return what one does with the unit: dollars are spent, of anything else one has some."""
    return "spent" if told.unit.dollars else "had"


def more(told: Told, show: Show = short) -> str:
    """Return `*52%* ($424) more than`, `12% ($100) less than`, `as much as`."""
    value, amount = told.incident.value, told.incident.amount
    if value == amount:
        return "as much as"
    which = "more than" if value > amount else "less than"
    difference = show(abs(value - amount), told.unit)
    share = compared(value, amount)
    return f"*{share}* ({difference}) {which}" if share else f"*{difference}* {which}"


def run(told: Told) -> str:
    """Return `, day 3 in a row`; '' on the first day."""
    return f", {in_a_row(told)}" if len(told.incident.days) > 1 else ""


def estimated(told: Told) -> str:
    """Return ` ($312 of it estimated)`; '' where nothing is."""
    said = estimate(told.telling.estimated, told.unit)
    return f" ({said.removeprefix(', ')})" if said else ""


def late(told: Told) -> str:
    """Return `, by data that came late` where nobody could know it before."""
    return ", by data that came late" if told.incident.late else ""


def is_over(told: Told) -> bool:
    """Tell whether it ended and is not news."""
    return told.incident.state == "ended" and not told.incident.late


def over(told: Told) -> int | None:
    """Return nano-dollars above what was before, or expected."""
    return told.incident.value - told.incident.amount if told.unit == USD else None


def level_of(told: Told) -> str:
    """Return the level it stands at, or stood at last: the rule's first where it stands at none."""
    percents = told.telling.percents
    return told.incident.foremost or (percents[0][0] if percents else "")


def falls(told: Told) -> bool:
    """Tell whether the rule is about too little: then the highest figure is not the worst."""
    return level_of(told).startswith(("-", "below "))


def past(told: Told, back: str, what: str, most: str, last: str) -> str:
    """Return how it came out: `back` words for it, how many days it was so, the most it came to."""
    incident = told.incident
    if incident.reason not in OVER:
        return f"is no longer watched here ({reason_of(told)}): last {last}"
    if not incident.days:
        return f"{back} after a correction: {last}"
    return f"{back}: {run_words(told, what)}{'' if falls(told) else f', {most}'}"


def in_thread(words: str) -> str:
    """Return how it came out as a line of the thread, which names its subject where it must."""
    return words.removeprefix("is ")


def run_fact(told: Told, title: str) -> list[str]:
    """Return how many days it is so."""
    days = told.incident.days
    return [f"*{title}*\n{len(days)}, since {show_day(began(told))}"] if len(days) > 1 else []


def peak_fact(told: Told) -> list[str]:
    """Return the highest figure, where the present one is lower."""
    incident = told.incident
    higher = incident.peak > incident.value and not falls(told)
    return [f"*Peak*\n{exact(incident.peak, told.unit)}"] if higher else []
