"""Names: asked once a day, and when an id appears that nobody has named; never a reason for a poll to fail."""

from collections import Counter
from datetime import timedelta
from math import inf

import pytest

from bot.demo.ledger import Ledger
from bot.demo.openai_faults import Status
from bot.edge.store import records
from tests.syncing import LINE, NOON, TODAY, bot

QUARTER = timedelta(minutes=15)
TOKENS = {"input_tokens": 1, "output_tokens": 1, "num_model_requests": 1}


@pytest.fixture
def ledger():
    built = Ledger()
    built.project("proj_1", "search-prod")
    built.project("proj_2", "labs")
    built.project("proj_old", "sunset", archived=True)
    built.user("user_a", "Ann", "ann@example.com")
    built.api_key("proj_1", "key_1", "ingest-worker")
    built.api_key("proj_old", "key_old", "left-over", active=False)
    built.service_account("proj_1", "svc_1", "nightly")
    built.cost(TODAY, "proj_1", LINE, "10", api_key_id="key_1")
    return built


def names(built):
    with built.store.reading() as tx:
        return dict(records.names(tx).current)


def lists(built):
    """What was asked for by name since the last look: path → how often."""
    asked = Counter(
        request.path.removeprefix("/v1/organization")
        for request in built.server.requests
        if not request.path.endswith(("/costs", "/completions", "/spend_limit"))
    )
    built.forget_requests()
    return dict(asked)


EVERYTHING = {
    "/projects": 1,
    "/users": 1,
    "/projects/proj_1/api_keys": 1,
    "/projects/proj_1/service_accounts": 1,
    "/projects/proj_2/api_keys": 1,
    "/projects/proj_2/service_accounts": 1,
}


