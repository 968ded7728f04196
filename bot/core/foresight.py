"""The forecast levels of an incident: they rise and clear beside the actual ones, in the same message."""

from dataclasses import replace

from bot.core.incident import Event, Finding, Incident, Reason
from bot.core.rules.book import Threshold, rank
from bot.core.transitions import Decision, Transitions


def foresee(do: Transitions, finding: Finding, before: Incident, decision: Decision) -> Decision:
    """Add what became of the forecast to what became of the figures.

    A forecast whose level is reached is muted by it, without a word; one that clears says so in the thread.
    """
    incident = decision.incident or before
    stood, stands = before.forecast, finding.foreseen[-1] if finding.foreseen else None
    if stood == (stands.label if stands else "") or incident.state == "ended":
        return decision
    changed = replace(incident, forecast=stands.label if stands else "", changed_at=do.now)
    changed = replace(changed, state="firing" if changed.foremost else "ok", severity=finding.severity or "")
    if stands is not None:
        if any(stands.label in event.passed for event in decision.events):
            return replace(decision, incident=changed)
        return _rises(do, finding, changed, stands, decision)
    level = next((level for level in _forecasts(finding) if level.label == stood), None)
    if level is None or finding.value >= level.at(finding.amount):
        return replace(decision, incident=changed)
    changed, event = do.event(changed, finding, "cleared", stood, Reason.FORECAST_CLEARED)
    return _also(decision, changed, event, Reason.FORECAST_CLEARED)


def _rises(
    do: Transitions, finding: Finding, incident: Incident, level: Threshold, decision: Decision
) -> Decision:
    if level.label in incident.said_levels:
        changed, event = do.event(incident, finding, "recrossed", level.label, Reason.FORESEEN)
        return _also(decision, changed, event, Reason.FORESEEN)
    said = (known for known in (*finding.levels, *_forecasts(finding)) if known.label in incident.said_levels)
    loud = rank(level.severity) > max((rank(known.severity) for known in said), default=-1)
    new = tuple(known.label for known in finding.foreseen if known.label not in incident.said_levels)
    incident = replace(incident, said_levels=(*incident.said_levels, *new), said=finding.value)
    changed, event = do.event(
        incident, finding, "raised", level.label, Reason.FORESEEN, passed=new, loud=loud
    )
    return _also(decision, changed, event, Reason.FORESEEN)


def _also(decision: Decision, incident: Incident, event: Event, reason: Reason) -> Decision:
    events = (*decision.events, event)
    why = decision.reason if decision.events else str(reason)
    kept = incident if decision.events else replace(incident, reason=str(reason))
    return replace(decision, reason=why, events=events, incident=kept)


def _forecasts(finding: Finding) -> tuple[Threshold, ...]:
    thresholds: tuple[Threshold, ...] = getattr(finding.rule, "thresholds", ())
    return tuple(level for level in thresholds if level.basis == "forecast")
