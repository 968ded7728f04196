"""`poll`, `sync`, `run`: the commands that fetch."""

import json
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from bot.cli.common import busy_logs, format_option, moment, now_option, settings
from bot.core.errors import Misused

if TYPE_CHECKING:
    from bot.poll import Tick
    from bot.sync import Progress, Synced

POLL_NEEDS = ("OPENAI_ADMIN_KEY", "SLACK_BOT_TOKEN", "DATABASE_URL")


@click.command()
@now_option
@click.option("--dry-run", is_flag=True, help="Print the messages, post nothing and keep nothing.")
@format_option
def poll(now_text: str | None, dry_run: bool, form: str) -> int:
    """One complete cycle: fetch, store, judge, deliver. For cron.

    Returns when everything is delivered, or after 60 s of waiting with the rest kept (exit 4).

    Example: budgetbot poll --now 2026-10-31T12:00:00Z --dry-run
    """
    now = moment(now_text, ahead=dry_run)
    busy_logs()
    found = settings(("OPENAI_ADMIN_KEY", "DATABASE_URL") if dry_run else POLL_NEEDS)
    from bot.app import App  # noqa: PLC0415 - the whole bot, when it is wanted
    from bot.core.errors import BotError  # noqa: PLC0415
    from bot.poll import failure, tick  # noqa: PLC0415

    if dry_run:
        from bot.rehearsal import rehearse  # noqa: PLC0415

        done, messages = rehearse(found, now, _progress())
        if form == "table":
            for message in messages:
                click.echo(message)
                click.echo()
    else:
        with App.open(found) as app:
            done = tick(app, now, progress=_progress())
    _show_tick(done, form, dry_run=dry_run)
    failed: BotError | None = failure(done) if not dry_run or not done.complete else None
    if failed is not None:
        raise failed
    return 0


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
    busy_logs()
    found = settings(("OPENAI_ADMIN_KEY", "DATABASE_URL"))
    from bot.app import App  # noqa: PLC0415
    from bot.core.errors import Unanswered  # noqa: PLC0415
    from bot.core.evaluate import needs_from  # noqa: PLC0415
    from bot.edge.openai import SOURCES  # noqa: PLC0415

    for name in sources:
        if name not in SOURCES:
            raise Misused(f"There is no source {name!r}.", f"There are {', '.join(SOURCES)}.")
    tomorrow = now.astimezone(UTC).date() + timedelta(days=1)
    until = _day(until_text, "--until") if until_text else tomorrow
    since = _day(since_text, "--since") if since_text else None
    if until_text and since is None:
        raise Misused("--until needs --since.", "Say where the span begins.")
    if until > tomorrow:
        raise Misused(f"--until {until} lies in the future.", f"The last possible is {tomorrow}.")
    if since is not None and since >= until:
        raise Misused(
            f"--since {since} is not before {until}.", "Ranges are half-open: the last day is not in them."
        )
    with App.open(found) as app, app.alone():
        syncer = app.syncer()
        if since is None:
            book = app.rules.now(now).book
            done = syncer.poll(now, needs_from=needs_from(book, now), sources=sources, progress=_progress())
        else:
            done = syncer.span(since, until, now, sources, progress=_progress())
    _show_synced(done, form)
    if done.refused is not None:
        raise done.refused
    if not done.complete:
        why = "; ".join(f"{r.source}: {r.why}" for r in done.results if not r.complete)
        raise Unanswered(f"The sync is not complete: {why}", "What is stored stands; run it again.")
    return 0


@click.command()
def run() -> int:
    """Poll at once and then on schedule, deliver, and listen to Slack over Socket Mode, until SIGTERM.

    Example: budgetbot run
    """
    busy_logs()
    found = settings((*POLL_NEEDS, "SLACK_APP_TOKEN", "BUDGETBOT_POLL"))
    from bot.app import App  # noqa: PLC0415
    from bot.worker import work  # noqa: PLC0415

    app: App
    with App.open(found) as app:
        work(app)
    return 0


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misused(f"{option} {text!r} is no day.", "Write one like 2026-01-31.") from None


