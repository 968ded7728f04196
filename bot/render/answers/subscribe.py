"""`subscribe list`: what comes to somebody alone, and when next."""

from datetime import datetime
from typing import Any

from bot.core.question import Query
from bot.core.subscription import Subscription, Subscriptions
from bot.render import blocks
from bot.render.answering import command, csv_of, iso, json_of, run_button
from bot.render.blocks import clean
from bot.render.drawn import table

_COLUMNS = ("id", "who", "when", "timezone", "report", "next", "made_at")


def slack(answer: Subscriptions, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack: each with the button that ends it."""
    del query
    if not answer.rows:
        said = "You have no subscriptions"
        body = [
            blocks.section(
                f"{said}. {command('/budget subscribe weekly monday 09:00 by project')} makes one."
            ),
            blocks.actions([run_button("subscribe weekly monday 09:00", "Subscribe weekly", "subscribe")]),
        ]
        return blocks.message(f"{said}.", body)
    count = len(answer.rows)
    said = f"Your {count} subscriptions" if count != 1 else "Your subscription"
    body = [blocks.section(f"*{said}*")]
    body += [blocks.section(line(each, answer.now), accessory=ending(each)) for each in answer.rows]
    body.append(
        blocks.context("They come as direct messages, at the local hour on both nights the clocks change.")
    )
    return blocks.message(f"{said}.", body)


def line(each: Subscription, now: datetime) -> str:
    """Return what comes, and under it when next."""
    told = command(f"report {each.report}")
    return f"*{each.mark}*  {each.wanted}: {told}\nnext {when(each, now)}"


def when(each: Subscription, now: datetime) -> str:
    """Return `Mon 23 Nov 09:00 (Europe/Berlin)`."""
    return blocks.escape(_coming(each, now))


def ending(each: Subscription) -> dict[str, Any]:
    """Return the button that ends a subscription."""
    return run_button(f"unsubscribe {each.mark}", "Unsubscribe", "unsubscribe")


def shell(answer: Subscriptions, form: str, query: Query | None = None) -> str:
    """Return the answer as `table`, `json` or `csv`."""
    del query
    if form == "json":
        return json_of({"subscriptions": [_row(each, answer.now) for each in answer.rows]})
    if form == "csv":
        return csv_of(_COLUMNS, [_row(each, answer.now) for each in answer.rows], ())
    if not answer.rows:
        return "There are no subscriptions."
    titles = ["id", "when", "report", "next"]
    rows = [[each.mark, each.wanted, clean(each.report), _coming(each, answer.now)] for each in answer.rows]
    return "\n".join(table([titles, *rows]))


def _coming(each: Subscription, now: datetime) -> str:
    coming = each.next(now)
    return f"{coming:%a} {coming.day} {coming:%b %H:%M} ({clean(each.zone)})"


def _row(each: Subscription, now: datetime) -> dict[str, Any]:
    return {
        "id": each.mark,
        "who": each.who,
        "when": each.wanted,
        "timezone": each.zone,
        "report": each.report,
        "next": iso(each.next(now)),
        "made_at": iso(each.made_at),
    }
