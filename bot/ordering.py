"""What orders share: the alert that is meant, whether somebody may, the audit, and the lines of its threads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.core.asker import Asker
from bot.core.filters import Filter
from bot.core.incident import Incident
from bot.core.outcome import Outcome
from bot.core.owning import owns, owns_all
from bot.core.question import Query
from bot.core.roles import may
from bot.core.silence import Silence
from bot.core.spend import Names
from bot.core.telling import subject
from bot.edge.store import cards, incidents, outbox, overlays, records
from bot.overlays import Overlays
from bot.render import blocks
from bot.render.alert_words import show_instant
from bot.rulebook import InForce
from bot.saying import say_in_threads

KEPT = 20
"""Refusals that one order leaves in the audit at most."""
NAMED = 5
"""Alerts that one line of a thread names; of more it tells the number."""


@dataclass(slots=True)
class Order:
    """One order on its way: everything it changes, it changes in one transaction."""

    tx: Connection
    rules: InForce
    query: Query
    by: Asker
    now: datetime
    _names: Names | None = field(default=None)

    @property
    def names(self) -> Names:
        """Return what everything is called."""
        if self._names is None:
            self._names = records.names(self.tx)
        return self._names

    def find(self, mark: str) -> Incident | Outcome:
        """Return the incident that a fingerprint, or the beginning of one, names."""
        marks = overlays.fingerprints(self.tx, mark)
        if len(marks) == 1:
            return incidents.by_fingerprint(self.tx, marks)[marks[0]]
        if marks:
            few = ", ".join(marks[:4])
            return Outcome(f"{mark} could be {few}: write more of it.", done=False, refused=True)
        said = f"No alert has the fingerprint {mark}: alerts shows those there are."
        return Outcome(said, done=False, refused=True)

    def lacks(self, incident: Incident, span: timedelta | None = None) -> str:
        """Return why somebody may not order what is about an incident; '' when they may."""
        if not may(self.by.role, span):
            return ""
        return may(self.by.role, span, owns=owns(self.rules.book, self.by, incident, self.names))

    def lacks_for(self, conditions: Sequence[Filter], span: timedelta | None = None) -> str:
        """Return why somebody may not order what is about all that matches; '' when they may."""
        if not may(self.by.role, span):
            return ""
        return may(self.by.role, span, owns=owns_all(self.rules.book, self.by, conditions, self.names))

    def refuse(self, about: str, why: str) -> Outcome:
        """Return a refusal, which the audit keeps."""
        self.audit(about, {}, {"refused": why})
        return Outcome(why, done=False, refused=True)

    def refuse_each(self, marks: Sequence[str], why: str) -> Outcome:
        """Return one refusal for several alerts or silences, kept with each of them, or with the whole order."""
        refused = Outcome(why, done=False, refused=True)
        for mark in marks[:KEPT] or (self.query.command,):
            found = self.find(mark) if marks and not mark.startswith("si_") else refused
            refused = self.refuse(found.fingerprint if isinstance(found, Incident) else mark, why)
        return refused

    def matched(self, silence: Silence) -> list[Incident]:
        """Return the firing incidents that a silence would hold back."""
        over = self.overlays()
        return [i for i in self.firing() if silence.matches(over.subject(i))]

    def firing(self) -> list[Incident]:
        """Return every incident that goes on."""
        return [i for i in incidents.current(self.tx) if i.state == "firing"]

    def overlays(self) -> Overlays:
        """Return what is laid over alerts now."""
        return Overlays.read(self.tx, self.rules.book, self.names, self.now)

    def tell(self, about: Sequence[Incident], what: str, said: str) -> None:
        """Write one line in each thread that one or more of these stand in, with the note if there is one."""
        note = f": {blocks.escape(blocks.clean(self.query.reason))}" if self.query.reason else ""
        if len(about) == 1:
            text = f"*{blocks.name(name_of(about[0]), 120)}*: {said}{note}"
            say_in_threads(self.tx, about[0].fingerprint, f"{what} {self.now.isoformat()}", text)
            return
        by_card: dict[int, list[Incident]] = {}
        for (fingerprint, _), card_id in cards.cards_of(self.tx, [i.fingerprint for i in about]).items():
            by_card.setdefault(card_id, []).append(next(i for i in about if i.fingerprint == fingerprint))
        states = cards.cards(self.tx, by_card)
        for card_id, mine in by_card.items():
            if states[card_id].posted:
                key = f"c{card_id}:{what} {self.now.isoformat()}:reply"
                outbox.reply(self.tx, key, None, card_id, f"{_together(mine)}: {said}{note}")
        outbox.touch(self.tx, [i.fingerprint for i in about])

    def note(self) -> dict[str, object]:
        """Return the reason, as the audit keeps it."""
        return {"note": self.query.reason} if self.query.reason else {}

    def audit(self, about: str, before: dict[str, object], after: dict[str, object]) -> None:
        """Write who did what."""
        overlays.audit(self.tx, self.now, self.by.who, self.query.verb, about, before, after)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Return one outcome for several; a refusal of one is not hidden by the others, and is said once."""
    if len(outcomes) == 1:
        return outcomes[0]
    people = {each.by for each in outcomes if each.by}
    one = next(iter(people)) if len(people) == 1 else ""
    return Outcome(
        " ".join(
            dict.fromkeys(each.said if one else each.said.replace("{by}", each.by) for each in outcomes)
        ),
        one,
        done=any(each.done for each in outcomes),
        changed=any(each.changed for each in outcomes),
        refused=any(each.refused for each in outcomes),
    )


def name_of(incident: Incident) -> str:
    """Return what people call an incident, as short as everywhere; not escaped."""
    return blocks.plain(subject(incidents.telling(incident)) if incident.facts else incident.rule_id)


def at(moment: datetime) -> str:
    """Return `5 Oct 14:00 UTC`."""
    return f"{show_instant(moment)} UTC"


def ago(span: timedelta) -> str:
    """Return `4 minutes ago`, `3 hours ago`, `2 days ago`; never more than one unit."""
    minutes = max(0, span // timedelta(minutes=1))
    for unit, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        if count := minutes // length:
            return f"{count} {unit}{'s' if count != 1 else ''} ago"
    return "just now"


def _together(about: Iterable[Incident]) -> str:
    names = sorted({name_of(incident) for incident in about})
    if len(names) > NAMED:
        return f"*{len(names)} alerts*"
    return ", ".join(f"*{blocks.name(name, 120)}*" for name in names)
