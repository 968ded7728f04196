"""`sync --since`: any span of days, kept window by window, gone on with after any end."""

from datetime import date, timedelta
from decimal import Decimal
from math import inf

import pytest

from bot.demo.ledger import Ledger
from bot.demo.openai_faults import Status
from tests.syncing import LINE, NOON, TODAY, ago, before, bot

TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def ledger():
    built = Ledger()
    for number in range(400):
        built.cost(ago(number), "proj_1", LINE, "10")
    return built


def days(built):
    first, last, count = built.rows(
        "SELECT date(MIN(bucket), 'unixepoch'), date(MAX(bucket), 'unixepoch'), COUNT(*) FROM cost_fact"
    )[0]
    return date.fromisoformat(first), date.fromisoformat(last), count


def backfills(built):
    return built.rows("SELECT source, since, until, reached FROM backfill")


def test_a_span_is_read_and_its_progress_only_grows(tmp_path, ledger):
    told = []
    with bot(tmp_path, ledger) as built:
        synced = built.span(ago(300), progress=lambda *words: told.append(words))
        assert synced.complete
        assert synced.results[0].changed == 301
        assert days(built) == (ago(300), TODAY, 301)
        assert backfills(built) == []
        assert (built.state().since, built.state().through) == (ago(300), TOMORROW)
        assert built.state().read_at == NOON  # up to now without a hole: figures are as of this read
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
    assert told[-1] == ("costs", 301, 301)
    assert {(source, total) for source, _, total in told} == {("costs", 301)}


