"""What an alert of OpenAI's own hard limits says: missing, not as expected, about to be reached, in force."""

from bot.render import alert_limits, blocks
from bot.render.alert_words import Told, instant, reason_of, who
from bot.render.figures import Figures, Show, alone, exact, short
from bot.render.kinds import settled
from bot.render.kinds.words import Words

MISSING, OUTSIDE, CUT_OFF, ENFORCING = "missing", "outside", "cut-off", "enforcing"

LEVELS = {
    MISSING: "no hard limit at OpenAI",
    OUTSIDE: "hard limit at OpenAI is not as expected",
    CUT_OFF: "about to be cut off by OpenAI",
    ENFORCING: "requests refused by OpenAI",
}
ENDED = {
    MISSING: "has a hard limit at OpenAI now",
    OUTSIDE: "has a hard limit at OpenAI as expected",
    CUT_OFF: "is no longer about to be cut off by OpenAI",
    ENFORCING: "is served by OpenAI again",
}


def headline(told: Told) -> str:
    """Return the first line: `search-prod: OpenAI cuts it off Thursday 26 Nov 14:00 UTC at this pace, ...`."""
    if settled.is_over(told):
        return f"{who(told)} {ended(told)}"
    gravest, *others = (blocks.escape(words) for words in blocks.clean(told.telling.note).split("; "))
    spent = f"*{short(told.incident.value, told.unit)}* spent this month"
    if not gravest or told.incident.state == "ok":
        return f"{who(told)} has its hard limit at OpenAI as it should be: {spent}"
    return f"{who(told)}: {'; '.join([f'*{gravest}*', *others, spent])}"


def sentence(told: Told) -> str:
    """Return `$10,284.17 this month of $12,000.00`."""
    of = f" of {alone(told.incident.amount, told.unit, exact)}" if told.incident.amount else ""
    return f"{exact(told.incident.value, told.unit)}{of} this month"


def cell(told: Figures, show: Show) -> str:
    """Return `$10,284 of $12,000`, `$812, no limit`."""
    limit = f" of {alone(told.amount, told.unit, show)}" if told.amount else ", no limit"
    return f"{show(told.value, told.unit)}{limit}"


def facts(told: Told) -> list[str]:
    """Return what is spent, the limit, and when it is reached."""
    incident = told.incident
    limit = f"{short(incident.amount, told.unit)} a month" if incident.amount else "none"
    found = [f"*This month*\n{exact(incident.value, told.unit)}", f"*OpenAI's hard limit*\n{limit}"]
    at = instant(told.telling.cut_off_at)
    if at and incident.level == CUT_OFF and not settled.is_over(told):
        found.append(f"*Reached*\n{alert_limits.when(at)}, at this pace")
    return found


def level(label: str) -> str:
    """Return a level in words."""
    return LEVELS.get(label, blocks.escape(label))


def ended(told: Told) -> str:
    """Return how it came out."""
    if told.incident.reason not in settled.OVER:
        return f"is no longer watched here ({reason_of(told)}): last {sentence(told)}"
    return ENDED.get(told.incident.level, "has its hard limit at OpenAI as it should be")


def in_thread(told: Told) -> str:
    """Return how it came out, as a line of the thread."""
    return settled.in_thread(ended(told))


WORDS = Words(
    "hard limit", "hard limits", headline, sentence, cell, facts, in_thread, level=level, notes=False
)
