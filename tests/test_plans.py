"""How SQLite goes about our questions: days are read once, and never once for each series."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from bot.core.metrics import METRICS
from bot.core.period import epoch
from bot.edge.store import facts, history, limits
from bot.edge.store.store import Store
from tests.readings import reading
from tests.syncing import NOON, TODAY, ago

FACTS = ("cost_fact", "usage_day", "usage_hour", "cost_history", "usage_day_history")


@pytest.fixture
def store(tmp_path):
    with Store(f"sqlite:///{tmp_path}/plans.db") as opened:
        yield opened


def used(now=NOON):
    start = epoch(TODAY)
    day = timedelta(days=1)
    return reading(
        "embeddings", "1d", now.replace(hour=0), now.replace(hour=0) + day, (start,), ("project_id",),
        ("input_tokens", "num_model_requests"), {(start, "proj_1"): (5, 1)},
    )  # fmt: skip


ASKED = {
    "the newest days": lambda tx, store: facts.newest_days(tx, ago(8)),
    "who spends": lambda tx, store: limits.spenders(tx, ago(35)),
    "the past of a metric": lambda tx, store: history.usage(tx, METRICS["input_tokens"], ago(35)),
    "a window that is read again": lambda tx, store: facts.store(tx, store.index, used(), NOON),
    "sums of a metric": lambda tx, store: facts.metric_sums(tx, METRICS["input_tokens"], [ago(2), ago(1)]),
}


@pytest.mark.parametrize("name", ASKED)
def test_facts_are_never_read_once_for_each_series(store, name):
    """It took a poll of a large organization more than a minute where the planner went that way."""
    statements = []
    with store.writing() as tx:
        store.index.refresh(tx)
        event.listen(tx, "before_cursor_execute", lambda *told: statements.append(told[2:4]))
        ASKED[name](tx, store)
        read = [
            (statement, values)
            for statement, values in statements
            if statement.startswith("SELECT") and any(f" {table}" in statement for table in FACTS)
        ]
        assert read
        for statement, values in read:
            steps = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            for place, (_, parent, _, told) in enumerate(steps):
                if any(table in told.split()[:2] or told.split()[1:2] == ["f"] for table in FACTS):
                    before = [step[3] for step in steps[:place] if step[1] == parent]
                    assert not [step for step in before if " s " in f"{step} "], (statement, before)
