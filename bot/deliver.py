"""Notices → Slack: claim one, render it as things stand, post it, record where it is. Killed anywhere, it goes on."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot import plainly, refusing, subscribing
from bot.core.errors import SetupWrong
from bot.core.incident import Incident
from bot.core.pacing import Pacer
from bot.core.rules.book import Rulebook
from bot.core.silence import Silence
from bot.edge.slack_trouble import SlackTrouble
from bot.edge.store import claims, delivery, incidents, outbox, overlays, records
from bot.edge.store.delivery import Job
from bot.edge.store.store import Store
from bot.overlays import Overlays
from bot.render import alerts, announcements, blocks, wishes
from bot.render.alert_words import Told, acknowledged, silenced

log = logging.getLogger("budgetbot.deliver")

LOOK_AGAIN = 5.0
"""Seconds between two looks for a message that may have arrived."""
LOGGED = 20
"""Alerts of one message that its log line names."""
LONGEST_WAIT = timedelta(minutes=5)
MENDED_WAIT = timedelta(seconds=30)
REFUSED_WAIT = timedelta(hours=1)
STALE = timedelta(days=1)
"""After that a report to one person is tried no more: the next one is newer."""


class Posted(Protocol):
    @property
    def channel(self) -> str: ...
    @property
    def ts(self) -> str: ...


class Speaker(Protocol):
    """A place where messages are posted: Slack, or a terminal that draws them."""

    def post(
        self,
        channel: str,
        message: Mapping[str, Any],
        *,
        notice: str,
        thread_ts: str | None = None,
        broadcast: bool = False,
    ) -> Posted: ...

    def update(self, channel: str, ts: str, message: Mapping[str, Any]) -> None: ...

    def find(
        self, channel: str, notice: str, since: datetime, thread_ts: str | None = None
    ) -> Posted | None: ...


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a delivery came to: calls made, calls due but not made, messages that gather."""

    done: int = 0
    waiting: int = 0
    held: int = 0
    untaken: int = 0
    """Events that webhooks have not taken yet."""


