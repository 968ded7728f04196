"""How each answer is said, one verb a file: `slack` makes the body of a message, `shell` the text of a terminal."""

from importlib import import_module
from typing import Any, Protocol, cast

from bot.core.question import Query

SAID_IN = {
    "Accuracy": "accuracy",
    "Alerts": "alerts",
    "Compared": "compare",
    "Explanation": "explain",
    "Exported": "export",
    "Forecasts": "forecast",
    "Health": "doctor",
    "Help": "help",
    "History": "history",
    "Listing": "rules",
    "Report": "report",
    "Status": "status",
    "Subscriptions": "subscribe",
    "Why": "why",
}
"""The class of an answer → the verb's file that says it."""


class Sayer(Protocol):
    """A file of this folder."""

    def slack(self, answer: Any, query: Query | None) -> dict[str, Any]: ...
    def shell(self, answer: Any, form: str, query: Query | None) -> str: ...


def sayer(answer: object) -> Sayer:
    """Return who says an answer; loaded when it is needed, because a shell says one of them."""
    return cast("Sayer", import_module(f"{__name__}.{SAID_IN[type(answer).__name__]}"))
