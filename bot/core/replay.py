"""Rules over time without a database: the poll's own evaluation and decisions, remembered in memory."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.core.decide import Decision, Said, decide
from bot.core.evaluate import Evaluation, evaluate
from bot.core.incident import Incident
from bot.core.rules.book import Rulebook
from bot.core.spend import Group
from bot.core.view import View

KEPT = timedelta(days=60)
"""Ended incidents younger than this can still be restated, corrected or continued."""


@dataclass(slots=True)
class Replay:
    """What a bot with these rules would have said: tick by tick, each with what was known then."""

    book: Rulebook
    organization: str = "default"
    incidents: dict[str, Incident] = field(default_factory=dict)
    """Every incident there was, by fingerprint."""
    rules: set[str] = field(default_factory=set)
    """Rules evaluated before."""
    last: Evaluation = field(default_factory=Evaluation)
    """What the last tick found true."""
    at_last: datetime | None = None
    _runs: Counter[tuple[str, Group]] = field(default_factory=Counter)
    _live: dict[str, Incident] = field(default_factory=dict)

    def at(self, view: View, now: datetime) -> list[Decision]:
        """Evaluate and decide as a poll does at `now`; an earlier now than the last one decides nothing."""
        if self.at_last is not None and now < self.at_last:
            return []
        self.at_last = now
        watched: dict[str, set[Group]] = {}
        for incident in self._live.values():
            watched.setdefault(incident.rule_id, set()).add(incident.group)
        self.last = evaluate(self.book, view, now, watched)
        said = Said(tuple(self._live.values()), self.runs, frozenset(self.rules))
        learning = {unjudged.rule_id for unjudged in self.last.unjudged if unjudged.keeps}
        decisions = decide(
            self.book, self.last.findings, said, now, organization=self.organization, learning=learning
        )
        for decision in decisions:
            if decision.incident is not None:
                self._keep(decision.incident)
        today = now.astimezone(UTC).date()
        self.rules |= {
            rule.id for rule in self.book.rules if rule.active_on(today) and rule.id not in learning
        }
        self._live = {
            key: incident
            for key, incident in self._live.items()
            if incident.state != "ended" or incident.span.end >= today - KEPT
        }
        return decisions

    @property
    def runs(self) -> Mapping[tuple[str, Group], int]:
        """Return how many runs of each rule and group were numbered."""
        return self._runs

    def edit(self, book: Rulebook) -> None:
        """Go on with other rules: one that is gone, or fans out otherwise, begins anew when it comes back."""
        before = {rule.id: rule.scope.each for rule in self.book.rules}
        after = {rule.id: rule.scope.each for rule in book.rules}
        self.rules = {rule_id for rule_id in self.rules if after.get(rule_id) == before.get(rule_id)}
        self.book = book

    def _keep(self, incident: Incident) -> None:
        if incident.fingerprint not in self.incidents and incident.occurrence.startswith("#"):
            self._runs[incident.rule_id, incident.group] += 1
        self.incidents[incident.fingerprint] = incident
        self._live[incident.fingerprint] = incident
