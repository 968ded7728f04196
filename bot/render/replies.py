"""Answers in Slack: private unless `public` was said, always with their figure, their question and their date."""

from datetime import datetime
from typing import Any

from bot.core.helping import DIMENSIONS, RANGES, Help
from bot.core.listing import Listing
from bot.core.money import show_percent, show_usd
from bot.core.period import show_span
from bot.core.query import Misread
from bot.core.question import Query
from bot.core.report import Report
from bot.core.rules.book import rank
from bot.core.status import Status
from bot.core.verbs import TIMES
from bot.render import blocks
from bot.render.alerts import EMOJI

RUN, HELP = "cmd.run", "cmd.help"
VERSION = "v1"
"""In front of a button's value, so that an old button is known as such."""
STANDINGS = 20
ROWS = 15

Answer = Report | Status | Listing | Help | Misread


def reply(answer: Answer, query: Query | None = None) -> dict[str, Any]:
    """Return the body that answers a command: for its author alone, or for the channel when the question says so."""
    match answer:
        case Report():
            body = _report(answer)
        case Status():
            body = _status(answer)
        case Listing():
            body = _rules(answer)
        case Help():
            body = _help(answer)
        case Misread():
            body = _misread(answer)
    body["response_type"] = "in_channel" if query is not None and query.public else "ephemeral"
    return body


def _report(answer: Report) -> dict[str, Any]:
    what = "Largest spend" if answer.query.verb == "top" else "Spend"
    by = f" by {' and '.join(_words(dimension) for dimension in answer.by)}" if answer.by else ""
    if answer.as_of is None:
        note = "No costs are stored yet. The first poll fetches them; ask again in some minutes."
        return blocks.message(note, [blocks.section(note), _understood(answer.query, answer.span, None)])
    change = _change(answer)
    said = f"{what}{by}, {show_span(answer.span)}: *{show_usd(answer.total)}*{change}"
    text = f"{said.replace('*', '')}."
    if answer.rows:
        text = f"{text} Largest: {blocks.name(_largest(answer))}."
    shown = answer.shown[: max(ROWS, answer.query.top or 0)][: blocks.ROWS - 2]
    right = tuple(range(len(answer.by), len(answer.by) + 3))
    compared = any(row.before is not None for row in answer.rows)
    titles = [
        *[_words(d).capitalize() for d in answer.by],
        "Spend",
        "Share",
        *(["Change"] if compared else []),
    ]
    rows = [
        [
            *row.names,
            show_usd(row.amount),
            f"{row.share:.1%}",
            *([_percent(row.amount, row.before)] if compared else []),
        ]
        for row in shown
    ]
    rest = answer.rows[len(shown) :]
    if rest:
        amount = sum(row.amount for row in rest)
        share = f"{amount / answer.total:.1%}" if answer.total else "0.0%"
        blank = [blocks.NOTHING] * (len(answer.by) - 1)
        rows.append(
            [f"{len(rest)} others", *blank, show_usd(amount), share, *([blocks.NOTHING] if compared else [])]
        )
    body: list[dict[str, Any]] = [blocks.section(said)]
    if rows:
        body.append(blocks.table(titles, rows, right=right))
    body += [blocks.context(blocks.escape(note)) for note in answer.notes]
    body.append(_understood(answer.query, answer.span, answer.as_of))
    body.append(blocks.actions(_pivots(answer.query)))
    return blocks.message(text, body)


def _largest(answer: Report) -> str:
    row = max(answer.rows, key=lambda each: each.amount)
    return f"{' · '.join(row.names) or 'all'} {show_usd(row.amount)}"


def _pivots(query: Query) -> list[dict[str, Any]]:
    """Return buttons that ask the same by other dimensions."""
    buttons = []
    for dimension in ("project", "model", "line_item", "api_key", "day"):
        if (dimension,) == query.by:
            continue
        verb = "report" if dimension in TIMES else query.verb
        words = [verb, query.range_words, f"by {dimension}", *map(str, query.filters)]
        command = " ".join(word for word in words if word)
        if len(command) < 1_900:
            buttons.append(
                blocks.button(f"By {_words(dimension)}", f"{RUN}.{dimension}", f"{VERSION}|{command}")
            )
    return buttons


def _status(answer: Status) -> dict[str, Any]:
    firing = [each for each in answer.standings if each.state == "firing"]
    watched = sum(each.amount is not None for each in answer.standings)
    if not answer.standings:
        said = "No budget is watched."
    elif not firing:
        said = f"All *{watched} budget{'s' if watched != 1 else ''}* are under every level"
    else:
        worst = firing[0]
        said = (
            f"*{len(firing)} of {watched} budget{'s' if watched != 1 else ''}* passed a level; worst is "
            f"*{blocks.name(worst.subject)}* at *{show_percent(worst.value, worst.amount or 0)}* of its "
            f"{blocks.escape(worst.period)} budget"
        )
    body: list[dict[str, Any]] = [blocks.section(f":warning: {blocks.escape(note)}") for note in answer.notes]
    body.append(blocks.section(said))
    shown = answer.standings[:STANDINGS]
    if shown:
        rows = [
            [
                each.severity if each.severity and each.state == "firing" else each.state,
                each.subject,
                each.rule_name,
                f"{show_usd(each.value, cents=False)} of {show_usd(each.amount, cents=False)}"
                if each.amount is not None
                else each.reason,
                f"{blocks.bar(each.value, each.amount)}  {show_percent(each.value, each.amount)}"
                if each.amount is not None
                else "",
            ]
            for each in shown
        ]
        rest = len(answer.standings) - len(shown)
        if rest:
            rows.append([blocks.NOTHING, f"{rest} others, all further from their levels", "", "", ""])
        body.append(blocks.table(["State", "Budget", "Rule", "Spent", "Used"], rows, right=(3,)))
    body.append(blocks.context(_dated(answer.as_of)))
    gravest = max((each.severity or "" for each in firing), key=rank, default="")
    text = said.replace("*", "")
    if gravest:
        body[len(answer.notes)] = blocks.section(f"{EMOJI[gravest]} {said}")
    return blocks.message(text if text.endswith(".") else f"{text}.", body)


