"""Fetch → store: network first, then one short transaction; each source is complete, or unchanged."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from bot import limits_sync
from bot.core.errors import BotError
from bot.core.period import DAY, epoch, midnight
from bot.edge.openai import SOURCES, Ask, AskRefused, Checksums, KeyRefused, NotOffered, OpenAI, Reading
from bot.edge.store import checksums, facts, months, records
from bot.edge.store.records import SourceResult, Stored, Unfinished
from bot.edge.store.store import Store
from bot.naming import DAILY, Learned, ids_in, learn
from bot.sync_plan import (
    HISTORY,
    RECENT,
    Grouping,
    Task,
    completed,
    extended,
    groupings,
    history,
    lately,
    missing,
    settle_grouping,
    task,
)

log = logging.getLogger("budgetbot.sync")

STEADY, BACKFILL = 4, 8
"""Requests at once."""
SMALLER = (7, 1)
"""Days a window, where a month is refused: they find the first day that is not."""

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
    def missed(self) -> tuple[str, ...]:
        """Return the sources whose days could not be read."""
        return tuple(result.source for result in self.results if result.width == "1d" and not result.complete)

    @property
    def costs_complete(self) -> bool:
        return all(result.complete for result in self.results if result.source == "costs")


class Syncer:
    """Reads OpenAI into the store. One at a time: the caller holds the poll lock."""

    def __init__(
        self,
        openai: OpenAI,
        store: Store,
        clock: Callable[[], datetime],
        *,
        names_every: timedelta = DAILY,
    ) -> None:
        self.openai = openai
        self.store = store
        self.clock = clock
        self.names_every = names_every

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
            known = checksums.known(tx)
        tasks = [
            planned
            for name in sources or SOURCES
            for width in (("1d",) if name == "costs" else ("1d", "1h"))
            if (planned := task(name, width, states, now))
        ]
        goal = min(today - HISTORY, needs_from or today)
        # The last days first: they tell what the organization offers before its history is asked for.
        refused = self._read_all(tasks, known, now, by_user=by_user)
        if refused is None:
            refused = self._backfill(tasks, goal, now, by_user=by_user, progress=progress)
        seen = set().union(*(planned.ids for planned in tasks))
        names = Learned() if refused else learn(self.openai, self.store, seen, now, self.names_every)
        limits = limits_sync.Learned()
        if refused is None and _costs_read(tasks):  # where costs failed, limits would only wait as long
            limits = limits_sync.learn(self.openai, self.store, names.named, seen, now)
        with self.store.writing() as tx:
            for planned in tasks:
                self._store(tx, planned, now)
            checksums.forget_before(tx, epoch(today - RECENT))
            names.keep(tx, now)
            results = (*(planned.result() for planned in tasks), *limits.keep(tx, now))
            poll_id = records.poll(tx, now, began_at, self.clock(), results)
        months.add_up(self.store, today)
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
        """Read a span of days again, newest window first, each kept as it comes; a stopped one goes on where it was.

        Days that have not begun yet are left out: nothing can be stored of them. The months whose days change are
        added up by the next poll.
        """
        began_at = self.clock()
        today = now.astimezone(UTC).date()
        until = min(until, today + DAY)
        with self.store.reading() as tx:
            states = records.stored(tx)
            stopped = records.unfinished(tx)
        tasks: list[Task] = []
        refused: BotError | None = None
        for name in sources or SOURCES:
            state = states.get((name, "1d"), Stored(name))
            planned = Task(name, "1d", state, since, until, answered=state.since is not None)
            tasks.append(planned)
            if refused is not None:
                planned.failed = refused
                continue
            try:
                self._read_span(planned, stopped.get((name, "1d")), now, progress)
                if planned.state.through == until > today:
                    # Up to now without a hole: figures are as of this read, as after a poll.
                    planned.state = replace(planned.state, read_at=now)
            except KeyRefused as failed:
                planned.failed = refused = failed
            except NotOffered as failed:
                _not_offered(planned, failed, now)
            except BotError as failed:
                planned.failed = failed
        results = tuple(planned.result() for planned in tasks)
        seen = set().union(*(planned.ids for planned in tasks))
        names = Learned() if refused else learn(self.openai, self.store, seen, now, self.names_every)
        with self.store.writing() as tx:
            records.keep(tx, [planned.state for planned in tasks])
            names.keep(tx, now)
            poll_id = records.poll(tx, now, began_at, self.clock(), results)
        return Synced(results, poll_id, refused)

    # -- the last days -----------------------------------------------------------------------------

    def _read_all(
        self, tasks: list[Task], known: Mapping[tuple[str, str], Checksums], now: datetime, *, by_user: bool
    ) -> BotError | None:
        """Read every task's window, a few at once; return the refusal of the key, if that is what stopped it."""
        if not tasks:
            return None
        with ThreadPoolExecutor(min(STEADY, len(tasks)), thread_name_prefix="sync") as pool:
            list(pool.map(lambda planned: self._read(planned, known, now, by_user=by_user), tasks))
        return next((planned.failed for planned in tasks if isinstance(planned.failed, KeyRefused)), None)

    def _read(
        self, planned: Task, known: Mapping[tuple[str, str], Checksums], now: datetime, *, by_user: bool
    ) -> None:
        began = time.monotonic()
        # Once a day everything is compared with what is stored, value by value.
        same = {} if planned.reread else known.get((planned.source, planned.width), {})
        end = midnight(planned.end)
        if planned.width == "1h":
            end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        tried = groupings(planned, now, by_user=by_user)
        try:
            for group_by in tried:
                asked = Ask(planned.source, midnight(planned.start), end, planned.width, group_by)
                try:
                    planned.readings = list(
                        self.openai.read_span(asked, min(now, self.clock()), concurrency=1, known=same)
                    )
                except AskRefused as refusal:
                    if group_by == tried[-1]:
                        raise
                    log.info("grouping refused", extra={"source": planned.source, "why": str(refusal)})
                    continue
                planned.answered = True
                settle_grouping(planned, group_by, now, by_user=by_user)
                break
        except NotOffered as failed:
            _not_offered(planned, failed, now)
        except BotError as failed:
            planned.failed = failed
        planned.seconds += round(time.monotonic() - began, 3)
        for reading in planned.readings:
            _count(planned, reading)

    def _store(self, tx: Connection, planned: Task, now: datetime) -> None:
        if planned.failed is None and planned.readings:
            self.store.index.refresh(tx)
            changed = sum(facts.store(tx, self.store.index, reading, now) for reading in planned.readings)
            planned.changed += changed
            before, planned.state = planned.state, completed(planned, now)
            if changed or before.since != planned.state.since or before.read_at is None:
                records.changed(tx)
        records.keep(tx, [planned.state])

    # -- history -----------------------------------------------------------------------------------

    def _backfill(
        self, tasks: list[Task], goal: date, now: datetime, *, by_user: bool, progress: Progress | None
    ) -> BotError | None:
        """Read days older than what is stored, back to `goal`, keeping window by window."""
        for planned in tasks:
            if planned.width != "1d" or planned.failed or planned.absent:
                continue
            since, until = history(planned, goal, now, by_user=by_user)
            if since >= until:
                continue
            backfill = Unfinished(planned.source, planned.width, since, until, until, now)
            try:
                self._windows(planned, backfill, now, by_user=by_user, progress=progress, keep=False)
                if by_user:
                    planned.user_from = since
                self._join(planned)
            except KeyRefused as failed:
                planned.failed = failed
                return failed
            except NotOffered as failed:
                _not_offered(planned, failed, now)
            except AskRefused as failed:
                # A month the API refuses fails alone: history begins after it, and is asked for again tomorrow.
                planned.floor = planned.state.since or until
                planned.note(f"no history before {planned.floor}: {failed.happened}")
            except BotError as failed:
                if planned.state.read_at is None:
                    planned.failed = failed
                else:  # the last days are judged all the same; rules that look further back wait
                    planned.note(f"history from {since} is not read yet: {failed}")
        return None

    def _read_span(
        self, planned: Task, stopped: Unfinished | None, now: datetime, progress: Progress | None
    ) -> None:
        since, until = planned.start, planned.end
        by_user = planned.state.user_from is not None
        backfill = Unfinished(planned.source, planned.width, since, until, until, now)
        if stopped is not None and stopped.since == since and lately(stopped.begun_at, now):
            if stopped.until == until:
                backfill = stopped
            elif stopped.until < until:
                # It was stopped yesterday: what was its last day had only begun.
                head = replace(backfill, since=max(since, stopped.until - DAY))
                self._windows(planned, head, now, by_user=by_user, progress=None, keep=False)
                backfill = replace(stopped, until=until)
        self._windows(planned, backfill, now, by_user=by_user, progress=progress)

    def _windows(
        self,
        planned: Task,
        backfill: Unfinished,
        now: datetime,
        *,
        by_user: bool,
        progress: Progress | None,
        keep: bool = True,
    ) -> None:
        """Read a span window by window, newest first, each in a transaction of its own."""
        began = time.monotonic()
        total = (backfill.until - backfill.since).days
        tried = groupings(planned, now, by_user=by_user)
        ways: list[tuple[Grouping, int | None]] = [(group_by, None) for group_by in tried]
        ways += [(tried[-1], days) for days in SMALLER]
        place = 0
        while backfill.reached > backfill.since:
            group_by, days = ways[place]
            start, end = midnight(backfill.since), midnight(backfill.reached)
            asked = Ask(planned.source, start, end, planned.width, group_by, limit=days)
            at_once = 1 if days else BACKFILL  # one refusal gives up the windows that are read beside it
            try:
                for reading in self.openai.read_span(
                    asked, min(now, self.clock()), concurrency=at_once, newest_first=True
                ):
                    backfill = replace(backfill, reached=reading.start.date())
                    self._keep_window(planned, reading, backfill, now, keep=keep)
                    if progress:
                        progress(planned.source, total - (backfill.reached - backfill.since).days, total)
            except AskRefused:
                if place + 1 == len(ways):
                    raise
                place += 1
        missing(planned, ways[place][0], by_user=by_user)
        planned.seconds += round(time.monotonic() - began, 3)

    def _keep_window(
        self, planned: Task, reading: Reading, backfill: Unfinished, now: datetime, *, keep: bool
    ) -> None:
        _count(planned, reading)
        state = extended(planned.state, reading.start.date(), reading.end.date())
        with self.store.writing() as tx:
            self.store.index.refresh(tx)
            changed = facts.store(tx, self.store.index, reading, now)
            if changed or state.since != planned.state.since:
                records.changed(tx)
            records.keep(tx, [state])
            if keep:
                records.reach(tx, backfill)
        planned.state = state
        planned.changed += changed

    def _join(self, planned: Task) -> None:
        """After a long silence: what was stored before it is joined again."""
        earlier = planned.earlier
        if earlier is None or earlier.since is None or earlier.through is None:
            return
        planned.state = extended(planned.state, earlier.since, earlier.through)


def _costs_read(tasks: Sequence[Task]) -> bool:
    return any(planned.source == "costs" and planned.failed is None for planned in tasks)


def _count(planned: Task, reading: Reading) -> None:
    planned.pages += reading.pages
    planned.rows += reading.count
    planned.ids |= ids_in(reading)


def _not_offered(planned: Task, failed: BotError, now: datetime) -> None:
    if planned.answered or planned.state.since is not None:
        planned.failed = failed  # it has answered before: this is an outage
        return
    planned.absent = True
    planned.state = replace(planned.state, offered=False, probed_at=now)
    planned.note("not offered to this organization")
