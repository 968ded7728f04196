"""Incidents and events: what has become of trouble, and each decision to speak, once."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, or_, select, update
from sqlmodel import SQLModel, col

from bot.core.decide import Said
from bot.core.incident import Event, Incident
from bot.core.period import Span
from bot.core.rules.book import Rule
from bot.core.spend import Group
from bot.core.telling import Telling
from bot.edge.store.sql import insert
from bot.edge.store.tables import ORGANIZATION, EventRow, IncidentRow, RuleRow, utc

KEPT = timedelta(days=60)
"""Ended incidents younger than this can still be restated, corrected or continued."""


def said(tx: Connection, today: date) -> Said:
    """Return what the next decision must know: open incidents, those of late, run counts, rules seen before."""
    rows = tx.execute(
        select(IncidentRow.__table__).where(  # type: ignore[attr-defined]
            col(IncidentRow.organization_id) == ORGANIZATION,
            or_(
                col(IncidentRow.state) != "ended",
                col(IncidentRow.span_end) >= (today - KEPT).isoformat(),
            ),
        )
    )
    counts = tx.execute(
        select(col(IncidentRow.rule_id), col(IncidentRow.group_ids), func.count())
        .where(col(IncidentRow.organization_id) == ORGANIZATION, col(IncidentRow.occurrence).like("#%"))
        .group_by(col(IncidentRow.rule_id), col(IncidentRow.group_ids))
    )
    return Said(
        tuple(_incident(row) for row in rows),
        {(rule_id, tuple(json.loads(ids))): count for rule_id, ids, count in counts},
        frozenset(_known(tx)),
    )


def by_fingerprint(tx: Connection, fingerprints: Iterable[str]) -> dict[str, Incident]:
    """Find incidents by their fingerprints."""
    wanted = list(fingerprints)
    found: dict[str, Incident] = {}
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        rows = tx.execute(select(IncidentRow.__table__).where(col(IncidentRow.fingerprint).in_(some)))  # type: ignore[attr-defined]
        found |= {incident.fingerprint: incident for incident in map(_incident, rows)}
    return found


def current(tx: Connection) -> tuple[Incident, ...]:
    """Return the incidents that are not over."""
    rows = tx.execute(
        select(IncidentRow.__table__).where(  # type: ignore[attr-defined]
            col(IncidentRow.organization_id) == ORGANIZATION, col(IncidentRow.state) != "ended"
        )
    )
    return tuple(_incident(row) for row in rows)


def stood(tx: Connection, since: datetime, until: datetime) -> tuple[Incident, ...]:
    """Return the incidents that stood at some instant from `since` up to `until`, the latest first."""
    rows = tx.execute(
        select(IncidentRow.__table__)  # type: ignore[attr-defined]
        .where(
            col(IncidentRow.organization_id) == ORGANIZATION,
            col(IncidentRow.opened_at) < until,
            or_(col(IncidentRow.ended_at).is_(None), col(IncidentRow.ended_at) >= since),
        )
        .order_by(col(IncidentRow.opened_at).desc(), col(IncidentRow.fingerprint))
    )
    return tuple(map(_incident, rows))


def announced_in(tx: Connection, span: Span, rule_ids: Sequence[str]) -> tuple[Incident, ...]:
    """Return the incidents of these rules that people were told of for the period `span`."""
    rows = tx.execute(
        select(IncidentRow.__table__).where(  # type: ignore[attr-defined]
            col(IncidentRow.organization_id) == ORGANIZATION,
            col(IncidentRow.span_start) == span.start.isoformat(),
            col(IncidentRow.span_end) == span.end.isoformat(),
            col(IncidentRow.rule_id).in_(rule_ids),
        )
    )
    return tuple(incident for incident in map(_incident, rows) if incident.announced)


def write(tx: Connection, incidents: Iterable[Incident], poll_id: int | None) -> None:
    """Write the incidents' state, new ones and changed ones."""
    rows = [_row(incident, poll_id) for incident in incidents]
    upsert(tx, IncidentRow, rows, key=("fingerprint",))


def record(tx: Connection, events: Sequence[Event], poll_id: int | None) -> dict[str, int]:
    """Write events nobody has written and return the ids of those by their key; the rest were said already."""
    if not events:
        return {}
    newest = tx.execute(select(func.coalesce(func.max(col(EventRow.id)), 0))).scalar_one()
    rows = [
        {
            "fingerprint": event.fingerprint,
            "transition": event.transition,
            "level": event.level,
            "n": event.n,
            "at": event.at,
            "reason": event.reason,
            "value_nano": event.value,
            "poll_id": poll_id,
        }
        for event in events
    ]
    tx.execute(insert(EventRow).on_conflict_do_nothing(), rows)
    # We hold the write lock, so whatever is newer than before is ours.
    written = tx.execute(select(EventRow.__table__).where(col(EventRow.id) > newest))  # type: ignore[attr-defined]
    return {f"{row.fingerprint}:{row.transition}:{row.level}:{row.n}": row.id for row in written}


