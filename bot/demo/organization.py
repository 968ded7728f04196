"""A believable organization: two eventful months, and the quieter ones before them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from bot.demo.cast import Calendar, cast
from bot.demo.ledger import CostRow, UsageRow, Wire, spend_limit
from bot.demo.tariff import metrics
from bot.demo.traffic import MINUTES, Stream

COSTS_TRAIL = timedelta(minutes=10)
USAGE_TRAILS = timedelta(minutes=8)
SETTLES_IN = timedelta(hours=24)
FIRST_SEEN_PERMILLE = 985
"""How much of a day's costs is known when it ends; the rest arrives within SETTLES_IN, every four hours."""


class Organization:
    """A world whose every row follows from the seed, the day and the moment it is looked at.

    Costs follow from usage at the tariff's prices, except a credit. The current day is partial and
    trails by minutes, a past day's costs settle within a day, and one bill comes late. Traffic goes on
    after `end`; nothing happens there any more.
    """

    def __init__(self, seed: int = 7, start: date = date(2026, 5, 1), end: date = date(2026, 10, 31)) -> None:
        self.seed = seed
        self.start = start
        self.end = end
        self.calendar = Calendar(end)
        self._cast = cast(end)
        self._billed_late = {
            turn.since: stream.billed_on
            for stream in self._cast.streams
            for turn in stream.turns
            if stream.billed_on
        }
        self._totals: dict[tuple[str, date], Mapping[str, int]] = {}
        self._settled: dict[date, tuple[CostRow, ...]] = {}

    @property
    def story_begins(self) -> date:
        """The first of the two months that are told day by day."""
        return self.calendar.begins

    @property
    def story(self) -> list[tuple[date, str]]:
        """What happens, and on which day it can first be seen, in order."""
        day = self.calendar
        return [
            (day.archived, "Project chat-legacy is archived."),
            (day.new_model, "docs-bot moves from gpt-5-mini to gpt-5.6-luna."),
            (day.credit, "OpenAI credits $250 to the organization, to no project."),
            (day.launch, "search-prod launches answers: a busy four days, and a third more from then on."),
            (day.runaway, "A new key in labs, ingest-worker, begins to loop over gpt-5.2."),
            (day.revoked, "Somebody notices ingest-worker and revokes it."),
            (day.backlog, "support-bot works off a backlog of tickets."),
            (day.backlog_billed, f"The backlog of {day.backlog:%-d %B} appears on the bill."),
        ]

    def cost_rows(self, day: date, now: datetime) -> Sequence[CostRow]:
        """Return the day's lines as they are known at `now`, nothing before `start` or after `now`."""
        if day in self._settled and now >= self._settles_at(day):
            return self._settled[day]
        seen = now - COSTS_TRAIL
        if day < self.start or seen < _midnight(day):
            return ()
        known = self._permille_known(day, now)
        rows = [credit for credit in self._cast.credits if credit.day == day]
        for stream in self._cast.streams:
            if stream.billed_on is None or now >= _midnight(stream.billed_on):
                counts = self._until(stream, day, _minute_of(day, seen))
                rows += _bill(stream, day, {name: count * known // 1000 for name, count in counts.items()})
        if now >= self._settles_at(day):
            self._settled[day] = tuple(rows)
        return tuple(rows)

    def usage_rows(self, source: str, start: datetime, end: datetime, now: datetime) -> Iterator[UsageRow]:
        """Yield a row for each stream and UTC day of the span, as far as it is counted at `now`."""
        end = min(end, now - USAGE_TRAILS)
        day = start.date()
        while _midnight(day) < end:
            since = max(start, _midnight(day))
            span = (_minute_of(day, since), _minute_of(day, end))
            for stream in self._cast.streams if day >= self.start else ():
                if stream.source == source and (counts := self._between(stream, day, *span)):
                    yield UsageRow(source, since, stream.dims(), metrics(source, counts))
            day += timedelta(days=1)

    def projects(self) -> Sequence[Wire]:
        return list(self._cast.projects.values())

    def users(self) -> Sequence[Wire]:
        return list(self._cast.users.values())

    def api_keys(self, project_id: str) -> Sequence[Wire]:
        return list(self._cast.api_keys.get(project_id, {}).values())

    def service_accounts(self, project_id: str) -> Sequence[Wire]:
        return list(self._cast.service_accounts.get(project_id, {}).values())

    def spend_limit(self, project_id: str | None) -> Wire | None:
        """Return the one hard limit somebody has set: search-prod's $25,000 a month."""
        limited = self.project_id("search-prod")
        return spend_limit(project_id, 2_500_000) if project_id == limited else None

    def project_id(self, name: str) -> str:
        return self._cast.project_id(name)

    def _permille_known(self, day: date, now: datetime) -> int:
        hours = max(now - _midnight(day) - timedelta(days=1), timedelta()) // timedelta(hours=4) * 4
        share = min(timedelta(hours=hours) / SETTLES_IN, 1.0)
        return FIRST_SEEN_PERMILLE + int((1000 - FIRST_SEEN_PERMILLE) * share)

    def _settles_at(self, day: date) -> datetime:
        settles_at = _midnight(day) + timedelta(days=1) + SETTLES_IN
        return max(settles_at, _midnight(self._billed_late[day])) if day in self._billed_late else settles_at

    def _day(self, stream: Stream, day: date) -> Mapping[str, int]:
        key = (stream.name, day)
        if key not in self._totals:
            self._totals[key] = stream.totals(day, self.seed, self.calendar.begins)
        return self._totals[key]

    def _until(self, stream: Stream, day: date, minute: int) -> dict[str, int]:
        totals = self._day(stream, day)
        return {name: stream.rhythm.until(total, minute) for name, total in totals.items()}

    def _between(self, stream: Stream, day: date, since: int, until: int) -> dict[str, int]:
        """Return the counts of the minutes of a day; a level's count is of the whole day. Empty: none."""
        totals = self._day(stream, day)
        if stream.source == "vector_stores":
            return dict(totals)
        counts = {
            name: stream.rhythm.until(total, until) - stream.rhythm.until(total, since)
            for name, total in totals.items()
        }
        return counts if any(counts.values()) else {}


def _bill(stream: Stream, day: date, counts: Mapping[str, int]) -> list[CostRow]:
    return [
        CostRow(
            day,
            stream.project_id,
            charge.line_item,
            charge.amount(count),
            stream.api_key_id,
            stream.user_id,
            charge.quantity(count),
            charge.unit,
        )
        for charge in stream.charges()
        if (count := counts.get(charge.count, 0))
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _minute_of(day: date, at: datetime) -> int:
    """Return how many whole minutes of the day have passed at `at`: 1,440 once it is over."""
    return min((at - _midnight(day)) // timedelta(minutes=1), MINUTES)
