"""`status`: every budget at a glance, the worst first."""

from collections.abc import Sequence
from typing import Any

from bot.core.dimension import described
from bot.core.money import exact_usd
from bot.core.question import Query
from bot.core.rules.book import rank
from bot.core.silence import Silence
from bot.core.status import Standing, Status
from bot.core.units import Unit, unit_of
from bot.render import alert_words, blocks, headlines
from bot.render.alerts import EMOJI
from bot.render.answering import (
    command,
    csv_of,
    dated,
    file_of,
    foot,
    iso,
    json_of,
    run_button,
    said,
    warnings,
)
from bot.render.blocks import EMPTY, clean
from bot.render.drawn import table
from bot.render.figures import decimal, exact, whole
from bot.render.headlines import PLAIN, SLACK, SPOKEN, state, used

STANDINGS = 20
"""Budgets that a person is shown one by one; json and csv carry every one."""
QUIET = 5
"""Lines that say why something is not said again."""
NAME = 60
"""Characters of a name in a cell."""
_STATUS = ("rule", "fingerprint", "group", "start", "end", "state", "level", "severity")
_FIGURES = ("value", "amount", "ratio")
_MORE = ("kind", "unit", "estimated")


def slack(answer: Status, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack."""
    firing = [each for each in answer.standings if each.state == "firing"]
    headline = headlines.of_status(answer, query, SLACK)
    gravest = max((each.severity or "" for each in firing), key=rank, default="")
    if gravest:
        headline = f"{EMOJI[gravest]} {headline}"
    body = warnings(answer.notes)
    body.append(blocks.section(headline))
    if answer.standings:
        body.append(_standings(answer))
        if cut_offs := headlines.cut_offs(answer.standings[:STANDINGS], answer.as_of, SLACK):
            body.append(blocks.section("\n".join(cut_offs)))
        if quiet := _quiet(answer, SLACK):
            body.append(blocks.context(*quiet))
    rest = headlines.not_mine(answer.rest, SLACK) if answer.rest else ""
    if rest:
        body.append(blocks.section(f"{rest}."))
    if query and query.format:
        body.append(file_of(query))
    asked = f"{command(query.command)} · " if query else ""
    body.append(blocks.context(f"{asked}{dated(answer.as_of)}"))
    body.append(
        blocks.actions(
            [
                *([run_button("status all", "Every budget", "all")] if rest else []),
                run_button("report mtd by project", "Spend by project", "report"),
                run_button("rules", "Rules", "rules"),
            ]
        )
    )
    return blocks.message(f"{headlines.of_status(answer, query, SPOKEN)}.", body)


def _standings(answer: Status) -> dict[str, Any]:
    shown = answer.standings[:STANDINGS]
    what, figures = headlines.titles(shown)
    titles = ["State", what.capitalize(), "Period", figures.capitalize(), "Used", "Rule"]
    rows = []
    for each in shown:
        told = blocks.clip(headlines.figures(each, whole), 120)
        subject, rule = blocks.plain(each.subject, NAME), blocks.plain(each.rule_name, NAME)
        rows.append([state(each), subject, headlines.period(each), told, used(each), rule])
    if rest := headlines.others(answer, len(shown)):
        rows.append([blocks.NOTHING, rest, *[blocks.NOTHING] * 4])
    if figures == "figures" and not any(map(used, shown)):
        titles, rows = _without(4, titles), [_without(4, row) for row in rows]
    return blocks.table(titles, rows, right=(3,) if figures != "figures" else ())


def _quiet(answer: Status, style: headlines.Style) -> list[str]:
    """Return why what fires is not said again: who looks after it, what holds it back."""
    lines = []
    for each in answer.standings[:STANDINGS]:
        if each.state != "firing":
            continue
        subject = style.bold(style.name(each.subject))
        if each.silence:
            lines.append(f"{subject}: {_silenced(each.silence, style)}")
        elif each.acknowledgement:
            given = each.acknowledgement
            at = alert_words.show_instant(given.at)
            lines.append(f"{subject}: acknowledged by {_who(given.by, style)} at {at} UTC")
    more = len(lines) - QUIET
    return [*lines[:QUIET], *([f"{more} more are acknowledged or silenced"] if more > 0 else [])]


def _silenced(silence: Silence, style: headlines.Style) -> str:
    over = "it is over, " if silence.with_incident else ""
    until = f"{over}{alert_words.show_instant(silence.ends_at)} UTC"
    reason = blocks.clean(silence.reason) if style is PLAIN else said(silence.reason)
    return f"silenced by {_who(silence.made_by, style)} until {until}: {reason} · {silence.mark}"


def _who(name: str, style: headlines.Style) -> str:
    return clean(name) if style is PLAIN else alert_words.named(name)


def _without(place: int, cells: Sequence[str]) -> list[str]:
    return [*cells[:place], *cells[place + 1 :]]


def shell(answer: Status, form: str, query: Query | None = None) -> str:
    """Return the answer as `table`, `json` or `csv`."""
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
    shown = answer.standings[:STANDINGS]
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
    if quiet := _quiet(answer, PLAIN):
        lines += ["", *(f"{each}." for each in quiet)]
    if answer.rest and (rest := headlines.not_mine(answer.rest, PLAIN)):
        lines += ["", f"{rest}: status all shows every one."]
    return "\n".join([*lines, "", *foot(answer.as_of, ())])


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
