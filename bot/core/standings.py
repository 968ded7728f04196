"""Spend and the incidents people were told of → where every rule and group stands, the worst first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import nsmallest
from operator import itemgetter

from bot.core.filters import Filter, passes
from bot.core.incident import Finding, Incident, Reason, Unjudged, fingerprint
from bot.core.places import FIRING, ORDER, Key, Place, Places, Rank, share
from bot.core.rooms import team_of
from bot.core.rules.book import Rule, Rulebook, Team, rank
from bot.core.spend import Group, Spend
from bot.core.status import Counts, Standing, Status, counted
from bot.core.units import USD
from bot.core.view import View

_FIRST: Callable[[tuple[Rank, object]], Rank] = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Standings:
    """What is known where standings are told."""

    book: Rulebook
    view: View
    """Its cost is cut at `places.spans_needed`, and for the rules of `places.judged`."""
    incidents: Iterable[Incident]
    runs: Mapping[Key, int]
    """How many runs were numbered so far."""
    organization: str
    now: datetime
    rules: dict[str, Rule] = field(init=False)
    _teams: dict[str, Team | None] = field(init=False, default_factory=dict)
    _places: Places = field(init=False)

    @property
    def spend(self) -> Spend:
        return self.view.cost

    def __post_init__(self) -> None:
        # A book looks its rules up one by one.
        object.__setattr__(self, "rules", {rule.id: rule for rule in self.book.rules})
        object.__setattr__(self, "_places", Places(self.book, self.view, self.now))

    def told(
        self, filters: Sequence[Filter] = (), most: int | None = None
    ) -> tuple[tuple[Standing, ...], Counts]:
        """Return the rules and groups that pass, the worst first: all, or `most` and how many others there are.

        What people were told decides where it differs from the arithmetic of this instant: a value just below its
        level still fires, and a run goes on over quiet days, told by the day that was breached last.
        """
        places, unjudged = self._places.found()
        admits = [self._test(condition) for condition in filters]
        opened = self._opened()
        stale = self._stale(unjudged, opened)
        ranked: list[tuple[Rank, Place | Standing]] = []
        known: list[Standing] = []
        for rank_, place in places:
            incident = opened.pop((place.rule.id, place.group), None)
            if incident is not None and _speaks_of(incident, place):
                known.append(self._standing(place.finding, incident))
            elif all(passing(rank_, place) for passing in admits):
                ranked.append((rank_, place))
        known += [self._run(incident) for incident in opened.values() if self._goes_on(incident)]
        known += stale
        heard = {standing.rule_id for standing in stale}
        known += [self._unjudged(each) for each in unjudged if each.rule_id not in heard]
        known = [standing for standing in known if passes(standing, filters)]
        ranked += [(_worst(standing), standing) for standing in known]
        if most is None or len(ranked) <= most:
            return tuple(map(self._worded, sorted(ranked, key=_FIRST))), Counts()
        told = tuple(map(self._worded, nsmallest(most, ranked, key=_FIRST)))
        every = counted((*_counted(held), rank_[0] == FIRING) for rank_, held in ranked)
        return told, every.without(Status(None, told).counts)

    def _test(self, condition: Filter) -> Callable[[Rank, Place], bool]:
        """Return a filter's question to a place that nobody was told of, each value asked once."""
        key = condition.key
        answers: dict[object, bool] = {}

        def admits(rank_: Rank, place: Place) -> bool:
            rule = place.rule
            group = place.group[rule.scope.each.index(key)] if key in rule.scope.each else None
            # The same value of the same kind always passes or never does.
            about: object
            match key:
                case "rule" | "label":
                    about = rule.id
                case "state" | "severity":
                    about = rank_[:2]
                case "team" | "owner" if group is None:
                    team = self._team(rule, place.group)
                    about = team.name if team else ""
                case _:
                    about = group
            if about not in answers:
                answers[about] = passes(self._standing(place.finding, None), (condition,))
            return answers[about]

        return admits

    # -- what people were told ---------------------------------------------------------------------

    def _opened(self) -> dict[Key, Incident]:
        """Return the latest incident of each rule and group that is not over."""
        opened = sorted(self.incidents, key=lambda each: each.opened_at)
        return {
            (each.rule_id, each.group): each
            for each in opened
            if each.state != "ended" and self._is_of_today(each)
        }

    def _is_of_today(self, incident: Incident) -> bool:
        """Tell whether an incident's group has the shape its rule has now: others stay open until the next poll."""
        rule = self.rules.get(incident.rule_id)
        return rule is None or len(incident.group) == len(rule.scope.each)

    def _stale(self, unjudged: Iterable[Unjudged], opened: dict[Key, Incident]) -> list[Standing]:
        """Return what people were last told of the rules whose data is too old: nobody knows whether it is still so.

        It is taken out of `opened`.
        """
        why = {each.rule_id: each for each in unjudged if each.state == "nodata" and each.group is None}
        stale: list[Standing] = []
        for key in [key for key, incident in opened.items() if incident.rule_id in why]:
            incident = opened.pop(key)
            if incident.rule_id in self.rules:
                last = self._run(incident)
                stale.append(replace(last, state="nodata", reason=why[incident.rule_id].reason))
        return stale

    def _goes_on(self, incident: Incident) -> bool:
        """Tell whether an incident whose group is not there today is a run: only the calendar ends those."""
        rule = self.rules.get(incident.rule_id)
        return rule is not None and rule.shape == "run" and rule.active_on(self.now.date())

    # -- in words ----------------------------------------------------------------------------------

    def _worded(self, ranked: tuple[Rank, Place | Standing]) -> Standing:
        held = ranked[1]
        return self._standing(held.finding, None) if isinstance(held, Place) else held

    def _standing(self, finding: Finding, incident: Incident | None) -> Standing:
        rule, top = finding.rule, finding.foremost
        if incident is None:
            occurrence = finding.span.start.isoformat()
            if rule.shape != "period":
                occurrence = f"#{self.runs.get((rule.id, finding.group), 0) + 1}"
            mark = fingerprint(rule.id, self.organization, finding.group, occurrence)
            reason = Reason.FIRST if top else Reason.PENDING if finding.pending else Reason.BELOW
            return self._told(finding, mark, top.label if top else "", str(reason))
        if incident.state == "firing" and top is None and incident.span != finding.span:
            return self._run(incident)
        mark, why = incident.fingerprint, str(incident.reason)
        if (
            incident.forecast
            and incident.state == "firing"
            and (top is None or top.label == incident.forecast)
        ):
            return self._told(finding, mark, incident.forecast, why, incident.severity)
        place = finding.place(top.label) if top else -1
        said = finding.place(incident.level) if incident.state == "firing" else -1
        same_budget = incident.amount == finding.amount or finding.holding is not None
        if said >= 0 and said >= place and same_budget:
            return self._told(finding, mark, incident.level, why, incident.severity)
        if place >= 0:
            why = str(Reason.HIGHER if incident.state == "firing" else Reason.RECROSSED)
        return self._told(finding, mark, top.label if top else "", why)

    def _run(self, incident: Incident) -> Standing:
        """A run on a day that breaches nothing: it is over only after some such days."""
        rule = self.rules[incident.rule_id]
        estimated = incident.facts.get("estimated")
        last = Finding(
            rule, incident.group, incident.span, incident.value, incident.amount, (), closed=True,
            estimated=estimated if isinstance(estimated, int) else 0,
        )  # fmt: skip
        if incident.state != "firing":
            return self._told(last, incident.fingerprint, "", str(incident.reason))
        why = f"{Reason.RUN_GOES_ON}: last breached {incident.span.last}"
        return self._told(last, incident.fingerprint, incident.foremost, why, incident.severity)

    def _told(self, finding: Finding, mark: str, level: str, reason: str, severity: str = "") -> Standing:
        rule = finding.rule
        gravest = (severity or finding.severity) if level else None
        team = self._team(rule, finding.group)
        return Standing(
            rule_id=rule.id,
            rule_name=rule.name,
            fingerprint=mark,
            each=rule.scope.each,
            group=finding.group,
            group_names=tuple(
                self.spend.names.of(dimension, value)
                for dimension, value in zip(rule.scope.each, finding.group, strict=True)
            ),
            span=finding.span,
            period=finding.period,
            state="firing" if level else "pending" if finding.pending else "ok",
            reason=reason,
            level=level,
            severity=gravest,  # type: ignore[arg-type]  # an incident keeps the word of a severity
            value=finding.value,
            amount=finding.amount,
            team=team.name if team else "",
            owner=team.owner if team else "",
            kind=rule.kind,
            unit="" if rule.unit is USD else rule.unit.key,
            note=finding.note,
            labels=rule.labels,
            days=finding.over,
            estimated=finding.estimated,
        )

    def _team(self, rule: Rule, group: Group) -> Team | None:
        each = rule.scope.each
        key = f"rule {rule.id}"
        for dimension in ("team", "project"):
            if dimension in each:
                key = f"{dimension} {group[each.index(dimension)]}"
                break
        if key not in self._teams:
            self._teams[key] = team_of(self.book, rule.scope, group, self.spend.names)
        return self._teams[key]

    def _unjudged(self, unjudged: Unjudged) -> Standing:
        rule, span = self.rules.get(unjudged.rule_id), unjudged.span
        each, group = (rule.scope.each, unjudged.group) if rule and unjudged.group else ((), ())
        team = self._team(rule, group) if rule and group else None
        return Standing(
            rule_id=unjudged.rule_id,
            rule_name=rule.name if rule else unjudged.rule_id,
            fingerprint=fingerprint(unjudged.rule_id, self.organization, group, ""),
            each=each,
            group=group,
            group_names=tuple(
                self.spend.names.of(key, value) for key, value in zip(each, group, strict=True)
            ),
            team=team.name if team else "",
            owner=team.owner if team else "",
            span=span,
            period=rule.called(span) if rule and span else "",
            state=unjudged.state,
            reason=unjudged.reason,
            kind=rule.kind if rule else "",
            labels=rule.labels if rule else {},
        )


def _speaks_of(incident: Incident, place: Place) -> bool:
    """Tell whether an incident belongs to this period: last month's stays open until the poll ends it."""
    return place.rule.shape != "period" or incident.occurrence == place.span.start.isoformat()


def _worst(standing: Standing) -> Rank:
    return (
        ORDER.index(standing.state),
        -rank(standing.severity or ""),
        -share(standing.value, standing.amount or 0),
        standing.rule_id,
        standing.group,
    )


def _counted(held: Place | Standing) -> tuple[str, bool]:
    """Return the kind of a standing, and whether it is judged."""
    if isinstance(held, Place):
        return held.rule.kind, True
    return held.kind, held.amount is not None
