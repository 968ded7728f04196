"""What an incident's card says in a case: as the poll decides it, from the figures of the case."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from bot.core.cases.ledger import Ledger
from bot.core.incident import Finding, Incident
from bot.core.outlook import Courses, days_needed, has_course, limited_by
from bot.core.rules.book import Rulebook
from bot.core.telling import Teller, Telling
from bot.core.view import COST, View


def telling_of(
    finding: Finding, incident: Incident, view: View, book: Rulebook, ledger: Ledger, now: datetime
) -> Telling:
    """Return what the card of an incident says, and what its period is on course for."""
    telling = Teller(view, book).tell(finding)
    limit = limited_by(finding, view.limits, view.names)
    if limit is not None:
        telling = replace(telling, hard_limit=limit.amount or 0, enforcing=limit.enforcing)
    if incident.state != "firing" or not (limit or has_course(finding, now)):
        return telling
    days: Sequence[date] = days_needed(finding, view.cost, now)
    courses = Courses(ledger.daily(book, days, view.cost.as_of), now)
    cut = courses.cut_off(finding, view.limits)
    return replace(
        telling,
        outlook=courses.of(finding) if has_course(finding, now) and finding.rule.metric == COST else None,
        cut_off_at=cut.at.strftime("%Y-%m-%dT%H:%M:%SZ") if cut and cut.at else "",
    )
