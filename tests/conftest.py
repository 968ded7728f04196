"""Fixtures every story shares: a clock that stands still, an organization filled by hand, a bot wired for real."""

import logging
import os

import pytest
import stamina

os.environ.pop("DYNO", None)


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
