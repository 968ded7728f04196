"""Another amount for a budget: the line of its rule file that says it, and how the line should read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.money import NANO, exact_usd
from bot.core.rules.book import Budget
from bot.core.rules.select import Pattern

_SCALAR = r"\"[^\"]*\"|'[^']*'"
_AMOUNT = re.compile(rf"(\bamount:\s*)({_SCALAR}|[^\s,{{}}#]+(?:,\d{{3}})*)")
_ENTRY = re.compile(
    rf"^(\s*)({_SCALAR}|[^\s:#][^:#]*?)(:\s+)({_SCALAR}|[^\s,{{}}#\[][^{{}}#\[]*?)(\s*(?:#.*)?)$"
)
_PLAIN_KEY = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of one line."""

    line: int
    """1-based, in the rule's file."""
    before: str
    """As it reads; '' where the line could not be found, and `after` is what the rule should say."""
    after: str
    why_not: str = ""
    """Why there is no line to be changed."""


def propose(rule: Budget, value: str, name: str, wish: int, text: str) -> Proposal:
    """Return what to change so that the group `value`, known by `name`, has `wish` nano-dollars.

    `text` is the rule's file as it is in force; '' where nobody has it.
    """
    origin, amount = rule.origin.line, written(wish)
    plan = rule.amount.plan(value, name)
    if plan is not None and plan.hard_limit:
        return Proposal(
            origin, "", "", "Its amount is OpenAI's own limit of the project: it is raised there."
        )
    lines = _of_rule(text.splitlines(), origin)
    if rule.amount.same_for_all and plan is not None and len(plan.steps) == 1:
        for place, line in enumerate(lines):
            if found := _AMOUNT.search(line):
                after = f"{line[: found.start(2)]}{amount}{line[found.end(2) :]}"
                return Proposal(origin + place, line.strip(), after.strip())
        return Proposal(origin, "", f"amount: {amount}")
    for place, line in enumerate(lines):
        found = _ENTRY.match(line)
        key = found[2].strip("\"'") if found else ""
        if (
            found
            and key != "else"
            and Pattern(key).matches(value, name)
            and found[4].strip("\"'")[:1].isdigit()
        ):
            after = f"{found[1]}{found[2]}{found[3]}{amount}{found[5]}"
            # A pattern of several groups would raise the amount of all of them: this one needs a line of its own.
            if not any(letter in key for letter in "*?"):
                return Proposal(origin + place, line.strip(), after.strip())
            return Proposal(origin + place, "", f"{_key(name or value)}: {amount}    # before {line.strip()}")
    return Proposal(origin, "", f"amount:\n  {_key(name or value)}: {amount}")


def written(amount: int) -> str:
    """Return an amount as a rule file has it: `15000`, `1500.50`."""
    return str(amount // NANO) if amount % NANO == 0 else exact_usd(amount)


def _of_rule(lines: Sequence[str], origin: int) -> Sequence[str]:
    """Return a rule's lines: from the one it begins in to the next that is no deeper."""
    if not 0 < origin <= len(lines):
        return ()
    first = lines[origin - 1]
    # The keys of a list's item stand deeper than its dash; where they begin in a line of their own, as deep.
    depth = len(first) - len(first.lstrip(" ")) - (not first.lstrip().startswith("-"))
    for place, line in enumerate(lines[origin:], 1):
        if line.strip() and not line.lstrip().startswith("#") and len(line) - len(line.lstrip(" ")) <= depth:
            return lines[origin - 1 : origin - 1 + place]
    return lines[origin - 1 :]


def _key(name: str) -> str:
    if _PLAIN_KEY.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
