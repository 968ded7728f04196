"""Two versions of the rules → what was edited between them, in the words of the files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, time, timedelta
from typing import Any, Literal

from bot.core.kinds import KINDS
from bot.core.listing import period_words
from bot.core.money import NANO, show_usd
from bot.core.rules.book import Budget, Escalation, Plan, Rule, Rulebook
from bot.core.rules.select import Selector
from bot.core.units import Unit
from bot.core.view import words_of

How = Literal["added", "removed", "renamed", "changed"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that was edited."""

    how: How
    what: Literal["rule", "route", "team", "quiet hours", "digest", "setting"]
    name: str
    """The rule's id, the route's name …"""
    words: str
    """`amount of search-prod $12,000 → $15,000`; of what is new or gone, what it says."""

    @property
    def subject(self) -> str:
        """Return `project-month`, `route finance`."""
        return self.name if self.what == "rule" else f"{self.what} {self.name}"


def edits(before: Rulebook, after: Rulebook) -> tuple[Edit, ...]:
    """Return what differs between two rulebooks: rules first, in the order of their files, then what they share."""
    return (*_rules(before, after), *_shared(before, after))


def renamed(before: Rulebook, after: Rulebook) -> dict[str, str]:
    """Return old id → new id of the rules that say under `was` what they were called."""
    old = {rule.id for rule in before.rules} - {rule.id for rule in after.rules}
    return {was: rule.id for rule in after.rules for was in rule.was if was in old}


def _rules(before: Rulebook, after: Rulebook) -> Iterator[Edit]:
    names = renamed(before, after)
    old = {names.get(rule.id, rule.id): rule for rule in before.rules}
    for rule in after.rules:
        known = old.get(rule.id)
        if known is None:
            yield Edit("added", "rule", rule.id, described(rule))
            continue
        if known.id != rule.id:
            yield Edit("renamed", "rule", rule.id, f"{known.id} → {rule.id}")
        for words in _changes(known, rule):
            yield Edit("changed", "rule", rule.id, words)
    present = {rule.id for rule in after.rules}
    for rule_id, rule in old.items():
        if rule_id not in present:
            yield Edit("removed", "rule", rule_id, described(rule))


def described(rule: Rule) -> str:
    """Return a rule in few words: `budget of $12,000 a month, project labs, each model`."""
    each = f", each {' and '.join(rule.scope.each)}" if rule.scope.each else ""
    excluded = f" except {rule.scope.excluded}" if rule.scope.excluded.terms else ""
    selects = f"{_selector(rule.scope.select)}{excluded}{each}"
    if isinstance(rule, Budget):
        amounts = ", ".join(
            _plan(plan, rule.unit) if name == _ALONE else f"{name} {_plan(plan, rule.unit)}"
            for name, plan in _amounts(rule).items()
        )
        levels = " ".join(level.label for level in rule.thresholds)
        return f"budget of {amounts} {period_words(rule.period)}, {selects}" + (
            f", at {levels}" if levels else ""
        )
    return f"{rule.kind}: {KINDS[rule.kind].summary(rule)}; {selects}"


def _changes(before: Rule, after: Rule) -> Iterator[str]:
    """Yield every key of a rule that says something else, in words."""
    if before.kind != after.kind:
        yield f"kind {before.kind} → {after.kind}: {described(after)}"
        return
    for key, read in _KEYS.items():
        old, new = read(before), read(after)
        if old != new:
            yield f"{key} {old} → {new}"
    if isinstance(before, Budget) and isinstance(after, Budget):
        yield from _budget(before, after)
    else:
        yield from _comparing(before, after)


_KEYS: Mapping[str, Callable[[Rule], str]] = {
    "title": lambda rule: _word(rule.title),
    "select": lambda rule: _selector(rule.scope.select),
    "except": lambda rule: str(rule.scope.excluded) or "nothing",
    "each": lambda rule: " and ".join(rule.scope.each) or "nothing",
    "limit": lambda rule: f"{rule.limit:,}",
    "route": lambda rule: rule.route or "the default",
    "severity": lambda rule: rule.severity,
    "critical_above": lambda rule: _usd(rule.critical_above) if rule.critical_above else "never",
    "for": lambda rule: f"{rule.hold_days}d",
    "settle": lambda rule: _word(rule.settle),
    "enabled": lambda rule: _word(rule.enabled),
    "from": lambda rule: _word(rule.from_day),
    "to": lambda rule: _word(rule.to_day),
    "runbook": lambda rule: _word(rule.runbook),
    "labels": lambda rule: _word(rule.labels),
}
"""Key of a rule file → what a rule says under it."""


def _budget(before: Budget, after: Budget) -> Iterator[str]:
    if before.metric != after.metric:
        yield f"metric {words_of(before.metric)} → {words_of(after.metric)}"
    if before.period != after.period:
        old, new = period_words(before.period), period_words(after.period)
        yield f"period {old} → {new}" if old != new else "the days its periods begin on"
    yield from _amount(before, after)
    old_levels = {level.label: level for level in before.thresholds}
    new_levels = {level.label: level for level in after.thresholds}
    if old_levels.keys() != new_levels.keys():
        yield f"thresholds {_word(tuple(old_levels))} → {_word(tuple(new_levels))}"
    for label, level in new_levels.items():
        known = old_levels.get(label)
        if known is None:
            continue
        if known.severity != level.severity:
            yield f"{label} {known.severity} → {level.severity}"
        if known.confidence != level.confidence:
            yield f"{label} at {known.confidence:.0%} confidence → {level.confidence:.0%}"


