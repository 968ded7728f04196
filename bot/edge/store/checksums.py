"""In which bytes a bucket last came: what comes in the same is stored already, and need not be read again.

A checksum stands only while the facts of its bucket are what those bytes said: whoever writes or deletes facts of a
bucket in any other way deletes it in the same transaction.
"""

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.edge.store.sql import cells, listed, raw, run, upsert
from bot.edge.store.tables import ORGANIZATION

if TYPE_CHECKING:  # reports read the store without loading an HTTP client
    from bot.edge.openai import Reading

COLUMNS = ("organization_id", "source", "width", "bucket", "checksum")


def known(tx: Connection) -> dict[tuple[str, str], dict[int, str]]:
    """Return the checksums of each source and width by the start of the bucket."""
    found: dict[tuple[str, str], dict[int, str]] = {}
    rows = run(
        tx,
        "SELECT source, width, bucket, checksum FROM bucket_checksum WHERE organization_id = ?",
        (ORGANIZATION,),
    )
    for source, width, bucket, checksum in raw(rows):
        found.setdefault((source, width), {})[bucket] = checksum
    return found


def keep(tx: Connection, reading: "Reading") -> None:
    """Keep the checksums of what was stored of a reading, and forget those of buckets it read without."""
    bare = reading.rows.keys() - reading.checksums.keys()
    if bare:
        chosen, buckets = listed(tx, bare)
        run(
            tx,
            "DELETE FROM bucket_checksum WHERE organization_id = ? AND source = ? AND width = ? "  # noqa: S608 - our own names
            f"AND bucket IN {chosen}",
            (ORGANIZATION, reading.source, reading.width, buckets),
        )
    rows = [
        (ORGANIZATION, reading.source, reading.width, bucket, checksum)
        for bucket, checksum in sorted(reading.checksums.items())
    ]
    if rows:
        upsert(tx, "bucket_checksum", COLUMNS, [cells(rows)], 4, "DO UPDATE SET checksum = excluded.checksum")


def forget_before(tx: Connection, bucket: int) -> None:
    """Delete the checksums of every bucket before one."""
    run(tx, "DELETE FROM bucket_checksum WHERE organization_id = ? AND bucket < ?", (ORGANIZATION, bucket))
