"""What the bot keeps of itself: polls, sources, names, rulebooks, markers, deliveries it has heard."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select
from sqlmodel import col

from bot.core.spend import Names
from bot.edge.store.incidents import upsert
from bot.edge.store.sql import insert as upserting
from bot.edge.store.tables import (
    ORGANIZATION,
    Backfill,
    BookRow,
    Marker,
    NameRow,
    PollRow,
    PollSource,
    SourceState,
    utc,
)

if TYPE_CHECKING:  # reports read the store without loading an HTTP client
    from bot.edge.openai import Named

VERSION = "data version"


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What one source of a poll came to."""

    source: str
    width: str
    complete: bool
    pages: int = 0
    rows: int = 0
    changed: int = 0
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a source at a width, and what the organization offers of it."""

    source: str
    width: str = "1d"
    since: date | None = None
    through: date | None = None
    read_at: datetime | None = None
    reread_at: datetime | None = None
    floor: date | None = None
    floored_at: datetime | None = None
    user_from: date | None = None
    offered: bool = True
    refused: tuple[str, ...] = ()
    probed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A backfill that was stopped: every day from `reached` up to `until` is read."""

    source: str
    width: str
    since: date
    until: date
    reached: date
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class Book:
    """The text of a rulebook that loaded well."""

    hash: str
    commit: str
    loaded_at: datetime
    files: Mapping[str, str] = field(default_factory=dict)


# -- polls and sources -----------------------------------------------------------------------------


def poll(
    tx: Connection, now: datetime, began_at: datetime, ended_at: datetime, results: Sequence[SourceResult]
) -> int:
    """Write the record of one tick and return its number: the version of the data."""
    row = tx.execute(
        insert(PollRow)
        .values(
            organization_id=ORGANIZATION,
            now=now,
            began_at=began_at,
            ended_at=ended_at,
            complete=all(result.complete for result in results),
            changed=sum(result.changed for result in results),
        )
        .returning(col(PollRow.id))
    ).one()
    assert row[0] is not None
    poll_id: int = row[0]
    if results:
        tx.execute(
            insert(PollSource),
            [
                {
                    "poll_id": poll_id,
                    "source": result.source,
                    "width": result.width,
                    "complete": result.complete,
                    "pages": result.pages,
                    "rows": result.rows,
                    "changed": result.changed,
                    "seconds": result.seconds,
                    "why": result.why,
                }
                for result in results
            ],
        )
    return poll_id


def version(tx: Connection) -> int:
    """Return a number that grows whenever stored values, or the span they cover, change; 0 at first.

    It grows with the values themselves, not with the poll's record: a poll may be killed between the two.
    """
    return int(marker(tx, VERSION) or 0)


def changed(tx: Connection) -> None:
    """Note, in the transaction that did it, that stored values or the span they cover changed."""
    mark(tx, VERSION, str(version(tx) + 1))


def last_poll(tx: Connection) -> tuple[datetime, bool, tuple[SourceResult, ...]] | None:
    """Return the last tick's instant, whether it was complete, and each source's result."""
    row = tx.execute(
        select(PollRow.__table__)  # type: ignore[attr-defined]
        .where(col(PollRow.organization_id) == ORGANIZATION)
        .order_by(col(PollRow.id).desc())
        .limit(1)
    ).fetchone()
    if row is None:
        return None
    sources = tx.execute(select(PollSource.__table__).where(col(PollSource.poll_id) == row.id))  # type: ignore[attr-defined]
    results = tuple(
        SourceResult(s.source, s.width, s.complete, s.pages, s.rows, s.changed, s.seconds, s.why)
        for s in sources
    )
    return utc(row.now), bool(row.complete), results


def stored(tx: Connection) -> dict[tuple[str, str], Stored]:
    """Return what is stored of each (source, width)."""
    rows = tx.execute(select(SourceState.__table__).where(col(SourceState.organization_id) == ORGANIZATION))  # type: ignore[attr-defined]
    return {
        (row.source, row.width): Stored(
            row.source,
            row.width,
            _day(row.since),
            _day(row.through),
            utc(row.read_at) if row.read_at else None,
            utc(row.reread_at) if row.reread_at else None,
            _day(row.floor),
            utc(row.floored_at) if row.floored_at else None,
            _day(row.user_from),
            bool(row.offered),
            tuple(row.refused),
            utc(row.probed_at) if row.probed_at else None,
        )
        for row in rows
    }


def keep(tx: Connection, states: Iterable[Stored]) -> None:
    """Write what is stored of sources."""
    rows = [
        {
            "organization_id": ORGANIZATION,
            "source": state.source,
            "width": state.width,
            "since": _iso(state.since),
            "through": _iso(state.through),
            "read_at": state.read_at,
            "reread_at": state.reread_at,
            "floor": _iso(state.floor),
            "floored_at": state.floored_at,
            "user_from": _iso(state.user_from),
            "offered": state.offered,
            "refused": list(state.refused),
            "probed_at": state.probed_at,
        }
        for state in states
    ]
    upsert(tx, SourceState, rows, key=("organization_id", "source", "width"))


