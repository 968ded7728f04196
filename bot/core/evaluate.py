"""Rules and what is known at an instant → findings. One scan of each source feeds them all."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from bot.core.incident import Finding, Unjudged
from bot.core.kinds import KINDS
from bot.core.kinds.freshness import allowed
from bot.core.needs import Needs, inactive
from bot.core.period import DAY, Span, midnight
from bot.core.readiness import unready
from bot.core.rules.book import LATE, Budget, Rule, Rulebook
from bot.core.spend import Group, cuts_of
from bot.core.view import View


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
    return Needs.all_of(KINDS[rule.kind].needs(rule, now) for rule in _active(book, now))


def alike(rule: Rule) -> Hashable:
    """Return what rules have in common that need the same, and are judged over the same days, at every instant."""
    applies = (rule.kind, rule.settle, rule.enabled, rule.from_day, rule.to_day)
    if not isinstance(rule, Budget):
        return (*applies, rule.id)
    return (
        *applies, rule.period, rule.metric, rule.foresees, rule.hold_days, rule.amount.by_hard_limit,
    )  # fmt: skip


def one_of_each(book: Rulebook) -> Rulebook:
    """Return a book that needs the same and has the same boundaries, with fewer rules."""
    return replace(book, rules=tuple({alike(rule): rule for rule in book.rules}.values()))


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
    for rule in book.rules:
        if not rule.active_on(now.astimezone(UTC).date()):
            unjudged.append(Unjudged(rule.id, None, "inactive", inactive(rule)))
            continue
        mine = None if watched is None else watched.get(rule.id, ())
        kind = KINDS[rule.kind]
        try:
            held = unready(rule, kind.needs(rule, now), fresh, view, now)
            judged = [held] if held else list(kind.judge(rule, view, now, mine))
        except Exception as error:  # noqa: BLE001 - one rule's trouble is told, and the others go on
            broken[rule.id] = error
            unjudged.append(unjudgeable(rule, error))
            continue
        for one in judged:
            if isinstance(one, Unjudged):
                unjudged.append(one)
            else:
                findings.append(one)
    widest = view.widest()
    folded = tuple(rule.id for rule in book.rules if widest.get(rule.scope, 0) > rule.limit)
    return Evaluation(tuple(findings), tuple(unjudged), folded, broken)


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


def _active(book: Rulebook, now: datetime) -> list[Rule]:
    today = now.astimezone(UTC).date()
    return [rule for rule in book.rules if rule.active_on(today)]
