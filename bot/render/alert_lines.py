"""The lines of a thread: what has happened to an incident since its message was posted."""

from bot.core.incident import Event, Reason
from bot.core.money import show_percent, show_usd
from bot.core.telling import Telling, subject
from bot.render import blocks
from bot.render.alert_words import EMOJI, RUNS, WORD, Told, in_a_row, levels, peak_of, reason_of, run_words


def line(event: Event, told: Told, *, named: bool) -> str:
    """Return the thread line of an event, escaped mrkdwn; names its subject where the message has several."""
    incident, telling = told.incident, told.telling
    who = f"*{blocks.name(subject(telling), 120)}*: " if named else ""
    value, before = show_usd(event.value), show_usd(event.said_before)
    share = f" ({show_percent(event.value, incident.amount)})" if incident.amount else ""
    of = f"{value} of {show_usd(incident.amount)}{share}"
    period = blocks.escape(event.period or telling.period)
    day = f"{period}: " if telling.period_kind in RUNS else ""
    because = f" because {_because(event, telling)}" if event.because else ""
    match event.transition:
        case "fired" | "raised":
            words = f"{day}passed {levels(event.passed or (event.level,))}{because}: {of}"
        case "recrossed":
            words = f"{day}at {blocks.escape(event.level)} again{because}: {of}"
        case "corrected":
            now = f"back to {blocks.escape(event.level)}" if event.level else "below every level"
            words = f"{day}corrected, {before} → {of}, {now}"
        case "continued":
            words = f"{day}{in_a_row(told)}, 25% or more above the run's peak: {of}"
        case "restated":
            new = f", now past {levels(event.passed)}" if event.passed else ""
            words = f"{period} changed after its end, {before} → {of}{new}"
        case "ended":
            words = _end_words(event, told, of)
    mark = f"{_mark(event.severity)} " if event.transition in ("fired", "raised") or event.passed else ""
    return f"{mark}{who}{words}"


def _mark(severity: str) -> str:
    """Return a severity as colour and word: neither stands alone."""
    return f"{EMOJI[severity]} {WORD[severity]}:" if severity in EMOJI else ":white_circle:"


def _because(event: Event, telling: Telling) -> str:
    commit = f" in {blocks.name(telling.commit)}" if telling.commit else ""
    return f"{blocks.escape(blocks.clean(event.because))}{commit}"


def _end_words(event: Event, told: Told, of: str) -> str:
    incident, period = told.incident, blocks.escape(told.telling.period)
    match event.reason:
        case Reason.PERIOD_OVER:
            return f"{period} is over: {of}"
        case Reason.RUN_OVER:
            return f"the run is over: {run_words(told)}, peak {show_usd(peak_of(incident))}; the last, {period}: {of}"
    return f"{reason_of(told)}: last {of}"
