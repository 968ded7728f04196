"""When OpenAI stops answering the projects that an answer shows: their hard limits, and when they are reached."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.forecast import Pace
from bot.core.limited import limited_project
from bot.core.limits import Limit, cut_off, running_month
from bot.core.needs import settled_until
from bot.core.period import DAY, Span
from bot.core.rules.book import Rule, Rulebook
from bot.core.status import Limited, Standing
from bot.core.view import View


def with_limits(
    standings: Iterable[Standing], view: View, book: Rulebook, now: datetime
) -> tuple[Standing, ...]:
    """Return the standings, each with the hard limit it is under; each project is looked at once.

    When a limit is reached is told where the days are at hand, which some rule must ask for.
    """
    known: dict[tuple[str, timedelta], Limited | None] = {}
    told: list[Standing] = []
    for standing in standings:
        rule = book.rule(standing.rule_id)
        project = None
        if rule and standing.amount is not None and len(standing.group) == len(rule.scope.each):
            project = limited_project(rule, standing.group, view.names)
        if rule is None or project is None:
            told.append(standing)
            continue
        key = (project, rule.settle)
        if key not in known:
            known[key] = _limited(project, rule, view, now)
        told.append(replace(standing, limited=known[key]))
    return tuple(told)


def _limited(project: str, rule: Rule, view: View, now: datetime) -> Limited | None:
    limit = view.limits.of(project)
    if limit.status != "set" or limit.amount is None:
        return None
    return Limited(limit.amount, _reached(project, limit, rule, view, now), limit.enforcing)


def _reached(project: str, limit: Limit, rule: Rule, view: View, now: datetime) -> datetime | None:
    days = view.daily
    if days is None or len(days.cuts) < 2:
        return None
    first, until = days.cuts[0], settled_until(rule, now)
    if first > running_month(now).start and first != view.history_from:
        return None  # a part of the month would be told as the whole
    scope, group = (("project",), (project,)) if project else ((), ())
    amounts = [days.by(scope, Span(day, day + DAY)).get(group, 0) for day in days.cuts[:-1]]
    settled = max((until - first).days, 0)
    if not settled:
        return None
    cut = cut_off(limit, Pace(first, amounts[:settled]), amounts[settled:], now)
    return cut.at if cut else None
