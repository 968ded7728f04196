"""Fetch → store: network first, then one short transaction; each source is complete, or unchanged."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from bot.core.dimension import NAMED_BY_ID
from bot.core.errors import BotError
from bot.core.period import DAY, epoch, midnight
from bot.edge.openai import SOURCES, Ask, AskRefused, KeyRefused, Named, NotOffered, OpenAI, Reading
from bot.edge.store import facts, records
from bot.edge.store.records import SourceResult, Stored, Unfinished
from bot.edge.store.store import Store

log = logging.getLogger("budgetbot.sync")

RECENT = 3 * DAY
"""Read again on every poll, beside today: entries settle late."""
REREAD = 35 * DAY
"""Read again once a day."""
HISTORY = 120 * DAY
"""The least that a first poll fetches."""
PROBE = timedelta(days=1)
"""How often a capability that was refused is asked for again."""
STEADY, BACKFILL = 4, 8
"""Requests at once."""

GROUPED = {
    "costs": ("project_id", "line_item"),
    "completions": ("project_id", "api_key_id", "model", "batch"),
    "decisions": ("project_id", "api_key_id", "model", "batch"),
    "vector_stores": ("project_id",),
    "code_interpreter_sessions": ("project_id",),
    "file_search_calls": ("project_id", "api_key_id"),
}
"""What each source is grouped by: what is shown or judged, and no more; the others by project, key and model."""
OPTIONAL = {"costs": ("api_key_id",), "completions": ("service_tier",), "decisions": ("service_tier",)}
"""Groupings an organization's API may refuse: tried, and gone without where it does."""

