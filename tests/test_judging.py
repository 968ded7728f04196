"""Judging many rules at once says what judging each of them by itself would say."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.alike import sort
from bot.core.evaluate import evaluate, needs
from bot.core.limits import Limit, Limits
from bot.core.period import DAY, Period
from bot.core.rules.book import Amount, Budget, Origin, Plan, Rulebook, Threshold
from bot.core.rules.select import Pattern, Scope, Selector
from bot.core.view import Source, View
from tests.spending import DOLLAR, number, scan

NOW = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)
ORIGIN = Origin("rules.yaml", 1)
LEVELS = (Threshold("100%", "critical", "100"), Threshold("50%", "warning", "50"))
PERIODS = (Period("day"), Period("week"), Period("month"), Period("rolling", rolling_days=7))
GROUPS = ((), ("",), ("proj_search",), ("proj_labs",), ("proj_new",))


def plan(*steps):
    return Plan(tuple(steps))


def budget(rule_id, each=(), select=(), period=PERIODS[2], amount=None, **more):
    scope = Scope(Selector(tuple(select)), Selector(), each)
    amount = amount or Amount(((None, plan((date.min, 100 * DOLLAR))),))
    more = {"thresholds": LEVELS, **more}
    return Budget(id=rule_id, kind="budget", origin=ORIGIN, scope=scope, period=period, amount=amount, **more)


def view(book, rows, **known):
    return View(scan(rows, needs(book, NOW).spans, history_from=date(2026, 10, 25)), **known)


dollars = st.integers(-3, 120).map(lambda n: n * DOLLAR)
rows = st.lists(
    st.tuples(
        st.integers(0, 35).map(lambda back: NOW.date() - back * DAY),
        st.sampled_from(
            (number("proj_search", "gpt-5.2, input"), number("proj_labs"), number(), number("proj_new"))
        ),
        dollars,
    ),
    max_size=12,
)
amounts = st.one_of(
    dollars.map(lambda n: Amount(((None, plan((date.min, max(n, 0)))),))),
    dollars.map(lambda n: Amount(((None, plan((date(2026, 11, 20), max(n, 0)))),))),
    dollars.map(lambda n: Amount(((Pattern("search-*"), plan((date.min, max(n, 0)))),))),
)
budgets = st.builds(
    budget,
    st.just(""),
    each=st.sampled_from(((), ("project",))),
    select=st.sampled_from(((), (("project", (Pattern("search-*"), Pattern("labs"))),))),
    period=st.sampled_from(PERIODS),
    amount=amounts,
    thresholds=st.sampled_from((LEVELS, LEVELS[:1], ())),
    limit=st.sampled_from((2, 500)),
    hold_days=st.sampled_from((1, 1, 2)),
    enabled=st.sampled_from((True, True, True, False)),
)
books = st.lists(budgets, max_size=6).map(
    lambda found: Rulebook(rules=tuple(replace(rule, id=f"rule-{n}") for n, rule in enumerate(found)))
)
watching = st.dictionaries(
    st.sampled_from([f"rule-{n}" for n in range(6)]), st.sets(st.sampled_from(GROUPS), max_size=3)
)


@given(books, rows, watching)
def test_only_what_is_below_every_level_and_not_watched_is_left_out(book, table, watched):
    everything = evaluate(book, view(book, table), NOW)
    some = evaluate(book, view(book, table), NOW, watched)
    expected = tuple(
        found
        for found in everything.findings
        if found.reached or found.group in watched.get(found.rule.id, ())
    )
    assert some == replace(everything, findings=expected)


@given(books, rows)
def test_each_rule_is_judged_as_if_it_were_alone(book, table):
    together = evaluate(book, view(book, table), NOW, {})
    for rule in book.rules:
        own = replace(book, rules=(rule,))
        alone = evaluate(own, view(own, table), NOW, {})
        assert [found for found in together.findings if found.rule.id == rule.id] == list(alone.findings)
        assert [one for one in together.unjudged if one.rule_id == rule.id] == list(alone.unjudged)
        assert (rule.id in together.folded) is bool(alone.folded)


@given(books)
def test_rules_that_are_alike_need_the_same(book):
    order = sort(book)
    for rule, place in zip(book.rules, order.numbers, strict=True):
        own, first = (replace(book, rules=(one,)) for one in (rule, order.firsts[place]))
        assert needs(own, NOW) == needs(first, NOW)


def test_each_project_is_held_against_its_own_hard_limit():
    book = Rulebook(rules=(budget("caps", ("project",), amount=Amount(((None, Plan(hard_limit=True)),))),))
    spent = [(NOW.date(), number("proj_search"), 60 * DOLLAR), (NOW.date(), number("proj_labs"), 60 * DOLLAR)]
    limits = Limits(
        projects={"proj_search": Limit("set", 1_000 * DOLLAR), "proj_labs": Limit("set", 100 * DOLLAR)}
    )
    found = evaluate(book, view(book, spent, limits=limits), NOW, {}).findings
    assert [(one.group, one.amount) for one in found] == [(("proj_labs",), 100 * DOLLAR)]


SOURCES = [
    pytest.param(Source("costs", NOW, missed=True), {"a": "nodata", "b": "nodata"}, id="missed by this poll"),
    pytest.param(Source("costs", NOW - timedelta(days=2)), {"a": "nodata", "b": "nodata"}, id="long ago"),
    pytest.param(
        Source("costs", NOW, refused=("project_id",)), {"b": "error"}, id="does not tell projects apart"
    ),
    pytest.param(Source("costs", NOW), {}, id="fresh"),
]


@pytest.mark.parametrize(("source", "expected"), SOURCES)
def test_why_rules_that_are_alike_are_not_judged(source, expected):
    book = Rulebook(rules=(budget("a"), budget("b", ("project",))))
    found = evaluate(book, view(book, [], sources={"costs": source}), NOW, {})
    assert {one.rule_id: one.state for one in found.unjudged if one.state != "learning"} == expected
