"""Alerts that a month will pass its budget, 1.1 × the month before: who was right, and how early."""

from collections.abc import Callable
from itertools import accumulate
from statistics import median

from bot.core.forecast import CONFIDENCE
from bot.core.period import Span

from .forecasts import HISTORY, Paces, run_rate, seasonal_naive
from .series import MONTH, Series

Speaks = Callable[[Paces, Span, int, int], bool]
"""(the series, the month, its settled days, the budget) → does this day say that it will be passed?"""


def _stretched(forecast) -> Speaks:
    def speaks(paces: Paces, span: Span, settled: int, budget: int) -> bool:
        known = paces.series.known(paces.series.place(span.start) + settled)
        return forecast(known, settled, span.days) >= budget

    return speaks


def _likely(paces: Paces, span: Span, settled: int, budget: int) -> bool:
    view = paces.forecast(span, paces.series.place(span.start) + settled)
    return view is not None and view.probability_over(budget) >= CONFIDENCE


METHODS: dict[str, tuple[Speaks, int]] = {
    "run-rate over budget": (_stretched(run_rate), 1),
    "run-rate over budget, two days": (_stretched(run_rate), 2),
    "seasonal naive over budget, two days": (_stretched(seasonal_naive), 2),
    "P(exceed) ≥ 0.8, two days": (_likely, 2),
}


def evaluate(series: list[Series]) -> dict:
    """Return, by method, precision, recall, recall before the budget was passed, false alarms, median lead.

    The lead is counted from the settled day that spoke to the day on which the budget was passed.
    """
    counts = {name: {"right": 0, "early": 0, "false": 0, "leads": []} for name in METHODS}
    months = exceeded = 0
    for one in series:
        paces = Paces(one)
        for span in one.months(HISTORY):
            before = MONTH.before(span)
            if one.place(before.start) < 0 or (budget := one.total(before) * 11 // 10) <= 0:
                continue
            start = one.place(span.start)
            sums = list(accumulate(one.values[start : one.place(span.end)]))
            passed = next((day for day, total in enumerate(sums, 1) if total >= budget), None)
            months, exceeded = months + 1, exceeded + (passed is not None)
            for name, (speaks, days) in METHODS.items():
                spoke = _first([speaks(paces, span, day, budget) for day in range(1, span.days + 1)], days)
                if spoke is not None and passed is None:
                    counts[name]["false"] += 1
                elif spoke is not None:
                    counts[name]["right"] += 1
                    counts[name]["early"] += spoke < passed
                    counts[name]["leads"].append(passed - spoke)
    return {
        "months": months,
        "exceeded": exceeded,
        "methods": {
            name: {
                "precision": found["right"] / max(1, found["right"] + found["false"]),
                "recall": found["right"] / max(1, exceeded),
                "recall_before": found["early"] / max(1, exceeded),
                "false_alarms": found["false"],
                "median_lead": median(found["leads"]) if found["leads"] else None,
            }
            for name, found in counts.items()
        },
    }


def _first(spoken: list[bool], days: int) -> int | None:
    """Return the settled day, counted from 1, that is the `days`th in a row to speak."""
    run = 0
    for day, speaks in enumerate(spoken, 1):
        run = run + 1 if speaks else 0
        if run == days:
            return day
    return None
