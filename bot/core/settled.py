"""Settled days: what the rules that compare days look at, which days they judge, and why they cannot.

A day is settled when `settle` has passed since its end, by the time at which its figures were read: what was
read before that may be a part of the day, and a part is never compared with a whole.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bot.core.groups import OTHER
from bot.core.incident import Reason, Unjudged
from bot.core.needs import learning, settled_until
from bot.core.period import DAY, Span
from bot.core.rules.book import Rule
from bot.core.spend import Group
from bot.core.view import Daily, View, words_of

JUDGED = 7
"""So many settled days are judged at every look: late data and revisions move what was said of them."""
READ_WITHIN = DAY
"""Figures as old as this are judged as of then with all the days they need; older ones (a rule is tried on what
was stored long ago) with fewer. Whether they are too old to be judged at all is decided for every kind alike."""

Rows = tuple[Sequence[int], ...]
"""The days of one group, one row for each metric."""


@dataclass(frozen=True, slots=True)
class Comparing(Rule):
    """A rule that holds settled days against others."""

    def newest(self, now: datetime) -> date | None:  # noqa: ARG002 - as for every rule
        """Return None: its newest judged day depends on when its figures were read, and every finding has it."""
        return None


@dataclass(frozen=True, slots=True)
class Settled:
    """The settled days that are known."""

    first: date
    """The first of them that is looked at."""
    until: date
    """The first day that has not settled."""
    judged: tuple[date, ...]
    """The days to judge, oldest first."""

    def since(self, day: date) -> "Settled":
        """Return the same without what was before `day`: what other rules need must not move this one."""
        return replace(self, first=max(self.first, day))

    @property
    def newest(self) -> date:
        return self.until - DAY

    def place(self, day: date) -> int:
        """Return where a day stands in the rows."""
        return (day - self.first).days

    def closed(self, day: date) -> bool:
        """Tell whether later days are judged too."""
        return day < self.newest

    def rows(
        self, found: Sequence[Daily | None], rule: Rule, watched: Collection[Group] | None, sized: int = 0
    ) -> Iterator[tuple[Group, Rows]]:
        """Yield every group with its settled days of each metric; groups of which nothing is known are zeros.

        Beyond the rule's limit the largest, by the row at `sized`, stand alone and the others are one.
        """
        width = len(rule.scope.each)
        groups = dict.fromkeys(group for daily in found if daily for group in daily.values)
        cut = [
            (daily.values, daily.place(self.first), daily.place(self.until)) if daily else None
            for daily in found
        ]
        nothing = (0,) * (self.until - self.first).days

        def of(group: Group) -> Rows:
            return tuple(
                part[0][group][part[1] : part[2]] if part and group in part[0] else nothing for part in cut
            )

        if len(groups) <= rule.limit:
            yield from ((group, of(group)) for group in groups)
            rest: list[Group] = []
        else:
            sizes = {group: sum(of(group)[sized]) for group in groups}
            ranked = sorted(groups, key=lambda group: (-sizes[group], group))
            yield from ((group, of(group)) for group in ranked[: rule.limit])
            rest = ranked[rule.limit :]
            folded = [of(group) for group in rest]
            summed = tuple(
                tuple(map(sum, zip(*(rows[place] for rows in folded), strict=True)))
                for place in range(len(cut))
            )
            yield (OTHER,) * width, summed
        for group in watched or ():
            # What spends nothing any more is zero, and its incident ends.
            folds = rest and group == (OTHER,) * width
            if group not in groups and len(group) == width and not folds:
                yield group, (nothing,) * len(cut)


def settled(
    rule: Rule, view: View, metrics: Sequence[str], now: datetime, back: timedelta
) -> Settled | Unjudged:
    """Return the settled days of every metric, or why the rule cannot be judged; each day needs `back` before it."""
    begins: list[date] = []
    ends: list[date] = []
    for metric in metrics:
        spend = view.spend(metric)
        if spend is None or spend.history_from is None or spend.as_of is None or len(spend.cuts) < 2:
            if view.history_from is None:
                return Unjudged(rule.id, None, "learning", f"{Reason.LEARNING}: no history yet")
            return Unjudged(rule.id, None, "nodata", f"{Reason.STALE}: no {words_of(metric)} stored yet")
        begins.append(max(spend.history_from, spend.cuts[0]))
        ends.append(min(settled_until(rule, min(now, spend.as_of)), spend.cuts[-1]))
    first, until = max(begins), min(ends)
    days = (until - place * DAY for place in range(JUDGED, 0, -1))
    judged = tuple(day for day in days if day - back >= first)
    if not judged:
        newest = until - DAY
        return Unjudged(rule.id, None, "learning", learning(first, newest - back), Span(newest, until))
    return Settled(first, until, judged)


def looked_from(rule: Rule, now: datetime, looked_back: timedelta) -> date:
    """Return the first day that must be known so that every judged day can look so far back."""
    return settled_until(rule, now - READ_WITHIN) - JUDGED * DAY - looked_back


def tells(group: Group, watched: Collection[Group] | None) -> bool:
    """Tell whether a group is told of even when nothing about it is true."""
    return watched is None or group in watched
