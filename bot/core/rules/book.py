"""The values a rule file becomes: frozen, complete, free of YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import ClassVar, Literal

from bot.core.period import DAY, Period, PeriodKind, Span, show_day
from bot.core.quiet import Quiet
from bot.core.rules.select import Pattern, Scope
from bot.core.severity import SEVERITIES, Severity
from bot.core.units import USD, Unit

TEAM = "team"
"""The route that means: the team of the group's project."""

LATE = timedelta(days=7)
"""How long after it settled a closed period is still judged."""


def rank(severity: str) -> int:
    """Return 0 for info up to 2 for critical; -1 for no severity."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a rule stands: a file below the rules folder, and the line of its first key (1-based)."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A level of a rule: a share of the amount, dollars, or dollars over the amount."""

    label: str
    """As people write it: `80%`, `$500`, `forecast 100%`."""
    severity: Severity
    percent: str = ""
    """Exact decimal text of the percentage; '' for a dollar level."""
    at_nano: int = 0
    """The dollars, for a dollar level."""
    basis: Literal["actual", "forecast"] = "actual"
    confidence: float = 0.8
    """How probable a forecast must be."""
    over: bool = False
    """`at_nano` are counted from the amount on."""

    def at(self, amount: int) -> int:
        """Return the figure at which the level is reached, given the rule's amount, rounded up."""
        if not self.percent:
            return amount + self.at_nano if self.over else self.at_nano
        part, whole = _share(self.percent)
        return -(-amount * part // whole)


@lru_cache(maxsize=1024)  # a level is asked at every look, in every group
def _share(percent: str) -> tuple[int, int]:
    """Return a percentage as a fraction of integers: 33.3% of an amount must not depend on how a float rounds."""
    whole, _, fraction = percent.partition(".")
    return int(whole + fraction), 100 * 10 ** len(fraction)


@dataclass(frozen=True, slots=True)
class Plan:
    """An amount that changes on days: steps of (first day, amount); the first may begin at date.min."""

    steps: tuple[tuple[date, int], ...] = ()
    hard_limit: bool = False
    """The amount is OpenAI's own limit of the project or the organization."""

    def amount_on(self, day: date) -> int | None:
        """Return the amount of a period that starts on `day`; None before the first step."""
        in_force = [amount for first, amount in self.steps if first <= day]
        return in_force[-1] if in_force else None


@dataclass(frozen=True, slots=True)
class Amount:
    """The table of a budget's amounts: first match over the group's first dimension wins.

    A pattern of None stands for `else`, or for the one amount of everything.
    """

    entries: tuple[tuple[Pattern | None, Plan], ...]

    def plan(self, value: str, name: str) -> Plan | None:
        """Return the plan of a group; None when it is not watched."""
        for pattern, plan in self.entries:
            if pattern is None or pattern.matches(value, name):
                return plan
        return None

    def of(self, value: str, name: str, day: date) -> int | None:
        """Return the amount for a group in a period that starts on `day`; None when it is not watched."""
        plan = self.plan(value, name)
        return plan.amount_on(day) if plan else None

    @property
    def same_for_all(self) -> bool:
        """Tell whether every group has the same."""
        return [pattern for pattern, _ in self.entries] == [None]

    @property
    def by_hard_limit(self) -> bool:
        """Tell whether OpenAI's limits are part of it."""
        return any(plan.hard_limit for _, plan in self.entries)


@dataclass(frozen=True, slots=True)
class Team:
    """Who owns which projects: a project belongs to the first team that matches."""

    name: str
    projects: tuple[Pattern, ...]
    channel: str = ""
    owner: str = ""
    page: str = ""
    """Mentioned at critical."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Where a critical alert is said as well that nobody acknowledged for a while."""

    after: timedelta
    to: str
    """A route's name."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a rule speaks: a channel or a user, whom it mentions at critical, and what it does not say."""

    name: str
    channel: str = ""
    user: str = ""
    mention: tuple[str, ...] = ()
    only: Severity = "info"
    """The floor: below it the route stays silent."""
    gather: timedelta = timedelta(minutes=60)
    quiet: str = ""
    """The name of its quiet hours."""
    remind: time | None = time(9)
    """When it is reminded of what nobody acknowledged, by the clocks of the book's time zone; None for never."""
    escalate: Escalation | None = None
    webhook: str = ""
    """The name of the setting that holds the address events are sent to."""


Shape = Literal["period", "run", "now"]
"""What an incident of a rule is: one a period, one a run of judged days, or as long as it is so now."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What every kind of rule has."""

    shape: ClassVar[Shape | property] = "run"
    ends_aloud: ClassVar[bool] = True
    """Its end is worth a line in the thread."""

    id: str
    kind: str
    origin: Origin
    title: str = ""
    runbook: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    limit: int = 500
    """How many groups are judged; the smallest beyond it fold into one."""
    route: str = ""
    """A route's name, `team`, or '' for the default."""
    settle: timedelta = timedelta(hours=36)
    was: tuple[str, ...] = ()
    enabled: bool = True
    from_day: date | None = None
    to_day: date | None = None
    """The first day it no longer applies."""
    severity: Severity = "warning"
    critical_above: int = 0
    """Nano-dollars over what was expected that make it critical; 0 for never."""
    hold_days: int = 1
    """`for`: on so many data days in a row it must hold."""
    metric: str = "cost"

    def active_on(self, day: date) -> bool:
        """Tell whether the rule judges anything on `day`."""
        return (
            self.enabled
            and (self.from_day is None or self.from_day <= day)
            and (self.to_day is None or day < self.to_day)
        )

    @property
    def name(self) -> str:
        """Return what people call the rule."""
        return self.title or self.id

    @property
    def unit(self) -> Unit:
        """Return what its figures count."""
        return USD

    @property
    def falls(self) -> bool:
        """Tell whether less is worse."""
        return False

    @property
    def cadence(self) -> PeriodKind:
        """Return how long each of its judged spans is."""
        return "day"

    def called(self, span: Span) -> str:
        """Return how people call a judged span: `November`, `22 Nov`."""
        return show_day(span.start)

    def newest(self, now: datetime) -> date | None:
        """Return the first day of the newest span it judges: the last settled day; None outside its dates."""
        return (now.astimezone(UTC) - self.settle).date() - DAY

    @property
    def touching(self) -> timedelta:
        """Return how soon after a breach the next one continues its run."""
        return 2 * DAY

    @property
    def quiet_for(self) -> timedelta:
        """Return how far the newest span is past a breach when its run is over."""
        return 2 * DAY


TOUCHING = {"day": 3 * DAY, "week": 7 * DAY, "rolling": 3 * DAY}
"""A breach of a budget this soon after the last one continues its run."""


@dataclass(frozen=True, slots=True)
class Budget(Rule):
    """Spend so far in a period, against an amount."""

    period: Period = field(default_factory=lambda: Period("month"))
    amount: Amount = field(default_factory=lambda: Amount(()))
    thresholds: tuple[Threshold, ...] = ()
    """In the order of the file."""
    counts: Unit = USD

    @property
    def shape(self) -> Shape:  # type: ignore[override]  # the period decides
        return "run" if self.period.runs else "period"

    @property
    def unit(self) -> Unit:
        return self.counts

    @property
    def cadence(self) -> PeriodKind:
        return self.period.kind

    def called(self, span: Span) -> str:
        return self.period.name(span)

    def newest(self, now: datetime) -> date | None:
        current = self.period.containing(now.astimezone(UTC).date())
        return current.start if current else None

    @property
    def touching(self) -> timedelta:
        return TOUCHING[self.period.kind]

    @property
    def quiet_for(self) -> timedelta:
        return TOUCHING[self.period.kind] + DAY

    @property
    def foresees(self) -> bool:
        """Tell whether a level of it is about the forecast."""
        return any(level.basis == "forecast" for level in self.thresholds)


@dataclass(frozen=True, slots=True)
class Digest:
    """A report that is posted on schedule."""

    id: str
    schedule: str
    """A cron expression, by the clocks of the book's time zone."""
    report: str
    """What `/budget report` is asked: `last-week by project`."""
    route: str = ""
    """'' for the default."""
    chart: bool = True


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Every rule, team and route of a tree of files, consistent in itself."""

    rules: tuple[Rule, ...] = ()
    teams: tuple[Team, ...] = ()
    routes: Mapping[str, Route] = field(default_factory=dict)
    timezone: str = "UTC"
    default_route: str = ""
    """'' when no file names one: then BUDGETBOT_CHANNEL speaks."""
    quiets: Mapping[str, Quiet] = field(default_factory=dict)
    digests: tuple[Digest, ...] = ()
    freshness_poll: timedelta = timedelta(hours=3)
    """Costs that could not be read for so long are said to be stale."""
    freshness_data: timedelta = timedelta(hours=40)
    """So may the end of the newest day with costs, while usage shows requests after it."""
    built_in: bool = False
    """Nobody wrote it: it is the one that is in force without any rule file."""
    hash: str = ""
    """SHA-256 over the files' names and texts: equal text, equal meaning."""

    def rule(self, rule_id: str) -> Rule | None:
        """Find a rule by its id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def team_of(self, project_id: str, name: str) -> str:
        """Return the name of the first team that claims the project; '' when none does."""
        for team in self.teams:
            if any(pattern.matches(project_id, name) for pattern in team.projects):
                return team.name
        return ""

    def team(self, name: str) -> Team | None:
        """Find a team by its name."""
        return next((team for team in self.teams if team.name == name), None)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a rule file, at its place (1-based line and column), with a stable code."""

    file: str
    line: int
    column: int
    code: str
    message: str
    severity: Literal["error", "warning"] = "error"
    suggestion: str = ""
    """The word that was probably meant."""
    excerpt: str = ""
    """The line of the file."""
    width: int = 1
    """How many characters of it to underline."""
