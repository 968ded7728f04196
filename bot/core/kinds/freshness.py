"""`kind: freshness`: the bot's own data, when it is too old to judge by.

- id: data-age
  kind: freshness
  poll: 3h
  data: 40h
  severity: warning

Costs are stale when they could not be read for `poll`, and when the end of the newest day with costs is `data` ago
while usage shows requests after it.

No rule is needed: the bot always watches this, by `defaults: freshness`, and says it as a trouble of its own on the
route `ops`, or the default one. A rule takes that over: its limits hold, and it speaks as an incident of the rule, on
the rule's route, in one message that can be acknowledged. Either way there is one voice, also after polls that
failed; no rule that reads what is stale says anything.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from bot.core.incident import Finding, Reason, Unjudged
from bot.core.needs import Needs
from bot.core.period import DAY, Span, midnight, show_day
from bot.core.rules.book import Rule, Rulebook, Shape, Threshold
from bot.core.rules.problems import Problems
from bot.core.rules.rule_keys import (
    ENABLED,
    FROM,
    ID,
    KIND,
    LABELS_KEY,
    ROUTE,
    RUNBOOK,
    SEVERITY_KEY,
    TITLE,
    TO,
    WAS,
    Common,
    as_kind,
)
from bot.core.rules.sections import FRESH_DATA, FRESH_POLL, Setting
from bot.core.rules.snapshot_check import Mention
from bot.core.rules.table import Table, Values
from bot.core.spend import Group
from bot.core.units import Unit
from bot.core.view import Source, View

ABOUT = "The bot's own data, when it is too old to judge by."

KIND_OF = "freshness"
STALE = "stale"
HOURS = Unit("hours", 3_600)
"""An age is kept in seconds and told in hours."""
COSTS = "costs"

KEYS = Table(
    ID, KIND, TITLE, RUNBOOK, LABELS_KEY, ROUTE, WAS, ENABLED, FROM, TO, FRESH_POLL, FRESH_DATA, SEVERITY_KEY
)


@dataclass(frozen=True, slots=True)
class Freshness(Rule):
    """How old costs may be."""

    shape: ClassVar[Shape] = "now"

    poll: timedelta = Rulebook().freshness_poll
    data: timedelta = Rulebook().freshness_data

    @property
    def unit(self) -> Unit:
        return HOURS


@dataclass(frozen=True, slots=True)
class Age:
    """How old something is, and how old it may be."""

    of: timedelta
    allowed: timedelta
    said: str
    """What of it there is to say, once it is too old."""
    polled: bool
    """It is the polls that fail; else they succeed, and bring no costs."""

    @property
    def stale(self) -> bool:
        return self.of >= self.allowed


def parse(values: Values, common: Common, setting: Setting, _problems: Problems) -> Freshness:
    """Return the rule that the values describe; what was wrong is told and left at its default."""
    poll, data = setting.freshness
    return as_kind(Freshness, common, poll=values.get(FRESH_POLL, poll), data=values.get(FRESH_DATA, data))


def mentions(_values: Values, _rule: Rule) -> Iterable[Mention]:
    """Return no names: it selects nothing."""
    return ()


def summary(rule: Freshness) -> str:
    """Return `costs read within 3 hours, and of the last 40 hours`."""
    return f"costs read within {told(rule.poll)}, and of the last {told(rule.data)}"


def needs(_rule: Freshness, _now: datetime) -> Needs:
    """Return that it looks at no figures."""
    return Needs()


def judge(
    rule: Freshness, view: View, now: datetime, watched: Collection[Group] | None = None
) -> Iterator[Finding | Unjudged]:
    """Say how old costs are, by the worse of the two measures; with `watched`, only when that is too old."""
    today = now.astimezone(UTC).date()
    span = Span(today, today + DAY)
    worst = max(
        ages(view.sources, now, rule.poll, rule.data), key=lambda age: age.of - age.allowed, default=None
    )
    if worst is None:
        yield Unjudged(rule.id, None, "learning", f"{Reason.LEARNING}: no costs were asked for yet", span)
        return
    if worst.stale or watched is None or () in watched:
        yield Finding(
            rule, (), span, max(0, round(worst.of.total_seconds())), round(worst.allowed.total_seconds()),
            (Threshold(STALE, rule.severity),), closed=False,
            holding=(STALE,) if worst.stale else (), note=worst.said if worst.stale else "",
        )  # fmt: skip


def ages(sources: Mapping[str, Source], now: datetime, poll: timedelta, data: timedelta) -> tuple[Age, ...]:
    """Return how old costs are: since they were read, and (where usage knows of requests since) of what day."""
    costs = sources.get(COSTS)
    if costs is None:
        return ()
    found = []
    since = costs.read_at or costs.asked_at
    if since is not None:
        found.append(Age(now - since, poll, f"costs could not be read since {instant(since)}", polled=True))
    requests = max(
        (source.newest for name, source in sources.items() if name != COSTS and source.newest), default=None
    )
    if costs.newest and requests and requests > costs.newest:
        said = f"there were requests up to {show_day(requests)}, and no costs after {show_day(costs.newest)}"
        found.append(Age(now - midnight(costs.newest + DAY), data, said, polled=False))
    return tuple(found)


def watching(book: Rulebook, now: datetime) -> tuple[Freshness, ...]:
    """Return the rules that look after the data now; where there are none, the bot does so by itself."""
    today = now.astimezone(UTC).date()
    return tuple(rule for rule in book.rules if isinstance(rule, Freshness) and rule.active_on(today))


def allowed(book: Rulebook, now: datetime) -> tuple[timedelta, timedelta]:
    """Return how old polls and data may be before nothing is judged by them: the strictest rule's, or the default."""
    rules = watching(book, now)
    if not rules:
        return book.freshness_poll, book.freshness_data
    return min(rule.poll for rule in rules), min(rule.data for rule in rules)


def instant(at: datetime) -> str:
    """Return `22 Nov 09:00 UTC`."""
    at = at.astimezone(UTC)
    return f"{show_day(at.date())} {at:%H:%M} UTC"


def told(span: timedelta) -> str:
    """Return `3 hours`, `90 minutes`, `2 days`."""
    seconds = round(span.total_seconds())
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0 and (seconds >= 2 * size or word != "day"):
            count = seconds // size
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"
