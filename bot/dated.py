"""What the reader of an answer must know of its date: what is late, missing or not in force."""

from collections.abc import Iterator
from datetime import datetime

from bot.core import builtin
from bot.core.kinds.freshness import ages, allowed
from bot.core.period import show_day
from bot.core.view import View
from bot.edge.store import records
from bot.rulebook import InForce

LastPoll = tuple[datetime, bool, tuple[records.SourceResult, ...]]


def notes(rules: InForce, view: View, last: LastPoll | None, now: datetime) -> Iterator[str]:
    """Yield what is wrong with the rules in force, with the last poll, and with the age of the figures."""
    if rules.trouble:
        yield rules.trouble
    if rules.book.built_in:
        yield builtin.NOTE
    if not rules.book.rules:
        yield "There are no rules, so nothing is watched."
    if last is not None and not last[1]:
        why = "; ".join(f"{result.source}: {result.why}" for result in last[2] if not result.complete)
        yield f"The poll of {show_day(last[0].date())} {last[0]:%H:%M} UTC is not complete ({why})."
    if view.history_from is None or view.cost.as_of is None:
        yield "No costs are stored yet: the first poll fetches them."
        return
    for age in ages(view.sources, now, *allowed(rules.book, now)):
        if age.stale and age.polled:
            hours = int(age.of.total_seconds() // 3600)
            ago = f"{hours} hours" if hours < 48 else f"{hours // 24} days"
            yield f"Costs were last read {ago} ago: what was spent since is not in these figures."
        elif age.stale:
            yield f"OpenAI's costs are late: {age.said}."
