"""Where every budget stands: what `status` says in Slack, in the shell and as JSON."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.core.period import Span
from bot.core.rules.book import Severity

State = Literal["learning", "ok", "pending", "firing", "ended", "inactive", "nodata", "error"]


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
    silenced_by: str | None = None

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
    """Those that have an amount."""
    firing: int = 0


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

    @property
    def counts(self) -> Counts:
        """Return how many there are in all."""
        return Counts(
            len(self.standings) + self.others.standings,
            sum(each.amount is not None for each in self.standings) + self.others.judged,
            sum(each.state == "firing" for each in self.standings) + self.others.firing,
        )
