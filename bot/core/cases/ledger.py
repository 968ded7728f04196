"""What is known when: the series of a case as a poll would have read them at any instant."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from bot.core.cases.bind import NO_NAMES, Bound
from bot.core.evaluate import needs
from bot.core.limits import Limit, Limits
from bot.core.metrics import METRICS
from bot.core.needs import settled_until
from bot.core.period import DAY
from bot.core.rules.book import Rule, Rulebook
from bot.core.spend import Spend, cuts_of
from bot.core.view import COST, LIVE, Source, View

HISTORY = 400 * DAY
"""How long before its first day a case has a history, of nothing spent, where it does not say."""

SOURCES = ("costs", *dict.fromkeys(source for metric in METRICS.values() for source in metric.sources))

Figures = dict[int, dict[date, int]]
"""Series → day → what is known of it."""


class Ledger:
    """Learns what becomes known, and shows it as a poll would have stored it."""

    def __init__(self, bound: Bound) -> None:
        self._bound = bound
        self._place = 0
        self._figures: dict[str, Figures] = {}
        self._newest: dict[str, date] = {}
        self._models = {series.model for series in bound.series.values() if series.model}
        self.history_from = bound.case.history_from or bound.case.first_day - HISTORY

    def learn(self, until: datetime) -> bool:
        """Take in what is known at an instant; tell whether anything is new."""
        known, before = self._bound.known, self._place
        while self._place < len(known) and known[self._place].seen <= until:
            new = known[self._place]
            self._figures.setdefault(new.metric, {}).setdefault(new.series, {})[new.day] = new.value
            for source in _sources_of(new.metric):
                self._newest[source] = max(self._newest.get(source, new.day), new.day)
            self._place += 1
        return self._place > before

    def view(self, book: Rulebook, rule: Rule | None, now: datetime, read_at: datetime) -> View:
        """Return everything the rules may look at, read completely at `read_at` and judged at `now`."""
        wanted = needs(book, now)
        days: tuple[date, ...] = ()
        if wanted.daily is not None:
            first = max(wanted.daily, self.history_from)
            days = tuple(first + n * DAY for n in range((now.date() - first).days + 2))
        settled = settled_until(rule, now) if rule else now.date()
        billed, estimated = _parted(self._figures.get(LIVE, {}), settled)
        cost = _together(self._figures.get(COST, {}), billed)
        live = LIVE in wanted.metrics

        def spend(figures: Figures, cuts: Sequence[date], *, level: bool = False) -> Spend:
            return self._spend(book, figures, cuts, read_at, level=level)

        return View(
            cost=spend(cost, cuts_of(wanted.spans)),
            daily=spend(cost, days) if COST in wanted.metrics else None,
            usage={
                metric: spend(self._figures.get(metric, {}), days, level=METRICS[metric].level)
                for metric in wanted.metrics
                if metric in METRICS
            },
            live=spend(_together(cost, estimated), days) if live else None,
            estimated=spend(estimated, days) if live else None,
            limits=self._limits(read_at),
            sources=self._sources(read_at),
        )

    def daily(self, book: Rulebook, days: Sequence[date], read_at: datetime | None) -> Spend:
        """Return cost, live where it is not billed yet, cut at the days given."""
        figures = _together(self._figures.get(COST, {}), self._figures.get(LIVE, {}))
        return self._spend(book, figures, days, read_at)

    def _spend(
        self,
        book: Rulebook,
        figures: Figures,
        cuts: Sequence[date],
        read_at: datetime | None,
        *,
        level: bool = False,
    ) -> Spend:
        return Spend(
            cuts,
            _stretches(figures, cuts),
            self._bound.series,
            NO_NAMES,
            book,
            models=self._models,
            history_from=self.history_from,
            as_of=read_at,
            level=level,
        )

    def _limits(self, at: datetime) -> Limits:
        steps = sorted(
            (step for step in self._bound.case.limits if step.since is None or step.since <= at),
            key=lambda step: (step.since is not None, step.since or at),
        )
        if not steps:
            return Limits()
        found = {
            step.project: step.limit if step.limit.status == "unknown" else replace(step.limit, read_at=at)
            for step in steps
        }
        return Limits(found.pop("", Limit("none", read_at=at)), found)

    def _sources(self, read_at: datetime) -> Mapping[str, Source]:
        return {name: Source(name, read_at, self._newest.get(name)) for name in SOURCES}


def _stretches(figures: Mapping[int, Mapping[date, int]], cuts: Sequence[date]) -> list[dict[int, int]]:
    """Return the sums of each series between the cuts."""
    stretches: list[dict[int, int]] = [{} for _ in cuts[1:]]
    for series, days in figures.items():
        for day, value in days.items():
            place = bisect_right(cuts, day) - 1
            if 0 <= place < len(stretches):
                stretch = stretches[place]
                stretch[series] = stretch.get(series, 0) + value
    return stretches


def _parted(figures: Figures, settled: date) -> tuple[Figures, Figures]:
    """Return what is billed of live spend, and what is still estimated: the days that have not settled."""
    billed: Figures = {}
    estimated: Figures = {}
    for series, days in figures.items():
        for day, value in days.items():
            (billed if day < settled else estimated).setdefault(series, {})[day] = value
    return billed, estimated


def _together(*parts: Figures) -> Figures:
    """Return several figures as one."""
    filled = [part for part in parts if part]
    if len(filled) < 2:
        return filled[0] if filled else {}
    found: Figures = {}
    for series, days in _items(parts):
        known = found.setdefault(series, {})
        for day, value in days.items():
            known[day] = known.get(day, 0) + value
    return found


def _sources_of(metric: str) -> tuple[str, ...]:
    return METRICS[metric].sources if metric in METRICS else ("costs",)


def _items(parts: Iterable[Figures]) -> Iterable[tuple[int, dict[date, int]]]:
    return (item for part in parts for item in part.items())
