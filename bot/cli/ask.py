"""`status`, `report`, `top`, `forecast`, `explain`, `rules`: the questions of `/budget`, in a shell."""

import shlex
from typing import TYPE_CHECKING

import click

from bot.cli.common import format_option, moment, now_option, quiet_logs, settings
from bot.core.errors import Misused

if TYPE_CHECKING:
    from bot.core.query import Misread

ASKING = {"ignore_unknown_options": False, "allow_interspersed_args": True}


def _ask(verb: str, words: tuple[str, ...], now_text: str | None, form: str) -> None:
    now = moment(now_text)
    quiet_logs()
    found = settings(("DATABASE_URL",))
    from bot.core.query import Misread, parse  # noqa: PLC0415 - an answer needs the database's libraries

    query = parse([verb, *words], now.date())
    if isinstance(query, Misread):
        raise _misread(query)
    from bot.answers import answer  # noqa: PLC0415
    from bot.edge.store.store import Store  # noqa: PLC0415
    from bot.render import terminal  # noqa: PLC0415
    from bot.rulebook import Rules  # noqa: PLC0415

    form = query.format or form
    with Store(found.database_url) as store:
        given, asked = answer(store, Rules(found, store).now(now), [verb, *words], now, every=form != "table")
    if isinstance(given, Misread):
        raise _misread(given)
    click.echo(terminal.shell(given, form, asked))


def _misread(answer: "Misread") -> Misused:
    tries = " or ".join(f"budgetbot {_typed(command)}" for command in answer.corrections)
    return Misused(answer.problem, f"Try: {tries}" if tries else "See budgetbot --help.")


def _typed(command: str) -> str:
    """Return a command as a shell takes it: `severity>=warning` bare would write a file."""
    from bot.core.tokens import split  # noqa: PLC0415

    return shlex.join(split(command)[0])


@click.command(context_settings=ASKING)
@click.argument("words", nargs=-1)
@now_option
@format_option
def status(words: tuple[str, ...], now_text: str | None, form: str) -> None:
    """Every budget at a glance, the worst first. WORDS narrow it: project=search-prod, state=firing, team=labs.

    Example: budgetbot status 'severity>=warning' --format json
    """
    _ask("status", words, now_text, form)


@click.command(context_settings=ASKING)
@click.argument("words", nargs=-1)
@now_option
@format_option
def report(words: tuple[str, ...], now_text: str | None, form: str) -> None:
    """What was spent, as a table. WORDS: [RANGE] [by DIM[,DIM]] [KEY=VALUE …] [top=N], the same as in Slack.

    Example: budgetbot report last-month by project --format csv
    """
    _ask("report", words, now_text, form)


@click.command(context_settings=ASKING)
@click.argument("words", nargs=-1)
@now_option
@format_option
def top(words: tuple[str, ...], now_text: str | None, form: str) -> None:
    """The largest, with their share. WORDS: [N] [by DIM] [RANGE] [KEY=VALUE …], the same as in Slack.

    Example: budgetbot top 5 by api_key 7d
    """
    _ask("top", words, now_text, form)


@click.command(context_settings=ASKING)
@click.argument("words", nargs=-1)
@now_option
@format_option
def forecast(words: tuple[str, ...], now_text: str | None, form: str) -> None:
    """What each budget's running period will come to, how sure that is, and when OpenAI cuts it off.

    WORDS narrow it: rule=project-month, project=labs, team=search.

    Example: budgetbot forecast project=labs
    """
    _ask("forecast", words, now_text, form)


@click.command(context_settings=ASKING)
@click.argument("words", nargs=-1)
@now_option
@format_option
def explain(words: tuple[str, ...], now_text: str | None, form: str) -> None:
    """Why a rule says what it says, figure by figure, and what would make it speak.

    WORDS are a rule and a group of it, or the fingerprint of an alert; without a group, the rule's worst.

    Example: budgetbot explain project-month project=search-prod
    """
    _ask("explain", words, now_text, form)


@click.command(context_settings=ASKING)
@click.argument("words", nargs=-1)
@now_option
@format_option
def rules(words: tuple[str, ...], now_text: str | None, form: str) -> None:
    """The rules in force, and the projects with spend that no budget watches.

    Example: budgetbot rules project=labs
    """
    _ask("rules", words, now_text, form)


@click.command(context_settings=ASKING)
@click.argument("words", nargs=-1)
@now_option
@format_option
def accuracy(words: tuple[str, ...], now_text: str | None, form: str) -> None:
    """How good live spend was: each settled day's estimate against its bill, for the last 30 days.

    Example: budgetbot accuracy --format csv
    """
    _ask("accuracy", words, now_text, form)


@click.command("help", context_settings=ASKING)
@click.argument("words", nargs=-1)
def help_(words: tuple[str, ...]) -> None:
    """What can be asked, or everything about one verb: WORDS is status, report, top or rules.

    Example: budgetbot help report
    """
    from bot.core.helping import helped  # noqa: PLC0415
    from bot.core.query import Misread, parse  # noqa: PLC0415
    from bot.render import terminal  # noqa: PLC0415

    query = parse(["help", *words], moment(None).date())
    if isinstance(query, Misread):
        raise Misused(query.problem, f"Try: budgetbot {query.corrections[0]}")
    click.echo(terminal.shell(helped(query.topic), "table"))
