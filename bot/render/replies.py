"""Answers in Slack: private unless `public` was said, always with their figure, their question and their date."""

from collections.abc import Sequence
from typing import Any

from bot.core.accuracy import Accuracy
from bot.core.ahead import Forecasts
from bot.core.explanation import Explanation
from bot.core.helping import OPERATORS, Help
from bot.core.listing import Listing, RuleLine
from bot.core.money import show_usd
from bot.core.outcome import Outcome
from bot.core.period import show_span
from bot.core.query import Misread
from bot.core.question import Query
from bot.core.report import Report, Row, Shortened
from bot.core.rules.book import rank
from bot.core.status import Status
from bot.core.verbs import TIMES
from bot.render import accuracy, ahead, blocks, explanation, headlines
from bot.render.alert_words import named
from bot.render.alerts import EMOJI
from bot.render.answering import HELP, RUN, VERSION, command, dated, file_of, run_button, said, warnings
from bot.render.figures import whole
from bot.render.headlines import SLACK, SPOKEN, percent, share, state, used, words

__all__ = ["HELP", "RUN", "VERSION", "reply", "trouble"]

STANDINGS = 20
ROWS, LATEST = 15, 31
"""Rows of a report: the largest, or the latest where they follow time (a month of days)."""
NAME = 60
"""Characters of a name in a cell: the longest of OpenAI's own line items has 58."""
RULES_CHARACTERS = 8_000
"""Of the 12,000 a message may have, so that what no budget watches is always shown."""
TABLE_CHARACTERS = 9_500

Answer = Report | Status | Forecasts | Explanation | Accuracy | Listing | Help | Misread | Outcome


def reply(answer: Answer, query: Query | None = None) -> dict[str, Any]:
    """Return the body that answers a command: for its author alone, or for the channel when the question says so."""
    match answer:
        case Report():
            body = _report(answer)
        case Status():
            body = _status(answer, query)
        case Forecasts():
            body = ahead.reply(answer, query)
        case Explanation():
            body = explanation.reply(answer, query)
        case Accuracy():
            body = accuracy.reply(answer, query)
        case Listing():
            body = _rules(answer, query)
        case Help():
            body = _help(answer)
        case Misread():
            body = _misread(answer)
        case Outcome():
            body = _outcome(answer)
    body["response_type"] = "in_channel" if query is not None and query.public else "ephemeral"
    return body


# -- report and top --------------------------------------------------------------------------------


def _report(answer: Report) -> dict[str, Any]:
    body: list[dict[str, Any]] = [blocks.section(headlines.of_report(answer, SLACK))]
    spoken = f"{headlines.of_report(answer, SPOKEN)}."
    if answer.as_of is not None:
        if most := headlines.largest(answer, SPOKEN):
            spoken = f"{spoken} {most}."
        if answer.by and answer.rows:
            body.append(_table(answer))
        body += [blocks.context(said(note)) for note in answer.notes]
    if answer.query.format:
        body.append(file_of(answer.query))
    understood = f"{command(answer.query.command)} = {headlines.days(answer, answer.span)}, UTC days"
    body.append(blocks.context(f"{understood} · {dated(answer.as_of)}"))
    body.append(blocks.actions(_pivots(answer.query)))
    return blocks.message(spoken, body)


def _table(answer: Report) -> dict[str, Any]:
    compared = any(row.before is not None for row in answer.rows)
    titles = [*[_title(dimension) for dimension in answer.by], "Spend", "Share"]
    if compared:
        titles.append("Change")
    # The others are added up here, so that what Slack has no room for is never lost from the sum.
    most = min(max(LATEST if answer.in_time else ROWS, answer.query.top or 0), blocks.ROWS - 2)
    while True:
        rows = _rows(answer, answer.shortened(most), compared=compared)
        if most == 1 or sum(len(cell) for row in rows for cell in row) <= TABLE_CHARACTERS:
            break
        most -= 1
    return blocks.table(titles, rows, right=tuple(range(len(answer.by), len(titles))))


def _rows(answer: Report, short: Shortened, *, compared: bool) -> list[list[str]]:
    def cells(row: Row) -> list[str]:
        names = [blocks.plain(name, NAME) for name in row.names]
        told = [*names, show_usd(row.amount), share(row.share)]
        return [*told, percent(row.amount, row.before)] if compared else told

    rows = [cells(row) for row in short.rows]
    if short.others:
        part = share(short.amount / answer.total if answer.total else 0.0)
        blank = [blocks.NOTHING] * (len(answer.by) - 1)
        what = f"{short.others:,} {'earlier' if short.earlier else 'others'}"
        rest = [what, *blank, show_usd(short.amount), part, *([blocks.NOTHING] if compared else [])]
        rows.insert(0 if short.earlier else len(rows), rest)
    return rows


def _pivots(query: Query) -> list[dict[str, Any]]:
    """Return buttons that ask the same by other dimensions."""
    buttons = []
    for dimension in ("project", "model", "line_item", "api_key", "day"):
        if (dimension,) == query.by:
            continue
        verb = "report" if dimension in TIMES else query.verb
        asked = [verb, query.range_words, f"by {dimension}", *map(str, query.filters)]
        buttons.append(
            run_button(" ".join(word for word in asked if word), f"By {words(dimension)}", dimension)
        )
    return buttons


# -- status ----------------------------------------------------------------------------------------


