"""The score of live spend: kept while a day is not billed, held against its bill, and said in words."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.accuracy import read_accuracy
from bot.core.accuracy import Score, accuracy, show_error
from bot.core.dimension import Series
from bot.core.live.estimate import Estimate, Estimates
from bot.core.period import DAY, Span
from bot.edge.store import live
from bot.edge.store.store import Store
from bot.render.answers.accuracy import headline, shell
from bot.render.answers.accuracy import slack as reply
from bot.viewing import keep_score
from tests.spending import golden
from tests.standins.slack_rules import check_message

DOLLAR = 1_000_000_000
FIRST = date(2026, 10, 1)
NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)
SPAN = Span(FIRST, FIRST + 5 * DAY)
LINE, LISTED = "gpt-5.2, input", "gpt-9, input"


def score(day, dollars, item=LINE, known=True, project="p"):
    return Score(FIRST + day * DAY, project, item, round(dollars * DOLLAR), known, NOON)


def scored(scores, billed, span=SPAN):
    """`billed`: (day number, line item) → dollars, all of project p."""
    by_day = {}
    for (day, item), dollars in billed.items():
        by_day.setdefault(FIRST + day * DAY, {})["p", item] = round(dollars * DOLLAR)
    return accuracy(scores, by_day, span, as_of=NOON)


@pytest.fixture
def story():
    """Four days of five, one too high, one with a list price, one with a line that nothing foresaw, and a credit."""
    return scored(
        [score(0, 101), score(1, 96), score(2, 100), score(2, 20, LISTED, known=False), score(3, 100)],
        {(0, LINE): 100, (1, LINE): 100, (2, LINE): 100, (2, LISTED): 30, (3, LINE): 100, (3, "gpt-5.2, output"): 5,
         (3, "service credit"): -250, (4, LINE): 100},
    )  # fmt: skip


def test_estimates_are_held_against_bills(story):
    assert [show_error(day.all.error) for day in story.days] == ["+1.0%", "−4.0%", "−7.7%", "−4.8%"]
    assert (story.all.estimated, story.all.billed) == (417 * DOLLAR, 435 * DOLLAR)
    assert show_error(story.own.error) == "−0.8%"
    assert story.listed == 20 * DOLLAR
    assert story.missed == 5 * DOLLAR
    assert story.unscored == 1
    assert story.worst.day == FIRST + 2 * DAY
    assert story.usual == pytest.approx((1 + 4 + 10 + 5) / 435)


def test_what_usage_does_not_count_is_in_no_figure(story):
    assert story.days[3].all.billed == 105 * DOLLAR


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(0.0, "0.0%", id="exact"),
        pytest.param(-0.0001, "0.0%", id="a trace"),
        pytest.param(1.5, "+150.0%", id="far too high"),
        pytest.param(None, "—", id="nothing billed"),
    ],
)
def test_errors_are_said(error, said):
    assert show_error(error) == said


@pytest.mark.parametrize(
    ("scores", "billed", "says"),
    [
        pytest.param([], {}, "No settled day was estimated", id="nothing kept"),
        pytest.param(
            [score(0, 5)], {}, "$5.00 was estimated over 1 day, and nothing was billed", id="nothing billed"
        ),
        pytest.param([score(0, 5)], {(0, LINE): 5}, "exact to 0.1% over 1 day", id="exact"),
        pytest.param([score(0, 3)], {(0, LINE): 2}, "50.0% too high", id="too high"),
        pytest.param([score(0, 1)], {(0, LINE): 2}, "50.0% too low", id="too low"),
    ],
)
def test_the_headline(scores, billed, says):
    assert says in headline(scored(scores, billed))


def test_a_shell_reads_it(story):
    golden("accuracy.txt", shell(story))


def test_machines_read_it(story):
    told = json.loads(shell(story, "json"))
    assert (told["estimated_usd"], told["billed_usd"], told["error"]) == ("417", "435", -0.0414)
    rows = list(csv.DictReader(io.StringIO(shell(story, "csv"))))
    assert rows == [{key: str(value) for key, value in day.items()} for day in told["days"]]


def test_slack_reads_it(story):
    body = reply(story)
    check_message(body)
    assert body["text"].startswith("Live spend was 4.1% too low over 4 days")
    table = next(block for block in body["blocks"] if block["type"] == "table")
    assert [row[0]["text"] for row in table["rows"]] == ["Day", "4 Oct", "3 Oct", "2 Oct", "1 Oct", "total"]


# Keeping it


@pytest.fixture
def store(tmp_path):
    with Store(f"sqlite:///{tmp_path}/score.db") as opened:
        yield opened


def estimates(*lines):
    """The estimates of these lines: (day number, item, key, dollars, known)."""
    return Estimates(
        FIRST,
        (
            *(
                Estimate(FIRST + day * DAY, Series("p", item, key), round(dollars * DOLLAR), 0, 0, known)
                for day, item, key, dollars, known in lines
            ),
            Estimate(FIRST, Series("p", "service credit"), -5, -5, 0, metered=False),
        ),
    )


def kept(store):
    with store.reading() as tx:
        return {
            (each.day.day, each.line_item): (each.estimated / DOLLAR, each.known, each.made_at)
            for each in live.scores(tx, FIRST, FIRST + 9 * DAY)
        }


def keep(store, now, *lines):
    with store.writing() as tx:
        return keep_score(tx, estimates(*lines), now)


def test_the_last_estimate_of_the_day_is_kept_once_changed(store):
    morning, evening = NOON - timedelta(hours=24), NOON - timedelta(hours=13)
    assert (
        keep(store, morning, (0, LINE, "a", 1, True), (0, LINE, "b", 2, True), (0, LISTED, "", 4, False)) == 2
    )
    assert kept(store) == {(1, LINE): (3, True, morning), (1, LISTED): (4, False, morning)}
    assert (
        keep(
            store,
            evening,
            (0, LINE, "a", 3, True),
            (0, "gpt-5.2, output", "", 1, True),
            (0, LISTED, "", 4, False),
        )
        == 1
    )
    assert keep(store, evening, (0, LINE, "a", 5, True), (0, LISTED, "", 4, False)) == 2
    assert kept(store) == {(1, LINE): (5, True, evening), (1, LISTED): (4, False, morning)}


def test_what_is_estimated_after_the_day_changes_no_score(store):
    in_time, late = datetime(2026, 10, 2, 0, 59, tzinfo=UTC), datetime(2026, 10, 2, 1, 0, tzinfo=UTC)
    keep(store, in_time, (0, LINE, "", 5, True))
    assert keep(store, late, (0, LINE, "", 7, True), (1, LINE, "", 1, True)) == 1
    assert kept(store) == {(1, LINE): (5, True, in_time), (2, LINE): (1, True, late)}


def test_a_day_that_nobody_estimated_in_time_is_kept_as_it_is_first_estimated(store):
    assert keep(store, NOON, (0, LINE, "", 7, True)) == 1
    assert keep(store, NOON + timedelta(hours=1), (0, LINE, "", 8, True)) == 0
    assert kept(store) == {(1, LINE): (7, True, NOON)}


def test_nothing_is_scored_before_a_poll(store):
    answer = read_accuracy(store, NOON)
    assert answer.days == ()
    assert answer.span.days == 30
    assert "No settled day" in shell(answer)
    assert shell(answer).endswith("Nothing was read yet.")
