"""Questions answered from stored snapshots, judged by the same arithmetic as the poll."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.accuracy import read_accuracy
from bot.core import builtin, standings
from bot.core.accuracy import Accuracy
from bot.core.ahead import Forecasts
from bot.core.cut_offs import with_limits
from bot.core.explanation import Explanation
from bot.core.helping import Help, helped
from bot.core.incident import Incident
from bot.core.kinds.freshness import ages, allowed
from bot.core.listing import Listing, listing, narrowed
from bot.core.period import DAY, Period, Span, show_day
from bot.core.query import Misread, parse
from bot.core.question import Query
from bot.core.report import Report, report, spans_needed
from bot.core.spend import cuts_of
from bot.core.status import Standing, Status
from bot.core.view import View
from bot.edge.store import incidents, records
from bot.edge.store.store import Store
from bot.edge.store.tables import ORGANIZATION
from bot.explaining import explain
from bot.loading import load_spend, load_view
from bot.looking_ahead import forecasts
from bot.overlays import Overlays
from bot.rulebook import InForce

Answer = Report | Status | Forecasts | Explanation | Accuracy | Listing | Help | Misread
LastPoll = tuple[datetime, bool, tuple[records.SourceResult, ...]]

SHOWN = 20
"""Budgets that a person is shown one by one."""


def answer(
    store: Store, rules: InForce, words: str | Sequence[str], now: datetime, *, every: bool = False
) -> tuple[Answer, Query | None]:
    """Return the answer to what was typed, and the question as it was understood (None where it was not).

    `every` asks for each budget of a status, for machines; people see the worst.
    """
    query = parse(words, now.astimezone(UTC).date())
    if isinstance(query, Misread):
        return query, None
    match query.verb:
        case "status":
            return answer_status(store, rules, query, now, None if every else SHOWN), query
        case "forecast":
            return answer_forecast(store, rules, query, now, None if every else SHOWN), query
        case "explain":
            return explain(store, rules, query, now), query
        case "accuracy":
            return read_accuracy(store, now), query
        case "rules":
            return answer_rules(store, rules, query, now), query
        case "help":
            return helped(query.topic), query
        case _:
            return answer_report(store, rules, query, now), query


def answer_rules(store: Store, rules: InForce, query: Query, now: datetime) -> Listing:
    """Answer `rules`: what is watched, and the projects with spend this month that no budget watches."""
    today = now.astimezone(UTC).date()
    month = Period("month").containing(today)
    assert month is not None
    span = Span(month.start, today + DAY)
    with store.reading() as tx:
        spend = load_spend(tx, store, rules.book, cuts_of([span]), now=now)
    links = {rule.id: rules.voice.link(rule) for rule in rules.book.rules}
    told = listing(rules.book, spend, span, today, rules.voice.fallback, links)
    if rules.book.built_in:
        told = replace(told, notes=(builtin.NOTE, builtin.CLOSES, *told.notes))
    if rules.trouble:
        told = replace(told, notes=(rules.trouble, *told.notes))
    return narrowed(told, rules.book, spend, query.filters, span)


def answer_forecast(
    store: Store, rules: InForce, query: Query, now: datetime, most: int | None = None
) -> Forecasts:
    """Answer `forecast`: what each budget's running period will come to."""
    now = now.astimezone(UTC)
    told, view = forecasts(store, rules.book, query, now, most)
    with store.reading() as tx:
        last = records.last_poll(tx)
    return replace(told, notes=tuple(_notes(rules, view, last, now)))


def answer_report(store: Store, rules: InForce, query: Query, now: datetime) -> Report:
    """Answer `report` and `top` from one scan."""
    with store.reading() as tx:
        spend = load_spend(tx, store, rules.book, cuts_of(spans_needed(query)), now=now)
    return report(query, spend, now.astimezone(UTC).date())


def answer_status(
    store: Store, rules: InForce, query: Query, now: datetime, most: int | None = None
) -> Status:
    """Answer `status`: the rules and groups as they stand, worst first, by the arithmetic of the poll."""
    book, now = rules.book, now.astimezone(UTC)
    with store.reading() as tx:
        view = load_view(tx, store, book, now, standings.spans_needed(book, now), answering=True)
        known = incidents.said(tx, now.date())
        last = records.last_poll(tx)
        over = Overlays.read(tx, book, view.cost.names, now)
    stood = standings.Standings(book, view, known.incidents, known.runs, ORGANIZATION, now)
    told, others = stood.told(query.filters, most)
    told = with_limits(told, view, book, now)
    told = _laid_over(told, over, {incident.fingerprint: incident for incident in known.incidents})
    return Status(view.cost.as_of, told, tuple(_notes(rules, view, last, now)), others)


def _laid_over(
    told: tuple[Standing, ...], over: Overlays, known: Mapping[str, Incident]
) -> tuple[Standing, ...]:
    """Return the standings with who acknowledged them, and which silence holds them back."""
    if not (over.silences or over.acknowledgements):
        return told
    marked = []
    for each in told:
        incident = known.get(each.fingerprint)
        if incident is None:
            marked.append(each)
            continue
        given, silence = over.acknowledged(incident), over.silence_of(incident)
        by = given.by if given else None
        marked.append(replace(each, acknowledged_by=by, silenced_by=silence.mark if silence else None))
    return tuple(marked)


def _notes(rules: InForce, view: View, last: LastPoll | None, now: datetime) -> Iterator[str]:
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
