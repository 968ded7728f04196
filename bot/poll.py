"""One tick: fetch → store → evaluate → decide → write the events → deliver."""

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot import hooking
from bot.accuracy import score
from bot.app import App
from bot.core.dimension import described
from bot.core.errors import BotError, SetupWrong, Unanswered
from bot.core.evaluate import needs_from
from bot.core.incident import Event
from bot.core.kinds.freshness import Age, ages, allowed, told, watching
from bot.core.readiness import any_ready, stale_usage
from bot.core.rooms import ops_room
from bot.core.rules.book import Rulebook
from bot.deliver import Delivered
from bot.digesting import digest
from bot.edge.store import delivery, outbox, records
from bot.edge.store.records import SourceResult
from bot.judge import Judged, judge, judge_freshness, last_evaluated
from bot.loading import FIRST_ASKED, sources
from bot.rulebook import InForce
from bot.subscribing import subscribed
from bot.sync import Progress, Synced
from bot.tending import tend

log = logging.getLogger("budgetbot.poll")

SKEW = timedelta(minutes=5)
"""A wall clock further from OpenAI's than this fails the poll."""
TRACE = re.compile(r"\([^()]*\b(?:1 try|\d+ tries)\)")
WAIT = 60.0
"""Seconds a `poll` takes to deliver before it keeps the rest for the next one."""
SHORTEST = 5.0
"""What is due at once has that long at least."""


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
    unsaid: BotError | None = None
    """What a person must mend before anything can be said."""
    notes: tuple[str, ...] = ()
    groups: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """Event key → its group's ids and names, for people and machines."""


def fetch(app: App, book: Rulebook, now: datetime, progress: Progress | None = None) -> Synced:
    """Read what the rules need into the store, and judge nothing."""
    return app.syncer().poll(
        now,
        needs_from=needs_from(book, now),
        by_user=any("user" in rule.scope.dimensions for rule in book.rules if rule.enabled),
        sources=app.sources,
        progress=progress,
    )


def fetch_and_judge(app: App, now: datetime, progress: Progress | None = None) -> Tick:
    """Do everything of a tick but the delivery; what is to be said is written when this returns."""
    began = time.monotonic()
    rules = app.rules.now(now)
    book = rules.book
    synced = fetch(app, book, now, progress)
    skew = _skew(app)
    judged = Judged(skipped="costs are incomplete, nothing is judged on them")
    if skew:
        judged = Judged(skipped=skew)
    elif synced.costs_complete or any_ready(book, synced.missed, now):
        judged = judge(app.store, book, now, synced.poll_id, rules.voice, synced.missed)
    if not skew:
        aged = judge_freshness(app.store, book, now, synced.poll_id, rules.voice)
        judged = replace(judged, events=(*judged.events, *aged))
    with app.store.writing() as tx:
        _speak_of_trouble(tx, rules, synced, skew, now)
        before = last_evaluated(tx)
        if not skew and (before is None or before.now <= now):
            tend(tx, book, now, rules.voice)
    if not skew and (before is None or before.now <= now):
        digest(app.store, rules, now)
        score(app.store, now, synced.missed, judged.estimates)
    complete = synced.complete and not skew
    log.info(
        "polled",
        extra={
            "poll": synced.poll_id,
            "now": now.isoformat(),
            "complete": complete,
            "seconds": round(time.monotonic() - began, 3),
            "rows": sum(result.rows for result in synced.results),
            "changed": sum(result.changed for result in synced.results),
            "events": len(judged.events),
            "skipped": judged.skipped,
        },
    )
    return Tick(
        now,
        synced.results,
        complete,
        judged.events,
        judged.skipped,
        Delivered(),
        synced.refused,
        notes=tuple(note for note in (rules.trouble, _nobody_hears(rules, judged)) if note),
        groups=_groups(app, book, judged.events),
    )


def deliver(app: App, done: Tick, *, wait: float = 0.0, stopped: Callable[[], bool] = lambda: False) -> Tick:
    """Say what is due, and return the tick with what came of it; a refused token is part of it."""
    with app.store.reading() as tx:
        before = last_evaluated(tx)
    # What was written at a later instant is due all the same.
    now = max(done.now, before.now) if before else done.now
    began = app.clock()
    try:
        if app.speaker is None:
            app.poster.begin()  # a webhook that hangs keeps nobody waiting
        delivered = app.courier().deliver(now, wait=wait, stopped=stopped)
        # What one person alone wants to read is worked out when everybody has heard what is urgent.
        if not stopped() and not _skew(app) and subscribed(app.store, app.rules.last(now), done.now):
            later = app.courier().deliver(now, wait=wait, stopped=stopped)
            delivered = replace(later, done=delivered.done + later.done)
        if wait and app.speaker is None:
            untaken = app.poster.wait(max(SHORTEST, wait - (app.clock() - began).total_seconds()))
            if app.courier().anything(now):  # what went wrong there is said here
                later = app.courier().deliver(now, wait=wait, stopped=stopped)
                delivered = replace(later, done=delivered.done + later.done)
            delivered = replace(delivered, untaken=untaken)
        return replace(done, delivered=delivered, unsaid=_refused(app) if delivered.waiting else None)
    except BotError as refused:
        with app.store.reading() as tx:
            due, held, _ = delivery.left(tx, now)
        return replace(done, delivered=Delivered(0, due, held), unsaid=refused)


