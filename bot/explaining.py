"""`explain`: a rule and a group, or a fingerprint → why it says what it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from bot.core import places
from bot.core import standings as standing_now
from bot.core.explaining import work
from bot.core.explaining.budget import LATELY
from bot.core.explaining.working import Working
from bot.core.explanation import Explanation, Laid
from bot.core.filters import passes
from bot.core.incident import Incident
from bot.core.kinds.first_seen import FirstSeen
from bot.core.kinds.freshness import watching
from bot.core.listing import line_of
from bot.core.metrics import METRICS
from bot.core.period import DAY, Span
from bot.core.query import Misread
from bot.core.question import Query
from bot.core.rooms import Room, rooms_of
from bot.core.rules.book import Budget, Rule, Rulebook
from bot.core.status import Standing, State
from bot.core.tokens import quoted
from bot.core.view import COST, LIVE, View
from bot.edge.store import cards, incidents
from bot.edge.store.spoken import data_version, spoken
from bot.edge.store.store import Store
from bot.edge.store.tables import ORGANIZATION
from bot.loading import load_spend, load_view
from bot.meaning import find, no_such_group
from bot.overlays import Overlays
from bot.rulebook import InForce
from bot.saying import rooms_of_incident
from bot.viewing import load_live, load_usage


def explain(store: Store, rules: InForce, query: Query, now: datetime) -> Explanation | Misread:
    """Answer `explain`; what names nothing is answered with the closest that does."""
    now = now.astimezone(UTC)
    with store.reading() as tx:
        asked = _Asked(tx, store, rules, query, now)
        meant = find(tx, rules.book, query, lambda: asked.standings(rules.book))
        if isinstance(meant, Misread):
            return meant
        if meant.rule is not None:
            return asked.of(meant.rule, meant.incident, meant.mark)
        assert meant.incident is not None
        return asked.of_removed(meant.incident)


@dataclass(frozen=True, slots=True)
class _Asked:
    tx: Connection
    store: Store
    rules: InForce
    query: Query
    now: datetime

    # -- what is known -----------------------------------------------------------------------------

    def standings(self, book: Rulebook, view: View | None = None) -> tuple[Standing, ...]:
        spans = places.spans_needed(book, self.now)
        view = view or load_view(self.tx, self.store, book, self.now, spans, answering=True)
        known = incidents.said(self.tx, self.now.date())
        told, _ = standing_now.Standings(
            book, view, known.incidents, known.runs, ORGANIZATION, self.now
        ).told()
        return told

    def _view(self, rule: Rule, only: Rulebook, span: Span | None) -> View:
        """Return all that must be known of a rule, by day; one scan of each source."""
        spans = places.spans_needed(only, self.now)
        view = load_view(self.tx, self.store, only, self.now, spans, answering=True)
        begins = view.history_from
        if not isinstance(rule, Budget) or span is None or begins is None:
            return view
        today = self.now.date()
        lately = today - LATELY * DAY if rule.period.kind == "day" else span.start
        first = max(min(span.start, lately), begins)
        found = view.spend(rule.metric)
        if found is not None and found.cuts and found.cuts[0] <= first:
            return view
        days = tuple(first + place * DAY for place in range((today - first).days + 2))
        if len(days) < 2:
            return view
        # What the view worked out already rests on other days.
        fresh = replace(view, _days={}, _sums={})
        if rule.metric == COST:
            return replace(fresh, daily=load_spend(self.tx, self.store, only, days, now=self.now))
        if rule.metric == LIVE:
            live = load_live(self.tx, self.store, only, self.now, first)
            return replace(fresh, live=live.live, estimated=live.estimated) if live else view
        if rule.metric in METRICS:
            usage = load_usage(self.tx, self.store, only, (rule.metric,), days, self.now)
            return replace(fresh, usage={**view.usage, **usage})
        return view

    # -- the answer --------------------------------------------------------------------------------

    def of(self, rule: Rule, incident: Incident | None, mark: str) -> Explanation | Misread:
        """Explain a rule: the group of an incident or a fingerprint, the one that is asked for, or the worst."""
        book, today = self.rules.book, self.now.date()
        mine = (rule, *(each for each in watching(book, self.now) if each.id != rule.id))
        only = replace(book, rules=mine)
        span = _span_of(rule, incident, today)
        view = self._view(rule, only, span)
        every = [each for each in self.standings(only, view) if each.rule_id == rule.id]
        meant = [each for each in every if passes(each, self.query.filters)] if self.query.filters else every
        if incident is not None:
            meant = [each for each in every if each.group == incident.group]
        elif mark:
            meant = [each for each in every if each.fingerprint == mark]
        if not meant and incident is None and self.query.filters:
            return no_such_group(self.query, rule, every)
        standing = meant[0] if meant else None
        present = None
        if incident is not None and (standing is None or standing.fingerprint != incident.fingerprint):
            present, standing = standing, _of_incident(rule, incident, view)
        if standing is None:
            standing = _nothing(rule)
        if isinstance(rule, Budget) and standing.span is not None and incident is None:
            span = standing.span
        group = standing.group if len(standing.group) == len(rule.scope.each) else ()
        judged = len(group) == len(rule.scope.each) or (not standing.group and isinstance(rule, FirstSeen))
        amount = incident.amount if incident is not None and incident.state == "ended" else None
        reckoned = work(rule, view, self.now, group, span, amount) if judged else Working()
        others = [each for each in every if each.group != standing.group and each.group]
        return Explanation(
            standing,
            line_of(book, rule, view.cost, today, self.rules.voice.fallback, self.rules.voice.link(rule)),
            rule.origin,
            self.rules.voice.commit[:7],
            replace(data_version(self.tx, self.now), sources=tuple(view.sources.values())),
            reckoned,
            tuple(self._rooms(rule, standing, view)),
            tuple(self._laid_over(standing, view)),
            spoken(self.tx, self._marks(rule, standing), self.now),
            present,
            len(others),
            sum(each.state == "firing" for each in others),
            _another(rule, others),
            (self.rules.trouble,) if self.rules.trouble else (),
        )

    def of_removed(self, incident: Incident) -> Explanation:
        """Explain an incident whose rule is gone: what it was, and what was said of it."""
        view = load_view(self.tx, self.store, replace(self.rules.book, rules=()), self.now, answering=True)
        told = incidents.telling(incident) if incident.facts else None
        standing = replace(
            _nothing(None),
            rule_id=incident.rule_id,
            rule_name=told.title if told else incident.rule_id,
            fingerprint=incident.fingerprint,
            each=tuple(dimension for dimension, _ in told.group) if told else (),
            group=incident.group if told else (),
            group_names=tuple(name for _, name in told.group) if told else (),
            span=incident.span,
            period=told.period if told else "",
            state=_state_of(incident),
            reason=incident.reason,
            level=incident.level,
            value=incident.value,
            amount=incident.amount,
            kind=told.kind if told else "budget",
            unit=told.unit if told else "",
        )
        return Explanation(
            standing, None, None, self.rules.voice.commit[:7],
            replace(data_version(self.tx, self.now), sources=tuple(view.sources.values())),
            Working(), told=spoken(self.tx, [incident.fingerprint], self.now),
        )  # fmt: skip

    def _marks(self, rule: Rule, standing: Standing) -> list[str]:
        """Return the fingerprints of what was said lately of a rule and group, its present one first."""
        known = incidents.said(self.tx, self.now.date()).incidents
        mine = [each.fingerprint for each in known if (each.rule_id, each.group) == (rule.id, standing.group)]
        return list(dict.fromkeys((standing.fingerprint, *mine)))

    # -- who hears it, and what lies over it -------------------------------------------------------

    def _rooms(self, rule: Rule, standing: Standing, view: View) -> Iterator[str]:
        yield from (_called(room) for room in self._hearing(rule.id, standing, view))

    def _hearing(self, rule_id: str, standing: Standing, view: View) -> list[Room]:
        rule = self.rules.book.rule(rule_id)
        if rule is None or len(standing.group) != len(rule.scope.each):
            return []
        book, voice = self.rules.book, self.rules.voice
        return list(rooms_of(book, rule, standing.group, view.names, voice.fallback))

    def _laid_over(self, standing: Standing, view: View) -> Iterator[Laid]:
        incident = incidents.by_fingerprint(self.tx, [standing.fingerprint]).get(standing.fingerprint)
        if incident is None or incident.state != "firing":
            return
        book = self.rules.book
        over = Overlays.read(self.tx, book, view.names, self.now)
        if given := over.acknowledged(incident):
            yield Laid("acknowledged", by=given.by, at=given.at)
        if silence := over.silence_of(incident):
            until, why = silence.ends_at, f"{silence.reason} ({silence.mark})"
            yield Laid("silenced", by=silence.made_by, at=silence.made_at, until=until, why=why)
        rooms = rooms_of_incident(book, incident, view.names, self.rules.voice)
        if not rooms:
            yield Laid("nobody hears")
        for room in rooms.values():
            if not room.hears(incident.severity):
                yield Laid("below floor", where=_called(room), why=room.only)
            elif incident.severity != "critical" and (ends := room.quiet_until(self.now)):
                yield Laid("quiet", where=_called(room), until=ends)
        members = cards.cards_of(self.tx, [incident.fingerprint])
        states = cards.cards(self.tx, set(members.values()))
        for (_, target), card_id in members.items():
            card = states[card_id]
            if not card.posted and card.due_at > self.now and not card.held:
                yield Laid("gathered", where=f"#{target.address}", until=card.due_at)


def _span_of(rule: Rule, incident: Incident | None, today: date) -> Span | None:
    if not isinstance(rule, Budget):
        return None
    if incident is not None and (rule.shape == "period" or incident.state == "ended"):
        return incident.span
    return rule.period.containing(today) or rule.period.fixed


def _state_of(incident: Incident) -> State:
    return incident.state


def _of_incident(rule: Rule, incident: Incident, view: View) -> Standing:
    return Standing(
        rule_id=rule.id,
        rule_name=rule.name,
        fingerprint=incident.fingerprint,
        each=rule.scope.each,
        group=incident.group,
        group_names=tuple(
            view.names.of(dimension, value)
            for dimension, value in zip(rule.scope.each, incident.group, strict=False)
        ),
        span=incident.span,
        period=rule.called(incident.span),
        state=_state_of(incident),
        reason=str(incident.reason),
        level=incident.foremost if incident.state == "firing" else "",
        value=incident.value,
        amount=incident.amount,
        kind=rule.kind,
        unit="" if rule.unit.dollars and not rule.unit.word else rule.unit.key,
    )


def _nothing(rule: Rule | None) -> Standing:
    """Return the standing of a rule that has nothing to say of anybody."""
    return Standing(
        rule_id=rule.id if rule else "",
        rule_name=rule.name if rule else "",
        fingerprint="",
        each=(),
        group=(),
        group_names=(),
        span=None,
        period="",
        state="ok",
        reason="below every level",
        kind=rule.kind if rule else "budget",
    )


def _another(rule: Rule, others: Sequence[Standing]) -> str:
    if not others or not rule.scope.each:
        return ""
    first = others[0]
    conditions = (f"{key}={quoted(name)}" for key, name in zip(first.each, first.group_names, strict=True))
    return f"explain {rule.id} {' '.join(conditions)}"


def _called(room: Room) -> str:
    address = room.target.address
    return f"{'@' if address.startswith('U') and address.isupper() else '#'}{address}"
