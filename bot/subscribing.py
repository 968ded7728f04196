"""Subscriptions that fell due: a report to one person alone, once for each time, by the clocks they live by."""

import logging
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from bot.core.query import parse
from bot.core.question import Query
from bot.core.rooms import Target
from bot.core.subscription import GONE, Subscription
from bot.digesting import compose
from bot.edge.slack import Person, SlackTrouble
from bot.edge.store import outbox, overlays, records, subscriptions
from bot.edge.store.store import Store
from bot.questions.subscribe import described
from bot.render import blocks
from bot.render.answering import command
from bot.rulebook import InForce

log = logging.getLogger("budgetbot.subscribe")

FORM = "subscription"
"""What a card of a subscription is called: where its person refuses it, nobody else is told."""
LOOKED = "subscribers looked up"
"""The mark of the day on which Slack was last asked whether subscribers are still there."""
NOBODY = frozenset(
    (
        "user_not_found",
        "users_not_found",
        "user_not_visible",
        "user_disabled",
        "cannot_dm_bot",
        "channel_not_found",
        "is_inactive",
    )
)
"""Slack's words for a person who is not there, or not any more."""


class Directory(Protocol):
    """What is asked of Slack."""

    def user(self, user_id: str) -> Person: ...


def subscribed(store: Store, rules: InForce, now: datetime) -> bool:
    """Write the reports that fell due since they were last looked after; of several times slept through, the last.

    Returns whether there is one.
    """
    with store.reading() as tx:
        standing = subscriptions.standing(tx)
    due = {each: at for each in standing if (at := each.due(now)) is not None}
    if not due:
        return False
    told: dict[tuple[str, ...], dict[str, Any] | None] = {}
    messages: list[tuple[Subscription, datetime, dict[str, Any]]] = []
    done: dict[int, datetime] = {}
    for each, at in due.items():
        # What several people want to read at the same time by the same clocks is worked out once.
        key = (each.report, each.wanted, each.zone)
        try:
            if key not in told:
                told[key] = _said(store, rules, each, now)
        except Exception:
            log.exception("not told", extra={"subscription": each.mark})  # the next poll tries again
            continue
        done[each.id] = at
        if (body := told[key]) is not None:
            messages.append((each, at, body))
    with store.writing() as tx:
        for each, at, body in messages:
            outbox.say(tx, f"su:{each.id}:{at.isoformat()}", Target("slack", each.who), FORM, body, now)
        subscriptions.looked_after(tx, done)
    return bool(messages)


def gone(tx: Connection, who: str, why: str, now: datetime) -> tuple[Subscription, ...]:
    """End the subscriptions of somebody who cannot be reached any more, and return them."""
    theirs = subscriptions.standing(tx, who)
    if not theirs:
        return ()
    subscriptions.end(tx, [each.id for each in theirs], now, GONE)
    for each in theirs:
        overlays.audit(tx, now, "budgetbot", "unsubscribe", each.mark, described(each), {"why": why})
    log.warning("subscriptions ended", extra={"who": who, "why": why, "count": len(theirs)})
    return theirs


def look_for_leavers(store: Store, slack: Directory, now: datetime) -> None:
    """Ask Slack once a day whether who subscribed is still there, and end what nobody would read.

    Raises SlackTrouble when Slack does not answer: then nobody is gone, and the day is not over.
    """
    day = now.astimezone(UTC).date().isoformat()
    with store.reading() as tx:
        if records.marker(tx, LOOKED) == day:
            return
        people = sorted({each.who for each in subscriptions.standing(tx)})
    leavers = {who: why for who in people if (why := _left(slack, who))}
    if not people:
        return
    with store.writing() as tx:
        for who, why in leavers.items():
            gone(tx, who, why, now)
        records.mark(tx, LOOKED, day)


def _left(slack: Directory, who: str) -> str:
    """Return why somebody is not a member any more; '' while they are."""
    try:
        person = slack.user(who)
    except SlackTrouble as trouble:
        if trouble.code in NOBODY:
            return trouble.code
        raise
    return "deactivated" if person.deleted else "a guest now" if person.is_restricted else ""


def _said(store: Store, rules: InForce, each: Subscription, now: datetime) -> dict[str, Any] | None:
    """Return the report as it is now, drawn; None where it cannot be asked any more."""
    query = parse(f"report {each.report}", now.astimezone(UTC).date())
    told = None
    if isinstance(query, Query):
        told = compose(store, rules, query, now, footer=_footer(each), asker_zone=each.zone)
    if told is None:
        log.warning("no report can be asked so", extra={"report": each.report})
    return told


def _footer(each: Subscription) -> str:
    """Return why it comes, and how it ends; the same for all who want the same."""
    comes = f"Your subscription, {each.wanted} ({blocks.name(each.zone)})"
    return f"{comes} · {command('/budget subscribe list')} changes or ends it"
