"""`why`: a change, or an alert, taken apart: what was billed, who was new, and the days of who is to blame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from bot.core import places, standings
from bot.core.blame import OF_MANY, OF_RATIO
from bot.core.comparison import USUAL, question
from bot.core.filters import scope_of
from bot.core.groups import OTHER
from bot.core.incident import Finding, Incident
from bot.core.metrics import METRICS
from bot.core.newcomers import WATCHED, candidates, newcomers, told_since
from bot.core.onset import left_usual
from bot.core.period import DAY, Span
from bot.core.query import Misread
from bot.core.question import Query
from bot.core.ranges import before
from bot.core.rules.book import Rule
from bot.core.rules.metric_keys import dimensions_of
from bot.core.sides import Against, summed, usual, usual_days
from bot.core.spend import Group, Spend
from bot.core.status import Standing
from bot.core.stored import notes, stored
from bot.core.telling import Blame, subject
from bot.core.view import COST, is_money
from bot.core.why import (
    DIMENSIONS,
    Alert,
    Moved,
    Taken,
    Why,
    blamed,
    drawn,
    effects_of,
    take,
)
from bot.edge.store import billed, incidents, records
from bot.edge.store.tables import ORGANIZATION
from bot.figures import Figures, figures
from bot.loading import load_view
from bot.meaning import find
from bot.questions import Asked

ABOUT_NOTHING = "it is about no amount that can rise"
A_LEVEL = "it is a level of each day, and no sum of parts"
_WORDS = {"api_key": "API key", "user": "user"}


def answer(asked: Asked) -> Why | Misread:
    """Return what made spend change in a range, or what made an alert go off."""
    with asked.store.reading() as tx:
        look = _Look(tx, asked, asked.now.astimezone(UTC))
        told = look.at_alert() if asked.query.about else look.at_range()
    if isinstance(told, Misread) or not asked.query.chart or asked.every:
        return told
    return replace(told, chart=drawn(told))


@dataclass(frozen=True, slots=True)
class _Look:
    tx: Connection
    asked: Asked
    now: datetime

    @property
    def query(self) -> Query:
        return self.asked.query

    # -- what is asked about -----------------------------------------------------------------------

    def at_range(self) -> Why:
        """Take the change of a range apart."""
        query = self.query
        assert query.span is not None
        if query.versus is not None:
            against = Against(query.span, query.versus)
        elif query.span.days == 1:
            against = usual_days(query.span)
        else:
            against = Against(query.span, before(query.range_words, query.span))
        found = self._figures(COST, against)
        return self._apart(found, against, self._series(found.told))

    def at_alert(self) -> Why | Misread:
        """Take apart what an alert is about."""
        meant = find(self.tx, self.asked.rules.book, self.query, self._standings)
        if isinstance(meant, Misread):
            return meant
        rule, incident = meant.rule, meant.incident
        if rule is None:
            gone = f"The rule of {self.query.about} is gone: nobody knows any more which spend it was about."
            return Misread("why", gone, (f"explain {self.query.about}", "why mtd"), "why")
        if incident is not None:
            return self._of_incident(rule, incident)
        (standing,) = [each for each in self._standings() if each.fingerprint == meant.mark]
        finding = Finding(
            rule, standing.group, standing.span or Span(self.now.date(), self.now.date() + DAY),
            standing.value, standing.amount or 0, (), closed=False, holding=(standing.level,), over=standing.days,
        )  # fmt: skip
        alert = Alert(standing.fingerprint, standing.subject, rule.name, standing.period)
        return self._of_finding(finding, finding.span.start, standing.reason, alert, None)

    def _standings(self) -> Sequence[Standing]:
        book = self.asked.rules.book
        view = load_view(
            self.tx,
            self.asked.store,
            book,
            self.now,
            places.spans_needed(book, self.now),
            answering=True,
            judged=places.judged(book),
        )
        known = incidents.said(self.tx, self.now.date())
        told, _ = standings.Standings(book, view, known.incidents, known.runs, ORGANIZATION, self.now).told()
        return told

    def _of_incident(self, rule: Rule, incident: Incident) -> Why:
        telling = incidents.telling(incident)
        over = Span(*map(date.fromisoformat, telling.days)) if telling.days else None
        holding = tuple(label for label in (incident.level, incident.forecast) if label)
        finding = Finding(
            rule, incident.group, incident.span, incident.value, incident.amount, (),
            closed=incident.state == "ended", holding=holding, over=over,
        )  # fmt: skip
        alert = Alert(incident.fingerprint, subject(telling), telling.title, telling.period)
        return self._of_finding(finding, incident.first_day, incident.reason, alert, telling.blame)

    def _of_finding(
        self, finding: Finding, first_day: date, reason: str, alert: Alert, known: Blame | None
    ) -> Why:
        rule = finding.rule
        held = question(finding, first_day, reason, self.now)
        why_not = ""
        if held is None:
            why_not = ABOUT_NOTHING
        elif rule.kind == "ratio":
            why_not = OF_RATIO
        elif OTHER in finding.group:
            why_not = OF_MANY
        elif rule.metric in METRICS and METRICS[rule.metric].level:
            why_not = A_LEVEL
        today = self.now.date()
        if held is None or why_not:
            day = Span(today, today + DAY)
            against = (
                Against(held.of, held.before) if held else Against(day, Span(day.start - DAY, day.start))
            )
            state = records.stored(self.tx).get(("costs", "1d"))
            as_of = state.read_at if state else None
            return Why(
                self.query, against, None, None, why_not=why_not, alert=alert, as_of=as_of, today=today
            )
        versus = self.query.versus or held.before
        counted = self.query.versus is None and rule.kind != "change"
        against = Against(held.of, versus, usual=counted)
        found = self._figures(rule.metric, against)
        read = found.told.as_of
        if read is not None and read.date() < against.span.last and read.date() >= against.span.start:
            # What was not read yet would read as a fall.
            against = replace(against, span=Span(against.span.start, read.date() + DAY))
            found = self._figures(rule.metric, against)
        series = self._series(found.told, rule, finding.group)
        told = self._apart(found, against, series, known)
        return replace(told, alert=alert, unit=rule.unit)

    def _series(self, told: Spend, rule: Rule | None = None, group: Group = ()) -> list[int]:
        """Return the series that a rule's group is made of, those that pass the question's filters."""
        series = told.series_in(rule.scope).get(group, []) if rule is not None else None
        if not self.query.filters and series is not None:
            return series
        passing = told.series_in(scope_of(self.query.filters)).get((), [])
        if series is None:
            return passing
        kept = set(passing)
        return [each for each in series if each in kept]

    def _figures(self, metric: str, against: Against) -> Figures:
        return figures(self.tx, self.asked.store, self.asked.rules.book, metric, against, self.now)

    # -- the answer --------------------------------------------------------------------------------

    def _apart(
        self, given: Figures, against: Against, series: Sequence[int], known: Blame | None = None
    ) -> Why:
        told, today = given.told, self.now.date()
        spans = (against.span,) if against.usual else (against.span, against.versus)
        history = told.history_from
        untold: list[str] = []
        why = Why(self.query, against, None, None, as_of=told.as_of, history_from=history, today=today)
        whole = stored(against.span, history, told.as_of) == against.span
        if against.usual and history is not None:
            # Of what is usual, as many days tell as there are.
            versus = Span(max(against.versus.start, history), against.versus.end)
            comparable = versus.days >= WATCHED.days
            against = replace(against, versus=versus) if comparable else against
        else:
            comparable = stored(against.versus, history, told.as_of) == against.versus
        if history is not None and whole:
            after = summed(given.side(against.span))
            why = replace(why, after=sum(after[each].amount for each in series if each in after))
            if comparable:
                held = given.side(against.versus)
                prior = usual(held, against.versus, against.span) if against.usual else summed(held)
                taken = take(prior, after, series, told, self._dimensions(given.metric))
                why = replace(why, before=taken.before)
                why = self._named(why, given, against, taken, history, known)
                untold = [_WORDS[each] for each in why.untold if each == "api_key" or each in self.query.by]
                if is_money(given.metric):
                    effects = effects_of(prior, after, series, told, given.units)
                    why = replace(why, effects=effects)
        said = notes(spans, self.query.filters, told, today, untold if is_money(given.metric) else ())
        return replace(why, against=against, notes=said)

    def _named(
        self,
        why: Why,
        given: Figures,
        against: Against,
        taken: Taken,
        history: date,
        known: Blame | None,
    ) -> Why:
        """Return the answer with who is new, and mostly because of whom, since when."""
        told = given.told
        breakdowns = taken.breakdowns
        new: tuple[tuple[str, Moved], ...] = ()
        if is_money(given.metric):
            seen = given.seen(against.versus) if against.usual else {}
            seen |= {each: day for each, day in given.seen(against.span).items() if each not in seen}
            maybe = candidates(taken, against, seen, told)
            wanted = {each for values in maybe.values() for ids in values.values() for each in ids}
            born = billed.first_days(self.tx, wanted, Span(history, against.span.end))
            told_from = told_since(taken, against, seen, told)
            breakdowns, new = newcomers(taken, against, maybe, born, told_from, history)
        since = None
        found = taken.culprit
        if found is not None and not {(dimension, part.value) for dimension, part in new} & set(found.values):
            begun = against.versus.end if against.usual else against.span.start
            first = max(begun - USUAL, history)
            if begun - first >= WATCHED:
                row = given.row(found.series, Span(first, against.span.end))
                place = left_usual(row, (begun - first).days, taken.sign, found.change)
                since = first + place * DAY if place is not None else None
        return replace(why, breakdowns=breakdowns, newcomers=new, blame=blamed(taken, new, since, known))

    def _dimensions(self, metric: str) -> list[str]:
        asked = [each for each in self.query.by if each not in DIMENSIONS]
        return [each for each in (*DIMENSIONS, *asked) if each in dimensions_of(metric)]
