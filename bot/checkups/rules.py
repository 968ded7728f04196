"""The rules in force: whether they load, and whether anybody hears them."""

import os
from collections.abc import Iterator

from bot.checkups import many
from bot.core.errors import SetupWrong
from bot.core.health import Finding
from bot.core.rooms import hooks_of, rooms_of
from bot.core.rules.book import TEAM, Rulebook
from bot.core.spend import Names
from bot.rulebook import InForce
from bot.settings import DOTENV, webhook

WRITE = "Write rules/budgets.yaml."


def in_force(rules: InForce) -> Iterator[Finding]:
    """Look at the state of the rule files."""
    if rules.trouble:
        yield Finding("rules", "wrong", rules.trouble, "Run budgetbot check and mend them.")
    elif rules.book.built_in:
        said = "nobody has written any: the built-in ones are in force"
        yield Finding("rules", "note", said, WRITE)
    elif not rules.book.rules:
        yield Finding("rules", "note", "there are none, so nothing is watched", WRITE)
    else:
        warnings = len(rules.problems) - len(rules.errors)
        said = f"{many(len(rules.book.rules), 'rule')} in force, {many(warnings, 'warning')}"
        yield Finding("rules", "ok", said, "budgetbot check shows the warnings." if warnings else "")


def unheard(book: Rulebook, fallback: str) -> Iterator[Finding]:
    """Look for rules that speak to nobody."""
    if book.built_in:
        if not fallback:
            yield Finding("built-in rules", "note", "nobody hears them", "Set BUDGETBOT_CHANNEL.")
        return
    for rule in book.rules:
        nobody = tuple("" for _ in rule.scope.each)
        if rule.route != TEAM and not (
            rooms_of(book, rule, nobody, Names(), fallback) or hooks_of(book, rule, nobody, Names())
        ):
            remedy = "Give it a route, write one under defaults, or set BUDGETBOT_CHANNEL."
            yield Finding(f"rule {rule.id}", "wrong", "nobody hears it", remedy)


def webhooks(book: Rulebook) -> Iterator[Finding]:
    """Look whether the settings of the routes' webhooks are there and well-formed; nothing is sent."""
    for name in dict.fromkeys(route.webhook for route in book.routes.values() if route.webhook):
        try:
            webhook(name, os.environ, dotenv=DOTENV)
        except SetupWrong as wrong:
            yield Finding(f"webhook {name}", "wrong", wrong.happened.rstrip("."), wrong.remedy)
        else:
            yield Finding(f"webhook {name}", "ok", f"{name} and {name}_SECRET are set")
