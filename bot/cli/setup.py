"""`doctor` and `manifest`: the commands for setting up."""

import json
from datetime import UTC, datetime

import click

from bot.cli.common import quiet_logs, survey
from bot.core.errors import DONE, PROBLEMS

MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@click.command()
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def doctor(form: str) -> int:
    """Check every setting, key, scope, channel, clock, database and rule, each with a remedy; exit 1 on problems.

    Example: budgetbot doctor
    """
    quiet_logs()
    from bot.doctor import USED, examine  # noqa: PLC0415 - the whole bot, when it is wanted

    found, malformed = survey(USED)
    wrong = 0
    collected = []
    for finding in examine(found, datetime.now(UTC), malformed):
        wrong += finding.state == "wrong"
        if form == "json":
            collected.append(
                {"what": finding.what, "state": finding.state, "said": finding.said, "remedy": finding.remedy}
            )
            continue
        click.echo(f"{MARKS[finding.state]} {finding.what}: {finding.said}")
        if finding.remedy:
            click.echo(f"      → {finding.remedy}")
    if form == "json":
        click.echo(json.dumps(collected, ensure_ascii=False))
    elif wrong:
        click.echo(f"{wrong} thing{'s' if wrong != 1 else ''} to mend.")
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
