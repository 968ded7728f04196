"""`demo`: see the bot at work in a minute, without an account."""

import logging
import sys

import click


@click.command()
@click.option("--once", is_flag=True, help="Play the story, print one report, and exit.")
def demo(once: bool) -> None:
    """Play the whole bot against a simulated organization: no account, no key, no network.

    Without --once a prompt follows, where /budget … can be typed.

    Example: budgetbot demo --once
    """
    from bot.demonstrate import play  # noqa: PLC0415 - the whole bot, when it is wanted
    from bot.logs import configure  # noqa: PLC0415

    configure(logging.ERROR)
    play(click.echo, None if once else _ask)


def _ask() -> str | None:
    """Return what is typed after /budget; None at the end."""
    click.echo()
    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        return line.strip().removeprefix("/budget").strip() if line else None
    try:
        typed = input("type /budget … or quit> ").strip()
    except (EOFError, KeyboardInterrupt):
        return None
    if typed.lower() in ("quit", "exit", "q"):
        return None
    return typed.removeprefix("/budget").strip()
