"""Hard limits in the store: an answer stands for a day while none can be read, and no longer."""

from datetime import timedelta

import pytest

from bot.core.limits import UNKNOWN, Limit, Limits
from bot.edge.openai import SpendLimit
from bot.edge.store import limits
from bot.edge.store.limits import Unread
from bot.edge.store.store import Store
from tests.engines import database_url
from tests.syncing import NOON, empty_database

DOLLAR = 1_000_000_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SET = SpendLimit(100 * DOLLAR, "inactive")
NONE = SpendLimit(None)
REFUSED = Unread("OpenAI refuses the key (spend limits, status 403, 1 try).")


@pytest.fixture
def store(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with Store(database_url(tmp_path)) as opened:
        yield opened


def keep(store, now, **found):
    """Keep what was found of projects; `own` is the organization's."""
    with store.writing() as tx:
        return limits.keep(tx, {"" if key == "own" else key: each for key, each in found.items()}, now)


def known(store, now, project_id="p"):
    with store.reading() as tx:
        return limits.read(tx, now).of(project_id)


def test_before_the_first_read_nothing_is_known(store):
    with store.reading() as tx:
        assert limits.read(tx, NOON) == Limits()
    assert known(store, NOON) == UNKNOWN


def test_what_was_read_comes_back(store):
    enforcing = SpendLimit(9_000_000_000 * DOLLAR, "enforcing")
    assert keep(store, NOON, own=enforcing, p=SET, q=NONE, r=REFUSED) == 3
    with store.reading() as tx:
        found = limits.read(tx, NOON + HOUR)
    assert found == Limits(
        Limit("set", 9_000_000_000 * DOLLAR, True, NOON),
        {
            "p": Limit("set", 100 * DOLLAR, False, NOON),
            "q": Limit("none", read_at=NOON),
            "r": Limit("unknown", why=REFUSED.why),
        },
    )
    assert found.of("s") == UNKNOWN


@pytest.mark.parametrize(
    ("age", "answer", "status"),
    [
        pytest.param(DAY, SET, "set", id="a day old"),
        pytest.param(DAY, NONE, "none", id="none, a day old"),
        pytest.param(DAY + timedelta(seconds=1), SET, "unknown", id="older"),
        pytest.param(DAY + timedelta(seconds=1), NONE, "unknown", id="none, older"),
        pytest.param(-HOUR, SET, "set", id="the clock stepped back"),
        pytest.param(-40 * DAY, SET, "unknown", id="asked about the past"),
    ],
)
def test_an_answer_stands_for_a_day(store, age, answer, status):
    keep(store, NOON, p=answer)
    found = known(store, NOON + age)
    assert found.status == status
    assert (found.amount is not None) == (status == "set")
    if status == "unknown":
        assert found.why == "it was last read on 2026-10-20 at 12:00 UTC"
        assert found.read_at is None


def test_a_failure_leaves_what_was_known_with_its_own_age(store):
    keep(store, NOON, p=SET)
    for hours in (1, 12, 24):
        assert keep(store, NOON + hours * HOUR, p=REFUSED) == 0
        assert known(store, NOON + hours * HOUR) == Limit("set", 100 * DOLLAR, False, NOON, REFUSED.why)
    assert known(store, NOON + 25 * HOUR) == Limit("unknown", why=REFUSED.why)
    assert keep(store, NOON + 25 * HOUR, p=REFUSED) == 1  # something else is known now: nothing
    assert keep(store, NOON + 26 * HOUR, p=REFUSED) == 0
    assert known(store, NOON + 26 * HOUR) == Limit("unknown", why=REFUSED.why)
    assert keep(store, NOON + 27 * HOUR, p=SET) == 1
    assert known(store, NOON + 27 * HOUR) == Limit("set", 100 * DOLLAR, False, NOON + 27 * HOUR)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        pytest.param(None, SET, 1, id="first seen"),
        pytest.param(None, NONE, 1, id="none is known for the first time"),
        pytest.param(None, REFUSED, 0, id="never read"),
        pytest.param(SET, SET, 0, id="the same"),
        pytest.param(SET, SpendLimit(99 * DOLLAR, "inactive"), 1, id="lowered"),
        pytest.param(SET, SpendLimit(100 * DOLLAR, "enforcing"), 1, id="enforced"),
        pytest.param(SET, NONE, 1, id="taken away"),
        pytest.param(NONE, SET, 1, id="set"),
        pytest.param(REFUSED, NONE, 1, id="read at last"),
    ],
)
def test_what_is_counted_as_changed(store, before, after, changed):
    if before is not None:
        keep(store, NOON, p=before)
    assert keep(store, NOON + HOUR, p=after) == changed


def test_what_was_not_asked_stays(store):
    keep(store, NOON, p=SET, q=SET)
    keep(store, NOON + HOUR, q=NONE)
    assert known(store, NOON + HOUR).read_at == NOON
    assert known(store, NOON + HOUR, "q").status == "none"
    assert keep(store, NOON + HOUR) == 0
