"""Answers for a shell: tables for people, JSON and CSV for machines."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from bot.core.dimension import described
from bot.core.helping import OPERATORS, Help
from bot.core.listing import Listing
from bot.core.money import exact_usd, show_usd
from bot.core.outcome import Outcome
from bot.core.period import show_span
from bot.core.question import Query
from bot.core.report import Report, Row
from bot.core.status import Standing, Status
from bot.core.units import Unit, unit_of
from bot.core.verbs import TIMES
from bot.render import headlines
from bot.render.answering import asked_at, csv_of, iso, json_of
from bot.render.blocks import EMPTY, clean
from bot.render.drawn import table
from bot.render.figures import decimal, exact
from bot.render.headlines import PLAIN, share, state, used, words

TOP = 20
"""Rows a table shows; json and csv carry every row."""
LATEST = 31
"""Rows of a table that follows time: a month of days."""
_STATUS = ("rule", "fingerprint", "group", "start", "end", "state", "level", "severity")
_FIGURES = ("value", "amount", "ratio")
_MORE = ("kind", "unit", "estimated")


def report(answer: Report, form: str) -> str:
    """Return a report as `table`, `json` or `csv`."""
    if form == "json":
        return json_of(
            {
                "start": answer.span.start.isoformat(),
                "end": answer.span.end.isoformat(),
                "as_of": iso(answer.as_of),
                "history_from": answer.history_from.isoformat() if answer.history_from else None,
                "currency": "usd",
                "by": list(answer.by),
                "total_usd": exact_usd(answer.total),
                "rows": [_row(answer, row) for row in answer.shown],
                **({"others": _others(answer)} if answer.others[0] else {}),
                **({"notes": list(answer.notes)} if answer.notes else {}),
            }
        )
    if form == "csv":
        rows = [_row(answer, row) for row in answer.shown]
        return csv_of(_columns(answer.by), rows, ("cost_usd", "share"))
    return _report_table(answer)


def _report_table(answer: Report) -> str:
    lines = [f"OpenAI: {headlines.of_report(answer, PLAIN)}"]
    if answer.by and answer.rows and answer.as_of:
        short = answer.shortened(max(LATEST if answer.in_time else TOP, answer.query.top or 0))
        blank = [""] * (len(answer.by) - 1)
        titles = [*[words(dimension) for dimension in answer.by], "spend", "share"]
        rows = [
            [*[clean(name) or EMPTY for name in row.names], show_usd(row.amount), share(row.share)]
            for row in short.rows
        ]
        if short.others:
            part = share(short.amount / answer.total if answer.total else 0.0)
            rest = [
                f"{short.others:,} {'earlier' if short.earlier else 'others'}",
                *blank,
                show_usd(short.amount),
                part,
            ]
            rows.insert(0 if short.earlier else len(rows), rest)
        rows.append(["total", *blank, show_usd(answer.total), ""])
        settings = [*[{} for _ in answer.by], {"align": "right"}, {"align": "right"}]
        lines += ["", *table([titles, *rows], settings)]
    return "\n".join([*lines, "", *_foot(answer.as_of, answer.notes)])


def _row(answer: Report, row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for dimension, value, name in zip(answer.by, row.group, row.names, strict=True):
        if dimension in TIMES:
            told[dimension] = value
        else:
            told |= _named(dimension, value, name)
    return {**told, "cost_usd": exact_usd(row.amount), "share": round(row.share, 3) + 0.0}


def _named(dimension: str, value: str, name: str) -> dict[str, str | None]:
    return described((dimension,), (value,), lambda _dimension, _value: name)


def _others(answer: Report) -> dict[str, Any]:
    count, amount = answer.others
    return {"rows": count, "cost_usd": exact_usd(amount)}


def _columns(by: Sequence[str]) -> list[str]:
    names: list[str] = []
    for dimension in by:
        names += [dimension] if dimension in TIMES else list(_named(dimension, "", ""))
    return [*names, "cost_usd", "share"]


def status(answer: Status, form: str, query: Query | None = None) -> str:
    """Return where every budget stands."""
    if form == "json":
        body: dict[str, Any] = {
            "as_of": iso(answer.as_of),
            "rules": [_standing(each) for each in answer.standings],
        }
        if answer.notes:
            body["notes"] = list(answer.notes)
        return json_of(body)
    if form == "csv":
        rows = []
        for each in answer.standings:
            told = _standing(each)
            told["group"] = " · ".join(each.group_names)
            period = told.pop("period")
            told |= {"start": (period or {}).get("start"), "end": (period or {}).get("end")}
            rows.append(told)
        return csv_of([*_STATUS, *_FIGURES, "reason", *_MORE], rows, (*_FIGURES, "estimated"))
    lines = [
        *(f"Warning: {clean(note)}" for note in answer.notes),
        f"{headlines.of_status(answer, query, PLAIN)}.",
    ]
    shown = answer.standings[:TOP]
    if shown:
        what, figures = headlines.titles(shown)
        titles = ["state", what, "rule", "period", figures, "used", "alert"]
        right = {"align": "right"} if figures != "figures" else {}
        settings: list[dict[str, str]] = [{}, {}, {}, {}, right, {}, {}]
        lines += ["", *table([titles, *map(_line, shown)], settings)]
    if rest := headlines.others(answer, len(shown)):
        lines.append(rest)
    if cut_offs := headlines.cut_offs(shown, answer.as_of, PLAIN):
        lines += ["", *(f"{each}." for each in cut_offs)]
    return "\n".join([*lines, "", *_foot(answer.as_of, ())])


def _line(each: Standing) -> list[str]:
    told = [state(each), clean(each.subject) or EMPTY, each.rule_id, clean(headlines.period(each))]
    if each.amount is None:
        return [*told, "", clean(each.reason), ""]
    # What ack, silence and explain take: told of what people have been alerted to.
    mark = each.fingerprint if each.level else ""
    return [*told, clean(headlines.figures(each, exact)), used(each), mark]


def _standing(each: Standing) -> dict[str, Any]:
    names, unit = dict(zip(each.each, each.group_names, strict=True)), unit_of(each.unit)
    return {
        "rule": each.rule_id,
        "fingerprint": each.fingerprint,
        "group": described(each.each, each.group, lambda dimension, _value: names[dimension]),
        "period": {"start": each.span.start.isoformat(), "end": each.span.end.isoformat()}
        if each.span
        else None,
        "state": each.state,
        "level": each.level or None,
        "severity": each.severity,
        # What was not judged has no figure: a zero would read as one.
        "value": decimal(each.value, unit) if each.amount is not None else None,
        "amount": decimal(each.amount, unit) if each.amount is not None else None,
        "ratio": round(each.ratio, 3) + 0.0 if each.ratio is not None else None,
        "estimated": decimal(each.estimated, unit),
        "reason": each.reason,
        "acknowledged_by": each.acknowledged_by,
        "silenced_by": each.silenced_by,
        "kind": each.kind,
        "unit": _unit(unit),
        "note": each.note or None,
        "hard_limit": exact_usd(each.limited.amount) if each.limited else None,
        "cut_off_at": iso(each.limited.cut_off_at) if each.limited else None,
    }


def _unit(unit: Unit) -> str:
    """Return `usd`, `input tokens`, `usd per 1,000 requests`, `share` (of one)."""
    if unit.share:
        return "share"
    return f"usd {unit.word}".strip() if unit.dollars else unit.word


def rules(answer: Listing, form: str, query: Query | None = None) -> str:
    """Return the rules in force."""
    columns = ["id", "title", "kind", "selects", "period", "amount", "thresholds", "speaks_in", "state"]
    rows: list[dict[str, Any]] = [
        {
            "id": each.id,
            "title": each.title,
            "kind": each.kind,
            "selects": each.selects,
            "period": each.period,
            "amount": each.amount,
            "thresholds": list(each.thresholds),
            "speaks_in": each.speaks_in,
            "state": each.state,
        }
        for each in answer.rules
    ]
    if form == "json":
        bare = [
            {"project_id": each.project_id or None, "project": each.name, "cost_usd": exact_usd(each.amount)}
            for each in answer.uncovered
        ]
        return json_of({"rules": rows, "uncovered": bare, "notes": list(answer.notes)})
    for row in rows:
        row["thresholds"] = " ".join(row["thresholds"])
    if form == "csv":
        return csv_of(columns, rows, ())
    lines = [
        *(f"Warning: {clean(note)}" for note in answer.notes),
        f"{headlines.of_rules(answer, query, PLAIN)}.",
        "",
    ]
    for each in answer.rules:
        levels = f"; at {' '.join(each.thresholds)}" if each.thresholds else ""
        lines.append(f"{each.id} ({each.kind}, {each.state}): {clean(each.title)}")
        lines.append(f"    {clean(each.selects)}; {clean(headlines.budget(each))}{levels}")
        lines.append(f"    speaks in {clean(each.speaks_in)}")
    if answer.uncovered and answer.span:
        total = sum(each.amount for each in answer.uncovered)
        lines += ["", f"Watched by no budget, {show_span(answer.span)}: {show_usd(total)}"]
        lines += table(
            [[clean(each.name) or EMPTY, show_usd(each.amount)] for each in answer.uncovered[:TOP]],
            [{}, {"align": "right"}],
        )
        if len(answer.uncovered) > TOP:
            lines.append(f"{len(answer.uncovered) - TOP:,} others")
    return "\n".join(lines).rstrip()


def outcome(answer: Outcome) -> str:
    """Return what became of an order."""
    return clean(answer.said.replace("{by}", answer.by))


def help_text(answer: Help) -> str:
    """Return what can be asked."""
    lines: list[str] = []
    for verb in answer.verbs:
        lines.append(f"{verb.usage}")
        lines.append(f"    {verb.summary}")
        lines += [f"    e.g. {command}: {what}" for command, what in (verb.examples if answer.topic else ())]
    more = [
        f"RANGE: {answer.ranges} (UTC days)" if answer.ranges else "",
        f"DIM: {answer.dimensions}" if answer.dimensions else "",
        f"WHEN: {answer.ends}, until over (the incident is)" if answer.ends else "",
        f"KEY: {answer.filters} ({OPERATORS}; quote > and * for the shell)" if answer.filters else "",
    ]
    return "\n".join([*lines, "", *[line for line in more if line]]).rstrip()


def _foot(as_of: datetime | None, notes: Iterable[str]) -> list[str]:
    return [asked_at(as_of), *(clean(note) for note in notes)]
