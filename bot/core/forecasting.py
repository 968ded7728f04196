"""Which forecast levels of a budget stand: the pace of each of its groups, learned a day at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from threading import Lock

from bot.core.forecast import Pace, raised
from bot.core.needs import settled_until
from bot.core.period import DAY, Span
from bot.core.rules.book import Budget, Threshold
from bot.core.spend import Group
from bot.core.view import View

LOOKS_BACK = 100 * DAY
"""What a forecast looks back: eight weeks of weekdays, thirty past forecasts, a month ahead of the first."""
COURSES = ("week", "month", "quarter", "year", "fixed")
"""Periods that a forecast makes sense of: a day has none, and a rolling one ends today."""


class Foresight:
    """The forecast levels of one rule's groups: which stand after the settled days there are."""

    def __init__(self, rule: Budget, view: View, now: datetime) -> None:
        self.levels = tuple(level for level in rule.thresholds if level.basis == "forecast")
        self._until = settled_until(rule, now)
        self._days = view.days(rule.metric, rule.scope) if rule.period.kind in COURSES else None
        self._begins = view.history_from
        # Rules that look at the same spend ask the same.
        asked = ("foresight", rule.metric, rule.scope, self._until, self.levels)
        self._told: dict[tuple[Group, Span, int, int], tuple[Threshold, ...]] = view.asked.setdefault(
            asked, {}
        )

    def of(self, group: Group, span: Span, value: int, amount: int) -> tuple[Threshold, ...]:
        """Return the forecast levels that stand and are not reached, lowest first."""
        asked = (group, span, value, amount)
        found = self._told.get(asked)
        if found is None:
            found = self._told[asked] = self._of(group, span, value, amount)
        return found

    def _of(self, group: Group, span: Span, value: int, amount: int) -> tuple[Threshold, ...]:
        if self._days is None or self._begins is None or value <= 0:
            return ()
        open_ = sorted(
            (level for level in self.levels if value < level.at(amount)), key=lambda level: level.at(amount)
        )
        if not open_:
            return ()
        # From the period's start, so that what was worked out for a day stays true on the days after it.
        first = max(span.start - LOOKS_BACK, self._begins, self._days.first)
        settled = tuple(self._days.of(group)[self._days.place(first) : self._days.place(self._until)])
        if first >= self._until or _hopeless(settled, span, self._until, value, open_[0].at(amount)):
            return ()
        asked = [(level.at(amount), level.confidence) for level in open_]
        stands = MEMORY.stands(first, settled, span, asked)
        return tuple(level for level, standing in zip(open_, stands, strict=True) if standing)


def _hopeless(settled: tuple[int, ...], span: Span, until: date, value: int, at: int) -> bool:
    """Tell whether even ten times the dearest day, every day from now on, would not reach the level."""
    return value + 10 * max(settled) * max((span.end - until).days, 0) < at


@dataclass(slots=True)
class _Known:
    """A pace, and what was asked of it since its last day."""

    pace: Pace
    stands: dict[tuple[Span, int, float], bool] = field(default_factory=dict)


class Memory:
    """Series that were looked ahead before. Once a day a series is a day longer, and only that day is learned."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[tuple[date, tuple[int, ...]], _Known] = {}
        self._lock = Lock()

    def stands(
        self, first: date, settled: tuple[int, ...], span: Span, levels: Sequence[tuple[int, float]]
    ) -> list[bool]:
        """Tell which (figure, confidence) stand after these settled days: a function of its arguments alone."""
        with self._lock:  # who polls and who answers ask at once
            known = self._known.pop((first, settled), None)
            if known is None:
                shorter = self._known.pop((first, settled[:-1]), None)
                if shorter is not None:
                    shorter.pace.add(settled[-1])
                known = _Known(shorter.pace if shorter is not None else Pace(first, settled))
            self._known[first, settled] = known  # the last to be forgotten
            while len(self._known) > self._most:
                del self._known[next(iter(self._known))]
            return [_stands(known, span, at, confidence) for at, confidence in levels]


def _stands(known: _Known, span: Span, at: int, confidence: float) -> bool:
    asked = (span, at, confidence)
    found = known.stands.get(asked)
    if found is None:
        found = known.stands[asked] = raised(known.pace.probabilities(span, at), confidence)
    return found


MEMORY = Memory(8192)
