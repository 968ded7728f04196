"""What was looked at, and what is wrong with it: findings with their remedies."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Literal

State = Literal["ok", "note", "wrong"]
ALONE = 3
"""More findings than this that say the same are one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    said: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that was looked at from inside the running bot."""

    findings: tuple[Finding, ...]
    at: datetime

    def of(self, state: State) -> tuple[Finding, ...]:
        """Return the findings of a state, in the order they were made."""
        return tuple(finding for finding in self.findings if finding.state == state)


def folded(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings as they come, those in a row that say the same of several things as one with their count."""
    for _, same in groupby(findings, lambda each: (each.state, each.said, each.remedy)):
        alike = list(same)
        if len(alike) <= ALONE:
            yield from alike
            continue
        named = ", ".join(each.what for each in alike[:ALONE])
        yield replace(alike[0], what=f"{named} and {len(alike) - ALONE} others ({len(alike)} in all)")
