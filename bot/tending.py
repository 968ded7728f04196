"""What happens between decisions: silences end, nights end, people are reminded, and others hear next.

Called in every tick, whether or not anything was evaluated. Nothing here changes what is true of an incident.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from bot import hooking
from bot.core.incident import Incident
from bot.core.overlay import Hold, Why, until
from bot.core.rooms import Opening, Room, Target
from bot.core.rules.book import Rulebook
from bot.core.silence import Silence
from bot.core.telling import subject
from bot.edge.store import held, incidents, outbox, overlays, records
from bot.edge.store.held import Held
from bot.overlays import Overlays, in_dollars, outgrown, wakes
from bot.reminding import escalate, remind
from bot.render import blocks
from bot.render.alert_words import Told, named
from bot.render.kinds import headline
from bot.saying import open_all, opening, rooms_of_incident, say_in_threads
from bot.voice import Voice

__all__ = ["tend"]


def tend(tx: Connection, book: Rulebook, now: datetime, voice: Voice) -> None:
    """Let go what is held back no longer, take back what was outgrown, remind, and escalate."""
    waiting = held.held(tx)
    current = {incident.fingerprint: incident for incident in incidents.current(tx)}
    known = {**incidents.by_fingerprint(tx, {row.fingerprint for row in waiting} - current.keys()), **current}
    names = records.names(tx)
    before = overlays.silences(tx)
    silences = _end_silences(tx, before, book, known, now)
    over = Overlays(
        book,
        names,
        tuple(silence for silence in silences if silence.stands(now)),
        overlays.acknowledgements(tx),
        now,
    )
    _note_began(tx, over, current.values())
    ended = [silence for silence in before if silence not in silences and silence.made_at <= now]
    # The cards of what was held back say so no longer.
    outbox.touch(
        tx, [i.fingerprint for i in known.values() if any(s.matches(over.subject(i)) for s in ended)]
    )
    tended = _Tending(tx, over, known, voice)
    tended.release(waiting)
    hooking.release(tx, over)
    tended.wake()
    tended.speak()
    over = tended.outgrown()
    remind(tx, over, current, voice)
    escalate(tx, over, current, voice)


def _end_silences(
    tx: Connection, standing: Sequence[Silence], book: Rulebook, known: Mapping[str, Incident], now: datetime
) -> list[Silence]:
    """End the silences whose time is over, whose incident is, or whose incident has grown; return the others."""
    going: list[Silence] = []
    for silence in standing:
        incident = known.get(silence.named[0]) if len(silence.named) == 1 else None
        over = silence.with_incident and not any(
            known[mark].state != "ended" for mark in silence.named if mark in known
        )
        if silence.made_at > now:
            continue
        if now >= silence.ends_at:
            overlays.end(tx, silence.id, now, "time")
        elif over:
            overlays.end(tx, silence.id, now, "incident")
        elif incident is not None and wakes(book, silence, incident):
            overlays.end(tx, silence.id, now, "wake")
        else:
            going.append(silence)
    return going


def _note_began(tx: Connection, over: Overlays, current: Iterable[Incident]) -> None:
    """Keep what incidents stood at when a silence that may wake first held them back."""
    for silence in over.silences:
        if silence.wake is None:
            continue
        began = dict(silence.began)
        for incident in current:
            if incident.state == "firing" and silence.matches(over.subject(incident)):
                began.setdefault(incident.fingerprint, incident.value)
        if began != silence.began:
            overlays.note_began(tx, silence.id, began)


@dataclass(slots=True)
class _Tending:
    """One tick's work on what is held back."""

    tx: Connection
    over: Overlays
    known: Mapping[str, Incident]
    voice: Voice
    openings: list[Opening] = field(default_factory=list)
    lines: dict[Target, list[str]] = field(default_factory=dict)
    """What a room should hear besides its messages."""
    threads: dict[int, list[Held]] = field(default_factory=dict)
    """The lines of each message's thread that are said now."""

    @property
    def now(self) -> datetime:
        return self.over.now

    def release(self, waiting: Sequence[Held]) -> None:
        """Take up everything that nothing holds back any more."""
        began: dict[tuple[str, Target], int] = {}
        for row in waiting:
            incident = self.known.get(row.fingerprint)
            if incident is None:
                continue
            if row.value is not None:
                began.setdefault((row.fingerprint, row.target), row.value)
            silence = self.over.silence_of(incident)
            if silence is not None:
                if silence.id != row.silence:
                    held.hold_otherwise(self.tx, row.notice_id, self.over.hold_of(silence))
                continue
            room = self._rooms(incident).get(row.target)
            news = incident.state == "firing" or incident.late
            if row.act == "post" and news:
                self._open_at_last(row, incident, room)
                continue
            ends = room.quiet_until(self.now) if room and incident.severity != "critical" else None
            if ends and not self._grown(incident, began.get((row.fingerprint, row.target)), room):
                if row.silence is not None:
                    held.hold_otherwise(self.tx, row.notice_id, Hold(until(Why.QUIET, ends)))
                continue
            if row.act == "post":
                self._tell_of(row, incident)
            else:
                self.threads.setdefault(row.card_id, []).append(row)

    def _open_at_last(self, row: Held, incident: Incident, room: Room | None) -> None:
        """Say what was silenced, as it is now."""
        outbox.withdraw(self.tx, row.card_id, row.fingerprint, "said when its silence ended")
        if room is None or room.hears(incident.severity):
            where = room or Room(row.target, "")
            key = f"{incident.fingerprint}:unsilenced:{row.notice_id}"
            self.openings.append(opening(incident, key, where, incident.severity))

    def _tell_of(self, row: Held, incident: Incident) -> None:
        """Tell in one line of what is no news any more when its silence ends."""
        outbox.withdraw(self.tx, row.card_id, row.fingerprint, "told in a line when its silence ended")
        told = Told(incident, incidents.telling(incident))
        self.lines.setdefault(row.target, []).append(f"{headline(told)} · `{incident.fingerprint}`")

    def wake(self) -> None:
        """Take out of messages that wait for the morning what has become critical, or has grown too much."""
        for row in held.unsaid(self.tx, self.now):
            incident = self.known.get(row.fingerprint)
            if incident is None or incident.state != "firing":
                continue
            room = self._rooms(incident).get(row.target)
            if room is None or room.quiet_until(self.now) is None:
                continue
            if incident.severity == "critical" or self._grown(incident, row.began, room):
                outbox.withdraw(self.tx, row.card_id, row.fingerprint, "said before the morning")
                key = f"{incident.fingerprint}:woken:{row.card_id}"
                self.openings.append(opening(incident, key, room, incident.severity, urgent=True))

    def speak(self) -> None:
        """Write what was taken up: messages, lines in threads, and one message a room for all that is loud."""
        written = held.due(self.tx, self.now) | open_all(self.tx, self.openings, {}, self.now)
        loud: dict[Target, list[int]] = {}
        for card_id, rows in self.threads.items():
            if any(row.broadcast for row in rows):
                loud.setdefault(rows[0].target, []).append(card_id)
        for rows in self.threads.values():
            target = rows[0].target
            aloud = any(row.broadcast for row in rows)
            alone = len(loud.get(target, ())) == 1 and target not in written and target not in self.lines
            held.let_go(self.tx, rows, broadcast=aloud and alone)
            if aloud and not alone:
                self.lines.setdefault(target, []).extend(row.text for row in rows if row.broadcast)
        for target, lines in self.lines.items():
            if target in written:
                held.add_lines(self.tx, written[target], lines)
            else:
                body: dict[str, object] = {"lines": lines}
                outbox.say(self.tx, f"lines:{self.now.isoformat()}:{target}", target, "lines", body, self.now)

    def outgrown(self) -> Overlays:
        """Take back the acknowledgements of what has become worse since, and say so in the thread."""
        standing = dict(self.over.acknowledgements)
        for fingerprint, given in self.over.acknowledgements.items():
            incident = self.known.get(fingerprint)
            why = outgrown(self.over.book, given, incident) if incident else ""
            if incident is None or incident.state != "firing" or not why:
                continue
            del standing[fingerprint]
            overlays.take_back(self.tx, fingerprint)
            before = {"by": given.by, "severity": given.severity, "value": given.value}
            overlays.audit(self.tx, self.now, "budgetbot", "unack", fingerprint, before, {"why": why})
            told = Told(incident, incidents.telling(incident))
            text = (
                f"*{blocks.name(subject(told.telling), 120)}*: no longer acknowledged by {named(given.by)}: "
                f"{blocks.escape(why)}"
            )
            say_in_threads(self.tx, fingerprint, f"outgrown:{given.at.isoformat()}", text)
        return Overlays(self.over.book, self.over.names, self.over.silences, standing, self.now)

    def _rooms(self, incident: Incident) -> dict[Target, Room]:
        return rooms_of_incident(self.over.book, incident, self.over.names, self.voice)

    def _grown(self, incident: Incident, began: int | None, room: Room | None) -> bool:
        """Tell whether an incident has grown so much since it began to wait that it waits no longer."""
        quiet = room.quiet if room else None
        if began is None or quiet is None or not in_dollars(self.over.book, incident):
            return False
        return incident.value - began >= quiet.wake
