"""`export`: the stored snapshots row by row, or a report, for machines."""

import click

from bot.cli.ask import helped_with, understood
from bot.cli.common import moment, now_option, quiet_logs, settings
from bot.core.errors import DONE, Misused
from bot.core.query import Misread, parse
from bot.core.question import Query
from bot.core.verbs import GROUPINGS, canonical

FORMS = ("csv", "jsonl", "json")
PROBE = "today"


@click.command()
@click.argument("words", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default=FORMS[0],
    show_default=True,
    help="jsonl is a JSON object a line; json is for reports.",
)
@now_option
def export(words: tuple[str, ...], form: str, now_text: str | None) -> int:
    """Write every stored cost as it is known: a row for each day, project, key, user and line item, exact.

    WORDS are [RANGE] [KEY=VALUE …]; without a range, everything that is stored. Rows come in the order of days and
    are written while they are read. With `by DIM[,DIM]` it is the report of that range instead, as in Slack.

    Example: budgetbot export last-month project=search-prod --format jsonl
    """
    now = moment(now_text)
    quiet_logs()
    found = settings(("DATABASE_URL",))
    query = understood("export", words, now_text)
    if query.verb != "export":
        click.echo(helped_with(query))
        return DONE
    if query.format and any(word.lower() == query.format for word in words):
        form = query.format
    from bot.edge.store.store import Store  # noqa: PLC0415 - help needs no database
    from bot.rulebook import Rules  # noqa: PLC0415

    with Store(found.database_url) as store:
        rules = Rules(found, store).now(now)
        if _grouped(words):
            from bot.questions import Asked, report  # noqa: PLC0415
            from bot.render.answers.export import content  # noqa: PLC0415

            told = report.answer(Asked(store, rules, query, now, every=True))
            click.echo(content(told, form), nl=False)
            for note in told.notes:
                click.echo(note, err=True)
            return DONE
        if form == "json":
            raise Misused(
                "Snapshots are written row by row.", "Say --format jsonl or csv, or by DIM for a report."
            )
        from bot.exporting import stock  # noqa: PLC0415
        from bot.render.answers.export import texts  # noqa: PLC0415

        span = query.span if _ranged(words, query, now_text) else None
        for held in stock(store, rules.book, span, query.filters, now):
            for text in texts(held.rows, held.names, form):
                click.echo(text, nl=False)
            if held.as_of is None:
                click.echo("No costs are stored yet: budgetbot poll fetches them.", err=True)
            else:
                click.echo(f"Data as of {held.as_of:%Y-%m-%d %H:%M} UTC; days are UTC days.", err=True)
    return DONE


def _grouped(words: tuple[str, ...]) -> bool:
    """Tell whether a grouping was said: the words alone cannot be told from their defaults."""
    return any(
        word.lower() == "by" or canonical(word.lower().partition(",")[0]) in GROUPINGS for word in words
    )


def _ranged(words: tuple[str, ...], query: Query, now_text: str | None) -> bool:
    """Tell whether a range was said: then another one is refused."""
    probed = parse(["export", *words, PROBE], moment(now_text).date())
    return isinstance(probed, Misread) or probed.range_words == query.range_words
