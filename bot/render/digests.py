"""A digest as a message: what it came to, the chart, who moved, the table, and what became of the alerts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.course import Course
from bot.core.digest import Alerting, Digested, Mover
from bot.core.money import show_percent
from bot.core.period import show_day
from bot.render import blocks, headlines
from bot.render.announcements import unwatched
from bot.render.answering import dated, said
from bot.render.answers.report import pivots, rows_table
from bot.render.charts import carrying, native
from bot.render.figures import short
from bot.render.headlines import SLACK, SPOKEN, Style

CHART = "digest.chart"


def message(told: Digested, footer: str, zone: str = "") -> dict[str, Any]:
    """Return the digest; its chart stands among the blocks, and beside them for whoever must draw it otherwise.

    `footer` is mrkdwn: which digest it is, or how to change when it comes. `zone` names the reader's clocks.
    """
    report = told.report
    body = [blocks.header(_title(told)), blocks.section(_headline(told, SLACK))]
    if told.chart is not None:
        body.append(native(told.chart, CHART))
    if told.up or told.down:
        body.append(blocks.fields(*_moved("Up the most", told.up), *_moved("Down the most", told.down)))
    if report.by and report.rows and report.as_of is not None:
        body.append(rows_table(report))
    body += [blocks.context(said(note)) for note in report.notes]
    if told.unwatched:
        body.append(blocks.section(unwatched(told.unwatched)))
    notes = [_alerting(told.alerting), _dated(report.as_of, zone), footer]
    body.append(blocks.context(" · ".join(note for note in notes if note)))
    body.append(blocks.actions(pivots(report.query)))
    spoken = f"{_title(told, escaped=True)}: {_headline(told, SPOKEN)}"
    return carrying(blocks.message(spoken, body), told.chart)


def _title(told: Digested, *, escaped: bool = False) -> str:
    report = told.report
    only = f", {' '.join(map(str, report.query.filters))}" if report.query.filters else ""
    title = f"OpenAI spend, {headlines.days(report, report.span)}"
    return f"{title}{blocks.name(only, 100) if escaped and only else only}"


def _headline(told: Digested, style: Style) -> str:
    """Return `$13,113, up 29% on 9–15 Nov. November is on course for $58,400 of $60,000 (97%).`"""
    report = told.report
    if report.as_of is None or report.stored is None:
        return f"{headlines.of_report(report, style)}."
    part = ""
    if report.stored.start > report.span.start:
        part = f" since {show_day(report.stored.start)} (earlier days are not stored)"
    elif report.stored.end < report.span.end:
        part = f" up to {show_day(report.stored.last)} (later days were not read yet)"
    first = f"{style.bold(_money(report.total))}{part}{headlines.change(report)}"
    course = _course(told.course, style, whole=told.course is not None and told.course.month == report.span)
    return f"{first}{course}."


def _course(course: Course | None, style: Style, *, whole: bool) -> str:
    """Return what becomes of the month; of one that is over, how much of its budget it took."""
    if course is None:
        return ""
    amount, month = course.amount, f"{course.month.start:%B}"
    if whole and not course.ahead:
        if not amount:
            return ""
        if course.total > amount:
            return f", {style.bold(f'{_money(course.total - amount)} over')} the budget of {_money(amount)}"
        return f", {show_percent(course.total, amount)} of the budget of {_money(amount)}"
    end = course.end
    if end is None:
        if not amount:
            return ""
        return f". {month} has come to {style.bold(_money(course.total))} of {_money(amount)}"
    told = f". {month} is on course for {style.bold(_money(end.total))}"
    if not amount:
        return told
    of = f"{told} of {_money(amount)} ({show_percent(end.total, amount)})"
    if course.total > amount:
        return f"{of}, and {style.bold(f'{_money(course.total - amount)} over')} already"
    return f"{of}, {style.bold(f'{_money(end.total - amount)} over')}" if end.total > amount else of


def _moved(title: str, movers: Sequence[Mover]) -> list[str]:
    if not movers:
        return []
    lines = [f"{blocks.name(' · '.join(each.names))} {_signed(each.change)}" for each in movers]
    return [
        "\n".join([f"*{title}*", *(f"{line}{_new(each)}" for line, each in zip(lines, movers, strict=True))])
    ]


def _new(each: Mover) -> str:
    if each.before <= 0:
        return " (new)" if each.change > 0 else ""
    return f" ({headlines.percent(each.before + each.change, each.before)})"


def _signed(change: int) -> str:
    return f"+{_money(change)}" if change > 0 else f"−{_money(-change)}"


def _alerting(counts: Alerting) -> str:
    """Return `3 alerts opened, 2 closed; 1 is open, 1 of them acknowledged`."""
    if not (counts.opened or counts.closed or counts.open):
        return "no alerts"
    came = "no alert opened or closed"
    if counts.opened or counts.closed:
        alerts = "alert" if counts.opened == 1 else "alerts"
        came = f"{counts.opened or 'no'} {alerts} opened, {counts.closed or 'none'} closed"
    if not counts.open:
        return f"{came}; none is open"
    held = f", {counts.acknowledged} of them acknowledged" if counts.acknowledged else ""
    return f"{came}; {counts.open} {'is' if counts.open == 1 else 'are'} open now{held}"


def _dated(as_of: datetime | None, zone: str) -> str:
    if not zone or as_of is None:
        return dated(as_of)
    local = as_of.astimezone(ZoneInfo(zone))
    return f"data as of {local.day} {local:%b %H:%M %Z}"


def _money(amount: int) -> str:
    return short(amount)
