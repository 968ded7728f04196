"""What has been: what people did, where each alert stands and stood, how many messages it came to."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlmodel import col

from bot.core.alerts import Place
from bot.core.history import Deed
from bot.edge.store.tables import ORGANIZATION, AuditRow, CardMember, CardRow, NoticeRow, utc

MARK = 12
"""Letters of a fingerprint: the key of a notice begins with that of the incident it speaks of."""
SOME = 500
"""Fingerprints a statement."""


def deeds(tx: Connection, since: datetime, until: datetime) -> tuple[Deed, ...]:
    """Return what people did, or tried, from `since` up to `until`; the latest first."""
    rows = tx.execute(
        select(AuditRow.__table__)  # type: ignore[attr-defined]
        .where(
            col(AuditRow.organization_id) == ORGANIZATION,
            col(AuditRow.at) >= since,
            col(AuditRow.at) < until,
        )
        .order_by(col(AuditRow.at).desc(), col(AuditRow.id).desc())
    )
    return tuple(
        Deed(utc(row.at), row.who, row.what, row.subject, before=row.before, after=row.after) for row in rows
    )


def places(tx: Connection, fingerprints: Sequence[str]) -> dict[str, tuple[Place, ...]]:
    """Return the messages each incident stands in, the first one first."""
    found: dict[str, list[Place]] = {}
    for some in _some(fingerprints):
        rows = tx.execute(
            select(CardRow.__table__, CardMember.fingerprint)  # type: ignore[attr-defined,call-overload]
            .join(CardMember, col(CardMember.card_id) == col(CardRow.id))
            .where(col(CardMember.fingerprint).in_(some))
            .order_by(col(CardRow.id))
        )
        for row in rows:
            escalated = (row.body.get("escalated") or {}).get(row.fingerprint) or ""
            posted = row.posted_at is not None
            found.setdefault(row.fingerprint, []).append(
                Place(
                    called(row.target),
                    row.id,
                    row.revision,
                    row.channel if posted else "",
                    row.ts if posted else "",
                    str(escalated),
                )
            )
    return {fingerprint: tuple(held) for fingerprint, held in found.items()}


def lines(tx: Connection, fingerprints: Sequence[str]) -> Counter[str]:
    """Return how many lines about each incident were said in threads."""
    about = func.substr(col(NoticeRow.key), 1, MARK)
    found: Counter[str] = Counter()
    for some in _some(fingerprints):
        rows = tx.execute(
            select(about, func.count())
            .where(about.in_(some), col(NoticeRow.act) == "reply", col(NoticeRow.state) == "sent")
            .group_by(about)
        )
        for fingerprint, count in rows:
            found[fingerprint] += count
    return found


@dataclass(frozen=True, slots=True)
class Thread:
    """A message of ours and the incidents it tells of, by fingerprint."""

    card: int
    revision: int
    fingerprints: tuple[str, ...]


def thread(tx: Connection, channel: str, ts: str) -> Thread | None:
    """Return the message that stands there; None where it is not one about incidents."""
    card = tx.execute(
        select(CardRow.__table__).where(  # type: ignore[attr-defined]
            col(CardRow.organization_id) == ORGANIZATION,
            col(CardRow.channel) == channel,
            col(CardRow.ts) == ts,
        )
    ).fetchone()
    if card is None:
        return None
    members = tx.execute(
        select(col(CardMember.fingerprint))
        .where(col(CardMember.card_id) == card.id)
        .order_by(col(CardMember.fingerprint))
    ).fetchall()
    # A reminder lists incidents that live in other messages.
    listed = card.body.get("fingerprints") or ()
    marks = tuple(row[0] for row in members) or tuple(map(str, listed))
    return Thread(card.id, card.revision, marks) if marks else None


def called(address: str) -> str:
    """Return where a message goes, as people write it."""
    person = address[:1] in ("U", "W") and address.isalnum() and address.isupper()
    return address if person or address.startswith("#") else f"#{address}"


def _some(fingerprints: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(fingerprints), SOME):
        yield fingerprints[start : start + SOME]
