"""Digests: reports that a rule file wants posted on schedule, once for each time they fall due."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.charted import cuts_for, in_time, month_shown
from bot.core.course import course
from bot.core.digest import Digested, alerting, movers
from bot.core.listing import left_out
from bot.core.period import DAY, Span, midnight
from bot.core.query import Misread, parse
from bot.core.question import Query
from bot.core.report import report, spans_needed
from bot.core.rooms import Target, room_of
from bot.core.rules.book import Digest, Rulebook
from bot.core.schedule import last_due
from bot.core.spend import cuts_of
from bot.edge.store import lately, limits, outbox, overlays, records
from bot.edge.store.store import Store
from bot.loading import load_spend
from bot.render import blocks
from bot.render import digests as told_as
from bot.rulebook import InForce

log = logging.getLogger("budgetbot.digest")


def digest(store: Store, rules: InForce, now: datetime) -> None:
    """Write the reports that fell due since they were last looked for; of several times slept through, the last.

    A digest seen for the first time waits for its next time.
    """
    with store.reading() as tx:
        seen = {each.id: records.marker(tx, _marker(each)) for each in rules.book.digests}
    for each in rules.book.digests:
        due = last_due(each.schedule, now.astimezone(ZoneInfo(rules.book.timezone)))
        before = seen[each.id]
        if before and datetime.fromisoformat(before) >= due:
            continue
        room = _room(rules.book, each, rules.voice.fallback)
        body = _said(store, rules, each, now) if before and room else None
        if before and room is None:
            log.warning("nobody hears the digest", extra={"digest": each.id})
        with store.writing() as tx:
            records.mark(tx, _marker(each), now.isoformat())
            if body is not None and room is not None:
                outbox.say(tx, f"digest:{each.id}:{due.isoformat()}:{room}", room, "digest", body, now)


def compose(
    store: Store, rules: InForce, query: Query, now: datetime, *, footer: str, asker_zone: str = ""
) -> dict[str, Any] | None:
    """Return the report as it is now, with what a digest tells beside it, as a message; None for any other question.

    `footer` is mrkdwn: which digest this is. `asker_zone` names the clocks of who reads it alone. A message with a
    chart carries it a second time under the key `chart`, which is not Slack's: who posts it takes it off.
    """
    span, now = query.span, now.astimezone(UTC)
    if span is None or query.verb not in ("report", "top"):
        return None
    today = now.date()
    so_far = Span(today.replace(day=1), today + DAY)
    with store.reading() as tx:
        cuts = cuts_of([*spans_needed(query), *cuts_for(query, today), so_far])
        spend = load_spend(tx, store, rules.book, cuts, now=now)
        known = limits.read(tx, now)
        moved = lately.moved(tx, midnight(span.start), midnight(span.end))
        held = overlays.acknowledgements(tx)
    told = report(query, spend, today)
    how = course(rules.book, spend, query.filters, known, month_shown(query, today), now)
    up, down = movers(told, spend)
    # Who asks for one project's figures is told of no other.
    bare = () if query.filters else left_out(rules.book, spend, so_far, today, known)
    return told_as.message(
        Digested(
            told,
            None if query.chart is False else in_time(told, spend, how, today),
            how,
            up,
            down,
            alerting(moved, held, span, rules.book, spend.names, query.filters),
            tuple((each.name, each.amount) for each in bare),
        ),
        footer,
        asker_zone,
    )


def _said(store: Store, rules: InForce, each: Digest, now: datetime) -> dict[str, Any] | None:
    """Return the digest as it is now: what it says is what was true when it fell due."""
    query = parse(f"report {each.report}", now.astimezone(UTC).date())
    if isinstance(query, Misread):
        log.warning("no report can be asked so", extra={"digest": each.id, "report": each.report})
        return None
    if not each.chart:
        query = replace(query, chart=False)
    return compose(store, rules, query, now, footer=f"Digest `{blocks.name(each.id)}`")


def _room(book: Rulebook, each: Digest, fallback: str) -> Target | None:
    room = room_of(book, each.route or book.default_route)
    if room is not None:
        return room.target
    return Target("slack", fallback) if fallback else None


def _marker(each: Digest) -> str:
    return f"digest:{each.id}"
