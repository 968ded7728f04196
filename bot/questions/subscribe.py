"""`subscribe`: a report that comes to its author alone, again and again; without a time, the list of them."""

from bot.core.outcome import Outcome
from bot.core.question import Query
from bot.core.subscription import MOST, Subscription, Subscriptions, same_as, wanted, zone_of
from bot.edge.store import overlays, subscriptions
from bot.questions import Asked

NO_PERSON = "A digest is somebody's own and comes as a direct message: a Slack id like U0123ABCD says whose."


def answer(asked: Asked) -> Subscriptions | Outcome:
    """Return somebody's subscriptions, or what became of a new one."""
    who = asked.asker.who
    if not is_person(who):
        return Outcome(NO_PERSON, done=False, refused=True)
    if asked.query.when:
        return _add(asked, asked.query, who)
    with asked.store.reading() as tx:
        return Subscriptions(subscriptions.standing(tx, who), asked.now)


def is_person(who: str) -> bool:
    """Tell whether somebody is known by a Slack user id: only they can be sent a direct message."""
    return who[:1] in ("U", "W") and who.isalnum() and who.isupper()


def described(each: Subscription) -> dict[str, object]:
    """Return a subscription as the audit keeps it."""
    return {"who": each.who, "when": each.wanted, "zone": each.zone, "report": each.report}


def _add(asked: Asked, query: Query, who: str) -> Outcome:
    zone = zone_of(asked.asker.zone, asked.rules.book.timezone)
    new = wanted(query, who, zone, asked.now)
    with asked.store.writing() as tx:
        mine = subscriptions.standing(tx, who)
        if known := same_as(new, mine):
            return Outcome(f"{known.mark} says that already: {_when(known, asked)}.")
        if len(mine) >= MOST:
            said = f"You have {len(mine)} subscriptions, and {MOST} is the most: unsubscribe from one of them first."
            return Outcome(said, done=False, refused=True)
        made = subscriptions.add(tx, new)
        overlays.audit(tx, asked.now, who, "subscribe", made.mark, {}, described(made))
    return Outcome(f"{made.mark} comes to you alone, {_when(made, asked)}. unsubscribe {made.mark} ends it.")


def _when(each: Subscription, asked: Asked) -> str:
    """Return `report last-week by project, weekly monday 09:00 (Europe/Berlin), next on 23 Nov 09:00`."""
    coming = each.next(asked.now)
    return f"report {each.report}, {each.wanted} ({each.zone}), next on {coming.day} {coming:%b %H:%M}"
