"""`history`: what has been, for a shell, for machines and for Slack."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.core.dimension import described
from bot.core.history import Deed, History, Moment, Past
from bot.core.question import Query
from bot.core.units import unit_of
from bot.render import blocks, deeds
from bot.render.alert_words import EMOJI, named
from bot.render.answering import command, csv_of, dated, file_of, foot, iso, json_of, run_button, warnings
from bot.render.blocks import EMPTY, NOTHING, clean
from bot.render.deeds import when
from bot.render.drawn import table
from bot.render.figures import decimal, exact, unit_word
from bot.render.headlines import PLAIN, SLACK, SPOKEN
from bot.render.history_words import after, ended, headline, highest, lasted, moment_words, peak

ROWS = 20
"""Alerts that a person is shown one by one; json and csv carry every one."""
DEEDS, SLACK_DEEDS = 20, 8
MOMENTS = 20
LINES = 8
"""Moments a section: a section of Slack's holds 3,000 characters."""
BUTTONS = 3
NAME = 60
_TITLES = ("Opened", "What", "Highest", "Peak", "Stood", "Acknowledged", "How it ended", "Messages")
_COLUMNS = (
    "fingerprint", "rule", "group", "start", "end", "state", "highest_level", "highest_severity", "value", "amount",
    "peak", "unit", "opened_at", "ended_at", "seconds", "acknowledged_by", "acknowledged_at",
    "acknowledged_after_seconds", "messages", "reason",
)  # fmt: skip
_NUMBERS = ("value", "amount", "peak", "seconds", "acknowledged_after_seconds", "messages")
_MOMENTS = ("at", "what", "level", "value", "reason", "who", "delivered_to", "note")


# -- Slack -----------------------------------------------------------------------------------------------


