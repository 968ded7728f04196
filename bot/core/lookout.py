"""Looks ahead for many budgets at once: the same arithmetic as their forecast levels, told in full."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache

from bot.core.ahead import Ahead, Forecasts
from bot.core.filters import Filter, passes, scope_of
from bot.core.forecast import NEEDS_HISTORY, Forecast, Pace
from bot.core.forecasting import COURSES
from bot.core.groups import OTHER, fold
from bot.core.incident import Finding
from bot.core.kinds.budget import amount_of
from bot.core.kinds.budget import needs as budget_needs
from bot.core.kinds.freshness import allowed
from bot.core.limits import CutOff
from bot.core.metrics import METRICS
from bot.core.needs import learning, settled_until
from bot.core.outlook import Courses
from bot.core.period import Period, Span
from bot.core.readiness import unready
from bot.core.rooms import team_of
from bot.core.rules.book import Amount, Budget, Origin, Rulebook, Threshold
from bot.core.spend import Group
from bot.core.status import Standing
from bot.core.units import USD
from bot.core.verbs import COST_KEYS
from bot.core.view import COST, LIVE, View, words_of

ORGANIZATION = "the organization"
NOTHING = "nothing was spent"
LOOKED_AT = 400
"""Budgets that are looked ahead for a person: a second's work; of more, those nearest to their amount."""
_LOOK = Threshold("forecast 100%", "info", percent="100", basis="forecast")


def rules_asked(book: Rulebook, filters: Sequence[Filter], now: datetime) -> tuple[Budget, ...]:
    """Return the budgets that have a course and may pass the filters, and the month that is always asked for.

    Without filters that is the organization's, unless a budget is of just that; with filters over spend alone, the
    month of what they choose. Each is given a level that looks ahead, so that all a forecast needs is read for it.
    """
    today = now.astimezone(UTC).date()
    named = [condition for condition in filters if condition.key == "rule"]
    found = [
        replace(rule, thresholds=(*rule.thresholds, _LOOK))
        for rule in book.rules
        if isinstance(rule, Budget)
        and rule.period.kind in COURSES
        and rule.active_on(today)
        and not (rule.metric in METRICS and METRICS[rule.metric].level)  # bytes stored are no sum
        and all(condition.admits(rule.id, rule.name) for condition in named)
    ]
    if all(condition.key in COST_KEYS for condition in filters):
        name = " ".join(map(str, filters)) or ORGANIZATION
        each = ("project",) if any(condition.key == "project" for condition in filters) else ()
        month = Budget(
            "", "budget", Origin("", 0), title=name, scope=replace(scope_of(filters), each=each),
            period=Period("month"), amount=Amount(()), thresholds=(_LOOK,),
        )  # fmt: skip
        if not any(_is_whole(rule) for rule in found) or not _is_whole(month):
            found.append(month)
    return tuple(found)


def look_ahead(
    book: Rulebook,
    rules: Iterable[Budget],
    view: View,
    filters: Sequence[Filter],
    now: datetime,
    most: int | None = None,
) -> Forecasts:
    """Return what the running periods of `rules` will come to: all of them, or the `most` likely to be passed.

    `view` holds what the rules need, by day (`rules_asked` makes them need it).
    """
    look = _Lookout(book, view, now)
    month: list[_Place] = []
    places: list[_Place] = []
    told: list[Ahead] = []
    for rule in rules:
        for place in look.places(rule):
            if rule.id and not look.passes(place, filters):
                continue
            if place.why:
                told.append(look.without(place))
            else:
                (places if rule.id else month).append(place)
    if filters and (places or any(row.rule_id for row in told)):
        month = []  # there are budgets of just that
    places.sort(key=lambda place: (-place.nearness, place.rule.id, place.group))
    looked = places if most is None else places[: max(LOOKED_AT, most)]
    ahead = [look.ahead(place) for place in looked]
    ahead.sort(key=_likeliest)
    months = sorted(map(look.ahead, month), key=lambda row: (not row.known, -row.total, row.group))
    ahead.sort(key=lambda row: not row.whole)
    rows = (*months, *ahead, *told)
    shown = rows if most is None else rows[:most]
    return Forecasts(
        view.cost.as_of,
        shown,
        others=len(rows) - len(shown) + len(places) - len(looked),
        over=sum(row.over for row in ahead),
        budgets=sum(row.known for row in ahead),
        unseen=len(places) - len(looked),
    )


def _likeliest(row: Ahead) -> tuple[bool, float, float, str, Group]:
    # What is nearly impossible is not told apart: then it matters how near it comes.
    likely = round(row.probability or 0.0, 2)
    return (not row.known, -likely, -(row.ratio or 0.0), row.rule_id, row.group)


def _is_whole(rule: Budget) -> bool:
    """Tell whether a budget is of all that the organization spends in a month."""
    return not rule.scope.dimensions and rule.period.kind == "month" and rule.metric in (COST, LIVE)


@dataclass(frozen=True, slots=True)
class _Place:
    """A budget and group that is asked about, before anything dear is worked out."""

    rule: Budget
    group: Group
    span: Span
    value: int = 0
    amount: int | None = None
    first: date | None = None
    settled: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    why: str = ""

    @property
    def nearness(self) -> float:
        """Return roughly what it comes to, as a share of its amount: enough to tell who is far below."""
        lately = self.settled[-28:]
        left = max(self.span.days - len(self.seen), 0)
        about = self.value + (sum(lately) / len(lately) if lately else 0) * left
        return about / self.amount if self.amount else float("inf") if about > 0 else 0.0


