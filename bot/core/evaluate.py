"""Rules and what is known at an instant → findings. One scan of each source feeds them all."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from bot.core.alike import sort
from bot.core.incident import Finding, Unjudged
from bot.core.kinds import KINDS, budget
from bot.core.kinds.freshness import allowed
from bot.core.needs import Needs, inactive
from bot.core.period import DAY, Span, midnight
from bot.core.readiness import known_sources, late, refused
from bot.core.rules.book import LATE, Budget, Rule, Rulebook
from bot.core.spend import Group, cuts_of
from bot.core.view import Source, View


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is true at an instant, and what could not be judged."""

    findings: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    folded: tuple[str, ...] = field(default=())
    """Rules with more groups than their limit."""
    broken: Mapping[str, Exception] = field(default_factory=dict)
    """Rules whose judging raised: a mistake of ours, told, that keeps no other rule from being judged."""


def needs(book: Rulebook, now: datetime) -> Needs:
    """Return what must be known so that every rule of the book can be judged at `now`."""
    today = now.astimezone(UTC).date()
    return Needs.all_of(
        KINDS[rule.kind].needs(rule, now) for rule in sort(book).firsts if rule.active_on(today)
    )


def cuts(book: Rulebook, now: datetime, more: Iterable[Span] = ()) -> tuple[date, ...]:
    """Return where the scan of billed cost must be cut so that every rule of the book can be judged at `now`."""
    return cuts_of((*needs(book, now).spans, *more))


def needs_from(book: Rulebook, now: datetime) -> date | None:
    """Return the first day some rule looks at; None when none does."""
    wanted = needs(book, now)
    return min((day for day in (wanted.first, wanted.daily) if day), default=None)


def evaluate(
    book: Rulebook, view: View, now: datetime, watched: Mapping[str, Collection[Group]] | None = None
) -> Evaluation:
    """Judge every rule; a function of its arguments alone.

    With `watched` (rule → groups), groups below every level are left out but for those.
    """
    findings: list[Finding] = []
    unjudged: list[Unjudged] = []
    broken: dict[str, Exception] = {}
    fresh = allowed(book, now)
    order = sort(book)
    shared = [_shared(rule, fresh, view, now) for rule in order.firsts]
    for rule, number in zip(book.rules, order.numbers, strict=True):
        mine = None if watched is None else watched.get(rule.id, ())
        try:
            judged = shared[number].judge(rule, view, now, mine)
        except Exception as error:  # noqa: BLE001 - one rule's trouble is told, and the others go on
            broken[rule.id] = error
            unjudged.append(unjudgeable(rule, error))
            continue
        for one in judged:
            if isinstance(one, Unjudged):
                unjudged.append(one)
            else:
                findings.append(one)
    return Evaluation(tuple(findings), tuple(unjudged), tuple(_folded(book, view)), broken)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What rules that are alike have in common at an instant."""

    held: Unjudged | None = None
    """Why none of them is judged."""
    refusing: tuple[Source, ...] = ()
    """The sources they read that do not tell everything apart."""
    periods: tuple[budget.Judged, ...] | None = None
    """Of budgets, what is judged."""
    error: Exception | None = None
    """A mistake of ours."""

    def judge(
        self, rule: Rule, view: View, now: datetime, watched: Collection[Group] | None
    ) -> Iterable[Finding | Unjudged]:
        """Return what is true of one of them."""
        if self.error is not None:
            raise self.error
        held = refused(rule, self.refusing) if self.refusing else None
        if held is None and self.held is not None:
            held = replace(self.held, rule_id=rule.id)
        if held is not None:
            return (held,)
        if self.periods is not None:
            assert isinstance(rule, Budget)
            return list(budget.judge(rule, view, now, watched, periods=self.periods))
        return list(KINDS[rule.kind].judge(rule, view, now, watched))


def _shared(rule: Rule, fresh: tuple[timedelta, timedelta], view: View, now: datetime) -> _Shared:
    """Return what a rule has in common with those that are alike."""
    if not rule.active_on(now.astimezone(UTC).date()):
        return _Shared(Unjudged(rule.id, None, "inactive", inactive(rule)))
    kind = KINDS[rule.kind]
    try:
        sources = known_sources(kind.needs(rule, now), view)
        held = late(rule, sources, fresh, view, now)
        periods = None
        if isinstance(rule, Budget) and kind.judge is budget.judge:
            periods = budget.judged(rule, view, now)
    except Exception as error:  # noqa: BLE001 - it is told of each of them
        return _Shared(error=error)
    return _Shared(held, tuple(source for source in sources if source.refused), periods)


def _folded(book: Rulebook, view: View) -> Iterator[str]:
    """Yield the rules with more groups than their limit."""
    widest = view.widest()
    most = max(widest.values(), default=0)
    for rule in book.rules:
        if rule.limit < most and rule.limit < widest.get(rule.scope, 0):
            yield rule.id


def unjudgeable(rule: Rule, error: Exception) -> Unjudged:
    """Return what is told of a rule whose judging raised."""
    return Unjudged(rule.id, None, "error", f"could not be evaluated: {type(error).__name__}")


def next_boundary(book: Rulebook, now: datetime) -> datetime:
    """Return the next instant at which the same data can mean something else.

    A day begins (periods roll over, plans step, rules start and end), a day settles, or a closed period is no
    longer judged.
    """
    today = midnight(now.astimezone(UTC).date())
    moments = {today + DAY}
    for settle in {rule.settle for rule in book.rules}:
        for wait in (settle, settle + LATE):
            rest = timedelta(seconds=wait.total_seconds() % DAY.total_seconds())
            moments.update((today + rest, today + DAY + rest))
    return min(moment for moment in moments if moment > now)
