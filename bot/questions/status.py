"""`status`: the rules and groups as they stand, one's own first, worst first, by the arithmetic of the poll."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC

from bot.core import places, standings
from bot.core.cut_offs import with_limits
from bot.core.filters import Filter
from bot.core.incident import Incident
from bot.core.status import Rest, Standing, Status
from bot.dated import notes
from bot.edge.store import incidents, records
from bot.edge.store.tables import ORGANIZATION
from bot.loading import load_view
from bot.overlays import Overlays
from bot.questions import SHOWN, Asked


def answer(asked: Asked) -> Status:
    """Return where every budget stands; people see the worst, and first what is theirs."""
    store, rules, query = asked.store, asked.rules, asked.query
    book, now = rules.book, asked.now.astimezone(UTC)
    with store.reading() as tx:
        spans, judged = places.spans_needed(book, now), places.judged(book)
        view = load_view(tx, store, book, now, spans, answering=True, judged=judged)
        known = incidents.said(tx, now.date())
        last = records.last_poll(tx)
        over = Overlays.read(tx, book, view.cost.names, now)
    stood = standings.Standings(book, view, known.incidents, known.runs, ORGANIZATION, now)
    mine = _mine(asked)
    told, others = stood.told(mine or query.filters, None if asked.every else SHOWN)
    rest = None
    if mine and told:
        worst, more = stood.told([replace(each, op="!=") for each in mine], 1)
        rest = Rest(Status(None, worst, others=more).counts, next(iter(worst), None))
    elif mine:
        told, others = stood.told(query.filters, SHOWN)
    told = with_limits(told, view, book, now)
    told = _laid_over(told, over, {incident.fingerprint: incident for incident in known.incidents})
    return Status(view.cost.as_of, told, tuple(notes(rules, view, last, now)), others, rest)


def _mine(asked: Asked) -> tuple[Filter, ...]:
    """Return the filter for what belongs to the asker, who asked for nothing in particular; () where nothing does."""
    query = asked.query
    if asked.every or query.every or query.filters or query.public or query.to:
        return ()
    known_as = {name.casefold() for name in asked.asker.known_as}
    owners = {team.owner for team in asked.rules.book.teams if team.owner.casefold() in known_as}
    return (Filter("owner", "=", tuple(sorted(owners))),) if owners else ()


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
        marked.append(
            replace(
                each,
                acknowledged_by=given.by if given else None,
                silenced_by=silence.mark if silence else None,
                acknowledgement=given,
                silence=silence,
            )
        )
    return tuple(marked)
