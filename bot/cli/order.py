"""`ack`, `unack`, `silence`, `unsilence`: the orders of `/budget`, in a shell."""

from getpass import getuser
from typing import Any

import click

from bot.cli.common import moment, now_option, quiet_logs, settings
from bot.core.errors import Misused


class Reasoned(click.Command):
    """A command whose words after `--` are a reason, as they are in Slack: click alone would forget the dashes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            place = args.index("--")
            args = [*args[:place], "--", "because", *args[place + 1 :]]
        return super().parse_args(ctx, args)


def _order(verb: str, words: tuple[str, ...], now_text: str | None) -> None:
    now = moment(now_text)
    quiet_logs()
    found = settings(("DATABASE_URL",))
    from bot.core.query import Misread, parse  # noqa: PLC0415 - an order needs the database's libraries

    order = parse([verb, *words], now.date())
    if isinstance(order, Misread):
        tries = " or ".join(f"budgetbot {command}" for command in order.corrections)
        raise Misused(order.problem, f"Try: {tries}.")
    if order.verb != verb:
        from bot.core.helping import helped  # noqa: PLC0415
        from bot.render import terminal  # noqa: PLC0415

        click.echo(terminal.shell(helped(order.topic), "table"))
        return
    from bot.core.asker import Asker  # noqa: PLC0415
    from bot.edge.store.store import Store  # noqa: PLC0415
    from bot.orders import carry_out  # noqa: PLC0415
    from bot.render import terminal  # noqa: PLC0415
    from bot.rulebook import Rules  # noqa: PLC0415

    with Store(found.database_url) as store:
        # Whoever may write the database may order anything: the system's own name goes into the audit.
        by = Asker(getuser(), role="admin")
        done = carry_out(store, Rules(found, store).now(now), order, by, now)
    if done.refused:
        raise Misused(terminal.outcome(done), "budgetbot status shows the alerts there are.")
    click.echo(terminal.outcome(done))


def _words(command: Any) -> Any:
    return click.argument("words", nargs=-1)(now_option(command))


@click.command(cls=Reasoned)
@_words
def ack(words: tuple[str, ...], now_text: str | None) -> None:
    """Say that you look after an alert: WORDS are its fingerprint, or what that begins with, and `-- NOTE`.

    No reminder and no escalation comes until it grows by 25% or becomes graver.

    Example: budgetbot ack 9f3c21aa01bc -- known load test
    """
    _order("ack", words, now_text)


@click.command(cls=Reasoned)
@_words
def unack(words: tuple[str, ...], now_text: str | None) -> None:
    """Take an acknowledgement back.

    Example: budgetbot unack 9f3c21aa01bc
    """
    _order("unack", words, now_text)


@click.command(cls=Reasoned)
@_words
def silence(words: tuple[str, ...], now_text: str | None) -> None:
    """Hold alerts back: WORDS are FINGERPRINT|KEY=VALUE … for DURATION|until WHEN [wake=+$500] -- REASON.

    What was held back is said when the silence ends, 31 days later at most.

    Example: budgetbot silence project=labs for 2d -- migration
    """
    _order("silence", words, now_text)


@click.command(cls=Reasoned)
@_words
def unsilence(words: tuple[str, ...], now_text: str | None) -> None:
    """End a silence, by its number or by the fingerprint it holds back.

    Example: budgetbot unsilence si_3
    """
    _order("unsilence", words, now_text)