_ALONE, _ELSE = "", "else"


def _amounts(rule: Budget) -> dict[str, Plan]:
    entries = rule.amount.entries
    if rule.amount.same_for_all:
        return {_ALONE: entries[0][1]}
    return {_ELSE if pattern is None else str(pattern): plan for pattern, plan in entries}


def _amount(before: Budget, after: Budget) -> Iterator[str]:
    old, new = _amounts(before), _amounts(after)
    if old.keys() != new.keys() and _ALONE in (*old, *new):
        # One amount for all, and a table: what it was for all is what it was for the others.
        old, new = ({name or _ELSE: plan for name, plan in each.items()} for each in (old, new))
    for name in dict.fromkeys((*new, *old)):
        was, is_ = old.get(name), new.get(name)
        if was == is_:
            continue
        of = "" if name == _ALONE else " of all others" if name == _ELSE else f" of {name}"
        told = [_plan(plan, rule.unit) if plan else "none" for plan, rule in ((was, before), (is_, after))]
        yield f"amount{of} {told[0]} → {told[1]}"
    if list(old) != list(new) and old == new:
        yield "the order of its amounts, of which the first that fits counts"


def _plan(plan: Plan, unit: Unit) -> str:
    if plan.hard_limit:
        return "OpenAI's hard limit"
    return ", ".join(
        (f"from {first} " if first != date.min else "") + unit.show(amount, cents=amount % unit.scale != 0)
        for first, amount in plan.steps
    )


_COMMON = {part.name for part in fields(Rule)} - {"metric"}


def _comparing(before: Rule, after: Rule) -> Iterator[str]:
    """Yield what a rule of another kind asks otherwise: its summary, and what that leaves out."""
    old, new = KINDS[before.kind].summary(before), KINDS[after.kind].summary(after)
    if old != new:
        yield f"when {old} → {new}"
        return
    for part in fields(after):
        name = part.name
        # What it counts follows from its metric, and what it leans on is another rule's.
        if name in _COMMON or name in ("counts", "expected"):
            continue
        values = getattr(before, name), getattr(after, name)
        if values[0] != values[1]:
            told = [_figure(value, rule.unit) for value, rule in zip(values, (before, after), strict=True)]
            yield f"{name} {told[0]} → {told[1]}"


def _figure(value: object, unit: Unit) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return unit.show(value, cents=value % unit.scale != 0)
    return _word(value)


def _shared(before: Rulebook, after: Rulebook) -> Iterator[Edit]:
    yield from _named("route", before.routes, after.routes)
    teams = [{team.name: team for team in book.teams} for book in (before, after)]
    yield from _named("team", teams[0], teams[1])
    orders = [[name for name in each if name in teams[0] and name in teams[1]] for each in teams]
    if orders[0] != orders[1]:
        yield Edit(
            "changed", "setting", "teams", "their order, of which the first that claims a project counts"
        )
    yield from _named("quiet hours", before.quiets, after.quiets)
    digests = [{digest.id: digest for digest in book.digests} for book in (before, after)]
    yield from _named("digest", digests[0], digests[1])
    for name, words in (
        ("default_route", "the default route"),
        ("timezone", "the time zone"),
        ("freshness_poll", "how old polls may be"),
        ("freshness_data", "how old data may be"),
    ):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Edit("changed", "setting", words, f"{_word(old)} → {_word(new)}")


def _named(
    what: Literal["route", "team", "quiet hours", "digest"],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Iterator[Edit]:
    for name, new in after.items():
        old = before.get(name)
        if old is None:
            yield Edit("added", what, name, ", ".join(_said(new)))
        elif old != new:
            for part in fields(new):
                values = getattr(old, part.name), getattr(new, part.name)
                if values[0] != values[1]:
                    told = [_value(part.name, value) for value in values]
                    yield Edit("changed", what, name, f"{part.name} {told[0]} → {told[1]}")
    for name, old in before.items():
        if name not in after:
            yield Edit("removed", what, name, ", ".join(_said(old)))


def _said(value: Any) -> Iterable[str]:
    """Yield what a route or a team says beyond what every other one says too."""
    plain = {part.name: part.default for part in fields(value)}
    for part in fields(value):
        held = getattr(value, part.name)
        if part.name not in ("name", "id") and held != plain[part.name]:
            yield f"{part.name} {_value(part.name, held)}"


def _value(name: str, value: object) -> str:
    return _usd(value) if name == "wake" and isinstance(value, int) else _word(value)


def _word(value: object) -> str:
    """Return a value as rule files write it."""
    if value is None or value in ("", ()) or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, Escalation):
        return f"{value.to} after {_duration(value.after)}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in sorted(value.items()))
    if isinstance(value, tuple) and type(value) is tuple:
        return ", ".join(map(_word, value))
    return str(value)


def _duration(value: timedelta) -> str:
    minutes = value // timedelta(minutes=1)
    if minutes and minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes and minutes % 60 == 0 else f"{minutes}m"


def _selector(select: Selector) -> str:
    return str(select) if select.terms else "everything"


def _usd(nano: int) -> str:
    return show_usd(nano, cents=nano % NANO != 0)
