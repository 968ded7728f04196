"""Acknowledgements, silences and the audit: who wanted what, when, and what it was before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update
from sqlmodel import col

from bot.core.acknowledge import Acknowledgement
from bot.core.silence import Silence, as_matchers, conditions_of
from bot.edge.store.sql import insert
from bot.edge.store.tables import (
    ORGANIZATION,
    AcknowledgementRow,
    AuditRow,
    IncidentRow,
    SilenceRow,
    utc,
)


def acknowledgements(tx: Connection, fingerprints: Iterable[str] | None = None) -> dict[str, Acknowledgement]:
    """Return acknowledgements by fingerprint: those asked for, or all of incidents that are not over."""
    base = select(AcknowledgementRow.__table__)  # type: ignore[attr-defined]
    if fingerprints is None:
        open_ = select(col(IncidentRow.fingerprint)).where(
            col(IncidentRow.organization_id) == ORGANIZATION, col(IncidentRow.state) != "ended"
        )
        return {
            row.fingerprint: _acknowledgement(row)
            for row in tx.execute(base.where(col(AcknowledgementRow.fingerprint).in_(open_)))
        }
    wanted = list(fingerprints)
    found: dict[str, Acknowledgement] = {}
    for start in range(0, len(wanted), 500):
        some = col(AcknowledgementRow.fingerprint).in_(wanted[start : start + 500])
        found |= {row.fingerprint: _acknowledgement(row) for row in tx.execute(base.where(some))}
    return found


def acknowledge(tx: Connection, given: Acknowledgement) -> None:
    """Write who looks after an incident."""
    row = {
        "fingerprint": given.fingerprint,
        "by": given.by,
        "at": given.at,
        "value_nano": given.value,
        "severity": given.severity,
    }
    changes = {name: value for name, value in row.items() if name != "fingerprint"}
    tx.execute(
        insert(AcknowledgementRow)
        .values(row)
        .on_conflict_do_update(index_elements=("fingerprint",), set_=changes)
    )


def take_back(tx: Connection, fingerprint: str) -> None:
    """Let nobody look after an incident any more."""
    tx.execute(delete(AcknowledgementRow).where(col(AcknowledgementRow.fingerprint) == fingerprint))


def silences(tx: Connection) -> tuple[Silence, ...]:
    """Return the silences that nobody and nothing has ended yet, oldest first."""
    rows = tx.execute(
        select(SilenceRow.__table__)  # type: ignore[attr-defined]
        .where(col(SilenceRow.organization_id) == ORGANIZATION, col(SilenceRow.ended_at).is_(None))
        .order_by(col(SilenceRow.id))
    )
    return tuple(map(_silence, rows))


@dataclass(frozen=True, slots=True)
class Ended:
    """A silence that is over, and how that came."""

    silence: Silence
    at: datetime
    by: str


def ended(tx: Connection, silence_id: int) -> Ended | None:
    """Return a silence that is over."""
    row = tx.execute(
        select(SilenceRow.__table__).where(  # type: ignore[attr-defined]
            col(SilenceRow.id) == silence_id, col(SilenceRow.ended_at).is_not(None)
        )
    ).fetchone()
    return None if row is None else Ended(_silence(row), utc(row.ended_at), row.ended_by)


def silences_since(
    tx: Connection, since: datetime, until: datetime
) -> tuple[tuple[Silence, Ended | None], ...]:
    """Return every silence that stood at some instant from `since` up to `until`, with its end where it is over."""
    rows = tx.execute(
        select(SilenceRow.__table__)  # type: ignore[attr-defined]
        .where(
            col(SilenceRow.organization_id) == ORGANIZATION,
            col(SilenceRow.made_at) < until,
            or_(col(SilenceRow.ended_at).is_(None), col(SilenceRow.ended_at) >= since),
        )
        .order_by(col(SilenceRow.id))
    )
    found = [(_silence(row), row) for row in rows]
    return tuple(
        (silence, Ended(silence, utc(row.ended_at), row.ended_by) if row.ended_at else None)
        for silence, row in found
    )


def add(tx: Connection, silence: Silence) -> Silence:
    """Write a silence and return it with its number."""
    row = tx.execute(
        insert(SilenceRow)
        .values(
            organization_id=ORGANIZATION,
            matchers=as_matchers(silence.conditions),
            reason=silence.reason,
            made_by=silence.made_by,
            made_at=silence.made_at,
            ends_at=silence.ends_at,
            with_incident=silence.with_incident,
            wake_nano=silence.wake,
            began=dict(silence.began),
            ended_by="",
        )
        .returning(SilenceRow.__table__)  # type: ignore[attr-defined]
    ).one()
    return _silence(row)


def end(tx: Connection, silence_id: int, at: datetime, by: str) -> None:
    """Note that a silence is over: who took it back, or `time`, `incident` or `wake`."""
    tx.execute(
        update(SilenceRow)
        .where(col(SilenceRow.id) == silence_id, col(SilenceRow.ended_at).is_(None))
        .values(ended_at=at, ended_by=by)
    )


def note_began(tx: Connection, silence_id: int, began: Mapping[str, int]) -> None:
    """Keep the values from which growth is measured."""
    tx.execute(update(SilenceRow).where(col(SilenceRow.id) == silence_id).values(began=dict(began)))


def fingerprints(tx: Connection, beginning: str) -> list[str]:
    """Return the fingerprints that begin so, a few at most; of one that is written whole, itself."""
    rows = tx.execute(
        select(col(IncidentRow.fingerprint))
        .where(
            col(IncidentRow.organization_id) == ORGANIZATION,
            col(IncidentRow.fingerprint).like(f"{beginning}%"),
        )
        .order_by(col(IncidentRow.fingerprint))
        .limit(6)
    )
    return [row[0] for row in rows]


def audit(
    tx: Connection,
    at: datetime,
    who: str,
    what: str,
    subject: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    """Write who changed what, from what to what."""
    tx.execute(
        insert(AuditRow).values(
            organization_id=ORGANIZATION,
            at=at,
            who=who,
            what=what,
            subject=subject,
            before=dict(before),
            after=dict(after),
        )
    )


def _acknowledgement(row: Any) -> Acknowledgement:
    return Acknowledgement(row.fingerprint, row.by, utc(row.at), row.value_nano, row.severity)


def _silence(row: Any) -> Silence:
    return Silence(
        id=row.id,
        conditions=conditions_of(row.matchers),
        reason=row.reason,
        made_by=row.made_by,
        made_at=utc(row.made_at),
        ends_at=utc(row.ends_at),
        with_incident=row.with_incident,
        wake=row.wake_nano,
        began=row.began,
    )
