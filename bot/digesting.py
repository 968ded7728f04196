"""Digests: reports that a rule file wants posted on schedule, once for each time they fall due."""

import logging
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.answers import answer
from bot.core.listing import left_out
from bot.core.period import DAY, Span
from bot.core.report import Report
from bot.core.rooms import Target, room_of
from bot.core.rules.book import Digest, Rulebook
from bot.core.schedule import last_due
from bot.core.spend import cuts_of
from bot.edge.store import limits, outbox, records
from bot.edge.store.store import Store
from bot.loading import load_spend
from bot.render import blocks
from bot.render.announcements import unwatched
from bot.render.replies import reply
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


def _said(store: Store, rules: InForce, each: Digest, now: datetime) -> dict[str, Any] | None:
    """Return the report as it is now, drawn: what it said is what was true when it fell due."""
    told, query = answer(store, rules, f"report {each.report}", now)
    if not isinstance(told, Report):
        log.warning("no report can be asked so", extra={"digest": each.id, "report": each.report})
        return None
    message = reply(told, query)
    return {
        "text": message["text"],
        "blocks": [
            *message["blocks"],
            *_unwatched(store, rules, now),
            blocks.context(f"Digest `{blocks.name(each.id)}`"),
        ],
    }


def _unwatched(store: Store, rules: InForce, now: datetime) -> list[dict[str, Any]]:
    """Return one line about the projects that spend this month and that no budget watches."""
    today = now.astimezone(UTC).date()
    span = Span(today.replace(day=1), today + DAY)
    with store.reading() as tx:
        spend = load_spend(tx, store, rules.book, cuts_of([span]), now=now)
        bare = left_out(rules.book, spend, span, today, limits.read(tx, now))
    return [blocks.section(unwatched([(each.name, each.amount) for each in bare]))] if bare else []


def _room(book: Rulebook, each: Digest, fallback: str) -> Target | None:
    room = room_of(book, each.route or book.default_route)
    if room is not None:
        return room.target
    return Target("slack", fallback) if fallback else None


def _marker(each: Digest) -> str:
    return f"digest:{each.id}"
