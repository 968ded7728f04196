"""Which incidents were opened, or were over, in some days."""

from datetime import datetime

from sqlalchemy import Connection, and_, or_, select
from sqlmodel import col

from bot.core.incident import Incident
from bot.edge.store.incidents import by_fingerprint
from bot.edge.store.tables import ORGANIZATION, IncidentRow


def moved(tx: Connection, since: datetime, until: datetime) -> tuple[Incident, ...]:
    """Return the incidents that opened or ended from `since` up to `until`, and those that are not over now."""
    rows = tx.execute(
        select(col(IncidentRow.fingerprint)).where(
            col(IncidentRow.organization_id) == ORGANIZATION,
            or_(
                col(IncidentRow.state) != "ended",
                and_(col(IncidentRow.opened_at) >= since, col(IncidentRow.opened_at) < until),
                and_(col(IncidentRow.ended_at) >= since, col(IncidentRow.ended_at) < until),
            ),
        )
    )
    return tuple(by_fingerprint(tx, [fingerprint for (fingerprint,) in rows]).values())
