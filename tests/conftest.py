"""Fixtures every story shares: a clock that stands still, an organization filled by hand, a bot wired for real."""

import logging
import os

import pytest
import stamina
from hypothesis import settings

from tests import engines

os.environ.pop("DYNO", None)

settings.register_profile("suite", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=20_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

ON_BOTH = {
    "test_answers",
    "test_blame_told",
    "test_checksums",
    "test_concerns",
    "test_deliver",
    "test_export",
    "test_digests",
    "test_facts",
    "test_freshness",
    "test_history",
    "test_limits_kept",
    "test_limits_told",
    "test_listen",
    "test_months",
    "test_live_spend",
    "test_native_limit",
    "test_orders",
    "test_overlays",
    "test_stories",
    "test_subscriptions",
    "test_sync",
}
"""The tests of the store, and the stories: played on SQLite and on PostgreSQL."""


def pytest_generate_tests(metafunc):
    if metafunc.module.__name__.rpartition(".")[2] in ON_BOTH:
        metafunc.parametrize("on_engine", engines.ENGINES, indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)
def on_engine(request):
    """The engine that the databases of this module's tests are made in."""
    before = engines.engine()
    engines.choose(getattr(request, "param", before))
    yield engines.engine()
    engines.choose(before)


@pytest.fixture(autouse=True)
def _quick_retries():
    """Tries are counted as always, and nobody waits between them."""
    with stamina.set_testing(True, attempts=5):
        yield


@pytest.fixture(autouse=True)
def _own_logs():
    """A command that runs in this process sends its logs elsewhere: the next test has its own again."""
    loggers = [logging.getLogger(name) for name in ("", "budgetbot", "bot")]
    kept = [(logger.handlers[:], logger.level) for logger in loggers]
    yield
    for logger, (handlers, level) in zip(loggers, kept, strict=True):
        logger.handlers[:] = handlers
        logger.setLevel(level)


@pytest.fixture(autouse=True)
def _patient_people(monkeypatch):
    """Nobody is told to wait because the machine is busy; who tries that sets the seconds himself."""
    monkeypatch.setattr("bot.edge.slack_respond.PATIENCE", 600)
