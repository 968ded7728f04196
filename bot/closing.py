"""The month's close: one message for each room that heard of its budgets, once the month has settled."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from bot.core.groups import fold
from bot.core.hindsight import Hindsight, looked, usual_error
from bot.core.kinds.budget import amount_of
from bot.core.listing import left_out
from bot.core.period import DAY, Period, Span
from bot.core.rooms import Target, rooms_of
from bot.core.rules.book import LATE, Budget, Origin, Rule, Rulebook
from bot.core.rules.select import Scope
from bot.core.spend import Group, Names
from bot.core.telling import Teller
from bot.core.view import View
from bot.edge.store import cards, incidents, outbox, records
from bot.edge.store.store import Store
from bot.loading import load_spend
from bot.voice import Voice

SETTLE = timedelta(hours=36)
"""When a month is settled that no budget was about."""


def closing(book: Rulebook, now: datetime) -> list[tuple[Span, list[Budget]]]:
    """Return the last month, with its monthly budgets, once it has settled and while it is still judged.

    The built-in rulebook closes months without a budget.
    """
    # Of tokens and requests nothing is billed: what they came to is on their own final cards.
    monthly = [
        rule
        for rule in book.rules
        if isinstance(rule, Budget) and rule.period.kind == "month" and rule.unit.dollars
    ]
    if not monthly and not book.built_in:
        return []
    month = Period("month").containing(now.astimezone(UTC).date().replace(day=1) - DAY)
    assert month is not None
    settle = max((rule.settle for rule in monthly), default=SETTLE)
    if not month.ends_at + settle <= now < month.ends_at + settle + LATE:
        return []
    return [(month, [rule for rule in monthly if rule.active_on(month.last)])]


def close(
    tx: Connection,
    store: Store,
    book: Rulebook,
    month: Span,
    rules: list[Budget],
    view: View,
    now: datetime,
    voice: Voice,
    *,
    new: bool = False,
) -> None:
    """Write one message for each room that heard of the month's budgets: what they came to, and were foretold to.

    `new`: nothing was ever judged before, so that the month was over before anybody watched.
    """
    key, spend = f"close:{month.start:%Y-%m}", view.cost
    if records.marker(tx, key) or spend.history_from is None or month.start < spend.history_from:
        return
    if book.built_in:
        _totals(tx, store, key, month, view, now, voice, book, new=new)
        return
    heard = incidents.announced_in(tx, month, [rule.id for rule in rules])
    heard_in = {target for _, target in cards.cards_of(tx, [incident.fingerprint for incident in heard])}
    lines: dict[Target, list[_Line]] = {target: [] for target in heard_in}
    spoken: dict[Target, set[str]] = {target: set() for target in heard_in}
    quiet: dict[Target, datetime] = {}
    teller = Teller(view, book)
    for rule in rules:
        for group, value in fold(spend.within(rule.scope, month), rule.limit):
            amount = amount_of(rule, group, spend.names, view.limits, month)
            if amount is None:
                continue
            name = teller.subject(rule, group)
            if len(rules) > 1:
                name = f"{name} ({rule.name})"
            for room in rooms_of(book, rule, group, spend.names, voice.fallback):
                if room.target in lines:
                    lines[room.target].append(_Line(name, value, amount, rule.scope, group))
                    spoken[room.target].add(rule.id)
                    quiet[room.target] = room.quiet_until(now) or now
    before = _hindsight(tx, store, book, month, view) if any(lines.values()) else None
    for target, rows in sorted(lines.items()):
        if not rows:
            continue
        rows.sort(key=lambda row: (row.amount - row.value, row.name))
        foretold = [before.of(row.scope, row.group) if before else None for row in rows]
        body: dict[str, object] = {
            "month": f"{month.start:%B %Y}",
            "rows": [
                [row.name, row.value, row.amount, forecast]
                for row, forecast in zip(rows, foretold, strict=True)
            ],
            "foretold_until": looked(month).end.isoformat(),
            # Budgets of several rules may count the same dollar twice: then nothing is added up.
            "rules": len(spoken[target]),
            "as_of": spend.as_of.isoformat() if spend.as_of else "",
        }
        known = [(told, row.value) for told, row in zip(foretold, rows, strict=True) if told is not None]
        if (usual := usual_error(known)) is not None:
            body["foretold_error"] = usual
        if target == _default_target(book, voice):
            bare = left_out(book, spend, month, month.last, view.limits)
            body["unwatched"] = [[each.name, each.amount] for each in bare]
        outbox.say(tx, f"{key}:{target}", target, "close", body, now, due_at=quiet[target])
    records.mark(tx, key, now.isoformat())


class _Line(NamedTuple):
    """A budget as a room hears of it."""

    name: str
    value: int
    amount: int
    scope: Scope
    group: Group


def _hindsight(tx: Connection, store: Store, book: Rulebook, month: Span, view: View) -> Hindsight | None:
    """Return the forecasts of mid-month, from one scan by day unless the rules have asked for it already."""
    begins = view.history_from
    wanted = looked(month)
    if begins is None:
        return None
    first = max(wanted.start, begins)
    days = [first + n * DAY for n in range((wanted.end - first).days + 1)]
    if len(days) < 2:
        return None
    known = view.daily is not None and set(days) <= set(view.daily.cuts)
    daily = view.daily if known and view.daily else load_spend(tx, store, book, days)
    return Hindsight(daily, month)


def _totals(
    tx: Connection,
    store: Store,
    key: str,
    month: Span,
    view: View,
    now: datetime,
    voice: Voice,
    book: Rulebook,
    *,
    new: bool,
) -> None:
    """Write what the month came to, by project, into the channel of everything: nobody has budgets yet."""
    spend = view.cost
    found = sorted(
        ((value, group[0]) for group, value in spend.by(("project",), month).items()), reverse=True
    )
    total = sum(value for value, _ in found)
    if total > 0 and voice.fallback and not new:
        target = Target("slack", voice.fallback)
        body: dict[str, object] = {
            "month": f"{month.start:%B %Y}",
            "total": total,
            "projects": [[spend.names.of("project", project), value] for value, project in found if value],
            "as_of": spend.as_of.isoformat() if spend.as_of else "",
            "foretold_until": looked(month).end.isoformat(),
        }
        before = _hindsight(tx, store, book, month, view)
        if before is not None and (foretold := before.of(Scope(), ())) is not None:
            body["foretold"] = foretold
        outbox.say(tx, f"{key}:{target}", target, "close", body, now)
    records.mark(tx, key, now.isoformat())


def _default_target(book: Rulebook, voice: Voice) -> Target | None:
    """Return the room of everything that has no route of its own."""
    rooms = rooms_of(book, Rule("", "", Origin("", 0)), (), Names(), voice.fallback)
    return rooms[0].target if rooms else None
