"""What an alert of something new says: what it is, where, and what it has cost since its first day."""

from datetime import date

from bot.core.groups import OTHER
from bot.core.period import show_day
from bot.core.telling import WORDS as DIMENSIONS
from bot.render import blocks
from bot.render.alert_words import Told, reason_of
from bot.render.figures import Figures, Show, estimate, exact, short
from bot.render.kinds import settled
from bot.render.kinds.words import Words


def headline(told: Told) -> str:
    """Return the first line: `model gpt-5.5 is new in search-prod: $12.40 since 20 Nov`."""
    what, where = _newcomer(told)
    sums = f"*{short(told.incident.value, told.unit)}*{_estimate(told)} {_since(told)}"
    if settled.is_over(told):
        return f"{what}{where} {ended(told)}"
    if told.incident.state == "ok":
        return f"{what} is not new{where} after a correction: {sums}"
    return f"{what} {'are' if OTHER in dict(told.telling.group).values() else 'is'} new{where}: {sums}"


def _newcomer(told: Told) -> tuple[str, str]:
    """Return `model *gpt-5.5*` and ` in *search-prod*`: what is new, and to whom."""
    group = told.telling.group
    if not group:
        return f"*{blocks.name(told.telling.title, 80)}*", ""
    dimension, name = next((each for each in group if each[:1] == told.telling.about), group[-1])
    if name == OTHER:
        return f"many {DIMENSIONS[dimension]}s together", ""
    places = [_place(*each) for each in group if each[0] != dimension]
    within = f" in {' and '.join(places)}" if places else ""
    selects = f" ({blocks.name(told.telling.selects, 80)})" if told.telling.selects else ""
    return f"{DIMENSIONS[dimension]} *{blocks.name(name, 120)}*", f"{within}{selects}"


def _place(dimension: str, name: str) -> str:
    bold = f"*{blocks.name(name, 120)}*"
    return bold if dimension in ("project", "team") else f"{DIMENSIONS[dimension]} {bold}"


def _since(told: Told) -> str:
    first = _first(told)
    return f"since {show_day(first)}" if first else "so far"


def _first(told: Told) -> date | None:
    return told.days.start if told.telling.days and told.days else None


def _estimate(told: Told) -> str:
    return estimate(told.telling.estimated, told.unit)


def sentence(told: Told) -> str:
    """Return `$12.40 since 20 Nov`."""
    value = f"{exact(told.incident.value, told.unit)}{estimate(told.telling.estimated, told.unit, exact)}"
    return f"{value} {_since(told)}"


def cell(told: Figures, show: Show) -> str:
    """Return `$12.40 since 20 Nov`; what is known for long has no first day."""
    since = f" since {show_day(told.days.start)}" if told.days else ""
    return f"{show(told.value, told.unit)}{since}{estimate(told.estimated, told.unit, show)}"


def facts(told: Told) -> list[str]:
    """Return its first day and what it came to."""
    incident, first = told.incident, _first(told)
    found = [
        f"*Cost*\n{exact(incident.value, told.unit)}{estimate(told.telling.estimated, told.unit, exact)}"
    ]
    if first:
        found.append(f"*First seen*\n{show_day(first)}")
    return found


def ended(told: Told) -> str:
    """Return that it is known by now."""
    if told.incident.reason not in settled.OVER:
        return f"is no longer watched here ({reason_of(told)}): last {sentence(told)}"
    return f"is not new any more: {sentence(told)}"


def in_thread(told: Told) -> str:
    """Return that it is known by now, as a line of the thread."""
    return settled.in_thread(ended(told))


WORDS = Words("newcomer", "newcomers", headline, sentence, cell, facts, in_thread, notes=False)
