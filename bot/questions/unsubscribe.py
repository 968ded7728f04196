"""`unsubscribe`: ends subscriptions, one's own alone."""

from bot.core.outcome import Outcome
from bot.core.subscription import Subscription
from bot.edge.store import overlays, subscriptions
from bot.questions import Asked
from bot.questions.subscribe import NO_PERSON, described, is_person


def answer(asked: Asked) -> Outcome:
    """End what is named, all of it or nothing of it."""
    who, query = asked.asker.who, asked.query
    if not is_person(who):
        return Outcome(NO_PERSON, done=False, refused=True)
    with asked.store.writing() as tx:
        mine = {each.mark: each for each in subscriptions.standing(tx, who)}
        marks = list(mine) if query.every else list(dict.fromkeys(query.ids))
        if missing := next((mark for mark in marks if mark not in mine), ""):
            number = int(missing.removeprefix("su_"))
            return _refused(missing, who, subscriptions.owners(tx, [number]).get(number, ""))
        if not marks:
            return Outcome("You have no subscriptions: there is nothing to end.", done=False)
        ending = [mine[mark] for mark in marks]
        subscriptions.end(tx, [each.id for each in ending], asked.now, who)
        for each in ending:
            overlays.audit(tx, asked.now, who, "unsubscribe", each.mark, described(each), {})
    return Outcome(_ended(ending))


def _refused(mark: str, who: str, owner: str) -> Outcome:
    """Return why something cannot be ended: whose it is stays theirs."""
    if owner == who:
        return Outcome(f"{mark} is over already.", done=False)
    if owner:
        said = f"{mark} is not yours: only who subscribed can end it. subscribe list shows yours."
    else:
        said = f"There is no subscription {mark}: subscribe list shows yours."
    return Outcome(said, done=False, refused=True)


def _ended(ending: list[Subscription]) -> str:
    if len(ending) == 1:
        return f"{ending[0].mark} is over: report {ending[0].report} comes {ending[0].wanted} no longer."
    return f"{', '.join(each.mark for each in ending)} are over."
