"""What a digest tells besides its report: who moved the most, which alerts came and went, how the month goes on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.charts import Chart
from bot.core.course import Course
from bot.core.filters import Filter, scope_of
from bot.core.incident import Incident
from bot.core.period import Span
from bot.core.report import Report
from bot.core.rooms import team_of
from bot.core.rules.book import Rulebook
from bot.core.spend import Names, Spend
from bot.core.verbs import TIMES

MOVERS = 3


@dataclass(frozen=True, slots=True)
class Mover:
    """A group that came to more, or less, than in the range before."""

    names: tuple[str, ...]
    change: int
    """Nano-dollars; negative of what fell."""
    before: int


@dataclass(frozen=True, slots=True)
class Alerting:
    """How many alerts people were told of."""

    opened: int = 0
    """In the range."""
    closed: int = 0
    """In the range."""
    open: int = 0
    """Now."""
    acknowledged: int = 0
    """Of those that are open."""


@dataclass(frozen=True, slots=True)
class Digested:
    """A report with what a reader wants to know beside it."""

    report: Report
    chart: Chart | None = None
    course: Course | None = None
    """The month that the report is, or else the running one, of what the report selects."""
    up: tuple[Mover, ...] = ()
    down: tuple[Mover, ...] = ()
    alerting: Alerting = Alerting()
    unwatched: tuple[tuple[str, int], ...] = ()
    """Projects that no budget watches, by name, with what they spent this month."""


def movers(report: Report, spend: Spend, most: int = MOVERS) -> tuple[tuple[Mover, ...], tuple[Mover, ...]]:
    """Return who rose and who fell the most against the range before; nobody where that is not all stored.

    They are told apart as the report tells them apart, by project where it follows time.
    """
    if report.before is None:
        return (), ()
    by = tuple(dimension for dimension in report.by if dimension not in TIMES) or ("project",)
    scope = scope_of(report.query.filters)
    now, then = (spend.within(scope, span, by) for span in (report.span, report.compared))
    found = [
        Mover(
            tuple(map(spend.names.of, by, group)), now.get(group, 0) - then.get(group, 0), then.get(group, 0)
        )
        for group in {**now, **then}
    ]
    if len(found) < 2:
        return (), ()  # the total has moved as much
    up = sorted((each for each in found if each.change > 0), key=lambda each: (-each.change, each.names))
    down = sorted((each for each in found if each.change < 0), key=lambda each: (each.change, each.names))
    return tuple(up[:most]), tuple(down[:most])


def alerting(
    incidents: Iterable[Incident],
    acknowledged: Iterable[str],
    span: Span,
    book: Rulebook,
    names: Names,
    filters: Sequence[Filter],
) -> Alerting:
    """Count the alerts of what a report selects: those that people were told of."""
    told = [each for each in incidents if each.announced and about(each, book, names, filters)]
    open_ = {each.fingerprint for each in told if each.state == "firing"}
    return Alerting(
        sum(_within(each.opened_at, span) for each in told),
        sum(_within(each.ended_at, span) for each in told),
        len(open_),
        len(open_ & set(acknowledged)),
    )


def about(incident: Incident, book: Rulebook, names: Names, filters: Sequence[Filter]) -> bool:
    """Tell whether an incident is of what the filters select; of a wider sum it is nobody's in particular."""
    if not filters:
        return True
    rule = next((rule for rule in book.rules if rule.id == incident.rule_id), None)
    if rule is None or len(rule.scope.each) != len(incident.group):
        return False
    values = dict(zip(rule.scope.each, incident.group, strict=True))
    if "team" not in values and (team := team_of(book, rule.scope, incident.group, names)) is not None:
        values["team"] = team.name
    return all(
        condition.admits(values[condition.key], names.of(condition.key, values[condition.key]))
        if condition.key in values
        else condition.op == "!="
        for condition in filters
    )


def _within(at: datetime | None, span: Span) -> bool:
    return at is not None and at.date() in span
