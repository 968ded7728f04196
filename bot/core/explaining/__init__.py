"""Why a rule says what it says. One function for each kind; this table is the only list of them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.core.explaining import budget, compared, now
from bot.core.explaining.working import Working
from bot.core.period import Span
from bot.core.rules.book import Budget, Rule
from bot.core.spend import Group
from bot.core.view import View

WORK: Mapping[str, Callable[[Any, View, datetime, Group], Working]] = {
    "change": compared.change_work,
    "anomaly": compared.anomaly_work,
    "ratio": compared.ratio_work,
    "first_seen": now.first_seen_work,
    "freshness": now.freshness_work,
    "native_limit": now.native_limit_work,
}
"""Budgets apart: they are explained for a period."""


def work(
    rule: Rule, view: View, at: datetime, group: Group, span: Span | None, amount: int | None = None
) -> Working:
    """Return how a rule comes to its answer for a group; of a budget for a period, with its amount then."""
    if isinstance(rule, Budget):
        return budget.work(rule, view, at, group, span, amount) if span else Working()
    return WORK[rule.kind](rule, view, at, group)
