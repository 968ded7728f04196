"""Fixtures every story shares: a clock that stands still, an organization filled by hand, a bot wired for real."""

import os

import pytest
import stamina

os.environ.pop("DYNO", None)


@pytest.fixture(autouse=True)
def _quick_retries():
    """Tries are counted as always, and nobody waits between them."""
    with stamina.set_testing(True, attempts=5):
        yield
