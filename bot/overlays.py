"""What people and clocks lay over alerts, as it stands at an instant: who looks after what, what is silenced."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from bot.core.acknowledge import Acknowledgement
from bot.core.incident import Incident
from bot.core.overlay import Hold, Why, until
from bot.core.rooms import Room, team_of
from bot.core.rules.book import Rulebook
from bot.core.silence import Silence, Subject
from bot.core.spend import Names
from bot.edge.store import overlays


@dataclass(frozen=True, slots=True)
class Overlays:
    """Silences and acknowledgements, and the question whether something is to be said now."""

    book: Rulebook
    names: Names
    silences: tuple[Silence, ...]
    """Those that stand."""
    acknowledgements: Mapping[str, Acknowledgement]
    now: datetime
    _subjects: dict[str, Subject] = field(default_factory=dict)

    @classmethod
    def read(cls, tx: Connection, book: Rulebook, names: Names, now: datetime) -> "Overlays":
        """Return what stands at `now`."""
        standing = tuple(silence for silence in overlays.silences(tx) if silence.stands(now))
        return cls(book, names, standing, overlays.acknowledgements(tx), now)

    def silence_of(self, incident: Incident) -> Silence | None:
        """Return the silence that holds an incident back: of several the one that ends last."""
        if not self.silences:
            return None
        subject = self.subject(incident)
        holding = [
            silence
            for silence in self.silences
            if silence.matches(subject) and not wakes(self.book, silence, incident)
        ]
        return max(holding, key=lambda silence: (silence.ends_at, silence.id), default=None)

    def silenced(self, known: Iterable[Incident]) -> dict[str, Silence]:
        """Return what holds back each incident that something holds back."""
        return {i.fingerprint: silence for i in known if (silence := self.silence_of(i))}

    def acknowledged(self, incident: Incident) -> Acknowledgement | None:
        """Return who looks after an incident, while it is no worse than what they have seen."""
        given = self.acknowledgements.get(incident.fingerprint)
        return given if given and not outgrown(self.book, given, incident) else None

    def hold(self, incident: Incident, room: Room | None, severity: str) -> Hold | None:
        """Return why a line about an incident is not said in a room now; None when it is."""
        silence = self.silence_of(incident)
        if silence is not None:
            return self.hold_of(silence)
        ends = room.quiet_until(self.now) if room and severity != "critical" else None
        return Hold(until(Why.QUIET, ends)) if ends else None

    def hold_of(self, silence: Silence) -> Hold:
        """Return what a silence says of what it holds back."""
        return Hold(until(Why.SILENCED, silence.ends_at), silence.id)

    def subject(self, incident: Incident) -> Subject:
        """Return what silences look at of an incident."""
        known = self._subjects.get(incident.fingerprint)
        if known is None or known.severity != incident.severity:
            known = self._subjects[incident.fingerprint] = self._subject(incident)
        return known

    def _subject(self, incident: Incident) -> Subject:
        rule = self.book.rule(incident.rule_id)
        if rule is None:
            return Subject(incident.fingerprint, incident.rule_id, incident.rule_id, incident.severity)
        team = team_of(self.book, rule.scope, incident.group, self.names)
        each = dict(zip(rule.scope.each, incident.group, strict=False))
        return Subject(
            fingerprint=incident.fingerprint,
            rule_id=rule.id,
            rule_name=rule.name,
            severity=incident.severity,
            team=team.name if team else "",
            labels=rule.labels,
            group={key: (value, self.names.of(key, value)) for key, value in each.items()},
            pinned=dict(rule.scope.select.terms),
        )


def outgrown(book: Rulebook, given: Acknowledgement, incident: Incident) -> str:
    """Return why an acknowledgement stands no longer, in words; '' while it does."""
    rule = book.rule(incident.rule_id)
    return given.outgrown(incident.severity, incident.value, falls=rule is not None and rule.falls)


def wakes(book: Rulebook, silence: Silence, incident: Incident) -> bool:
    """Tell whether an incident has grown by so many dollars that it is said although it is silenced."""
    return in_dollars(book, incident) and silence.wakes(incident.fingerprint, incident.value)


def in_dollars(book: Rulebook, incident: Incident) -> bool:
    """Tell whether growth by some dollars means anything: the figure is dollars, and more of it is worse."""
    rule = book.rule(incident.rule_id)
    return rule is None or (rule.unit.dollars and not rule.falls)
