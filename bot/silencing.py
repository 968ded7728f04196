"""Silences: made, counted before they are made, and ended."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.core.filters import Filter
from bot.core.incident import Incident
from bot.core.money import show_usd
from bot.core.ordering import ends_at
from bot.core.outcome import Outcome
from bot.core.repair import nearest
from bot.core.silence import LONGEST, Silence, as_matchers
from bot.edge.store import cards, outbox, overlays, records
from bot.ordering import Order, at, name_of
from bot.render.alert_words import named, show_instant

IN_THREADS = 10
"""Alerts in whose threads a new silence is told: of more, the answer and `status` tell."""


def silence(order: Order, *, sure: bool) -> Outcome:
    """Hold back what an order says. Not `sure`: what would hold back every alert there is, is counted first."""
    query, now = order.query, order.now
    about = _about(order)
    if isinstance(about, Outcome):
        return about
    conditions, incidents_ = about
    if len(as_matchers(conditions)) < len(conditions):
        return Outcome("Say each key once: a,b means any of them.", done=False, refused=True)
    zone = order.by.clocks(order.rules.book.timezone)
    ends = ends_at(query.lasts, now, zone)
    last = ends or now + LONGEST
    if last <= now:
        return Outcome(f"That is over already: {until_words(last, zone)}.", done=False, refused=True)
    if last - now > LONGEST:
        return Outcome(f"A silence lasts {LONGEST.days} days at most.", done=False, refused=True)
    if stranger := _called_nothing(order, conditions):
        return Outcome(stranger, done=False, refused=True)
    lacks = [order.lacks(incident, last - now) for incident in incidents_]
    if why := next((why for why in lacks if why), "") if lacks else order.lacks_for(conditions, last - now):
        return order.refuse_each([each.fingerprint for each in incidents_], why)
    wanted = Silence(0, tuple(conditions), query.reason, order.by.who, now, last, ends is None, query.wake)
    if other := _same(order, wanted):
        said = f"{other.mark} holds that back already, until {at(other.ends_at)}, by {{by}}: {other.reason}."
        return Outcome(said, other.made_by)
    matched, firing = order.matched(wanted), order.firing()
    words = " ".join(map(str, conditions))
    until = _until(wanted, zone)
    count = f"{len(matched)} alert{'s' if len(matched) != 1 else ''}"
    if not sure and not query.ids and wanted.vague and len(matched) == len(firing):
        said = f"{words} would hold back every alert, {until}: {count} firing now, and each that is to come. "
        return Outcome(
            f"{said}Nothing is silenced yet.", done=False, asks=query.command, does="Silence everything"
        )
    began = {incident.fingerprint: incident.value for incident in matched} if wanted.wake else {}
    made = overlays.add(order.tx, replace(wanted, began=began))
    order.audit(made.mark, {}, {**described(made), "reason": made.reason})
    _tell(order, made, matched)
    woken = f" or until it grows by {show_usd(made.wake, cents=False)}" if made.wake else ""
    return Outcome(
        f"{made.mark} holds back {words} {until}{woken}: {made.reason}. "
        f"That is {count} firing now. unsilence {made.mark} takes it back.",
        changed=True,
        undo=f"unsilence {made.mark}",
    )


def _called_nothing(order: Order, conditions: Sequence[Filter]) -> str:
    """Return a sentence about a name that nothing has: who mistypes it must not go home believing it is quiet."""
    book, names = order.rules.book, records.names(order.tx)
    known: dict[str, dict[str, str]] = {
        "rule": {rule.id: rule.name for rule in book.rules},
        "team": {team.name: team.name for team in book.teams},
    }
    for (dimension, value), name in names.current.items():
        known.setdefault(dimension, {})[value] = name
    for each in conditions:
        called = known.get(each.key, {})
        if each.op != "=" or not called:
            continue
        for value, pattern in zip(each.values, each.patterns, strict=True):
            if {"*", "?"} & set(value) or any(pattern.matches(held, name) for held, name in called.items()):
                continue
            near = nearest(value.lower(), [name.lower() for name in called.values()])
            closest = next((name for name in called.values() if near and name.lower() == near[0]), "")
            meant = f"; the closest is “{closest}”" if closest else ""
            what = each.key.replace("_", " ")
            return f"No {what} is called “{value}”{meant}. Nothing is silenced: a star stands for what is to come."
    return ""


def unsilence(order: Order, mark: str) -> Outcome:
    """End a silence, or what holds back one alert alone."""
    going = overlays.silences(order.tx)
    if mark.startswith("si_"):
        mine = [each for each in going if each.mark == mark]
        if not mine:
            over = overlays.ended(order.tx, int(mark.removeprefix("si_")))
            if over is None:
                return Outcome(f"There is no silence {mark}.", done=False, refused=True)
            how = {"time": "its time was over", "incident": "its incident was over", "wake": "it grew"}
            why = how.get(over.by, "taken back by {by}")
            return Outcome(f"{mark} ended already, at {at(over.at)}: {why}.", over.by, done=False)
    else:
        found = order.find(mark)
        if isinstance(found, Outcome):
            return found
        mine = [each for each in going if each.named == (found.fingerprint,)]
        if not mine:
            holding = order.overlays().silence_of(found)
            if holding is None:
                return Outcome(f"{name_of(found)} is not silenced.", done=False)
            words = " ".join(map(str, holding.conditions))
            said = f"{name_of(found)} is held back by {holding.mark} ({words}): unsilence {holding.mark} ends that."
            ends = f"unsilence {holding.mark}"
            return Outcome(said, done=False, asks=ends, does=f"End {holding.mark} for all it holds back")
    for each in mine:
        if why := _may_end(order, each):
            return order.refuse(each.mark, why)
    for each in mine:
        held = order.matched(each)
        overlays.end(order.tx, each.id, order.now, order.by.who)
        order.audit(each.mark, described(each), order.note())
        # Their cards say so no longer; what was held back is said by the tick that follows.
        outbox.touch(order.tx, [incident.fingerprint for incident in held])
    marks = " and ".join(each.mark for each in mine)
    return Outcome(f"{marks} is over: what it held back is said with the next poll.", changed=True)


def until_words(moment: datetime, zone: str) -> str:
    """Return `5 Oct 16:00 UTC`, and what that is by somebody's own clocks."""
    if zone == "UTC":
        return at(moment)
    local = moment.astimezone(ZoneInfo(zone))
    day = f"{local.day} {local:%b} " if local.date() != moment.date() else ""
    return f"{show_instant(moment)} UTC ({day}{local:%H:%M} in {zone})"