def _rules(answer: Listing) -> dict[str, Any]:
    count = len(answer.rules)
    said = f"*{count} rule{'s' if count != 1 else ''}* in force"
    if answer.uncovered:
        said += f", *{len(answer.uncovered)} project{'s' if len(answer.uncovered) != 1 else ''}* watched by no budget"
    body: list[dict[str, Any]] = [blocks.section(said)]
    for each in answer.rules[:20]:
        title = f"*{blocks.name(each.title, 80)}*"
        if each.link:
            title = f"<{blocks.escape(each.link)}|{blocks.name(each.title, 80)}>"
        levels = " ".join(blocks.escape(level) for level in each.thresholds)
        state = "" if each.state == "active" else f" · {blocks.escape(each.state)}"
        body.append(
            blocks.section(
                f"{title} `{each.id}`{state}\n{blocks.name(each.selects, 200)} · {blocks.name(each.amount, 200)} "
                f"{blocks.escape(each.period)} · at {levels} · speaks in {blocks.name(each.speaks_in, 80)}"
            )
        )
    if count > 20:
        body.append(blocks.context(f"{count - 20} more rules"))
    body += [blocks.context(blocks.escape(note)) for note in answer.notes]
    if answer.uncovered and answer.span:
        rows = [[each.name, show_usd(each.amount)] for each in answer.uncovered[:10]]
        if len(answer.uncovered) > 10:
            rest = answer.uncovered[10:]
            rows.append([f"{len(rest)} others", show_usd(sum(each.amount for each in rest))])
        body.append(blocks.section(f"*Watched by no budget*, {show_span(answer.span)}"))
        body.append(blocks.table(["Project", "Spend"], rows, right=(1,)))
    return blocks.message(f"{said.replace('*', '')}.", body)


def _help(answer: Help) -> dict[str, Any]:
    lines = []
    for verb in answer.verbs:
        lines.append(f"*{verb.name}* {blocks.escape(verb.summary)}")
        examples = verb.examples if answer.topic else verb.examples[:1]
        lines += [f"`/budget {blocks.escape(command)}` {blocks.escape(what)}" for command, what in examples]
        if answer.topic:
            lines.append(f"`{blocks.escape(verb.usage)}`")
    buttons = [
        blocks.button(f"Run: {verb.name}", f"{RUN}.{verb.name}", f"{VERSION}|{verb.name}")
        for verb in answer.verbs
        if verb.name != "help"
    ]
    text = (
        f"Help on {answer.topic}." if answer.topic else "What you can ask: status, report, top, rules, help."
    )
    body = [
        blocks.section("\n".join(lines)),
        blocks.context(
            f"Ranges: `{RANGES}`", f"By: `{DIMENSIONS}`", "Add `public` to answer in the channel."
        ),
    ]
    if buttons:
        body.append(blocks.actions(buttons))
    return blocks.message(text, body)


def _misread(answer: Misread) -> dict[str, Any]:
    problem = blocks.escape(answer.problem)
    body = [blocks.section(f":grey_question: {problem}")]
    buttons = [
        blocks.button(
            f"Run: {command}", f"{RUN}.{place}", f"{VERSION}|{command}", "primary" if not place else None
        )
        for place, command in enumerate(answer.corrections)
        if len(command) < 1_900
    ]
    if answer.verb:
        buttons.append(blocks.button("Help", HELP, f"{VERSION}|{answer.verb}"))
    if buttons:
        body.append(blocks.actions(buttons))
    first = f" Try: /budget {blocks.escape(answer.corrections[0])}" if answer.corrections else ""
    return blocks.message(f"{problem}{first}", body)


def trouble(sentence: str) -> dict[str, Any]:
    """Return the answer when a question could not be answered."""
    said = blocks.escape(sentence)
    return {**blocks.message(said, [blocks.section(f":warning: {said}")]), "response_type": "ephemeral"}


def _understood(query: Query, span: Any, as_of: datetime | None) -> dict[str, Any]:
    """Return the grey line that says how the question was read, and as of when it is answered."""
    return blocks.context(f"`{blocks.escape(query.command)}` = {show_span(span)}, UTC days · {_dated(as_of)}")


def _dated(as_of: datetime | None) -> str:
    return f"data as of {as_of.day} {as_of:%b %H:%M} UTC" if as_of else "no data yet"


def _change(answer: Report) -> str:
    if answer.before is None or answer.before <= 0:
        return ""
    up = answer.total >= answer.before
    return f"   {':small_red_triangle: up' if up else 'down'} {_percent(answer.total, answer.before, signed=False)} on {show_span(answer.compared)}"  # noqa: E501


def _percent(value: int, before: int | None, *, signed: bool = True) -> str:
    if before is None:
        return blocks.NOTHING
    if before <= 0:
        return "new" if value > 0 else blocks.NOTHING
    percent = round((value - before) * 100 / before)
    if not signed:
        return f"{abs(percent)}%"
    return f"+{percent}%" if percent >= 0 else f"−{-percent}%"


def _words(dimension: str) -> str:
    return dimension.replace("_", " ")
