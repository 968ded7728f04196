"""What a rule must know to be judged, and the words for what it does not know yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from bot.core.incident import Reason
from bot.core.period import Span, show_day
from bot.core.rules.book import Rule


@dataclass(frozen=True, slots=True)
class Needs:
    """How far back, cut where, and of what."""

    first: date | None = None
    """The first day it looks at; None where it looks at no days."""
    spans: tuple[Span, ...] = ()
    """Spans of billed cost it sums up."""
    daily: date | None = None
    """The first day it looks at day by day."""
    metrics: frozenset[str] = frozenset()
    """What it looks at day by day: `cost`, `spend`, usage by its wire name."""
    limits: bool = False
    """OpenAI's own hard limits."""

    @staticmethod
    def all_of(needs: Iterable["Needs"]) -> "Needs":
        """Return what all of them need together."""
        known = tuple(needs)
        return Needs(
            min((each.first for each in known if each.first), default=None),
            tuple(dict.fromkeys(span for each in known for span in each.spans)),
            min((each.daily for each in known if each.daily), default=None),
            frozenset().union(*(each.metrics for each in known)),
            any(each.limits for each in known),
        )


def settled_until(rule: Rule, now: datetime) -> date:
    """Return the first day that has not settled at `now`."""
    return (now.astimezone(UTC) - rule.settle).date()


def learning(history_from: date | None, needed: date) -> str:
    """Return why a rule cannot be judged for want of history: `history from 18 Oct, needs 1 Aug`."""
    had = f"history from {show_day(history_from)}" if history_from else "no history yet"
    return f"{Reason.LEARNING}: {had}, needs {show_day(needed)}"


def inactive(rule: Rule) -> str:
    """Return why a rule judges nothing today."""
    if not rule.enabled:
        return f"{Reason.INACTIVE}: switched off"
    since = f" from {rule.from_day}" if rule.from_day else ""
    until = f" up to {rule.to_day}" if rule.to_day else ""
    return f"{Reason.INACTIVE}: applies{since}{until}"
