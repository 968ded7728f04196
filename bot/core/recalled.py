"""An incident as people know it: with the names of today, the rule it came from and who looks after it."""

from collections.abc import Iterable

from bot.core.filters import Filter, passes
from bot.core.groups import OTHER
from bot.core.incident import Incident
from bot.core.rooms import team_of
from bot.core.rules.book import Rule, Rulebook, rank
from bot.core.severity import Severity
from bot.core.spend import Names
from bot.core.status import Standing
from bot.core.telling import Telling
from bot.core.units import USD

LABEL = "label"


def recalled(incident: Incident, told: Telling | None, book: Rulebook, names: Names) -> Standing:
    """Return an incident as a standing; of a rule that is gone, with the words its card had."""
    rule = book.rule(incident.rule_id)
    if rule is not None and len(rule.scope.each) != len(incident.group):
        rule = None  # the rule counts otherwise than it did then
    each = rule.scope.each if rule else tuple(dimension for dimension, _ in told.group) if told else ()
    known = len(each) == len(incident.group)
    team = team_of(book, rule.scope, incident.group, names) if rule else None
    return Standing(
        rule_id=incident.rule_id,
        rule_name=rule.name if rule else told.title if told else incident.rule_id,
        fingerprint=incident.fingerprint,
        each=each if known else (),
        group=incident.group if known else (),
        group_names=_named(each, incident.group, names) if known else (),
        span=incident.span,
        period=rule.called(incident.span) if rule else told.period if told else "",
        state=incident.state,
        reason=str(incident.reason),
        level=incident.foremost,
        severity=_severity(incident.severity),
        value=incident.value,
        amount=incident.amount,
        team=team.name if team else told.team if told else "",
        owner=team.owner if team else told.owner if told else "",
        kind=rule.kind if rule else told.kind if told else "budget",
        unit=told.unit if told else "" if rule is None or rule.unit is USD else rule.unit.key,
        note=told.note if told else "",
        estimated=told.estimated if told else 0,
    )


def highest(incident: Incident, book: Rulebook) -> tuple[str, Severity | None]:
    """Return the highest level an incident ever stood at, and the gravest severity it had."""
    rule = book.rule(incident.rule_id)
    seen = [counted.partition(" ")[2] for counted in incident.counts]
    labels = dict.fromkeys(filter(None, (*incident.said_levels, *seen, incident.foremost)))
    graves = {label: grave for label, grave in _levels(rule) if label in labels} if rule else {}
    order = {label: place for place, label in enumerate(graves)}
    places = {label: place for place, label in enumerate(labels)}
    best = max(labels, key=lambda it: (rank(graves.get(it, "")), order.get(it, -1), places[it]), default="")
    worst = max((incident.severity, *graves.values()), key=rank)
    return best, _severity(worst)


def admitted(standing: Standing, book: Rulebook, filters: Iterable[Filter]) -> bool:
    """Tell whether an incident passes every filter, its rule's labels among them."""
    rule = book.rule(standing.rule_id)
    labels = rule.labels.items() if rule else ()
    words = [word for key, value in labels for word in (key, f"{key}={value}")]
    plain = []
    for condition in filters:
        if condition.key != LABEL:
            plain.append(condition)
            continue
        found = any(pattern.matches(word, word) for pattern in condition.patterns for word in words)
        if found == (condition.op == "!="):
            return False
    return passes(standing, plain)


def _levels(rule: Rule) -> list[tuple[str, str]]:
    level = getattr(rule, "level", None)
    levels = getattr(rule, "thresholds", ()) or ((level,) if level is not None else ())
    return [(each.label, each.severity) for each in levels]


def _named(each: tuple[str, ...], group: tuple[str, ...], names: Names) -> tuple[str, ...]:
    return tuple(
        OTHER if value == OTHER else names.of(dimension, value)
        for dimension, value in zip(each, group, strict=True)
    )


def _severity(word: str) -> Severity | None:
    return word if rank(word) >= 0 else None  # type: ignore[return-value]  # rank knows the three
