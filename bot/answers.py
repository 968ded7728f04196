"""Questions answered from stored snapshots, judged by the same arithmetic as the poll."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.core.asker import NOBODY, Asker
from bot.core.query import Misread, parse
from bot.core.question import Query
from bot.edge.store.store import Store
from bot.questions import Asked, answering
from bot.rulebook import InForce

if TYPE_CHECKING:
    from bot.app import App


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
    query = parse(words, now.astimezone(UTC).date())
    if isinstance(query, Misread):
        return query, None
    return answering(query.verb).answer(Asked(store, rules, query, now, every, asker, app)), query
