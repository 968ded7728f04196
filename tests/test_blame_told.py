"""Who and since when, through the real tick: costs and usage over HTTP, SQLite, and the card in the room."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.standins.slack_rules import check_message
from tests.world import LABS, world

RULES = """
version: 1
rules:
  - id: project-month
    kind: budget
    select: {}
    each: project
    period: month
    amount: 2,000
    thresholds: [{at: 50%, severity: info}, {at: 100%, severity: critical}]
"""
KEYS = {"key_notebooks": "notebooks", "key_ingest": "ingest-worker"}
BORN = date(2026, 11, 18)


@pytest.fixture
def labs(tmp_path):
    """Two usual months of a project, and a key that begins to loop at 09:00 on 18 November."""
    with world(tmp_path) as built:
        for key_id, name in KEYS.items():
            built.ledger.api_key(LABS, key_id, name)
        day = date(2026, 9, 20)
        while day <= date(2026, 11, 21):
            built.ledger.cost(day, LABS, "gpt-5.2, input", "20", api_key_id="key_notebooks")
            built.ledger.cost(day, LABS, "gpt-5.2, output", "10", api_key_id="key_notebooks")
            if day >= date(2026, 11, 10):
                for hour in range(8, 18):
                    use(built, day, hour, "key_notebooks", 500)
            day += timedelta(days=1)
        for place in range(3):
            day = BORN + timedelta(days=place)
            built.ledger.cost(
                day, LABS, "gpt-5.2, output", "480" if place else "300", api_key_id="key_ingest"
            )
            for hour in range(0 if place else 9, 24):
                use(built, day, hour, "key_ingest", 40_000)
        built.rules(RULES)
        built.start().pace = timedelta()
        built.app.sources = ("costs", "completions")
        yield built
        for message in built.slack.messages:
            check_message(
                {"text": message.text, "blocks": message.blocks, "attachments": message.attachments}
            )


def use(built, day, hour, key, tokens, model="gpt-5.2-2025-12-11"):
    begins = datetime(day.year, day.month, day.day, hour, 7, tzinfo=UTC)
    counts = {"input_tokens": tokens // 10, "output_tokens": tokens, "num_model_requests": 3}
    built.ledger.usage(
        "completions", begins, counts, project_id=LABS, api_key_id=key, model=model, batch=False
    )


def lines(message):
    """The lines of a card above its facts."""
    return [
        line
        for block in message.blocks
        for held in ([block["text"]] if "text" in block else block["elements"])
        for line in held["text"].split("\n")
    ]


def test_a_key_that_runs_away_at_nine_is_named_with_the_hour(labs):
    labs.poll("2026-11-18 08:00")
    assert labs.posts == []
    labs.poll("2026-11-19 14:00")
    (card,) = labs.posts
    assert lines(card)[1] == "key *ingest-worker*, `gpt-5.2` output, since 18 Nov 09:00 UTC, 100% of the rise"
    assert "key ingest-worker, gpt-5.2 output, since 18 Nov 09:00 UTC, 100% of the rise." in card.text
