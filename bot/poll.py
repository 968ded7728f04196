"""One tick: fetch → store → evaluate → decide → write the events → deliver."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot.app import App
from bot.core.dimension import described
from bot.core.errors import BotError, Unanswered
from bot.core.evaluate import needs_from
from bot.core.incident import Event
from bot.core.rooms import ops_room
from bot.core.rules.book import Rulebook
from bot.deliver import Delivered
from bot.edge.store import outbox, records
from bot.edge.store.records import SourceResult
from bot.judge import Judged, judge
from bot.rulebook import InForce
from bot.sync import Progress, Synced

log = logging.getLogger("budgetbot.poll")

SKEW = timedelta(minutes=5)
"""A wall clock further from OpenAI's than this fails the poll."""
SILENCE = timedelta(hours=3)
"""After so long without a complete poll of costs, the bot says so."""
WAIT = 60.0
"""Seconds a `poll` waits for what Slack put off."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick came to."""

    now: datetime
    results: tuple[SourceResult, ...]
    complete: bool
    events: tuple[Event, ...]
    skipped: str
    """Why nothing was judged; '' when it was."""
    delivered: Delivered
    refused: BotError | None = None
    """What a person must mend before anything can be read."""
    notes: tuple[str, ...] = ()
    groups: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """Event key → its group's ids and names, for people and machines."""


def fetch_and_judge(app: App, now: datetime, progress: Progress | None = None) -> Tick:
    """Do everything of a tick but the delivery; what is to be said is written when this returns."""
    rules = app.rules.now(now)
    book = rules.book
    synced = app.syncer().poll(
        now,
        needs_from=needs_from(book, now),
        by_user=_by_user(book),
        sources=app.sources,
        progress=progress,
    )
    skew = _skew(app)
    judged = Judged(skipped="costs are incomplete, nothing is judged on them")
    if skew:
        judged = Judged(skipped=skew)
    elif synced.costs_complete:
        judged = judge(app.store, book, now, synced.poll_id, rules.voice)
    with app.store.writing() as tx:
        _speak_of_trouble(tx, rules, synced, skew, now)
    complete = synced.complete and not skew
    log.info(
        "polled",
        extra={
            "complete": complete,
            "changed": sum(result.changed for result in synced.results),
            "events": len(judged.events),
            "skipped": judged.skipped,
        },
    )
    notes = tuple(note for note in (rules.trouble, _nobody_hears(rules, judged)) if note)
    return Tick(
        now,
        synced.results,
        complete,
        judged.events,
        judged.skipped,
        Delivered(),
        synced.refused,
        notes,
        _groups(app, book, judged.events),
    )


def tick(
    app: App,
    now: datetime,
    *,
    wait: float = WAIT,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Tick:
    """Do a whole tick under the poll lock."""
    with app.alone():
        done = fetch_and_judge(app, now, progress)
        delivered = app.courier().deliver(now, wait=wait, stopped=stopped)
    return replace(done, delivered=delivered)


def failure(done: Tick) -> BotError | None:
    """Return what a script must know of a tick that did not do everything; None when it did."""
    if done.refused is not None:
        return done.refused
    if not done.complete:
        why = "; ".join(f"{result.source}: {result.why}" for result in done.results if not result.complete)
        return Unanswered(
            f"The poll is not complete: {why or done.skipped}", "What is stored stands; run it again."
        )
    if done.delivered.waiting:
        count = done.delivered.waiting
        return Unanswered(
            f"{count} message{'s' if count != 1 else ''} could not be delivered to Slack yet; nothing is lost.",
            "Run the poll again, or let run deliver them.",
        )
    return None


def _groups(app: App, book: Rulebook, events: Sequence[Event]) -> dict[str, Mapping[str, str | None]]:
    if not events:
        return {}
    with app.store.reading() as tx:
        names = records.names(tx)
    found: dict[str, Mapping[str, str | None]] = {}
    for event in events:
        rule = book.rule(event.rule_id)
        if rule is not None:
            found[event.key] = described(rule.scope.each, event.group, names.of)
    return found


def _by_user(book: Rulebook) -> bool:
    return any("user" in rule.scope.dimensions for rule in book.rules if rule.enabled)


def _skew(app: App) -> str:
    skew = app.openai.skew
    if skew is None or abs(skew) <= SKEW:
        return ""
    minutes = round(abs(skew).total_seconds() / 60)
    ahead = "ahead of" if skew > timedelta() else "behind"
    return f"this machine's clock is {minutes} minutes {ahead} OpenAI's, so nothing is judged"


def _nobody_hears(rules: InForce, judged: Judged) -> str:
    if not judged.events or rules.voice.fallback or rules.book.default_route:
        return ""
    mute = sorted({event.rule_id for event in judged.events if _mute(rules, event.rule_id)})
    if not mute:
        return ""
    return f"Nobody hears {', '.join(mute)}: give it a route, or set BUDGETBOT_CHANNEL."


def _mute(rules: InForce, rule_id: str) -> bool:
    rule = rules.book.rule(rule_id)
    return rule is not None and not rule.route


# -- the bot's own trouble -------------------------------------------------------------------------


def _speak_of_trouble(tx: Connection, rules: InForce, synced: Synced, skew: str, now: datetime) -> None:
    """Say each trouble once when it begins and once when it is over."""
    room = ops_room(rules.book, rules.voice.fallback)

    def say(what: str, trouble: str, remedy: str, over: str) -> None:
        key = f"trouble:{what}"
        since = records.marker(tx, key)
        if bool(trouble) == bool(since):
            return
        body: dict[str, Any] = {"happened": trouble or over, "remedy": remedy if trouble else ""}
        if not trouble:
            body["recovered"] = True
        records.mark(tx, key, now.isoformat() if trouble else "")
        if room is not None:
            began = "" if trouble else " over"
            outbox.say(tx, f"{key}{began}:{since or now.isoformat()}", room.target, "ops", body, now)

    say(
        "rules",
        rules.trouble,
        "Mend the files and deploy them; budgetbot check shows every problem.",
        "The rule files load again and are in force.",
    )
    say(
        "clock",
        f"{skew[0].upper()}{skew[1:]}." if skew else "",
        "Set the clock by NTP.",
        "The clock is right again.",
    )
    if synced.costs_complete:
        say("silence", "", "", "OpenAI's costs are read again; what was missed is judged now.")
    elif synced.refused is not None:
        say("silence", synced.refused.happened, synced.refused.remedy, "")
    elif _silent_for(tx, now) >= SILENCE:
        why = next((r.why for r in synced.results if r.source == "costs" and not r.complete), "")
        say(
            "silence",
            f"No costs could be read for {SILENCE.seconds // 3600} hours: {why}",
            "Alerts are paused.",
            "",
        )


def _silent_for(tx: Connection, now: datetime) -> timedelta:
    state = records.stored(tx).get(("costs", "1d"))
    if state is None or state.read_at is None:
        return timedelta()
    return now - state.read_at
