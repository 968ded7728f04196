"""The names behind ids: cursor lists of projects, users, keys and service accounts."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from bot.edge.openai.errors import BadAnswer
from bot.edge.openai.transport import Request, Transport

PAGE = 100
MOST_PAGES = 10_000
SCOPE = "permission to read projects, users and API keys (Management)"


@dataclass(frozen=True, slots=True)
class Named:
    """An id and what people call it. `kind`: project, user, api_key or service_account.

    The name is as it came: hostile until escaped. Without one it is the next best: a user's address, the
    last letters of a key, the id. `project_id` is '' for projects and users.
    """

    kind: str
    id: str
    name: str
    project_id: str = ""
    archived: bool = False


class Person(msgspec.Struct, frozen=True):
    """Where newer answers keep a user's name."""

    name: str | None = None
    email: str | None = None


class Item(msgspec.Struct, frozen=True):
    """What the four lists have in common; each leaves out what it does not know."""

    id: str
    name: str | None = None
    email: str | None = None
    redacted_value: str | None = None
    status: str | None = None
    archived_at: int | None = None
    user: Person | None = None


class Listing(msgspec.Struct, frozen=True):
    """One page of a cursor list."""

    data: list[Item]
    has_more: bool
    last_id: str | None = None


ITEMS = msgspec.json.Decoder(Listing, strict=False)

Name = Callable[[Item], str]


def projects(transport: Transport) -> list[Named]:
    """Return all projects, the archived too: last year's spend needs their names."""
    items = _all(transport, "/organization/projects", [("include_archived", "true")], "projects")
    return [
        Named(
            "project",
            item.id,
            _first(item.name, item.id),
            archived=item.status == "archived" or bool(item.archived_at),
        )
        for item in items
    ]


def users(transport: Transport) -> list[Named]:
    """Return the organization's users; those removed are not listed any more."""
    items = _all(transport, "/organization/users", [], "users")
    found = []
    for item in items:
        inner = item.user or Person()
        found.append(Named("user", item.id, _first(item.name, inner.name, item.email, inner.email, item.id)))
    return found


def api_keys(transport: Transport, project_id: str) -> list[Named]:
    """Return a project's keys, whatever their owner may still do. There is no list over all projects."""
    path = f"/organization/projects/{quote(project_id, safe='')}/api_keys"
    items = _all(transport, path, [("owner_project_access", "any")], "api_keys")
    return [
        Named("api_key", item.id, _first(item.name, _last_letters(item.redacted_value), item.id), project_id)
        for item in items
    ]


def service_accounts(transport: Transport, project_id: str) -> list[Named]:
    """Return a project's service accounts. OpenAI refuses an archived project: AskRefused."""
    path = f"/organization/projects/{quote(project_id, safe='')}/service_accounts"
    items = _all(transport, path, [], "service_accounts")
    return [Named("service_account", item.id, _first(item.name, item.id), project_id) for item in items]


def _all(transport: Transport, path: str, pairs: list[tuple[str, str]], about: str) -> Iterable[Item]:
    found: dict[str, Item] = {}
    after: list[tuple[str, str]] = []
    cursors: set[str] = set()
    for _ in range(MOST_PAGES):
        request = Request(path, [*pairs, ("limit", str(PAGE)), *after], about, SCOPE)
        answer = transport.get(request, ITEMS.decode, threading.Event())
        page = answer.value
        found.update((item.id, item) for item in page.data)
        if not page.has_more:
            return found.values()
        cursor = page.last_id or (page.data[-1].id if page.data else "")
        if not cursor or cursor in cursors:
            break
        cursors.add(cursor)
        after = [("after", cursor)]
    raise BadAnswer(f"OpenAI's list of {about} does not end", "Nothing of it was kept.", trace=answer.trace)


def _first(*names: str | None) -> str:
    return next((name for name in names if name and name.strip()), "")


def _last_letters(redacted: str | None) -> str:
    tail = (redacted or "").strip()[-4:]
    return f"…{tail}" if len(tail) == 4 and tail.isalnum() else ""
