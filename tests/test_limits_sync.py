"""OpenAI's own limits through whole polls: read every half hour, and never in the way of costs."""

from collections import Counter
from datetime import timedelta
from math import inf

import pytest

from bot.core.limits import Limit
from bot.demo.ledger import Ledger
from bot.demo.openai_faults import Cut, Html, Mutate, Status
from bot.edge.store import limits, records
from tests.syncing import LINE, NOON, TODAY, ago, bot

DOLLAR = 1_000_000_000
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def ledger():
    built = Ledger()
    built.project("proj_1", "search-prod")
    built.project("proj_2", "labs")
    built.project("proj_old", "sunset", archived=True)
    built.cost(TODAY, "proj_1", LINE, "10")
    built.limit("proj_1", 2_500_000)
    built.limit("proj_old", 100)
    built.limit(None, 9_000_001, status="enforcing")
    return built


def asked(built):
    """How often each limit was asked for since the last look, '' the organization's own."""
    found = Counter(
        request.path.removeprefix("/v1/organization").removesuffix("/spend_limit").removeprefix("/projects/")
        for request in built.server.asked("/spend_limit")
    )
    assert {request.method for request in built.server.requests} <= {"GET"}
    built.forget_requests()
    return dict(found)


def known(built, now=NOON):
    with built.store.reading() as tx:
        return limits.read(tx, now)


def result(synced):
    """What the poll says of limits; None when it read none."""
    return next((each for each in synced.results if each.source == "limits"), None)


EVERY_ONE = {"": 1, "proj_1": 1, "proj_2": 1}


