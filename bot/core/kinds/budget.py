"""`kind: budget` judged: spend so far in a period, against an amount; `bot.core.rules.budgets` reads it."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from bot.core.forecasting import COURSES, LOOKS_BACK, Foresight
from bot.core.groups import OTHER, fold
from bot.core.incident import Finding, Reason, Unjudged
from bot.core.limited import limited_project
from bot.core.limits import UNKNOWN, Limits
from bot.core.money import NANO
from bot.core.needs import Needs, learning
from bot.core.period import DAY, Period, Span
from bot.core.rules.book import LATE, Budget, Threshold
from bot.core.rules.budgets import ABOUT, KEYS, mentions, parse
from bot.core.spend import Group, Names
from bot.core.view import COST, LIVE, View, words_of

__all__ = ["ABOUT", "KEYS", "judge", "mentions", "needs", "parse"]

_ANY = 1_000_000 * NANO


def spans(rule: Budget, now: datetime) -> tuple[Span, ...]:
    """Return the periods judged at `now`, oldest first: closed ones until settle + 7 days, and today's."""
    return _spans(rule.period, rule.settle, now)


@lru_cache(maxsize=256)  # a thousand rules have a handful of periods
def _spans(period: Period, settle: timedelta, now: datetime) -> tuple[Span, ...]:
    today = now.date()
    current = period.containing(today)
    judged: list[Span] = []
    if current is None:
        past = period.fixed
        if past is not None and past.end <= today and now < past.ends_at + settle + LATE:
            judged.append(past)
        return tuple(judged)
    span: Span | None = current
    while span is not None and (span is current or now < span.ends_at + settle + LATE):
        judged.append(span)
        span = period.before(span)
    return tuple(reversed(judged))


def needs(rule: Budget, now: datetime) -> Needs:
    """Return what must be known to judge it: its periods, and with forecasts what they look back."""
    judged = spans(rule, now)
    limits = rule.amount.by_hard_limit
    if not judged:
        return Needs(limits=limits)
    current = judged[-1]
    judged = (*judged, *(look for span in judged for look in _earlier(rule, span, now) or ()))
    daily = None
    if rule.foresees and rule.period.kind in COURSES:
        daily = current.start - LOOKS_BACK
    first = min(span.start for span in judged)
    if rule.metric != COST:
        return Needs(first, (), min(first, daily or first), frozenset((rule.metric,)), limits)
    return Needs(first, judged, daily, frozenset((COST,)) if daily else frozenset(), limits)


class Judged(NamedTuple):
    """A period that is judged, or why it is not."""

    span: Span
    closed: bool
    state: Literal["learning", "nodata", ""] = ""
    why: str = ""
    """'' where nothing is said of it either."""


def judged(rule: Budget, view: View, now: datetime) -> tuple[Judged, ...]:
    """Return the periods that are judged at `now`: the same for all rules that are alike."""
    source = view.cost if rule.metric == COST else view.spend(rule.metric)
    found: list[Judged] = []
    for span in spans(rule, now):
        closed = now >= span.ends_at
        if source is None:
            why = f"{Reason.STALE}: no {words_of(rule.metric)} are stored yet"
            found.append(Judged(span, closed, "nodata", why))
        elif source.history_from is not None and span.start >= source.history_from:
            found.append(Judged(span, closed))
        elif not closed:
            found.append(Judged(span, closed, "learning", learning(source.history_from, span.start)))
    return tuple(found)


def judge(
    rule: Budget,
    view: View,
    now: datetime,
    watched: Collection[Group] | None = None,
    only: Collection[Span | None] | None = None,
    periods: Iterable[Judged] | None = None,
) -> Iterator[Finding | Unjudged]:
    """Say what is true of every group in every judged period, or in `only` some; without an amount it is not watched.

    With `watched`, a group that is below every level is told of only if it is one of those: of a hundred
    thousand groups, nearly all are far below, and have never been anything else. `periods` is what `judged`
    returns, for whoever knows it already.
    """
    levels: dict[int, tuple[Threshold, ...]] = {}
    lows: dict[int, int] = {}
    same_for_all = rule.amount.same_for_all and not rule.amount.by_hard_limit
    plan = rule.amount.entries[0][1] if same_for_all else None
    foresight = Foresight(rule, view, now) if rule.foresees else None
    totals = view.totals(rule.metric, rule.scope)
    for span, closed, state, why in periods if periods is not None else judged(rule, view, now):
        if only is not None and span not in only:
            continue
        if state:
            yield Unjudged(rule.id, None, state, why, span)
            continue
        sums, highest = totals.over(span)
        if plan is not None and foresight is None and watched is not None and len(sums) <= rule.limit:
            one = plan.amount_on(span.start)
            if one is None:
                continue
            least = lows.get(one)
            if least is None:
                least = lows[one] = _lowest(rule, one)
            if highest < least and not watched:
                continue
            groups = [item for item in sums.items() if item[1] >= least or item[0] in watched]
        else:
            groups = fold(sums, rule.limit)
        amounts: dict[str, int | None] = {}
        for group, value in groups:
            first = "" if same_for_all or not group else group[0]
            if first not in amounts:
                amounts[first] = amount_of(rule, group, view.names, view.limits, span)
            amount = amounts[first]
            if amount is None:
                if rule.amount.by_hard_limit and (why := _limit_unknown(rule, group, view)):
                    yield Unjudged(rule.id, group, "nodata", why, span)
                continue
            steps = levels.get(amount)
            if steps is None:
                steps = levels[amount] = levels_of(rule, amount)
                lows[amount] = _lowest(rule, amount)
            foreseen: tuple[Threshold, ...] = ()
            if foresight is not None and not closed:
                foreseen = foresight.of(group, span, value, amount)
            if watched is not None and value < lows[amount] and not foreseen and group not in watched:
                continue
            found = Finding(
                rule, group, span, value, amount, steps, closed, foreseen=foreseen,
                note=_no_price(rule, view, group, span), estimated=_estimated(rule, view, group, span),
            )  # fmt: skip
            yield found if rule.hold_days == 1 else _held(found, view, now)