def test_everything_has_a_name_after_the_first_poll_and_again_after_a_day(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        assert names(built) == {
            ("project", "proj_1"): "search-prod",
            ("project", "proj_2"): "labs",
            ("project", "proj_old"): "sunset",
            ("user", "user_a"): "Ann",
            ("user", "svc_1"): "nightly",
            ("api_key", "key_1"): "ingest-worker",
            ("api_key", "key_old"): "left-over",
        }
        with built.store.reading() as tx:
            assert records.projects(tx) == {"proj_1": False, "proj_2": False, "proj_old": True}
        assert lists(built) == EVERYTHING | {"/projects/proj_old/api_keys": 1}
        for quarter in range(1, 4):
            built.poll(NOON + quarter * QUARTER)
        assert lists(built) == {}
        built.poll(NOON + timedelta(days=1))
        assert lists(built) == EVERYTHING  # nothing changes any more inside an archived project


def test_a_new_project_costs_one_request(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        lists(built)
        ledger.project("proj_new", "launch")
        ledger.cost(TODAY, "proj_new", LINE, "1")
        built.poll(NOON + QUARTER)
        assert lists(built) == {"/projects": 1}
        assert names(built)["project", "proj_new"] == "launch"
        built.poll(NOON + 2 * QUARTER)
        assert lists(built) == {}


def test_a_new_key_asks_its_own_project(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        lists(built)
        ledger.api_key("proj_2", "key_2", "notebook")
        ledger.cost(TODAY, "proj_2", LINE, "1", api_key_id="key_2")
        built.poll(NOON + QUARTER)
        assert lists(built) == {"/projects/proj_2/api_keys": 1}
        assert names(built)["api_key", "key_2"] == "notebook"


def test_a_new_key_of_an_archived_project_is_asked_for(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        lists(built)
        ledger.api_key("proj_old", "key_late", "late", active=False)
        ledger.cost(TODAY, "proj_old", LINE, "1", api_key_id="key_late")
        built.poll(NOON + QUARTER)
        assert lists(built) == {"/projects/proj_old/api_keys": 1}
        assert names(built)["api_key", "key_late"] == "late"


def test_a_new_user_is_looked_for_among_people_and_service_accounts(tmp_path, ledger):
    every = ("project_id", "line_item", "api_key_id", "user_id")
    with bot(tmp_path, ledger, cost_group_by=every) as built:
        built.poll(by_user=True)
        lists(built)
        ledger.service_account("proj_2", "svc_2", "crawler")
        ledger.cost(TODAY, "proj_2", LINE, "1", user_id="svc_2")
        built.poll(NOON + QUARTER, by_user=True)
        assert lists(built) == {"/users": 1, "/projects/proj_2/service_accounts": 1}
        assert names(built)["user", "svc_2"] == "crawler"


def test_what_nobody_can_name_is_asked_for_once_and_once_a_day(tmp_path, ledger):
    ledger.cost(TODAY, "proj_gone", LINE, "1", api_key_id="key_gone")
    with bot(tmp_path, ledger) as built:
        built.poll()
        lists(built)
        built.poll(NOON + QUARTER)
        assert lists(built) == {}
        ledger.cost(TODAY, "proj_vanished", LINE, "1")
        built.poll(NOON + 2 * QUARTER)
        assert lists(built) == {"/projects": 1}
        built.poll(NOON + 3 * QUARTER)
        assert lists(built) == {}
        ledger.project("proj_gone", "found")
        built.poll(NOON + timedelta(days=1))
        assert names(built)["project", "proj_gone"] == "found"


def test_an_id_that_only_usage_knows_is_named_too(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.sources = ("costs", "completions")
        built.poll()
        lists(built)
        ledger.api_key("proj_1", "key_quiet", "free-tokens")
        ledger.usage("completions", NOON, TOKENS, project_id="proj_1", api_key_id="key_quiet")
        built.poll(NOON + QUARTER)
        assert lists(built) == {"/projects/proj_1/api_keys": 1}
        assert names(built)["api_key", "key_quiet"] == "free-tokens"


def test_a_renamed_project_has_its_new_name_and_the_old_one_is_kept(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        for day, name in enumerate(("search-eu", "search-prod", "search-final"), 1):
            ledger.project("proj_1", name)
            built.poll(NOON + timedelta(days=day))
            assert names(built)["project", "proj_1"] == name
        assert {row[0] for row in built.rows("SELECT name FROM name WHERE id = 'proj_1'")} == {
            "search-prod",
            "search-eu",
            "search-final",
        }


def test_what_was_deleted_keeps_its_name(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        ledger.remove_user("user_a")
        ledger._api_keys["proj_1"].clear()
        built.poll(NOON + timedelta(days=1))
        assert names(built)["user", "user_a"] == "Ann"
        assert names(built)["api_key", "key_1"] == "ingest-worker"


def test_a_project_that_is_archived_later_is_known_as_such(tmp_path, ledger):
    with bot(tmp_path, ledger) as built:
        built.poll()
        ledger.project("proj_2", "labs", archived=True)
        built.poll(NOON + timedelta(days=1))
        with built.store.reading() as tx:
            assert records.projects(tx)["proj_2"] is True


@pytest.mark.parametrize("path", ["/projects", "/users", "/api_keys", "/service_accounts"])
@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_names_that_cannot_be_read_fail_no_poll_and_leave_the_others(tmp_path, ledger, path, status):
    with bot(tmp_path, ledger) as built:
        built.server.fail(path, Status(status), inf)
        assert built.poll().complete
        assert built.one("SELECT SUM(amount_nano) FROM cost_fact") == 10_000_000_000
        known = {kind for kind, _ in names(built)}
        assert (
            known
            == {
                "/projects": set(),
                "/users": {"project", "api_key", "user"},  # service accounts are users too
                "/api_keys": {"project", "user"},
                "/service_accounts": {"project", "user", "api_key"},
            }[path]
        )
        lists(built)
        built.poll(NOON + QUARTER)
        assert lists(built) == {}
        built.server.recover()
        # Passing trouble is tried again within the hour, a refusal tomorrow.
        again = timedelta(hours=1) if status == 500 else timedelta(days=1)
        built.poll(NOON + again)
        assert len(names(built)) == 7


def test_a_key_that_may_not_read_names_asks_each_kind_of_list_once(tmp_path, ledger):
    for number in range(20):
        ledger.project(f"proj_{number:03}", f"p{number}")
    with bot(tmp_path, ledger) as built:
        built.server.fail("/api_keys", Status(403), inf)
        built.poll()
        # A few are under way at once when the first is refused.
        assert sum(count for path, count in lists(built).items() if path.endswith("/api_keys")) <= 4


def test_names_wait_for_the_transaction_of_their_poll(tmp_path, ledger):
    """A poll that is killed before it stores has asked for nothing: the next one asks."""
    with bot(tmp_path, ledger) as built:
        built.clock[0] = NOON

        class Killed(Exception):
            pass

        writing = built.store.writing

        def dying():
            if built.server.asked("/users"):
                raise Killed
            return writing()

        built.store.writing = dying
        with pytest.raises(Killed):
            built.poll()
        built.store.writing = writing
        assert names(built) == {}
        built.poll(NOON + timedelta(minutes=1))
        assert names(built)["project", "proj_1"] == "search-prod"
