"""OpenAI's own hard limits as they were last read.

An answer that could not be read is no answer: what OpenAI said before it stands for a day, with why it was
not confirmed; after that nobody knows. An answer replaces whatever was there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select
from sqlmodel import col

from bot.core.limits import ORGANIZATION as OWN
from bot.core.limits import UNKNOWN, Limit, Limits
from bot.core.period import epoch
from bot.edge.store.incidents import upsert
from bot.edge.store.sql import run
from bot.edge.store.tables import ORGANIZATION, SpendLimitRow, utc

if TYPE_CHECKING:  # reports read the store without loading an HTTP client
    from bot.edge.openai import SpendLimit

FRESH = timedelta(days=1)
"""How long an answer stands while none can be read; backwards too, for a clock that steps back."""
ENFORCING = "enforcing"


@dataclass(frozen=True, slots=True)
class Unread:
    """A limit that could not be read, and why."""

    why: str


Row = dict[str, Any]
NOTHING: Row = {"status": "unknown", "amount_nano": None, "enforcement": ""}
Found = Mapping[str, "SpendLimit | Unread"]
"""Project id → what was read of its limit, '' for the organization's own."""


def read(tx: Connection, now: datetime) -> Limits:
    """Return every limit as it is known at `now`."""
    found = {row.project_id: _limit(row, now) for row in _rows(tx)}
    organization = found.pop(OWN, UNKNOWN)
    return Limits(organization, found)


def keep(tx: Connection, found: Found, now: datetime) -> int:
    """Write what was read at `now`, and return of how many limits something else is known than before."""
    before = {row.project_id: row._asdict() for row in _rows(tx)}
    rows = {project_id: _row(project_id, answer, before, now) for project_id, answer in found.items()}
    upsert(tx, SpendLimitRow, list(rows.values()), key=("organization_id", "project_id"))
    return sum(_said(row) != _said(before.get(project_id, NOTHING)) for project_id, row in rows.items())


def spenders(tx: Connection, since: date) -> set[str]:
    """Return the id of every project with costs on a UTC day from `since` on."""
    rows = run(
        tx,
        "SELECT DISTINCT project_id FROM series WHERE organization_id = ? AND source = 'costs' AND project_id != '' "
        "AND id IN (SELECT series_id FROM cost_fact WHERE bucket >= ?)",
        (ORGANIZATION, epoch(since)),
    )
    return {row[0] for row in rows}


def _rows(tx: Connection) -> list[Any]:
    statement = select(SpendLimitRow.__table__)  # type: ignore[attr-defined]
    return list(tx.execute(statement.where(col(SpendLimitRow.organization_id) == ORGANIZATION)))


def _limit(row: Any, now: datetime) -> Limit:
    read_at = utc(row.read_at)
    if row.status == "unknown":
        return Limit("unknown", why=row.why)
    if not _fresh(read_at, now):
        return Limit("unknown", why=row.why or f"it was last read on {read_at:%Y-%m-%d at %H:%M} UTC")
    if row.status == "none":
        return Limit("none", read_at=read_at, why=row.why)
    return Limit("set", row.amount_nano, row.enforcement == ENFORCING, read_at, row.why)


def _row(project_id: str, answer: "SpendLimit | Unread", before: Mapping[str, Row], now: datetime) -> Row:
    row = NOTHING | {"organization_id": ORGANIZATION, "project_id": project_id, "read_at": now, "why": ""}
    if not isinstance(answer, Unread):
        status = "none" if answer.amount is None else "set"
        return row | {"status": status, "amount_nano": answer.amount, "enforcement": answer.enforcement}
    old = before.get(project_id, NOTHING)
    if old["status"] == "unknown" or not _fresh(utc(old["read_at"]), now):
        return row | {"why": answer.why}
    return old | {"read_at": utc(old["read_at"]), "why": answer.why}


def _said(row: Row) -> tuple[Any, ...]:
    return row["status"], row["amount_nano"], row["enforcement"]


def _fresh(read_at: datetime, now: datetime) -> bool:
    return abs(now - read_at) <= FRESH
