"""Who and since when: the part of a figure that rose against what was usual before, and when it left that.

`bot.core.comparison` says which days are usual. A day that has not settled may still grow: it is held against a
whole usual day, what is above is a rise already, and what is below counts as nothing yet.

A part is told when it makes up a quarter of all that rose, and a narrower one inside it (a key's model, the
model's output) when it is four fifths of that. Since when: `bot.core.onset` over its days, where one stretch away
from the usual holds at least half the rise; `bot.core.trail` finds the hour.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from bot.core.comparison import USUAL, Question
from bot.core.groups import OTHER
from bot.core.kinds.first_seen import NAMED_LATER
from bot.core.live.meters import line_of
from bot.core.needs import settled_until
from bot.core.onset import left_usual, mean
from bot.core.period import DAY, Span, show_day
from bot.core.rules.metric_keys import dimensions_of
from bot.core.rules.select import Scope
from bot.core.spend import Group, Spend
from bot.core.telling import Blame, Part
from bot.core.trail import Trail
from bot.core.view import is_money

WEEK = 7
RISEN = 20
"""Less than a twentieth of the figure is no rise: it is as usual, and passed a level all the same."""
STANDS_OUT = 25
"""Percent of all that rose that a part must be."""
NARROWER = 80
"""Percent of a part that a narrower one inside it must be: less would hide what the wider one explains."""
DEEPER = ("project", "api_key", "user", "model", "line_item")
"""From the widest to the narrowest; a user is told where no key is."""

NO_KEYS = "costs are not told by key to this organization"
OF_RATIO = "a ratio is not a sum of parts"
OF_MANY = "these are many small groups together"
AS_USUAL = "nobody in particular, about as much was usual before"
NOT_YET = "no part of it is above a whole usual day yet"
BUDGET_MOVED = "it did not rise: the budget changed"
NOBODY = "no part stands out"


@dataclass(frozen=True, slots=True)
class Suspect:
    """What is to blame, and how its usage is followed where that may tell the hour."""

    blame: Blame
    trail: Trail | None = None
    named: tuple[tuple[str, str], ...] = ()
    """(dimension, value) of each part of it that is a key, a model or the like, and no line item."""
    begun: date | None = None
    """The first day that does not tell what was usual."""


class Suspects:
    """Takes figures of one metric apart, for many findings over one scan of days."""

    def __init__(
        self, daily: Spend, now: datetime, *, live: Spend | None = None, refused: Iterable[str] = ()
    ) -> None:
        """Lay out the days; those of `live` stand in for the billed, `refused` are the wire's dimensions."""
        self.now = now
        self.told = live if live is not None else daily
        """Knows every series by its dimensions."""
        self.level = daily.level
        self.no_keys = "api_key_id" in set(refused)
        self._days = daily.cuts[:-1]
        self.known_from = max(daily.history_from or self._days[0], self._days[0])
        estimated = set(live.cuts[:-1]) if live is not None else set()
        self._sums = [live.on(day) if live and day in estimated else daily.on(day) for day in self._days]
        self._seen = frozenset[int]().union(*self._sums)
        self._rows: dict[int, list[int]] = {}
        self._groups: dict[Scope, dict[Group, list[int]]] = {}
        self._values: dict[str, dict[str, list[int]]] = {}

    def of(self, asked: Question) -> Suspect:
        """Return the part that a finding's rise came from, or why that cannot be known."""
        rule = asked.finding.rule
        look = _Look(asked, self)
        found = OF_RATIO if rule.kind == "ratio" else look.unknown() or look.apart()
        suspect = Suspect(Blame(why_not=found)) if isinstance(found, str) else found
        blame = suspect.blame
        if (
            self.no_keys
            and is_money(rule.metric)
            and not _has(blame.parts, "api_key")
            and blame.why_not in ("", NOBODY)
        ):
            blame = replace(blame, why_not=NO_KEYS)
        looked = settled_until(rule, self.now).isoformat()
        return replace(suspect, blame=replace(blame, fell=rule.falls, looked=looked))

    def series(self, scope: Scope, group: Group) -> list[int]:
        """Return the series of a group that came to something on some day."""
        known = self._groups.get(scope)
        if known is None:
            known = self._groups[scope] = self.told.series_in(scope)
        return [series_id for series_id in known.get(group, ()) if series_id in self._seen]

    def maybe_new(self, suspect: Suspect) -> dict[tuple[str, str], list[int]]:
        """Return who or what of a suspect came to nothing on any known usual day, with all the series of each.

        Nobody can tell within a week of the first day known, or where nobody was told by key or by user until then.
        """
        begun, found = suspect.begun, dict[tuple[str, str], list[int]]()
        if begun is None or suspect.blame.fell or begun - self.known_from < WEEK * DAY:
            return {}
        for dimension, value in suspect.named:
            column, ids = self.told.column(dimension), self._ids_of(dimension).get(value, [])
            told = dimension not in NAMED_LATER or any(
                amount > 0 and column[series_id]
                for sums in self._sums[: self.place(begun)]
                for series_id, amount in sums.items()
            )
            if told and not any(amount > 0 for amount in self.row(ids, Span(self._days[0], begun))):
                found[dimension, value] = ids
        return found

    def _ids_of(self, dimension: str) -> dict[str, list[int]]:
        """Return all series of each value of a dimension."""
        known = self._values.get(dimension)
        if known is None:
            known = self._values[dimension] = {}
            for series_id, value in self.told.column(dimension).items():
                known.setdefault(value, []).append(series_id)
        return known

    def row(self, ids: Iterable[int], span: Span) -> list[int]:
        """Return the sum of some series on each day of a span; zeros where nothing is known."""
        start, total = self.place(span.start), [0] * span.days
        places = range(max(start, 0), min(start + span.days, len(self._days)))
        for series_id in ids:
            row = self.whole(series_id)
            for place in places:
                total[place - start] += row[place]
        return total

    def whole(self, series_id: int) -> list[int]:
        """Return a series on every day."""
        row = self._rows.get(series_id)
        if row is None:
            row = self._rows[series_id] = [sums.get(series_id, 0) for sums in self._sums]
        return row

    def place(self, day: date) -> int:
        """Return where a day stands among all days; it may lie outside."""
        return (day - self._days[0]).days


