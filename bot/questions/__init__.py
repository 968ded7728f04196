"""What people ask, one verb a file: `answer` reads the store a fixed number of times, and core answers."""

from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from bot.core.asker import NOBODY, Asker
from bot.core.question import Query
from bot.edge.store.store import Store
from bot.rulebook import InForce

if TYPE_CHECKING:
    from bot.app import App

SHOWN = 20
"""Budgets that a person is shown one by one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with everything its answer needs."""

    store: Store
    rules: InForce
    query: Query
    now: datetime
    every: bool = False
    """Every row is wanted, by a machine; people see the worst."""
    asker: Asker = NOBODY
    app: "App | None" = None
    """The whole bot, for who must reach OpenAI or Slack."""


class Answering(Protocol):
    """A file of this folder."""

    def answer(self, asked: Asked) -> object: ...


def answering(verb: str) -> Answering:
    """Return who answers a verb; loaded when it is needed, because a shell asks one of them."""
    return cast("Answering", import_module(f"{__name__}.{verb}"))
