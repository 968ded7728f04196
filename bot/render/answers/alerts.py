"""`alerts`: what is open now, with who looks after it."""

from collections import Counter
from typing import Any

from bot.core.alerts import Alert, Alerts
from bot.core.dimension import described
from bot.core.question import Query
from bot.core.reference import Reference
from bot.core.severity import SEVERITIES
from bot.core.units import unit_of
from bot.core.verbs import VERBS
from bot.render import blocks, headlines
from bot.render.alert_words import EMOJI, named
from bot.render.answering import command, csv_of, dated, file_of, foot, iso, json_of, run_button, warnings
from bot.render.blocks import EMPTY, clean
from bot.render.deeds import when
from bot.render.drawn import table
from bot.render.figures import decimal, duration, exact, unit_word, whole
from bot.render.headlines import PLAIN, SLACK, SPOKEN, Style

ROWS = 20
"""Alerts that a person is shown one by one; json and csv carry every one."""
ONE_BY_ONE = 5
"""So many, or fewer, have buttons of their own."""
NAME, NAMED = 60, 40
"""Characters of a name in a cell, and on a button."""
_TITLES = ("State", "What", "Figures", "Since", "Looked after by", "Rule")
_COLUMNS = (
    "fingerprint", "rule", "group", "start", "end", "state", "level", "severity", "value", "amount", "ratio", "unit",
    "peak", "opened_at", "reason", "acknowledged_by", "acknowledged_at", "silenced_by", "silenced_until", "escalated",
    "kind", "estimated",
)  # fmt: skip
_NUMBERS = ("value", "amount", "ratio", "peak", "estimated")


def headline(answer: Alerts, query: Query | None, style: Style) -> str:
    """Return `3 alerts are open, 1 critical, 2 warning; nobody looks after 2 of them`, without its full stop."""
    count = len(answer.alerts)
    only = f" ({style.name(' '.join(map(str, query.filters)))})" if query and query.filters else ""
    if not count:
        return f"No alert is open{only}"
    told = f"{style.bold(f'{count:,} alert' + ('s' if count > 1 else ''))}{only} {'are' if count > 1 else 'is'} open"
    graves = Counter(each.standing.severity for each in answer.alerts)
    kinds = [f"{graves[word]:,} {word}" for word in reversed(SEVERITIES) if graves[word]]
    told = f"{told}: {', '.join(kinds)}" if kinds else told
    alone = sum(not (each.standing.acknowledged_by or each.standing.silenced_by) for each in answer.alerts)
    if not alone:
        return f"{told}; all of them are looked after" if count > 1 else f"{told}; it is looked after"
    whom = "it" if count == 1 else "any of them" if alone == count else f"{alone:,} of them"
    return f"{told}; nobody looks after {whom}"


