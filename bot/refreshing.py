"""Fetch now instead of with the next poll, and say what changed; never two at once, and not again within a minute."""

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from bot.app import App, Polling
from bot.core.errors import BotError
from bot.core.incident import Event
from bot.core.money import show_usd
from bot.core.outcome import Outcome
from bot.core.period import DAY
from bot.edge.store import facts, overlays, records
from bot.edge.store.store import Store
from bot.poll import Tick, fetch_and_judge, incomplete
from bot.render.alert_words import show_instant

log = logging.getLogger("budgetbot.refresh")

AGAIN = timedelta(minutes=1)
"""How soon the organization may be asked again, whoever asks: OpenAI counts requests by organization."""
REFRESHED = "refreshed"
"""The mark of when somebody last asked for it, and who."""
QUEUE = 2.0
"""Seconds to wait for a poll that is about to end."""
PATIENCE = 90.0
"""Seconds somebody waits for the answer; the reading itself goes on."""
LOOK = 0.25
LOOKED_AT = 40 * DAY
"""Costs this far back are read again by polls: what they sum up to before and after is what changed."""

_HAPPENED = {
    "fired": "opened",
    "raised": "rose",
    "recrossed": "rose",
    "cleared": "cleared",
    "corrected": "corrected",
    "ended": "ended",
}


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of it, and what a script must know of it."""

    outcome: Outcome
    failed: BotError | None = None


@dataclass(frozen=True, slots=True)
class _Costs:
    """What is stored of the days that polls read again."""

    total: int
    read_at: datetime | None


def refresh(app: App, by: str) -> Refreshed:
    """Fetch and judge now; what is to be said of it is delivered by whoever delivers. Raises nothing of OpenAI's."""
    if (soon := _too_soon(app.store, app.clock())) is not None:
        return Refreshed(soon)
    done: Future[Refreshed] = Future()
    # A thread of its own: a stop waits for every answer that is owed, and OpenAI may take minutes to say no.
    reader = threading.Thread(target=_fetch, args=(app, by, done), name="refresh", daemon=True)
    app.readers[:] = [*(each for each in app.readers if each.is_alive()), reader]
    reader.start()
    for _ in range(int(PATIENCE / LOOK)):
        try:
            return done.result(LOOK)
        except TimeoutError:
            if done.done():
                raise
            if app.stopping.is_set():
                return Refreshed(Outcome("I am being stopped: ask again in a minute.", done=False))
    return Refreshed(Outcome("OpenAI is slow: what comes of it is said when it is read.", done=False))


def _fetch(app: App, by: str, done: Future[Refreshed]) -> None:
    try:
        done.set_result(_alone(app, by))
    except Polling:
        said = "A poll is under way: what it finds is said as soon as it is through."
        done.set_result(Refreshed(Outcome(said, done=False)))
    except Exception as failed:  # noqa: BLE001 - whoever waits for the answer is told, and logs it
        if app.stopping.is_set():
            log.info("left while stopping", extra={"why": type(failed).__name__})
        done.set_exception(failed)


def _alone(app: App, by: str) -> Refreshed:
    with app.alone(wait=QUEUE):
        now = app.clock()
        with app.store.writing() as tx:
            if (soon := _marked(tx, now)) is not None:
                return Refreshed(soon)
            records.mark(tx, REFRESHED, f"{now.isoformat()} {by}")
        before = _stored(app.store, now)
        tick = fetch_and_judge(app, now)
        after = _stored(app.store, now)
        said = what_changed(tick, before.read_at, after.total - before.total)
        with app.store.writing() as tx:
            was = before.read_at.isoformat() if before.read_at else None
            overlays.audit(tx, now, by, "refresh", "costs", {"as_of": was}, {"said": said})
    failed = tick.refused or incomplete("refresh", tick.results)
    return Refreshed(Outcome(said, done=failed is None), failed)


def _too_soon(store: Store, now: datetime) -> Outcome | None:
    with store.reading() as tx:
        return _marked(tx, now)


def _marked(tx: Connection, now: datetime) -> Outcome | None:
    at_text, _, by = records.marker(tx, REFRESHED).partition(" ")
    if not at_text:
        return None
    passed = now - datetime.fromisoformat(at_text)
    # A mark that lies ahead was set by a clock that was wrong.
    if not timedelta() <= passed < AGAIN:
        return None
    left = max(1, round((AGAIN - passed).total_seconds()))
    said = f"{{by}} refreshed {round(passed.total_seconds())} s ago; it can be done again in {left} s."
    return Outcome(said, by, done=False)


def _stored(store: Store, now: datetime) -> _Costs:
    today = now.astimezone(UTC).date()
    with store.reading() as tx:
        sums = facts.sums(tx, (today - LOOKED_AT, today + DAY))
        state = records.stored(tx).get(("costs", "1d"))
    return _Costs(sum(sums[0].values()), state.read_at if state else None)


def what_changed(tick: Tick, since: datetime | None, more: int) -> str:
    """Return what a refresh found: `costs: 12 rows changed, +$34.10 since 22 Nov 13:05 UTC; 1 alert opened.`"""
    if tick.refused is not None:
        return tick.refused.happened
    parts = [_costs(tick, since, more)]
    if usage := sum(each.changed for each in tick.results if each.source != "costs"):
        parts.append(f"usage and limits: {_rows(usage)} changed")
    parts += _alerts(tick.events)
    if failed := incomplete("refresh", tick.results):
        parts.append(failed.happened.rstrip("."))
    if tick.skipped and not tick.complete:
        parts.append(f"not judged: {tick.skipped}")
    return f"{'; '.join(parts)}."


def _costs(tick: Tick, since: datetime | None, more: int) -> str:
    changed = sum(each.changed for each in tick.results if each.source == "costs")
    if since is None:
        return f"costs: {_rows(changed)} read for the first time"
    when = f"since {show_instant(since)} UTC"
    if not changed:
        return f"costs: nothing changed {when}"
    return f"costs: {_rows(changed)} changed, {'+' if more >= 0 else ''}{show_usd(more)} {when}"


def _alerts(events: Sequence[Event]) -> list[str]:
    found = Counter(_HAPPENED[event.transition] for event in events if event.transition in _HAPPENED)
    return [f"{count} alert{'s' if count != 1 else ''} {happened}" for happened, count in found.items()]


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"