def test_a_span_that_ended_long_ago_is_that_and_no_more(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        assert built.span(ago(300), ago(200)).complete
        assert days(built) == (ago(300), ago(201), 100)


def test_the_poll_after_a_span_adds_up_its_months(tmp_path, ledger):
    kept = "SELECT COUNT(DISTINCT bucket) FROM cost_month"
    with bot(tmp_path, ledger) as built:
        built.span(ago(300))
        assert built.one(kept) == 0
        built.poll()
        assert built.one(kept) == 9  # January to September: the tenth has only begun


def test_days_to_come_are_not_claimed(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.span(ago(10), TODAY + timedelta(days=100))
        assert built.state().through == TOMORROW


def test_a_hole_between_spans_is_never_claimed(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        built.span(ago(300), ago(200))
        assert built.state().since == ago(120)
        built.poll(NOON + timedelta(hours=1), needs_from=ago(150))
        assert built.state().since == ago(150)
        built.span(ago(210), ago(140))
        assert built.state().since == ago(210)
        assert days(built)[2] == 301


def test_a_span_before_the_first_poll_is_joined_by_it(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.span(ago(300), ago(200))
        assert built.poll(needs_from=ago(250)).complete
        assert built.state().since <= ago(250)
        stored = {row[0] for row in built.rows("SELECT date(bucket, 'unixepoch') FROM cost_fact")}
        day = built.state().since
        while day <= TODAY:
            assert str(day) in stored
            day += timedelta(days=1)


def test_every_end_is_gone_on_with_where_it_was(tmp_path, ledger):
    """Killed after each window in turn, by a failure or a crash, until it is through."""
    with bot(tmp_path, ledger) as built:
        reached = [TOMORROW]
        for number in range(40, 301, 40):
            built.server.refuses = before(ago(number), 500)
            synced = built.span(ago(300))
            assert "OpenAI is in trouble" in synced.results[0].why
            built.restart()
            (row,) = backfills(built)
            reached.append(date.fromisoformat(row[3]))
            built.forget_requests()
        built.server.refuses = None
        assert built.span(ago(300)).complete
        assert reached == sorted(reached, reverse=True)
        assert reached[-1] < ago(40)
        assert max(built.asked_since()) < reached[-1]
        assert days(built) == (ago(300), TODAY, 301)
        assert backfills(built) == []
        assert built.one("SELECT SUM(amount_nano) FROM cost_fact") == 301 * 10 * 10**9


def test_a_process_that_is_killed_in_a_window_loses_that_window_only(tmp_path, ledger):
    class Killed(BaseException):
        pass

    def die(_source, done, _total):
        if done > 20:
            raise Killed

    with bot(tmp_path, ledger) as built:
        with pytest.raises(Killed):
            built.span(ago(300), progress=die)
        built.restart()
        (row,) = backfills(built)
        reached = date.fromisoformat(row[3])
        assert days(built) == (reached, TODAY, (TOMORROW - reached).days)
        told = []
        built.forget_requests()
        built.span(ago(300), progress=lambda *words: told.append(words[1]))
        assert told[0] > (TOMORROW - reached).days
        assert max(built.asked_since()) < reached
        assert days(built) == (ago(300), TODAY, 301)


def test_one_stopped_before_midnight_goes_on_after_it_and_makes_the_last_day_whole(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.server.refuses = before(ago(40), 500)
        assert not built.span(ago(300)).complete
        built.server.refuses = None
        ledger.cost(TODAY, "proj_1", LINE, "5")
        ledger.cost(TODAY + timedelta(days=1), "proj_1", LINE, "1")
        (row,) = backfills(built)
        reached = date.fromisoformat(row[3])
        built.forget_requests()
        built.span(ago(300), TOMORROW + timedelta(days=1), now=NOON + timedelta(hours=14))
        assert built.day(TODAY) == {("proj_1", LINE): 15 * 10**9}
        assert built.day(TOMORROW) == {("proj_1", LINE): 10**9}
        assert {day for day in built.asked_since() if reached <= day} == {TODAY}
        assert built.state().since == ago(300)


def test_a_finished_one_reads_everything_when_it_is_asked_again(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.span(ago(60))
        ledger.cost(ago(50), "proj_1", LINE, "0.25")
        built.forget_requests()
        synced = built.span(ago(60), now=NOON + timedelta(hours=1))
        assert synced.results[0].changed == 1
        assert built.day(ago(50)) == {("proj_1", LINE): 10_250_000_000}
        assert [amount for *_, amount, _ in built.costs()[1]] == [10 * 10**9]


def test_several_sources_and_one_that_fails(tmp_path, ledger):
    for number in range(50):
        ledger.usage(
            "embeddings",
            NOON - timedelta(days=number),
            {"input_tokens": 1, "num_model_requests": 1},
            project_id="p",
        )
    with bot(tmp_path, ledger) as built:
        built.server.fail("/costs", Status(500), inf)
        told = []
        synced = built.span(
            ago(40), sources=("costs", "embeddings", "decisions"), progress=lambda *w: told.append(w[0])
        )
        assert [(result.source, result.complete) for result in synced.results] == [
            ("costs", False),
            ("embeddings", True),
            ("decisions", True),
        ]
        assert synced.results[2].why == "not offered to this organization"
        assert built.one("SELECT COUNT(*) FROM usage_day") == 41
        assert set(told) == {"embeddings"}
        assert synced.refused is None


def test_a_refused_key_ends_it_all_at_once(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.server.break_down(Status(403))
        synced = built.span(ago(40), sources=("costs", "embeddings"))
        assert synced.refused is not None
        assert [result.complete for result in synced.results] == [False, False]
        assert built.server.asked("/embeddings") == []


def test_a_month_that_is_refused_is_said_and_the_younger_are_kept(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.server.refuses = before(ago(100))
        synced = built.span(ago(300))
        assert not synced.complete
        assert "refuses the question" in synced.results[0].why
        assert days(built) == (ago(100), TODAY, 101)
        assert built.state().since == ago(100)


def test_a_change_of_old_days_is_a_new_version_of_the_data_even_when_it_is_killed(tmp_path, ledger):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    with bot(tmp_path, ledger) as built:
        built.poll()
        version = built.version()
        row = ledger.cost_rows(ago(2), NOON)[0]
        ledger.revise(row, Decimal("11.5"))
        with pytest.raises(Killed):
            built.span(ago(60), progress=die)
        assert built.version() > version


def test_figures_are_as_of_a_span_that_reaches_today_and_names_are_learned(tmp_path, ledger):
    ledger.project("proj_1", "search-prod")
    with bot(tmp_path, ledger) as built:
        built.span(ago(120))
        assert built.rows("SELECT read_at IS NOT NULL FROM source_state WHERE source = 'costs'") == [(1,)]
        assert built.rows("SELECT name FROM name WHERE kind = 'project'") == [("search-prod",)]
    (tmp_path / "past").mkdir()
    with bot(tmp_path / "past", ledger) as built:
        built.span(ago(120), until=ago(90))
        assert built.rows("SELECT read_at FROM source_state WHERE source = 'costs'") == [(None,)]
