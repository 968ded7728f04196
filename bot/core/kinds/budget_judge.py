"""The arithmetic of `kind: budget`: which periods are judged, and what is true in them."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from bot.core.incident import Finding, Reason, Unjudged
from bot.core.money import NANO
from bot.core.period import Period, Span, show_day
from bot.core.rules.book import LATE, Budget, Threshold
from bot.core.rules.select import Scope
from bot.core.spend import Group, Spend

OTHER = "(other)"
"""The group into which the smallest fold when a rule has more groups than its limit."""

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


Sums = Callable[[Scope, Span], dict[Group, int]]
"""What was spent in a scope over a span, by group."""


def judge(
    rule: Budget,
    spend: Spend,
    now: datetime,
    sums: Sums | None = None,
    watched: Collection[Group] | None = None,
) -> Iterator[Finding | Unjudged]:
    """Say what is true of every group in every judged period; groups without an amount are not watched.

    With `watched`, a group that is below every level is told of only if it is one of those: of a hundred
    thousand groups, nearly all are far below, and have never been anything else.
    """
    if not rule.active_on(now.date()):
        yield Unjudged(rule.id, None, "inactive", _dates(rule))
        return
    sums = sums or spend.within
    levels: dict[int, tuple[Threshold, ...]] = {}
    lows: dict[int, int] = {}
    same_for_all = [pattern for pattern, _ in rule.amount.entries] == [None]
    for span in spans(rule, now):
        if spend.history_from is None or span.start < spend.history_from:
            if now < span.ends_at:
                yield Unjudged(rule.id, None, "learning", _learning(spend, span), span)
            continue
        closed = now >= span.ends_at
        amounts: dict[str, int | None] = {}
        for group, value in fold(sums(rule.scope, span), rule.limit):
            first = "" if same_for_all or not group else group[0]
            if first not in amounts:
                amounts[first] = amount_of(rule, group, spend, span)
            amount = amounts[first]
            if amount is None:
                continue
            steps = levels.get(amount)
            if steps is None:
                steps = levels[amount] = levels_of(rule, amount)
                lows[amount] = steps[0].at(amount) if steps else 0
            if watched is not None and (value <= 0 or value < lows[amount]) and group not in watched:
                continue
            yield Finding(rule, group, span, value, amount, steps, closed)


def fold(groups: dict[Group, int], limit: int) -> list[tuple[Group, int]]:
    """Return the largest `limit` groups, and the sum of the others as one group."""
    if len(groups) <= limit:
        return list(groups.items())
    ranked = sorted(groups.items(), key=lambda item: (-item[1], item[0]))
    kept, rest = ranked[:limit], ranked[limit:]
    width = len(rest[0][0])
    return [*kept, ((OTHER,) * width, sum(value for _, value in rest))]


def amount_of(rule: Budget, group: Group, spend: Spend, span: Span) -> int | None:
    """Return the group's amount for a period; None when the rule does not watch it."""
    if not rule.scope.each:
        return rule.amount.of("", "", span.start)
    first = group[0]
    name = first if first == OTHER else spend.names.of(rule.scope.each[0], first)
    return rule.amount.of(first, name, span.start)


def levels_of(rule: Budget, amount: int) -> tuple[Threshold, ...]:
    """Return the rule's levels, lowest first, for an amount; of an amount of 0, by their percentage."""
    return tuple(sorted(rule.thresholds, key=lambda level: (level.at(amount), level.at(_ANY))))


def _learning(spend: Spend, span: Span) -> str:
    had = f"history from {show_day(spend.history_from)}" if spend.history_from else "no history yet"
    return f"{Reason.LEARNING}: {had}, needs {show_day(span.start)}"


def _dates(rule: Budget) -> str:
    if not rule.enabled:
        return f"{Reason.INACTIVE}: switched off"
    since = f" from {rule.from_day}" if rule.from_day else ""
    until = f" up to {rule.to_day}" if rule.to_day else ""
    return f"{Reason.INACTIVE}: applies{since}{until}"
