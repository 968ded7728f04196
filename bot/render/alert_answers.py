"""What a click on an alert is answered with, where its card alone does not say it."""

from collections.abc import Sequence
from typing import Any

from bot.core.drilling import Drill
from bot.render import alert_buttons, blocks
from bot.render.alert_words import Told, as_of, emoji, plain, rule_line, url, word
from bot.render.answering import run_button
from bot.render.kinds import headline

LISTED = 40
"""Alerts of a table that are told one by one: a message holds fifty blocks."""
CHARACTERS = 10_000
WIDER = "Its rule's conditions are too long for a command: this shows more than the alert is about."


def drilled(body: dict[str, Any], told: Told, drill: Drill) -> dict[str, Any]:
    """Return a report as the answer to `Drill down`: with the alert's own ways on instead of the report's."""
    kept = [block for block in body.get("blocks", ()) if block["type"] != "actions"]
    fingerprint = told.incident.fingerprint
    buttons = [
        run_button(drill.report(cut), f"By {'key' if cut == 'api_key' else cut}", f"drill.{cut}")
        for cut in drill.cuts[1:]
    ]
    buttons.append(run_button(f"why {fingerprint}", "Why", "drill.why", primary=True))
    first = [blocks.section(f"{emoji(told.incident)} {headline(told)}")]
    if drill.wider:
        first.append(blocks.context(WIDER))
    return {**body, **blocks.message(body["text"], [*first, *kept, blocks.actions(buttons)])}


def listed(told: Sequence[Told], revision: int) -> dict[str, Any]:
    """Return every alert of a table, each with what can be done with it."""
    body: list[dict[str, Any]] = []
    length = 0
    for each in told[:LISTED]:
        lines = "\n".join([f"{emoji(each.incident)} {headline(each)}", *each.notes, _ways(each)])
        length += len(lines) + 200
        if length > CHARACTERS:
            break
        body.append(blocks.section(lines, accessory=alert_buttons.menu(each, revision)))
    if rest := len(told) - len(body):
        body.append(blocks.context(f"{rest} more: /budget alerts shows every one."))
    body.append(blocks.context(as_of(told[0].telling)))
    firing = sum(each.incident.state == "firing" for each in told)
    return blocks.message(f"{len(told)} alerts, {firing} of them open.", body)


def as_it_stands(told: Told) -> dict[str, Any]:
    """Return what an acknowledgement was given for, to somebody who saw an older state of it."""
    line = headline(told)
    text = f"Acknowledged as it stands now, which is not what you saw: {word(told.incident)}: {line}"
    return blocks.message(f"{plain(text)}.", [blocks.section(f":eyes: {text}")])


def sentence(mrkdwn: str, *buttons: dict[str, Any]) -> dict[str, Any]:
    """Return one sentence for somebody alone."""
    body = [blocks.section(f":information_source: {mrkdwn}")]
    body += [blocks.actions(buttons)] if buttons else []
    return blocks.message(plain(mrkdwn), body)


def _ways(told: Told) -> str:
    telling = told.telling
    ways = [rule_line(telling)]
    ways += [f"<{url(telling.runbook)}|Runbook>"] if telling.runbook else []
    ways += [f"<{url(telling.limits_url)}|OpenAI limits>"] if telling.limits_url else []
    return " · ".join([*ways, f"`{told.incident.fingerprint}`"])
