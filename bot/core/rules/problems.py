"""Mistakes are values: gathered all at once, each at its place, under a code that never changes its meaning."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.core.rules.book import Problem
from bot.core.rules.nodes import Node

CODES = {
    "B001": "the file is not YAML",
    "B002": "the file cannot be read, or is larger or deeper than a rule file may be",
    "B003": "a key or an item holds nothing",
    "B004": "an unquoted value begins with a character that YAML keeps for itself",
    "B005": "a comma inside {...} or [...] has split a value",
    "B006": "the same key twice",
    "B010": "a key is missing",
    "B011": "a list, keys or one value where another of them belongs",
    "B012": "an unknown key",
    "B013": "a word that is not one of those that may stand here",
    "B014": "an empty list",
    "B015": "the same thing twice in a list",
    "B020": "not an id or a name",
    "B021": "not a duration",
    "B022": "not an amount of dollars",
    "B023": "not a threshold",
    "B024": "not a date, a time of day or a time zone",
    "B025": "not a whole number, or one out of bounds",
    "B026": "not a regular expression that may be used",
    "B027": "not a web address",
    "B028": "not a schedule, or not a question for a report",
    "B030": "two rules, teams, routes, quiet hours, digests, calendars or defaults of one name",
    "B031": "the name of something that does not exist",
    "B032": "two thresholds at the same level",
    "B033": "keys that contradict each other",
    "B034": "a dimension that cost does not have",
    "B035": "a kind, key or value that this version does not know",
    "B040": "an expectation of a case that does not hold",
    "W101": "a level that nobody hears",
    "W102": "a team, route or quiet hours that nobody uses",
    "W103": "a name that OpenAI does not report",
    "W104": "a line item that a comma may have split",
    "W105": "a file that is not read",
    "W106": "a key without effect",
    "W107": "an amount that may be meant a thousand times larger",
    "W108": "a rule that nobody hears",
    "W109": "projects with spend that no budget watches",
    "W110": "a level that is already passed",
}
"""Every code and what it stands for. B are errors, W warnings. New mistakes get new codes."""


@dataclass(slots=True)
class Problems:
    """What is wrong so far."""

    found: list[Problem] = field(default_factory=list)

    def add(self, code: str, at: Node, message: str, suggestion: str = "") -> None:
        """Note a problem at the place of a node."""
        self.found.append(
            Problem(
                file=at.source.shown,
                line=at.line,
                column=at.column,
                code=code,
                message=message,
                severity="warning" if code.startswith("W") else "error",
                suggestion=suggestion,
                excerpt=at.source.line(at.line),
                width=at.width,
            )
        )

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.found)


def closest(word: str, words: Iterable[str]) -> str:
    """Return the one of `words` that was probably meant by `word`; '' when none is near."""
    known = {known.casefold(): known for known in words}
    near = difflib.get_close_matches(word.casefold()[:200], known, n=1, cutoff=0.6)
    return known[near[0]] if near else ""


def quoted(text: str) -> str:
    """Return the text in quotes, on one line and no longer than a sentence bears."""
    line = " ".join(text.split())
    return f'"{line if len(line) <= 80 else line[:79] + "…"}"'


def where_is(node: Node) -> str:
    """Return the place as people click it: `rules/openai.yaml:9:9`."""
    return f"{node.source.shown}:{node.line}:{node.column}"


def listed(words: Iterable[str]) -> str:
    """Return `a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
