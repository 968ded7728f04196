"""Orders: acknowledge, silence, and take either back. Each is one write, with its line in the audit."""

from collections.abc import Sequence
from datetime import datetime

from bot.core.acknowledge import Acknowledgement
from bot.core.asker import Asker
from bot.core.incident import Incident
from bot.core.outcome import Outcome
from bot.core.question import Query
from bot.core.silence import all_hold
from bot.edge.store import overlays
from bot.edge.store.store import Store
from bot.ordering import Order, ago, at, name_of, together
from bot.overlays import outgrown
from bot.render.alert_words import named
from bot.rulebook import InForce
from bot.silencing import silence, unsilence

FEW = 3
"""So many outcomes are told one by one; more are counted."""


def carry_out(
    store: Store, rules: InForce, query: Query, by: Asker, now: datetime, *, sure: bool = True
) -> Outcome:
    """Do what an order says, and say what became of it. Raises Unanswered when the database cannot be written.

    Not `sure`: what is about every alert, or everything that matches, is counted first and not done.
    """
    with store.writing() as tx:
        order = Order(tx, rules, query, by, now)
        if by.why:
            return order.refuse_each(query.ids, by.why)
        match query.verb:
            case "ack":
                return _everything(order, sure=sure) if query.every else acknowledge(order, query.ids)
            case "unack":
                return together([_take_back(order, mark) for mark in query.ids])
            case "silence":
                return silence(order, sure=sure)
            case _:
                return together([unsilence(order, mark) for mark in query.ids])


def acknowledge(order: Order, marks: Sequence[str]) -> Outcome:
    """Look after some alerts, all at once; each thread they stand in says so once."""
    done: list[Incident] = []
    outcomes: list[Outcome] = []
    for mark in marks:
        found = order.find(mark)
        said = found if isinstance(found, Outcome) else _acknowledge(order, found)
        outcomes.append(said)
        if said.changed and isinstance(found, Incident):
            done.append(found)
    if done:
        order.tell(done, "acknowledged", f"Acknowledged by {named(order.by.who)}")
    if len(done) <= FEW or len(done) < len(outcomes):
        return together(outcomes)
    return Outcome(
        f"{len(done)} alerts are acknowledged: no reminder and no escalation until one grows by 25% or becomes graver.",
        changed=True,
    )


def _everything(order: Order, *, sure: bool) -> Outcome:
    """Acknowledge every open alert that the filters leave, and nobody looks after yet."""
    over = order.overlays()
    open_ = [
        incident
        for incident in order.firing()
        if incident.announced
        and all_hold(order.query.filters, over.subject(incident))
        and over.acknowledged(incident) is None
    ]
    words = " ".join(map(str, order.query.filters))
    of = f" with {words}" if words else ""
    if not open_:
        return Outcome(f"No alert{of} is open that nobody looks after.", done=False)
    if not sure:
        count = f"{len(open_)} alert{'s' if len(open_) != 1 else ''}"
        few = ", ".join(name_of(incident) for incident in open_[:FEW])
        more = f" and {len(open_) - FEW} more" if len(open_) > FEW else ""
        said = f"That is {count}{of}: {few}{more}. Nothing is acknowledged yet."
        return Outcome(said, done=False, asks=order.query.command, does=f"Acknowledge {count}")
    return acknowledge(order, [incident.fingerprint for incident in open_])


def _acknowledge(order: Order, incident: Incident) -> Outcome:
    name, book = name_of(incident), order.rules.book
    if incident.state == "ended":
        when = f", since {at(incident.ended_at)}" if incident.ended_at else ""
        return Outcome(f"{name} is over{when}: there is nothing to look after.", done=False)
    if incident.state == "ok":
        return Outcome(f"{name} is below every level: there is nothing to look after.", done=False)
    if why := order.lacks(incident):
        return order.refuse(incident.fingerprint, why)
    before = overlays.acknowledgements(order.tx, [incident.fingerprint]).get(incident.fingerprint)
    if before and not outgrown(book, before, incident):
        return Outcome(
            f"{name} is acknowledged already, by {{by}} at {at(before.at)}, {ago(order.now - before.at)}.",
            before.by,
        )
    rule = book.rule(incident.rule_id)
    falls = rule is not None and rule.falls
    given = Acknowledgement.of(incident, order.by.who, order.now, falls=falls)
    overlays.acknowledge(order.tx, given)
    order.audit(incident.fingerprint, _held_by(before), {**_held_by(given), **order.note()})
    return Outcome(
        f"{name} is acknowledged: no reminder and no escalation until it grows by 25% or becomes graver. "
        f"unack {incident.fingerprint} takes that back.",
        changed=True,
        undo=f"unack {incident.fingerprint}",
    )


def _take_back(order: Order, mark: str) -> Outcome:
    found = order.find(mark)
    if isinstance(found, Outcome):
        return found
    before = overlays.acknowledgements(order.tx, [found.fingerprint]).get(found.fingerprint)
    if before is None:
        return Outcome(f"Nobody has acknowledged {name_of(found)}.", done=False)
    # What somebody took on themselves they may put down, whatever they may do by now.
    if before.by != order.by.who and (why := order.lacks(found)):
        return order.refuse(found.fingerprint, why)
    overlays.take_back(order.tx, found.fingerprint)
    order.audit(found.fingerprint, _held_by(before), order.note())
    order.tell([found], "taken back", f"No longer acknowledged: taken back by {named(order.by.who)}")
    return Outcome(f"{name_of(found)} is acknowledged no longer.", changed=True)


def _held_by(given: Acknowledgement | None) -> dict[str, object]:
    return {"by": given.by, "severity": given.severity, "value": given.value} if given else {}
