"""`db`: the commands about the database."""

from datetime import UTC, datetime
from pathlib import Path

import click

from bot.cli.common import settings
from bot.core.errors import DONE, PROBLEMS, Misused


@click.group()
def db() -> None:
    """Look after the database: its migrations, its size, its copies, its soundness.

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


@db.command()
@click.argument("target", metavar="FILE")
def backup(target: str) -> None:
    """Copy the database into a new SQLite FILE, as it stands at this moment; the bot may go on meanwhile.

    Example: budgetbot db backup budgetbot-2026-11-22.db
    """
    found = settings(("DATABASE_URL",))
    path = Path(target)
    if path.exists():
        raise Misused(f"{target} is there already.", "Name a file that is new.")
    from bot.edge.store.copying import back_up  # noqa: PLC0415

    back_up(found.database_url, path)
    click.echo(f"{target} is a whole copy: {path.stat().st_size / 1e6:,.1f} MB.")


@db.command()
def verify() -> int:
    """Look whether the database is whole: its pages, its keys, and what must be true of its rows.

    Example: budgetbot db verify
    """
    found = settings(("DATABASE_URL",))
    from bot.edge.store.soundness import unsound  # noqa: PLC0415
    from bot.edge.store.store import Store  # noqa: PLC0415

    with Store(found.database_url) as store:
        wrong = unsound(store)
        name = store.url.database
    for each in wrong:
        click.echo(each)
    click.echo(f"{name}: {len(wrong)} problems" if wrong else f"{name} is whole.")
    return PROBLEMS if wrong else DONE


@db.command()
@click.option(
    "--keep", "days", type=click.IntRange(35), default=400, show_default=True, help="Days of figures kept."
)
def prune(days: int) -> None:
    """Delete figures of more than so many days ago, and polls nothing refers to. Alerts and the audit stay.

    Example: budgetbot db prune --keep 400
    """
    found = settings(("DATABASE_URL",))
    from bot.edge.store.retention import keeps  # noqa: PLC0415
    from bot.edge.store.retention import prune as let_go  # noqa: PLC0415
    from bot.edge.store.store import Store  # noqa: PLC0415

    before = keeps(days, datetime.now(UTC).date())
    with Store(found.database_url) as store:
        counts = let_go(store, before)
    rows = ", ".join(f"{count:,} of {table}" for table, count in counts.items() if count)
    click.echo(f"Figures from {before} on are kept; deleted: {rows or 'nothing'}.")


@db.command()
@click.option(
    "--to",
    "target",
    required=True,
    metavar="URL",
    help="A database that is new: postgresql://… or sqlite:///…",
)
def copy(target: str) -> None:
    """Copy everything into another database, and compare; then point DATABASE_URL there. Stop the bot before.

    Example: budgetbot db copy --to postgresql://budgetbot@db.example.com/budgets
    """
    found = settings(("DATABASE_URL",))
    from bot.app import alone  # noqa: PLC0415
    from bot.edge.store.copying import copy as copy_all  # noqa: PLC0415
    from bot.edge.store.store import Store  # noqa: PLC0415
    from bot.logs import hide  # noqa: PLC0415
    from bot.settings import passwords  # noqa: PLC0415

    hide(passwords(target))
    with Store(found.database_url) as source, alone(source), Store(target) as new:
        counts = copy_all(source, new)
    click.echo(f"{sum(counts.values()):,} rows of {len(counts)} tables are copied and compared.")
