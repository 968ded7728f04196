"""Which days a finding's figure is of, and which days tell what was usual before.

Usual is the 28 days before the trouble, by weekday: four weeks hold every weekday equally often, and a mean adds
up, so that the rises of the parts are the rise of the whole. A change is held against its own days before, as its
figures are. A run of trouble is held against what was before its first day: its own days are not usual.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from bot.core.incident import Finding, Reason
from bot.core.kinds.native_limit import CUT_OFF, ENFORCING
from bot.core.period import DAY, Span

USUAL = 28 * DAY


@dataclass(frozen=True, slots=True)
class Question:
    """Of which days a finding's figure is, and which tell what is usual."""

    finding: Finding
    of: Span
    before: Span
    moved: bool = False
    """The budget changed, and not what is held against it."""

    @property
    def first(self) -> date:
        """Return the first day that must be known."""
        return min(self.before.start, self.before.end - USUAL)


def question(finding: Finding, first_day: date, reason: str, now: datetime) -> Question | None:
    """Return what is to be asked of a finding; None where it is about no amount that can rise.

    `first_day` is the first day of its run of trouble, from which on nothing is usual; `reason` its incident's.
    """
    rule, today = finding.rule, now.astimezone(UTC).date()
    of = finding.days
    match rule.kind:
        case "freshness":
            return None
        case "native_limit" if not {CUT_OFF.label, ENFORCING.label} & set(finding.holding or ()):
            return None
        case "change" | "ratio":
            return Question(finding, of, Span(of.start - (of.end - of.start), of.start))
        case "anomaly":
            return Question(finding, finding.span, Span(of.start - USUAL, of.start))
    begun = min(of.start, first_day) if rule.shape == "run" else of.start
    of = Span(of.start, max(min(of.end, today + DAY), of.start + DAY))
    return Question(finding, of, Span(begun - USUAL, begun), moved=reason == Reason.BUDGET_CHANGED)
