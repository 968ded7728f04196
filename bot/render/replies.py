"""Answers in Slack: private unless `public` was said, always with their figure, their question and their date."""

from typing import Any

from bot.core.outcome import Outcome
from bot.core.query import Misread
from bot.core.question import Query
from bot.render import blocks
from bot.render.alert_words import named
from bot.render.answering import HELP, RUN, VERSION, run_button, said
from bot.render.answers import sayer

SURE = "alert.sure"
"""The button of somebody who is sure, about an order that is counted first."""

__all__ = ["HELP", "RUN", "SURE", "VERSION", "reply", "trouble"]


def reply(answer: object, query: Query | None = None) -> dict[str, Any]:
    """Return the body that answers a command: for its author alone, or for the channel when the question says so."""
    match answer:
        case Misread():
            body = _misread(answer)
        case Outcome():
            body = _outcome(answer)
        case _:
            body = sayer(answer).slack(answer, query)
    body["response_type"] = "in_channel" if query is not None and query.public else "ephemeral"
    return body


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
    body = [blocks.section(f"{mark} {done}")]
    buttons = []
    if answer.asks:
        buttons.append(blocks.button(answer.does, SURE, f"{VERSION}|{answer.asks}", "danger"))
    if answer.undo:
        buttons.append(run_button(answer.undo, "Undo", "undo"))
    if buttons:
        body.append(blocks.actions(buttons))
    return blocks.message(done, body)


def trouble(sentence: str) -> dict[str, Any]:
    """Return the answer when a question could not be answered."""
    told = said(sentence)
    return {**blocks.message(told, [blocks.section(f":warning: {told}")]), "response_type": "ephemeral"}
