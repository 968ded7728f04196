"""What holds whatever comes: any calendar, any order of reading, any sequence of polls, any hour of any year."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from readings import reading as read_as

from bot.core.dimension import Series
from bot.core.evaluate import evaluate, needs
from bot.core.kinds import KINDS
from bot.core.kinds.budget import spans
from bot.core.limits import Limit, Limits
from bot.core.period import DAY, Period, Span, epoch, midnight
from bot.core.replay import Replay
from bot.core.rules.book import Rulebook
from bot.core.spend import Names, Spend, cuts_of
from bot.core.view import Source, View
from bot.edge.rule_files import load_texts
from bot.edge.store import facts
from bot.edge.store.store import Store
from tests.replaying import DOLLAR, sums

YEARS = Span(date(2024, 1, 1), date(2033, 1, 1))


def loaded(text):
    found = load_texts({"rules.yaml": text})
    assert found.book is not None, found.problems
    return found.book


# -- periods tile time ----------------------------------------------------------------------------------

CALENDARS = [
    (month, day) for month in range(1, 13) for day in range(1, 29)
]  # no year starts later: such a day is not in every month


def tiles(period):
    """Walk from period to period over the years, each day of the walk in its own."""
    span = period.containing(YEARS.start)
    while span.start < YEARS.end:
        assert span.start < span.end
        inside = (span.start, span.start + (span.days // 2) * DAY, span.last)
        assert [period.containing(day) for day in inside] == [span] * 3
        following = period.containing(span.end)
        assert following.start == span.end, "no gap and no overlap"
        assert period.before(following) == span
        span = following


@pytest.mark.parametrize("kind", ["quarter", "year"])
def test_every_fiscal_calendar_tiles_the_years(kind):
    for starts in CALENDARS:
        tiles(Period(kind, year_starts=starts))


@pytest.mark.parametrize(
    "period", [Period("day"), Period("month"), *(Period("week", week_starts=n) for n in range(7))]
)
def test_days_weeks_and_months_tile_the_years(period):
    tiles(period)


PERIODS = """
version: 1
defaults: {{timezone: {zone}}}
calendars: {{fy: {{year_starts: 02-01}}}}
rules:
  - {{id: day, kind: budget, select: {{}}, period: day, amount: 1, thresholds: [100%]}}
  - {{id: week, kind: budget, select: {{}}, period: week, amount: 1, thresholds: [100%]}}
  - {{id: month, kind: budget, select: {{}}, period: month, amount: 1, thresholds: [100%]}}
  - {{id: quarter, kind: budget, select: {{}}, period: quarter, calendar: fy, amount: 1, thresholds: [100%]}}
  - {{id: rolling, kind: budget, select: {{}}, period: {{rolling: 30d}}, amount: 1, thresholds: [100%]}}
