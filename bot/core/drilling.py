"""The spend behind an alert, as a report that anybody could ask for: its days, its rule's scope, the widest cut."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from bot.core.filters import Filter
from bot.core.groups import OTHER
from bot.core.period import DAY
from bot.core.rules.book import Rule
from bot.core.rules.select import Selector
from bot.core.telling import Telling
from bot.core.verbs import VERBS

WIDEST = ("project", "model", "api_key", "day")
"""What spend is cut by, the widest first: what the alert names already tells nothing."""
LONGEST = timedelta(days=366)
WORDS = 700
"""Characters of conditions: a command has room for more, but not for every list a rule file can hold."""


@dataclass(frozen=True, slots=True)
class Drill:
    """Where to look into an alert's spend."""

    days: str
    """`2026-11-01..2026-11-22`."""
    filters: tuple[Filter, ...]
    cuts: tuple[str, ...]
    """What it can be cut by, the widest first."""
    wider: bool = False
    """Its rule's conditions are too long for a command, so this shows more than the alert is about."""

    def report(self, by: str = "") -> str:
        """Return the command that asks for it, by its widest cut where none is named."""
        return self._asked("report", f"by {by or self.cuts[0]}")

    def export(self) -> str:
        """Return the command that asks for it as a file."""
        return self._asked("export", f"by {','.join(dict.fromkeys((self.cuts[0], 'day')))}", "csv")

    def _asked(self, verb: str, by: str, form: str = "") -> str:
        return " ".join(word for word in (verb, self.days, by, *map(str, self.filters), form) if word)


def drill(rule: Rule | None, group: tuple[str, ...], telling: Telling, today: date) -> Drill:
    """Return where to look into the spend that an alert is about; `rule` is None where it was removed since."""
    first, end = (date.fromisoformat(day) for day in telling.days or (telling.start, telling.end))
    last = min(end - DAY, today)
    first = max(min(first, last), last - LONGEST + DAY)
    every = tuple(_filters(rule, group, dict(telling.group)))
    filters = _short_enough(every)
    fixed = {each.key for each in filters if each.op == "=" and len(each.values) == 1}
    days = first.isoformat() if first == last else f"{first.isoformat()}..{last.isoformat()}"
    return Drill(days, filters, tuple(cut for cut in WIDEST if cut not in fixed), filters != every)


def _short_enough(filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    """Return the conditions a command has room for: the longest is left out first."""
    kept = list(filters)
    while sum(len(str(each)) + 1 for each in kept) > WORDS:
        kept.remove(max(kept, key=lambda each: len(str(each))))
    return tuple(kept)


def _filters(rule: Rule | None, group: tuple[str, ...], names: Mapping[str, str]) -> Iterator[Filter]:
    each = rule.scope.each if rule else tuple(names)
    for dimension, value in zip(each, group, strict=False):
        # The smallest together have no name of their own: what is left of the rule's spend is told.
        if value != OTHER and dimension in VERBS["report"].keys:
            yield Filter(dimension, "=", (value or names.get(dimension, ""),))
    if rule is None:
        return
    yield from _terms(rule.scope.select, "=", each)
    yield from _terms(rule.scope.excluded, "!=", each)


def _terms(selector: Selector, op: str, each: tuple[str, ...]) -> Iterator[Filter]:
    for dimension, patterns in selector.terms:
        told = tuple(pattern.text for pattern in patterns if not pattern.regex)
        # A regular expression cannot be typed: better too much is shown than what is not meant.
        if dimension not in each and dimension in VERBS["report"].keys and len(told) == len(patterns):
            yield Filter(dimension, "!=" if op == "!=" else "=", told)
