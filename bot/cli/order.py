"""What changes something, in a shell: `ack`, `unack`, `silence`, `unsilence`, `subscribe`, `unsubscribe`."""

import sys
from functools import partial
from getpass import getuser

import click

from bot.cli.ask import helped_with, made, understood
from bot.cli.common import format_option, moment, now_option, quiet_logs, settings
from bot.core.errors import Misused
from bot.core.verbs import VERBS

as_option = click.option(
    "--as",
    "person",
    metavar="ID",
    default="",
    help="Whose it is: a Slack id, U0123ABCD. Digests are direct messages.",
)


class Reasoned(click.Command):
    """A command whose words after `--` are a reason, as they are in Slack: click alone would forget the dashes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            place = args.index("--")
            args = [*args[:place], "--", "because", *args[place + 1 :]]
        return super().parse_args(ctx, args)


def command(name: str) -> click.Command:
    """Return the command that gives an order."""
    verb = VERBS[name]
    if verb.orders:
        return made(verb, partial(_order, name), now_option, cls=Reasoned)
    return made(verb, partial(_own, name), as_option, now_option, format_option)


def _order(verb: str, words: tuple[str, ...], now_text: str | None) -> None:
    now = moment(now_text)
    quiet_logs()
    found = settings(("DATABASE_URL",))
    order = understood(verb, words, now_text)
    if order.verb != verb:
        click.echo(helped_with(order))
        return
    from bot.core.asker import Asker  # noqa: PLC0415 - an order needs the database's libraries
    from bot.edge.store.store import Store  # noqa: PLC0415
    from bot.orders import carry_out  # noqa: PLC0415
    from bot.render import terminal  # noqa: PLC0415
    from bot.rulebook import Rules  # noqa: PLC0415

    with Store(found.database_url) as store:
        # Whoever may write the database may order anything: the system's own name goes into the audit.
        by = Asker(getuser(), role="admin")
        rules = Rules(found, store).now(now)
        # What is about everything asks first, where there is somebody to ask.
        done = carry_out(store, rules, order, by, now, sure=not sys.stdin.isatty())
        if done.asks:
            click.confirm(f"{done.said}\n{done.does}?", abort=True)
            done = carry_out(store, rules, order, by, now)
    if done.refused:
        raise Misused(terminal.outcome(done), "budgetbot alerts shows those there are.")
    click.echo(terminal.outcome(done))


def _own(verb: str, words: tuple[str, ...], person: str, now_text: str | None, form: str) -> None:
    """Do what people do for themselves, for the person who is named."""
    now = moment(now_text)
    quiet_logs()
    found = settings(("DATABASE_URL",))
    order = understood(verb, words, now_text)
    if order.verb != verb:
        click.echo(helped_with(order))
        return
    if not person:
        raise Misused("A digest is somebody's own.", f"Say whose: budgetbot {verb} --as U0123ABCD …")
    from bot.core.asker import Asker  # noqa: PLC0415 - an order needs the database's libraries
    from bot.core.outcome import Outcome  # noqa: PLC0415
    from bot.edge.store.store import Store  # noqa: PLC0415
    from bot.questions import Asked, answering  # noqa: PLC0415
    from bot.render import terminal  # noqa: PLC0415
    from bot.rulebook import Rules  # noqa: PLC0415

    with Store(found.database_url) as store:
        by = Asker(person, frozenset({person}), role="admin")
        asked = Asked(store, Rules(found, store).now(now), order, now, form != "table", by)
        answer = answering(verb).answer(asked)
    if isinstance(answer, Outcome) and answer.refused:
        raise Misused(terminal.outcome(answer), "budgetbot subscribe list shows what there is.")
    click.echo(terminal.shell(answer, form, order))
