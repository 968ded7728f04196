"""What a person is told of reading OpenAI's limits: by a poll, and by the doctor."""

from datetime import UTC, datetime
from math import inf

import pytest

from bot.demo.openai_faults import Status
from tests.shell import Here, environment
from tests.syncing import empty_database
from tests.world import LABS, SEARCH, world


@pytest.fixture
def w(tmp_path):
    (tmp_path / "budgetbot.db").write_bytes(empty_database())
    with world(tmp_path, offers=("costs",)) as built:
        built._clock[0] = datetime.now(UTC)
        built.rules("version: 1\nrules: [{id: total, kind: budget, select: {}, period: month, amount: 9}]\n")
        built.ledger.cost(datetime.now(UTC).date(), SEARCH, "gpt-5.2, output", "1")
        yield built


@pytest.fixture
def here(monkeypatch, capsys):
    return Here(monkeypatch, capsys)


def doctor(here, w):
    done = here(w.tmp_path, environment(w), "doctor", "--format", "json")
    return {finding["what"]: finding for finding in done.json}


@pytest.mark.parametrize(
    ("cents", "says"),
    [
        pytest.param(None, "answers (the organization has no hard limit)", id="none"),
        pytest.param(1_234_567, "answers (the organization's hard limit is $12,345.67 a month)", id="set"),
    ],
)
def test_the_doctor_says_that_limits_can_be_read(w, here, cents, says):
    if cents:
        w.ledger.limit(None, cents)
    found = doctor(here, w)["OpenAI limits"]
    assert (found["state"], found["said"]) == ("ok", says)


def test_limits_that_may_not_be_read_are_a_note_with_what_the_key_lacks(w, here):
    w.openai.fail("/spend_limit", Status(403), inf)
    found = doctor(here, w)["OpenAI limits"]
    assert found["state"] == "note"
    assert "refuses the key" in found["said"]
    assert "permission to read limits" in found["remedy"]


def test_a_poll_has_limits_among_its_sources(w, here):
    w.ledger.limit(LABS, 100)
    done = here(w.tmp_path, environment(w), "poll", "--format", "json")
    assert done.code == 0
    assert done.json["sources"]["limits"] == {"complete": True, "pages": 3, "rows": 3, "changed": 3}


def test_a_poll_whose_key_may_read_no_limit_is_complete_and_says_so(w, here):
    w.openai.fail("/spend_limit", Status(403), inf)
    done = here(w.tmp_path, environment(w), "poll", "--format", "json")
    assert done.code == 0
    assert done.json["complete"] is True
    assert done.json["sources"]["limits"]["why"].startswith("3 of 3 spend limits are unknown: OpenAI refuses")
    found = doctor(here, w)
    assert found["source limits"]["state"] == "note"
    assert found["polls"]["state"] == "ok"


def test_a_poll_that_could_not_read_limits_judges_costs_and_is_exit_4(w, here):
    w.openai.fail("/spend_limit", Status(500), inf)
    done = here(w.tmp_path, environment(w), "poll", "--format", "json")
    assert done.code == 4
    assert "limits: 3 of 3 spend limits are unknown" in done.err
    assert "skipped" not in done.json
    assert done.json["sources"]["costs"]["complete"] is True
    assert done.json["sources"]["limits"]["complete"] is False
    assert "limits: 3 of 3" in doctor(here, w)["polls"]["said"]
