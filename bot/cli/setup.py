"""`doctor` and `manifest`: the commands for setting up."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bot.cli.common import quiet_logs, survey
from bot.core.errors import DONE, PROBLEMS

if TYPE_CHECKING:
    from bot.core.health import Finding


@click.command()
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def doctor(form: str) -> int:
    """Check every setting, key, scope, channel, clock, database and rule, each with a remedy; exit 1 on problems.

    Example: budgetbot doctor
    """
    quiet_logs()
    from bot.doctor import USED, examine  # noqa: PLC0415 - the whole bot, when it is wanted
    from bot.logs import clean  # noqa: PLC0415
    from bot.render.answers.doctor import headline, lines, row  # noqa: PLC0415

    found, malformed = survey(USED)
    seen: list[Finding] = []

    def looking() -> "Iterator[Finding]":
        for finding in examine(found, datetime.now(UTC), malformed):
            seen.append(finding)
            yield finding

    if form == "json":
        click.echo(clean(json.dumps([row(finding) for finding in looking()], ensure_ascii=False)))
    else:
        for line in lines(looking()):
            click.echo(clean(line))
    wrong = sum(finding.state == "wrong" for finding in seen)
    if wrong and form != "json":
        click.echo(f"{headline(wrong)}.")
    return PROBLEMS if wrong else DONE


@click.command()
@click.option(
    "--http", "http_url", metavar="URL", help="For request-URL mode: where Slack reaches the bot (https)."
)
def manifest(http_url: str | None) -> None:
    """Print the Slack app manifest: paste it at api.slack.com, Create New App, From a manifest.

    Example: budgetbot manifest
    """
    from bot.manifest import manifest as make  # noqa: PLC0415

    click.echo(json.dumps(make(http_url), indent=2, ensure_ascii=False))
