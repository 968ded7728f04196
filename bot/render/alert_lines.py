"""The lines of a thread: what has happened to an incident since its message was posted."""

from dataclasses import replace

from bot.core.incident import Event
from bot.core.telling import Telling
from bot.render import alert_blame, blocks
from bot.render.alert_words import EMOJI, RUNS, WORD, Told, in_a_row, levels, who
from bot.render.kinds import AS_IT_IS, settled, words


def line(event: Event, told: Told, *, named: bool) -> str:
    """Return the thread line of an event, escaped mrkdwn; names its subject where the message has several."""
    telling, kind = told.telling, words(told)
    then = _as_of_event(event, told)
    subject = f"{who(told)}: " if named else ""
    period = blocks.escape(event.period or telling.period)
    day = f"{period}: " if telling.period_kind in RUNS and telling.kind == "budget" else ""
    because = f" because {_because(event, telling)}" if event.because else ""
    match event.transition:
        case _ if telling.kind != "budget" and event.period not in ("", telling.period):
            # An earlier day of the run: what it is held against is not at hand any more.
            said = f"{period} as well, {kind.level(event.level)}{because}: {kind.figure(told, event.value)}"
        case "fired" | "raised":
            said = f"{day}{kind.risen(then, event.passed or (event.level,), because)}"
            if event.transition == "raised" and not event.quiet and (person := alert_blame.person(told)):
                said += f"; {person}"  # it is broadcast, and stands alone in the room
        case "recrossed":
            said = f"{day}{kind.stands_again(then, event.level, because)}"
        case "corrected" if telling.kind in AS_IT_IS and event.level:
            said = f"now {kind.level(event.level)}: {kind.sentence(then)}"
        case "corrected":
            before = kind.figure(told, event.said_before)
            said = f"{day}corrected, {before} → {kind.sentence(then)}, {_back(event, told)}"
        case "cleared":
            said = f"{day}{kind.taken_back(then, event.level)}"
        case "continued":
            peak = "" if settled.falls(told) else ", 25% or more above the run's peak"
            said = f"{day}{in_a_row(_on_that_day(event, told))}{peak}: {kind.sentence(then)}"
        case "restated":
            before = kind.figure(told, event.said_before)
            new = f", now past {levels(event.passed)}" if event.passed else ""
            said = f"{period} changed after its end, {before} → {kind.sentence(then)}{new}"
        case "ended":
            said = kind.ended(then)
    mark = f"{_mark(event.severity)} " if event.transition in ("fired", "raised") or event.passed else ""
    return f"{mark}{subject}{said}"


def _on_that_day(event: Event, told: Told) -> Told:
    """Return the run as long as it was on the day the event speaks of: the incident may have a later one by now."""
    return replace(told, incident=replace(told.incident, days=event.days)) if event.days else told


def _as_of_event(event: Event, told: Told) -> Told:
    """Return what was known when it happened: in a run, the figure may be that of another day than the last."""
    incident = replace(told.incident, value=event.value)
    if event.transition == "ended":
        incident = replace(incident, reason=event.reason)
    estimated = told.telling.estimated if event.value == told.incident.value else 0
    return replace(told, incident=incident, telling=replace(told.telling, estimated=estimated))


def _back(event: Event, told: Told) -> str:
    """Return where a correction leaves it."""
    if told.telling.kind == "budget":
        return f"back to {blocks.escape(event.level)}" if event.level else "below every level"
    return f"still {words(told).level(event.level)}" if event.level else "no longer so"


def _mark(severity: str) -> str:
    """Return a severity as colour and word: neither stands alone."""
    return f"{EMOJI[severity]} {WORD[severity]}:" if severity in EMOJI else ":white_circle:"


def _because(event: Event, telling: Telling) -> str:
    commit = f" in {blocks.name(telling.commit)}" if telling.commit else ""
    return f"{blocks.escape(blocks.clean(event.because))}{commit}"
