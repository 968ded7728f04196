"""Where a database stands, asked without making or migrating one."""

from pathlib import Path

from sqlalchemy.exc import DatabaseError

from bot.core.errors import Unanswered
from bot.edge.store import engine


def standing(text: str) -> str | None:
    """Return the migration the database at this address stands at, '' for an empty one, None where there is none.

    Raises SetupWrong for an address that is none, Unanswered for a database that cannot be read.
    """
    url = engine.parse_url(text)
    if engine.is_sqlite(url) and (
        engine.in_memory(url) or not url.database or not Path(url.database).is_file()
    ):
        return None
    opened = engine.open_engine(url)
    try:
        return engine.current(opened)
    except DatabaseError as failed:
        raise Unanswered(
            f"The database {url.database} cannot be read: {failed.orig}.",
            "See that it is one of budgetbot's, or put its last good copy in its place.",
        ) from failed
    finally:
        opened.dispose()