def test_the_first_poll_reads_the_organizations_and_each_projects_that_is_not_archived(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        synced = built.poll()
        assert asked(built) == EVERY_ONE
        found = known(built)
        assert found.organization == Limit("set", 90_000_010_000_000, True, NOON)
        assert found.projects == {
            "proj_1": Limit("set", 25_000 * DOLLAR, False, NOON),
            "proj_2": Limit("none", read_at=NOON),
        }
        assert found.of("proj_old").status == "unknown"
        said = result(synced)
        assert (said.complete, said.pages, said.rows, said.changed, said.why) == (True, 3, 3, 3, "")
        assert synced.complete
        with built.store.reading() as tx:
            assert said in records.last_poll(tx)[2]


def test_half_an_hour_passes_between_two_reads(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        asked(built)
        for minutes in (5, 29):
            assert result(built.poll(NOON + minutes * MINUTE)) is None
        assert asked(built) == {}
        ledger.limit("proj_1", 3_000_000, status="enforcing")
        version = built.version()
        assert result(built.poll(NOON + 30 * MINUTE)).changed == 1
        assert asked(built) == EVERY_ONE
        assert known(built).of("proj_1") == Limit("set", 30_000 * DOLLAR, True, NOON + 30 * MINUTE)
        assert built.version() > version  # what rests on it is judged anew
        built.poll(NOON + 35 * MINUTE)
        assert asked(built) == {}
        version = built.version()
        assert result(built.poll(NOON + HOUR)).changed == 0
        assert built.version() == version


def test_a_clock_that_steps_back_asks_again(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll(NOON + 5 * HOUR)
        asked(built)
        built.poll(NOON)
        assert asked(built) == EVERY_ONE


def test_projects_that_only_costs_know_are_asked_for_while_they_spend(tmp_path, ledger):
    ledger.cost(ago(34), "proj_recent", LINE, "1")
    ledger.cost(ago(90), "proj_long_ago", LINE, "1")
    ledger.cost(TODAY, None, LINE, "1")
    with bot(tmp_path, ledger) as built:
        built.poll()
        built.poll(NOON + HOUR)
        asked(built)
        ledger.cost(TODAY, "proj_new", LINE, "1")
        built.poll(NOON + 2 * HOUR)
        assert asked(built) == EVERY_ONE | {"proj_recent": 1, "proj_new": 1}
        built.poll(NOON + timedelta(days=2))
        asked(built)
        built.poll(NOON + timedelta(days=2, hours=1))
        assert asked(built) == EVERY_ONE | {"proj_new": 1}  # 36 days without costs


def test_a_project_that_is_archived_is_asked_for_no_more(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        asked(built)
        ledger.project("proj_1", "search-prod", archived=True)
        built.poll(NOON + timedelta(days=1))
        assert asked(built) == {"": 1, "proj_2": 1}
        assert known(built, NOON + timedelta(days=1, hours=1)).of("proj_1").status == "unknown"


def test_eighty_projects_are_one_request_each(tmp_path, ledger):
    for number in range(80):
        ledger.project(f"proj_{number:03}", f"p{number}")
        ledger.limit(f"proj_{number:03}", 1_000 + number)
    with bot(tmp_path, ledger) as built:
        said = result(built.poll())
        assert asked(built) == EVERY_ONE | {f"proj_{number:03}": 1 for number in range(80)}
        assert (said.pages, said.rows) == (83, 83)
        assert known(built).of("proj_079").amount == 1_079 * DOLLAR // 100


def foreign(answer):
    answer["currency"] = "EUR"


def weekly(answer):
    answer["interval"] = "week"


def dollars(answer):
    answer["threshold_amount"] = 25_000.50


def odd(answer):
    answer["enforcement"] = "on"


MISREAD = [
    pytest.param(Status(400), True, id="400"),
    pytest.param(Status(401), True, id="401"),
    pytest.param(Status(403), True, id="403"),
    pytest.param(Status(404, {"error": {"message": "Invalid URL (GET /v1/x)"}}), True, id="no such address"),
    pytest.param(Status(429), False, id="429"),
    pytest.param(Status(500), False, id="500"),
    pytest.param(Html(), False, id="HTML"),
    pytest.param(Cut(), False, id="cut"),
    pytest.param(Mutate(foreign), False, id="euros"),
    pytest.param(Mutate(weekly), False, id="by the week"),
    pytest.param(Mutate(dollars), False, id="half a cent"),
    pytest.param(Mutate(odd), False, id="another shape"),
]


@pytest.mark.parametrize(("fault", "refusal"), MISREAD)
def test_one_limit_that_cannot_be_read_is_unknown_and_the_others_are_known(tmp_path, ledger, fault, refusal):
    with bot(tmp_path, ledger) as built:
        built.server.fail("/proj_1/spend_limit", fault, inf)
        synced = built.poll()
        found = known(built)
        assert found.of("proj_1").status == "unknown"
        assert found.of("proj_1").amount is None
        assert "sk-admin-demo" not in found.of("proj_1").why
        assert (found.organization.status, found.of("proj_2").status) == ("set", "none")
        said = result(synced)
        assert said.complete == refusal
        assert said.rows == 2
        assert said.why.startswith("1 of 3 spend limits are unknown: ")
        assert synced.costs_complete
        assert synced.refused is None
        built.server.recover()
        assert result(built.poll(NOON + 30 * MINUTE)).why == ""
        assert known(built, NOON + HOUR).of("proj_1").amount == 25_000 * DOLLAR


@pytest.mark.parametrize(("fault", "refusal"), MISREAD)
def test_what_was_known_stands_for_a_day_while_none_can_be_read(tmp_path, ledger, fault, refusal):
    ledger.limit("proj_2", 100)
    with bot(tmp_path, ledger) as built:
        built.poll()
        built.server.fail("/spend_limit", fault, inf)
        assert built.poll(NOON + 23 * HOUR).complete == refusal
        held = known(built, NOON + 23 * HOUR)
        assert held.of("proj_1").amount == 25_000 * DOLLAR
        assert held.of("proj_1").read_at == NOON
        assert held.of("proj_1").why
        later = NOON + 48 * HOUR
        assert built.poll(later).costs_complete
        lost = known(built, later)
        assert {lost.of(each).status for each in ("", "proj_1", "proj_2")} == {"unknown"}
        assert built.one("SELECT COUNT(*) FROM spend_limit WHERE amount_nano IS NOT NULL") == 0


@pytest.mark.parametrize(
    "fault", [pytest.param(case.values[0], id=case.id) for case in MISREAD if case.values[1]]
)
def test_a_key_that_may_read_no_limit_is_no_failure_and_is_tried_once_a_day(tmp_path, ledger, fault):
    for number in range(20):
        ledger.project(f"proj_{number:03}", f"p{number}")
    with bot(tmp_path, ledger) as built:
        built.server.fail("/spend_limit", fault, inf)
        synced = built.poll()
        assert synced.complete
        assert result(synced).complete
        assert result(synced).why.startswith("23 of 23 spend limits are unknown: ")
        assert sum(asked(built).values()) == 4  # the others would be refused as well
        assert known(built).of("proj_019").why == known(built).organization.why != ""
        built.poll(NOON + 23 * HOUR)
        assert asked(built) == {}
        built.server.recover()
        built.poll(NOON + 24 * HOUR)
        assert sum(asked(built).values()) == 23
        assert known(built, NOON + 24 * HOUR).of("proj_1").status == "set"
        built.poll(NOON + 25 * HOUR)
        assert sum(asked(built).values()) == 23


def test_an_organization_whose_own_limit_alone_is_refused_is_read_as_often_as_others(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.server.fail("organization/spend_limit", Status(403), inf)
        assert built.poll().complete
        assert known(built).organization.status == "unknown"
        assert known(built).of("proj_1").status == "set"
        asked(built)
        built.poll(NOON + 30 * MINUTE)
        assert asked(built) == EVERY_ONE


def test_no_limit_anywhere_is_no_refusal(tmp_path):
    bare = Ledger()
    for number in range(9):
        bare.project(f"proj_{number}", f"p{number}")
    with bot(tmp_path, bare) as built:
        said = result(built.poll())
        assert (said.pages, said.rows, said.why) == (10, 10, "")
        assert {each.status for each in known(built).projects.values()} == {"none"}
        asked(built)
        built.poll(NOON + 30 * MINUTE)
        assert sum(asked(built).values()) == 10


@pytest.mark.parametrize(
    ("skip", "most"),
    [
        pytest.param(0, 4 * 5, id="from the first on: four limits, five tries each"),
        pytest.param(4, 4 + 7 * 5, id="in the middle: until four have failed, and what is under way then"),
    ],
)
def test_an_outage_of_limits_is_not_waited_for_eighty_times(tmp_path, ledger, skip, most):
    for number in range(80):
        ledger.project(f"proj_{number:03}", f"p{number}")
    with bot(tmp_path, ledger) as built:
        built.server.fail("/spend_limit", Status(503), inf, skip=skip)
        synced = built.poll()
        assert not result(synced).complete
        assert synced.costs_complete
        assert sum(asked(built).values()) <= most
        assert len(known(built).projects) == 82
        assert known(built).of("proj_2").why
        built.server.recover()
        assert result(built.poll(NOON + 30 * MINUTE)).complete


@pytest.mark.parametrize("status", [401, 500])
def test_where_costs_fail_limits_are_left_for_the_next_poll(tmp_path, ledger, status):
    with bot(tmp_path, ledger) as built:
        built.server.fail("/costs", Status(status), inf)
        assert result(built.poll()) is None
        assert asked(built) == {}
        built.server.recover()
        assert result(built.poll(NOON + 5 * MINUTE)).rows == 3


def test_limits_are_read_beside_costs_alone(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        assert result(built.poll(sources=("embeddings",))) is None
        assert result(built.span(ago(5))) is None
        assert asked(built) == {}


def test_limits_wait_for_the_transaction_of_their_poll(tmp_path, ledger):
    """A poll that is killed before it stores has read nothing: the next one asks."""
    with bot(tmp_path, ledger) as built:

        class Killed(Exception):
            pass

        writing = built.store.writing

        def dying():
            if built.server.asked("/spend_limit"):
                raise Killed
            return writing()

        built.store.writing = dying
        with pytest.raises(Killed):
            built.poll()
        built.store.writing = writing
        assert known(built).organization.status == "unknown"
        asked(built)
        built.poll(NOON + MINUTE)
        assert asked(built) == EVERY_ONE