def slack(answer: Alerts, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack: few alerts with their buttons, many as a table."""
    first = answer.alerts[0].standing.severity if answer.alerts else None
    mark = f"{EMOJI[first]} " if first else ":white_check_mark: " if not answer.alerts else ""
    body = [*warnings(answer.notes), blocks.section(f"{mark}{headline(answer, query, SLACK)}")]
    if len(answer.alerts) > ONE_BY_ONE:
        body.append(_table(answer))
    else:
        for place, each in enumerate(answer.alerts):
            body += [blocks.section(_said(each, answer)), _buttons(each, place)]
    if query and query.format:
        body.append(file_of(query))
    asked = f"{command(query.command)} · " if query else ""
    body.append(blocks.context(f"{asked}{dated(answer.as_of)}"))
    more = [
        run_button("history 7d", "History of 7 days", "history"),
        run_button("status", "Status", "status"),
    ]
    if len(answer.alerts) > ONE_BY_ONE:
        more = _of_many(answer, query) + more
    body.append(blocks.actions(more))
    return blocks.message(f"{headline(answer, query, SPOKEN)}.", body)


def _said(each: Alert, answer: Alerts) -> str:
    standing = each.standing
    mark = EMOJI.get(standing.severity or "", ":white_circle:")
    subject = blocks.name(standing.subject, NAME)
    figures = blocks.name(headlines.figures(standing, whole), 120)
    lines = [f"{mark} *{subject}*: {figures} · {_level(each)}"]
    lines.append(f"{_since(each, answer)} · {_attended(each)} · `{standing.fingerprint}`")
    lines += [
        f":arrow_double_up: {blocks.name(why, 120)} ({blocks.name(where)})" for where, why in _rooms(each)
    ]
    return "\n".join(lines)


def _rooms(each: Alert) -> list[tuple[str, str]]:
    return [(place.where, place.escalated) for place in each.places if place.escalated]


def _level(each: Alert) -> str:
    told = headlines.state(each.standing).partition(",")[0]
    return f"{blocks.name(told)} in {blocks.name(headlines.period(each.standing))}"


def _since(each: Alert, answer: Alerts) -> str:
    lasted = duration(int((answer.now - each.opened_at).total_seconds()))
    return f"since {when(each.opened_at)} UTC ({lasted})"


def _attended(each: Alert) -> str:
    told = []
    if each.standing.acknowledged_by:
        at = f" since {when(each.acknowledged_at)}" if each.acknowledged_at else ""
        told.append(f"{named(each.standing.acknowledged_by)} looks after it{at}")
    if each.standing.silenced_by:
        until = f" until {when(each.silenced_until)}" if each.silenced_until else ""
        why = f": {blocks.name(each.silenced_why, 80)}" if each.silenced_why else ""
        told.append(f"silenced by {each.standing.silenced_by}{until}{why}")
    return ", ".join(told) or "nobody looks after it"


def _buttons(each: Alert, place: int) -> dict[str, Any]:
    standing = each.standing
    mark = standing.fingerprint
    about = str(Reference(mark, revision=each.revision))
    if standing.acknowledged_by:
        buttons = [blocks.button("Un-acknowledge", "alert.unack", about)]
    else:
        buttons = [blocks.button("Acknowledge", "alert.ack", about, None if place else "primary")]
    if standing.silenced_by:
        buttons.append(blocks.button("End the silence", "alert.unsilence", about))
    else:
        buttons.append(blocks.button("Silence…", "alert.silence", about))
    buttons += [
        run_button(f"why {mark}", "Why", "why"),
        run_button(f"history {mark}", "History", "history"),
    ]
    return blocks.actions(buttons)


def _of_many(answer: Alerts, query: Query | None) -> list[dict[str, Any]]:
    """Return the buttons of a table: all of it, as far as an order can name it, and its worst."""
    worst = answer.alerts[0].standing
    subject = blocks.plain(worst.subject, NAMED)
    buttons = [run_button(f"explain {worst.fingerprint}", f"Explain {subject}", "explain")]
    filters = query.filters if query else ()
    if all(each.key in VERBS["ack"].keys for each in filters):
        words = " ".join(["ack all", *map(str, filters)])  # it asks first
        buttons.insert(0, run_button(words, f"Acknowledge all {len(answer.alerts):,}…", "all"))
    return buttons


def _table(answer: Alerts) -> dict[str, Any]:
    shown = answer.alerts[:ROWS]
    rows = [
        [
            headlines.state(each.standing),
            blocks.plain(each.standing.subject, NAME),
            blocks.clip(headlines.figures(each.standing, whole), 120),
            when(each.opened_at),
            _who(each),
            blocks.plain(each.standing.rule_name, NAME),
        ]
        for each in shown
    ]
    if rest := len(answer.alerts) - len(shown):
        rows.append([blocks.NOTHING, f"{rest:,} others, none of them graver", *[blocks.NOTHING] * 4])
    return blocks.table(_TITLES, rows)


def _who(each: Alert) -> str:
    if each.standing.acknowledged_by:
        return f"{clean(each.standing.acknowledged_by)}"
    return each.standing.silenced_by or "nobody"


def shell(answer: Alerts, form: str, query: Query | None = None) -> str:
    """Return the answer as `table`, `json` or `csv`."""
    if form == "json":
        body: dict[str, Any] = {
            "as_of": iso(answer.as_of),
            "alerts": [told(each) for each in answer.alerts],
        }
        if answer.notes:
            body["notes"] = list(answer.notes)
        return json_of(body)
    if form == "csv":
        return csv_of(_COLUMNS, map(_flat, answer.alerts), _NUMBERS)
    lines = [
        *(f"Warning: {clean(note)}" for note in answer.notes),
        f"{headline(answer, query, PLAIN)}.",
    ]
    shown = answer.alerts[:ROWS]
    if shown:
        titles = ["state", "what", "figures", "since", "looked after by", "rule", "alert"]
        rows = [
            [
                headlines.state(each.standing).partition(",")[0],
                clean(each.standing.subject) or EMPTY,
                clean(headlines.figures(each.standing, exact)),
                when(each.opened_at),
                _who(each),
                each.standing.rule_id,
                each.standing.fingerprint,
            ]
            for each in shown
        ]
        lines += ["", *table([titles, *rows])]
    if rest := len(answer.alerts) - len(shown):
        lines.append(f"{rest:,} others, none of them graver")
    return "\n".join([*lines, "", *foot(answer.as_of, ())])


def told(each: Alert) -> dict[str, Any]:
    """Return one alert as machines read it, in the words of `status`."""
    standing = each.standing
    unit = unit_of(standing.unit)
    names = dict(zip(standing.each, standing.group_names, strict=True))
    return {
        "fingerprint": standing.fingerprint,
        "rule": standing.rule_id,
        "group": described(standing.each, standing.group, lambda dimension, _value: names[dimension]),
        "period": {"start": standing.span.start.isoformat(), "end": standing.span.end.isoformat()}
        if standing.span
        else None,
        "state": standing.state,
        "level": standing.level or None,
        "severity": standing.severity,
        "value": decimal(standing.value, unit),
        "amount": decimal(standing.amount or 0, unit),
        "ratio": round(standing.ratio, 3) + 0.0 if standing.ratio is not None else None,
        "unit": unit_word(unit),
        "peak": decimal(each.peak, unit),
        "opened_at": iso(each.opened_at),
        "changed_at": iso(each.changed_at),
        "reason": standing.reason,
        "acknowledged_by": standing.acknowledged_by,
        "acknowledged_at": iso(each.acknowledged_at),
        "silenced_by": standing.silenced_by,
        "silenced_until": iso(each.silenced_until),
        "escalated": list(each.escalated),
        "said_in": [place.where for place in each.places if place.ts],
        "team": standing.team or None,
        "owner": standing.owner or None,
        "kind": standing.kind,
        "estimated": decimal(standing.estimated, unit),
    }


def _flat(each: Alert) -> dict[str, Any]:
    row = told(each)
    period = row.pop("period") or {}
    row |= {"start": period.get("start"), "end": period.get("end")}
    return row | {"group": " · ".join(each.standing.group_names), "escalated": " ".join(each.escalated)}
