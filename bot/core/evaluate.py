"""Rules and spend at an instant → findings. One scan feeds them all."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from bot.core.incident import Finding, Unjudged
from bot.core.kinds import budget_judge
from bot.core.period import DAY, Span, midnight
from bot.core.rules.book import LATE, Budget, Rulebook
from bot.core.rules.select import Scope
from bot.core.spend import Group, Spend, cuts_of


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is true at an instant, and what could not be judged."""

    findings: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    folded: tuple[str, ...] = field(default=())
    """Rules with more groups than their limit."""


def cuts(book: Rulebook, now: datetime, more: Iterable[Span] = ()) -> tuple[date, ...]:
    """Return where the scan must be cut so that every rule of the book can be judged at `now`."""
    spans = [
        span
        for rule in _budgets(book)
        if rule.active_on(now.date())
        for span in budget_judge.spans(rule, now)
    ]
    return cuts_of((*spans, *more))


def needs_from(book: Rulebook, now: datetime) -> date | None:
    """Return the first day whose costs some rule looks at; None when none does."""
    return min(
        (span.start for rule in _budgets(book) for span in budget_judge.spans(rule, now)), default=None
    )


def evaluate(
    book: Rulebook,
    spend: Spend,
    now: datetime,
    watched: Mapping[str, Collection[Group]] | None = None,
) -> Evaluation:
    """Judge every rule; a function of its arguments alone.

    With `watched` (rule → groups), groups below every level are left out but for those.
    """
    findings: list[Finding] = []
    unjudged: list[Unjudged] = []
    folded: dict[str, None] = {}
    known: dict[tuple[Scope, Span], dict[Group, int]] = {}

    def sums(scope: Scope, span: Span) -> dict[Group, int]:
        # Many rules look at the same groups: they are added up once.
        key = (scope, span)
        found = known.get(key)
        if found is None:
            found = known[key] = spend.within(scope, span)
        return found

    for rule in _budgets(book):
        mine = None if watched is None else watched.get(rule.id, ())
        for judged in budget_judge.judge(rule, spend, now, sums, mine):
            if isinstance(judged, Unjudged):
                unjudged.append(judged)
            else:
                findings.append(judged)
                if judged.group[:1] == (budget_judge.OTHER,):
                    folded[rule.id] = None
    return Evaluation(tuple(findings), tuple(unjudged), tuple(folded))


def next_boundary(book: Rulebook, now: datetime) -> datetime:
    """Return the next instant at which the same data can mean something else.

    A day begins (periods roll over, plans step, rules start and end), a closed period settles, or it
    is no longer judged.
    """
    today = midnight(now.astimezone(UTC).date())
    moments = {today + DAY}
    for settle in {rule.settle for rule in _budgets(book)}:
        for wait in (settle, settle + LATE):
            rest = timedelta(seconds=wait.total_seconds() % DAY.total_seconds())
            moments.update((today + rest, today + DAY + rest))
    return min(moment for moment in moments if moment > now)


def _budgets(book: Rulebook) -> list[Budget]:
    return [rule for rule in book.rules if isinstance(rule, Budget)]
