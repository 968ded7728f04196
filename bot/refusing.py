"""What becomes of a message whose room refuses it, or that cannot be edited any more: it is said elsewhere, once."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.core.rooms import Target
from bot.edge.slack_trouble import SlackTrouble
from bot.edge.store import delivery, incidents, outbox
from bot.edge.store.delivery import Job

BOT = "@Budget Bot"
"""As the manifest names it."""
FROZEN = "frozen"
"""Of a message that cannot be edited any more: that its thread has said so."""
HINT = "hint"
"""Of a message to one person about a room that refuses: it is dropped when it cannot be said either."""
CLOSED = ("cant_update_message", "edit_window_closed")
INVITABLE = ("channel_not_found", "not_in_channel")
_USER = re.compile(r"[UW][A-Z0-9]{2,}")


def address(target: Target) -> str:
    """Return a channel as Slack takes it: ids as they are, names with their #."""
    name = target.address
    if name[:1] in ("C", "G", "D", "U", "W", "#") and (name[0] == "#" or (name.isupper() and name.isalnum())):
        return name
    return f"#{name}"


def gone(tx: Connection, job: Job, trouble: SlackTrouble, text: str) -> None:
    """A person deleted the message: say it anew only while its trouble lasts. A closed one says so in its thread."""
    if job.act == "edit" and trouble.code in CLOSED:
        outbox.reply(
            tx,
            f"c{job.card_id}:{job.ts}:{FROZEN}",
            None,
            job.card_id,
            f"The message above can no longer be edited. As things stand: {text}",
        )
        delivery.remember(tx, job, {FROZEN: job.ts})
        delivery.drop(tx, job, str(trouble))
        return
    known = incidents.by_fingerprint(tx, job.members)
    if any(incident.state == "firing" for incident in known.values()):
        delivery.repost(tx, job)
    else:
        delivery.drop(tx, job, str(trouble))


def frozen(job: Job) -> bool:
    """Tell whether a message cannot be edited, and its thread has said so."""
    return job.act == "edit" and job.body.get(FROZEN) == job.ts


def refused(tx: Connection, job: Job, trouble: SlackTrouble, fallback: str, clock: datetime) -> bool:
    """Send a message that its room refuses to the fallback, and say why, once; False where there is no other room."""
    where = address(job.target)
    if job.body.get(HINT):
        delivery.drop(tx, job, str(trouble))
        return True
    if not fallback or where.lstrip("#") == fallback.lstrip("#"):
        return False
    target = Target("slack", fallback)
    news = delivery.trouble(tx, job.target, str(trouble))
    delivery.redirect(tx, job, target, str(trouble))
    if not news:
        return True
    body: dict[str, object] = {
        "happened": f"Slack does not let me speak in {where} ({trouble.code}): its messages come here.",
        "remedy": _remedy(trouble),
    }
    outbox.say(tx, f"refused:{where}:{clock.isoformat()}", target, "ops", body, job.due_at)
    owner = "" if trouble.code in ("is_archived", "is_inactive") else _owner(tx, job)
    if owner and owner != job.target.address:
        hint: dict[str, object] = {
            "happened": f"Slack does not let me speak in {where} ({trouble.code}): "
            f"what you would hear there goes to {address(target)}.",
            "remedy": f"Type `/invite {BOT}` in {where}, or change the route in the rule file.",
            HINT: True,
        }
        outbox.say(
            tx, f"refused:{where}:{clock.isoformat()}:owner", Target("slack", owner), "ops", hint, job.due_at
        )
    return True


def _remedy(trouble: SlackTrouble) -> str:
    if trouble.code in ("is_archived", "is_inactive"):
        return "Unarchive it, or change the route in the rule file."
    return "Invite the app there with /invite, or change the route in the rule file."


def _owner(tx: Connection, job: Job) -> str:
    """Return the user who answers for what the message is about; '' where no id is known."""
    known: Mapping[str, Any] = incidents.by_fingerprint(tx, job.members)
    owners = (incidents.telling(incident).owner for incident in known.values())
    return next((owner for owner in owners if _USER.fullmatch(owner)), "")
