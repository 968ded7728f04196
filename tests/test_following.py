"""A replay that judges only what may have changed says what one says that judges everything."""

import random
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from bot.backtesting import Past, Seen
from bot.core.backtest import instants
from bot.core.dimension import Series
from bot.core.following import Following
from bot.core.limits import Limits
from bot.core.period import DAY, Span, epoch, midnight
from bot.core.replay import Replay
from bot.core.rules.select import Pattern, Scope, Selector
from bot.core.spend import Names, Spend
from bot.core.timeline import Observation, day_of
from tests.replaying import DOLLAR, book_of

FIRST = date(2026, 3, 1)
DAYS = 130
PROJECTS = {"proj_a": "search-prod", "proj_b": "search-dev", "proj_c": "labs"}
SERIES = {
    place: Series(project_id=project, line_item=item)
    for place, (project, item) in enumerate(
        (project, item) for project in PROJECTS for item in ("gpt-5.2, input", "gpt-5.2, output", "images")
    )
}
USED = {place: Series(project_id=project, model="gpt-5.2") for place, project in enumerate(PROJECTS, 100)}
NAMES = Names({("project", key): name for key, name in PROJECTS.items()})

BUDGETS = """
  - {id: month, kind: budget, select: {}, each: project, period: month, amount: {search-*: 1500, else: 900},
     thresholds: [50%, 80%, 100%, forecast 100%]}
  - {id: day, kind: budget, select: {}, each: [project, line_item], period: day, amount: 40, thresholds: [80%, 100%]}
  - {id: folded, kind: budget, select: {}, each: line_item, limit: 2, period: day, amount: 70, thresholds: [100%]}
  - {id: week, kind: budget, select: {project: search-*}, period: week, amount: 500, critical_above: $60,
     thresholds: [80%, 100%, forecast 100%]}
  - {id: rolling, kind: budget, select: {}, period: {rolling: 10d}, amount: 1700, thresholds: [100%]}
  - {id: held, kind: budget, select: {}, each: project, period: day, for: 2d, amount: 80, thresholds: [90%]}
  - {id: held-month, kind: budget, select: {}, period: month, for: 2d, amount: 4000, thresholds: [90%]}
  - {id: quarter, kind: budget, select: {project: labs}, period: quarter, amount: [{from: 2026-01-01, amount: 4000}, {from: 2026-04-01, amount: 3000}]}
  - {id: fixed, kind: budget, select: {}, period: {from: 2026-04-10, to: 2026-05-20}, amount: 5000}
  - {id: late, kind: budget, select: {}, period: day, amount: 150, from: 2026-05-01, to: 2026-06-01, thresholds: [100%]}
  - {id: used, kind: budget, select: {}, metric: requests, period: day, amount: "2,800", thresholds: [100%]}
"""
OTHERS = """
  - {id: change, kind: change, select: {}, each: project, window: 7d, when: {increase: 15%, at_least: $20}}
  - {id: unusual, kind: anomaly, select: {}, each: [project, line_item], at_most: 7 per week, ignore_below: $1,
     critical_above: $20}
  - {id: ratio, kind: ratio, select: {}, each: project, numerator: cost, denominator: requests, per: 1000,
     window: 3d, when: {above: 80.00}, for: 2d}
  - {id: new, kind: first_seen, select: {}, each: project, dimension: line_item, lookback: 30d}
  - {id: limit, kind: native_limit, each: project}
  - {id: stale, kind: freshness}
"""