def remember_rules(tx: Connection, rules: Iterable[Rule], now: datetime) -> None:
    """Note that these rules have been evaluated; one whose `each` changed counts as new next time."""
    rows = [
        {"organization_id": ORGANIZATION, "id": rule.id, "each": ",".join(rule.scope.each), "first_at": now}
        for rule in rules
    ]
    if rows:
        tx.execute(insert(RuleRow).on_conflict_do_nothing(), rows)


def forget_changed(tx: Connection, rules: Sequence[Rule]) -> None:
    """Forget rules that are gone or fan out otherwise than before: their next evaluation is a first one."""
    fan_out = {rule.id: ",".join(rule.scope.each) for rule in rules}
    changed = [rule_id for rule_id, each in _known(tx).items() if fan_out.get(rule_id) != each]
    for rule_id in changed:
        tx.execute(
            delete(RuleRow).where(col(RuleRow.organization_id) == ORGANIZATION, col(RuleRow.id) == rule_id)
        )


def rename(tx: Connection, rules: Sequence[Rule]) -> None:
    """Move the state of an older id that a rule names with `was`, unless the new id has state of its own."""
    if not any(rule.was for rule in rules):
        return
    known = _known(tx)
    living = {rule.id for rule in rules}
    for rule in rules:
        old = next((old for old in rule.was if old in known and old not in living), None)
        if old is not None and rule.id not in known:
            tx.execute(update(IncidentRow).where(col(IncidentRow.rule_id) == old).values(rule_id=rule.id))
            tx.execute(update(RuleRow).where(col(RuleRow.id) == old).values(id=rule.id))
            known[rule.id] = known.pop(old)


def _known(tx: Connection) -> dict[str, str]:
    rows = tx.execute(
        select(col(RuleRow.id), col(RuleRow.each)).where(col(RuleRow.organization_id) == ORGANIZATION)
    )
    return {row[0]: row[1] for row in rows}


def upsert(tx: Connection, table: type[SQLModel], rows: list[dict[str, Any]], key: tuple[str, ...]) -> None:
    """Insert rows, or replace those with the same key."""
    if not rows:
        return
    statement = insert(table)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in key}
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_=changes), rows)


def telling(incident: Incident) -> Telling:
    """Return what an incident's card says beside its figures."""
    return msgspec.convert(dict(incident.facts), Telling)


def facts(told: Telling) -> dict[str, object]:
    """Return a telling as it is stored."""
    built: dict[str, object] = msgspec.to_builtins(told)
    return built


def _incident(row: Any) -> Incident:
    return Incident(
        fingerprint=row.fingerprint,
        rule_id=row.rule_id,
        group=_group(row.group_ids),
        occurrence=row.occurrence,
        state=row.state,
        level=row.level,
        severity=row.severity,
        said_levels=tuple(row.said_levels),
        value=row.value_nano,
        amount=row.amount_nano,
        said=row.said_nano,
        peak=row.peak_nano,
        span=Span(date.fromisoformat(row.span_start), date.fromisoformat(row.span_end)),
        days=tuple(date.fromisoformat(day) for day in row.days),
        opened_at=utc(row.opened_at),
        changed_at=utc(row.changed_at),
        ended_at=utc(row.ended_at) if row.ended_at else None,
        reason=row.reason,
        counts=row.counts,
        facts=row.facts,
        forecast=row.forecast or "",
    )


def _row(incident: Incident, poll_id: int | None) -> dict[str, Any]:
    return {
        "fingerprint": incident.fingerprint,
        "organization_id": ORGANIZATION,
        "rule_id": incident.rule_id,
        "group_ids": json.dumps(list(incident.group)),
        "occurrence": incident.occurrence,
        "state": incident.state,
        "level": incident.level,
        "severity": incident.severity,
        "said_levels": list(incident.said_levels),
        "value_nano": incident.value,
        "amount_nano": incident.amount,
        "said_nano": incident.said,
        "peak_nano": incident.peak,
        "span_start": incident.span.start.isoformat(),
        "span_end": incident.span.end.isoformat(),
        "days": [day.isoformat() for day in incident.days],
        "opened_at": incident.opened_at,
        "changed_at": incident.changed_at,
        "ended_at": incident.ended_at,
        "reason": str(incident.reason),
        "counts": dict(incident.counts),
        "poll_id": poll_id,
        "facts": dict(incident.facts),
        "forecast": incident.forecast or None,
    }


def _group(ids: str) -> Group:
    return tuple(json.loads(ids))
