"""How alembic runs: on the connection it is given, or on DATABASE_URL when a person calls it."""

import os

from alembic import context
from sqlmodel import SQLModel

from bot.edge.store import tables
from bot.edge.store.engine import open_engine, parse_url, writing

assert tables.ORGANIZATION  # importing the module fills the metadata


def run(connection) -> None:
    # SQLite cannot alter most things in place: alembic copies the table instead.
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = open_engine(parse_url(os.environ.get("DATABASE_URL", "sqlite:///budgetbot.db")))
    with writing(engine) as connection:
        run(connection)
    engine.dispose()
