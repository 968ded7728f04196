"""Alerts as they are told now: their state, what their card says, and what is laid over them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from bot.core.incident import Incident
from bot.core.rules.book import Rulebook
from bot.edge.store import incidents, records
from bot.overlays import Overlays
from bot.render.alert_words import Told, acknowledged, silenced


def told_now(tx: Connection, book: Rulebook, fingerprints: Sequence[str], now: datetime) -> list[Told]:
    """Return the alerts that there are among these, in their order."""
    known = incidents.by_fingerprint(tx, fingerprints)
    over = Overlays.read(tx, book, records.names(tx), now)
    return [told_of(known[mark], over) for mark in fingerprints if mark in known]


def told_of(incident: Incident, over: Overlays) -> Told:
    """Return an alert with who looks after it and what holds it back."""
    given = over.acknowledged(incident)
    silence = over.silence_of(incident) if incident.state == "firing" else None
    notes = [acknowledged(given)] if given else []
    notes += [silenced(silence)] if silence else []
    return Told(incident, incidents.telling(incident), tuple(notes), given is not None, silence is not None)