def _status(answer: Status, query: Query | None) -> dict[str, Any]:
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
    if query and query.format:
        body.append(file_of(query))
    asked = f"{command(query.command)} · " if query else ""
    body.append(blocks.context(f"{asked}{dated(answer.as_of)}"))
    body.append(
        blocks.actions(
            [
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


def _without(place: int, cells: Sequence[str]) -> list[str]:
    return [*cells[:place], *cells[place + 1 :]]


# -- rules -----------------------------------------------------------------------------------------


def _rules(answer: Listing, query: Query | None) -> dict[str, Any]:
    body = warnings(answer.notes)
    body.append(blocks.section(headlines.of_rules(answer, query, SLACK)))
    shown, room = 0, RULES_CHARACTERS
    for each in answer.rules[:STANDINGS]:
        told = blocks.section(_rule(each))
        room -= blocks.characters(told)
        if room < 0:
            break
        body.append(told)
        shown += 1
    if rest := len(answer.rules) - shown:
        body.append(blocks.context(f"{rest:,} more rules: `budgetbot rules` in a shell lists every one."))
    if answer.uncovered and answer.span:
        rows = [[blocks.plain(each.name, NAME), show_usd(each.amount)] for each in answer.uncovered[:10]]
        if len(answer.uncovered) > 10:
            others = answer.uncovered[10:]
            rows.append([f"{len(others):,} others", show_usd(sum(each.amount for each in others))])
        body.append(blocks.section(f"*Watched by no budget*, {show_span(answer.span)}"))
        body.append(blocks.table(["Project", "Spend"], rows, right=(1,)))
    if query and query.format:
        body.append(file_of(query))
    body.append(blocks.actions([run_button("status", "Status", "status")]))
    return blocks.message(f"{headlines.of_rules(answer, query, SPOKEN)}.", body)


def _rule(each: RuleLine) -> str:
    title = f"*{blocks.name(each.title, 80)}*"
    if each.link:
        title = f"<{blocks.escape(each.link)}|{blocks.name(each.title, 80)}>"
    condition = "" if each.state == "active" else f" · {said(each.state)}"
    levels = f" · at {' '.join(map(blocks.escape, each.thresholds))}" if each.thresholds else ""
    return (
        f"{title} `{each.id}`{condition}\n{blocks.name(each.selects, 200)} · {blocks.name(headlines.budget(each), 250)}"
        f"{levels} · speaks in {blocks.name(each.speaks_in, 120)}"
    )


# -- help, and words that were not understood ------------------------------------------------------


def _help(answer: Help) -> dict[str, Any]:
    lines = []
    for verb in answer.verbs:
        lines.append(f"*{verb.name}*: {blocks.escape(verb.summary)}")
        examples = verb.examples if answer.topic else verb.examples[:1]
        lines += [f"`/budget {blocks.escape(command)}` {blocks.escape(what)}" for command, what in examples]
        if answer.topic:
            lines.append(f"`{blocks.escape(verb.usage)}`")
    more = [
        f"Ranges, in UTC days: `{answer.ranges}`" if answer.ranges else "",
        f"By: `{answer.dimensions}`" if answer.dimensions else "",
        f"Filters: `{blocks.escape(answer.filters)}` ({blocks.escape(OPERATORS)})" if answer.filters else "",
        f"A silence ends: `{answer.ends}, until over`" if answer.ends else "",
        "Only you see the answer; add `public` to answer in the channel." if answer.shared else "",
    ]
    body = [blocks.section("\n".join(lines))]
    if any(more):
        body.append(blocks.context(*[line for line in more if line]))
    buttons = [
        run_button(verb.name, f"Run: {verb.name}", verb.name)
        for verb in answer.verbs
        if verb.name != "help" and verb.alone
    ]
    if buttons:
        body.append(blocks.actions(buttons))
    known = ", ".join(verb.name for verb in answer.verbs)
    text = (
        f"Help on {answer.topic}: {answer.verbs[0].summary}."
        if answer.topic
        else f"What you can ask: {known}."
    )
    return blocks.message(blocks.escape(text), body)


def _misread(answer: Misread) -> dict[str, Any]:
    problem = said(answer.problem)
    body = [blocks.section(f":grey_question: {problem}")]
    buttons = [
        run_button(words, f"Run: {words}", str(place), primary=not place)
        for place, words in enumerate(answer.corrections)
    ]
    if answer.verb:
        buttons.append(blocks.button("Help", HELP, f"{VERSION}|{answer.verb}"))
    if buttons:
        body.append(blocks.actions(buttons))
    first = f" Try: /budget {said(answer.corrections[0])}" if answer.corrections else ""
    return blocks.message(f"{problem}{first}", body)


def _outcome(answer: Outcome) -> dict[str, Any]:
    done = said(answer.said).replace("{by}", named(answer.by))
    mark = ":white_check_mark:" if answer.done else ":information_source:"
    return blocks.message(done, [blocks.section(f"{mark} {done}")])


def trouble(sentence: str) -> dict[str, Any]:
    """Return the answer when a question could not be answered."""
    told = said(sentence)
    return {**blocks.message(told, [blocks.section(f":warning: {told}")]), "response_type": "ephemeral"}


# -- what answers share ----------------------------------------------------------------------------


def _title(dimension: str) -> str:
    told = words(dimension)
    return told[0].upper() + told[1:]
