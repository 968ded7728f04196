"""`status`: the rules and groups as they stand, worst first, by the arithmetic of the poll."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC

from bot.core import standings
from bot.core.cut_offs import with_limits
from bot.core.incident import Incident
from bot.core.status import Standing, Status
from bot.dated import notes
from bot.edge.store import incidents, records
from bot.edge.store.tables import ORGANIZATION
from bot.loading import load_view
from bot.overlays import Overlays
from bot.questions import SHOWN, Asked


def answer(asked: Asked) -> Status:
    """Return where every budget stands; people see the worst."""
    store, rules, query = asked.store, asked.rules, asked.query
    book, now = rules.book, asked.now.astimezone(UTC)
    with store.reading() as tx:
        view = load_view(tx, store, book, now, standings.spans_needed(book, now), answering=True)
        known = incidents.said(tx, now.date())
        last = records.last_poll(tx)
        over = Overlays.read(tx, book, view.cost.names, now)
    stood = standings.Standings(book, view, known.incidents, known.runs, ORGANIZATION, now)
    told, others = stood.told(query.filters, None if asked.every else SHOWN)
    told = with_limits(told, view, book, now)
    told = _laid_over(told, over, {incident.fingerprint: incident for incident in known.incidents})
    return Status(view.cost.as_of, told, tuple(notes(rules, view, last, now)), others)


def _laid_over(
    told: tuple[Standing, ...], over: Overlays, known: Mapping[str, Incident]
) -> tuple[Standing, ...]:
    """Return the standings with who acknowledged them, and which silence holds them back."""
    if not (over.silences or over.acknowledgements):
        return told
    marked = []
    for each in told:
        incident = known.get(each.fingerprint)
        if incident is None:
            marked.append(each)
            continue
        given, silence = over.acknowledged(incident), over.silence_of(incident)
        by = given.by if given else None
        marked.append(replace(each, acknowledged_by=by, silenced_by=silence.mark if silence else None))
    return tuple(marked)
