"""What the database tells of the bot: its polls, how old the figures are, what waits to be said."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select
from sqlmodel import col

from bot.checkups import many, spell
from bot.core.audience import called
from bot.core.health import Finding
from bot.core.kinds.freshness import ages, allowed
from bot.core.rules.book import Rulebook
from bot.edge.store import delivery, records
from bot.edge.store.pulse import pulse
from bot.edge.store.store import Store
from bot.edge.store.tables import ORGANIZATION, HomeRow
from bot.loading import sources
from bot.render.alert_words import show_instant

ASLEEP = timedelta(days=2)
"""Longer than the longest pause anybody polls at on purpose."""
PATIENCE = timedelta(minutes=10)
"""So long a message may wait for Slack before somebody should look."""


def polls(store: Store, now: datetime) -> Iterator[Finding]:
    """Look at the last poll, and at what its sources go without."""
    with store.reading() as tx:
        last = records.last_poll(tx)
        costs = records.stored(tx).get(("costs", "1d"))
    if last is None:
        yield Finding("polls", "note", "nothing was polled yet", "Run budgetbot poll, or budgetbot run.")
        return
    at, complete, results = last
    if complete and now - at > ASLEEP:
        said = f"the last one was {spell(now - at)} ago, so nothing is watched"
        remedy = "See that budgetbot run lives, or that cron calls budgetbot poll."
        yield Finding("polls", "wrong", said, remedy)
    elif complete:
        yield Finding("polls", "ok", f"the last one, {spell(now - at)} ago, was complete")
    else:
        why = "; ".join(f"{result.source}: {result.why}" for result in results if not result.complete)
        said = f"the last one, {spell(now - at)} ago, was not complete: {why}"
        yield Finding("polls", "wrong", said, "What is stored stands; mend what it names and poll again.")
    if costs is not None and costs.since is not None:
        yield Finding("history", "ok", f"costs are stored from {costs.since} on")
    for source, why in dict.fromkeys((r.source, r.why) for r in results if r.complete and r.why):
        yield Finding(f"source {source}", "note", why)


def clock(store: Store) -> Iterator[Finding]:
    """Look whether the last poll was refused by OpenAI's clock."""
    with store.reading() as tx:
        since = records.marker(tx, "trouble:clock")
    if since:
        said = f"more than 5 minutes from OpenAI's since {show_instant(datetime.fromisoformat(since))} UTC"
        yield Finding("clock", "wrong", said, "Set the clock by NTP: nothing is judged until then.")


def age(store: Store, book: Rulebook, now: datetime) -> Iterator[Finding]:
    """Look at how old the figures are, by the limits that the rules set."""
    with store.reading() as tx:
        known = sources(tx, now)
    if known["costs"].read_at is None:
        return
    stale = [each for each in ages(known, now, *allowed(book, now)) if each.stale]
    for each in stale:
        remedy = "Alerts are paused until they can be read: see the last poll." if each.polled else ""
        remedy = remedy or "Comparisons wait for them; nothing is to be mended here."
        yield Finding("costs", "wrong" if each.polled else "note", each.said, remedy)
    if not stale:
        yield Finding("costs", "ok", f"were read {spell(now - known['costs'].read_at)} ago")


def messages(store: Store, now: datetime) -> Iterator[Finding]:
    """Look at what is due and not delivered, and at the rooms that refused us."""
    with store.reading() as tx:
        told = pulse(tx, now)
        rooms = delivery.troubles(tx)
    if told.waiting and told.waiting_since is not None and now - told.waiting_since > PATIENCE:
        oldest = spell(now - told.waiting_since)
        said = f"{many(told.waiting, 'message')} could not be delivered yet, the oldest for {oldest}"
        yield Finding(
            "messages", "wrong", said, "Nothing is lost: mend what Slack refuses, and they are said."
        )
    elif told.waiting:
        yield Finding("messages", "ok", f"{many(told.waiting, 'message')} on the way")
    else:
        yield Finding("messages", "ok", "nothing waits to be said")
    for target, why in sorted(rooms.items()):
        if target.kind == "webhook":
            yield Finding(f"webhook {target.address}", "wrong", why.rstrip("."), "See what its own log says.")
            continue
        remedy = "Invite the app there with /invite, or write another room in the rule file."
        yield Finding(
            f"room {called(target.address)}", "wrong", f"took nothing when we last spoke there: {why}", remedy
        )


def home(store: Store) -> Iterator[Finding]:
    """Look whether anybody ever saw the Home tab: Slack tells nobody whether it is switched on."""
    with store.reading() as tx:
        count = _homes(tx)
    if count:
        yield Finding("Home tab", "ok", f"was opened by {count:,} {'people' if count != 1 else 'person'}")
        return
    remedy = (
        "Open it under Apps, Budget Bot. Where it is not there, or buttons do nothing: paste the manifest "
        "(budgetbot manifest) over the app's own, which switches on Home, interactivity and events."
    )
    yield Finding("Home tab", "note", "nobody has opened it yet", remedy)


def _homes(tx: Connection) -> int:
    asked = select(func.count()).select_from(HomeRow).where(col(HomeRow.organization_id) == ORGANIZATION)
    return int(tx.execute(asked).scalar_one())
