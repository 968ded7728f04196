"""Silences: what is not said for a while, why, and until when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.dimension import DIMENSIONS
from bot.core.filters import OPS, Filter, Op
from bot.core.rules.select import Pattern
from bot.core.severity import SEVERITIES

LONGEST = timedelta(days=31)
SHORT = timedelta(hours=24)
"""Longer ones are for admins."""

KEYS = ("rule", "severity", "label", "fingerprint", *DIMENSIONS)
"""What a silence can look at."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a silence looks at of an incident."""

    fingerprint: str
    rule_id: str
    rule_name: str
    severity: str
    team: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    group: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Dimension → (id, name) of its group."""
    pinned: Mapping[str, tuple[Pattern, ...]] = field(default_factory=dict)
    """What its rule selects, where `each` does not tell apart."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What is held back, and how that ends."""

    id: int
    conditions: tuple[Filter, ...]
    """All of them must hold."""
    reason: str
    made_by: str
    made_at: datetime
    ends_at: datetime
    with_incident: bool = False
    """It ends with the incidents it names, if that is earlier."""
    wake: int | None = None
    """What has grown by so much since it was first held back is said."""
    began: Mapping[str, int] = field(default_factory=dict)
    """Fingerprint → its value then."""

    @property
    def mark(self) -> str:
        """Return how people and commands name it."""
        return f"si_{self.id}"

    @property
    def named(self) -> tuple[str, ...]:
        """Return the fingerprints it is about; () where it is about whatever matches."""
        return next((c.values for c in self.conditions if (c.key, c.op) == ("fingerprint", "=")), ())

    def stands(self, now: datetime) -> bool:
        """Tell whether it holds anything back at an instant."""
        return self.made_at <= now < self.ends_at

    def matches(self, subject: Subject) -> bool:
        """Tell whether an incident is what it is about."""
        return bool(self.conditions) and all_hold(self.conditions, subject)

    @property
    def vague(self) -> bool:
        """Tell whether no condition of it names anything: it may hold back whatever there is."""
        return all(map(_names_nothing, self.conditions))

    def wakes(self, fingerprint: str, value: int) -> bool:
        """Tell whether an incident has grown by so much that it is said in spite of it."""
        return (
            self.wake is not None
            and fingerprint in self.began
            and value - self.began[fingerprint] >= self.wake
        )


def all_hold(conditions: Iterable[Filter], subject: Subject) -> bool:
    """Tell whether every condition is true of an incident."""
    return all(_holds(condition, subject) for condition in conditions)


def as_matchers(conditions: Iterable[Filter]) -> dict[str, list[str]]:
    """Return conditions as they are stored: `{"project": ["search-*"], "severity>=": ["warning"]}`."""
    return {f"{c.key}{c.op if c.op != '=' else ''}": list(c.values) for c in conditions}


def conditions_of(matchers: Mapping[str, Sequence[str]]) -> tuple[Filter, ...]:
    """Return stored matchers as conditions."""
    found = []
    for stored, values in matchers.items():
        op: Op = next((op for op in OPS if stored.endswith(op)), "=")
        found.append(Filter(stored.removesuffix(op), op, tuple(values)))
    return tuple(found)


def _names_nothing(condition: Filter) -> bool:
    if condition.op != "=":
        return True
    every = condition.key == "severity" and set(condition.values) >= set(SEVERITIES)
    return every or any(set(value) <= set("*?") for value in condition.values)


def _holds(condition: Filter, subject: Subject) -> bool:
    match condition.key:
        case "fingerprint":
            return condition.admits(subject.fingerprint, subject.fingerprint)
        case "rule":
            return condition.admits(subject.rule_id, subject.rule_name)
        case "severity":
            return condition.admits(subject.severity, subject.severity)
        case "team":
            return condition.admits(subject.team, subject.team or "(no team)")
        case "label":
            words = [word for key, value in subject.labels.items() for word in (key, f"{key}={value}")]
            found = any(pattern.matches(word, word) for pattern in condition.patterns for word in words)
            return found != (condition.op == "!=")
    if condition.key in subject.group:
        return condition.admits(*subject.group[condition.key])
    if pinned := subject.pinned.get(condition.key):
        return all(not each.regex and condition.admits(each.text, each.text) for each in pinned)
    # An incident of the whole organization is nobody's in particular: only "not this one" means it.
    return condition.op == "!="
