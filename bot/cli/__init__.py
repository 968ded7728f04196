"""The words a shell may type, thin: each command reads its settings, calls one flow and prints the answer.

Commands are loaded when they are called: `--help` must not pay for a database or an HTTP client.
"""

from importlib import import_module
from typing import Any

import click

COMMANDS = {
    "demo": ("bot.cli.demo", "Play the whole bot against a simulated organization, no account needed."),
    "run": ("bot.cli.polling", "Poll on schedule, deliver, and listen to Slack until stopped."),
    "poll": ("bot.cli.polling", "One complete cycle, for cron: fetch, judge, deliver."),
    "sync": ("bot.cli.polling", "Fetch and store only; backfill any span."),
    "status": ("bot.cli.ask", "Every budget at a glance, the worst first."),
    "report": ("bot.cli.ask", "What was spent, as a table."),
    "top": ("bot.cli.ask", "The largest, with their share."),
    "forecast": ("bot.cli.ask", "What each budget's period will come to, and when OpenAI cuts it off."),
    "explain": ("bot.cli.ask", "Why a rule says what it says, and what would make it speak."),
    "accuracy": ("bot.cli.ask", "How good live spend was: estimates against bills."),
    "rules": ("bot.cli.ask", "The rules in force, and projects nobody watches."),
    "ack": ("bot.cli.order", "Say that you look after an alert."),
    "unack": ("bot.cli.order", "Take an acknowledgement back."),
    "silence": ("bot.cli.order", "Hold alerts back for a while, with a reason."),
    "unsilence": ("bot.cli.order", "End a silence."),
    "help": ("bot.cli.ask", "What can be asked, or everything about one verb."),
    "check": ("bot.cli.files", "Every problem of the rule files, at its place."),
    "schema": ("bot.cli.files", "The JSON Schema of a rule file, for editors."),
    "test": ("bot.cli.cases", "Play the case files: what the rules say of spend written by hand."),
    "backtest": (
        "bot.cli.backtest",
        "What the rules would have said over the stored days, as they were seen.",
    ),
    "db": ("bot.cli.database", "The database: migrations."),
    "doctor": ("bot.cli.setup", "Check every setting, key, channel and clock, each with a remedy."),
    "manifest": ("bot.cli.setup", "The Slack app manifest to paste."),
}
"""Command → the module that holds it, and its line in `--help`."""


NAMED_OTHERWISE = {"help": "help_"}
"""Commands whose function may not carry their name."""


class Lazy(click.Group):
    """A group that knows its commands' names and first lines, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        found = getattr(import_module(COMMANDS[cmd_name][0]), NAMED_OTHERWISE.get(cmd_name, cmd_name))
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as unknown:
            from difflib import get_close_matches  # noqa: PLC0415 - only a typo needs it

            close = get_close_matches(args[0], COMMANDS, 1)
            if not close:
                raise
            raise click.UsageError(f"{unknown.message} Did you mean {close[0]}?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="budgetbot", prog_name="budgetbot")
def cli(**_: Any) -> None:
    """Watches what an OpenAI organization spends and tells the right Slack channel before a budget is gone.

    Example: budgetbot demo --once
    """
