"""Questions answered from stored snapshots, judged by the same arithmetic as the poll."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.core.evaluate import cuts, evaluate
from bot.core.filters import chosen
from bot.core.helping import Help, helped
from bot.core.incident import Finding, Incident, Reason, fingerprint
from bot.core.listing import Listing, listing, narrowed
from bot.core.period import DAY, Period, Span, show_day
from bot.core.query import Misread, parse
from bot.core.question import Query
from bot.core.report import Report, report, spans_needed
from bot.core.rooms import team_of
from bot.core.rules.book import Budget, Rulebook, rank
from bot.core.spend import Group, Spend, cuts_of
from bot.core.status import Standing, Status
from bot.edge.store import incidents, records
from bot.edge.store.store import Store
from bot.edge.store.tables import ORGANIZATION
from bot.judge import load_spend
from bot.rulebook import InForce

Answer = Report | Status | Listing | Help | Misread


def answer(
    store: Store, rules: InForce, words: str | Sequence[str], now: datetime
) -> tuple[Answer, Query | None]:
    """Return the answer to what was typed, and the question as it was understood (None where it was not)."""
    query = parse(words, now.astimezone(UTC).date())
    if isinstance(query, Misread):
        return query, None
    match query.verb:
        case "status":
            return chosen(answer_status(store, rules, now), query.filters), query
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
        spend = load_spend(tx, store, rules.book, cuts_of([span]))
    links = {rule.id: rules.voice.link(rule) for rule in rules.book.rules}
    told = listing(rules.book, spend, span, today, rules.voice.fallback, links)
    if rules.trouble:
        told = replace(told, notes=(rules.trouble, *told.notes))
    return narrowed(told, rules.book, spend, query.filters, span)


def answer_report(store: Store, rules: InForce, query: Query, now: datetime) -> Report:
    """Answer `report` and `top` from one scan."""
    today = now.astimezone(UTC).date()
    with store.reading() as tx:
        spend = load_spend(tx, store, rules.book, cuts_of(spans_needed(query, today)))
    return report(query, spend, today)


def answer_status(store: Store, rules: InForce, now: datetime) -> Status:
    """Answer `status`: every rule and group as it stands, worst first."""
    book = rules.book
    with store.reading() as tx:
        spend = load_spend(tx, store, book, cuts(book, now))
        known = incidents.said(tx, now.astimezone(UTC).date())
        last = records.last_poll(tx)
    evaluation = evaluate(book, spend, now)
    current = {
        (finding.rule.id, finding.group): finding for finding in evaluation.findings if not finding.closed
    }
    open_incidents = {
        (incident.rule_id, incident.group): incident
        for incident in sorted(known.incidents, key=lambda i: i.opened_at)
        if incident.state != "ended"
    }
    standings = [
        _standing(finding, open_incidents.get(key), known.runs, spend, book)
        for key, finding in current.items()
    ]
    standings += [
        Standing(
            rule_id=unjudged.rule_id,
            rule_name=rule.name,
            fingerprint=fingerprint(rule.id, ORGANIZATION, (), ""),
            each=(),
            group=(),
            group_names=(),
            span=unjudged.span,
            period=rule.period.name(unjudged.span) if isinstance(rule, Budget) and unjudged.span else "",
            state=unjudged.state,
            reason=unjudged.reason,
        )
        for unjudged in evaluation.unjudged
        if (rule := book.rule(unjudged.rule_id)) is not None
    ]
    standings.sort(key=_worst)
    notes = [rules.trouble] if rules.trouble else []
    if spend.history_from is None:
        notes.append("No costs are stored yet: the first poll fetches them.")
    elif last is not None and not last[1]:
        why = "; ".join(f"{result.source}: {result.why}" for result in last[2] if not result.complete)
        notes.append(f"The poll of {show_day(last[0].date())} {last[0]:%H:%M} UTC is not complete ({why}).")
    return Status(spend.as_of, tuple(standings), tuple(notes))


def _standing(
    finding: Finding,
    incident: Incident | None,
    runs: Mapping[tuple[str, Group], int],
    spend: Spend,
    book: Rulebook,
) -> Standing:
    rule = finding.rule
    names = tuple(
        spend.names.of(dimension, value)
        for dimension, value in zip(rule.scope.each, finding.group, strict=True)
    )
    team = team_of(book, rule.scope, finding.group, spend.names)
    top = finding.top
    firing = top is not None or (incident is not None and incident.state == "firing")
    level = top.label if top else incident.level if incident and firing else ""
    severity = finding.severity
    if severity is None and incident is not None and firing:
        severity = incident.severity or None  # type: ignore[assignment]
    if incident is not None:
        mark, reason = incident.fingerprint, str(incident.reason)
        if top is None and firing:
            reason = f"{Reason.RUN_GOES_ON}: last breached {incident.span.start}"
    else:
        occurrence = finding.span.start.isoformat()
        if rule.period.runs:
            occurrence = f"#{runs.get((rule.id, finding.group), 0) + 1}"
        mark = fingerprint(rule.id, ORGANIZATION, finding.group, occurrence)
        reason = str(Reason.FIRST if top else Reason.BELOW)
    return Standing(
        rule_id=rule.id,
        rule_name=rule.name,
        fingerprint=mark,
        each=rule.scope.each,
        group=finding.group,
        group_names=names,
        span=finding.span,
        period=rule.period.name(finding.span),
        state="firing" if firing else "ok",
        reason=reason,
        level=level,
        severity=severity,
        value=finding.value,
        amount=finding.amount,
        team=team.name if team else "",
        owner=team.owner if team else "",
    )


def _worst(standing: Standing) -> tuple[int, int, float, str, Group]:
    ratio = standing.ratio or 0.0
    return (
        -(standing.state == "firing"),
        -rank(standing.severity or ""),
        -ratio,
        standing.rule_id,
        standing.group,
    )
