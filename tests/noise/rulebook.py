"""The shipped rules as a person would set them up: the organization's own amounts, routes and teams."""

from dataclasses import replace
from datetime import date
from math import floor, log10
from pathlib import Path

from bot.core.money import NANO
from bot.core.period import Period
from bot.core.rules.book import Amount, Budget, Plan, Rulebook
from bot.core.rules.select import Pattern
from bot.edge.rule_files import load_texts

from .organization import TEAMS, Organization

SHIPPED = Path(__file__).parents[2] / "rules" / "budgets.yaml"
OWN = ("organization-month", "tools-month")
"""Rules that concern nobody's team."""


def text_of(*, teams: bool) -> str:
    """Return the shipped file with routes and teams, as its comments propose."""
    shipped = SHIPPED.read_text(encoding="utf-8")
    head, rules = shipped.split("\nrules:\n")
    head = head.replace("  settle: 36h", "  route: finops\n  settle: 36h")
    if teams:
        owned = "".join(f"  {team}: {{projects: [{team}-*], channel: {team}}}\n" for team in TEAMS)
        head += (
            "\nroutes:\n  finops: {channel: finops, escalate: {after: 24h, to: exec}}\n"
            f"  exec: {{channel: exec, only: critical}}\nteams:\n{owned}"
        )
        rules = "".join(
            f"{line}\n    route: team\n" if _concerns_teams(line) else f"{line}\n"
            for line in rules.splitlines()
        )
    else:
        head += "\nroutes:\n  finops: {channel: finops}\n"
    return f"{head}\nrules:\n{rules}"


def _concerns_teams(line: str) -> bool:
    return line.startswith("  - id: ") and not any(own in line for own in (*OWN, "organization-quarter"))


def rulebook(made: Organization, *, teams: bool) -> Rulebook:
    """Return the shipped rules with amounts from the month before the watch begins.

    A project may spend 1.15 times what it spent, the organization 1.1 times; a model's day may be twice the
    dearest of that month, but for two projects whose caps are breached every day.
    """
    loaded = load_texts({"budgets.yaml": text_of(teams=teams)})
    assert loaded.book is not None, loaded.problems
    before = Period("month").before(Period("month").containing(made.begins))
    spent = {key: made.of_project(key, before.start, before.end) for key in made.names}
    dearest = {key: made.dearest(key, before.start, before.end) for key in made.names}
    low = set(sorted(spent, key=spent.get)[-2:])
    caps = {key: _about(dearest[key] * (0.3 if key in low else 2)) for key in spent}
    amounts = {
        "organization-month": [(None, _about(sum(spent.values()) * 1.1))],
        "project-month": [(made.names[key], _about(value * 1.15)) for key, value in spent.items() if value],
        "model-day": [(made.names[key], cap) for key, cap in caps.items()],
        "tools-month": [(None, max(_about(sum(spent.values()) * 0.01), 100 * NANO))],
    }
    rules = tuple(
        replace(rule, amount=_amount(amounts[rule.id]))
        if isinstance(rule, Budget) and rule.id in amounts
        else rule
        for rule in loaded.book.rules
    )
    return replace(loaded.book, rules=rules)


def _amount(entries: list[tuple[str | None, int]]) -> Amount:
    return Amount(
        tuple((Pattern(name) if name else None, Plan(((date.min, nano),))) for name, nano in entries)
    )


def _about(nano: float) -> int:
    """Return an amount as people write it: two digits, at least $20."""
    dollars = max(nano / NANO, 20)
    digits = 10 ** (floor(log10(dollars)) - 1)
    return int(round(dollars / digits) * digits) * NANO
