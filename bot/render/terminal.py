"""Answers for a shell: tables for people, JSON and CSV for machines."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.core.dimension import described
from bot.core.helping import DIMENSIONS, RANGES, Help
from bot.core.listing import Listing
from bot.core.money import exact_usd, show_percent, show_usd
from bot.core.period import show_span
from bot.core.report import Report, Row
from bot.core.status import Standing, Status
from bot.core.verbs import TIMES
from bot.render.blocks import bar, clean
from bot.render.drawn import table

TOP = 20
"""Rows a table shows; json and csv carry every row."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def report(answer: Report, form: str) -> str:
    """Return a report as `table`, `json` or `csv`."""
    if form == "json":
        return _json(
            {
                "start": answer.span.start.isoformat(),
                "end": answer.span.end.isoformat(),
                "as_of": _iso(answer.as_of),
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
        return _csv(_columns(answer.by), rows, ("cost_usd", "share"))
    return _report_table(answer)


def _report_table(answer: Report) -> str:
    shown = answer.shown[:TOP]
    rest = len(answer.rows) - len(shown)
    titles = [*[dimension.replace("_", " ") for dimension in answer.by], "spend", "share"]
    rows = [[*[clean(name) for name in row.names], show_usd(row.amount), f"{row.share:.1%}"] for row in shown]
    if rest > 0:
        amount = sum(row.amount for row in answer.rows[len(shown) :])
        share = amount / answer.total if answer.total else 0.0
        rows.append([f"{rest} others", *[""] * (len(answer.by) - 1), show_usd(amount), f"{share:.1%}"])
    if answer.by:
        rows.append(["total", *[""] * (len(answer.by) - 1), show_usd(answer.total), ""])
    settings = [*[{} for _ in answer.by], {"align": "right"}, {"align": "right"}]
    lines = [f"OpenAI spend, {show_span(answer.span)} (UTC days): {show_usd(answer.total)}{_change(answer)}"]
    if rows and answer.rows:
        lines += ["", *table([titles, *rows], settings)]
    return "\n".join([*lines, "", *_foot(answer.as_of, answer.notes)])


def _change(answer: Report) -> str:
    if answer.before is None or answer.before <= 0:
        return ""
    percent = round((answer.total - answer.before) * 100 / answer.before)
    return f", {percent:+d}% on {show_span(answer.compared)}".replace("-", "−")


def _row(answer: Report, row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for dimension, value, name in zip(answer.by, row.group, row.names, strict=True):
        if dimension in TIMES:
            told[dimension] = value
        else:
            told |= _named(dimension, value, name)
    return {**told, "cost_usd": exact_usd(row.amount), "share": round(row.share, 3)}


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


def status(answer: Status, form: str) -> str:
    """Return where every budget stands."""
    if form == "json":
        body: dict[str, Any] = {
            "as_of": _iso(answer.as_of),
            "rules": [_standing(each) for each in answer.standings],
        }
        if answer.notes:
            body["notes"] = list(answer.notes)
        return _json(body)
    if form == "csv":
        rows = []
        for each in answer.standings:
            told = _standing(each)
            told["group"] = " · ".join(each.group_names)
            period = told.pop("period")
            told |= {"start": (period or {}).get("start"), "end": (period or {}).get("end")}
            rows.append(told)
        names = [
            "rule",
            "fingerprint",
            "group",
            "start",
            "end",
            "state",
            "level",
            "severity",
            "value",
            "amount",
        ]
        return _csv([*names, "ratio", "reason"], rows, ("value", "amount", "ratio"))
    shown = answer.standings[:TOP]
    lines: list[str] = []
    if shown:
        standings = [
            [
                f"{each.severity or each.state}",
                clean(each.subject),
                each.rule_id,
                clean(each.period),
                f"{show_usd(each.value)} of {show_usd(each.amount)}" if each.amount is not None else "",
                f"{bar(each.value, each.amount)} {show_percent(each.value, each.amount)}"
                if each.amount is not None
                else each.reason,
            ]
            for each in shown
        ]
        titles = ["state", "budget", "rule", "period", "spent", "used"]
        lines += table([titles, *standings], [{}, {}, {}, {}, {"align": "right"}, {}])
    else:
        lines.append("No budget is watched.")
    if len(answer.standings) > len(shown):
        lines.append(f"{len(answer.standings) - len(shown)} others")
    return "\n".join([*lines, "", *_foot(answer.as_of, answer.notes)])


def _standing(each: Standing) -> dict[str, Any]:
    names = dict(zip(each.each, each.group_names, strict=True))
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
        "value": exact_usd(each.value),
        "amount": exact_usd(each.amount) if each.amount is not None else None,
        "ratio": round(each.ratio, 3) if each.ratio is not None else None,
        "estimated": "0",
        "reason": each.reason,
        "acknowledged_by": each.acknowledged_by,
        "silenced_by": each.silenced_by,
    }


def rules(answer: Listing, form: str) -> str:
    """Return the rules in force."""
    columns = ["id", "kind", "selects", "period", "amount", "thresholds", "speaks_in", "state"]
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
        return _json({"rules": rows, "uncovered": bare, "notes": list(answer.notes)})
    for row in rows:
        row["thresholds"] = " ".join(row["thresholds"])
    if form == "csv":
        return _csv(columns, rows, ())
    lines: list[str] = []
    for row in rows:
        lines.append(f"{row['id']} ({row['kind']}, {row['state']}): {clean(row['title'])}")
        lines.append(
            f"    {clean(row['selects'])}; {clean(row['amount'])} {row['period']}; {row['thresholds']}"
        )
        lines.append(f"    speaks in {clean(row['speaks_in'])}")
    lines += answer.notes
    if answer.uncovered and answer.span:
        total = sum(each.amount for each in answer.uncovered)
        lines += ["", f"Watched by no budget, {show_span(answer.span)}: {show_usd(total)}"]
        lines += table(
            [[clean(each.name), show_usd(each.amount)] for each in answer.uncovered[:TOP]],
            [{}, {"align": "right"}],
        )
        if len(answer.uncovered) > TOP:
            lines.append(f"{len(answer.uncovered) - TOP} others")
    return "\n".join(lines)


def help_text(answer: Help) -> str:
    """Return what can be asked."""
    lines: list[str] = []
    for verb in answer.verbs:
        lines.append(f"{verb.usage}")
        lines.append(f"    {verb.summary}")
        lines += [f"    e.g. {command}: {what}" for command, what in (verb.examples if answer.topic else ())]
    return "\n".join([*lines, "", f"RANGE: {RANGES}", f"DIM: {DIMENSIONS}"])


def _foot(as_of: datetime | None, notes: Iterable[str]) -> list[str]:
    said = f"As of {as_of:%Y-%m-%d %H:%M} UTC." if as_of else "Nothing was read yet."
    return [said, *(clean(note) for note in notes)]


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], numbers: Sequence[str]) -> str:
    """Return rows as CSV; a cell from outside that a spreadsheet would run as a formula is quoted by '."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column), number=column in numbers) for column in columns])
    return out.getvalue().rstrip("\n")


def _cell(value: Any, *, number: bool) -> str:
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if not number and text.startswith(_FORMULA) else text


def _json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False)


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
