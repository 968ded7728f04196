"""`poll`, `sync`, `run`: the commands that fetch."""

import os
import sys
from datetime import UTC, date, datetime, timedelta

import click

from bot.cli.common import EARLIEST, busy_logs, format_option, moment, now_option, settings
from bot.cli.ticks import progress, show_synced, show_tick
from bot.core.errors import DONE, Misused
from bot.settings import Settings

FETCH_NEEDS = ("OPENAI_ADMIN_KEY", "DATABASE_URL")
POLL_NEEDS = (*FETCH_NEEDS, "SLACK_BOT_TOKEN", "BUDGETBOT_RULES_URL", "BUDGETBOT_HEARTBEAT_URL")


@click.command()
@now_option
@click.option("--dry-run", is_flag=True, help="Print the messages, post nothing and keep nothing.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def poll(now_text: str | None, dry_run: bool, form: str) -> int:
    """One complete cycle: fetch, store, judge, deliver. For cron.

    Returns when everything is delivered, or after 60 s of waiting with the rest kept (exit 4).

    Example: budgetbot poll --now 2026-10-31T12:00:00Z --dry-run
    """
    now = moment(now_text, ahead=dry_run)
    found = _set_up(FETCH_NEEDS if dry_run else POLL_NEEDS)
    from bot.app import App  # noqa: PLC0415 - the whole bot, when it is wanted
    from bot.poll import failure, tick  # noqa: PLC0415

    messages = None
    if dry_run:
        from bot.rehearsal import rehearse  # noqa: PLC0415

        with progress() as drawn:
            done, messages = rehearse(found, now, drawn)
    else:
        with progress() as drawn, App.open(found) as app:
            done = tick(app, now, progress=drawn)
    show_tick(done, form, messages)
    if failed := failure(done):
        raise failed
    return DONE


@click.command()
@click.option(
    "--since", "since_text", metavar="D", help="Read every day from this one again (YYYY-MM-DD, UTC)."
)
@click.option("--until", "until_text", metavar="D", help="Up to, without, this day; tomorrow when not said.")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source; may be repeated.")
@now_option
@format_option
def sync(
    since_text: str | None, until_text: str | None, sources: tuple[str, ...], now_text: str | None, form: str
) -> int:
    """Fetch and store only. With --since it reads a span again; stopped anywhere, the same command goes on.

    Example: budgetbot sync --since 2026-01-01 --source costs
    """
    now = moment(now_text)
    since, until = _span(since_text, until_text, now)
    found = _set_up(FETCH_NEEDS)
    from bot.app import App  # noqa: PLC0415
    from bot.edge.openai import SOURCES  # noqa: PLC0415
    from bot.poll import fetch, incomplete  # noqa: PLC0415

    for name in sources:
        if name not in SOURCES:
            raise Misused(f"There is no source {name!r}.", f"There are {', '.join(SOURCES)}.")
    with progress() as drawn, App.open(found) as app, app.alone():
        if since is None:
            app.sources = tuple(dict.fromkeys(sources))
            done = fetch(app, app.rules.now(now).book, now, drawn)
        else:
            done = app.syncer().span(since, until, now, tuple(dict.fromkeys(sources)), progress=drawn)
    show_synced(done, form)
    if failed := done.refused or incomplete("sync", done.results):
        raise failed
    return DONE


@click.command()
@click.option(
    "--http", "port", type=click.IntRange(0, 65535), help="Show /healthz, /readyz, /metrics and /alerts here."
)
def run(port: int | None) -> int:
    """Poll at once and then on schedule, deliver, and listen to Slack over Socket Mode, until SIGTERM.

    Example: budgetbot run --http 9090
    """
    return _work((*POLL_NEEDS, "SLACK_APP_TOKEN", "BUDGETBOT_POLL"), socket=True, port=port, polls=True)


@click.command()
@click.option("--no-poll", is_flag=True, help="Only listen: another process polls into the same database.")
def serve(no_poll: bool) -> int:
    """The same as run with Slack's requests at an address of your own, PORT: POST /slack/events.

    GET /healthz says that the process lives, /readyz whether it can be relied on, /alerts what stands as JSON,
    /metrics what Prometheus scrapes. Anybody who reaches the port reads them: let the balancer pass on
    /slack/events alone.

    Example: budgetbot serve --no-poll
    """
    needs: tuple[str, ...] = (*POLL_NEEDS, "SLACK_SIGNING_SECRET", "BUDGETBOT_POLL", "PORT")
    if no_poll:
        needs = tuple(name for name in needs if name != "OPENAI_ADMIN_KEY")
    return _work(needs, socket=False, port=None, polls=not no_poll)


def _set_up(needs: tuple[str, ...]) -> Settings:
    """Return the settings of a command that fetches, in a process that logs and needs little memory."""
    from bot.edge.memory import stay_small  # noqa: PLC0415 - before anything that needs much of it

    stay_small()
    busy_logs()
    return settings(needs)


def _work(needs: tuple[str, ...], *, socket: bool, port: int | None, polls: bool) -> int:
    found = _set_up(needs)
    from bot.app import App  # noqa: PLC0415
    from bot.worker import work  # noqa: PLC0415

    app: App
    with App.open(found) as app:
        put_away = work(app, socket=socket, port=port if socket else int(found.port), polls=polls)
        if not put_away:
            # A thread still reads from a server that does not answer; Python would wait for it. Nothing it
            # reads is kept, and everything else is put away.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(DONE)
    return DONE


def _span(since_text: str | None, until_text: str | None, now: datetime) -> tuple[date | None, date]:
    """Return the days to read, [since, until); raises Misused where they are none."""
    tomorrow = now.astimezone(UTC).date() + timedelta(days=1)
    until = _day(until_text, "--until") if until_text is not None else tomorrow
    since = _day(since_text, "--since") if since_text is not None else None
    if until_text is not None and since is None:
        raise Misused("--until needs --since.", "Say where the span begins.")
    if until > tomorrow:
        raise Misused(f"--until {until} lies in the future.", f"The last possible is {tomorrow}.")
    if since is not None and since < EARLIEST.date():
        raise Misused(f"--since {since} is before anybody had a bill.", "Write a later day.")
    if since is not None and since >= until:
        raise Misused(
            f"--since {since} is not before {until}.", "Ranges are half-open: the last day is not in them."
        )
    return since, until


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misused(f"{option} {text!r} is no day.", "Write one like 2026-01-31.") from None
