"""`history`: the alerts of a range, or everything that happened to one, with what people did."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from bot.core.filters import Filter
from bot.core.history import Deed, History, Moment, Past
from bot.core.incident import Incident
from bot.core.period import midnight
from bot.core.query import Misread
from bot.core.recalled import admitted, highest, recalled
from bot.core.silence import Silence
from bot.core.spend import Names
from bot.dated import notes
from bot.edge.store import incidents, overlays, past, records
from bot.edge.store.spoken import spoken
from bot.loading import load_view
from bot.overlays import Overlays
from bot.questions import Asked
from bot.rulebook import InForce

EVERY = 1_000
"""Events of one alert that are told."""
INSTANT = timedelta(microseconds=1)
ENDS = {"time": "its time was over", "incident": "its alert was over", "wake": "it grew"}
"""What ended a silence that nobody took back."""


def answer(asked: Asked) -> History | Misread:
    """Return what has been; what names no alert is answered with what may have been meant."""
    now = asked.now.astimezone(UTC)
    with asked.store.reading() as tx:
        view = load_view(tx, asked.store, replace(asked.rules.book, rules=()), now, answering=True)
        reader = _Reader(tx, asked.rules, view.names, now)
        told = tuple(notes(asked.rules, view, records.last_poll(tx), now))
        if asked.query.about:
            found = reader.find(asked.query.about)
            if isinstance(found, Misread):
                return found
            return reader.one(found, view.cost.as_of, told)
        span = asked.query.span
        assert span is not None
        since, until = midnight(span.start), min(midnight(span.end), now + INSTANT)
        pasts, deeds = reader.within(since, until, asked.query.filters)
    return History(span, pasts, deeds, (), view.cost.as_of, now, told)


class _Reader:
    """Reads what has been, at one instant."""

    def __init__(self, tx: Connection, rules: InForce, names: Names, now: datetime) -> None:
        self.tx = tx
        self.book = rules.book
        self.names = names
        self.now = now

    def within(
        self, since: datetime, until: datetime, filters: tuple[Filter, ...]
    ) -> tuple[tuple[Past, ...], tuple[Deed, ...]]:
        """Return the alerts that stood in a while, and what people did in it; of some alerts, about them alone."""
        stood = [each for each in incidents.stood(self.tx, since, until) if each.announced]
        began = min((each.opened_at for each in stood), default=since)
        deeds = past.deeds(self.tx, min(began, since), until)
        meant = [each for each in self.pasts(stood, deeds) if admitted(each.standing, self.book, filters)]
        called = {each.standing.fingerprint: each.standing.subject for each in meant}
        done = [replace(deed, about=called.get(deed.subject, "")) for deed in deeds if deed.at >= since]
        if filters:
            marks = self._marks([each for each in stood if each.fingerprint in called], since, until)
            done = [deed for deed in done if deed.subject in marks or any(map(deed.concerns, called))]
        return tuple(meant), tuple(done)

    def pasts(self, stood: list[Incident], deeds: tuple[Deed, ...]) -> list[Past]:
        """Return how each of these incidents went."""
        fingerprints = [each.fingerprint for each in stood]
        known, lines = past.places(self.tx, fingerprints), past.lines(self.tx, fingerprints)
        first = {deed.subject: deed for deed in deeds if deed.what == "ack" and deed.after.get("by")}
        return [
            self._past(
                each,
                first.get(each.fingerprint),
                sum(bool(place.ts) for place in known.get(each.fingerprint, ())) + lines[each.fingerprint],
            )
            for each in stood
        ]

    def _past(self, incident: Incident, ack: Deed | None, messages: int) -> Past:
        told = incidents.telling(incident) if incident.facts else None
        standing = recalled(incident, told, self.book, self.names)
        level, severity = highest(incident, self.book)
        return Past(
            replace(standing, level=level, severity=severity),
            incident.opened_at,
            incident.ended_at,
            max(incident.peak, incident.value),
            ack.who if ack else "",
            ack.at if ack else None,
            messages,
        )

    # -- one alert -----------------------------------------------------------------------------------------

    def find(self, mark: str) -> Incident | Misread:
        """Return the incident that a fingerprint, or the beginning of one, names."""
        marks = overlays.fingerprints(self.tx, mark)
        if len(marks) == 1:
            return incidents.by_fingerprint(self.tx, marks)[marks[0]]
        if marks:
            few = tuple(f"history {each}" for each in marks[:3])
            return Misread("history", f"“{mark}” could be {len(few)} alerts or more.", few, "history")
        problem = f"No alert has the fingerprint “{mark}”."
        return Misread("history", problem, ("history 30d", "alerts"), "history")

    def one(self, incident: Incident, as_of: datetime | None, told: tuple[str, ...]) -> History:
        """Return everything that happened to an incident, in the order of time."""
        until = self.now + INSTANT
        deeds = past.deeds(self.tx, incident.opened_at, until)
        mine = tuple(deed for deed in deeds if deed.concerns(incident.fingerprint))
        moments = [
            Moment(each.at, each.transition, each.level, each.value, each.reason, poll=each.poll,
                   deliveries=each.deliveries)
            for each in spoken(self.tx, [incident.fingerprint], self.now, EVERY)
        ]  # fmt: skip
        moments.reverse()
        moments += [
            Moment(deed.at, deed.what, who=deed.who, before=deed.before, after=deed.after)
            for deed in reversed(mine)
        ]
        moments += self._silenced(incident)
        moments.sort(key=lambda each: each.at)
        standing = self.pasts([incident], mine)
        return History(None, tuple(standing), (), tuple(moments), as_of, self.now, told)

    def _silenced(self, incident: Incident) -> list[Moment]:
        """Return when silences that hold such an incident back were made and ended, while it stood."""
        over = Overlays.read(self.tx, self.book, self.names, self.now)
        last = min(incident.ended_at or self.now, self.now)
        moments = []
        for silence, ended in overlays.silences_since(self.tx, incident.opened_at, last + INSTANT):
            if not silence.matches(over.subject(incident)):
                continue
            after: dict[str, object] = {"silence": silence.mark, "ends_at": silence.ends_at.isoformat()}
            reason = silence.reason
            moments.append(
                Moment(silence.made_at, "silence", reason=reason, who=silence.made_by, after=after)
            )
            at, by = (ended.at, ended.by) if ended else (silence.ends_at, "time")
            if at <= self.now:
                who = "" if by in ENDS else by
                moments.append(Moment(at, "silence over", reason=ENDS.get(by, ""), who=who, after=after))
        return moments

    def _marks(self, meant: list[Incident], since: datetime, until: datetime) -> set[str]:
        """Return the silences that hold some of these incidents back."""
        over = Overlays.read(self.tx, self.book, self.names, self.now)
        known: list[Silence] = [each for each, _ in overlays.silences_since(self.tx, since, until)]
        subjects = [over.subject(each) for each in meant]
        return {each.mark for each in known if any(map(each.matches, subjects))}