class _Drift(NamedTuple):
    """How far one series is off what is usual for it."""

    settled: int
    """On the days that have settled, together."""
    since: tuple[int, ...]
    """On each day after them."""


class _Look:
    """One finding's figure, being taken apart."""

    def __init__(self, asked: Question, days: Suspects) -> None:
        self._asked = asked
        self._finding = asked.finding
        self._rule = asked.finding.rule
        self._days = days
        self._before = Span(max(asked.before.start, days.known_from), asked.before.end)
        self._ids = days.series(self._rule.scope, asked.finding.group)
        self._of = self._highest() if days.level else asked.of
        self._sign = -1 if self._rule.falls else 1
        self._settled = settled_until(self._rule, days.now)
        self._drifts: dict[int, _Drift] = {}

    def unknown(self) -> str:
        """Return why nothing can be known of it; '' where something can."""
        if OTHER in self._finding.group:
            return OF_MANY
        if self._before.days < min(WEEK, self._asked.before.days):
            return f"nothing is stored before {show_day(self._days.known_from)} to compare with"
        return ""

    def apart(self) -> Suspect | str:
        """Return the narrowest part that explains the rise, or why none does."""
        parts: list[Part] = []
        named: list[tuple[str, str]] = []
        ids, rise, whole = self._ids, 0, 0
        for dimension in self._dimensions():
            children = self._by(dimension, ids)
            rises = {value: sum(self._rise(own)) for value, own in children.items()}
            risen = sum(each for each in rises.values() if each > 0)
            if not whole:
                whole = risen
                if why := self._not_risen(children.values()):
                    return why
            value = max(rises, key=lambda each: (rises[each], each))
            least = -(-rise * NARROWER // 100) if parts else -(-risen * STANDS_OUT // 100)
            if not value or rises[value] < max(least, 1) or (dimension == "user" and _has(parts, "api_key")):
                continue
            name = self._days.told.names.of(dimension, value)
            told = narrowed(
                parts,
                Part(dimension, name, rises[value]),
                value,
                self._days.told.models,
                of_model="model" in self._rule.scope.each,
            )
            if told is not None:
                whole = whole if parts else risen
                parts, ids, rise = told, children[value], rises[value]
                named.append((dimension, value))
        if not parts:
            rise = sum(self._rise(ids))
        since = self._since(ids, rise)
        blame = Blame(
            tuple(parts),
            min(rise * 100 // whole, 100) if parts else 0,
            since.isoformat() if since else "",
            why_not="" if parts else NOBODY,
        )
        who = tuple((dimension, value) for dimension, value in named if dimension != "line_item")
        return Suspect(blame, self._trail(ids, parts, since) if since else None, who, self._asked.before.end)

    # -- the parts ---------------------------------------------------------------------------------

    def _dimensions(self) -> list[str]:
        """Return the dimensions, widest first, that the rule does not name already."""
        scope, known = self._rule.scope, dimensions_of(self._rule.metric)
        named = {*scope.each, *(each for each in scope.dimensions if len(self._by(each, self._ids)) == 1)}
        if "line_item" in named:
            named.add("model")
        return [each for each in DEEPER if each in known and each not in named] if self._ids else []

    def _by(self, dimension: str, ids: Iterable[int]) -> dict[str, list[int]]:
        column = self._days.told.column(dimension)
        found: dict[str, list[int]] = {}
        for series_id in ids:
            found.setdefault(column[series_id], []).append(series_id)
        return found

    # -- the rise ----------------------------------------------------------------------------------

    def _rise(self, ids: Iterable[int]) -> tuple[int, int]:
        """Return by how much some series are off the usual on settled days, and above it on the others."""
        drifts = [self._drifts.get(series_id) or self._drift(series_id) for series_id in ids]
        settled = sum(drift.settled for drift in drifts)
        return settled, sum(max(sum(off), 0) for off in zip(*(drift.since for drift in drifts), strict=True))

    def _drift(self, series_id: int) -> "_Drift":
        """Return how far a series is off the usual: sums of slices, for a large group has thousands of series."""
        row, before, of = self._days.whole(series_id), self._before, self._of
        first, begun, start, end = (
            self._days.place(day) for day in (before.start, before.end, of.start, of.end)
        )
        if before.days < 2 * WEEK or (before.days % WEEK and before.days == of.days):
            week = [mean(row[first:begun])] * WEEK
        else:
            week = [mean(row[first + (place - first) % WEEK : begun : WEEK]) for place in range(WEEK)]
        settled = min(max(self._days.place(self._settled), start), end)
        usual = sum(
            level * len(range(start + (place - start) % WEEK, settled, WEEK))
            for place, level in enumerate(week)
        )
        since = tuple((row[place] - week[place % WEEK]) * self._sign for place in range(settled, end))
        drift = self._drifts[series_id] = _Drift((sum(row[start:settled]) - usual) * self._sign, since)
        return drift

    def _not_risen(self, children: Iterable[Sequence[int]]) -> str:
        """Return why there is no rise to take apart; '' where there is one."""
        whole = self._rise(self._ids)[0] + sum(self._rise(own)[1] for own in children)
        figure = abs(self._finding.amount if self._sign < 0 else self._finding.value)
        if whole > 0 and whole * RISEN >= figure:
            return ""
        if self._asked.moved:
            return BUDGET_MOVED
        return AS_USUAL if self._of.start < self._settled else NOT_YET

    def _highest(self) -> Span:
        """Return the day a level's figure is of."""
        row = self._days.row(self._ids, self._asked.of)
        day = self._asked.of.start + row.index(max(row)) * DAY
        return Span(day, day + DAY)

    # -- since when --------------------------------------------------------------------------------

    def _since(self, ids: Sequence[int], rise: int) -> date | None:
        """Return the first day on which a part left its usual level; None where it grew by and by."""
        begun = self._asked.before.end
        first = max(begun - USUAL, self._days.known_from)
        row = self._days.row(ids, Span(first, self._asked.of.end))
        place = left_usual(row, (begun - first).days, self._sign, rise)
        return first + place * DAY if place is not None else None

    def _trail(self, ids: Sequence[int], parts: Sequence[Part], since: date) -> Trail:
        projects, keys, models = (self._days.told.column(each) for each in ("project", "api_key", "model"))
        of_model = _has(parts, "model") or _has(parts, "line_item") or "model" in self._rule.scope.each
        begun = self._asked.before.end
        return Trail(
            since,
            frozenset((projects[each], keys[each]) for each in ids),
            frozenset(models[each] for each in ids) if of_model else None,
            "" if is_money(self._rule.metric) else self._rule.metric,
            next((part.name for part in parts if part.dimension == "direction"), ""),
            new=not any(self._days.row(ids, Span(begun - USUAL, begun))),
        )


def narrowed(
    parts: Sequence[Part], part: Part, value: str, models: Collection[str], *, of_model: bool = False
) -> list[Part] | None:
    """Return the parts and a narrower one; a line item of a model that is told already is but its direction.

    `value` is the part's own, where its name is another. None where it says nothing more.
    """
    if part.dimension != "line_item" or not (of_model or _has(parts, "model")):
        return [*parts, part]
    line = line_of(value, models)
    if line is None or not line.direction:
        return None
    if line.surface:
        return [*(known for known in parts if known.dimension != "model"), part]
    return [*parts, Part("direction", f"{line.modality} {line.direction}".strip(), part.amount)]


def _has(parts: Iterable[Part], dimension: str) -> bool:
    return any(part.dimension == dimension for part in parts)
