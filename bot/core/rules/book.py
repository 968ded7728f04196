"""The values a rule file becomes: frozen, complete, free of YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Literal

from bot.core.period import Period
from bot.core.quiet import Quiet
from bot.core.rules.select import Pattern, Scope

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")

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
    """A level of a budget: a share of the amount, or dollars."""

    label: str
    """As people write it: `80%`, `$500`."""
    severity: Severity
    percent: str = ""
    """Exact decimal text of the percentage; '' for a dollar level."""
    at_nano: int = 0
    """The dollars, for a dollar level."""
    basis: Literal["actual", "forecast"] = "actual"

    def at(self, amount: int) -> int:
        """Return the nano-dollars at which the level is reached, given the budget's amount, rounded up."""
        if not self.percent:
            return self.at_nano
        whole, _, fraction = self.percent.partition(".")
        # Integers all the way: 33.3% of an amount must not depend on how a float rounds.
        scale: int = 100 * 10 ** len(fraction)
        return -(-amount * int(whole + fraction) // scale)


@dataclass(frozen=True, slots=True)
class Plan:
    """An amount that changes on days: steps of (first day, nano-dollars); the first may begin at date.min."""

    steps: tuple[tuple[date, int], ...]

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

    def of(self, value: str, name: str, day: date) -> int | None:
        """Return the amount for a group in a period that starts on `day`; None when it is not watched."""
        for pattern, plan in self.entries:
            if pattern is None or pattern.matches(value, name):
                return plan.amount_on(day)
        return None


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


@dataclass(frozen=True, slots=True)
class Rule:
    """What every kind of rule has."""

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


@dataclass(frozen=True, slots=True)
class Budget(Rule):
    """Spend so far in a period, against an amount."""

    period: Period = field(default_factory=lambda: Period("month"))
    amount: Amount = field(default_factory=lambda: Amount(()))
    thresholds: tuple[Threshold, ...] = ()
    """In the order of the file."""


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