def unfinished(tx: Connection) -> dict[tuple[str, str], Unfinished]:
    """Return the backfills that were stopped on their way."""
    rows = tx.execute(select(Backfill.__table__).where(col(Backfill.organization_id) == ORGANIZATION))  # type: ignore[attr-defined]
    return {
        (row.source, row.width): Unfinished(
            row.source,
            row.width,
            date.fromisoformat(row.since),
            date.fromisoformat(row.until),
            date.fromisoformat(row.reached),
            utc(row.begun_at),
        )
        for row in rows
    }


def reach(tx: Connection, backfill: Unfinished) -> None:
    """Note how far a backfill came; one that is through is forgotten."""
    where = (
        col(Backfill.organization_id) == ORGANIZATION,
        col(Backfill.source) == backfill.source,
        col(Backfill.width) == backfill.width,
    )
    if backfill.reached <= backfill.since:
        tx.execute(delete(Backfill).where(*where))
        return
    row = {
        "organization_id": ORGANIZATION,
        "source": backfill.source,
        "width": backfill.width,
        "since": backfill.since.isoformat(),
        "until": backfill.until.isoformat(),
        "reached": backfill.reached.isoformat(),
        "begun_at": backfill.begun_at,
    }
    upsert(tx, Backfill, [row], key=("organization_id", "source", "width"))


# -- names -----------------------------------------------------------------------------------------


def name(tx: Connection, seen: "Iterable[Named]", now: datetime) -> None:
    """Remember these (id, name) pairs; earlier names of an id stay."""
    rows = {
        (each.kind, each.id, each.name): {
            "organization_id": ORGANIZATION,
            "kind": each.kind,
            "id": each.id,
            "name": each.name,
            "project_id": each.project_id,
            "archived": each.archived,
            "first_seen_at": now,
            "last_seen_at": now,
        }
        for each in seen
    }
    if not rows:
        return
    statement = upserting(NameRow)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=("organization_id", "kind", "id", "name"),
            set_={
                "last_seen_at": statement.excluded.last_seen_at,
                "archived": statement.excluded.archived,
                "project_id": statement.excluded.project_id,
            },
        ),
        list(rows.values()),
    )


def names(tx: Connection) -> Names:
    """Return the current name of every id ever seen."""
    rows = tx.execute(
        select(col(NameRow.kind), col(NameRow.id), col(NameRow.name))
        .where(col(NameRow.organization_id) == ORGANIZATION)
        .order_by(col(NameRow.last_seen_at), col(NameRow.first_seen_at))
    )
    return Names({("user" if kind == "service_account" else kind, key): value for kind, key, value in rows})


def projects(tx: Connection) -> dict[str, bool]:
    """Return the id of every project ever seen, and whether it is archived."""
    rows = tx.execute(
        select(col(NameRow.id), col(NameRow.archived))
        .where(col(NameRow.organization_id) == ORGANIZATION, col(NameRow.kind) == "project")
        .order_by(col(NameRow.last_seen_at))
    )
    return {row[0]: bool(row[1]) for row in rows}


# -- rulebooks -------------------------------------------------------------------------------------


def book(tx: Connection) -> Book | None:
    """Return the newest rulebook that loaded well."""
    row = tx.execute(
        select(BookRow.__table__)  # type: ignore[attr-defined]
        .where(col(BookRow.organization_id) == ORGANIZATION)
        .order_by(col(BookRow.id).desc())
        .limit(1)
    ).fetchone()
    return Book(row.hash, row.commit, utc(row.loaded_at), row.files) if row else None


def keep_book(tx: Connection, loaded: Book) -> None:
    """Write a rulebook that loaded well, unless it is the newest already."""
    newest = book(tx)
    if newest is not None and newest.hash == loaded.hash:
        return
    tx.execute(
        insert(BookRow).values(
            organization_id=ORGANIZATION,
            hash=loaded.hash,
            commit=loaded.commit,
            loaded_at=loaded.loaded_at,
            files=dict(loaded.files),
        )
    )


# -- markers ---------------------------------------------------------------------------------------


def marker(tx: Connection, key: str) -> str:
    """Return a small fact; '' where there is none."""
    row = tx.execute(select(col(Marker.value)).where(col(Marker.key) == key)).fetchone()
    return str(row[0]) if row else ""


def mark(tx: Connection, key: str, value: str) -> None:
    """Remember a small fact; '' forgets it."""
    if not value:
        tx.execute(delete(Marker).where(col(Marker.key) == key))
        return
    upsert(tx, Marker, [{"key": key, "value": value}], key=("key",))


def markers(tx: Connection, prefix: str) -> dict[str, str]:
    """Return the small facts whose key begins with `prefix`."""
    rows = tx.execute(
        select(col(Marker.key), col(Marker.value)).where(col(Marker.key).startswith(prefix, autoescape=True))
    )
    return {row[0]: row[1] for row in rows}


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if text else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
