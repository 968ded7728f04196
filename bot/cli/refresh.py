"""`refresh`: the same fetch that `/budget refresh` does, in a shell."""

from getpass import getuser

import click

from bot.cli.common import busy_logs, settings
from bot.cli.polling import FETCH_NEEDS
from bot.core.errors import DONE


@click.command()
def refresh() -> int:
    """Fetch what OpenAI knows now, judge it, and say what changed; once a minute at most.

    What it finds worth saying is delivered by budgetbot run, or by the next poll.

    Example: budgetbot refresh
    """
    busy_logs()
    found = settings((*FETCH_NEEDS, "BUDGETBOT_RULES_URL"))
    from bot.app import App  # noqa: PLC0415 - the whole bot, when it is wanted
    from bot.refreshing import refresh as fetch  # noqa: PLC0415
    from bot.render import terminal  # noqa: PLC0415

    with App.open(found) as app:
        done = fetch(app, getuser())
    click.echo(terminal.outcome(done.outcome))
    if done.failed:
        raise done.failed
    return DONE
