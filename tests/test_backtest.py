"""A backtest says what the real poll path said, and what other rules would have said instead."""

import json
import random
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from bot.backtesting import run
from bot.core.timeline import Observation, Timeline, as_it_would_have_been
from bot.edge.rule_files import load_texts
from tests.world import LABS, SEARCH, at, world

RULES = """
version: 1
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: 3,000
    thresholds: [50%, 80%, 100%, forecast 100%]
  - id: day
    kind: budget
    select: {}
    each: [project, line_item]
    period: day
    amount: 110
    thresholds: [100%]
  - id: week
    kind: budget
    select: {project: search-*}
    period: week
    amount: 700
    thresholds: [80%, 100%, forecast 100%]
"""
COMPARING = """
  - {id: unusual, kind: anomaly, each: [project, line_item], at_most: 7 per week, ignore_below: $1}
  - {id: risen, kind: change, each: project, window: 3d, when: {increase: 20%, at_least: $30}}
  - {id: new, kind: first_seen, dimension: line_item, each: project, lookback: 30d}
"""
FIRST = date(2026, 8, 20)


def book_of(rules):
    loaded = load_texts({"rules.yaml": rules}, "rules")
    assert loaded.book, loaded.problems
    return loaded.book


def said_by(app):
    """What the database has as said: (when, rule, group, transition, level)."""
    with app.store.reading() as tx:
        rows = tx.execute(
            text(
                "SELECT e.at, i.rule_id, i.group_ids, e.transition, e.level FROM event e "
                "JOIN incident i ON i.fingerprint = e.fingerprint ORDER BY e.id"
            )
        ).all()
    return [
        (
            datetime.fromisoformat(row[0]).replace(tzinfo=UTC),
            row[1],
            tuple(json.loads(row[2])),
            row[3],
            row[4],
        )
        for row in rows
    ]


def replayed(told):
    return [
        (
            saying.event.at,
            saying.event.rule_id,
            saying.event.group,
            saying.event.transition,
            saying.event.level,
        )
        for saying in told.sayings
    ]


@pytest.fixture
def built(tmp_path):
    with world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("seed", range(2))
def test_it_agrees_with_a_day_by_day_replay_of_the_real_polls(built, seed):
    """Late rows, revisions, spikes, a line item that comes: what was said is what is replayed, by every kind."""
    chance = random.Random(seed)
    built.rules(RULES + COMPARING)
    rows = {}
    known, days = 45, 70
    for place in range(days):
        day = FIRST + timedelta(days=place)
        for project, item in ((SEARCH, "gpt-5.2, input"), (LABS, "gpt-5.2, output"), (SEARCH, "images")):
            if item == "images" and place < known + 8:
                continue
            amount = chance.uniform(60, 100) * (chance.choice((1, 1, 1, 1, 2.5)) if place > known else 1)
            rows[day, project, item] = built.ledger.cost(day, project, item, f"{amount:.2f}")
        if place < known:
            continue  # history, which the first poll fetches at once
        if chance.random() < 0.4:
            key = chance.choice([key for key in rows if (day - key[0]).days < 6])
            rows[key] = built.ledger.revise(rows[key], f"{chance.uniform(10, 250):.2f}")
        built.poll(f"{day} {chance.choice((3, 14, 23)):02d}:10")
    began, until = FIRST + timedelta(days=known), at(f"{FIRST + timedelta(days=days - 1)} 23:59")
    told = run(built.app.store, book_of(RULES + COMPARING), began, until).told
    assert sorted(replayed(told)) == sorted(said_by(built.app))
    assert {saying.event.rule_id for saying in told.openings} == {
        "project-month", "day", "week", "unusual", "risen", "new",
    }  # fmt: skip


def test_two_versions_are_compared_by_what_starts_and_what_stops(built):
    built.rules(RULES)
    for place in range(30):
        day = FIRST + timedelta(days=place)
        built.ledger.cost(day, SEARCH, "gpt-5.2, input", 150 if place == 20 else 60)
        built.ledger.cost(day, LABS, "gpt-5.2, input", 105)
        built.poll(f"{day} 14:00")
    until = at(f"{FIRST + timedelta(days=29)} 23:00")
    looser = RULES.replace("amount: 110", "amount: 160").replace("amount: 700", "amount: 400")
    compared = run(built.app.store, book_of(looser), FIRST, until, other=book_of(RULES))
    assert {(said.event.rule_id, said.incident.span.start) for said in compared.difference.stops} == {
        ("day", FIRST + timedelta(days=20))
    }
    assert {said.event.rule_id for said in compared.difference.starts} == {"week"}


def test_history_fetched_at_once_counts_as_known_when_each_day_ended(built):
    """A year can be replayed the day after installation."""
    built.rules(RULES)
    for place in range(60):
        day = FIRST + timedelta(days=place)
        built.ledger.cost(day, LABS, "gpt-5.2, input", 130 if place == 15 else 60)
    last = FIRST + timedelta(days=59)
    built.poll(f"{last} 14:00")
    compared = run(built.app.store, book_of(RULES), FIRST, at(f"{last} 15:00"))
    day = next(said for said in compared.told.openings if said.event.rule_id == "day")
    assert day.incident.first_day == FIRST + timedelta(days=15)
    assert day.event.at == at(f"{FIRST + timedelta(days=16)} 00:00")
    assert "Before the first poll" in compared.notes[0]


def test_a_timeline_sums_what_was_known_and_nothing_later():
    day = int(at("2026-10-31").timestamp())
    rows = [
        Observation(day + 10, day, 1, 5),
        Observation(day + 20, day, 1, 7),
        Observation(day + 86_400 + 5, day + 86_400, 1, 11),
        Observation(day + 86_400 + 9, day, 1, 0),
    ]
    timeline = Timeline(rows)
    cuts = [date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 1), date(2026, 12, 1)]
    seen = []
    for now in (day, day + 10, day + 20, day + 86_405, day + 90_000):
        timeline.learn(now)
        seen.append([sum(part.values()) for part in timeline.stretches(cuts)])
    assert seen == [[0, 0, 0], [0, 5, 0], [0, 7, 0], [0, 7, 11], [0, 0, 11]]


@pytest.mark.parametrize(
    ("seen", "known"),
    [
        pytest.param("2026-10-01 12:00", "2026-10-01 12:00", id="as-it-was-seen"),
        pytest.param("2026-10-20 12:00", "2026-10-02 00:00", id="with-the-first-poll"),
        pytest.param("2026-10-21 12:00", "2026-10-21 12:00", id="late-but-read-by-polls"),
        pytest.param("2026-12-21 12:00", "2026-10-02 00:00", id="a-backfill"),
    ],
)
def test_when_a_figure_counts_as_known(seen, known):
    day = int(at("2026-10-01").timestamp())
    first_poll = int(at("2026-10-20 12:00").timestamp())
    row = Observation(int(at(seen).timestamp()), day, 1, 5)
    assert as_it_would_have_been([row], first_poll) == [row._replace(seen=int(at(known).timestamp()))]
