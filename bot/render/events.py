"""An event as JSON for programs: what a webhook is sent. Its names and types only ever grow within a version."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.core.incident import Event, Incident
from bot.core.telling import Telling, subject
from bot.core.units import USD, Unit, unit_of
from bot.render.answering import iso
from bot.render.figures import decimal

VERSION = 1
SHOWN = 2_000
"""Characters of a text that came from elsewhere."""


def identity(key: str) -> str:
    """Return the id of a delivery, the same at every try and in every process."""
    return f"evt_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def alert(
    event: Event,
    incident: Incident,
    telling: Telling,
    group: Mapping[str, str | None],
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """Return an event of an alert; figures are exact decimals of `unit`, and the span is half-open."""
    unit = unit_of(telling.unit)
    data = {
        "fingerprint": event.fingerprint,
        "rule": event.rule_id,
        "kind": telling.kind,
        "title": telling.title[:SHOWN],
        "subject": subject(telling)[:SHOWN],
        "group": {key: value[:SHOWN] if value else value for key, value in group.items()},
        "labels": dict(labels),
        "team": telling.team or None,
        "period": {"start": incident.span.start.isoformat(), "end": incident.span.end.isoformat()},
        "transition": event.transition,
        "state": incident.state,
        "level": event.level or None,
        "levels_passed": list(event.passed),
        "severity": event.severity,
        "value": decimal(event.value, unit),
        "amount": decimal(incident.amount, unit),
        "ratio": round(event.value / incident.amount, 3) + 0.0 if incident.amount else None,
        "estimated": decimal(telling.estimated, unit),
        "unit": _unit(unit),
        "reason": event.reason,
        "because": event.because[:SHOWN] or None,
        "note": telling.note[:SHOWN] or None,
        "as_of": telling.as_of or None,
        "commit": telling.commit or None,
        "link": telling.link or None,
        "runbook": telling.runbook or None,
    }
    return _enveloped(f"budget.alert.{event.transition}", event.at, data)


def unacknowledged(incident: Incident, telling: Telling, why: str, now: datetime) -> dict[str, Any]:
    """Return that a critical alert is sent here because nobody acknowledged it elsewhere."""
    unit = unit_of(telling.unit)
    data = {
        "fingerprint": incident.fingerprint,
        "rule": incident.rule_id,
        "kind": telling.kind,
        "title": telling.title[:SHOWN],
        "subject": subject(telling)[:SHOWN],
        "transition": "escalated",
        "state": incident.state,
        "level": incident.level or None,
        "severity": incident.severity,
        "value": decimal(incident.value, unit),
        "amount": decimal(incident.amount, unit),
        "unit": _unit(unit),
        "reason": why,
        "link": telling.link or None,
        "runbook": telling.runbook or None,
    }
    return _enveloped("budget.alert.escalated", now, data)


def trouble(key: str, body: Mapping[str, object], now: datetime) -> dict[str, Any]:
    """Return that the bot itself is in trouble, or no longer; `trouble` names what belongs together."""
    over = bool(body.get("recovered"))
    data = {
        "trouble": key,
        "happened": str(body.get("happened", ""))[:SHOWN],
        "remedy": str(body.get("remedy", ""))[:SHOWN] or None,
    }
    return _enveloped(f"budgetbot.trouble.{'over' if over else 'began'}", now, data)


def _enveloped(kind: str, at: datetime, data: Mapping[str, object]) -> dict[str, Any]:
    return {"type": kind, "version": VERSION, "timestamp": iso(at), "data": data}


def _unit(unit: Unit) -> str:
    """Return `usd`, `input tokens`, `usd per 1,000 requests`, `share` (of one)."""
    if unit is USD or not (unit.share or unit.dollars):
        return unit.word or "usd"
    return "share" if unit.share else f"usd {unit.word}".strip()
