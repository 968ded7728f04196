"""What people call the ids: asked once a day, and when an id appears that nobody has named."""

import json
import logging
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.core.dimension import NAMED_BY_ID
from bot.core.errors import BotError
from bot.edge.openai import AskRefused, KeyRefused, Named, NotOffered, OpenAI, Reading
from bot.edge.store import records
from bot.edge.store.store import Store

log = logging.getLogger("budgetbot.naming")

DAILY = timedelta(days=1)
SOON = timedelta(hours=1)
"""When names are asked for again that could not be read for a passing trouble."""
AT_ONCE = 4
AGAIN, NAMELESS, ARCHIVED = "names asked again at", "names not found", "names of archived projects"

Seen = tuple[str, str, str]
"""(dimension, id, id of its project): an id in costs or usage that people know by a name."""


@dataclass(slots=True)
class Learned:
    """Names that were read, and what to remember beside them; written with the poll's own transaction."""

    named: list[Named] = field(default_factory=list)
    markers: dict[str, str] = field(default_factory=dict)

    def keep(self, tx: Connection, now: datetime) -> None:
        records.name(tx, self.named, now)
        for key, value in self.markers.items():
            records.mark(tx, key, value)


def ids_in(reading: Reading) -> set[Seen]:
    """Return every id of a reading that people know by a name."""
    found: set[Seen] = set()
    columns = reading.columns
    project = columns.index("project_id") if "project_id" in columns else None
    for dimension, column in NAMED_BY_ID.items():
        if column in columns:
            place = columns.index(column)
            found |= {
                (dimension, group[place], "" if project is None else group[project])
                for group in reading.groups.values()
                if group[place]
            }
    return found


def learn(
    openai: OpenAI, store: Store, seen: Iterable[Seen], now: datetime, every: timedelta = DAILY
) -> Learned:
    """Read the names that are due. A failure is only noted: spend is judged by ids."""
    with store.reading() as tx:
        named = records.names(tx).current
        again_at = records.marker(tx, AGAIN)
        nameless = set(json.loads(records.marker(tx, NAMELESS) or "[]"))
        archived = {key for key, gone in records.projects(tx).items() if gone}
        settled = set(json.loads(records.marker(tx, ARCHIVED) or "[]"))
    unknown = {one for one in seen if one[:2] not in named}
    fresh = bool(again_at) and timedelta() < datetime.fromisoformat(again_at) - now <= every
    new = {one for one in unknown if _words(one) not in nameless}
    if fresh and not new:
        return Learned()
    asking = _Asking(openai)
    found = asking.for_some(new, archived) if fresh else asking.for_all(settled)
    known = {_dimension(each) for each in found}
    still = {_words(one) for one in (new if fresh else unknown) if one[:2] not in known}
    markers = {NAMELESS: json.dumps(sorted((nameless | still) if fresh else still))}
    if not fresh and "api_keys" not in asking.missed:
        gone = {each.id for each in found if each.kind == "project" and each.archived}
        markers[ARCHIVED] = json.dumps(sorted(settled | gone))
    if asking.troubled or not fresh:
        markers[AGAIN] = (now + (SOON if asking.troubled else every)).isoformat()
    return Learned(found, markers)


class _Asking:
    """Reads lists; what fails is left out, and a list the key may not read is not asked for again."""

    def __init__(self, openai: OpenAI) -> None:
        self.openai = openai
        self.troubled = False
        """Something failed that may pass."""
        self.missed: set[str] = set()
        """The kinds of list of which one could not be read."""
        self._closed: set[str] = set()

    def for_all(self, settled: Collection[str]) -> list[Named]:
        """Read every list but those inside `settled` projects: archived, and read since."""
        projects = self._read("projects", self.openai.projects)
        users = self._read("users", self.openai.users) if projects else []
        return projects + users + self._inside(project for project in projects if project.id not in settled)

    def for_some(self, unknown: Iterable[Seen], archived: Collection[str]) -> list[Named]:
        """Read the lists in which unknown ids can stand."""
        wanted = set(unknown)
        kinds = {kind for kind, _, _ in wanted}
        found: list[Named] = []
        if "project" in kinds:
            found += self._read("projects", self.openai.projects)
        if "user" in kinds:
            found += self._read("users", self.openai.users)
        gone = set(archived) | {each.id for each in found if each.archived}
        for project in sorted({project for kind, _, project in wanted if kind == "api_key" and project}):
            found += self._keys(project)
        for project in sorted({project for kind, _, project in wanted if kind == "user" and project} - gone):
            found += self._accounts(project)
        return found

    def _inside(self, projects: Iterable[Named]) -> list[Named]:
        def of(project: Named) -> list[Named]:
            # The service accounts of an archived project are refused.
            return self._keys(project.id) + ([] if project.archived else self._accounts(project.id))

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="names") as pool:
            return [each for some in pool.map(of, projects) for each in some]

    def _keys(self, project_id: str) -> list[Named]:
        return self._read("api_keys", lambda: self.openai.api_keys(project_id))

    def _accounts(self, project_id: str) -> list[Named]:
        return self._read("service_accounts", lambda: self.openai.service_accounts(project_id))

    def _read(self, what: str, read: Callable[[], list[Named]]) -> list[Named]:
        if what in self._closed:
            return []
        try:
            return read()
        except KeyRefused as failed:
            self.missed.add(what)
            self._closed.add(what)
            log.info("names not read", extra={"what": what, "why": str(failed)})
        except (AskRefused, NotOffered) as failed:
            self.missed.add(what)
            log.info("names not read", extra={"what": what, "why": str(failed)})
        except BotError as failed:
            self.missed.add(what)
            self._closed.add(what)  # each further list would wait as long for nothing
            self.troubled = True
            log.warning("names not read", extra={"what": what, "why": str(failed)})
        return []


def _dimension(named: Named) -> tuple[str, str]:
    """Return (dimension, id): a service account spends as a user does."""
    return ("user" if named.kind == "service_account" else named.kind), named.id


def _words(seen: Seen) -> str:
    return f"{seen[0]} {seen[1]}"
