"""What to read of a source: decided from what is stored of it and the time alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from bot.core.errors import BotError
from bot.core.period import DAY
from bot.edge.openai import Reading
from bot.edge.store.records import SourceResult, Stored

RECENT = 3 * DAY
"""Read again on every poll, beside today: entries settle late."""
REREAD = 35 * DAY
"""Read again once a day."""
HISTORY = 120 * DAY
"""The least that a first poll fetches."""
PROBE = timedelta(days=1)
"""How often what was refused is asked for again."""

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

Grouping = tuple[str, ...]


@dataclass(slots=True)
class Task:
    """One source at one width: what of it is to be read, and what became of it."""

    source: str
    width: str
    state: Stored
    start: date
    end: date
    answered: bool = True
    """The source has answered before, so that its absence is an outage."""
    reread: bool = False
    earlier: Stored | None = None
    """What was stored before so long a silence that history is read anew."""
    floor: date | None = None
    """The day before which the API refused to answer in this poll."""
    user_from: date | None = None
    """How far back its history was read by user in this poll."""
    group_by: Grouping = ()
    readings: list[Reading] = field(default_factory=list)
    ids: set[tuple[str, str, str]] = field(default_factory=set)
    """Every (dimension, id, project id) that was read and that people know by a name."""
    seconds: float = 0.0
    failed: BotError | None = None
    absent: bool = False
    pages: int = 0
    rows: int = 0
    changed: int = 0
    notes: dict[str, None] = field(default_factory=dict)

    def note(self, text: str) -> None:
        self.notes[text] = None

    def result(self) -> SourceResult:
        """Return what is recorded of it."""
        return SourceResult(
            self.source,
            self.width,
            self.failed is None,
            self.pages,
            self.rows,
            self.changed,
            self.seconds,
            str(self.failed) if self.failed else "; ".join(self.notes),
        )


def lately(at: datetime | None, now: datetime) -> bool:
    """Tell whether that was within the last day; an instant in the future is a clock's mistake."""
    return at is not None and timedelta() <= now - at < PROBE


def task(name: str, width: str, states: Mapping[tuple[str, str], Stored], now: datetime) -> Task | None:
    """Return what a poll reads of a source; None while it is known not to be offered."""
    state = states.get((name, width), Stored(name, width))
    answered = any(known.since is not None for (source, _), known in states.items() if source == name)
    if not state.offered and lately(state.probed_at, now):
        return None
    today = now.astimezone(UTC).date()
    planned = Task(name, width, state, today - RECENT, today + DAY, answered)
    if width == "1d":
        planned.reread = not lately(state.reread_at, now)
        _look_back(planned, today)
    return planned


def _look_back(planned: Task, today: date) -> None:
    state = planned.state
    if state.since is None or state.through is None:
        return  # the first poll fetches history, window by window
    if state.through < today - REREAD:
        # So too after so long a silence; what is stored joins it when the windows arrive there.
        planned.earlier, planned.state = state, replace(state, since=None, through=None)
        return
    first = today - RECENT
    if planned.reread:
        first = today - REREAD
    if state.through < today:
        first = min(first, _settled(state))
    planned.start = min(planned.start, max(first, state.since))


def _settled(state: Stored) -> date:
    """Return up to where stored days are final although days after them were missed."""
    assert state.since is not None
    assert state.through is not None
    return max(state.since, state.through - DAY - REREAD)


def history(planned: Task, goal: date, now: datetime, *, by_user: bool) -> tuple[date, date]:
    """Return the span of older days to fetch so that what is stored begins at `goal`; empty when it does."""
    state = planned.state
    until = state.since or planned.start
    if by_user and planned.source == "costs" and state.since and "user_id" not in state.refused:
        # What was stored while no rule looked at users does not tell them apart.
        until = max(until, min(state.user_from or planned.start, planned.start))
    if planned.earlier is not None:
        goal = _settled(planned.earlier)
    if state.floor is not None and lately(state.floored_at, now):
        goal = max(goal, state.floor)
    return goal, until


def groupings(planned: Task, now: datetime, *, by_user: bool) -> list[Grouping]:
    """Return what to group by: all that is wanted first, then without what the organization may refuse."""
    plain = GROUPED.get(planned.source, ("project_id", "api_key_id", "model"))
    wanted = _wanted(planned, by_user=by_user)
    if lately(planned.state.probed_at, now):
        wanted = tuple(name for name in wanted if name not in planned.state.refused)
    return [(*plain, *some) for some in _fewer(wanted)]


def missing(planned: Task, group_by: Grouping, *, by_user: bool) -> Grouping:
    """Return which wanted groupings `group_by` goes without, and note it."""
    gone = tuple(name for name in _wanted(planned, by_user=by_user) if name not in group_by)
    if gone:
        planned.note(f"without {' and '.join(gone)}, which this organization's API refuses")
    return gone


def settle_grouping(planned: Task, group_by: Grouping, now: datetime, *, by_user: bool) -> None:
    """Remember for a day what was refused of the last days' grouping."""
    planned.group_by = group_by
    gone = missing(planned, group_by, by_user=by_user)
    state = planned.state
    if gone != state.refused or (gone and not lately(state.probed_at, now)):
        planned.state = replace(state, refused=gone, probed_at=now if gone else None)


def _wanted(planned: Task, *, by_user: bool) -> Grouping:
    users = ("user_id",) if by_user and planned.source == "costs" else ()
    return (*users, *OPTIONAL.get(planned.source, ()))


def _fewer(wanted: Grouping) -> Iterator[Grouping]:
    """Yield all, each alone, none; the first is what somebody's rule asks for."""
    yield wanted
    if len(wanted) > 1:
        for name in wanted:
            yield (name,)
    if wanted:
        yield ()


def extended(state: Stored, start: date, end: date) -> Stored:
    """Return the state after the days from `start` up to `end` were stored: it never spans a hole."""
    if state.since is None or state.through is None:
        return replace(state, since=start, through=end)
    if start <= state.through and end >= state.since:
        return replace(state, since=min(state.since, start), through=max(state.through, end))
    return state


def completed(planned: Task, now: datetime) -> Stored:
    """Return the state after a poll read everything from the task's start to its end.

    A refusal of older days counts only now: an API that refuses everything has no floor.
    """
    state = planned.state
    joined = state.since is not None and state.through is not None and planned.start <= state.through
    since = min(state.since, planned.start) if joined and state.since else planned.start
    user_from = None
    if "user_id" in planned.group_by:
        user_from = min(planned.user_from or planned.start, planned.start)
        if joined and state.user_from is not None:
            user_from = min(user_from, state.user_from)
    floor, floored_at = (planned.floor, now) if planned.floor else (state.floor, state.floored_at)
    if floor is not None and since < floor:
        floor, floored_at = None, None
    return replace(
        state,
        since=since,
        through=planned.end,
        # Who polls as of an earlier instant has still read it later.
        read_at=max(now, state.read_at or now),
        reread_at=now if planned.reread else state.reread_at,
        floor=floor,
        floored_at=floored_at,
        user_from=user_from,
        offered=True,
    )
