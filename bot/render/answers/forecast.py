"""What is ahead, in words: for a shell, for machines, and for Slack."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.core.ahead import Ahead, Forecasts
from bot.core.dimension import described
from bot.core.limits import CutOff
from bot.core.money import show_percent
from bot.core.period import show_day
from bot.core.question import Query
from bot.render import blocks
from bot.render.alerts import EMOJI
from bot.render.answering import asked_at, command, csv_of, dated, file_of, iso, json_of, run_button, warnings
from bot.render.drawn import table
from bot.render.figures import alone, decimal, estimate, short
from bot.render.headlines import PLAIN, SLACK, SPOKEN, Style, cut_off

NAME = 60
NAMED = 5
CUT_OFFS = 5
"""Cut-offs that are told one by one."""
LIKELY = 0.8
"""From here on a forecast is spoken of in amber."""
_COLUMNS = (
    "rule", "group", "start", "end", "metric", "value", "amount", "forecast", "low", "high", "ratio",
    "probability", "runs_out_at", "past_error", "origins", "settled_until", "hard_limit", "cut_off_at", "reason",
)  # fmt: skip
_FIGURES = ("value", "amount", "forecast", "low", "high", "ratio", "probability", "past_error", "hard_limit")
_TITLES = ("Budget", "Period", "So far", "Forecast", "4 times in 5", "Passes it", "Runs out", "Was off by")
_RIGHT = (2, 3, 5, 7)


def headline(answer: Forecasts, style: Style) -> str:
    """Return what the first lines come to, in a sentence or two without the last full stop."""
    if not answer.rows:
        return "No budget with a course matches: days and rolling periods have none"
    first = answer.rows[0]
    if not any(row.known for row in answer.rows):
        return f"There is no forecast now: {style.name(first.why)}"
    told = []
    if (first.whole or not first.rule_id) and first.known:
        likely = f"{alone(first.low, first.unit)} to {alone(first.high, first.unit)}"
        course = style.bold(short(first.total, first.unit))
        so_far = f"{short(first.value, first.unit)} so far"
        told.append(f"{_month(first, style)} is on course for {course} ({likely}): {so_far}")
    budgets = [row for row in answer.rows if row.rule_id and row.known]
    worst = max(budgets, key=lambda row: (row.over, row.ratio or 0.0), default=None)
    if worst is not None and worst.over:
        of = f"{short(worst.total, worst.unit)} of {alone(worst.amount or 0, worst.unit)}"
        told.append(f"{_of(answer, style)} on course past the amount; worst is {_named(worst, style)}: {of}")
    elif worst is not None:
        one = answer.budgets == 1
        kept = "The budget is" if one else f"All {style.bold(f'{answer.budgets:,} budgets')} are"
        nearest = f"{'' if one else 'nearest is '}{_named(worst, style)} at {_percent(worst)}"
        told.append(f"{kept} on course to be kept; {nearest}")
    return ". ".join(told)


def missing(answer: Forecasts, style: Style) -> Iterator[str]:
    """Yield why there is no forecast of whom, each reason once."""
    found: dict[str, list[str]] = {}
    for row in answer.rows:
        if not row.known:
            found.setdefault(row.why, []).append(row.subject)
    for why, subjects in found.items():
        few = ", ".join(style.name(subject) for subject in subjects[:NAMED])
        more = f" and {len(subjects) - NAMED:,} more" if len(subjects) > NAMED else ""
        yield f"No forecast of {few}{more}: {style.name(why)}"


def _of(answer: Forecasts, style: Style) -> str:
    """Return `*2 of 14 budgets* are`."""
    over, budgets = answer.over, answer.budgets
    if over < budgets:
        return f"{style.bold(f'{over:,} of {budgets:,} budgets')} {'is' if over == 1 else 'are'}"
    return f"{style.bold('1 budget')} is" if budgets == 1 else f"All {style.bold(f'{budgets:,} budgets')} are"


def _month(row: Ahead, style: Style) -> str:
    if row.whole:
        return f"The organization's {row.period}"
    return f"{_named(row, style)}, {row.period},"


def _named(row: Ahead, style: Style) -> str:
    return style.bold(style.name(row.subject))


def _percent(row: Ahead) -> str:
    return show_percent(row.total, row.amount) if row.amount else blocks.NOTHING


# -- OpenAI's cut-off ------------------------------------------------------------------------------------


def cut_offs(answer: Forecasts, style: Style) -> Iterator[str]:
    """Yield when OpenAI cuts off whom, soonest first, each once."""
    found: dict[str, tuple[datetime, Ahead, CutOff]] = {}
    known = answer.as_of
    for row in answer.rows:
        cut = row.cut
        if cut is None or (cut.at is None and not cut.enforcing):
            continue
        whom = "the organization" if "project" not in row.each else row.group_names[row.each.index("project")]
        at = cut.at or known
        if at is not None:
            found.setdefault(whom, (at, row, cut))
    soonest = sorted(found.items(), key=lambda item: item[1][0])
    for whom, (at, _, cut) in soonest[:CUT_OFFS]:
        yield cut_off(
            whom, at, cut.limit, style, enforcing=cut.enforcing, reached=known is not None and at <= known
        )
    if len(soonest) > CUT_OFFS:
        yield f"{len(soonest) - CUT_OFFS} others are on course to be cut off this month"


# -- one line --------------------------------------------------------------------------------------------


def _cells(row: Ahead) -> list[str]:
    so_far = short(row.value, row.unit)
    if row.amount is not None:
        so_far = f"{so_far} of {alone(row.amount, row.unit)}"
    so_far += estimate(row.estimated, row.unit)
    total = short(row.total, row.unit)
    if row.amount:
        total = f"{alone(row.total, row.unit)} ({_percent(row)})"
    likely = f"{alone(row.low, row.unit)} to {alone(row.high, row.unit)}"
    return [row.subject, row.period, so_far, total, likely, _chance(row), _runs_out(row), _off(row)]


def _chance(row: Ahead) -> str:
    if row.probability is None:
        return blocks.NOTHING
    if row.amount is not None and row.value >= row.amount:
        return "passed"
    if row.probability > 0.99:
        return "over 99%"
    return "under 1%" if row.probability < 0.01 else f"{row.probability:.0%}"


def _runs_out(row: Ahead) -> str:
    at = row.reached_at
    if at is None:
        return blocks.NOTHING
    if row.amount is not None and row.value >= row.amount:
        return f"on {show_day(at.date())}"
    return f"{show_day(at.date())} {at:%H}:00"


def _off(row: Ahead) -> str:
    """Return by how much forecasts of this budget were off so long before the end."""
    return blocks.NOTHING if row.past_error is None else f"±{row.past_error:.0%}"


def _rest(answer: Forecasts) -> str:
    if not answer.others:
        return ""
    unseen = ", far below their amounts" if answer.unseen == answer.others else ""
    return f"{answer.others:,} others{unseen}"


# -- a shell, and machines -------------------------------------------------------------------------------


def shell(answer: Forecasts, form: str = "table", query: Query | None = None) -> str:
    """Return what is ahead as `table`, `json` or `csv`."""
    del query  # the answer tells
    if form == "json":
        body: dict[str, Any] = {"as_of": iso(answer.as_of), "currency": "usd"}
        body["forecasts"] = [_row(row) for row in answer.rows]
        if answer.notes:
            body["notes"] = list(answer.notes)
        return json_of(body)
    if form == "csv":
        rows = []
        for row in answer.rows:
            told = {**_row(row), "group": " · ".join(row.group_names)}
            rows.append(told | told.pop("period"))
        return csv_of(_COLUMNS, rows, _FIGURES)
    lines = [*(f"Warning: {blocks.clean(note)}" for note in answer.notes), f"{headline(answer, PLAIN)}."]
    lines += [f"{said}." for said in cut_offs(answer, PLAIN)]
    known = [row for row in answer.rows if row.known]
    if known:
        titles = [title.lower() for title in _TITLES]
        titles.insert(1, "rule")
        cells = [[blocks.clean(cell) or blocks.EMPTY for cell in _cells(row)] for row in known]
        shown = [
            [told[0], row.rule_id or blocks.NOTHING, *told[1:]]
            for row, told in zip(known, cells, strict=True)
        ]
        settings = [{"align": "right"} if place - 1 in _RIGHT else {} for place in range(len(titles))]
        lines += ["", *table([titles, *shown], settings)]
    if rest := _rest(answer):
        lines.append(rest)
    if known and (lacking := list(missing(answer, PLAIN))):
        lines += ["", *(f"{each}." for each in lacking)]
    return "\n".join([*lines, "", asked_at(answer.as_of)])


def _row(row: Ahead) -> dict[str, Any]:
    def figure(value: int) -> str | None:
        return decimal(value, row.unit) if row.known else None

    names = dict(zip(row.each, row.group_names, strict=True))
    cut = row.cut
    return {
        "rule": row.rule_id or None,
        "group": described(row.each, row.group, lambda dimension, _value: names[dimension]),
        "period": {"start": row.span.start.isoformat(), "end": row.span.end.isoformat()},
        "metric": row.metric,
        "value": decimal(row.value, row.unit) if row.known or row.amount is not None else None,
        "estimated": decimal(row.estimated, row.unit),
        "amount": None if row.amount is None else decimal(row.amount, row.unit),
        "forecast": figure(row.total),
        "low": figure(row.low),
        "high": figure(row.high),
        "ratio": None if row.ratio is None else round(row.ratio, 3),
        "probability": None if row.probability is None else round(row.probability, 3) + 0.0,
        "runs_out_at": iso(row.reached_at),
        "past_error": None if row.past_error is None else round(row.past_error, 4),
        "origins": row.origins,
        "settled_until": row.settled_until.isoformat() if row.settled_until else None,
        "hard_limit": decimal(cut.limit, row.unit) if cut else None,
        "cut_off_at": iso(cut.at) if cut else None,
        "enforcing": cut.enforcing if cut else None,
        "reason": row.why or None,
    }


# -- Slack -----------------------------------------------------------------------------------------------


def slack(answer: Forecasts, query: Query | None = None) -> dict[str, Any]:
    """Return the message that answers in Slack."""
    said = headline(answer, SLACK)
    known = [row for row in answer.rows if row.known]
    likely = any((row.probability or 0) >= LIKELY for row in answer.rows)
    mark = EMOJI["warning"] if likely else EMOJI["info"]
    body = [*warnings(answer.notes), blocks.section(f"{mark} {said}" if known else said)]
    if cuts := list(cut_offs(answer, SLACK)):
        body.append(blocks.section("\n".join(f":scissors: {cut}" for cut in cuts)))
    if known:
        rows = [[blocks.plain(cell, NAME) for cell in _cells(row)] for row in known]
        if rest := _rest(answer):
            rows.append([rest, *[blocks.NOTHING] * (len(_TITLES) - 1)])
        body.append(blocks.table(_TITLES, rows, right=_RIGHT))
        if lacking := list(missing(answer, SLACK)):
            body.append(blocks.section("\n".join(lacking[:NAMED])))
    if query and query.format:
        body.append(file_of(query))
    explained = "“was off by”: how far its own forecasts were off, so long before the end"
    asked = f"{command(query.command)} · " if query else ""
    body.append(blocks.context(f"{asked}{dated(answer.as_of)}, UTC days · {explained}"))
    body.append(
        blocks.actions([run_button("status", "Status", "status"), run_button("rules", "Rules", "rules")])
    )
    return blocks.message(f"{headline(answer, SPOKEN)}.", body)
