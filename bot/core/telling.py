"""What a card says beside its figures: decided with the state, kept with it, so that delivery asks nobody."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.dimension import UNATTRIBUTED
from bot.core.incident import Finding
from bot.core.kinds.budget_judge import OTHER
from bot.core.period import Span
from bot.core.rooms import team_of
from bot.core.rules.book import Budget, Rulebook
from bot.core.spend import Spend

SUSPECTS = ("line_item", "model", "api_key", "project")
"""Where most of the money went, in the order people ask; what the rule already names is left out."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the largest parts of a group's spend: `key ingest-worker`, nano-dollars."""

    dimension: str
    name: str
    amount: int
    new_since: str = ""
    """The first day it was seen, when that lies inside the period."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Words and figures of one incident's card. Names are as they came: escaped when they are drawn."""

    rule_id: str
    title: str
    group: tuple[tuple[str, str], ...] = ()
    """(dimension, name) of the group, in the order of `each`."""
    selects: str = ""
    """What the rule selects, in its own words, where `each` does not say."""
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
    extra: dict[str, str] = field(default_factory=dict)


def tell(finding: Finding, spend: Spend, book: Rulebook, link: str = "") -> Telling:
    """Return what the card of a finding says."""
    rule, names = finding.rule, spend.names
    group = tuple(
        (dimension, OTHER if value == OTHER else names.of(dimension, value))
        for dimension, value in zip(rule.scope.each, finding.group, strict=True)
    )
    team = team_of(book, rule.scope, finding.group, names)
    project = dict(zip(rule.scope.each, finding.group, strict=True)).get("project", "")
    return Telling(
        rule_id=rule.id,
        title=rule.name,
        group=group,
        selects="" if group else str(rule.scope.select) or "the organization",
        period=rule.period.name(finding.span),
        period_kind=rule.period.kind,
        start=finding.span.start.isoformat(),
        end=finding.span.end.isoformat(),
        percents=tuple((level.label, level.at(finding.amount)) for level in finding.levels),
        parts=tuple(parts(finding, spend)),
        team=team.name if team else "",
        owner=team.owner if team else "",
        runbook=rule.runbook,
        link=link,
        limits_url=f"https://platform.openai.com/settings/{project}/limits" if _is_project(project) else "",
        as_of=_iso(spend.as_of),
        settles_at=_iso(finding.span.ends_at + rule.settle),
    )


def parts(finding: Finding, spend: Spend, top: int = 3) -> Iterable[Part]:
    """Return the largest part of the finding's spend by each dimension the rule does not name itself."""
    if finding.value <= 0:
        return
    each = finding.rule.scope.each
    told = 0
    for dimension in SUSPECTS:
        if dimension in each or told == top or (dimension == "model" and "line_item" in each):
            continue
        sums = {
            key[-1]: amount
            for key, amount in spend.within(finding.rule.scope, finding.span, (*each, dimension)).items()
            if key[:-1] == finding.group
        }
        value, amount = max(sums.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        # Half a dollar of a thousand explains nothing, and neither does the lack of a name.
        if value and amount * 10 >= finding.value:
            told += 1
            yield Part(dimension, spend.names.of(dimension, value), amount)


def subject(telling: Telling) -> str:
    """Return what the card speaks of, without markup: `gpt-5.2 in search-prod`."""
    names = {dimension: name for dimension, name in telling.group if name not in UNATTRIBUTED.values()}
    if not telling.group:
        return telling.selects
    if len(telling.group) == 2 and "project" in names and len(names) == 2:
        other = next(name for dimension, name in telling.group if dimension != "project")
        return f"{other} in {names['project']}"
    return " · ".join(name for _, name in telling.group)


def is_settled(span: Span, rule: Budget, now: datetime) -> bool:
    """Tell whether every day of a span has settled."""
    return now >= span.ends_at + rule.settle


def _is_project(value: str) -> bool:
    # The id becomes part of a link: only what can be one.
    return value.isascii() and value.replace("_", "").replace("-", "").isalnum()


def _iso(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
