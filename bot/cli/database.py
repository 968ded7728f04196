"""`db`: the commands about the database."""

import click

from bot.cli.common import settings


@click.group()
def db() -> None:
    """Look after the database: its migrations.

    Example: budgetbot db upgrade
    """


@db.command()
def upgrade() -> None:
    """Create the database, or bring it to the newest migration; every other command does so by itself.

    Example: budgetbot db upgrade
    """
    found = settings(("DATABASE_URL",))
    from bot.edge.store import engine  # noqa: PLC0415
    from bot.edge.store.store import Store  # noqa: PLC0415

    with Store(found.database_url) as store:
        did = "is now at" if store.migrated else "was already at"
        click.echo(f"The database {store.url.database} {did} migration {engine.newest()}.")


@db.command()
def current() -> None:
    """Print the migration the database stands at, and the newest one.

    Example: budgetbot db current
    """
    found = settings(("DATABASE_URL",))
    from bot.edge.store import engine  # noqa: PLC0415
    from bot.edge.store.standing import standing  # noqa: PLC0415

    at = standing(found.database_url)
    if at is None:
        name = engine.parse_url(found.database_url).database
        click.echo(f"There is no database at {name} yet (newest migration: {engine.newest()}).")
    else:
        click.echo(f"{at or 'empty'} (newest migration: {engine.newest()})")
