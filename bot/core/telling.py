"""What a card says beside its figures: decided with the state, kept with it, so that delivery asks nobody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.core.groups import OTHER
from bot.core.incident import Finding
from bot.core.kinds.first_seen import FirstSeen
from bot.core.kinds.ratio import Ratio
from bot.core.limited import limited_project
from bot.core.outlook import Outlook
from bot.core.period import Span
from bot.core.rooms import team_of
from bot.core.rules.book import Budget, Rule, Rulebook
from bot.core.rules.metric_keys import dimensions_of
from bot.core.rules.select import Scope
from bot.core.spend import Group, Spend
from bot.core.units import USD
from bot.core.view import COST, View, words_of

SUSPECTS = ("line_item", "model", "api_key", "project")
"""Where most of the money went, in the order people ask; what the rule already names is left out."""
NO_SUMS = ("ratio", "freshness")
"""Kinds whose figure has no parts."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the largest parts of a group's spend: `key ingest-worker`, nano-dollars."""

    dimension: str
    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class Blame:
    """Who and since when: the part that the rise came from, or why that cannot be known."""

    parts: tuple[Part, ...] = ()
    """The widest first: a key, the model it asked, the direction that grew. Each one's amount is its rise."""
    share: int = 0
    """How much of the rise the last part makes up, in percent, rounded down."""
    since: str = ""
    """ISO 8601 day, or instant, at which it left its usual level; '' where it rose by and by."""
    since_hour: bool = False
    """`since` is an hour, and not a day."""
    why_not: str = ""
    """Why it is not told, or not in full: `costs are not told by key to this organization`."""
    fell: bool = False
    """It is a fall that is told apart."""
    looked: str = ""
    """The first day that was not settled when it was last looked at."""
    first_seen: bool = False
    """Somebody or something that is blamed was never there before `since`, as far as is stored."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Words and figures of one incident's card. Names are as they came: escaped when they are drawn."""

    rule_id: str
    title: str
    group: tuple[tuple[str, str], ...] = ()
    """(dimension, name) of the group, in the order of `each`."""
    selects: str = ""
    """What the rule selects, in its own words, where `each` does not say; '' is everything."""
    period: str = ""
    period_kind: str = "month"
    start: str = ""
    end: str = ""
    percents: tuple[tuple[str, int], ...] = ()
    """(level, nano-dollars at which it is reached), lowest first."""
    parts: tuple[Part, ...] = ()
    team: str = ""
    owner: str = ""
    runbook: str = ""
    link: str = ""
    """The rule's line in git."""
    limits_url: str = ""
    """OpenAI's page of the project's limits."""
    as_of: str = ""
    """ISO 8601 instant of the last complete poll of costs."""
    settles_at: str = ""
    commit: str = ""
    """The commit of the rule files, as git shortens it."""
    author: str = ""
    """Who last changed the rule's file, as git knows them; '' where there is no git to ask."""
    outlook: Outlook | None = None
    """What the period is on course for, as it was last seen."""
    kind: str = "budget"
    unit: str = ""
    """What the figures count (`units.unit_of`); '' is dollars."""
    note: str = ""
    """What more there is to say of it, in words."""
    about: tuple[str, ...] = ()
    """What its figures are about: of a ratio the words of both metrics, of what is new its dimension."""
    days: tuple[str, str] | None = None
    """First day and day after the last of what the figures are about, where that is not the span."""
    estimated: int = 0
    """How much of the figure is estimated."""
    hard_limit: int = 0
    """OpenAI's own limit of the project a calendar month, nano-dollars; 0 where none is known to be set."""
    looked: str = ""
    """The first day that was not settled when it was last looked ahead."""
    cut_off_at: str = ""
    """ISO 8601 instant at which OpenAI refuses requests at this pace; '' when not this month, or not known."""
    enforcing: bool = False
    """OpenAI refuses requests already."""
    blame: Blame | None = None
    """Who and since when; None where nobody looked, or its figure has no parts."""


