"""Ids become names through cursor lists, to the last page."""

import pytest
from wire_server import Reply, WireServer

from bot.edge.openai import AskRefused, BadAnswer, KeyRefused, Named


def listing(*items, more=False, **keys):
    return Reply({"object": "list", "data": list(items), "has_more": more, **keys})


def test_projects_are_listed_to_the_last_page_with_the_archived():
    pages = [
        listing({"id": "proj_1", "name": "search-prod", "status": "active"}, more=True, last_id="proj_1"),
        listing({"id": "proj_2", "name": "old", "status": "archived"}, more=True),
        listing(
            {"id": "proj_3", "name": None, "status": None}, {"id": "proj_4", "name": "x", "archived_at": 1}
        ),
    ]
    with WireServer(*pages) as server, server.client() as client:
        found = client.projects()

    assert found == [
        Named("project", "proj_1", "search-prod"),
        Named("project", "proj_2", "old", archived=True),
        Named("project", "proj_3", "proj_3"),
        Named("project", "proj_4", "x", archived=True),
    ]
    assert [asked.path for asked in server.asked] == ["/v1/organization/projects"] * 3
    assert [asked.query.get("after") for asked in server.asked] == [None, ["proj_1"], ["proj_2"]]
    assert {asked.one("include_archived") for asked in server.asked} == {"true"}
    assert {asked.one("limit") for asked in server.asked} == {"100"}


@pytest.mark.parametrize(
    ("item", "name"),
    [
        pytest.param({"name": "Ada", "email": "ada@b.c"}, "Ada", id="name"),
        pytest.param({"name": None, "email": "ada@b.c"}, "ada@b.c", id="address"),
        pytest.param({"name": " ", "email": None}, "user-1", id="id"),
        pytest.param(
            {"user": {"object": "user", "id": "user-1", "name": "Ada"}}, "Ada", id="name-in-the-newer-place"
        ),
    ],
)
def test_a_user_is_called_by_the_best_there_is(item, name):
    with (
        WireServer(listing({"object": "organization.user", "id": "user-1", **item})) as server,
        server.client() as client,
    ):
        assert client.users() == [Named("user", "user-1", name)]


@pytest.mark.parametrize(
    ("item", "name"),
    [
        pytest.param({"name": "ci", "redacted_value": "sk-abc...wxyz"}, "ci", id="name"),
        pytest.param({"name": None, "redacted_value": "sk-abc...wxyz"}, "…wxyz", id="last-letters"),
        pytest.param({"name": "", "redacted_value": "sk-****"}, "key_1", id="stars-are-no-letters"),
        pytest.param({}, "key_1", id="id"),
    ],
)
def test_a_key_is_called_by_the_best_there_is(item, name):
    with (
        WireServer(listing({"id": "key_1", "owner": {"type": "user"}, **item})) as server,
        server.client() as client,
    ):
        assert client.api_keys("proj_1") == [Named("api_key", "key_1", name, "proj_1")]
    assert server.asked[0].one("owner_project_access") == "any"


def test_service_accounts_belong_to_their_project():
    with (
        WireServer(listing({"id": "svc_1", "name": "nightly", "role": "member"})) as server,
        server.client() as client,
    ):
        assert client.service_accounts("proj_1") == [Named("service_account", "svc_1", "nightly", "proj_1")]
    assert server.asked[0].path == "/v1/organization/projects/proj_1/service_accounts"


def test_an_archived_projects_accounts_are_refused():
    refusal = Reply({"error": {"message": "Project proj_1 is archived."}}, 400)
    with (
        WireServer(refusal) as server,
        server.client() as client,
        pytest.raises(AskRefused, match="is archived"),
    ):
        client.service_accounts("proj_1")


def test_an_id_cannot_leave_its_place_in_the_path():
    with WireServer(listing()) as server, server.client() as client:
        client.api_keys("a/../b?c#d")
    assert server.asked[0].path == "/v1/organization/projects/a%2F..%2Fb%3Fc%23d/api_keys"


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([listing({"id": "a"}, more=True, last_id="a")] * 2, id="a-cursor-that-repeats"),
        pytest.param([listing(more=True)], id="more-after-nothing"),
    ],
)
def test_a_list_that_does_not_end_is_an_error(pages):
    with (
        WireServer(*pages) as server,
        server.client() as client,
        pytest.raises(BadAnswer, match="does not end"),
    ):
        client.users()
    assert len(server.asked) == len(pages)


def test_an_item_that_is_listed_twice_is_one():
    pages = [listing({"id": "a"}, more=True, last_id="a"), listing({"id": "a"}, {"id": "b"})]
    with WireServer(*pages) as server, server.client() as client:
        assert [one.id for one in client.users()] == ["a", "b"]


def test_a_key_that_may_not_see_names_is_told_which_permission_lacks():
    with (
        WireServer(Reply({}, 403)) as server,
        server.client() as client,
        pytest.raises(KeyRefused, match="Management"),
    ):
        client.projects()
