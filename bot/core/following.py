"""A replay that judges again only what can have become otherwise, and says what a plain one says.

A year of polls looks a thousand times at what hardly moves: a closed day whose figures stand, a group whose
findings are what they were. Each finding rests on the figures of certain days and on where the clock stands
between two boundaries; each decision on a group's findings and on what was said of it. Where neither moved,
the last answer holds.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

from bot.core.alike import alike
from bot.core.decide import Decision, Said, decide
from bot.core.evaluate import Evaluation, next_boundary, unjudgeable
from bot.core.incident import Finding, Incident, Unjudged
from bot.core.kinds import KINDS, budget
from bot.core.kinds.freshness import allowed
from bot.core.needs import inactive
from bot.core.pieces import Parts, Piece, pieces
from bot.core.readiness import unready
from bot.core.replay import KEPT, Replay
from bot.core.rules.book import Budget, Rule
from bot.core.spend import Group
from bot.core.view import Source, View

Key = tuple[str, Group]
"""(rule, group): what is decided by itself."""


@dataclass(slots=True)
class _Judged:
    """What a rule's pieces said when they were last judged."""

    watched: frozenset[Group]
    of: dict[Hashable, list[Finding | Unjudged]]


class Ready(NamedTuple):
    """A rule that applies, up to the next boundary."""

    rule: Rule
    parts: Parts
    held: Unjudged | None
    """Why it is not judged."""


