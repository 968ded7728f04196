"""What an alert of a ratio says: cost for so many requests, a share of tokens, beside its bound or its baseline."""

from bot.render import blocks
from bot.render.alert_words import Told, peak_of, who
from bot.render.figures import Figures, Show, alone, compared, exact, short
from bot.render.kinds import settled
from bot.render.kinds.settled import before, before_title, window, window_title
from bot.render.kinds.words import Words


def headline(told: Told) -> str:
    """Return the first line: `costs $4.61 per 1,000 requests in the 7 days to 20 Nov, above $4.00`."""
    if settled.is_over(told):
        return f"{who(told)} {ended(told)}"
    if told.incident.state == "ok":
        return f"{who(told)} is {_no_longer(told)} after a correction: {sentence(told)}"
    so = f"{_is(told)}{settled.estimated(told)} {window(told)}, {_beside(told)}"
    return f"{who(told)}{so}{settled.run(told)}{settled.late(told)}"


def _is(told: Told) -> str:
    """Return ` costs *$4.61 per 1,000 requests*`, `: cached input tokens were *28%* of input tokens`."""
    figure = f"*{short(told.incident.value, told.unit)}*"
    if told.unit.dollars:
        return f" costs {figure}"
    if not told.unit.share:
        return f" had {figure}"
    if len(told.telling.about) < 2:
        return f" is at {figure}"
    part, whole = (blocks.escape(words) for words in told.telling.about[:2])
    return f": {part} were {figure} of {whole}"


def _beside(told: Told) -> str:
    """Return `above $4.00`; of a change, `32% more than the $3.50 of the 7 days before`."""
    label, incident = settled.level_of(told), told.incident
    if not _moved(label):
        return blocks.escape(label)
    base = alone(incident.amount, told.unit)
    if incident.value == incident.amount:
        return f"as in {before(told)}"
    more = "more" if incident.value > incident.amount else "less"
    return f"*{compared(incident.value, incident.amount)} {more}* than the {base} of {before(told)}"


def _moved(label: str) -> bool:
    """Tell whether a level is about how much the ratio moved, and not about a bound."""
    return label.startswith(("+", "-"))


def sentence(told: Told) -> str:
    """Return `$4.61 per 1,000 requests in the 7 days to 20 Nov, above $4.00`."""
    label, incident = settled.level_of(told), told.incident
    value = f"{exact(incident.value, told.unit)} {window(told)}"
    if _moved(label):
        return f"{value}, {_beside(told).replace('*', '')}"
    if not incident.level:
        return f"{value}, held against {alone(incident.amount, told.unit, exact)}"
    return f"{value}, {blocks.escape(label)}"


def cell(told: Figures, show: Show) -> str:
    """Return `$4.61 per 1,000 requests, above $4.00`."""
    value = show(told.value, told.unit)
    if not told.level:
        return f"{value}, held against {alone(told.amount, told.unit, show)}"
    if not _moved(told.level):
        return f"{value}, {told.level}"
    sign = "+" if told.value > told.amount else "−"
    share = compared(told.value, told.amount)
    return f"{value}, {sign}{share}" if share else value


def facts(told: Told) -> list[str]:
    """Return the ratio of the window, and its bound or what it was before."""
    incident, label = told.incident, settled.level_of(told)
    found = [f"*{window_title(told)}*\n{exact(incident.value, told.unit)}"]
    if len(told.telling.about) > 1:
        part, whole = (blocks.escape(words) for words in told.telling.about[:2])
        found.append(f"*What*\n{part} {'in' if told.unit.share else 'over'} {whole}")
    if _moved(label):
        found.append(f"*{before_title(told)}*\n{exact(incident.amount, told.unit)}")
    if incident.foremost:
        found.append(f"*Level*\n{blocks.escape(label.replace('-', '−'))}")
    return [*found, *settled.peak_fact(told), *settled.run_fact(told, "Days so")]


def level(label: str) -> str:
    """Return `above $4.00`, `up by 30% or more`."""
    if not _moved(label):
        return blocks.escape(label)
    return f"{'down' if label.startswith('-') else 'up'} by {blocks.escape(label[1:])} or more"


def _no_longer(told: Told) -> str:
    label = settled.level_of(told)
    if not _moved(label):
        return f"no longer {blocks.escape(label)}"
    return f"no longer {'down' if label.startswith('-') else 'up'} by so much"


def ended(told: Told) -> str:
    """Return how it came out: `no longer above $4.00: 3 days past it, 18–20 Nov, at most $4.61`."""
    most = f"at most *{short(peak_of(told.incident), told.unit)}*"
    return settled.past(told, f"is {_no_longer(told)}", "past it", most, sentence(told))


def in_thread(told: Told) -> str:
    """Return how it came out, as a line of the thread."""
    return settled.in_thread(ended(told))


WORDS = Words("ratio", "ratios", headline, sentence, cell, facts, in_thread, level=level)
