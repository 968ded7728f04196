"""`why` in figures: whatever a change is taken apart by, the parts add up to it."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.dimension import Series
from bot.core.effects import Billed, Item, effects
from bot.core.newcomers import candidates, newcomers, told_since
from bot.core.period import DAY, Span
from bot.core.sides import Against, usual, usual_days
from bot.core.spend import Names, Spend
from bot.core.telling import Blame, Part
from bot.core.why import (
    DIMENSIONS,
    blamed,
    effects_of,
    share,
    take,
)
from tests.spending import BOOK, DOLLAR

NAMES = Names({("project", "p0"): "search-prod", ("api_key", "k1"): "ingest-worker"})
SERIES = {
    n: Series(f"p{n % 3}" if n % 4 else "", line, key, user)
    for n, (line, key, user) in enumerate(
        (line, key, user)
        for line in (
            "gpt-5.2, input",
            "gpt-5.2, output",
            "evals | gpt-5-nano, output",
            "web search tool calls",
            "",
        )
        for key in ("", "k1", "k2")
        for user in ("", "u1")
    )
}
UNITS = {n: ("tokens", "1000_tokens", "", "calls")[n % 4] for n in SERIES}
SPAN = Span(date(2026, 11, 16), date(2026, 11, 23))


def told(series=SERIES, names=NAMES):
    return Spend((), (), series, names, BOOK)


billed = st.builds(
    lambda amount, quantity, bare: Billed(amount, 0 if bare else quantity, abs(amount) if bare else 0),
    st.integers(-(10**12), 10**15),
    st.integers(0, 10**15),
    st.booleans(),
)
sides = st.dictionaries(st.sampled_from(sorted(SERIES)), billed, max_size=20)


@settings(deadline=None)
@given(sides, sides, st.sets(st.sampled_from(sorted(SERIES))))
def test_the_parts_of_every_dimension_and_price_volume_and_mix_add_up_to_the_change(before, after, left_out):
    series = [each for each in SERIES if each not in left_out]
    taken = take(before, after, series, told(), (*DIMENSIONS, "team"))
    expected = sum(after[n].amount for n in series if n in after) - sum(
        before[n].amount for n in series if n in before
    )
    assert taken.change == expected
    for breakdown in taken.breakdowns:
        assert sum(part.change for part in breakdown.parts) == expected
        assert sum(part.before for part in breakdown.parts) == taken.before
        assert sum(part.after for part in breakdown.parts) == taken.after
        signed = [part.change * taken.sign for part in breakdown.parts]
        assert signed == sorted(signed, reverse=True)
        for most in (1, 2, 5):
            shown, others, rest = breakdown.fewer(most)
            assert sum(part.change for part in shown) + rest.change == expected
            assert len(shown) + others == len(breakdown.parts)
    found = effects_of(before, after, series, told(), UNITS)
    assert found.volume + found.mix + found.price + found.uncounted == expected
    assert found.change == expected
    for figure in ("volume", "mix", "price"):
        assert sum(getattr(basket, figure) for basket in found.baskets) == getattr(found, figure)
    if taken.culprit is not None:
        changed = sum(taken.changes[n] for n in taken.culprit.series) * taken.sign
        assert taken.culprit.change == changed > 0


days = st.lists(sides, min_size=28, max_size=28)


@settings(deadline=None, max_examples=20)
@given(days, st.integers(7, 28), st.integers(1, 40))
def test_what_is_usual_is_the_mean_of_each_weekday_and_rounded_once(every, known, length):
    span = Span(SPAN.start, SPAN.start + length * DAY)
    before = Span(SPAN.start - known * DAY, SPAN.start)
    found = usual(every[:known], before, span)
    for n in SERIES:
        exact = Fraction(0)
        amounts = [day[n].amount if n in day else 0 for day in every[:known]]
        for day in (span.start + place * DAY for place in range(length)):
            alike = [
                amount
                for place, amount in enumerate(amounts)
                if known < 14 or (before.start + place * DAY).weekday() == day.weekday()
            ]
            exact += Fraction(sum(alike), len(alike))
        assert abs(found.get(n, Billed()).amount - exact) <= Fraction(1, 2)


def test_the_usual_days_are_the_four_weeks_before():
    against = usual_days(Span(date(2026, 11, 21), date(2026, 11, 22)))
    assert against.versus == Span(date(2026, 10, 24), date(2026, 11, 21))
    assert len(against.spans) == 1 + 28


# -- price, volume and mix -------------------------------------------------------------------------


def item(key, before, after, units=("tokens",)):
    """Dollars and millions of a unit, before and after."""
    return Item(
        ("p0", key),
        frozenset(units),
        *(Billed(round(amount * DOLLAR), quantity * 10**12) for amount, quantity in (before, after)),
    )


@pytest.mark.parametrize(
    ("items", "volume", "mix", "price", "uncounted"),
    [
        pytest.param([item("in", (10, 5), (20, 10)), item("out", (30, 3), (60, 6))], 40, 0, 0, 0, id="twice as much of everything"),
        pytest.param([item("in", (10, 5), (15, 5)), item("out", (30, 3), (24, 3))], 0, 0, -1, 0, id="other prices"),
        pytest.param([item("in", (10, 5), (6, 3)), item("out", (30, 3), (50, 5))], 0, 16, 0, 0, id="from the cheap to the dear"),
        pytest.param([item("in", (8, 4), (8, 4)), item("new", (0, 0), (40, 4))], 8, 32, 0, 0, id="what is new stands at its own price"),
        pytest.param([item("in", (8, 4), (8, 4)), item("gone", (40, 4), (0, 0))], -24, -16, 0, 0, id="what is gone"),
        pytest.param([item("new", (0, 0), (40, 4))], 40, 0, 0, 0, id="nothing of the kind was there"),
        pytest.param([item("in", (10, 5), (20, 10)), item("images", (4, 2), (8, 2), ("images",))], 10, 0, 4, 0, id="each unit by itself"),
        pytest.param([item("a", (10, 5), (20, 5), ("",)), item("b", (1, 1), (2, 2), ("",))], 1, 0, 10, 0, id="units nobody tells are never added up"),
        pytest.param([item("a", (10, 5), (20, 10), ("", "tokens"))], 10, 0, 0, 0, id="the API began to tell the unit"),
        pytest.param([item("a", (10, 5), (25, 10), ("calls", "tokens"))], 0, 0, 0, 15, id="two units"),
        pytest.param([item("a", (10, 0), (25, 10))], 0, 0, 0, 15, id="no quantity before"),
        pytest.param([Item(("p0", "a"), frozenset(), Billed(0, 0, 0), Billed(DOLLAR, 5, DOLLAR))], 0, 0, 0, 1, id="a part without a quantity"),
        pytest.param([item("free", (0, 5), (0, 9)), item("in", (10, 5), (10, 5))], 4, -4, 0, 0, id="more of what is free"),
    ],
)  # fmt: skip
def test_price_volume_and_mix(items, volume, mix, price, uncounted):
    found = effects(items)
    assert [found.volume, found.mix, found.price, found.uncounted] == [
        each * DOLLAR for each in (volume, mix, price, uncounted)
    ]


def test_units_that_are_multiples_are_one():
    before = {1: Billed(DOLLAR, 2_000 * 10**6)}
    after = {2: Billed(3 * DOLLAR, 6 * 10**6)}
    series = {n: Series("p0", "gpt-5.2, input", f"k{n}") for n in (1, 2)}
    found = effects_of(before, after, series, told(series), {1: "tokens", 2: "1000_tokens"})
    (basket,) = found.baskets
    assert (basket.unit, basket.quantity_before, basket.quantity) == ("tokens", 2_000 * 10**6, 6_000 * 10**6)
    assert (found.volume, found.price) == (2 * DOLLAR, 0)


# -- who -------------------------------------------------------------------------------------------


def moved(changes, **more):
    """Take dollars by series apart: {number: (before, after)}."""
    before = {n: Billed(then * DOLLAR) for n, (then, _) in changes.items()}
    after = {n: Billed(now * DOLLAR) for n, (_, now) in changes.items()}
    return take(before, after, changes, told(**more), DIMENSIONS)


OWN = {
    1: Series("p0", "gpt-5.2, input", "k0"),
    2: Series("p0", "gpt-5.2, output", "k0"),
    3: Series("p0", "gpt-5.2, output", "k1"),
    4: Series("p1", "gpt-5-nano, input", "k2"),
    5: Series("p1", "web search tool calls", ""),
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({1: (10, 10), 3: (0, 90), 4: (5, 5)}, "project search-prod > api_key ingest-worker > model gpt-5.2 > direction output", id="a key that is new"),
        pytest.param({1: (10, 10), 2: (9, 9), 4: (20, 40), 5: (20, 40)}, "project p1", id="no key of a project is most of it"),
        pytest.param({3: (90, 0), 1: (10, 10)}, "api_key ingest-worker > line_item gpt-5.2, output", id="a fall"),
        pytest.param({4: (5, 5), 5: (20, 40)}, "line_item web search tool calls", id="nobody is told: what is used"),
        pytest.param({1: (10, 10)}, None, id="nothing changed"),
    ],
)  # fmt: skip
def test_mostly_because_of_whom(changes, said):
    found = moved(changes, series=OWN).culprit
    assert (found and " > ".join(f"{part.dimension} {part.name}" for part in found.parts)) == said


NOVEMBER, OCTOBER = Span(date(2026, 11, 1), date(2026, 11, 22)), Span(date(2026, 10, 1), date(2026, 10, 22))


def looked(changes, against, first, history_from=date(2026, 6, 1), seen=()):
    taken = moved(changes, series=OWN)
    seen = dict(seen)
    maybe = candidates(taken, against, seen, told(OWN))
    marked, found = newcomers(
        taken, against, maybe, first, told_since(taken, against, seen, told(OWN)), history_from
    )
    assert [each.dimension for each in marked] == list(DIMENSIONS)
    return [(dimension, part.value, f"{part.first:%d %b}") for dimension, part in found]


BORN = {1: date(2026, 6, 1), 2: date(2026, 6, 1), 3: date(2026, 11, 18), 4: date(2026, 6, 3)}


@pytest.mark.parametrize(
    ("changes", "known", "said"),
    [
        pytest.param({1: (10, 10), 3: (0, 90)}, {}, [("api_key", "k1", "18 Nov")], id="a key"),
        pytest.param({1: (10, 10), 3: (0, 90)}, {"history_from": date(2026, 11, 12)}, [], id="history does not reach before"),
        pytest.param({5: (10, 10), 3: (0, 90)}, {}, [], id="keys were not told before, and the model is an old one"),
        pytest.param({1: (10, 10), 3: (1, 90)}, {}, [], id="it was there in the days compared with"),
        pytest.param({1: (10, 10), 4: (0, 90)}, {}, [], id="it was there long before"),
        pytest.param({1: (10, 90), 3: (0, -4)}, {}, [], id="a credit is no spend"),
    ],
)  # fmt: skip
def test_who_is_new_in_a_range(changes, known, said):
    assert looked(changes, Against(NOVEMBER, OCTOBER), BORN, **known) == said


YESTERDAY = usual_days(Span(date(2026, 11, 20), date(2026, 11, 21)))


@pytest.mark.parametrize(
    ("days", "said"),
    [
        pytest.param(
            {1: 23, 3: 18 + 31}, [("api_key", "k1", "18 Nov")], id="among the days that tell what is usual"
        ),
        pytest.param({1: 23, 3: 23}, [], id="on the first of them"),
        pytest.param({3: 18 + 31}, [], id="no key was told before"),
    ],
)
def test_who_is_new_against_the_usual_days(days, said):
    seen = {n: date(2026, 10, 1) + (day - 1) * DAY for n, day in days.items()}
    assert looked({1: (10, 10), 3: (2, 90)}, YESTERDAY, BORN, seen=seen) == said


@pytest.mark.parametrize(
    ("change", "of", "percent"),
    [
        pytest.param(74, 100, 74, id="a part"),
        pytest.param(-74, -100, 74, id="of a fall"),
        pytest.param(-3, 10, -30, id="against the whole"),
        pytest.param(30, 10, 300, id="more than the whole"),
        pytest.param(999, 1000, 99, id="never rounded up"),
        pytest.param(5, 0, 0, id="of nothing"),
    ],
)
def test_shares_of_the_change(change, of, percent):
    assert share(change, of) == percent


def test_what_an_alert_says_already_knows_the_hour():
    taken = moved({1: (10, 10), 3: (0, 90)}, series=OWN)
    alert = Blame((Part("api_key", "ingest-worker", 1),), 70, "2026-11-18T09:00:00Z", since_hour=True)
    assert blamed(taken, (), date(2026, 11, 18), alert).since == "2026-11-18T09:00:00Z"
    other = Blame((Part("api_key", "web", 1),), 70, "2026-11-18T09:00:00Z", since_hour=True)
    assert blamed(taken, (), date(2026, 11, 17), other).since == "2026-11-17"