def past(seed, *, polls=2):
    """Days that grow, late rows, revisions; a line item that begins late, one that ends, and spikes."""
    chance = random.Random(seed)
    rows, usage = [], []
    for place in range(DAYS):
        day = epoch(FIRST + place * DAY)
        for number, series in SERIES.items():
            if series.line_item == "images" and not 50 <= place < 100:
                continue
            final = int(chance.uniform(20, 32) * chance.choice((1,) * 12 + (2.5,)) * DOLLAR)
            seen = day + chance.choice((6, 10, 20, 40)) * 3600
            rows += [
                Observation(seen + step * 3600 * 7, day, number, final * step // polls)
                for step in range(1, polls + 1)
            ]
            if chance.random() < 0.03:
                later = seen + chance.randrange(2, 9) * 86_400
                rows.append(Observation(later, day, number, int(final * chance.choice((0, 0.5, 1.5)))))
        usage += [Observation(day + 86_400, day, number, chance.randrange(700, 1_100)) for number in USED]
    rows.sort()
    usage.sort()
    return Past(
        rows, {"num_model_requests": usage}, SERIES, USED, frozenset({"gpt-5.2"}), NAMES, Limits(), FIRST,
        midnight(FIRST), [],
    )  # fmt: skip


def said(replay, looks, book, moments):
    told = []
    for now in moments:
        view, changed = looks(now)
        replay.changed = changed
        told += [
            (now, decision.rule_id, decision.group, decision.events, decision.incident)
            for decision in replay.at(view, now)
            if decision.incident is not None
        ]
    return sorted(told, key=lambda one: one[:3])


class Plain(Replay):
    """The poll's own, which asks for no changes."""

    changed = ()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "rules", [pytest.param(BUDGETS, id="budgets"), pytest.param(OTHERS, id="other kinds")]
)
def test_it_decides_as_a_plain_replay_does(rules, seed):
    book = book_of(rules)
    known = past(seed)
    polls = [midnight(FIRST + 40 * DAY) + timedelta(hours=7 * place) for place in range(170)]
    moments = instants(book, polls, midnight(FIRST + 20 * DAY), polls[-1])
    plain = said(Plain(book), Seen(known, book).look, book, moments)
    swift = said(Following(book), Seen(known, book).look, book, moments)
    assert len(plain) == len(swift)
    for expected, got in zip(plain, swift, strict=True):
        assert got == expected
    assert {one[1] for one in plain} == {rule.id for rule in book.rules} - SILENT


SILENT = {"limit", "stale"}
"""Nothing in these days speaks of them: no limit is known, and every source is fresh."""


def test_it_judges_only_what_rests_on_days_that_changed(monkeypatch):
    """A hundred looks at figures that stand cost one."""
    asked = []
    real = Spend.within
    monkeypatch.setattr(Spend, "within", lambda *args: asked.append(args) or real(*args))
    book = book_of(BUDGETS)
    looks, replay = Seen(past(0), book).look, Following(book)
    now = datetime(2026, 5, 20, 1, tzinfo=UTC)
    view, replay.changed = looks(now)
    replay.at(view, now)
    for minute in range(1, 100):
        view, _ = looks(now + timedelta(seconds=minute))
        replay.changed = ()
        replay.at(view, now + timedelta(seconds=minute))
        if minute == 3:
            asked.clear()
    assert asked == []


SCOPES = [
    pytest.param(Scope(each=("project",)), id="each project"),
    pytest.param(
        Scope(Selector((("project", (Pattern("search-*"),)),)), each=("line_item",)),
        id="some, each line item",
    ),
    pytest.param(Scope(), id="everything"),
]


@pytest.mark.parametrize("scope", SCOPES)
def test_what_is_remembered_of_earlier_looks_is_what_a_fresh_scan_sums(scope):
    """Days that are revised, that come late and that leave the window: never a figure of an earlier look."""
    book, known = book_of(BUDGETS), past(0)
    looks = Seen(known, book).look
    for place in range(0, 80, 3):
        now = midnight(FIRST + (30 + place) * DAY) + timedelta(hours=place % 24)
        view, _ = looks(now)
        for spend in (view.cost, view.daily):
            fresh = [{} for _ in spend.cuts[1:]]
            latest = {(row.day, row.series): row.value for row in known.cost if row.seen <= now.timestamp()}
            for (day, series), value in latest.items():
                cut = bisect_right(spend.cuts, day_of(day)) - 1
                if 0 <= cut < len(fresh):
                    fresh[cut][series] = fresh[cut].get(series, 0) + value
            plain = Spend(spend.cuts, fresh, SERIES, NAMES, book)
            for start, end in pairwise(spend.cuts):
                assert spend.within(scope, Span(start, end)) == plain.within(scope, Span(start, end))
            whole = Span(spend.cuts[0], spend.cuts[-1])
            assert spend.within(scope, whole) == plain.within(scope, whole)
        assert view.daily.days(scope) == plain.days(scope)


@pytest.mark.parametrize(
    ("polls", "most"),
    [
        pytest.param(10_000, 500, id="too many"),
        pytest.param(400, 500, id="few"),
        pytest.param(1, 500, id="one"),
    ],
)
def test_so_many_looks_at_most_and_the_last_of_all(polls, most):
    book = book_of(BUDGETS)
    since = midnight(FIRST)
    every = [since + timedelta(minutes=5 * place) for place in range(1, polls + 1)]
    found = instants(book, every, since, every[-1], most)
    assert len(found) <= most
    assert found[-1] == every[-1]
    assert found == sorted(set(found))
    if polls <= most:
        assert found == [since, *every]
