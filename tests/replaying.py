"""Rules over days laid out by hand: what a bot would say at each tick, without a database."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta

from bot.core.dimension import Series
from bot.core.evaluate import needs
from bot.core.limits import Limits
from bot.core.period import DAY
from bot.core.replay import Replay
from bot.core.rules.book import Rulebook
from bot.core.spend import Names, Spend, cuts_of
from bot.core.view import View
from bot.edge.rule_files import load_texts

DOLLAR = 10**9
LONG_AGO = date(2025, 1, 1)
NAMES = Names({("project", "proj_a"): "search-prod", ("project", "proj_b"): "labs"})


def at(text):
    """`2026-11-03T14:00` as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def book_of(rules, **sections):
    """The rulebook of a file with these rules (YAML of the list, indented by two)."""
    head = "".join(f"{name}:\n{text}\n" for name, text in sections.items())
    loaded = load_texts({"a.yaml": f"version: 1\n{head}rules:\n{rules}"}, "rules")
    assert loaded.book is not None, loaded.problems
    return loaded.book


def sums(days, cuts):
    """{(day, series number): figure} cut into stretches."""
    stretches = [{} for _ in cuts[1:]]
    for (day, number), value in days.items():
        place = bisect_right(cuts, day) - 1
        if 0 <= place < len(stretches):
            stretches[place][number] = stretches[place].get(number, 0) + value
    return stretches


class Story:
    """A rulebook, days of spend that grow and change, and what was decided at each tick."""

    def __init__(self, book: Rulebook, series=None, *, history_from=LONG_AGO, names=NAMES):
        self.book = book
        self.series = series or {1: Series(project_id="proj_a", line_item="gpt-5.2, input")}
        self.cost = {}
        self.usage = {}
        self.limits = Limits()
        self.names = names
        self.history_from = history_from
        self.replay = Replay(book)
        self.events = []

    def spend(self, first, values, number=1):
        """Dollars a day from `first` on; strings like "400x12 5200"."""
        if isinstance(values, str):
            values = [
                float(part.split("x")[0])
                for part in values.split()
                for _ in range(int(part.split("x")[1]) if "x" in part else 1)
            ]
        day = date.fromisoformat(first) if isinstance(first, str) else first
        for place, value in enumerate(values):
            self.cost[day + timedelta(days=place), number] = round(value * DOLLAR)
        return self

    def view(self, now):
        wanted, today = needs(self.book, now), now.date()
        cuts = cuts_of(wanted.spans)
        days = ()
        if wanted.daily:
            first = max(wanted.daily, self.history_from)
            days = tuple(first + place * DAY for place in range((today - first).days + 2))
        until = {key: value for key, value in self.cost.items() if key[0] <= today}
        return View(
            self._spend(cuts, until, now),
            daily=self._spend(days, until, now) if days else None,
            usage={
                name: self._spend(days, {key: value for key, value in found.items() if key[0] <= today}, now)
                for name, found in self.usage.items()
                if days
            },
            limits=self.limits,
        )

    def _spend(self, cuts, days, now):
        return Spend(
            cuts,
            sums(days, cuts),
            self.series,
            self.names,
            self.book,
            history_from=self.history_from,
            as_of=now,
        )

    def tick(self, now):
        """Evaluate at an instant and return the events."""
        now = at(now) if isinstance(now, str) else now
        events = [event for decision in self.replay.at(self.view(now), now) for event in decision.events]
        self.events += events
        return events

    def run(self, first, last, every=timedelta(hours=6)):
        """Tick from one instant to another, and return what was said as (instant, transition, level)."""
        now, told = at(first), []
        while now <= at(last):
            told += [(f"{now:%d %H:%M}", event.transition, event.level) for event in self.tick(now)]
            now += every
        return told

    @property
    def incident(self):
        """The newest incident."""
        return list(self.replay.incidents.values())[-1]