def _progress() -> "Progress | None":
    """Return a progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console  # noqa: PLC0415 - drawn for people alone
    from rich.progress import Progress as Bars  # noqa: PLC0415

    bars = Bars(console=Console(stderr=True), transient=True)
    tasks: dict[str, Any] = {}

    def show(source: str, done: int, total: int) -> None:
        if source not in tasks:
            bars.start()
            tasks[source] = bars.add_task(source, total=total)
        bars.update(tasks[source], completed=done, total=total)
        if done >= total:
            bars.remove_task(tasks.pop(source))
            if not tasks:
                bars.stop()

    return show


def sources_json(done: "Tick | Synced") -> dict[str, dict[str, Any]]:
    """Return each source's result by its name; its widths added up."""
    sources: dict[str, dict[str, Any]] = {}
    for result in done.results:
        one = sources.setdefault(
            result.source, {"complete": True, "pages": 0, "rows": 0, "changed": 0, "why": ""}
        )
        one["complete"] = one["complete"] and result.complete
        one["pages"] += result.pages
        one["rows"] += result.rows
        one["changed"] += result.changed
        one["why"] = one["why"] or result.why
    for one in sources.values():
        if not one["why"]:
            del one["why"]
    return sources


def _show_tick(done: "Tick", form: str, *, dry_run: bool) -> None:
    if form == "json":
        events = [
            {
                "fingerprint": event.fingerprint,
                "rule": event.rule_id,
                "group": done.groups.get(event.key, {}),
                "transition": event.transition,
                "level": event.level,
                "reason": str(event.reason),
            }
            for event in done.events
        ]
        body = {
            "now": _iso(done.now),
            "complete": done.complete,
            "sources": sources_json(done),
            "events": events,
            "delivered": done.delivered.done,
            "waiting": done.delivered.waiting + done.delivered.held,
        }
        if done.skipped:
            body["skipped"] = done.skipped
        if dry_run:
            body["dry_run"] = True
        if done.notes:
            body["notes"] = list(done.notes)
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    changed = sum(result.changed for result in done.results)
    rows = sum(result.rows for result in done.results)
    click.echo(
        f"{_iso(done.now)}: {'complete' if done.complete else 'not complete'}, {rows:,} rows read, "
        f"{changed:,} changed; {len(done.events)} event{'s' if len(done.events) != 1 else ''}, "
        f"{done.delivered.done} delivered, {done.delivered.waiting + done.delivered.held} waiting"
    )
    for event in done.events:
        names = " · ".join(
            str(value) for key, value in done.groups.get(event.key, {}).items() if not key.endswith("_id")
        )
        click.echo(
            f"  {event.transition} {event.level} {event.rule_id} {names} ({event.reason}) {event.fingerprint}"
        )
    if done.skipped:
        click.echo(f"  not judged: {done.skipped}")
    for result in done.results:
        if result.why:
            click.echo(f"  {result.source}: {result.why}", err=not result.complete)
    for note in done.notes:
        click.echo(f"  {note}", err=True)


def _show_synced(done: "Synced", form: str) -> None:
    if form == "json":
        click.echo(json.dumps({"complete": done.complete, "sources": sources_json(done)}, ensure_ascii=False))
        return
    lines = [
        (name, str(one["pages"]), f"{one['rows']:,}", f"{one['changed']:,}", one.get("why", ""))
        for name, one in sources_json(done).items()
    ]
    if form == "csv":
        import csv  # noqa: PLC0415

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("source", "pages", "rows", "changed", "why"))
        writer.writerows(lines)
        return
    for name, pages, rows, changed, why in lines:
        click.echo(f"{name:<26} {pages:>5} pages {rows:>10} rows {changed:>10} changed  {why}".rstrip())


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
