"""`rules`: what is watched, where it speaks, and what no budget watches."""

from typing import Any

from bot.core.listing import Listing, RuleLine
from bot.core.money import exact_usd, show_usd
from bot.core.period import show_span
from bot.core.question import Query
from bot.render import blocks, headlines
from bot.render.answering import csv_of, file_of, json_of, run_button, said, warnings
from bot.render.blocks import EMPTY, clean
from bot.render.drawn import table
from bot.render.headlines import PLAIN, SLACK, SPOKEN

SHOWN = 20
"""Rules a message shows, and uncovered projects a table."""
NAME = 60
RULES_CHARACTERS = 8_000
"""Of the 12,000 a message may have, so that what no budget watches is always shown."""


def slack(answer: Listing, query: Query | None = None) -> dict[str, Any]:
    """Return the answer in Slack."""
    body = warnings(answer.notes)
    body.append(blocks.section(headlines.of_rules(answer, query, SLACK)))
    shown, room = 0, RULES_CHARACTERS
    for each in answer.rules[:SHOWN]:
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


def shell(answer: Listing, form: str, query: Query | None = None) -> str:
    """Return the answer as `table`, `json` or `csv`."""
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
            [[clean(each.name) or EMPTY, show_usd(each.amount)] for each in answer.uncovered[:SHOWN]],
            [{}, {"align": "right"}],
        )
        if len(answer.uncovered) > SHOWN:
            lines.append(f"{len(answer.uncovered) - SHOWN:,} others")
    return "\n".join(lines).rstrip()
