"""Where every budget stands: what `status` says in Slack, in the shell and as JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from bot.core.period import Span
from bot.core.severity import Severity

if TYPE_CHECKING:
    from bot.core.acknowledge import Acknowledgement
    from bot.core.silence import Silence

BUDGET = "budget"
State = Literal["learning", "ok", "pending", "firing", "ended", "inactive", "nodata", "error"]


@dataclass(frozen=True, slots=True)
class Limited:
    """OpenAI's own hard limit of a project, or of the organization."""

    amount: int
    """Nano-dollars a calendar month."""
    cut_off_at: datetime | None = None
    """When it is reached at this pace; None where it is not this month, or nobody can tell."""
    enforcing: bool = False
    """OpenAI refuses requests already."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One rule and group: its state, its figures and the reason."""

    rule_id: str
    rule_name: str
    fingerprint: str
    each: tuple[str, ...]
    group: tuple[str, ...]
    """Ids, in the order of `each`; '' is unattributed."""
    group_names: tuple[str, ...]
    span: Span | None
    period: str
    """How people call the span: `November`."""
    state: State
    reason: str
    level: str = ""
    severity: Severity | None = None
    value: int = 0
    amount: int | None = None
    team: str = ""
    owner: str = ""
    acknowledged_by: str | None = None
    """Who looks after it, where somebody does."""
    silenced_by: str | None = None
    """The silence that holds it back, `si_3`."""
    kind: str = "budget"
    unit: str = ""
    """What the figures count (`units.unit_of`); '' is dollars."""
    note: str = ""
    """What more there is to say of it, in words."""
    days: Span | None = None
    """The days its figures are about, where `span` is not."""
    estimated: int = 0
    """How much of the value is estimated."""
    limited: Limited | None = None
    """The hard limit of its project, where one is known to be set."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those of its rule."""
    acknowledgement: "Acknowledgement | None" = None
    silence: "Silence | None" = None

    @property
    def ratio(self) -> float | None:
        """Return value / amount; None where the amount is missing or zero."""
        return self.value / self.amount if self.amount else None

    @property
    def subject(self) -> str:
        """Return what the line speaks of: `search-prod`, `gpt-5.2 in labs`; the rule's name without a group."""
        return " · ".join(self.group_names) if self.group_names else self.rule_name


@dataclass(frozen=True, slots=True)
class Counts:
    """How many standings there are of a kind."""

    standings: int = 0
    judged: int = 0
    """Budgets that have an amount."""
    firing: int = 0
    """Budgets past a level."""
    watched: int = 0
    """What rules of other kinds judge."""
    alerts: int = 0
    """What of that they speak of."""

    def without(self, shown: "Counts") -> "Counts":
        """Return how many are left when some are shown."""
        return Counts(
            self.standings - shown.standings,
            self.judged - shown.judged,
            self.firing - shown.firing,
            self.watched - shown.watched,
            self.alerts - shown.alerts,
        )


def counted(standings: Iterable[tuple[str, bool, bool]]) -> Counts:
    """Return how many there are, given the kind of each, and whether it is judged and whether it fires."""
    found = Counter(standings)
    rows = [(kind == BUDGET, judged, firing, count) for (kind, judged, firing), count in found.items()]
    return Counts(
        sum(count for *_, count in rows),
        sum(count for budget, judged, _, count in rows if budget and judged),
        sum(count for budget, _, firing, count in rows if budget and firing),
        sum(count for budget, judged, _, count in rows if not budget and judged),
        sum(count for budget, _, firing, count in rows if not budget and firing),
    )


@dataclass(frozen=True, slots=True)
class Rest:
    """What belongs to others, where what is one's own is told first."""

    counts: Counts
    worst: Standing | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Where everything stands, worst first, with what the reader must know of the data."""

    as_of: datetime | None
    """The instant of the last complete poll of costs."""
    standings: tuple[Standing, ...]
    notes: tuple[str, ...] = ()
    """Stale data, a rule file that failed to load, a source that failed: one sentence each."""
    others: Counts = Counts()
    """What is not told one by one: none of it is worse than what is."""
    rest: Rest | None = None
    """What is not the asker's, where the standings are; None where they are everybody's."""

    @property
    def counts(self) -> Counts:
        """Return how many there are in all."""
        here = counted(
            (each.kind, each.amount is not None, each.state == "firing") for each in self.standings
        )
        return here.without(Counts().without(self.others))
