"""What the bot draws, for Slack to look at: a card, a report with its chart, and a Home tab, from what is stored."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bot.answers import answer
from bot.core.asker import Asker
from bot.edge.store import incidents
from bot.edge.store.store import Store
from bot.homing import common, home_of
from bot.render import alerts, home
from bot.render.alert_words import Told
from bot.render.replies import reply
from bot.rulebook import InForce

SPOKEN = ("text", "blocks", "attachments")
"""What of a message Slack is given."""


def samples(store: Store, rules: InForce, now: datetime) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what it is with the message or the view."""
    with store.reading() as tx:
        firing = [each for each in incidents.current(tx) if each.facts]
    if firing:
        worst = max(firing, key=lambda each: each.opened_at)
        yield "an alert", _spoken(alerts.card([Told(worst, incidents.telling(worst))], 1))
    asked = "report mtd by project chart"
    yield "a report with its chart", _spoken(reply(*answer(store, rules, asked, now)))
    with store.reading() as tx:
        held = common(tx, store, rules, now)
    yield "the Home tab", home.view(home_of(held, Asker(role="admin"), ()))


def _spoken(message: Mapping[str, Any]) -> dict[str, Any]:
    return {key: message[key] for key in SPOKEN if key in message}
