"""Orders: acknowledge, silence, and take either back. Each is one write, with its line in the audit."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from bot.core.acknowledge import Acknowledgement
from bot.core.asker import Asker
from bot.core.filters import Filter
from bot.core.incident import Incident
from bot.core.money import show_usd
from bot.core.ordering import ends_at
from bot.core.outcome import Outcome
from bot.core.question import Query
from bot.core.roles import may
from bot.core.silence import LONGEST, Silence, as_matchers
from bot.core.telling import subject
from bot.edge.store import cards, incidents, overlays, records
from bot.edge.store.store import Store
from bot.overlays import Overlays, outgrown
from bot.render import blocks
from bot.render.alert_words import named, show_instant
from bot.rulebook import InForce
from bot.saying import say_in_threads

IN_THREADS = 10
"""Alerts in whose threads a new silence is told: of more, the answer and `status` tell."""


def carry_out(store: Store, rules: InForce, query: Query, by: Asker, now: datetime) -> Outcome:
    """Do what an order says, and say what became of it. Raises Unanswered when the database cannot be written."""
    if why := may(by.role):
        return Outcome(why, done=False, refused=True)
    with store.writing() as tx:
        order = _Order(tx, rules, query, by, now)
        match query.verb:
            case "ack":
                return _together([order.acknowledge(mark) for mark in query.ids])
            case "unack":
                return _together([order.take_back(mark) for mark in query.ids])
            case "silence":
                return order.silence()
            case _:
                return _together([order.unsilence(mark) for mark in query.ids])


def _together(outcomes: list[Outcome]) -> Outcome:
    """Return one outcome for several; a refusal of one is not hidden by the others."""
    if len(outcomes) == 1:
        return outcomes[0]
    return Outcome(
        " ".join(each.said.replace("{by}", each.by) for each in outcomes),
        done=any(each.done for each in outcomes),
        refused=any(each.refused for each in outcomes),
    )


@dataclass(frozen=True, slots=True)
class _Order:
    tx: Connection
    rules: InForce
    query: Query
    by: Asker
    now: datetime

    def acknowledge(self, mark: str) -> Outcome:
        found = self._find(mark)
        if isinstance(found, Outcome):
            return found
        incident, name = found, _name(found)
        if incident.state == "ended":
            return Outcome(f"{name} is over: there is nothing to look after.", done=False)
        if incident.state == "ok":
            return Outcome(f"{name} is below every level: there is nothing to look after.", done=False)
        before = overlays.acknowledgements(self.tx, [incident.fingerprint]).get(incident.fingerprint)
        if before and not outgrown(self.rules.book, before, incident):
            return Outcome(f"{name} is acknowledged already, by {{by}} at {_at(before.at)}.", before.by)
        rule = self.rules.book.rule(incident.rule_id)
        falls = rule is not None and rule.falls
        given = Acknowledgement.of(incident, self.by.who, self.now, falls=falls)
        overlays.acknowledge(self.tx, given)
        self._audit(incident.fingerprint, _held_by(before), {**_held_by(given), **self._note()})
        self._tell(incident, "acknowledged", f"Acknowledged by {named(self.by.who)}")
        return Outcome(
            f"{name} is acknowledged: no reminder and no escalation until it grows by 25% or becomes graver. "
            f"unack {incident.fingerprint} takes that back."
        )

    def take_back(self, mark: str) -> Outcome:
        found = self._find(mark)
        if isinstance(found, Outcome):
            return found
        before = overlays.acknowledgements(self.tx, [found.fingerprint]).get(found.fingerprint)
        if before is None:
            return Outcome(f"Nobody has acknowledged {_name(found)}.", done=False)
        overlays.take_back(self.tx, found.fingerprint)
        self._audit(found.fingerprint, _held_by(before), self._note())
        self._tell(found, "taken back", f"No longer acknowledged: taken back by {named(self.by.who)}")
        return Outcome(f"{_name(found)} is acknowledged no longer.")

    def silence(self) -> Outcome:
        conditions: list[Filter] = []
        if self.query.ids:
            marks: list[str] = []
            for mark in self.query.ids:
                found = self._find(mark)
                if isinstance(found, Outcome):
                    return found
                if found.state == "ended":
                    return Outcome(f"{_name(found)} is over: there is nothing to silence.", done=False)
                marks.append(found.fingerprint)
            conditions.append(Filter("fingerprint", "=", tuple(marks)))
        conditions += self.query.filters
        if len(as_matchers(conditions)) < len(conditions):
            return Outcome("Say each key once: a,b means any of them.", done=False, refused=True)
        ends = ends_at(self.query.lasts, self.now, self.rules.book.timezone)
        last = ends or self.now + LONGEST
        if why := self._too_long(last):
            return Outcome(why, done=False, refused=True)
        words = " ".join(map(str, conditions))
        for other in overlays.silences(self.tx):
            same = (other.conditions, other.with_incident, other.wake) == (
                tuple(conditions),
                ends is None,
                self.query.wake,
            )
            if same and other.stands(self.now) and other.ends_at >= last:
                said = f"{other.mark} holds that back already, until {_at(other.ends_at)}, by {{by}}: {other.reason}."
                return Outcome(said, other.made_by)
        wanted = Silence(
            0,
            tuple(conditions),
            self.query.reason,
            self.by.who,
            self.now,
            last,
            ends is None,
            self.query.wake,
        )
        matched = self._matched(wanted)
        began = {incident.fingerprint: incident.value for incident in matched} if wanted.wake else {}
        made = overlays.add(self.tx, replace(wanted, began=began))
        self._audit(made.mark, {}, {**_described(made), "reason": made.reason})
        until = (
            f"until {'it is over, ' if ends is None else ''}{_at(last)}{' at most' if ends is None else ''}"
        )
        if len(matched) <= IN_THREADS:
            told: set[tuple[int, str]] = set()
            for incident in matched:
                # Several alerts of one project may stand in one message: its thread says so once.
                places = {
                    (card_id, _name(incident))
                    for card_id in cards.cards_of(self.tx, [incident.fingerprint]).values()
                }
                if places and places <= told:
                    continue
                told |= places
                words_ = f"Silenced by {named(self.by.who)} {until}"
                self._tell(incident, f"silenced {made.id}", words_)
        count = f"{len(matched)} alert{'s' if len(matched) != 1 else ''}"
        woken = f" or until it grows by {show_usd(made.wake, cents=False)}" if made.wake else ""
        return Outcome(
            f"{made.mark} holds back {words} {until}{woken}: {made.reason}. "
            f"That is {count} firing now. unsilence {made.mark} takes it back."
        )

    def unsilence(self, mark: str) -> Outcome:
        going = overlays.silences(self.tx)
        if mark.startswith("si_"):
            mine = [silence for silence in going if silence.mark == mark]
            if not mine:
                over = overlays.ended(self.tx, int(mark.removeprefix("si_")))
                if over is None:
                    return Outcome(f"There is no silence {mark}.", done=False, refused=True)
                how = {"time": "its time was over", "incident": "its incident was over", "wake": "it grew"}
                why = how.get(over.by, "taken back by {by}")
                return Outcome(f"{mark} ended already, at {_at(over.at)}: {why}.", over.by, done=False)
        else:
            found = self._find(mark)
            if isinstance(found, Outcome):
                return found
            mine = [silence for silence in going if silence.named == (found.fingerprint,)]
            if not mine:
                holding = self._overlays().silence_of(found)
                if holding is None:
                    return Outcome(f"{_name(found)} is not silenced.", done=False)
                words = " ".join(map(str, holding.conditions))
                said = f"{_name(found)} is held back by {holding.mark} ({words}): unsilence {holding.mark} ends that."
                return Outcome(said, done=False)
        for silence in mine:
            overlays.end(self.tx, silence.id, self.now, self.by.who)
            self._audit(silence.mark, _described(silence), self._note())
        marks = " and ".join(silence.mark for silence in mine)
        return Outcome(f"{marks} is over: what it held back is said with the next poll.")

    # -- what orders share -------------------------------------------------------------------------

    def _find(self, mark: str) -> Incident | Outcome:
        """Return the incident that a fingerprint, or the beginning of one, names."""
        marks = overlays.fingerprints(self.tx, mark)
        if len(marks) == 1:
            return incidents.by_fingerprint(self.tx, marks)[marks[0]]
        if marks:
            few = ", ".join(marks[:4])
            return Outcome(f"{mark} could be {few}: write more of it.", done=False, refused=True)
        said = f"No alert has the fingerprint {mark}: status shows those there are."
        return Outcome(said, done=False, refused=True)

    def _too_long(self, last: datetime) -> str:
        if last <= self.now:
            return f"That is over already: {_at(last)}."
        if last - self.now > LONGEST:
            return f"A silence lasts {LONGEST.days} days at most."
        return may(self.by.role, last - self.now)

    def _overlays(self) -> Overlays:
        return Overlays.read(self.tx, self.rules.book, records.names(self.tx), self.now)

    def _matched(self, silence: Silence) -> list[Incident]:
        over = self._overlays()
        firing: Iterable[Incident] = incidents.current(self.tx)
        return [i for i in firing if i.state == "firing" and silence.matches(over.subject(i))]

    def _tell(self, incident: Incident, what: str, said: str) -> None:
        """Write a line in the incident's threads, with the note if there is one."""
        note = f": {blocks.escape(blocks.clean(self.query.reason))}" if self.query.reason else ""
        text = f"*{blocks.name(_name(incident), 120)}*: {said}{note}"
        say_in_threads(self.tx, incident.fingerprint, f"{what} {self.now.isoformat()}", text)

    def _note(self) -> dict[str, object]:
        return {"note": self.query.reason} if self.query.reason else {}

    def _audit(self, about: str, before: dict[str, object], after: dict[str, object]) -> None:
        overlays.audit(self.tx, self.now, self.by.who, self.query.verb, about, before, after)


def _name(incident: Incident) -> str:
    return subject(incidents.telling(incident)) if incident.facts else incident.rule_id


def _at(at: datetime) -> str:
    return f"{show_instant(at)} UTC"


def _held_by(given: Acknowledgement | None) -> dict[str, object]:
    return {"by": given.by, "severity": given.severity, "value": given.value} if given else {}


def _described(silence: Silence) -> dict[str, object]:
    return {
        "matchers": as_matchers(silence.conditions),
        "ends_at": silence.ends_at.isoformat(),
        "with_incident": silence.with_incident,
        "wake": silence.wake,
    }
