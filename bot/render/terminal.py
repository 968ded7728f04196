"""Answers for a shell: tables for people, JSON and CSV for machines."""

from bot.core.outcome import Outcome
from bot.core.question import Query
from bot.render.answers import sayer
from bot.render.blocks import clean


def shell(answer: object, form: str, query: Query | None = None) -> str:
    """Return an answer as `table`, `json` or `csv`."""
    if isinstance(answer, Outcome):
        return outcome(answer)
    return sayer(answer).shell(answer, form, query)


def outcome(answer: Outcome) -> str:
    """Return what became of an order."""
    return clean(answer.said.replace("{by}", answer.by))
