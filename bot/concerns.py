"""Rules that are in trouble of their own: said in the room of those who look after the bot, never silent."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection

from bot import hooking
from bot.core.evaluate import Evaluation
from bot.core.incident import Unjudged
from bot.core.rooms import ops_hook, ops_room
from bot.core.rules.book import Rulebook
from bot.edge.store import outbox, records
from bot.voice import Voice


def speak(tx: Connection, book: Rulebook, evaluation: Evaluation, now: datetime, voice: Voice) -> None:
    """Say of each rule that could not be evaluated, once a day; and once of each that has too many groups."""
    room, hook = ops_room(book, voice.fallback), ops_hook(book)
    if room is None and hook is None:
        return

    def say(key: str, what: str, body: dict[str, object]) -> None:
        hooking.trouble(tx, book, what, key, body, now)
        if room is not None:
            outbox.say(tx, key, room.target, "ops", body, now)

    day = now.astimezone(UTC).date()
    for rule_id, why in _errors(evaluation.unjudged):
        body: dict[str, object] = {
            "happened": f"The rule {rule_id} is not judged: {why}",
            "remedy": "The other rules go on; this is said once a day until it is mended.",
        }
        say(f"error:{rule_id}:{day}", f"rule {rule_id}", body)
    folded = set(evaluation.folded)
    said = {key.removeprefix("folded:"): value for key, value in records.markers(tx, "folded:").items()}
    for rule_id in sorted(folded - {key for key, value in said.items() if value}):
        rule = book.rule(rule_id)
        limit = rule.limit if rule else 0
        groups = f"{limit} groups" if limit != 1 else "1 group"
        body = {
            "happened": f"The rule {rule_id} has more than {groups}: the largest {limit} are judged, "
            "the others together as (other).",
            "remedy": "Raise its limit, or select less.",
        }
        records.mark(tx, f"folded:{rule_id}", now.isoformat())
        say(f"folded:{rule_id}:{now.isoformat()}", f"groups of {rule_id}", body)
    for rule_id, since in said.items():
        if since and rule_id not in folded:
            records.mark(tx, f"folded:{rule_id}", "")


def _errors(unjudged: Iterable[Unjudged]) -> list[tuple[str, str]]:
    told: dict[str, str] = {}
    for each in unjudged:
        if each.state == "error":
            told.setdefault(each.rule_id, each.reason)
    return sorted(told.items())
