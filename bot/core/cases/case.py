"""What a case file says: frozen values, each with the place where it stands, so that a failure points there."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from bot.core.limits import Limit
from bot.core.rules.nodes import Entry, Node
from bot.core.rules.nodes import Mapping as MappingNode

Labels = tuple[tuple[str, str], ...]
"""(dimension, name as it was written), in the order of the file."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A day's figure from the instant it is known: dollars, or the metric's own unit."""

    seen: datetime
    day: date
    figure: Decimal
    place: Node


@dataclass(frozen=True, slots=True)
class Line:
    """One series of days."""

    metric: str
    """`cost`, `spend`, a usage metric's wire name; '' for the one its rule counts."""
    labels: Labels
    readings: tuple[Reading, ...]
    place: Node


@dataclass(frozen=True, slots=True)
class Edit:
    """The rule as it is from an instant on: some keys written anew, or the rule taken out."""

    at: datetime
    keys: tuple[Entry, ...]
    remove: bool
    place: Node


@dataclass(frozen=True, slots=True)
class LimitStep:
    """One of OpenAI's hard limits as it is from an instant on; None is always."""

    project: str
    """'' for the organization's own."""
    limit: Limit
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """The machine's clock moves by so many seconds at an instant."""

    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Outage:
    """Polls fail from one instant up to another: nothing new is known."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be so at an instant; what is not said is not looked at."""

    at: datetime
    place: MappingNode
    group: Labels | None = None
    """Another group than the case's."""
    state: str = ""
    level: str = ""
    severity: str = ""
    reason: str = ""
    says: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    """What nobody may read."""
    value: Decimal | None = None
    amount: Decimal | None = None
    messages: int | None = None
    """How many messages there were so far."""
    replies: int | None = None
    """How many lines their threads hold so far."""

    @property
    def reads(self) -> bool:
        """Tell whether words are looked at: they take longer to find than states."""
        return bool(self.says or self.silent)


@dataclass(frozen=True, slots=True)
class Case:
    """One story of one rule."""

    name: str
    rule_id: str
    rule_place: Node
    place: MappingNode
    group: Labels | None = None
    group_place: Node | None = None
    lines: tuple[Line, ...] = ()
    limits: tuple[LimitStep, ...] = ()
    edits: tuple[Edit, ...] = ()
    clock: tuple[Step, ...] = ()
    outages: tuple[Outage, ...] = ()
    history_from: date | None = None
    expects: tuple[Expectation, ...] = ()

    @property
    def first_day(self) -> date:
        """Return the first day any series has."""
        return min(reading.day for line in self.lines for reading in line.readings)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of a file, and the rule files they are about."""

    cases: tuple[Case, ...] = ()
    rules: tuple[tuple[str, Node], ...] = ()
    """Paths relative to the file, with their places; none is every rule file of its folder."""
    written: int = field(default=0)
    """How many cases stand in the file, right or wrong."""
