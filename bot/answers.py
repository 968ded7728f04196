"""Questions answered from stored snapshots, judged by the same arithmetic as the poll."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from bot.core.asker import NOBODY, Asker
from bot.core.known import Known, meant, said
from bot.core.query import Misread, parse, words_of
from bot.core.question import Query
from bot.core.ranging import MARK
from bot.edge.store import overlays, records
from bot.edge.store.store import Store
from bot.questions import Asked, answering
from bot.rulebook import InForce

if TYPE_CHECKING:
    from bot.app import App

MYSELF = "@me"
"""Who asks, in a filter."""


def answer(
    store: Store,
    rules: InForce,
    words: str | Sequence[str],
    now: datetime,
    *,
    every: bool = False,
    asker: Asker = NOBODY,
    app: "App | None" = None,
) -> tuple[object, Query | None]:
    """Return the answer to what was typed, and the question as it was understood (None where it was not).

    `every` asks for each row, for machines; people see the worst. Orders are no questions: see `bot.orders`.
    """
    today = now.astimezone(UTC).date()
    query = parse(words, today)
    if isinstance(query, Misread) and not query.verb:
        query = _by_name(store, rules, words, query, today)
    if isinstance(query, Misread):
        return query, None
    own = _own(query, asker)
    if isinstance(own, Misread):
        return own, None
    return answering(query.verb).answer(Asked(store, rules, own, now, every, asker, app)), query


def _by_name(
    store: Store, rules: InForce, words: str | Sequence[str], misread: Misread, today: date
) -> Query | Misread:
    """Return what is asked by the name of a project, a rule, a team or an alert alone, or what was misread."""
    tokens, unclosed = words_of(words)
    name = said(tokens).lower()
    if unclosed or not name:
        return misread
    with store.reading() as tx:
        marks = overlays.fingerprints(tx, name) if MARK.fullmatch(name) else ()
        commands = meant(tokens, Known.of(rules.book, records.names(tx), marks))
    if len(commands) == 1:
        return parse(commands[0], today)
    if commands:
        return Misread("", f"“{said(tokens)}” is the name of more than one thing.", commands)
    return misread


def _own(query: Query, asker: Asker) -> Query | Misread:
    """Return the question with who asks in the place of `@me`, or that nobody knows who that is."""
    about = [each for each in query.filters if each.key == "owner" and MYSELF in each.values]
    if not about:
        return query
    if not asker.known_as:
        rest = replace(query, filters=tuple(each for each in query.filters if each not in about))
        return Misread(
            query.verb, "Nobody here knows who you are: name the owner.", (rest.command,), query.verb
        )
    mine = tuple(sorted(asker.known_as))
    filters = []
    for each in query.filters:
        values = (*mine, *(value for value in each.values if value != MYSELF))
        filters.append(replace(each, values=tuple(dict.fromkeys(values))) if each in about else each)
    return replace(query, filters=tuple(filters))
