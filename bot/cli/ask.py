"""The questions of `/budget` in a shell: one command a verb, each made from the table of verbs."""

import shlex
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from bot.cli.common import format_option, moment, now_option, quiet_logs, settings
from bot.core.errors import Misused
from bot.core.query import Misread, Query, parse
from bot.core.tokens import split
from bot.core.verbs import VERBS, Verb

INDENT = 4


def command(name: str) -> click.Command:
    """Return the command that asks a verb."""
    verb = VERBS[name]
    if verb.topics:
        return made(verb, _print_help)
    return made(verb, partial(_ask, name), now_option, format_option)


def made(
    verb: Verb,
    call: Callable[..., None],
    *options: Callable[[Any], Any],
    cls: type[click.Command] = click.Command,
) -> click.Command:
    """Return the command of a verb: its words, its help with every example, and how its words are completed."""
    found = click.command(verb.name, cls=cls, help=_help(verb))(call)
    for option in options:
        found = option(found)
    found.params.insert(0, click.Argument(["words"], nargs=-1, shell_complete=_completed(verb)))
    return found


def understood(verb: str, words: tuple[str, ...], now_text: str | None) -> Query:
    """Return what was asked; raises Misused with the commands that were probably meant."""
    query = parse([verb, *words], moment(now_text).date())
    if isinstance(query, Misread):
        raise misread(query)
    if query.to:
        raise Misused("A shell answers in the shell: in and to are for Slack.", "Leave them out.")
    return query


def misread(answer: Misread) -> Misused:
    """Return the failure that words were not understood, with the commands that were probably meant."""
    tries = " or ".join(f"budgetbot {typed(each)}" for each in answer.corrections)
    return Misused(answer.problem, f"Try: {tries}" if tries else "See budgetbot --help.")


def typed(words: str) -> str:
    """Return a command as a shell takes it: `severity>=warning` bare would write a file."""
    return shlex.join(split(words)[0])


def helped_with(query: Query) -> str:
    """Return the help that was asked for, in whatever way."""
    from bot.core.helping import helped  # noqa: PLC0415 - few answers are help
    from bot.render import terminal  # noqa: PLC0415

    return terminal.shell(helped(query.topic), "table")


def _print_help(words: tuple[str, ...]) -> None:
    click.echo(helped_with(understood("help", words, None)))


def _ask(verb: str, words: tuple[str, ...], now_text: str | None, form: str) -> None:
    now = moment(now_text)
    quiet_logs()
    found = settings(("DATABASE_URL",))
    query = understood(verb, words, now_text)
    if query.verb == "help":
        click.echo(helped_with(query))
        return
    from bot.answers import answer  # noqa: PLC0415 - an answer needs the database's libraries
    from bot.edge.store.store import Store  # noqa: PLC0415
    from bot.render import terminal  # noqa: PLC0415
    from bot.rulebook import Rules  # noqa: PLC0415

    form = query.format or form
    with Store(found.database_url) as store:
        given, asked = answer(store, Rules(found, store).now(now), [verb, *words], now, every=form != "table")
    if isinstance(given, Misread):
        raise misread(given)
    click.echo(terminal.shell(given, form, asked))


def _help(verb: Verb) -> str:
    """Return what `--help` says: the summary, what WORDS are, and each example with what it answers."""
    first = f"{verb.summary[0].upper()}{verb.summary[1:]}."
    words = verb.words(slack=False)
    said = f"WORDS: {words}, in any order, the same as in Slack." if words else "It takes no WORDS."
    told = [
        f"Example: budgetbot {typed(example)}\n{' ' * INDENT}{what[0].upper()}{what[1:]}."
        for example, what in verb.examples
        if "owner=@me" not in example
    ]
    # click leaves a paragraph after \b as it is written.
    return "\n\n".join([first, said, *(f"\b\n{each}" for each in told)])


def _completed(verb: Verb) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        from bot.core.completing import completions  # noqa: PLC0415 - only a Tab key needs it

        return completions(verb, context.params.get("words") or (), incomplete)

    return complete
