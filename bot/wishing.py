"""`Ask for more…`: the owner of an amount is told who asks for how much and why, and which line to change."""

from datetime import datetime

from bot.core.asker import Asker
from bot.core.money import show_usd
from bot.core.outcome import Outcome
from bot.core.owning import owner_of
from bot.core.proposal import propose
from bot.core.rooms import Target
from bot.core.rules.book import Budget
from bot.edge.store import outbox, overlays, records
from bot.edge.store.store import Store
from bot.render import wishes
from bot.render.alert_words import Told
from bot.rulebook import InForce
from bot.saying import say_in_threads

FORM = "more"
"""The form of the message to the owner."""
NOT_MONEY = "Only an amount of dollars can be asked for, and this alert has none."


def wish(
    store: Store,
    rules: InForce,
    told: Told,
    asked: int,
    reason: str,
    by: Asker,
    now: datetime,
    key: str,
) -> Outcome:
    """Tell the owner, once for `key`; where nobody can be told in person, the thread of the alert is.

    `asked` is in nano-dollars. Raises Unanswered when the database cannot be written.
    """
    incident, telling = told.incident, told.telling
    rule = rules.book.rule(incident.rule_id)
    if not isinstance(rule, Budget) or not rule.unit.dollars:
        return Outcome(NOT_MONEY, done=False, refused=True)
    if asked <= incident.amount:
        said = f"{show_usd(asked)} is no more than it has, {show_usd(incident.amount)}. Nobody was asked."
        return Outcome(said, done=False, refused=True)
    with store.writing() as tx:
        stored = records.book(tx)
        owner = next(iter(owner_of(rules.book, incident, records.names(tx))), "")
        first = (incident.group[0] if incident.group else "", telling.group[0][1] if telling.group else "")
        change = propose(rule, *first, asked, stored.files.get(rule.origin.file, "") if stored else "")
        body: dict[str, object] = {
            "who": by.who,
            "wish": asked,
            "amount": incident.amount,
            "spent": incident.value,
            "forecast": telling.outlook.total if telling.outlook else 0,
            "subject": told.subject,
            "period": telling.period,
            "reason": reason,
            "owner": owner,
            "fingerprint": incident.fingerprint,
            "file": rule.origin.file,
            "line": change.line,
            "link": rules.voice.link(rule),
            "before": change.before,
            "after": change.after,
            "why_not": change.why_not,
        }
        person = _is_person(owner) and owner != by.who
        known = f"more:{incident.fingerprint}:{key}"
        if person and not outbox.say(tx, known, Target("slack", owner), FORM, body, now):
            return Outcome(f"{{by}} was asked already, for {show_usd(asked)}.", owner)
        lines = wishes.thread_line(body)
        if not person:
            lines = f"{lines}\n{wishes.to_change(body)}"
        say_in_threads(tx, incident.fingerprint, f"more:{key}", lines)
        after = {"wish": asked, "reason": reason, "owner": owner}
        overlays.audit(tx, now, by.who, FORM, incident.fingerprint, {"amount": incident.amount}, after)
    if person:
        said = f"{{by}} is asked for {show_usd(asked)}, with the figures and the line to change."
        return Outcome(said, owner)
    return Outcome(f"The thread of the alert asks for {show_usd(asked)}, with the line to change.")


def _is_person(who: str) -> bool:
    return who[:1] in ("U", "W") and who.isalnum() and who.isupper()
