"""The lists that turn ids into names, and OpenAI's own spend limits."""

import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime

from bot.demo.ledger import Wire, World
from bot.demo.openai_questions import Pairs, Refused, Words, read

PATH = re.compile(
    r"/organization/(?:(?P<list>projects|users)|(?P<limit>spend_limit)"
    r"|projects/(?P<project>[^/]+)(?:/(?P<inside>api_keys|service_accounts|spend_limit))?)"
)


def answer(world: World, path: str, pairs: Pairs, now: datetime) -> Wire | None:
    """Return the list or object at `path`; None when this page knows no such path."""
    match = PATH.fullmatch(path)
    if match is None:
        return None
    if match["list"] == "projects":
        words = read(pairs, {"limit", "after", "include_archived"})
        archived = words.word("include_archived", ("true", "false"), "false") == "true"
        return _list(
            [item for item in world.projects() if archived or item["status"] != "archived"], words, now
        )
    if match["list"] == "users":
        words = read(pairs, {"limit", "after"}, {"emails"})
        emails = words.many.get("emails")
        return _list([item for item in world.users() if not emails or item["email"] in emails], words, now)
    if match["limit"]:
        read(pairs, ())
        return _limit(world, None)
    return _of_project(world, match["project"], match["inside"], pairs, now)


def _of_project(world: World, project_id: str, inside: str | None, pairs: Pairs, now: datetime) -> Wire:
    project = next((item for item in world.projects() if item["id"] == project_id), None)
    if project is None:
        raise Refused(404, f"Project '{project_id}' not found.", "project_id", "not_found")
    if inside is None:
        read(pairs, ())
        return project
    if inside == "spend_limit":
        read(pairs, ())
        return _limit(world, project_id)
    if inside == "service_accounts":
        words = read(pairs, {"limit", "after"})
        if project["status"] == "archived":
            raise Refused(400, f"Project '{project_id}' is archived.", "project_id", "project_archived")
        return _list(world.service_accounts(project_id), words, now)
    words = read(pairs, {"limit", "after", "owner_project_access"})
    # without the word, keys whose owner lost access stay hidden
    access = words.word("owner_project_access", ("active", "inactive", "any"), "active")
    keys = world.api_keys(project_id)
    return _list([key for key in keys if access in ("any", key["owner_project_access"])], words, now)


def _list(items: Sequence[Wire], words: Words, now: datetime) -> Wire:
    limit = words.number("limit")
    if limit is not None and not 1 <= limit <= 100:
        raise Refused(400, "'limit' must be from 1 to 100.", "limit", "invalid_value")
    known = [item for item in items if _since(item) <= now.timestamp()]
    first = 0
    if (after := words.one.get("after")) is not None:
        ids = [item["id"] for item in known]
        if after not in ids:
            raise Refused(400, f"Invalid 'after': '{after}' is not in this list.", "after", "invalid_value")
        first = ids.index(after) + 1
    shown = known[first : first + (limit or 20)]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": first + len(shown) < len(known),
    }


def _since(item: Wire) -> int:
    since: int = item["created_at"] if "created_at" in item else item["added_at"]
    return since


def _limit(world: World, project_id: str | None) -> Wire:
    limit = world.spend_limit(project_id)
    if limit is None:
        raise Refused(404, "No spend limit is set.", None, "not_found")
    return deepcopy(limit)  # a fault that edits the answer leaves the world as it is