def slack(answer: History, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack."""
    past = answer.one
    body = warnings(answer.notes)
    if past is not None:
        mark = EMOJI.get(past.standing.severity or "", ":white_circle:")
        mark = ":white_circle:" if past.ended_at else mark
        body.append(blocks.section(f"{mark} {headline(answer, query, SLACK)}"))
        body += _timeline(answer, past)
    else:
        body.append(blocks.section(headline(answer, query, SLACK)))
        if answer.alerts:
            body.append(_table(answer))
        if answer.deeds:
            body.append(blocks.section("\n".join(["*What people did*", *_done(answer.deeds)])))
    if query and query.format:
        body.append(file_of(query))
    asked = f"{command(query.command)} · " if query else ""
    about = f" · `{past.standing.fingerprint}`" if past else ""
    body.append(blocks.context(f"{asked}{dated(answer.as_of)}, times are UTC{about}"))
    body.append(blocks.actions(_buttons(answer)))
    return blocks.message(f"{headline(answer, query, SPOKEN)}.", body)


def _table(answer: History) -> dict[str, Any]:
    shown = answer.alerts[:ROWS]
    rows = [
        [
            when(past.opened_at),
            blocks.plain(past.standing.subject, NAME),
            highest(past),
            peak(past),
            lasted(past, answer),
            after(past),
            ended(past, PLAIN),
            f"{past.messages:,}",
        ]
        for past in shown
    ]
    if rest := len(answer.alerts) - len(shown):
        rows.append([NOTHING, f"{rest:,} others, earlier", *[NOTHING] * 6])
    return blocks.table(_TITLES, rows, right=(3, 4, 7))


def _done(done: Sequence[Deed]) -> list[str]:
    lines = [f"{when(deed.at)} {deeds.slack(deed)}" for deed in done[:SLACK_DEEDS]]
    if rest := len(done) - len(lines):
        lines.append(f"and {rest:,} before")
    return lines


def _timeline(answer: History, past: Past) -> list[dict[str, Any]]:
    facts = [
        f"*Opened*\n{when(past.opened_at)} UTC",
        f"*Ended*\n{f'{when(past.ended_at)} UTC' if past.ended_at else 'it stands'}",
        f"*Peak*\n{blocks.escape(peak(past, exact))}",
        f"*Acknowledged*\n{f'{named(past.acknowledged_by)} ' if past.acknowledged_by else ''}{after(past)}",
        f"*Messages*\n{past.messages:,}",
        f"*Rule*\n{blocks.name(past.standing.rule_name, NAME)}",
    ]
    body = [blocks.fields(*facts)]
    shown = answer.moments[-MOMENTS:]
    lines = [f"{when(each.at)} {moment_words(each, past, named, deeds.quoted)}" for each in shown]
    if earlier := len(answer.moments) - len(shown):
        lines.insert(
            0, f"{earlier:,} earlier: {command(f'budgetbot history {past.standing.fingerprint}')} shows all"
        )
    parts = (lines[start : start + LINES] for start in range(0, len(lines), LINES))
    return [*body, *(blocks.section("\n".join(part)) for part in parts)]


def _buttons(answer: History) -> list[dict[str, Any]]:
    past = answer.one
    if past is not None:
        mark = past.standing.fingerprint
        return [
            run_button(f"explain {mark}", "Explain", "explain"),
            run_button(f"why {mark}", "Why", "why"),
            run_button("history 30d", "History of 30 days", "history"),
        ]
    buttons = [
        run_button(
            f"history {each.standing.fingerprint}",
            f"History of {blocks.plain(each.standing.subject, 40)}",
            f"history{place}",
        )
        for place, each in enumerate(answer.alerts[:BUTTONS])
    ]
    return [*buttons, run_button("alerts", "Open alerts", "alerts"), run_button("status", "Status", "status")]


# -- a shell, and machines -------------------------------------------------------------------------------


def shell(answer: History, form: str, query: Query | None = None) -> str:
    """Return the answer as `table`, `json` or `csv`: of one alert, what happened to it; else the alerts."""
    if form == "json":
        return json_of(_body(answer))
    if form == "csv":
        if answer.one is not None:
            return csv_of(_MOMENTS, [_moment_row(each, answer.one) for each in answer.moments], ("value",))
        return csv_of(_COLUMNS, [_flat(past, answer) for past in answer.alerts], _NUMBERS)
    lines = [
        *(f"Warning: {clean(note)}" for note in answer.notes),
        f"{headline(answer, query, PLAIN)}.",
    ]
    if answer.one is not None:
        lines += _facts(answer.one)
        lines += ["", *(f"  {when(each.at)}  {_said(each, answer.one)}" for each in answer.moments)]
    elif answer.alerts:
        lines += ["", *_lines(answer)]
    if answer.deeds:
        lines += ["", "What people did"]
        lines += [f"  {when(deed.at)}  {deeds.shell(deed)}" for deed in answer.deeds[:DEEDS]]
        if len(answer.deeds) > DEEDS:
            lines.append(f"  and {len(answer.deeds) - DEEDS:,} before")
    return "\n".join([*lines, "", *foot(answer.as_of, ())])


def _facts(past: Past) -> list[str]:
    by = f"{clean(past.acknowledged_by)} " if past.acknowledged_by else ""
    facts = (
        ("Opened", f"{when(past.opened_at)} UTC"),
        ("Ended", f"{when(past.ended_at)} UTC" if past.ended_at else "it stands"),
        ("Peak", peak(past, exact)),
        ("Acknowledged", f"{by}{after(past)}"),
        ("Messages", f"{past.messages:,}"),
        ("Rule", clean(past.standing.rule_name)),
        ("Fingerprint", past.standing.fingerprint),
    )
    return ["", *(f"{name:<14}{text}" for name, text in facts)]


def _said(moment: Moment, past: Past) -> str:
    return moment_words(moment, past, clean, deeds.plain)


def _lines(answer: History) -> list[str]:
    titles = [
        "opened",
        "what",
        "highest",
        "peak",
        "stood",
        "acknowledged",
        "how it ended",
        "messages",
        "alert",
    ]
    shown = answer.alerts[:ROWS]
    rows = [
        [
            when(past.opened_at),
            clean(past.standing.subject) or EMPTY,
            highest(past),
            peak(past, exact),
            lasted(past, answer),
            f"{clean(past.acknowledged_by)} {after(past)}".strip(),
            ended(past, PLAIN),
            f"{past.messages:,}",
            past.standing.fingerprint,
        ]
        for past in shown
    ]
    right = {"align": "right"}
    lines = list(table([titles, *rows], [{}, {}, {}, right, right, {}, {}, right, {}]))
    if rest := len(answer.alerts) - len(shown):
        lines.append(f"{rest:,} others, earlier")
    return lines


def _body(answer: History) -> dict[str, Any]:
    past = answer.one
    told: dict[str, Any] = {"as_of": iso(answer.as_of)}
    if past is not None:
        told |= {
            "alert": _past(past, answer),
            "events": [_event(each, past) for each in answer.moments],
        }
    else:
        assert answer.span is not None
        told = {
            "start": answer.span.start.isoformat(),
            "end": answer.span.end.isoformat(),
            **told,
            "alerts": [_past(each, answer) for each in answer.alerts],
            "actions": [
                {
                    "at": iso(deed.at),
                    "who": deed.who,
                    "what": deed.what,
                    "subject": deed.subject,
                    "before": dict(deed.before),
                    "after": dict(deed.after),
                }
                for deed in answer.deeds
            ],
        }
    if answer.notes:
        told["notes"] = list(answer.notes)
    return told


def _past(past: Past, answer: History) -> dict[str, Any]:
    standing = past.standing
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
        "highest_level": standing.level or None,
        "highest_severity": standing.severity,
        "value": decimal(standing.value, unit),
        "amount": decimal(standing.amount or 0, unit),
        "peak": decimal(past.peak, unit),
        "unit": unit_word(unit),
        "opened_at": iso(past.opened_at),
        "ended_at": iso(past.ended_at),
        "seconds": _seconds(past.lasted(answer.now)),
        "acknowledged_by": past.acknowledged_by or None,
        "acknowledged_at": iso(past.acknowledged_at),
        "acknowledged_after_seconds": _seconds(past.acknowledged_after),
        "messages": past.messages,
        "reason": standing.reason,
    }


def _event(moment: Moment, past: Past) -> dict[str, Any]:
    told: dict[str, Any] = {"at": iso(moment.at), "what": moment.what}
    if moment.value is not None:
        return told | {
            "level": moment.level or None,
            "value": decimal(moment.value, unit_of(past.standing.unit)),
            "reason": moment.reason,
            "poll": moment.poll,
            "delivered": [
                {"to": each.where, "state": each.state, "at": iso(each.at), "why": each.why or None}
                for each in moment.deliveries
            ],
        }
    return told | {
        "who": moment.who or None,
        "reason": moment.reason or None,
        "before": dict(moment.before),
        "after": dict(moment.after),
    }


def _flat(past: Past, answer: History) -> dict[str, Any]:
    row = _past(past, answer)
    period = row.pop("period") or {}
    row |= {"start": period.get("start"), "end": period.get("end")}
    return row | {"group": " · ".join(past.standing.group_names)}


def _moment_row(moment: Moment, past: Past) -> dict[str, Any]:
    return {
        "at": iso(moment.at),
        "what": moment.what,
        "level": moment.level,
        "value": decimal(moment.value, unit_of(past.standing.unit)) if moment.value is not None else None,
        "reason": moment.reason,
        "who": moment.who,
        "delivered_to": " ".join(each.where for each in moment.deliveries if each.state == "sent"),
        "note": str(moment.after.get("note") or moment.after.get("why") or ""),
    }


def _seconds(span: timedelta | None) -> int | None:
    return int(span.total_seconds()) if span is not None else None
