"""`backtest`: what the rules would have said over the days that are stored."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import click

from bot.cli.common import EARLIEST, moment, now_option, quiet_logs, settings
from bot.core.errors import DONE, Misused, SetupWrong

if TYPE_CHECKING:
    from bot.core.backtest import Progress
    from bot.core.rules.book import Rulebook
    from bot.settings import Settings


@click.command()
@click.option("--since", "since_text", metavar="D", help="From this day on (YYYY-MM-DD, UTC); 90 days ago.")
@click.option("--until", "until_text", metavar="D", help="Up to, without, this day; now when not said.")
@click.option("--rules", "revision", metavar="REV", help="Compare with the rule files at this git revision.")
@click.option("--rule", "ids", multiple=True, metavar="ID", help="Only this rule; may be repeated.")
@now_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="json carries everything.",
)
def backtest(
    since_text: str | None,
    until_text: str | None,
    revision: str | None,
    ids: tuple[str, ...],
    now_text: str | None,
    form: str,
) -> int:
    """Replay the stored snapshots, each figure known when it was seen, and say what the rules would have said.

    With --rules it says which alerts would start and stop against the rules as they were at a git revision.

    Example: budgetbot backtest --since 2026-09-01 --rules origin/main
    """
    now = moment(now_text)
    since, until = _span(since_text, until_text, now)
    quiet_logs()
    found = settings(("DATABASE_URL",))
    from bot.backtesting import run  # noqa: PLC0415 - an answer needs the database's libraries
    from bot.comparing import loadable  # noqa: PLC0415
    from bot.edge.store.store import Store  # noqa: PLC0415
    from bot.render.replayed import shell  # noqa: PLC0415

    book = _book(found)
    other, told = None, ""
    if revision is not None:
        if found.rules_path is None:
            raise SetupWrong(
                "There are no rules here to compare with a revision.", "Set BUDGETBOT_RULES to their folder."
            )
        was = loadable(found.rules_path, revision)
        other, told = was.book, was.revision
    book, other = _only(book, other, ids)
    with Store(found.database_url) as store, _progress() as drawn:
        answer = run(store, book, since, until, other=other, revision=told, progress=drawn)
    click.echo(shell(answer, form, found.channel))
    return DONE


def _book(found: "Settings") -> "Rulebook":
    """Return the rules of the files as they are now, or the built-in ones; raises SetupWrong for those with errors."""
    from bot.comparing import first_of  # noqa: PLC0415 - what reads YAML
    from bot.edge import rule_files  # noqa: PLC0415

    loaded = rule_files.load(found.rules_path) if found.rules_path else rule_files.built_in()
    if loaded.book is None:
        raise SetupWrong(
            f"The rule files have {first_of(loaded.problems)}.", "Run budgetbot check and mend them."
        )
    # A folder without any rule file is as none.
    book = loaded.book if loaded.shown else rule_files.built_in().book
    assert book is not None
    return book


def _only(
    book: "Rulebook", other: "Rulebook | None", ids: tuple[str, ...]
) -> "tuple[Rulebook, Rulebook | None]":
    """Return the books with the wanted rules alone; one that was renamed is the same rule."""
    if not ids:
        return book, other
    from dataclasses import replace  # noqa: PLC0415 - only where rules are named
    from difflib import get_close_matches  # noqa: PLC0415

    wanted = {*ids, *(was for rule in book.rules if rule.id in ids for was in rule.was)}
    known = [rule.id for each in (book, other) if each for rule in each.rules]
    for rule_id in ids:
        if rule_id not in known:
            close = get_close_matches(rule_id, known, 1)
            remedy = f"Did you mean {close[0]}?" if close else "budgetbot rules lists them."
            raise Misused(f"There is no rule {rule_id!r}.", remedy)
    book = replace(book, rules=tuple(rule for rule in book.rules if rule.id in wanted))
    if other is not None:
        other = replace(other, rules=tuple(rule for rule in other.rules if rule.id in wanted))
    return book, other


@contextmanager
def _progress() -> "Iterator[Progress | None]":
    """Draw a bar on a terminal while the context lasts, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - drawn for people alone
    from rich.progress import Progress as Bars  # noqa: PLC0415

    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("replaying", total=None)

        def show(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        yield show


def _span(since_text: str | None, until_text: str | None, now: datetime) -> tuple[date | None, datetime]:
    """Return the first day and the last instant; raises Misused where there is nothing between them."""
    since = _day(since_text, "--since") if since_text is not None else None
    until = now
    if until_text is not None:
        day = _day(until_text, "--until")
        if day > now.astimezone(UTC).date() + timedelta(days=1):
            raise Misused(f"--until {day} lies in the future.", "Write an earlier day, or leave it out.")
        until = min(now, datetime(day.year, day.month, day.day, tzinfo=UTC))
    if since is not None and since < EARLIEST.date():
        raise Misused(f"--since {since} is before anybody had a bill.", "Write a later day.")
    if since is not None and datetime(since.year, since.month, since.day, tzinfo=UTC) >= until:
        raise Misused(
            f"--since {since} is not before {until:%Y-%m-%d %H:%M} UTC.",
            "Ranges are half-open: the last day is not in them.",
        )
    return since, until


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misused(f"{option} {text!r} is no day.", "Write one like 2026-01-31.") from None
