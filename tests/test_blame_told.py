"""Who and since when, through the real tick: costs and usage over HTTP, SQLite, and the card in the room."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from bot import blaming
from bot.answers import answer
from bot.core.evaluate import evaluate
from bot.core.period import DAY
from bot.edge.store import incidents
from bot.edge.store.hours import hours
from bot.loading import load_view
from tests.standins.slack_rules import check_message
from tests.world import LABS, at, world

RULES = """
version: 1
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: 1,800
    thresholds: [{at: 50%, severity: info}, {at: 100%, severity: critical}]
"""
NINE = "key *ingest-worker*, `gpt-5.2` output, first seen 18 Nov 09:00 UTC, 100% of the rise"
FIRST, BORN, LAST = date(2026, 9, 20), date(2026, 11, 18), date(2026, 11, 20)


@contextmanager
def looping(tmp_path, rules=RULES, *, projects=(LABS,), **server):
    """Two usual months of each project, and a key that begins to loop at 09:00 on 18 November."""
    with world(tmp_path, **server) as built:
        for project in projects:
            built.ledger.api_key(project, f"key_ingest_{project}", "ingest-worker")
            usual(built, project)
            loop(built, project)
        built.rules(rules)
        built.start().pace = timedelta()
        built.app.sources = ("costs", "completions")
        yield built
        for message in built.slack.messages:
            check_message(
                {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
            )


def usual(built, project):
    for place in range((LAST - FIRST).days + 1):
        day = FIRST + place * DAY
        built.ledger.cost(day, project, "gpt-5.2, input", "20", api_key_id=f"key_web_{project}")
        built.ledger.cost(day, project, "gpt-5.2, output", "10", api_key_id=f"key_web_{project}")
        for hour in range(8, 18) if day >= date(2026, 11, 10) else ():
            use(built, project, day, hour, f"key_web_{project}", 500)


def loop(built, project):
    for place in range((LAST - BORN).days + 1):
        day, key = BORN + place * DAY, f"key_ingest_{project}"
        built.ledger.cost(day, project, "gpt-5.2, output", "480" if place else "300", api_key_id=key)
        for hour in range(0 if place else 9, 24):
            use(built, project, day, hour, key, 40_000)


def use(built, project, day, hour, key, tokens):
    begins = datetime(day.year, day.month, day.day, hour, 7, tzinfo=UTC)
    counts = {"input_tokens": tokens // 10, "output_tokens": tokens, "num_model_requests": 3}
    model = "gpt-5.2-2025-12-11"
    built.ledger.usage(
        "completions", begins, counts, project_id=project, api_key_id=key, model=model, batch=False
    )


@pytest.fixture
def labs(tmp_path):
    with looping(tmp_path) as built:
        yield built


def lines(message):
    """The lines of a card above its facts."""
    held = [each for block in message.blocks for each in block.get("elements", [block.get("text")])]
    return [line for each in held for line in each["text"].split("\n")]


def test_a_key_that_runs_away_at_nine_is_named_with_the_hour(labs):
    labs.poll("2026-11-18 08:00")
    assert labs.posts == []
    labs.poll("2026-11-19 14:00")
    (card,) = labs.posts
    assert lines(card)[1] == NINE
    assert "key ingest-worker, gpt-5.2 output, first seen 18 Nov 09:00 UTC, 100% of the rise." in card.text
    assert "Where it went" in str(card.attachments)


EVERY_KIND = """
version: 1
rules:
  - {id: month, kind: budget, select: {}, each: project, period: month, amount: 1200, thresholds: [100%]}
  - {id: day, kind: budget, select: {}, each: project, period: day, amount: 100, thresholds: [100%]}
  - {id: live, kind: budget, metric: spend, select: {}, each: project, period: month, amount: 1200, thresholds: [100%]}
  - {id: rise, kind: change, each: project, window: 2d, when: {increase: 100%, at_least: $50}}
  - {id: odd, kind: anomaly, each: project}