class _Lookout:
    """Looks ahead for many budgets over one view."""

    def __init__(self, book: Rulebook, view: View, now: datetime) -> None:
        self._book = book
        self._view = view
        self._now = now
        self._today = now.astimezone(UTC).date()
        self._fresh = allowed(book, now)
        self._courses = Courses(view.daily, now) if view.daily and len(view.daily.cuts) > 1 else None
        self._cuts: dict[object, CutOff | None] = {}

    def places(self, rule: Budget) -> Iterator[_Place]:
        """Yield each group of a budget that has an amount, or one place that says why there is none."""
        span = rule.period.containing(self._today)
        if span is None:
            return
        held = unready(rule, budget_needs(rule, self._now), self._fresh, self._view, self._now)
        begins = self._view.history_from
        days = self._view.days(rule.metric, rule.scope)
        why = ""
        if held is not None:
            why = held.reason
        elif begins is None or span.start < begins:
            why = learning(begins, span.start)
        elif days is None:
            why = f"no {words_of(rule.metric)} stored yet"
        if why or begins is None or days is None:
            yield _Place(rule, (), span, why=why)
            return
        until, first = settled_until(rule, self._now), max(days.first, begins)
        begin, end = days.place(first), days.place(until)
        last = days.place(self._today) + 1
        sums = dict.fromkeys(days.values, 0) | self._view.within(rule.metric, rule.scope, span)
        if not rule.scope.each:
            sums = {(): sums.get((), 0)}
        folded = fold(sums, rule.limit)
        alone = {group for group, _ in folded}
        for group, value in folded:
            amount = amount_of(rule, group, self._view.names, self._view.limits, span)
            if amount is None and rule.id:
                continue
            values = days.of(group)
            if group[:1] == (OTHER,) and group not in days.values:
                rest = (days.of(each) for each in sums if each not in alone)
                values = [sum(column) for column in zip(*rest, strict=True)] or days.of(group)
            settled = tuple(values[begin : max(begin, end)])
            yield _Place(
                rule, group, span, value, amount, first, settled, tuple(values[max(begin, end) : last])
            )

    def passes(self, place: _Place, filters: Sequence[Filter]) -> bool:
        """Tell whether a place passes; a budget that cannot be looked at passes by its rule alone."""
        if place.why:
            return all(condition.key in ("rule", "owner") for condition in filters)
        return not filters or passes(self._standing(place), filters)

    def without(self, place: _Place) -> Ahead:
        """Return a line that says why there is no forecast."""
        return self._line(place, place.why)

    def ahead(self, place: _Place) -> Ahead:
        """Return what a place will come to, or what is missing for a forecast."""
        if place.first is None or not any(place.settled):
            # Nothing of it has settled: what was seen today says nothing about tomorrow.
            return self._line(place, f"needs {NEEDS_HISTORY} settled days, has 0" if place.value else NOTHING)
        pace = _pace(place.first, place.settled)
        told = pace.forecast(place.span, place.seen)
        line = self._line(place, "")
        if not isinstance(told, Forecast):
            have = f"needs {told.need_days} settled days, has {told.have_days}"
            return replace(line, why=have, settled_until=pace.settled_until)
        amount = place.amount
        return replace(
            line,
            settled_until=told.settled_until,
            total=told.total,
            low=told.low,
            high=told.high,
            probability=None if amount is None else told.probability_over(amount),
            reached_at=None if amount is None else pace.crosses(place.span, amount, place.seen, self._now),
            past_error=told.past_error,
            origins=told.origins,
        )

    def _line(self, place: _Place, why: str) -> Ahead:
        rule, standing = place.rule, self._standing(place)
        estimated = 0
        if rule.metric == LIVE and self._view.estimated is not None and not place.why:
            estimated = self._view.estimated.within(rule.scope, place.span).get(place.group, 0)
        return Ahead(
            rule.id,
            standing.rule_name,
            standing.each,
            standing.group,
            standing.group_names,
            place.span,
            standing.period,
            rule.metric,
            USD if rule.metric in (COST, LIVE) else rule.unit,
            place.value,
            estimated,
            place.amount,
            why,
            cut=self._cut_off(place) if not place.why else None,
            team=standing.team,
            owner=standing.owner,
            whole=_is_whole(rule),
        )

    def _standing(self, place: _Place) -> Standing:
        rule, names = place.rule, self._view.names
        each = rule.scope.each if not place.why else ()
        team = team_of(self._book, rule.scope, place.group, names) if not place.why else None
        return Standing(
            rule_id=rule.id,
            rule_name=rule.name,
            fingerprint="",
            each=each,
            group=place.group,
            group_names=tuple(
                value if value == OTHER else names.of(dimension, value)
                for dimension, value in zip(each, place.group, strict=True)
            ),
            span=place.span,
            period=rule.called(place.span),
            state="ok",
            reason="",
            team=team.name if team else "",
            owner=team.owner if team else "",
        )

    def _cut_off(self, place: _Place) -> CutOff | None:
        rule = place.rule
        if self._courses is None:
            return None
        scope = rule.scope
        project = dict(zip(scope.each, place.group, strict=True)).get("project", "")
        about = (project, scope.each == (), scope.dimensions == (), rule.settle)
        if about not in self._cuts:
            finding = Finding(rule, place.group, place.span, place.value, place.amount or 0, (), closed=False)
            self._cuts[about] = self._courses.cut_off(finding, self._view.limits)
        return self._cuts[about]


@lru_cache(maxsize=2_000)  # who asks again, asks of the same settled days
def _pace(first: date, settled: tuple[int, ...]) -> Pace:
    return Pace(first, settled)