def described(silence_: Silence) -> dict[str, object]:
    """Return a silence as the audit keeps it."""
    return {
        "matchers": as_matchers(silence_.conditions),
        "ends_at": silence_.ends_at.isoformat(),
        "with_incident": silence_.with_incident,
        "wake": silence_.wake,
    }


def _about(order: Order) -> Outcome | tuple[list[Filter], list[Incident]]:
    """Return what is to be held back: as conditions, and the alerts that are named one by one."""
    conditions: list[Filter] = []
    named_: list[Incident] = []
    for mark in order.query.ids:
        found = order.find(mark)
        if isinstance(found, Outcome):
            return found
        if found.state == "ended":
            when = f", since {at(found.ended_at)}" if found.ended_at else ""
            return Outcome(f"{name_of(found)} is over{when}: there is nothing to silence.", done=False)
        named_.append(found)
    if named_:
        conditions.append(Filter("fingerprint", "=", tuple(each.fingerprint for each in named_)))
    return [*conditions, *order.query.filters], named_


def _same(order: Order, wanted: Silence) -> Silence | None:
    """Return the silence that does already what is wanted."""
    alike = (wanted.conditions, wanted.with_incident, wanted.wake)
    for other in overlays.silences(order.tx):
        same = (other.conditions, other.with_incident, other.wake) == alike
        if same and other.stands(order.now) and other.ends_at >= wanted.ends_at:
            return other
    return None


def _until(wanted: Silence, zone: str) -> str:
    over, at_most = ("it is over, ", " at most") if wanted.with_incident else ("", "")
    return f"until {over}{until_words(wanted.ends_at, zone)}{at_most}"


def _tell(order: Order, made: Silence, matched: Sequence[Incident]) -> None:
    """Say in the threads of what is held back that it is; each says so once."""
    if matched and len(matched) <= IN_THREADS:
        # What others read is in UTC: each of them lives by their own clocks.
        order.tell(matched, f"silenced {made.id}", f"Silenced by {named(order.by.who)} {_until(made, 'UTC')}")
    outbox.touch(order.tx, list({fingerprint for fingerprint, _ in _shown(order, matched)}))


def _shown(order: Order, matched: Sequence[Incident]) -> list[tuple[str, int]]:
    members = cards.cards_of(order.tx, [incident.fingerprint for incident in matched])
    return [(fingerprint, card_id) for (fingerprint, _), card_id in members.items()]


def _may_end(order: Order, each: Silence) -> str:
    """Return why somebody may not end a silence: their own they may, and one of what is theirs."""
    if each.made_by == order.by.who:
        return ""
    if each.named:
        return next((why for mark in each.named if (why := _lacks(order, mark))), "")
    return order.lacks_for(each.conditions)


def _lacks(order: Order, fingerprint: str) -> str:
    found = order.find(fingerprint)
    return "" if isinstance(found, Outcome) else order.lacks(found)