"""
MOMENTS = [
    datetime(year, month, day, hour, 30, tzinfo=UTC)
    for year in (2024, 2028, 2032)
    for month, day in ((1, 1), (2, 29), (3, 31), (10, 27), (12, 31))
    for hour in (0, 11, 23)
]


def test_a_time_zone_is_wording_and_moves_no_period():
    def judged(zone):
        book = loaded(PERIODS.format(zone=zone))
        assert book.timezone == zone
        return [spans(rule, now) for rule in book.rules for now in MOMENTS]

    zones = sorted(available_timezones() - {"Factory", "localtime"})
    everywhere = judged("UTC")
    assert len(zones) > 300
    for zone in zones[::7]:
        assert judged(zone) == everywhere, zone


# -- reading again --------------------------------------------------------------------------------------

FIRST = date(2026, 10, 1)
NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)
LONG = 6


def reading(truth, start, end):
    """What OpenAI answers about the days from `start` up to `end`: (day, project) → nano-dollars."""
    days = [FIRST + n * DAY for n in range(start, end)]
    return read_as(
        "costs",
        "1d",
        midnight(days[0]),
        midnight(days[-1] + DAY),
        tuple(map(epoch, days)),
        ("project_id", "line_item", "quantity_unit"),
        ("amount_nano", "quantity_micro"),
        {
            (epoch(FIRST + day * DAY), project, "line", ""): (amount, None)
            for (day, project), amount in truth.items()
            if start <= day < end
        },
        1,
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with Store(f"sqlite:///{tmp_path_factory.mktemp('properties')}/facts.db") as opened:
        yield opened


def emptied(store):
    with store.writing() as tx:
        for table in ("cost_fact", "cost_history"):
            tx.exec_driver_sql(f"DELETE FROM {table}")


def totals(store):
    with store.reading() as tx:
        series, _ = store.index.refresh(tx)
        stretches = facts.sums(tx, [FIRST + n * DAY for n in range(LONG + 1)])
    return {
        (day, series[key].project_id): amount
        for day, stretch in enumerate(stretches)
        for key, amount in stretch.items()
        if amount
    }


def keep(store, read, minutes=0):
    with store.writing() as tx:
        return facts.store(tx, store.index, read, NOON + timedelta(minutes=minutes))


bills = st.dictionaries(
    st.tuples(st.integers(0, LONG - 1), st.sampled_from(["", "a", "b"])), st.integers(-5, 5), max_size=10
)
windows = st.lists(
    st.tuples(st.integers(0, LONG - 1), st.integers(1, LONG)).map(lambda w: (w[0], min(w[0] + w[1], LONG))),
    max_size=8,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(bills, windows, st.randoms(use_true_random=False))
def test_totals_do_not_depend_on_the_order_or_number_of_readings(database, truth, more, chance):
    read = [(day, day + 1) for day in range(LONG)] + more
    chance.shuffle(read)
    emptied(database)
    for minute, (start, end) in enumerate(read):
        keep(database, reading(truth, start, end), minute)
    assert totals(database) == {place: amount for place, amount in truth.items() if amount}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(bills, bills, st.integers(0, LONG - 1))
def test_replacing_a_day_twice_changes_nothing(database, before, after, day):
    emptied(database)
    keep(database, reading(before, 0, LONG))
    keep(database, reading(after, day, day + 1), 5)
    once = totals(database)
    with database.reading() as tx:
        history = tx.exec_driver_sql("SELECT count(*) FROM cost_history").scalar_one()
    assert keep(database, reading(after, day, day + 1), 10) == 0
    assert totals(database) == once
    with database.reading() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM cost_history").scalar_one() == history


# -- a book with every kind of rule ---------------------------------------------------------------------

BOOK = """
version: 1
defaults: {settle: 36h, thresholds: [50%, 80%, 100%, forecast 100%]}
calendars: {fy: {year_starts: 02-01}}
teams: {one: {projects: [search-*]}}
rules:
  - {id: month, kind: budget, select: {}, each: project, period: month, amount: {labs: hard_limit, else: 1000}, was: [monat]}
  - {id: day, kind: budget, select: {}, each: [project, model], period: day, amount: 45, thresholds: [100%, 200%]}
  - {id: week, kind: budget, select: {}, period: week, amount: 400}
  - {id: quarter, kind: budget, select: {}, period: quarter, calendar: fy, amount: [{from: 2024-01-01, amount: 4000}]}
  - {id: year, kind: budget, select: {team: one}, period: year, amount: 9000}
  - {id: rolling, kind: budget, select: {}, period: {rolling: 30d}, amount: 1500, thresholds: [80%, 100%]}
  - {id: once, kind: budget, select: {}, period: {from: 2026-10-05, to: 2026-10-30}, amount: 900}
  - {id: tokens, kind: budget, metric: input_tokens, select: {}, period: day, amount: 900, thresholds: [100%]}
  - {id: live, kind: budget, metric: spend, select: {}, each: project, period: day, amount: 40, thresholds: [100%]}
  - {id: change, kind: change, each: project, window: 7d, when: {increase: 30%, at_least: 20}, critical_above: $100}
  - {id: unusual, kind: anomaly, each: project, ignore_below: $5, at_most: 1 per day}
  - {id: ratio, kind: ratio, each: model, numerator: cost, denominator: input_tokens, per: 1000, window: 2d, when: {above: 40}}
  - {id: share, kind: ratio, numerator: input_cached_tokens, denominator: input_tokens, window: 3d, when: {below: 35%}, for: 2d}
  - {id: new, kind: first_seen, dimension: model, each: project, lookback: 20d, min_amount: 1}
  - {id: limits, kind: native_limit, each: project, expect: 100%..150% of month}
  - {id: limit, kind: native_limit}
  - {id: age, kind: freshness}