@dataclass(slots=True)
class Following(Replay):
    """A replay in which only figures and the clock change: not the rules, names, limits or the age of sources."""

    changed: Collection[date] = ()
    """The days whose figures changed since the last look; to be set before each."""
    _boundary: datetime | None = None
    _day: date | None = None
    _alike: dict[str, Hashable] = field(default_factory=dict)
    _ready: list[Ready] = field(default_factory=list)
    _numbers: dict[Hashable, int] = field(default_factory=dict)
    """Every key there was → its number."""
    _parts: list[Parts] = field(default_factory=list)
    _inactive: list[Unjudged] = field(default_factory=list)
    _judged: dict[str, _Judged] = field(default_factory=dict)
    _said: dict[str, list[Finding | Unjudged]] = field(default_factory=dict)
    """What was true of each rule at the last look."""
    _groups: dict[str, dict[Group, list[Finding]]] = field(default_factory=dict)
    """The findings among it."""
    _known: dict[str, dict[Group, dict[str, Incident]]] = field(default_factory=dict)
    """The live incidents of each rule and group, by fingerprint."""
    _newest: dict[str, date | None] = field(default_factory=dict)
    _moved: set[str] = field(default_factory=set)
    _open: set[Key] = field(default_factory=set)
    _restless: set[Key] = field(default_factory=set)
    """What the next decision may change without any news: the last one changed it."""

    def at(self, view: View, now: datetime) -> list[Decision]:
        """Return the decisions of a poll at `now`; of those that change nothing, some or none."""
        if self.at_last is not None and now < self.at_last:
            return []
        self.at_last = now
        if self._boundary is None or now >= self._boundary:
            self._cross(view, now)
        again = self._evaluate(view, now)
        learning = {unjudged.rule_id for unjudged in self.last.unjudged if unjudged.keeps}
        decisions = self._decide(self._dirty(again), learning, now)
        self.rules.update(
            ready.rule.id
            for ready in self._ready
            if ready.rule.id not in self.rules and ready.rule.id not in learning
        )
        self._forget(now.astimezone(UTC).date())
        return decisions

    def _cross(self, view: View, now: datetime) -> None:
        """Ask again what only a boundary moves: which rules apply, what they are made of, whether they are ready."""
        today = now.astimezone(UTC).date()
        self._boundary = next_boundary(self.book, now)
        self._alike = self._alike or {rule.id: alike(rule) for rule in self.book.rules}
        self._ready, self._inactive = [], []
        parts: dict[Hashable, Parts] = {}
        fresh = allowed(self.book, now)
        calm = all(_is_fresh(source, now) for source in view.sources.values())
        for rule in self.book.rules:
            if not rule.active_on(today):
                self._inactive.append(Unjudged(rule.id, None, "inactive", inactive(rule)))
                continue
            like, held = self._alike[rule.id], None
            try:
                if not calm:
                    held = unready(rule, KINDS[rule.kind].needs(rule, now), fresh, view, now)
                if like not in parts:
                    parts[like] = Parts(tuple(map(self._numbered, pieces(rule, now, self._boundary))))
            except Exception as error:  # noqa: BLE001 - as in evaluate
                held = unjudgeable(rule, error)
            self._ready.append(Ready(rule, parts.get(like, _NO_PARTS), held))
        self._parts = list(parts.values())
        self._wake(now)

    def _numbered(self, piece: Piece) -> Piece:
        """Return a piece with a number for a key: it is looked up a million times."""
        if piece.key is None:
            return piece
        return piece._replace(key=self._numbers.setdefault(piece.key, len(self._numbers)))

    def _wake(self, now: datetime) -> None:
        """Have what is open decided again where a newer span is judged: the calendar alone may end a run."""
        for ready in self._ready:
            newest = ready.rule.newest(now)
            if self._newest.get(ready.rule.id) != newest:
                self._newest[ready.rule.id] = newest
                self._moved.add(ready.rule.id)
        self._restless.update(key for key in self._open if key[0] in self._moved)
        self._moved.clear()

    def _evaluate(self, view: View, now: datetime) -> list[str]:
        """Judge the pieces that may say something else, and return the rules they belong to."""
        for parts in self._parts:
            parts.touch(self.changed)
        again: list[str] = []
        said: dict[str, list[Finding | Unjudged]] = {}
        periods: dict[int, tuple[budget.Judged, ...]] = {}
        for ready in self._ready:
            rule = ready.rule
            if ready.held is not None:
                self._judged.pop(rule.id, None)
                said[rule.id] = [ready.held]
                again.append(rule.id)
                continue
            watched = self._known.get(rule.id, {}).keys()
            before = self._judged.get(rule.id)
            of = before.of if before is not None and before.watched == watched else {}
            stale = ready.parts.stale(of.keys())
            if not stale and len(of) == len(ready.parts.pieces):
                said[rule.id] = self._said.get(rule.id, [])  # outside a fixed period there is nothing
                continue
            again.append(rule.id)
            groups = before.watched if of and before is not None else frozenset(watched)
            try:
                if id(ready.parts) not in periods:
                    periods[id(ready.parts)] = _periods(rule, view, now)
                fresh = _judge(rule, stale, view, now, groups, periods[id(ready.parts)]) if stale else {}
            except Exception as error:  # noqa: BLE001 - as in evaluate
                self._judged.pop(rule.id, None)
                said[rule.id] = [unjudgeable(rule, error)]
                continue
            fresh = {**of, **fresh}
            # In the order of their days, and only those that are judged now.
            of = fresh if of.keys() == ready.parts.keys else {key: fresh[key] for key in ready.parts.order}
            self._judged[rule.id] = _Judged(groups, of)
            said[rule.id] = [one for found in of.values() for one in found]
        again += [rule_id for rule_id in self._said if rule_id not in said]
        self._said = said
        everything = [one for found in said.values() for one in found]
        self.last = Evaluation(
            tuple(one for one in everything if isinstance(one, Finding)),
            (*self._inactive, *(one for one in everything if isinstance(one, Unjudged))),
        )
        return again

    def _dirty(self, again: Iterable[str]) -> list[Key]:
        """Return what may be decided otherwise than at the last look."""
        dirty = self._restless
        for rule_id in again:
            groups: dict[Group, list[Finding]] = {}
            for one in self._said.get(rule_id, ()):
                if isinstance(one, Finding):
                    groups.setdefault(one.group, []).append(one)
            before = self._groups.get(rule_id, {})
            dirty.update(
                (rule_id, group)
                for group, found in groups.items()
                if before.get(group) != found and self._news(rule_id, group, found, before.get(group, ()))
            )
            dirty.update((rule_id, group) for group in before if group not in groups)
            self._groups[rule_id] = groups
        # Nothing is found of it any more, so it ends, unless nobody knows.
        dirty.update(key for key in self._open if key[1] not in self._groups.get(key[0], ()))
        return sorted(dirty)

    def _news(self, rule_id: str, group: Group, found: Sequence[Finding], before: Sequence[Finding]) -> bool:
        """Tell whether other findings can be decided otherwise.

        A period of a run that is below every level, and that no incident knows, is passed over in silence.
        """
        rule = found[0].rule
        if not isinstance(rule, Budget) or rule.shape != "run" or self._newest.get(rule_id) is None:
            return True
        known = {
            day
            for incident in self._known.get(rule_id, {}).get(group, {}).values()
            for day in (*incident.days, incident.span.start)
        }

        def tells(one: Finding) -> bool:
            return one.foremost is not None or one.span.start in known

        return list(filter(tells, found)) != list(filter(tells, before))

    def _decide(self, keys: Sequence[Key], learning: Collection[str], now: datetime) -> list[Decision]:
        findings = [one for rule_id, group in keys for one in self._groups.get(rule_id, {}).get(group, ())]
        incidents = [
            one for rule_id, group in keys for one in self._known.get(rule_id, {}).get(group, {}).values()
        ]
        said = Said(tuple(incidents), self.runs, frozenset(self.rules))
        decisions = decide(self.book, findings, said, now, organization=self.organization, learning=learning)
        # A rule's first evaluation treats what is over otherwise than the next one does.
        self._restless = {key for key in keys if key[0] not in self.rules}
        for decision in decisions:
            if decision.incident is not None:
                self._keep(decision.incident)
                self._restless.add((decision.rule_id, decision.group))
        return decisions

    def _keep(self, incident: Incident) -> None:
        Replay._keep(self, incident)  # noqa: SLF001 - its own; `super()` knows no class with slots
        key = (incident.rule_id, incident.group)
        mine = self._known.setdefault(incident.rule_id, {}).setdefault(incident.group, {})
        mine[incident.fingerprint] = incident
        if any(one.state != "ended" for one in mine.values()):
            self._open.add(key)
        else:
            self._open.discard(key)

    def _forget(self, today: date) -> None:
        """Let go of what ended too long ago to be restated, corrected or continued."""
        if self._day == today:
            return
        self._day = today
        for rule_id, groups in self._known.items():
            for group, mine in list(groups.items()):
                kept = {
                    key: one
                    for key, one in mine.items()
                    if one.state != "ended" or one.span.end >= today - KEPT
                }
                if len(kept) == len(mine):
                    continue
                self._restless.add((rule_id, group))
                if kept:
                    groups[group] = kept
                else:
                    del groups[group]
        self._live = {}


_NO_PARTS = Parts(())


def _is_fresh(source: Source, now: datetime) -> bool:
    """Tell whether nothing about a source keeps any rule from being judged."""
    return source.read_at == now and source.newest is None and not source.refused and not source.missed


def _periods(rule: Rule, view: View, now: datetime) -> tuple[budget.Judged, ...]:
    """Return the periods that are judged of a budget, the same for all that are alike; none of other rules."""
    return budget.judged(rule, view, now) if isinstance(rule, Budget) else ()


def _judge(
    rule: Rule,
    stale: Collection[Piece],
    view: View,
    now: datetime,
    watched: frozenset[Group],
    periods: Iterable[budget.Judged],
) -> dict[Hashable, list[Finding | Unjudged]]:
    """Judge some pieces of a rule, and return what is true by piece."""
    fresh: dict[Hashable, list[Finding | Unjudged]] = {part.key: [] for part in stale}
    if isinstance(rule, Budget):
        places = {part.span: part.key for part in stale}
        for one in budget.judge(rule, view, now, watched, places.keys(), periods):
            fresh[places[one.span]].append(one)
    else:
        (part,) = stale
        fresh[part.key] += KINDS[rule.kind].judge(rule, view, now, watched)
    return fresh
