"""A poll costs what is new: days that come in the same bytes are not read again, and never believed for too long."""

from datetime import timedelta

import pytest

from bot.core.period import epoch
from bot.demo.ledger import Ledger
from bot.edge.store.retention import prune
from bot.edge.store.sql import run
from tests.syncing import LINE, NOON, TODAY, ago, bot

HOUR = timedelta(hours=1)


@pytest.fixture
def built(tmp_path):
    ledger = Ledger()
    for number in range(40):
        ledger.cost(ago(number), "proj_1", LINE, 10 + number)
    with bot(tmp_path, ledger) as built:
        built.poll()
        yield built


def known(built):
    return dict(built.rows("SELECT bucket, checksum FROM bucket_checksum"))


def read_rows(synced):
    return sum(result.rows for result in synced.results if result.source == "costs")


def test_a_steady_poll_decodes_nothing_and_writes_nothing(built):
    before, costs = known(built), built.costs()
    synced = built.poll(NOON + HOUR)
    assert synced.complete
    assert (read_rows(synced), synced.results[0].changed) == (0, 0)
    assert (known(built), built.costs()) == (before, costs)
    assert built.state().read_at == NOON + HOUR


def test_only_the_day_that_changed_is_read(built):
    row = next(iter(built.ledger.cost_rows(ago(1), NOON)))
    built.ledger.revise(row, "99.5")
    before = known(built)
    synced = built.poll(NOON + HOUR)
    assert (read_rows(synced), synced.results[0].changed) == (1, 1)
    assert built.day(ago(1)) == {("proj_1", LINE): 99_500_000_000}
    after = known(built)
    assert {bucket for bucket in after if after[bucket] != before.get(bucket)} == {epoch(ago(1))}
    assert read_rows(built.poll(NOON + 2 * HOUR)) == 0


def test_a_line_that_vanishes_is_zero_although_its_day_is_known(built):
    built.ledger.cost(ago(2), "proj_2", LINE, 5)
    built.poll(NOON + HOUR)
    built.ledger.set_day(ago(2), [("proj_1", LINE, "12")])
    assert built.poll(NOON + 2 * HOUR).results[0].changed == 1
    assert built.day(ago(2)) == {("proj_1", LINE): 12_000_000_000}


def test_days_that_are_read_in_another_way_are_read_again(built):
    built.span(ago(2))
    assert not known(built).keys() & {epoch(ago(n)) for n in range(3)}
    assert read_rows(built.poll(NOON + HOUR)) == 3
    assert read_rows(built.poll(NOON + 2 * HOUR)) == 0


def test_what_is_pruned_is_not_known_any_more(built):
    prune(built.store, ago(0))
    assert known(built).keys() == {epoch(TODAY)}


def test_a_refused_poll_keeps_what_was_known(built):
    before = known(built)
    built.server.refuses = lambda path, params: 500 if path.endswith("/costs") else None
    assert not built.poll(NOON + HOUR).complete
    built.server.refuses = None
    assert known(built) == before


def test_once_a_day_everything_is_compared_value_by_value(built):
    """Whatever happened to the database meanwhile is mended without anybody asking."""
    with built.store.writing() as tx:
        run(tx, "DELETE FROM cost_fact WHERE bucket = ?", (epoch(ago(1)),))
    assert built.poll(NOON + HOUR).results[0].changed == 0
    assert built.day(ago(1)) == {}
    tomorrow = NOON + timedelta(days=1, hours=1)
    assert built.poll(tomorrow).results[0].changed == 1
    assert built.day(ago(1)) == {("proj_1", LINE): 11_000_000_000}


def test_only_the_last_days_are_known(built):
    for n in range(1, 9):
        built.poll(NOON + timedelta(days=n))
    last = max(known(built))
    assert all(last - bucket <= 4 * 86_400 for bucket in known(built))