def _refused(app: App) -> BotError | None:
    """Return which rooms will not hear the bot until somebody acts; None when waiting may help."""
    with app.store.reading() as tx:
        refusals = delivery.refusals(tx)
    if not refusals:
        return None
    rooms = ", ".join(f"{name} ({why.split(' ')[1]})" for name, why in sorted(refusals.items()))
    return SetupWrong(
        f"Slack does not let the bot speak in {rooms}; what is to be said there waits.",
        "Invite the app with /invite, or change the route in the rule file.",
    )


def tick(
    app: App,
    now: datetime,
    *,
    wait: float | None = None,
    progress: Progress | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Tick:
    """Do a whole tick under the poll lock; delivering takes `wait` seconds at most, and the call in flight then."""
    patience = WAIT if wait is None else wait
    with app.alone():
        done = fetch_and_judge(app, now, progress)
        until = app.clock() + timedelta(seconds=max(patience, SHORTEST))
        done = deliver(app, done, wait=patience, stopped=lambda: stopped() or app.clock() >= until)
    if done.complete:
        app.beat()
    return done


def failure(done: Tick) -> BotError | None:
    """Return what a script must know of a tick that did not do everything; None when it did."""
    if done.refused is not None:
        return done.refused
    if failed := incomplete("poll", done.results):
        return failed
    if not done.complete:
        return Unanswered(
            f"The poll is not complete: {done.skipped}.", "Set the clock by NTP and run it again."
        )
    if done.unsaid is not None:
        return done.unsaid
    if done.delivered.waiting:
        count = done.delivered.waiting
        return Unanswered(
            f"{count} message{'s' if count != 1 else ''} could not be delivered to Slack yet; nothing is lost.",
            "Run the poll again, or let run deliver them.",
        )
    if done.delivered.untaken:
        count = done.delivered.untaken
        return Unanswered(
            f"{count} event{'s' if count != 1 else ''} could not be sent to a webhook yet; nothing is lost.",
            "Run the poll again, or let run send them; budgetbot doctor looks at the settings.",
        )
    return None


def incomplete(what: str, results: Sequence[SourceResult]) -> Unanswered | None:
    """Return one sentence about the sources that could not be read, those with the same trouble named together."""
    troubles: dict[str, tuple[str, dict[str, None]]] = {}
    for result in results:
        if not result.complete:
            # Each request has an id of its own; the first one stands for all with the same trouble.
            _, sources = troubles.setdefault(TRACE.sub("", result.why), (result.why.rstrip("."), {}))
            sources[result.source] = None
    if not troubles:
        return None
    told = "; ".join(f"{_few(list(sources))}: {why}" for why, sources in troubles.values())
    return Unanswered(f"The {what} is not complete: {told}.", "What is stored stands; run it again.")


def _few(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]}, {names[1]} and {len(names) - 2} other sources"


def _groups(app: App, book: Rulebook, events: Sequence[Event]) -> dict[str, Mapping[str, str | None]]:
    if not events:
        return {}
    with app.store.reading() as tx:
        names = records.names(tx)
    found: dict[str, Mapping[str, str | None]] = {}
    for event in events:
        rule = book.rule(event.rule_id)
        # What ended because its rule tells other things apart now has a group of another shape.
        if rule is not None and len(event.group) == len(rule.scope.each):
            found[event.key] = described(rule.scope.each, event.group, names.of)
    return found


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
        began = "" if trouble else " over"
        once = f"{key}{began}:{since or now.isoformat()}"
        hooking.trouble(tx, rules.book, what, once, body, now)
        if room is not None:
            outbox.say(tx, once, room.target, "ops", body, now)

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
    if not synced.costs_complete and not records.marker(tx, FIRST_ASKED):
        records.mark(tx, FIRST_ASKED, now.isoformat())
    if synced.costs_complete:
        # Where costs fail too, one message is enough.
        lost = stale_usage(rules.book, sources(tx, now), now)
        why = next((r.why for r in synced.results if r.source in lost and not r.complete), "")
        named = ", ".join(name.replace("_", " ") for name in lost)
        poll, _ = allowed(rules.book, now)
        say(
            "usage",
            f"No usage of {named} could be read for {told(poll)}: {why}" if lost else "",
            "Rules that read it wait; the others go on.",
            "OpenAI's usage is read again; what waited for it is judged now.",
        )
    stale = _stale(tx, rules.book, now)
    if not synced.costs_complete and synced.refused is not None and "ops" in rules.book.routes:
        # Those who look after the bot hear of a refused key at once; everybody else only when it lasts.
        say("silence", synced.refused.happened, synced.refused.remedy, "")
    elif stale is not None and stale.polled:
        why = next((r.why for r in synced.results if r.source == "costs" and not r.complete), "")
        say("silence", f"No costs could be read for {told(stale.allowed)}: {why}", "Alerts are paused.", "")
    elif stale is not None:
        remedy = "Comparisons wait for them; budgets count what there is."
        say("silence", f"OpenAI's costs are late: {stale.said}.", remedy, "")
    elif synced.costs_complete:
        say("silence", "", "", "OpenAI's costs are read again and up to date; what was missed is judged now.")


def _stale(tx: Connection, book: Rulebook, now: datetime) -> Age | None:
    """Return what is too old of the data; None where nothing is, and where a rule of its own looks after it."""
    if watching(book, now):
        return None
    return next((age for age in ages(sources(tx, now), now, *allowed(book, now)) if age.stale), None)