"""


@pytest.mark.parametrize("rule", ["month", "day", "live", "rise", "odd"])
def test_every_kind_of_alert_about_money_names_who_is_new(tmp_path, rule):
    chosen = [line for line in EVERY_KIND.splitlines() if "{id:" not in line or f"{{id: {rule}," in line]
    with looping(tmp_path, "\n".join(chosen)) as built:
        built.poll("2026-11-20 14:00")
        (card,) = built.posts
        who = next(line for line in lines(card) if "ingest-worker" in line)
        assert who.startswith("key *ingest-worker*, `gpt-5.2`")
        assert ", first seen 18 Nov" in who
        with built.app.store.reading() as tx:
            (mark,) = tx.exec_driver_sql("SELECT fingerprint FROM incident").fetchone()
        moment = at("2026-11-20 14:05")
        told, _ = answer(built.app.store, built.app.rules.now(moment), f"why {mark}", moment)
        assert told.blame.first_seen
        assert told.blame.parts[0].name == "ingest-worker"


def test_a_key_that_was_there_long_before_is_not_first_seen(labs):
    labs.ledger.cost(FIRST + DAY, LABS, "gpt-5.2, output", "0.02", api_key_id=f"key_ingest_{LABS}")
    labs.poll("2026-11-19 14:00")
    (card,) = labs.posts
    assert lines(card)[1] == NINE.replace("first seen", "since")


def test_a_graver_level_names_it_in_the_thread(labs):
    labs.poll("2026-11-19 14:00")
    labs.poll("2026-11-21 14:00")
    (line,) = labs.replies
    assert line.broadcast
    assert line.text.endswith(NINE)


def test_the_line_is_on_the_final_card_and_not_on_a_corrected_one(labs):
    labs.poll("2026-11-19 14:00")
    (card,) = labs.posts
    revised = {}
    for day in (BORN, BORN + DAY, LAST):
        (row,) = [row for row in labs.ledger.cost_rows(day, at("2026-11-19")) if "ingest" in row.api_key_id]
        revised[row] = labs.ledger.revise(row, "0")
    labs.poll("2026-11-19 18:00")
    assert card.text.startswith("Corrected")
    assert not any("ingest-worker" in line for line in lines(card))
    for row, nothing in revised.items():
        labs.ledger.revise(nothing, row.amount)
    labs.poll("2026-11-21 14:00")
    labs.poll("2026-12-03 14:00")
    assert lines(card)[0].startswith(":white_circle:")
    assert lines(card)[1] == NINE


def test_costs_that_are_not_told_by_key(tmp_path):
    with looping(tmp_path, cost_group_by=("project_id", "line_item")) as built:
        built.poll("2026-11-19 14:00")
        (card,) = built.posts
    assert lines(card)[1] == "`gpt-5.2` output, since 18 Nov 09:00 UTC, 100% of the rise"
    assert "Which key: costs are not told by key to this organization" in lines(card)


def test_a_budget_that_the_usual_passes_blames_nobody(tmp_path):
    with looping(tmp_path, RULES.replace("1,800", "800")) as built:
        built.poll("2026-11-15 14:00")
        (card,) = built.posts
    assert lines(card)[1] == "Who and since when: nobody in particular, about as much was usual before"


def test_tokens_are_blamed_as_dollars_are(tmp_path):
    rules = RULES.replace("amount: 1,800", "metric: output_tokens\n    amount: 1,000,000")
    with looping(tmp_path, rules) as built:
        built.poll("2026-11-19 14:00")
        (card,) = built.posts
    assert (
        lines(card)[1] == "key *ingest-worker*, `gpt-5.2-2025-12-11`, since 18 Nov 09:00 UTC, 96% of the rise"
    )


@contextmanager
def counting(built):
    """Every statement that the store is asked meanwhile."""
    engine, statements = built.app.store._engine, []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_however_many_are_spoken_of_the_store_is_scanned_as_often(tmp_path):
    scans = []
    for projects in (1, 12):
        (home := tmp_path / str(projects)).mkdir()
        with looping(home, projects=[f"proj_{place}" for place in range(projects)]) as built:
            with counting(built) as statements:
                built.poll("2026-11-19 14:00")
            with built.app.store.reading() as tx:
                found = [incidents.telling(each).blame for each in incidents.current(tx)]
        assert [each.since for each in found] == ["2026-11-18T09:00:00Z"] * projects
        scans.append(
            sum("SUM(amount_nano)" in each or "FROM usage_hour WHERE" in each for each in statements)
        )
    assert scans[0] == scans[1]


def test_nothing_is_looked_into_while_nothing_is_said(labs):
    labs.poll("2026-11-19 14:00")
    (row,) = [row for row in labs.ledger.cost_rows(LAST, at("2026-11-19")) if "ingest" in row.api_key_id]
    labs.ledger.revise(row, "490")
    with counting(labs) as statements:
        labs.poll("2026-11-19 14:30")
    assert not any("FROM usage_hour WHERE" in each for each in statements)
    (card,) = labs.posts
    assert lines(card)[1] == NINE


def test_who_asks_why_is_told_the_same(labs):
    labs.poll("2026-11-19 14:00")
    now, app = at("2026-11-19 14:00"), labs.app
    with app.store.reading() as tx:
        book = app.rules.now(now).book
        view = load_view(tx, app.store, book, now)
        (finding,) = [
            each for each in evaluate(book, view, now).findings if each.group == (LABS,) and not each.closed
        ]
        asked = blaming.look(tx, app.store, book, view, finding, now)
        (incident,) = incidents.current(tx)
    assert asked == incidents.telling(incident).blame


def test_hours_are_read_of_what_is_asked_alone(labs):
    labs.poll("2026-11-19 14:00")
    day = int(datetime(2026, 11, 18, tzinfo=UTC).timestamp())
    with labs.app.store.reading() as tx:
        (mine,) = [n for n, each in labs.app.store.index.usage(tx).items() if "ingest" in each.api_key_id]
        spans = [(day, day + 10 * 3_600), (day + 9 * 3_600, day + 11 * 3_600), (0, 3_600)]
        found = hours(tx, ("input_tokens", "output_tokens"), spans, {mine})
        assert hours(tx, ("images",), spans, ()) == []
    assert found == [(day + 9 * 3_600, mine, 4_000, 40_000), (day + 10 * 3_600, mine, 4_000, 40_000)]


def test_live_spend_names_the_key_within_minutes(tmp_path):
    rules = """
version: 1
rules:
  - {id: today, kind: budget, metric: spend, select: {}, each: project, period: day, amount: 150, thresholds: [50%]}
"""
    with world(tmp_path) as built:
        built.ledger.api_key(LABS, "key_ingest", "ingest-worker")
        for place in range(59):
            day = FIRST + place * DAY
            built.ledger.cost(day, LABS, "gpt-5.2, input", "20", api_key_id="key_web")
            built.ledger.cost(day, LABS, "gpt-5.2, output", "10", api_key_id="key_web")
            use(built, LABS, day, 10, "key_web", 5_000)
        built.rules(rules)
        built.start().pace = timedelta()
        built.app.sources = ("costs", "completions")
        built.poll("2026-11-18 08:00")
        assert built.posts == []
        use(built, LABS, BORN, 9, "key_ingest", 20_000)
        built.poll("2026-11-18 09:20")
        (card,) = built.posts
    assert lines(card)[1] == "key *ingest-worker*, `gpt-5.2`, since 18 Nov 09:00 UTC, 100% of the rise"