Progress = Callable[[str, int, int], None]
"""(source, days done, days in all)"""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync came to."""

    results: tuple[SourceResult, ...]
    poll_id: int
    refused: BotError | None = None
    """The key was refused: no source can be read until somebody acts."""

    @property
    def complete(self) -> bool:
        return all(result.complete for result in self.results)

    @property
    def costs_complete(self) -> bool:
        return all(result.complete for result in self.results if result.source == "costs")


@dataclass(slots=True)
class _Task:
    """One source at one width, and what became of it in this sync."""

    source: str
    width: str
    state: Stored
    start: date
    end: date
    reread: bool = False
    readings: list[Reading] = field(default_factory=list)
    seconds: float = 0.0
    failed: BotError | None = None
    pages: int = 0
    rows: int = 0
    changed: int = 0
    notes: list[str] = field(default_factory=list)

    def result(self) -> SourceResult:
        why = str(self.failed) if self.failed else "; ".join(self.notes)
        return SourceResult(
            self.source,
            self.width,
            self.failed is None,
            self.pages,
            self.rows,
            self.changed,
            self.seconds,
            why,
        )


class Syncer:
    """Reads OpenAI into the store. One at a time: the caller holds the poll lock."""

    def __init__(self, openai: OpenAI, store: Store, clock: Callable[[], datetime]) -> None:
        self.openai = openai
        self.store = store
        self.clock = clock

    def poll(
        self,
        now: datetime,
        *,
        needs_from: date | None = None,
        by_user: bool = False,
        sources: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> Synced:
        """Read what a poll reads: the last days of every source, once a day the last 35, and at first the history.

        `needs_from` is the first day some rule looks at. Every window is fixed by `now` before the first request.
        """
        began_at = self.clock()
        today = now.astimezone(UTC).date()
        with self.store.reading() as tx:
            states = records.stored(tx)
        tasks = [
            task
            for name in sources or SOURCES
            for width in (("1d",) if name == "costs" else ("1d", "1h"))
            if (task := self._task(name, width, states, now))
        ]
        goal = min(today - HISTORY, needs_from or today)
        refused = self._backfill(tasks, goal, now, by_user=by_user, progress=progress)
        if refused is None:
            refused = self._read_all(tasks, now, by_user=by_user)
        else:
            for task in tasks:
                task.failed = task.failed or refused
        names = [] if refused else self._names(tasks, now)
        with self.store.writing() as tx:
            for task in tasks:
                self._store(tx, task, now)
            records.name(tx, names, now)
            results = tuple(task.result() for task in tasks)
            poll_id = records.poll(tx, now, began_at, self.clock(), results)
        for result in results:
            if not result.complete:
                log.warning("source incomplete", extra={"source": result.source, "why": result.why})
        return Synced(results, poll_id, refused)

    def span(
        self,
        since: date,
        until: date,
        now: datetime,
        sources: Sequence[str],
        progress: Progress | None = None,
    ) -> Synced:
        """Read a span of days again, newest window first, each kept as it comes; a stopped one goes on where it was."""
        began_at = self.clock()
        with self.store.reading() as tx:
            states = records.stored(tx)
            stopped = records.unfinished(tx)
        tasks: list[_Task] = []
        refused: BotError | None = None
        for name in sources or SOURCES:
            state = states.get((name, "1d"), Stored(name))
            task = _Task(name, "1d", state, since, until)
            tasks.append(task)
            if refused is not None:
                task.failed = refused
                continue
            old = stopped.get((name, "1d"))
            goes_on = (
                old is not None and (old.since, old.until) == (since, until) and now - old.begun_at < PROBE
            )
            backfill = old if goes_on and old else Unfinished(name, "1d", since, until, until, now)
            try:
                self._windows(task, backfill, now, by_user=False, progress=progress)
            except KeyRefused as failed:
                task.failed = refused = failed
            except NotOffered as failed:
                self._not_offered(task, failed, now)
            except BotError as failed:
                task.failed = failed
        results = tuple(task.result() for task in tasks)
        with self.store.writing() as tx:
            records.keep(tx, [task.state for task in tasks])
            poll_id = records.poll(tx, now, began_at, self.clock(), results)
        return Synced(results, poll_id, refused)

    # -- what to read ------------------------------------------------------------------------------

    def _task(
        self, name: str, width: str, states: dict[tuple[str, str], Stored], now: datetime
    ) -> _Task | None:
        state = states.get((name, width), Stored(name, width))
        if not state.offered and state.probed_at is not None and timedelta() <= now - state.probed_at < PROBE:
            return None
        today = now.astimezone(UTC).date()
        start = today - RECENT
        reread = width == "1d" and (
            state.reread_at is None or abs(now - state.reread_at) >= timedelta(days=1)
        )
        if reread:
            start = today - REREAD
        if width == "1d" and state.through is not None:
            # After a silence: from where the data ends, so that no day is left out.
            start = min(start, state.through)
        return _Task(name, width, state, start, today + DAY, reread)

    def _ask(self, task: _Task, start: date, end: datetime, group_by: tuple[str, ...]) -> Ask:
        return Ask(task.source, midnight(start), end, task.width, group_by)

    def _groupings(self, task: _Task, now: datetime, *, by_user: bool) -> Iterator[tuple[str, ...]]:
        """Yield what to group by: all that is wanted first, then without what the organization may refuse."""
        plain = GROUPED.get(task.source, ("project_id", "api_key_id", "model"))
        wanted = list(OPTIONAL.get(task.source, ()))
        if by_user and task.source == "costs":
            wanted.append("user_id")
        probed = task.state.probed_at
        if probed is not None and timedelta() <= now - probed < PROBE:
            wanted = [name for name in wanted if name not in task.state.refused]
        while wanted:
            yield (*plain, *wanted)
            wanted.pop()
        yield plain

    # -- reading -----------------------------------------------------------------------------------

    def _read_all(self, tasks: list[_Task], now: datetime, *, by_user: bool) -> BotError | None:
        """Read every task's window, a few at once; return the refusal of the key, if that is what stopped it."""
        open_tasks = [task for task in tasks if task.failed is None]
        if not open_tasks:
            return None
        with ThreadPoolExecutor(min(STEADY, len(open_tasks)), thread_name_prefix="sync") as pool:
            list(pool.map(lambda task: self._read(task, now, by_user=by_user), open_tasks))
        return next((task.failed for task in open_tasks if isinstance(task.failed, KeyRefused)), None)

    def _read(self, task: _Task, now: datetime, *, by_user: bool) -> None:
        began = time.monotonic()
        end = midnight(task.end)
        if task.width == "1h":
            end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        try:
            for group_by in self._groupings(task, now, by_user=by_user):
                try:
                    asked = self._ask(task, task.start, end, group_by)
                    task.readings = list(self.openai.read_span(asked, now, concurrency=1))
                except AskRefused as refusal:
                    if group_by == GROUPED.get(task.source, group_by):
                        raise
                    log.info("grouping refused", extra={"source": task.source, "why": str(refusal)})
                    continue
                self._settle_grouping(task, group_by, now, by_user=by_user)
                break
        except NotOffered as failed:
            self._not_offered(task, failed, now)
        except BotError as failed:
            task.failed = failed
        task.seconds = round(time.monotonic() - began, 3)
        if task.failed is None:
            task.pages += sum(reading.pages for reading in task.readings)
            task.rows += sum(len(reading.rows) for reading in task.readings)
        else:
            task.readings = []

    def _settle_grouping(
        self, task: _Task, group_by: tuple[str, ...], now: datetime, *, by_user: bool
    ) -> None:
        """Remember what was refused, and say what is gone without."""
        wanted = (
            *OPTIONAL.get(task.source, ()),
            *(("user_id",) if by_user and task.source == "costs" else ()),
        )
        refused = tuple(name for name in wanted if name not in group_by)
        if refused != task.state.refused or (refused and group_by and task.state.probed_at is None):
            task.state = replace(task.state, refused=refused, probed_at=now if refused else None)
        elif refused and task.state.probed_at is not None and now - task.state.probed_at >= PROBE:
            task.state = replace(task.state, probed_at=now)
        if refused:
            task.notes.append(f"without {' and '.join(refused)}, which this organization's API refuses")

    def _not_offered(self, task: _Task, failed: BotError, now: datetime) -> None:
        if task.state.read_at is not None:
            task.failed = failed  # it has answered before: this is an outage
            return
        task.state = replace(task.state, offered=False, probed_at=now)
        task.notes.append("not offered to this organization")

    # -- history -----------------------------------------------------------------------------------

    def _backfill(
        self, tasks: list[_Task], goal: date, now: datetime, *, by_user: bool, progress: Progress | None
    ) -> BotError | None:
        """Read days older than what is stored, back to `goal`, keeping window by window."""
        for task in tasks:
            if task.width != "1d":
                continue
            state = task.state
            until = state.since or task.start
            asked_today = state.probed_at is not None and now - state.probed_at < PROBE
            floor = state.floor if asked_today else None
            since = max(goal, floor) if floor else goal
            if since >= until:
                continue
            backfill = Unfinished(task.source, task.width, since, until, until, now)
            try:
                self._windows(task, backfill, now, by_user=by_user, progress=progress, keep=False)
            except KeyRefused as failed:
                task.failed = failed
                return failed
            except NotOffered as failed:
                self._not_offered(task, failed, now)
            except AskRefused as failed:
                # A month the API refuses fails alone: history begins after it, and is asked for again tomorrow.
                task.state = replace(task.state, floor=task.state.since or until, probed_at=now)
                task.notes.append(f"no history before {task.state.floor}: {failed.happened}")
            except BotError as failed:
                task.failed = failed
        return None

    def _windows(
        self,
        task: _Task,
        backfill: Unfinished,
        now: datetime,
        *,
        by_user: bool,
        progress: Progress | None,
        keep: bool = True,
    ) -> None:
        """Read a span window by window, newest first, each in a transaction of its own."""
        total = (backfill.until - backfill.since).days
        groupings = list(self._groupings(task, now, by_user=by_user))
        place = 0
        while backfill.reached > backfill.since:
            asked = self._ask(task, backfill.since, midnight(backfill.reached), groupings[place])
            try:
                for reading in self.openai.read_span(asked, now, concurrency=BACKFILL, newest_first=True):
                    backfill = replace(backfill, reached=reading.start.date())
                    self._keep_window(task, reading, backfill, now, keep=keep)
                    if progress:
                        progress(task.source, total - (backfill.reached - backfill.since).days, total)
            except AskRefused:
                if place + 1 == len(groupings):
                    raise
                place += 1
        self._settle_grouping(task, groupings[place], now, by_user=by_user)

    def _keep_window(
        self, task: _Task, reading: Reading, backfill: Unfinished, now: datetime, *, keep: bool
    ) -> None:
        task.pages += reading.pages
        task.rows += len(reading.rows)
        state, start, end = task.state, reading.start.date(), reading.end.date()
        if state.since is None or state.through is None:
            state = replace(state, since=start, through=end)
        elif start <= state.through and end >= state.since:
            state = replace(state, since=min(state.since, start), through=max(state.through, end))
        task.state = state
        with self.store.writing() as tx:
            self.store.index.refresh(tx)
            task.changed += facts.store(tx, self.store.index, reading, now)
            records.keep(tx, [task.state])
            if keep:
                records.reach(tx, backfill)

    # -- keeping -----------------------------------------------------------------------------------

    def _store(self, tx: Connection, task: _Task, now: datetime) -> None:
        if task.failed is None and task.readings:
            self.store.index.refresh(tx)
            for reading in task.readings:
                task.changed += facts.store(tx, self.store.index, reading, now)
            state = task.state
            since = min(state.since or task.start, task.start)
            reread_at = now if task.reread else state.reread_at
            task.state = replace(
                state, since=since, through=task.end, read_at=now, reread_at=reread_at, offered=True
            )
        records.keep(tx, [task.state])

    # -- names -------------------------------------------------------------------------------------

    def _names(self, tasks: list[_Task], now: datetime) -> list[Named]:
        """Return names once a day, and when an id appears that nobody has named; a failure is only noted."""
        seen = _ids(tasks)
        with self.store.reading() as tx:
            named = records.names(tx)
            asked_at = records.marker(tx, "names asked at")
            nameless = set(json.loads(records.marker(tx, "names not found") or "[]"))
            archived = records.projects(tx)
        fresh = bool(asked_at) and timedelta() <= now - datetime.fromisoformat(asked_at) < PROBE
        missing = {f"{kind} {key}" for kind, key in seen if (kind, key) not in named.current}
        if fresh and missing <= nameless:
            return []
        try:
            found = self._fetch_names(archived)
        except BotError as failed:
            log.warning("names not read", extra={"why": str(failed)})
            found = []
        known = {f"{'user' if each.kind == 'service_account' else each.kind} {each.id}" for each in found}
        with self.store.writing() as tx:
            records.mark(tx, "names asked at", now.isoformat())
            records.mark(tx, "names not found", json.dumps(sorted(missing - known)))
        return found

    def _fetch_names(self, archived: dict[str, bool]) -> list[Named]:
        projects = self.openai.projects()
        found = [*projects, *self._maybe(self.openai.users)]
        current = [each for each in projects if not each.archived or each.id not in archived]
        with ThreadPoolExecutor(STEADY, thread_name_prefix="names") as pool:
            for some in pool.map(self._names_of, current):
                found += some
        return found

    def _names_of(self, project: Named) -> list[Named]:
        keys = self._maybe(lambda: self.openai.api_keys(project.id))
        # An archived project's service accounts are refused with 400.
        accounts = [] if project.archived else self._maybe(lambda: self.openai.service_accounts(project.id))
        return [*keys, *accounts]

    def _maybe(self, read: Callable[[], list[Named]]) -> list[Named]:
        try:
            return read()
        except BotError as failed:
            log.info("names not read", extra={"why": str(failed)})
            return []


def _ids(tasks: list[_Task]) -> set[tuple[str, str]]:
    """Return every (dimension, id) in the readings that people know by a name."""
    found: set[tuple[str, str]] = set()
    for task in tasks:
        for reading in task.readings:
            for dimension, column in NAMED_BY_ID.items():
                if column in reading.columns:
                    place = reading.columns.index(column) + 1
                    found |= {(dimension, str(key[place])) for key in reading.rows if key[place]}
    return found


def days_between(since: date, until: date) -> int:
    """Return how many buckets a span of days holds."""
    return (epoch(until) - epoch(since)) // 86_400
