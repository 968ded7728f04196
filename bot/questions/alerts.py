"""`alerts`: what is open now, as people were told of it."""

from dataclasses import replace
from datetime import UTC

from bot.core.alerts import Alert, Alerts, gravest
from bot.core.recalled import admitted, recalled
from bot.dated import notes
from bot.edge.store import incidents, past, records
from bot.loading import load_view
from bot.overlays import Overlays
from bot.questions import Asked

STATE = "state"


def answer(asked: Asked) -> Alerts:
    """Return every open alert that passes the filters; where a state is asked for, those in it that are not over."""
    book, now, filters = asked.rules.book, asked.now.astimezone(UTC), asked.query.filters
    with asked.store.reading() as tx:
        # No rule is judged here, so no figure is read: only names, and how old everything is.
        view = load_view(tx, asked.store, replace(book, rules=()), now, answering=True)
        any_state = any(each.key == STATE for each in filters)
        open_ = [
            incident
            for incident in incidents.current(tx)
            if incident.announced and incident.opened_at <= now and (any_state or incident.state == "firing")
        ]
        over = Overlays.read(tx, book, view.names, now)
        known = past.places(tx, [incident.fingerprint for incident in open_])
        last = records.last_poll(tx)
    alerts = []
    for incident in open_:
        told = incidents.telling(incident) if incident.facts else None
        standing = recalled(incident, told, book, view.names)
        if not admitted(standing, book, filters):
            continue
        given, silence = over.acknowledged(incident), over.silence_of(incident)
        alerts.append(
            Alert(
                replace(
                    standing,
                    acknowledged_by=given.by if given else None,
                    silenced_by=silence.mark if silence else None,
                ),
                incident.opened_at,
                incident.changed_at,
                max(incident.peak, incident.value),
                given.at if given else None,
                silence.ends_at if silence else None,
                silence.reason if silence else "",
                known.get(incident.fingerprint, ()),
            )
        )
    alerts.sort(key=gravest)
    return Alerts(view.cost.as_of, tuple(alerts), now, tuple(notes(asked.rules, view, last, now)))