def _lowest(rule: Budget, amount: int) -> int:
    """Return the least figure that reaches a level; nothing that was not spent does."""
    actual = [level.at(amount) for level in rule.thresholds if level.basis == "actual"]
    return max(min(actual), 1) if actual else _ANY * _ANY


def _earlier(rule: Budget, span: Span, now: datetime) -> tuple[Span, ...] | None:
    """Return the looks back of `for`: the period as it stood at the end of each of the days before the last one.

    None where the period has not had so many days.
    """
    looks: list[Span] = []
    last = min(now.astimezone(UTC).date(), span.last)
    for back in range(1, rule.hold_days):
        day = last - back * DAY
        period = rule.period.containing(day)
        if period is None or ((rule.shape == "period" or rule.period.kind == "week") and day < span.start):
            return None
        looks.append(Span(period.start, day + DAY))
    return tuple(looks)


def _held(found: Finding, view: View, now: datetime) -> Finding:
    """Return the finding with the levels that hold for as many days in a row as the rule asks."""
    rule = found.rule
    assert isinstance(rule, Budget)
    looks = _earlier(rule, found.span, now)
    then = [view.within(rule.metric, rule.scope, look).get(found.group, 0) for look in looks or ()]
    holding = tuple(
        level.label
        for level in found.reached
        if looks is not None and all(value >= level.at(found.amount) for value in then)
    )
    return replace(found, holding=holding, pending=bool(found.reached) and not holding)


def amount_of(rule: Budget, group: Group, names: Names, limits: Limits, span: Span) -> int | None:
    """Return the group's amount for a period; None when the rule does not watch it."""
    first = group[0] if rule.scope.each else ""
    name = first if first == OTHER or not rule.scope.each else names.of(rule.scope.each[0], first)
    plan = rule.amount.plan(first, name)
    if plan is None:
        return None
    if not plan.hard_limit:
        return plan.amount_on(span.start)
    project = limited_project(rule, group, names)
    limit = limits.of(project) if project is not None else UNKNOWN
    return limit.amount if limit.status == "set" else None


def _limit_unknown(rule: Budget, group: Group, view: View) -> str:
    first = group[0] if group else ""
    name = view.names.of(rule.scope.each[0], first) if group and first != OTHER else first
    plan = rule.amount.plan(first, name)
    if plan is None or not plan.hard_limit or first == OTHER:
        return ""
    project = limited_project(rule, group, view.names)
    if project is None:
        return f"{Reason.STALE}: hard_limit is that of one project or of everything, and this is neither"
    limit = view.limits.of(project)
    return (
        f"{Reason.STALE}: OpenAI's hard limit is not known ({limit.why})" if limit.status == "unknown" else ""
    )


def _estimated(rule: Budget, view: View, group: Group, span: Span) -> int:
    return view.estimated_within(rule.scope, group, span) if rule.metric == LIVE else 0


def _no_price(rule: Budget, view: View, group: Group, span: Span) -> str:
    """Return what is in no figure: `12 images of gpt-image-9 have no known price and are not counted`."""
    if rule.metric != LIVE:
        return ""
    found = view.has_no_price(rule.scope, group, span)
    return f"{' and '.join(found)} have no known price and are not counted" if found else ""


def levels_of(rule: Budget, amount: int) -> tuple[Threshold, ...]:
    """Return the rule's actual levels, lowest first, for an amount; of an amount of 0, by their percentage."""
    return _sorted(rule.thresholds, amount)


@lru_cache(maxsize=10_000)  # a thousand rules have a few amounts each, looked at on every poll
def _sorted(thresholds: tuple[Threshold, ...], amount: int) -> tuple[Threshold, ...]:
    actual = (level for level in thresholds if level.basis == "actual")
    return tuple(sorted(actual, key=lambda level: (level.at(amount), level.at(_ANY))))
