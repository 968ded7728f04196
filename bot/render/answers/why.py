"""`why`: what changed, mostly because of whom and since when, and every part of it."""

from dataclasses import replace
from typing import Any

from bot.core.period import show_day
from bot.core.question import Query
from bot.core.telling import Part
from bot.core.why import Breakdown, Moved, Why, share
from bot.render import blocks, drawn
from bot.render.alert_blame import part_words
from bot.render.alert_blame import words as blame_words
from bot.render.alert_words import plain
from bot.render.answering import command, dated, file_of, foot, said
from bot.render.answers import why_machines
from bot.render.blocks import NOTHING, clean
from bot.render.charts import bars, carrying, native
from bot.render.effects import effects_line, effects_lines
from bot.render.headlines import PLAIN, SLACK, SPOKEN, Style, minus, percent
from bot.render.moved import days, filtered, money, not_stored, pivots, signed, title

FEW, FEW_SHELL = 2, 5
"""Parts of each dimension that are shown, where none was asked for."""
ROWS, TOP = 15, 20
"""Parts of the one that was asked for."""
NEWCOMERS = 3
MOSTLY = 50
"""Percent: who made up less of a change is told, and not as if they were most of it."""
EVERYBODY = "the organization"
NAME = 60
CHART = "why.chart"
TABLE_CHARACTERS = 9_000