class Courier:
    """Delivers what is due, one call after the other. One at a time: the caller holds the poll lock."""

    def __init__(
        self,
        store: Store,
        speaker: Speaker,
        clock: Callable[[], datetime],
        *,
        fallback: str = "",
        sleep: Callable[[float], None] = time.sleep,
        pace: timedelta = delivery.EDIT_PACE,
        pacer: Pacer | None = None,
        book: Callable[[], Rulebook] | None = None,
    ) -> None:
        """Take what is needed; without `book`, which tells what silences look at, no card says that it is silenced."""
        self.store = store
        self.speaker = speaker
        self.clock = clock
        self.fallback = fallback
        self.sleep = sleep
        self.pace = pace
        self.pacer = pacer
        self._joined: set[str] = set()
        self.book = book

    def deliver(
        self, now: datetime, *, wait: float = 0.0, stopped: Callable[[], bool] = lambda: False
    ) -> Delivered:
        """Make every call that is due at `now`, waiting up to `wait` seconds for those put off.

        Raises SetupWrong when Slack refuses the token: everything is kept.
        """
        deadline = self.clock() + timedelta(seconds=wait)
        done = 0
        while not stopped():
            job = self._claimed(now)
            if job is not None:
                done += self._do(job)
                continue
            with self.store.reading() as tx:
                due, held, first = delivery.left(tx, now)
            clock = self.clock()
            ready = self.pacer.first(clock) if self.pacer is not None else None
            if due and ready is not None and first is not None and first <= clock:
                # A room rests for a second between two messages: nobody has to wait for the next tick for that.
                self.sleep((ready - clock).total_seconds())
                continue
            if not due or first is None or first > deadline or clock >= deadline:
                return Delivered(done, due, held)
            self.sleep(max(0.05, min(1.0, (first - clock).total_seconds())))
        with self.store.reading() as tx:
            due, held, _ = delivery.left(tx, now)
        return Delivered(done, due, held)

    def anything(self, now: datetime) -> bool:
        """Tell whether some call is due and may be tried."""
        with self.store.reading() as tx:
            due, _, first = delivery.left(tx, now)
        return bool(due) and first is not None and first <= self.clock()

    def _claimed(self, now: datetime) -> Job | None:
        clock = self.clock()
        resting = self.pacer.resting(clock) if self.pacer is not None else ()
        edits_rest = self.pacer is not None and self.pacer.edits_rest(clock)
        with self.store.writing() as tx:
            return claims.claim(tx, now, clock, resting=resting, edits_rest=edits_rest)

    def _do(self, job: Job) -> int:
        """Make one call and record how it went; return 1 when it is done."""
        began = time.monotonic()
        try:
            channel, ts, learned = self._call(job)
        except SlackTrouble as trouble:
            self._put_off(job, trouble)
            return 0
        finally:
            if self.pacer is not None and not refusing.frozen(job):
                self.pacer.spoke(job.target, self.clock(), edit=job.act == "edit")
        with self.store.writing() as tx:
            delivery.sent(tx, job, channel, ts, self.clock(), pace=self.pace)
            if learned:
                delivery.remember(tx, job, learned)
            if job.act == "post" and job.form == "incidents":
                for place, text in enumerate(alerts.overflow(self._told(tx, job))):
                    outbox.reply(tx, f"c{job.card_id}:overflow:{place}", None, job.card_id, text)
        log.info("delivered", extra=_about(job, began))
        return 1

    def _call(self, job: Job) -> tuple[str, str, Mapping[str, Any]]:
        """Make one call; return where the message stands, and what is to be remembered of how it was taken."""
        repeat = False
        if refusing.frozen(job):
            return job.channel, job.ts, {}
        if job.sending_at is not None and job.act != "edit":
            found, known = self._find(job)
            if found is not None:
                return found.channel, found.ts, {}
            repeat = not known
        message = self._message(job, repeat=repeat)
        if job.act == "edit":
            _, learned = plainly.say(
                job, message, lambda words: self.speaker.update(job.channel, job.ts, words), self.speaker
            )
            return job.channel, job.ts, learned
        thread = job.ts if job.act == "reply" else None
        address = job.channel if job.act == "reply" else refusing.address(job.target)
        posted, learned = plainly.say(
            job,
            message,
            lambda words: self.speaker.post(
                address, words, notice=job.key, thread_ts=thread, broadcast=job.broadcast
            ),
            self.speaker,
        )
        return posted.channel, posted.ts, learned

    def _find(self, job: Job) -> tuple[Posted | None, bool]:
        """Look for a message that may have arrived: twice, some seconds apart; False when we may not look."""
        assert job.sending_at is not None
        channel = job.channel if job.act == "reply" else refusing.address(job.target)
        thread = job.ts if job.act == "reply" else None
        for look in range(2):
            if look:
                self.sleep(LOOK_AGAIN)
            try:
                found = self.speaker.find(channel, job.key, job.sending_at, thread)
            except SlackTrouble as trouble:
                if trouble.code in ("missing_scope", "not_in_channel", "channel_not_found"):
                    return None, False
                raise
            if found is not None:
                return found, True
        return None, True

    def _message(self, job: Job, *, repeat: bool) -> dict[str, Any]:
        if job.act == "reply":
            text = f"{job.text} _(may be a repeat)_" if repeat else job.text
            return blocks.message(text, [blocks.section(text)])
        try:
            message = self._drawn(job)
        except Exception:
            # A message that cannot be drawn is a bug of ours, and still an alert that somebody must hear.
            log.exception("not drawn", extra={"card": job.card_id})
            message = blocks.message(
                f"budgetbot has something to say that it could not draw; budgetbot status shows it. "
                f"{' '.join(job.members[:10])}"
            )
        if repeat:
            message["text"] = f"{message['text']} (may be a repeat)"
            message["blocks"] = [*message.get("blocks", []), blocks.context("This may be a repeat.")]
        return message

    def _drawn(self, job: Job) -> dict[str, Any]:
        if job.form == "close":
            return announcements.close(job.body)
        if job.form == "ops":
            return announcements.ops(job.body)
        if job.form in ("digest", subscribing.FORM):
            return dict(job.body)
        if job.form == "lines":
            return announcements.lines(job.body)
        if job.form == "more":
            return wishes.notice(job.body)
        with self.store.reading() as tx:
            if job.form == "remind":
                return announcements.remind(self._told_of(tx, job.body["fingerprints"], {}))
            told = self._told(tx, job)
        lines = job.body.get("lines", ())
        return alerts.card(told, job.revision, _mentions(job, told), lines, card_id=job.card_id)

    def _told(self, tx: Any, job: Job) -> list[Told]:
        escalated = job.body.get("escalated")
        return self._told_of(tx, job.members, escalated if isinstance(escalated, Mapping) else {})

    def _told_of(self, tx: Any, fingerprints: Sequence[str], escalated: Mapping[str, str]) -> list[Told]:
        """Return incidents with what is laid over them: who acknowledged or silenced them, or that nobody did."""
        known = incidents.by_fingerprint(tx, fingerprints)
        silences = self._silences(tx, known)
        acknowledgements = overlays.acknowledgements(tx, fingerprints)
        told: list[Told] = []
        for fingerprint in fingerprints:
            if fingerprint not in known:
                continue
            given = acknowledgements.get(fingerprint)
            notes: tuple[str, ...] = ()
            if given is not None:
                notes = (acknowledged(given),)
            elif fingerprint in escalated and known[fingerprint].state == "firing":
                words = str(escalated[fingerprint])
                notes = (f":arrow_double_up: {words[0].upper()}{words[1:]}",)
            silence = silences.get(fingerprint) if known[fingerprint].state == "firing" else None
            notes += (silenced(silence),) if silence else ()
            telling = incidents.telling(known[fingerprint])
            told.append(Told(known[fingerprint], telling, notes, given is not None, silence is not None))
        return told

    def _silences(self, tx: Any, known: Mapping[str, Incident]) -> dict[str, Silence]:
        if self.book is None:
            return {}
        # What nobody has ended yet: a tick ends what is over, and says so on the cards.
        over = Overlays(self.book(), records.names(tx), overlays.silences(tx), {}, self.clock())
        return over.silenced(known.values())

    def _put_off(self, job: Job, trouble: SlackTrouble) -> None:
        """Decide what a failed call means: try later, look first, say it elsewhere, or stop."""
        clock = self.clock()
        why = str(trouble)
        log.warning("not delivered", extra={**_about(job), "attempt": job.attempts + 1, "why": why})
        entered = trouble.code == "not_in_channel" and self._entered(job)
        # A look that failed has not found out whether the message stands there: the next try looks again.
        open_still = job.sending_at is not None
        state = self._message(job, repeat=False)["text"] if trouble.code in refusing.CLOSED else ""
        with self.store.writing() as tx:
            match trouble.kind:
                case "uncertain":
                    delivery.retry(tx, job, clock + _backoff(job), why, uncertain=True)
                case "permanent" if entered:
                    delivery.retry(tx, job, clock, why, uncertain=open_still)
                case "permanent" if trouble.code == "missing_scope":
                    # Every room would refuse alike: nothing is sent elsewhere, and all is kept.
                    delivery.retry(tx, job, clock + LONGEST_WAIT, why, uncertain=open_still)
                case "passing" | "payload":
                    wait = timedelta(seconds=trouble.retry_after or 0) or _backoff(job)
                    delivery.retry(tx, job, clock + wait, why, uncertain=open_still)
                    if trouble.retry_after:
                        delivery.hold(tx, job, clock + wait)
                case "gone":
                    refusing.gone(tx, job, trouble, state)
                case "permanent":
                    self._refused(tx, job, trouble)
                case _:
                    # Soon enough for the poll that follows the repair, seldom enough for a token nobody mends.
                    delivery.retry(tx, job, clock + MENDED_WAIT, why, uncertain=open_still)
                    delivery.rest(tx, clock + MENDED_WAIT)
        if trouble.kind == "revoked":
            raise SetupWrong(
                f"Slack refuses SLACK_BOT_TOKEN ({trouble.code}); nothing is lost, what is to be said waits.",
                "Install the app again and set the token that begins with xoxb-.",
            )

    def _entered(self, job: Job) -> bool:
        """Enter a public channel, where we may; tried once, so that a room that refuses all the same is refused."""
        where = refusing.address(job.target)
        join: Callable[[str], None] | None = getattr(self.speaker, "join", None)
        if join is None or where in self._joined:
            return False
        self._joined.add(where)
        try:
            join(job.channel or where)
        except SlackTrouble as trouble:
            log.info("not entered", extra={"target": str(job.target), "why": str(trouble)})
            return False
        log.info("entered", extra={"target": str(job.target)})
        return True

    def _refused(self, tx: Any, job: Job, trouble: SlackTrouble) -> None:
        """The room will not hear us: the fallback channel does, and learns why."""
        if job.form == subscribing.FORM:
            self._not_read(tx, job, trouble)
            return
        if refusing.refused(tx, job, trouble, self.fallback, self.clock()):
            return
        delivery.retry(tx, job, self.clock() + REFUSED_WAIT, str(trouble), uncertain=False)

    def _not_read(self, tx: Any, job: Job, trouble: SlackTrouble) -> None:
        """What was for one person alone goes nowhere else; who is not there any more gets no more of it."""
        clock = self.clock()
        if trouble.code in subscribing.NOBODY:
            delivery.drop(tx, job, str(trouble))
            subscribing.gone(tx, job.target.address, trouble.code, clock)
        elif clock - job.due_at > STALE:
            delivery.drop(tx, job, str(trouble))
        else:
            delivery.retry(tx, job, clock + REFUSED_WAIT, str(trouble), uncertain=False)


def _about(job: Job, began: float | None = None) -> dict[str, Any]:
    """Return what a log tells of one call: where to, what, about which alerts, and how long it took."""
    told: dict[str, Any] = {
        "act": job.act,
        "target": str(job.target),
        "card": job.card_id,
        "notice": job.key,
        "form": job.form,
        "incidents": list(job.members[:LOGGED]),
    }
    return told if began is None else {**told, "seconds": round(time.monotonic() - began, 3)}


def _mentions(job: Job, told: Sequence[Told]) -> list[str]:
    """Return who is called: those of the critical incidents, each once."""
    known = job.body.get("mention")
    if not isinstance(known, Mapping):
        return []
    called = (
        str(who)
        for each in told
        if each.incident.severity == "critical" and (each.incident.state == "firing" or each.incident.late)
        for who in known.get(each.incident.fingerprint, ())
    )
    return list(dict.fromkeys(called))


def _backoff(job: Job) -> timedelta:
    """Return how long to wait: longer after each try, and not quite as long for every message."""
    wait = min(timedelta(seconds=2 ** min(job.attempts, 10)), LONGEST_WAIT)
    return wait * (1 + job.card_id % 8 / 32)
