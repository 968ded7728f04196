"""The rules in force, in words, and the projects with spend that no budget watches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.core.filters import Filter
from bot.core.kinds import KINDS
from bot.core.kinds.budget import amount_of
from bot.core.limits import Limits
from bot.core.period import Period, Span, show_day
from bot.core.rooms import Room, hooks_of, rooms_of
from bot.core.rules.book import TEAM, Budget, Rule, Rulebook
from bot.core.spend import Spend
from bot.core.units import Unit

NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule, as people read it."""

    id: str
    title: str
    kind: str
    selects: str
    period: str
    amount: str
    thresholds: tuple[str, ...]
    speaks_in: str
    state: str
    """`active`, or why it is not."""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A project with spend that no budget watches."""

    project_id: str
    name: str
    amount: int
    """Spent in the span that was looked at, nano-dollars."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What is watched, and what is not."""

    rules: tuple[RuleLine, ...]
    uncovered: tuple[Uncovered, ...] = ()
    span: Span | None = None
    """What `uncovered` looked at."""
    notes: tuple[str, ...] = ()


def listing(
    book: Rulebook,
    spend: Spend,
    span: Span,
    today: date,
    fallback: str,
    links: Mapping[str, str] | None = None,
    limits: Limits = NO_LIMITS,
) -> Listing:
    """Return every rule in words, and the projects with spend in `span` that nobody watches, largest first."""
    lines = tuple(
        line_of(book, rule, spend, today, fallback, (links or {}).get(rule.id, "")) for rule in book.rules
    )
    notes = () if book.rules else ("There are no rules, so nothing is watched.",)
    return Listing(lines, uncovered(book, spend, span, today, limits), span, notes)


def narrowed(told: Listing, book: Rulebook, spend: Spend, filters: Sequence[Filter], span: Span) -> Listing:
    """Return the listing with only the rules and projects that pass every filter of the question.

    `project=labs` keeps the rules that look at that project, whether or not it has spent anything.
    """
    if not filters:
        return told
    tests = [_test(condition, spend, span) for condition in filters]
    kept = []
    for line in told.rules:
        rule = book.rule(line.id)
        if rule is not None and all(passes(rule) for passes in tests):
            kept.append(line)
    projects = [condition for condition in filters if condition.key == "project"]
    bare = tuple(
        each
        for each in told.uncovered
        if len(projects) == len(filters) and all(c.admits(each.project_id, each.name) for c in projects)
    )
    return replace(told, rules=tuple(kept), uncovered=bare)


def _test(condition: Filter, spend: Spend, span: Span) -> Callable[[Rule], bool]:
    """Return the question whether a rule looks at anything that a condition means."""
    key = condition.key
    if key == "rule":
        return lambda rule: condition.admits(rule.id, rule.name)
    spent = {group[0] for group in spend.by((key,), span)}
    known = spent | {value for dimension, value in spend.names.current if dimension == key}
    meant = [value for value in known if condition.admits(value, spend.names.of(key, value))]

    def passes(rule: Rule) -> bool:
        if set(rule.scope.dimensions) <= {key}:
            # What it looks at can be told from the name alone, also of one that spends nothing now.
            return any(rule.scope.admits({key: value}, spend.names.of) for value in meant)
        return bool({(value,) for value in meant} & spend.within(rule.scope, span, (key,)).keys())

    return passes


def line_of(book: Rulebook, rule: Rule, spend: Spend, today: date, fallback: str, link: str) -> RuleLine:
    """Return one rule in words."""
    period, amount = "", ""
    levels: tuple[str, ...] = ()
    if isinstance(rule, Budget):
        period = period_words(rule.period)
        amount = amount_words(rule, today)
        levels = tuple(level.label for level in rule.thresholds)
    else:
        amount = KINDS[rule.kind].summary(rule)
    each = f", each {' and '.join(rule.scope.each)}" if rule.scope.each else ""
    excluded = f" except {rule.scope.excluded}" if rule.scope.excluded.terms else ""
    return RuleLine(
        rule.id,
        rule.name,
        rule.kind,
        f"{rule.scope.select if rule.scope.select.terms else 'everything'}{excluded}{each}",
        period,
        amount,
        levels,
        _speaks_in(book, rule, spend, fallback),
        _state(rule, today),
        link,
    )


