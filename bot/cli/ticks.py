"""What a poll or a sync came to, for people and for machines."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bot.poll import Tick
    from bot.sync import Progress, Synced


@contextmanager
def progress() -> "Iterator[Progress | None]":
    """Draw progress bars on a terminal while the context lasts, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - drawn for people alone
    from rich.progress import Progress as Bars  # noqa: PLC0415

    tasks: dict[str, Any] = {}
    with Bars(console=Console(stderr=True), transient=True) as bars:

        def show(source: str, done: int, total: int) -> None:
            if source not in tasks:
                tasks[source] = bars.add_task(source, total=total)
            bars.update(tasks[source], completed=done, total=total)
            if done >= total:
                bars.remove_task(tasks.pop(source))

        yield show


def sources(done: "Tick | Synced") -> dict[str, dict[str, Any]]:
    """Return each source's result by its name; its widths added up."""
    found: dict[str, dict[str, Any]] = {}
    for result in done.results:
        one = found.setdefault(
            result.source, {"complete": True, "pages": 0, "rows": 0, "changed": 0, "why": ""}
        )
        one["complete"] = one["complete"] and result.complete
        one["pages"] += result.pages
        one["rows"] += result.rows
        one["changed"] += result.changed
        one["why"] = one["why"] or result.why
    for one in found.values():
        if not one["why"]:
            del one["why"]
    return found


def show_tick(done: "Tick", form: str, messages: Sequence[str] | None = None) -> None:
    """Print what a tick came to; `messages` are those that a dry run would have posted."""
    if form == "json":
        click.echo(json.dumps(_tick_json(done, messages), ensure_ascii=False))
        return
    for message in messages or ():
        click.echo(message)
        click.echo()
    changed = sum(result.changed for result in done.results)
    rows = sum(result.rows for result in done.results)
    click.echo(
        f"{_iso(done.now)}: {'complete' if done.complete else 'not complete'}, {rows:,} rows read, "
        f"{changed:,} changed; {len(done.events)} event{'s' if len(done.events) != 1 else ''}, "
        f"{done.delivered.done} {'delivered' if messages is None else 'to deliver'}, {_waiting(done)} waiting"
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
    for name, one in sources(done).items():
        if "why" in one:
            click.echo(f"  {name}: {one['why']}")
    for note in done.notes:
        click.echo(f"  {note}")


def show_synced(done: "Synced", form: str) -> None:
    """Print what a sync came to."""
    if form == "json":
        click.echo(json.dumps({"complete": done.complete, "sources": sources(done)}, ensure_ascii=False))
        return
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("source", "complete", "pages", "rows", "changed", "why"))
        for name, one in sources(done).items():
            complete = str(one["complete"]).lower()
            writer.writerow((name, complete, one["pages"], one["rows"], one["changed"], one.get("why", "")))
        return
    for name, one in sources(done).items():
        click.echo(
            f"{name:<26} {one['pages']:>5} pages {one['rows']:>10,} rows {one['changed']:>10,} changed  "
            f"{one.get('why', '')}".rstrip()
        )


def _tick_json(done: "Tick", messages: Sequence[str] | None) -> dict[str, Any]:
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
    body: dict[str, Any] = {
        "now": _iso(done.now),
        "complete": done.complete,
        "sources": sources(done),
        "events": events,
        "delivered": done.delivered.done,
        "waiting": _waiting(done),
    }
    if done.skipped:
        body["skipped"] = done.skipped
    if done.notes:
        body["notes"] = list(done.notes)
    if messages is not None:
        body["delivered"] = 0
        body |= {"dry_run": True, "messages": list(messages)}
    return body


def _waiting(done: "Tick") -> int:
    return done.delivered.waiting + done.delivered.held


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
