"""`doctor`: what is wrong first, each with its remedy; what is well in one line."""

from collections.abc import Iterable, Iterator
from typing import Any

from bot.core.health import Finding, Health, folded
from bot.core.question import Query
from bot.render import blocks
from bot.render.answering import csv_of, json_of, run_button, said

MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}
_EMOJI = {"wrong": ":red_circle:", "note": ":information_source:"}
_COLUMNS = ("what", "state", "said", "remedy")
MOST = 30
"""Findings that a message shows one by one."""


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the lines of a terminal, as the findings come."""
    for finding in folded(findings):
        yield f"{MARKS[finding.state]} {blocks.clean(finding.what)}: {blocks.clean(finding.said)}"
        if finding.remedy:
            yield f"      → {blocks.clean(finding.remedy)}"


def headline(count: int) -> str:
    """Return how many things are wrong, without a full stop."""
    return f"{count} thing{'s' if count != 1 else ''} to mend" if count else "Everything works"


def row(finding: Finding) -> dict[str, Any]:
    """Return a finding as machines read it."""
    return {"what": finding.what, "state": finding.state, "said": finding.said, "remedy": finding.remedy}


def shell(answer: Health, form: str = "table", query: Query | None = None) -> str:
    """Return the findings as `table`, `json` or `csv`."""
    del query  # the answer tells
    if form == "json":
        return json_of({"findings": [row(finding) for finding in answer.findings]})
    if form == "csv":
        return csv_of(_COLUMNS, map(row, answer.findings), ())
    return "\n".join([*lines(answer.findings), f"{headline(len(answer.of('wrong')))}."])


def slack(answer: Health, query: Query | None = None) -> dict[str, Any]:
    """Return the message that answers in Slack."""
    del query  # it takes no words
    wrong, notes = answer.of("wrong"), answer.of("note")
    told = f"{headline(len(wrong))}."
    mark = ":red_circle:" if wrong else ":white_check_mark:"
    body = [blocks.section(f"{mark} *{told}*")]
    shown = list(folded([*wrong, *notes]))
    body += [blocks.section(_drawn(finding)) for finding in shown[:MOST]]
    if len(shown) > MOST:
        body.append(blocks.context(f"and {len(shown) - MOST} more: budgetbot doctor shows all in a shell"))
    well = [said(f"{finding.what}: {finding.said}") for finding in folded(answer.of("ok"))]
    if well:
        body.append(blocks.context(blocks.clip_mrkdwn(f"Well: {' · '.join(well)}", 2_000)))
    at = f"{answer.at.day} {answer.at:%b %H:%M} UTC"
    body.append(blocks.context(f"looked at {at} from inside; `budgetbot doctor` in a shell also asks OpenAI"))
    body.append(
        blocks.actions([run_button("doctor", "Look again", "doctor"), run_button("rules", "Rules", "rules")])
    )
    return blocks.message(told, body)


def _drawn(finding: Finding) -> str:
    remedy = f"\n→ {said(finding.remedy)}" if finding.remedy else ""
    return f"{_EMOJI[finding.state]} *{blocks.name(finding.what, 120)}*: {said(finding.said)}{remedy}"
