"""The words a shell may type, thin: each command reads its settings, calls one flow and prints the answer.

Commands are loaded when they are called: `--help` must not pay for a database or an HTTP client.
"""

from importlib import import_module
from typing import Any

import click

COMMANDS = {
    "demo": ("bot.cli.demo", "Play the whole bot against a simulated organization, no account needed."),
    "run": ("bot.cli.polling", "Poll on schedule, deliver, and listen to Slack until stopped."),
    "serve": ("bot.cli.polling", "The same, with Slack's requests at an address of your own."),
    "poll": ("bot.cli.polling", "One complete cycle, for cron: fetch, judge, deliver."),
    "sync": ("bot.cli.polling", "Fetch and store only; backfill any span."),
    "status": ("bot.cli.ask", ""),
    "report": ("bot.cli.ask", ""),
    "top": ("bot.cli.ask", ""),
    "forecast": ("bot.cli.ask", ""),
    "compare": ("bot.cli.ask", ""),
    "why": ("bot.cli.ask", ""),
    "rules": ("bot.cli.ask", ""),
    "explain": ("bot.cli.ask", ""),
    "history": ("bot.cli.ask", ""),
    "alerts": ("bot.cli.ask", ""),
    "refresh": (
        "bot.cli.refresh",
        "Fetch what OpenAI knows now, and say what changed; once a minute at most.",
    ),
    "export": (
        "bot.cli.export",
        "The stored snapshots row by row, or a report, for machines: CSV or JSON lines.",
    ),
    "accuracy": ("bot.cli.ask", ""),
    "ack": ("bot.cli.order", ""),
    "unack": ("bot.cli.order", ""),
    "silence": ("bot.cli.order", ""),
    "unsilence": ("bot.cli.order", ""),
    "subscribe": ("bot.cli.order", ""),
    "unsubscribe": ("bot.cli.order", ""),
    "help": ("bot.cli.ask", ""),
    "check": ("bot.cli.files", "Every problem of the rule files, at its place."),
    "schema": ("bot.cli.files", "The JSON Schema of a rule file, for editors."),
    "test": ("bot.cli.cases", "Play the case files: what the rules say of spend written by hand."),
    "backtest": (
        "bot.cli.backtest",
        "What the rules would have said over the stored days, as they were seen.",
    ),
    "db": ("bot.cli.database", "The database: migrations, copies, soundness, retention."),
    "doctor": ("bot.cli.setup", "Check every setting, key, channel and clock, each with a remedy."),
    "manifest": ("bot.cli.setup", "The Slack app manifest to paste."),
}
"""Command → the module that holds it, and its line in `--help`; '' where the table of verbs has it."""

BRIEF = {"check", "schema", "manifest"}
"""Commands that only look at files, or not even there: they need not `begin`, as `bot.__main__` says."""


class Lazy(click.Group):
    """A group that knows its commands' names and first lines, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        where, line = COMMANDS[cmd_name]
        module = import_module(where)
        if cmd_name not in BRIEF and ctx.obj is not None:
            ctx.obj()
        found = getattr(module, cmd_name) if line else module.command(cmd_name)
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
        from bot.core.verbs import VERBS  # noqa: PLC0415 - a command that runs needs no lines of the others

        def first(name: str, line: str) -> str:
            return line or f"{VERBS[name].summary[0].upper()}{VERBS[name].summary[1:]}."

        with formatter.section("Commands"):
            formatter.write_dl([(name, first(name, line)) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="budgetbot", prog_name="budgetbot")
def cli(**_: Any) -> None:
    """Watches what an OpenAI organization spends and tells the right Slack channel before a budget is gone.

    Example: budgetbot demo --once
    """