class Teller:
    """Says what cards say; what the largest part of each group is, is looked up once for all groups."""

    def __init__(
        self, view: View, book: Rulebook, commit: str = "", authors: Mapping[str, str] | None = None
    ) -> None:
        self.view = view
        self.spend = view.cost
        self.book = book
        self.commit = commit
        self.authors = authors or {}
        self._largest: dict[tuple[int, Scope, Span, str], dict[Group, tuple[int, str]]] = {}

    def tell(self, finding: Finding, link: str = "", parts: tuple[Part, ...] | None = None) -> Telling:
        """Return what the card of a finding says; `parts` where they are known already."""
        rule, names = finding.rule, self.spend.names
        team = team_of(self.book, rule.scope, finding.group, names)
        project = limited_project(rule, finding.group, names) or ""
        return Telling(
            rule_id=rule.id,
            title=rule.name,
            group=self.named(rule, finding.group),
            selects=selects(rule.scope),
            period=finding.period,
            period_kind=rule.cadence,
            start=finding.span.start.isoformat(),
            end=finding.span.end.isoformat(),
            percents=tuple((level.label, level.at(finding.amount)) for level in finding.levels),
            parts=tuple(self._parts(finding)) if parts is None else parts,
            team=team.name if team else "",
            owner=team.owner if team else "",
            runbook=rule.runbook,
            link=link,
            limits_url=f"https://platform.openai.com/settings/{project}/limits"
            if _is_project(project)
            else "",
            as_of=_iso(self.spend.as_of),
            settles_at="" if rule.shape == "now" else _iso(finding.span.ends_at + rule.settle),
            commit=self.commit[:7],
            author=self.authors.get(rule.origin.file, ""),
            kind=rule.kind,
            unit="" if rule.unit is USD else rule.unit.key,
            note=finding.note,
            about=_about(rule),
            days=(finding.over.start.isoformat(), finding.over.end.isoformat()) if finding.over else None,
            estimated=finding.estimated,
        )

    def named(self, rule: Rule, group: Group) -> tuple[tuple[str, str], ...]:
        """Return a group as people know it."""
        return tuple(
            (dimension, OTHER if value == OTHER else self.spend.names.of(dimension, value))
            for dimension, value in zip(rule.scope.each, group, strict=True)
        )

    def subject(self, rule: Rule, group: Group) -> str:
        """Return what a rule and one of its groups speak of, without markup."""
        return subject(Telling(rule.id, rule.name, self.named(rule, group), selects(rule.scope)))

    def _parts(self, finding: Finding, top: int = 3) -> Iterable[Part]:
        """Return the largest part of the finding's figure by each dimension the rule does not name itself."""
        rule = finding.rule
        # An anomaly's figure is that of its day, however long it goes on; a ratio and an age are no sums at all.
        days = self.view.reached(rule.metric, finding.span if rule.kind == "anomaly" else finding.days)
        plain = isinstance(rule, Budget) and rule.metric == COST
        source = self.spend if plain else self.view.spend(rule.metric)
        if finding.value <= 0 or OTHER in finding.group or source is None:
            return
        if rule.kind in NO_SUMS or not {days.start, days.end} <= set(source.cuts):
            return
        each = rule.scope.each
        told = 0
        for dimension in SUSPECTS:
            if dimension in each or told == top or (dimension == "model" and "line_item" in each):
                continue
            if dimension not in dimensions_of(rule.metric):
                continue
            largest = self._by(source, rule.scope, days, dimension)
            amount, value = largest.get(finding.group, (0, ""))
            # Half a dollar of a thousand explains nothing, and neither does the lack of a name.
            if value and amount * 10 >= finding.value:
                told += 1
                yield Part(dimension, self.spend.names.of(dimension, value), amount)

    def _by(self, source: Spend, scope: Scope, span: Span, dimension: str) -> dict[Group, tuple[int, str]]:
        asked = (id(source), scope, span, dimension)
        known = self._largest.get(asked)
        if known is None:
            known = self._largest[asked] = {}
            for key, amount in source.within(scope, span, (*scope.each, dimension)).items():
                group, found = key[:-1], (amount, key[-1])
                known[group] = max(known.get(group, found), found)
        return known


WORDS = {
    "project": "project",
    "line_item": "line item",
    "model": "model",
    "api_key": "key",
    "user": "user",
    "team": "team",
}
"""Dimensions as people say them."""


def selects(scope: Scope) -> str:
    """Return what a rule selects where its fan-out does not say: `line item web search*, not model gpt-5-nano*`."""
    chosen = [
        f"{WORDS[dimension]} {' or '.join(map(str, patterns))}"
        for dimension, patterns in scope.select.terms
        if dimension not in scope.each
    ]
    left_out = [
        f"not {WORDS[dimension]} {' or '.join(map(str, patterns))}"
        for dimension, patterns in scope.excluded.terms
        if dimension not in scope.each
    ]
    return ", ".join((*chosen, *left_out))


def subject(telling: Telling) -> str:
    """Return what the card speaks of, without markup: `gpt-5.2 in search-prod`, `labs (line item web search*)`."""
    if not telling.group:
        return telling.selects or "the organization"
    names = dict(telling.group)
    said = " · ".join(name for _, name in telling.group)
    if len(telling.group) == 2 and "project" in names and OTHER not in names.values():
        other = next(name for dimension, name in telling.group if dimension != "project")
        said = f"{other} in {names['project']}"
    elif set(names.values()) == {OTHER}:
        said = f"{OTHER}, the smallest together"
    return f"{said} ({telling.selects})" if telling.selects else said


def _about(rule: Rule) -> tuple[str, ...]:
    if isinstance(rule, Ratio):
        return (words_of(rule.metric), words_of(rule.denominator))
    return (rule.dimension,) if isinstance(rule, FirstSeen) else ()


def _is_project(value: str) -> bool:
    # The id becomes part of a link: only what can be one.
    return value.isascii() and value.replace("_", "").replace("-", "").isalnum()


def _iso(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