def uncovered(
    book: Rulebook, spend: Spend, span: Span, today: date, limits: Limits = NO_LIMITS
) -> tuple[Uncovered, ...]:
    """Return the projects with spend in `span` that no budget watches, largest first.

    A project is watched when a budget that tells projects apart, by `each` or by what it selects, admits its spend
    and has an amount for it. A budget over the whole organization watches no project in particular.
    """
    watched: set[str] = set()
    for rule in book.rules:
        if not isinstance(rule, Budget) or not rule.active_on(today):
            continue
        if not {"project", "team"} & set(rule.scope.dimensions):
            continue
        each, current = rule.scope.each, rule.period.containing(today)
        if current is None:
            continue  # a fixed period that is over, or has not begun, watches nothing now
        for group in spend.within(rule.scope, span, (*each, "project")):
            if amount_of(rule, group[: len(each)], spend.names, limits, current) is not None:
                watched.add(group[-1])
    found = [
        Uncovered(group[0], spend.names.of("project", group[0]), amount)
        for group, amount in spend.by(("project",), span).items()
        if amount > 0 and group[0] not in watched
    ]
    return tuple(sorted(found, key=lambda each: (-each.amount, each.name)))


def left_out(
    book: Rulebook, spend: Spend, span: Span, today: date, limits: Limits = NO_LIMITS
) -> tuple[Uncovered, ...]:
    """Return the uncovered projects where budgets go project by project: there, one without is an oversight."""
    apart = (rule for rule in book.rules if isinstance(rule, Budget) and rule.active_on(today))
    if not any({"project", "team"} & set(rule.scope.dimensions) for rule in apart):
        return ()
    return uncovered(book, spend, span, today, limits)


def period_words(period: Period) -> str:
    """Return `a month`, `7 days, rolling`, `1 Mar – 15 Apr`."""
    if period.kind == "rolling":
        return f"{period.rolling_days} days, rolling"
    if period.kind == "fixed" and period.fixed:
        return f"{show_day(period.fixed.start)} – {show_day(period.fixed.last)}"
    return f"a {period.kind}"


def amount_words(rule: Budget, today: date) -> str:
    """Return `$12,000`, or `search-prod $12,000, sandbox-* $200, else $1,000`, with the steps that are still to come.

    An amount is that of the period that holds today: `$12,000 (from 2027-01-01 $15,000)`.
    """
    current = rule.period.containing(today)
    start = current.start if current else today
    words = []
    for pattern, plan in rule.amount.entries:
        amount = plan.amount_on(start)
        coming = [f"from {first} {_shown(step, rule.unit)}" for first, step in plan.steps if first > start]
        if plan.hard_limit:
            money = "OpenAI's hard limit"
        elif amount is None:
            money = ", ".join(coming)
        else:
            money = (
                f"{_shown(amount, rule.unit)} ({', '.join(coming)})" if coming else _shown(amount, rule.unit)
            )
        alone = len(rule.amount.entries) == 1 and pattern is None
        words.append(money if alone else f"{pattern or 'else'} {money}")
    return ", ".join(words)


def _shown(amount: int, unit: Unit) -> str:
    return unit.show(amount, cents=bool(amount % unit.scale))


def _speaks_in(book: Rulebook, rule: Rule, spend: Spend, fallback: str) -> str:
    nowhere = "nowhere: no route, and BUDGETBOT_CHANNEL is not set"
    rooms = rooms_of(book, rule, tuple("" for _ in rule.scope.each), spend.names, fallback)
    rooms += hooks_of(book, rule, tuple("" for _ in rule.scope.each), spend.names)
    told = ", ".join(_room(book, room) for room in rooms)
    if (rule.route or book.default_route) != TEAM:
        return told or nowhere
    return f"the team's channel, without a team in {told}" if told else "the team's channel"


def _room(book: Rulebook, room: Room) -> str:
    route = book.routes.get(room.route)
    person = route is not None and not route.channel and bool(route.user)
    only = f" ({room.only} only)" if room.only == "critical" else ""
    mark = "webhook " if room.target.kind == "webhook" else "@" if person else "#"
    return f"{mark}{room.target.address}{only}"


def _state(rule: Rule, today: date) -> str:
    if rule.active_on(today):
        return "active"
    if not rule.enabled:
        return "inactive: switched off"
    if rule.from_day and today < rule.from_day:
        return f"inactive until {rule.from_day}"
    return f"inactive since {rule.to_day}"