"""
NAMES = Names({("project", "proj_a"): "search-prod", ("project", "proj_b"): "labs"})
COST_SERIES = {
    1: Series(project_id="proj_a", line_item="gpt-5.2, input"),
    2: Series(project_id="proj_b", line_item="gpt-5.2, output"),
    3: Series(project_id="proj_b", line_item="gpt-6, input"),
    4: Series(line_item="credit"),
}
USAGE_SERIES = {
    n: Series(project_id=project, endpoint="completions", model="gpt-5.2")
    for n, project in ((1, "proj_a"), (2, "proj_b"))
}


def book_of_every_kind():
    book = loaded(BOOK)
    assert {rule.kind for rule in book.rules} == set(KINDS)
    return book


class World:
    """Days of cost and usage, and what is seen of them at an instant."""

    def __init__(self, book: Rulebook, history_from: date) -> None:
        self.book = book
        self.history_from = history_from
        self.costs = {}
        self.usage = {}
        self.limits = Limits(
            Limit("set", 3000 * DOLLAR),
            {"proj_a": Limit("set", 700 * DOLLAR), "proj_b": Limit("set", 1500 * DOLLAR, enforcing=False)},
        )
        self.read_at = None

    def view(self, now, until=None, more=()):
        """What is known at `now`; `until` is when it was read."""
        read_at = until or now
        wanted = [needs(self.book, at) for at in (now, *more)]
        cuts = cuts_of(span for each in wanted for span in each.spans)
        first = max(min(each.daily for each in wanted if each.daily), self.history_from)
        last = max((now, *more)).date()
        days = tuple(first + n * DAY for n in range((last - first).days + 2))

        def spend(figures, at, series=COST_SERIES):
            known = {key: value for key, value in figures.items() if key[0] <= read_at.date()}
            return Spend(
                at, sums(known, at), series, NAMES, self.book,
                models=("gpt-5.2", "gpt-6"), history_from=self.history_from, as_of=read_at,
            )  # fmt: skip

        daily = spend(self.costs, days)
        estimated = {key: 2 * DOLLAR for key in self.costs if key[0] >= read_at.date() and key[1] < 4}
        return View(
            spend(self.costs, cuts),
            daily=daily,
            usage={name: spend(found, days, USAGE_SERIES) for name, found in self.usage.items()},
            live=spend({**self.costs, **{k: self.costs[k] + v for k, v in estimated.items()}}, days),
            estimated=spend(estimated, days),
            limits=self.limits,
            sources={name: Source(name, read_at, read_at.date()) for name in ("costs", "completions")},
        )

    def spend(self, day, number, dollars, tokens=None):
        self.costs[day, number] = round(dollars * DOLLAR)
        if number in USAGE_SERIES:
            used = round(dollars * 20) if tokens is None else tokens
            self.usage.setdefault("input_tokens", {})[day, number] = used
            self.usage.setdefault("input_cached_tokens", {})[day, number] = used // (2 + number)


# -- no sequence of polls says the same thing twice -------------------------------------------------------

EDITS = (
    lambda book: book,
    lambda book: _with(book, "month", enabled=False),
    lambda book: _with(book, "change", percent="60", at_least=50 * DOLLAR),
    lambda book: replace(book, rules=tuple(rule for rule in book.rules if rule.id not in ("day", "new"))),
    lambda book: _with(book, "week", thresholds=book.rule("week").thresholds[:2]),
    lambda book: _with(book, "rolling", period=Period("rolling", rolling_days=7)),
)


def _with(book, rule_id, **changes):
    return replace(
        book, rules=tuple(replace(rule, **changes) if rule.id == rule_id else rule for rule in book.rules)
    )


steps = st.lists(
    st.tuples(
        st.integers(0, 70),  # hours until the next poll: none, or days without one
        st.booleans(),  # whether it could read anything
        st.lists(
            st.tuples(
                st.integers(0, 9), st.integers(1, 4), st.sampled_from((-30, 0, 1, 20, 36, 44, 47, 60, 150))
            ),
            max_size=3,
        ),  # days ago, series, dollars of that day from now on
        st.sampled_from((None, None, None, *range(len(EDITS)))),
    ),
    min_size=3,
    max_size=14,
)


# To shrink a story of so many rules takes minutes: it is printed as it was found.
@settings(max_examples=25, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(steps)
def test_no_sequence_of_polls_says_the_same_thing_twice(story):
    """Late polls, repeated ones, failed ones, revisions, edits of the book and back again: all kinds of rules."""
    book = book_of_every_kind()
    begins = datetime(2026, 9, 24, 5, tzinfo=UTC)
    world = World(book, begins.date() - 130 * DAY)
    chance = random.Random(4)
    for n in range(130):
        for number in (1, 2):
            world.spend(world.history_from + n * DAY, number, 20 + chance.random() * 3)
    replay, now, read_at, keys = Replay(book), begins, begins, []

    def poll(at):
        told = [event for decision in replay.at(world.view(at, read_at), at) for event in decision.events]
        keys.extend(event.key for event in told)
        return told

    for hours, read, revisions, edit in story:
        now += timedelta(hours=hours)
        if edit is not None:
            world.book = EDITS[edit](book)
            replay.edit(world.book)
        if read:
            read_at = now
            for ago, number, dollars in revisions:
                world.spend(now.date() - ago * DAY, number, dollars)
        poll(now)
        assert poll(now) == [], "the same data at the same instant says nothing"
        assert replay.at(world.view(now, read_at), now - timedelta(minutes=1)) == [], (
            "nor does an earlier one"
        )
    assert len(set(keys)) == len(keys)
    opened = [key.split(":")[0] for key in keys if ":fired:" in key]
    assert len(set(opened)) == len(opened), "an incident opens once"
    first = [key.rsplit(":", 1) for key in keys if ":raised:" in key or ":fired:" in key]
    assert {n for _, n in first} <= {"0"}, "a level is announced once"


# -- every hour of a year ---------------------------------------------------------------------------------


LEFT_OUT = ("week", "year", "rolling", "once", "limit")
"""More of what is there already: `tests/test_decide.py` has every hour of every kind of period."""


@pytest.mark.parametrize("quarter", [1, 2, 3, 4])
@pytest.mark.parametrize("year", [2024, 2026])
def test_evaluating_at_every_hour_of_a_year_never_raises(year, quarter):
    """Spend that starts, stops, jumps, is credited and has gaps: by all groups, and by those that a poll looks at.

    Of the second year every fifth hour: each hour of the day, on other days.
    """
    book = book_of_every_kind()
    book = replace(book, rules=tuple(rule for rule in book.rules if rule.id not in LEFT_OUT))
    assert {rule.kind for rule in book.rules} == set(KINDS)
    first, end = date(year, 3 * quarter - 2, 1), date(year + quarter // 4, 3 * quarter % 12 + 1, 1)
    # In the first quarter of each year the rules still learn.
    world = World(book, first - (45 if quarter == 1 else 130) * DAY)
    chance = random.Random(year + quarter)
    for n in range((end - world.history_from).days):
        day = world.history_from + n * DAY
        for number in (1, 2, 3, 4):
            dollars = chance.choice((0, 20, 20, 21, 22, 25, 60 if day.day == 12 else 20))
            if number == 4:
                dollars = -50 if day.day == 3 else 0
            if dollars and not (number == 3 and day.month % 3) and n % 50 > 3:
                world.spend(day, number, dollars)
    day, findings = first, 0
    while day < end:
        hours = [midnight(day) + n * timedelta(hours=1) for n in range(24)]
        view = world.view(hours[0], more=(hours[12], hours[23]))
        if year == 2026:
            hours = [now for now in hours if (day.toordinal() * 24 + now.hour) % 5 == 0]
        watched = {} if day.toordinal() % 2 else None
        for now in hours:
            # What was read at the day's start is judged by later clocks too, until it is too old to be.
            known = view if now.hour in (0, 5) else replace(view, sources={})
            found = evaluate(book, known, now, watched)
            assert not found.broken, now
            findings += len(found.findings)
        day += DAY
    assert findings > 0
