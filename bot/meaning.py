"""Which rule, and which of its alerts, somebody means by a word; and what is said where nobody can tell."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.core.incident import Incident
from bot.core.query import Misread
from bot.core.question import Query
from bot.core.repair import nearest
from bot.core.rules.book import Rule, Rulebook
from bot.core.status import Standing
from bot.core.tokens import quoted
from bot.edge.store import incidents, overlays

_MARK = re.compile(r"[0-9a-f]{4,12}")


@dataclass(frozen=True, slots=True)
class Meant:
    """A rule, one of its incidents, or a fingerprint that nobody was told of yet."""

    rule: Rule | None
    """None where an incident's rule is gone."""
    incident: Incident | None = None
    mark: str = ""


def find(
    tx: Connection, book: Rulebook, query: Query, standings: Callable[[], Sequence[Standing]]
) -> Meant | Misread:
    """Return what a question is about; `standings` are asked for where no incident has the fingerprint."""
    about = query.about
    if query.verb == "explain":
        named = (rule for rule in book.rules if about.casefold() in (rule.id, rule.name.casefold()))
        if (rule := next(named, None)) is not None:
            return Meant(rule)
    beginning = about.lower()
    if not _MARK.fullmatch(beginning):
        return _unknown(book, query, f"There is no rule “{about}”.")
    marks = overlays.fingerprints(tx, beginning)
    if len(marks) > 1:
        return _misread(
            f"Several alerts begin with {about}.", [f"{query.verb} {mark}" for mark in marks], query.verb
        )
    if marks:
        incident = incidents.by_fingerprint(tx, marks)[marks[0]]
        return Meant(book.rule(incident.rule_id), incident)
    # What nobody was ever told of has a fingerprint too: status shows it.
    found = {each.fingerprint: each for each in standings() if each.fingerprint.startswith(beginning)}
    if len(found) == 1:
        mark, standing = found.popitem()
        if (rule := book.rule(standing.rule_id)) is not None:
            return Meant(rule, mark=mark)
    return _unknown(book, query, f"No alert has a fingerprint that begins with {about}.")


def no_such_group(query: Query, rule: Rule, every: Sequence[Standing]) -> Misread:
    """Return what is said where a rule has no group that is meant."""
    strange = [each.key for each in query.filters if each.key not in rule.scope.each]
    if strange:
        by = f"it does by {' and '.join(rule.scope.each)}" if rule.scope.each else "it has no groups"
        return _misread(
            f"{rule.id} does not tell groups apart by {strange[0]}: {by}.", [f"explain {rule.id}"]
        )
    tries = [
        f"explain {rule.id} {condition.key}={quoted(name)}"
        for condition in query.filters
        for name in nearest(condition.values[0], _names(condition.key, every))
    ]
    said = " ".join(map(str, query.filters))
    return _misread(f"{rule.id} has no group with {said}.", [*tries, f"explain {rule.id}"])


def _names(dimension: str, every: Sequence[Standing]) -> list[str]:
    """Return what the groups are called in one dimension."""
    return [
        name
        for each in every
        for key, name in zip(each.each, each.group_names, strict=True)
        if key == dimension
    ]


def _unknown(book: Rulebook, query: Query, problem: str) -> Misread:
    if query.verb != "explain":
        return _misread(problem, ["status", query.verb], query.verb)
    near = nearest(query.about.lower(), [rule.id for rule in book.rules])
    filters = "".join(f" {condition}" for condition in query.filters)
    return _misread(problem, [*(f"explain {rule_id}{filters}" for rule_id in near), "rules"])


def _misread(problem: str, corrections: Sequence[str], verb: str = "explain") -> Misread:
    return Misread(verb, problem, tuple(corrections[:3]), verb)
