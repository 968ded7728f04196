"""Live spend on the simulated organization: a day's estimate against its later bill, and a key that runs away."""

from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from bot.accuracy import read_accuracy
from bot.core.period import DAY, Span
from bot.core.rules.book import Rulebook
from bot.core.rules.select import Pattern, Scope, Selector
from bot.demo.organization import Organization
from bot.viewing import keep_score, load_live
from tests.syncing import at, bot

LATER = datetime(2026, 12, 1, tzinfo=UTC)
NANO = 10**9
HEAL = timedelta(hours=30)
"""How far costs trail where they are as slow as the slowest reported."""


class Trailing(Organization):
    """Costs that say nothing of a day before it has been over for hours."""

    def cost_rows(self, day, now):
        return super().cost_rows(day, now - HEAL)


class Runaway(Trailing):
    """A key that nobody knew begins to loop at nine, in a project of small sums."""

    def usage_rows(self, source, start, end, now):
        for row in super().usage_rows(source, start, end, now):
            if source != "completions" or row.dims["api_key_id"] != self.key:
                yield row
                continue
            begins = row.at.replace(hour=9, minute=0)
            counted = min(end, now - timedelta(minutes=8))
            if row.at.date() == self.calendar.runaway and counted > begins:
                share = (counted - begins) / timedelta(hours=15)
                whole = self._counts(self.calendar.runaway)
                yield type(row)(source, row.at, row.dims, {name: int(n * share) for name, n in whole.items()})

    @property
    def key(self):
        return next(s.api_key_id for s in self._cast.streams if s.name.startswith("labs/ingest-worker"))

    def _counts(self, day):
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        rows = Organization.usage_rows(self, "completions", midnight, midnight + DAY, LATER)
        return next(row.metrics for row in rows if row.dims["api_key_id"] == self.key)


@contextmanager
def organization(tmp_path, kind=Organization):
    with bot(tmp_path, kind()) as watched:
        watched.sources = ()
        yield watched, watched.server.world


def look(watched, now, keep=False):
    watched.poll(now)
    with watched.store.writing() as tx:
        figures = load_live(tx, watched.store, Rulebook(), now)
        if keep:
            keep_score(tx, figures.estimates, now)
    return figures


def bill(world, day):
    """What the day is billed in the end: (project, line item) → nano-dollars."""
    final = defaultdict(Decimal)
    for row in world.cost_rows(day, LATER):
        final[row.project_id or "", row.line_item] += Decimal(row.amount)
    return {key: int(amount * NANO) for key, amount in final.items()}


@pytest.mark.parametrize("kind", [Organization, Trailing], ids=["costs known so far", "costs that trail"])
def test_a_days_estimate_at_its_end_is_within_two_percent_of_its_bill(tmp_path, kind):
    with organization(tmp_path, kind) as (watched, world):
        for day in (date(2026, 10, 12), date(2026, 10, 18), date(2026, 10, 21)):
            figures = look(watched, datetime(day.year, day.month, day.day, 23, 55, tzinfo=UTC))
            assert figures.since <= day
            final = bill(world, day)
            counted = figures.live.by(("project", "line_item"), Span(day, day + DAY))
            assert sum(counted.values()) == pytest.approx(sum(final.values()), rel=0.02)
            for key, amount in final.items():
                if amount > NANO:  # every line of more than a dollar, too
                    assert counted[key] == pytest.approx(amount, rel=0.02), key
            assert figures.listed.by((), Span(day, day + DAY)) == {}
            assert figures.unpriced == {}


def test_a_new_model_is_priced_by_the_list_until_it_is_billed(tmp_path):
    with organization(tmp_path, Trailing) as (watched, world):
        day = world.calendar.new_model
        figures = look(watched, datetime(day.year, day.month, day.day, 20, tzinfo=UTC))
        today = Span(day, day + DAY)
        listed = figures.listed.by(("line_item",), today)
        assert {item for (item,) in listed} == {
            "gpt-5.6-luna, input", "gpt-5.6-luna, cached input", "gpt-5.6-luna, cache writes", "gpt-5.6-luna, output",
        }  # fmt: skip
        assert all(amount > 0 for amount in listed.values())
        billed = {each.series.line_item for each in figures.estimates.lines if not each.known}
        assert billed == {item for (item,) in listed}


def test_a_runaway_key_shows_with_the_poll_that_sees_its_usage(tmp_path):
    with organization(tmp_path, Runaway) as (watched, world):
        labs, day = world.project_id("labs"), world.calendar.runaway
        nine = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        today, scope = (
            Span(day, day + DAY),
            Scope(Selector((("project", (Pattern(labs),)),)), each=("api_key",)),
        )
        before = look(watched, nine).live.within(scope, today)
        assert (world.key,) not in before
        figures = look(watched, nine + timedelta(minutes=20))
        seen = figures.live.within(scope, today)
        assert seen[world.key,] > 1 * NANO
        assert figures.estimated.within(scope, today)[world.key,] == seen[world.key,]
        assert figures.live.by(("api_key", "model"), today)[world.key, "gpt-5.2"] == seen[world.key,]
        assert watched.day(day) == {}, "the costs API still knows nothing"
        later = look(watched, nine + timedelta(hours=6)).live.within(scope, today)
        assert later[world.key,] == pytest.approx(360 / 12 * seen[world.key,], rel=0.05)


def test_the_score_of_settled_days_is_kept_and_read(tmp_path):
    with organization(tmp_path, Trailing) as (watched, world):
        for nth in (11, 12, 13):
            look(watched, at(f"2026-10-{nth}T23:55"), keep=True)
        now = at("2026-10-17T12:00")
        look(watched, now, keep=True)
        answer = read_accuracy(watched.store, now)
        # The tenth was over when the first poll saw it, and nobody looked on the fourteenth.
        assert [day.day.day for day in answer.days] == [10, 11, 12, 13]
        assert answer.unscored == 26
        assert abs(answer.all.error) < 0.01
        assert answer.usual < 0.01
        for day in answer.days:
            assert abs(day.all.error) < 0.02, day
            assert day.all.billed == pytest.approx(sum(bill(world, day.day).values()), abs=100)
        assert answer.missed == 0