def slack(answer: Why, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack."""
    del query  # the answer holds it
    asked = answer.query
    body: list[dict[str, Any]] = [blocks.section(headline(answer, SLACK))]
    if answer.chart is not None:
        body.append(native(answer.chart, CHART))
    if answer.change is not None and answer.shown:
        body.append(_table(answer))
    below = [line for line in (effects_line(answer, SLACK), newcomers(answer, SLACK)) if line]
    if below:
        body.append(blocks.section("\n".join(below)))
    body += [blocks.context(said(note)) for note in answer.notes]
    if asked.format:
        body.append(file_of(asked))
    meant = f"{command(asked.command)} = {understood(answer)}, UTC days{_rule(answer, SLACK)}"
    body.append(blocks.context(f"{meant} · {dated(answer.as_of)}"))
    body.append(_pivots(answer))
    return carrying(blocks.message(f"{headline(answer, SPOKEN)}.", body), answer.chart)


def headline(answer: Why, style: Style) -> str:
    """Return one sentence: what changed, by how much, mostly because of whom, since when."""
    told = _what(answer, style)
    span, versus = (days(each, answer.today) for each in (answer.against.span, answer.against.versus))
    if answer.why_not:
        return (
            f"{told}: nothing can be taken apart, for {_written(blocks.escape(clean(answer.why_not)), style)}"
        )
    if nothing := not_stored(answer.against.span, answer.today, answer.history_from, answer.as_of):
        return nothing
    if answer.after is None:
        return f"Not all costs of {span} are stored: what changed in them cannot be said"
    told = f"{told}: {style.bold(show(answer, answer.after))}"
    if answer.before is None or answer.change is None:
        if answer.against.usual:
            return f"{told}; too little is stored before to know what is usual"
        return f"{told}; not all costs of {versus} are stored, so nothing can be compared"
    change = answer.change
    was = _bare(answer, answer.before)
    if not change:
        return f"{told}, as much as {'usual' if answer.against.usual else f'in {versus}'}"
    part = percent(answer.after, answer.before)
    part = f" ({part[1:]})" if part[0] in "+−" else ""
    size = f"{_bare(answer, abs(change))}{part}"
    if answer.against.usual:
        told = f"{told}, {size} {'above' if change > 0 else 'below'} its usual {was}"
    else:
        told = f"{told}, {'up' if change > 0 else 'down'} {size} on {versus} ({was})"
    if answer.blame is None:
        return f"{told}; no part stands out"
    how = "mostly" if answer.blame.share >= MOSTLY else "first of all"
    return f"{told}; {how} {_written(blame_words(answer.blame), style)}"


def _what(answer: Why, style: Style) -> str:
    when = days(answer.against.span, answer.today)
    only = filtered(answer.query, style)
    if answer.alert is not None:
        subject = answer.alert.subject
        subject = subject.capitalize() if subject == EVERYBODY else subject
        return f"{style.bold(style.name(subject))}{only}, {when}"
    return f"Spend{only}, {when}"


def _written(mrkdwn: str, style: Style) -> str:
    """Return escaped mrkdwn as a room writes it."""
    if style is PLAIN:
        return drawn.words(mrkdwn)
    return mrkdwn if style is SLACK else plain(mrkdwn)


def understood(answer: Why) -> str:
    """Return the days as they were understood."""
    span, versus = (days(each, answer.today) for each in (answer.against.span, answer.against.versus))
    if not answer.against.usual:
        return f"{span} against {versus}"
    by_weekday = " by weekday" if answer.against.versus.days >= 14 else ""
    return f"{span} against what was usual in {versus}{by_weekday}"


def _rule(answer: Why, style: Style) -> str:
    return f" · rule {style.bold(style.name(answer.alert.rule))}" if answer.alert else ""


def show(answer: Why, figure: int) -> str:
    """Return a figure in the answer's unit."""
    return (
        money(raw=answer.query.raw)(figure)
        if answer.unit.dollars
        else f"{figure:,} {answer.unit.word}".rstrip()
    )


def _bare(answer: Why, figure: int) -> str:
    return show(answer, figure) if answer.unit.dollars else minus(f"{figure:,}")


def newcomers(answer: Why, style: Style) -> str:
    """Return `New: key *ingest-worker*, first seen 18 Nov, 74% of the rise`; '' where nobody is."""
    if not answer.new or answer.change is None:
        return ""
    told = []
    for dimension, part in answer.new[:NEWCOMERS]:
        assert part.first is not None
        who = _written(part_words(Part(dimension, part.name, 0)), style)
        part_of = share(part.change, answer.change)
        much = (
            f"{part_of}% of the rise" if answer.change > 0 and 0 < part_of <= 100 else _change(answer, part)
        )
        told.append(f"{who}, first seen {show_day(part.first)}, {much}")
    rest = len(answer.new) - len(told)
    more = f"; and {rest:,} more" if rest else ""
    return f"{style.bold('New')}: {'; '.join(told)}{more}"


# -- the table -------------------------------------------------------------------------------------


def _table(answer: Why) -> dict[str, Any]:
    few = min(max(ROWS, answer.query.top or 0), 90) if answer.query.by else answer.query.top or FEW
    while True:
        rows = _rows(answer, few, NOTHING)
        if few == 1 or (
            len(rows) < blocks.ROWS and sum(len(cell) for row in rows for cell in row) <= TABLE_CHARACTERS
        ):
            break
        few -= 1
    return blocks.table(_titles(answer), rows, right=(2, 3, 4, 5))


def _titles(answer: Why) -> list[str]:
    span, versus = (days(each, answer.today) for each in (answer.against.span, answer.against.versus))
    return ["By", "Name", "Usual" if answer.against.usual else versus, span, "Change", "Share of change"]


def _rows(answer: Why, few: int, blank: str) -> list[list[str]]:
    assert answer.before is not None
    assert answer.after is not None
    rows: list[list[str]] = []
    for breakdown in answer.shown:
        rows += _of(answer, breakdown, few)
    rows.append(["Total", blank, *_figures(answer, Moved("", "", answer.before, answer.after))])
    return rows


def _of(answer: Why, breakdown: Breakdown, few: int) -> list[list[str]]:
    parts, others, rest = breakdown.fewer(few)
    by = title(breakdown.dimension)
    rows = [[by, _named(part), *_figures(answer, part)] for part in parts]
    if others:
        rows.append([by, f"{others:,} other{'s' if others > 1 else ''}", *_figures(answer, rest)])
    return rows


def _named(part: Moved) -> str:
    name = blocks.plain(part.name, NAME)
    return f"{name} (new)" if part.first is not None else name


def _figures(answer: Why, part: Moved) -> list[str]:
    assert answer.change is not None
    part_of = minus(f"{share(part.change, answer.change)}%") if answer.change else NOTHING
    return [_bare(answer, part.before), _bare(answer, part.after), _change(answer, part), part_of]


def _change(answer: Why, part: Moved) -> str:
    return signed(part.change, lambda figure: _bare(answer, figure))


def _pivots(answer: Why) -> dict[str, Any]:
    query = replace(answer.query, public=False, format=None, to="")
    apart = [each.dimension for each in answer.breakdowns if each.told and len(each.parts) > 1]
    also = []
    if query.by:
        also.append(("Every dimension", replace(query, by=(), top=None)))
    if answer.alert is not None:
        also.append(("Explain", Query("explain", about=answer.alert.fingerprint)))
    else:
        also.append(("Compare", replace(query, verb="compare", by=query.by or ("project",), chart=None)))
    return pivots(answer.query, apart, also=also)


# -- a shell ---------------------------------------------------------------------------------------


def shell(answer: Why, form: str, query: Query | None = None) -> str:
    """Return the answer as `table`, `json` or `csv`."""
    del query
    if form == "json":
        return why_machines.json(answer)
    if form == "csv":
        return why_machines.csv(answer)
    lines = [f"OpenAI: {headline(answer, PLAIN)}"]
    if answer.change is not None and answer.shown:
        few = max(TOP, answer.query.top or 0) if answer.query.by else answer.query.top or FEW_SHELL
        rows = _rows(answer, few, "")
        rows = [[row[0] if row[0].startswith("API") else row[0].lower(), *row[1:]] for row in rows]
        right: list[dict[str, str]] = [{}, {}, *[{"align": "right"}] * 4]
        lines += ["", *drawn.table([["by", "name", *map(_small, _titles(answer)[2:])], *rows], right)]
    if below := [*effects_lines(answer), *([newcomers(answer, PLAIN)] if answer.new else [])]:
        lines += ["", *below]
    if answer.chart is not None:
        lines += ["", bars(answer.chart)]
    lines += ["", f"{understood(answer)}{_rule(answer, PLAIN)}."]
    return "\n".join([*lines, *foot(answer.as_of, answer.notes)])


def _small(text: str) -> str:
    return text.lower() if text in ("Change", "Share of change", "Usual") else text
