"""Findings and the incidents people were told of → where every rule and group stands, the worst first."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from bot.core.evaluate import Evaluation
from bot.core.incident import Finding, Incident, Reason, Unjudged, fingerprint
from bot.core.kinds.budget_judge import amount_of, levels_of
from bot.core.period import Span
from bot.core.rooms import team_of
from bot.core.rules.book import Budget, Rulebook, rank
from bot.core.spend import Group, Spend
from bot.core.status import Standing, State

Key = tuple[str, Group]

_ORDER: tuple[State, ...] = ("firing", "error", "nodata", "pending", "ok", "learning", "inactive", "ended")


def spans_before(book: Rulebook, today: date) -> tuple[Span, ...]:
    """Return the periods before the current ones: who spent in them is watched, even if it spends nothing now."""
    found: dict[Span, None] = {}
    for rule, current in _current(book, today):
        if rule.scope.each and (earlier := rule.period.before(current)) is not None:
            found[earlier] = None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Standings:
    """What is known where standings are told."""

    book: Rulebook
    spend: Spend
    """Cut for the evaluation, and at `spans_before`."""
    incidents: Iterable[Incident]
    runs: Mapping[Key, int]
    """How many runs were numbered so far."""
    organization: str
    today: date

    def all(self, evaluation: Evaluation) -> tuple[Standing, ...]:
        """Return every rule and group, the worst first.

        What people were told decides where it differs from the arithmetic of this instant: a value just below its
        level still fires, and a run goes on over quiet days, told by the day that was breached last.
        """
        findings: dict[Key, Finding] = {
            (finding.rule.id, finding.group): finding for finding in evaluation.findings if not finding.closed
        }
        for finding in self._quiet(findings, evaluation):
            findings[finding.rule.id, finding.group] = finding
        opened: dict[Key, Incident] = {}
        for incident in sorted(self.incidents, key=lambda each: each.opened_at):
            key = (incident.rule_id, incident.group)
            rule = self.book.rule(incident.rule_id)
            if incident.state == "ended" or not isinstance(rule, Budget) or not rule.active_on(self.today):
                continue
            here = findings.get(key)
            if rule.period.runs or (here and incident.occurrence == here.span.start.isoformat()):
                opened[key] = incident
        told = [self._standing(finding, opened.get(key)) for key, finding in findings.items()]
        told += [self._run(incident) for key, incident in opened.items() if key not in findings]
        told += [self._unjudged(unjudged) for unjudged in evaluation.unjudged]
        return tuple(sorted(told, key=_worst))

    def _quiet(self, findings: Mapping[Key, Finding], evaluation: Evaluation) -> Iterator[Finding]:
        """Yield budgets of which nothing is spent in this period: of everything, named ones, last period's."""
        judged: dict[str, set[Group]] = {}
        for rule_id, group in findings:
            judged.setdefault(rule_id, set()).add(group)
        skipped = {unjudged.rule_id for unjudged in evaluation.unjudged} | set(evaluation.folded)
        for rule, current in _current(self.book, self.today):
            if rule.id in skipped:
                continue
            here = judged.get(rule.id, set())
            for group in self._candidates(rule, current):
                if group in here or len(here) >= rule.limit:
                    continue
                amount = amount_of(rule, group, self.spend, current)
                if amount is not None:
                    here.add(group)
                    yield Finding(rule, group, current, 0, amount, levels_of(rule, amount), closed=False)

    def _candidates(self, rule: Budget, current: Span) -> Iterator[Group]:
        each = rule.scope.each
        if not each:
            yield ()
            return
        earlier = rule.period.before(current)
        if earlier is not None:
            yield from sorted(self.spend.within(rule.scope, earlier))
        if set(rule.scope.dimensions) == set(each) and len(each) == 1:
            named = [
                pattern
                for pattern, _ in rule.amount.entries
                if pattern and not (pattern.regex or set(pattern.text) & {"*", "?"})
            ]
            for (dimension, value), name in sorted(self.spend.names.current.items()):
                meant = dimension == each[0] and any(pattern.matches(value, name) for pattern in named)
                if meant and rule.scope.admits({dimension: value}, self.spend.names.of):
                    yield (value,)

    def _standing(self, finding: Finding, incident: Incident | None) -> Standing:
        rule, top = finding.rule, finding.top
        if incident is None:
            occurrence = finding.span.start.isoformat()
            if rule.period.runs:
                occurrence = f"#{self.runs.get((rule.id, finding.group), 0) + 1}"
            mark = fingerprint(rule.id, self.organization, finding.group, occurrence)
            return self._told(
                finding, mark, top.label if top else "", str(Reason.FIRST if top else Reason.BELOW)
            )
        if incident.state == "firing" and top is None and incident.span != finding.span:
            return self._run(incident)
        mark, reason = incident.fingerprint, str(incident.reason)
        place = finding.place(top.label) if top else -1
        said = finding.place(incident.level) if incident.state == "firing" else -1
        if said >= 0 and said >= place:
            return self._told(finding, mark, incident.level, reason, incident.severity)
        if place >= 0:
            reason = str(Reason.HIGHER if incident.state == "firing" else Reason.RECROSSED)
        return self._told(finding, mark, top.label if top else "", reason)

    def _run(self, incident: Incident) -> Standing:
        """A run on a day that breaches nothing: it is over only after some such days."""
        rule = self.book.rule(incident.rule_id)
        assert isinstance(rule, Budget)
        last = Finding(rule, incident.group, incident.span, incident.value, incident.amount, (), closed=True)
        reason = f"{Reason.RUN_GOES_ON}: last breached {incident.span.last}"
        if incident.state != "firing":
            return self._told(last, incident.fingerprint, "", str(incident.reason))
        return self._told(last, incident.fingerprint, incident.level, reason, incident.severity)

    def _told(self, finding: Finding, mark: str, level: str, reason: str, severity: str = "") -> Standing:
        rule = finding.rule
        gravest = (severity or finding.severity) if level else None
        team = team_of(self.book, rule.scope, finding.group, self.spend.names)
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
            period=rule.period.name(finding.span),
            state="firing" if level else "ok",
            reason=reason,
            level=level,
            severity=gravest,  # type: ignore[arg-type]  # an incident keeps the word of a severity
            value=finding.value,
            amount=finding.amount,
            team=team.name if team else "",
            owner=team.owner if team else "",
        )

    def _unjudged(self, unjudged: Unjudged) -> Standing:
        rule, span = self.book.rule(unjudged.rule_id), unjudged.span
        return Standing(
            rule_id=unjudged.rule_id,
            rule_name=rule.name if rule else unjudged.rule_id,
            fingerprint=fingerprint(unjudged.rule_id, self.organization, (), ""),
            each=(),
            group=(),
            group_names=(),
            span=span,
            period=rule.period.name(span) if isinstance(rule, Budget) and span else "",
            state=unjudged.state,
            reason=unjudged.reason,
        )


def _current(book: Rulebook, today: date) -> Iterator[tuple[Budget, Span]]:
    for rule in book.rules:
        if isinstance(rule, Budget) and rule.active_on(today):
            current = rule.period.containing(today)
            if current is not None:
                yield rule, current


def _worst(standing: Standing) -> tuple[int, int, float, str, Group]:
    ratio = standing.ratio if standing.ratio is not None else float("inf") if standing.value > 0 else 0.0
    return (
        _ORDER.index(standing.state),
        -rank(standing.severity or ""),
        -ratio,
        standing.rule_id,
        standing.group,
    )
