"""The modals of alerts: opened at once with what is at hand, carried out as the command would be, by who sent them."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.clicks.click import Click
from bot.core.asker import Asker
from bot.core.filters import Filter
from bot.core.money import NANO, parse_usd
from bot.core.outcome import Outcome
from bot.core.owning import owns
from bot.core.question import Query
from bot.core.reference import Reference
from bot.core.roles import may
from bot.core.silence import LONGEST, SHORT
from bot.core.until import OVER, choices, chosen, lasting
from bot.edge.slack import SlackTrouble
from bot.edge.store import clicked, records
from bot.overlays import in_dollars
from bot.render import alert_answers, blocks, modals
from bot.render.alert_buttons import has_amount
from bot.render.alert_words import Told, emoji, usd
from bot.render.kinds import headline
from bot.render.replies import reply
from bot.told_now import told_now
from bot.wishing import wish

if TYPE_CHECKING:
    from bot.desk import Desk

log = logging.getLogger("budgetbot.modals")

LATE = "That took too long for Slack, so nothing was opened. Try once more."
OVER_ALREADY = "That alert is over or corrected: there is nothing to silence, and nothing to ask for."
KEPT = 200
"""Characters of a strange modal that the audit keeps."""
GONE = "I know nothing of that alert any more. Try /budget alerts."


# -- opened ----------------------------------------------------------------------------------------------


def open_silence(desk: "Desk", click: Click, about: Reference) -> None:
    """Open the modal that silences an alert, or all that a table tells of."""
    told = _open_ones(desk, about)
    if not told:
        answer(click, alert_answers.sentence(OVER_ALREADY))
        return
    now, book = desk.clock(), desk.rules(desk.clock()).book
    # Slack gives three seconds: nobody is asked who somebody is before the modal stands.
    asker = desk.known(click.user)
    if asker is not None and (why := _lacks(desk, asker, told)):
        desk.refused(asker, "silence", told[0].incident.fingerprint, why)
        answer(click, reply(Outcome(why, done=False, refused=True)))
        return
    zone = asker.clocks(book.timezone) if asker else book.timezone
    short = asker is not None and asker.role != "admin"
    ends = choices(now, zone, SHORT if short else LONGEST)
    grows = all(in_dollars(book, each.incident) for each in told)
    view = modals.silence(
        _metadata(click, about), _line(told), ends, _scopes(told, about), zone=zone, grows=grows, short=short
    )
    _open(desk, click, view, "silence", told)


def open_more(desk: "Desk", click: Click, about: Reference) -> None:
    """Open the modal that asks the owner of an amount for more."""
    told = [each for each in _open_ones(desk, about) if has_amount(each)]
    if not told:
        answer(click, alert_answers.sentence(OVER_ALREADY))
        return
    incident, outlook = told[0].incident, told[0].telling.outlook
    facts = [f"*Spent*\n{usd(incident.value)} of {usd(incident.amount)}"]
    facts += [f"*On course for*\n{usd(outlook.total)}"] if outlook else []
    likely = max(outlook.total if outlook else 0, incident.value, incident.amount * 11 // 10)
    view = modals.more(_metadata(click, about), _line(told), facts, _round_up(likely))
    _open(desk, click, view, "more", told)


def _open(desk: "Desk", click: Click, view: Mapping[str, Any], what: str, told: list[Told]) -> None:
    try:
        view_id = desk.slack.open_view(click.trigger, view)
    except SlackTrouble as trouble:
        log.warning("not opened", extra={"why": str(trouble)})
        again = blocks.button("Try again", click.action, click.value)
        answer(click, alert_answers.sentence(LATE, again))
        return
    if desk.known(click.user) is not None:
        return
    # Whoever may not send it should not have to fill it in first; sent, it is looked at once more.
    asker = desk.asker(click.user)
    why = asker.why if what == "more" else _lacks(desk, asker, told)
    if why:
        try:
            desk.slack.update_view(view_id, modals.refused(why))
        except SlackTrouble as trouble:
            log.info("not taken back", extra={"why": str(trouble)})
        desk.refused(asker, what, told[0].incident.fingerprint, why)


# -- sent ------------------------------------------------------------------------------------------------


def submit(desk: "Desk", click: Click) -> None:
    """Carry out what somebody filled in; who they are is looked at again."""
    metadata = str(click.view.get("private_metadata") or "")
    about = Reference.read(metadata.rpartition("|")[0])
    told = _open_ones(desk, about) if about else []
    if about is None:
        # No modal of ours says that: it was written by hand.
        desk.refused(Asker(click.user), "modal", blocks.clip(f"{click.action} {metadata}", KEPT), GONE)
    if about is None or not told:
        click.respond(alert_answers.sentence(OVER_ALREADY if about else GONE))
        return
    state = _keys(_keys(click.view.get("state")).get("values"))
    if click.action.startswith("silence"):
        _silence(desk, click, about, told, state)
    else:
        _more(desk, click, told[0], state)


def _silence(
    desk: "Desk", click: Click, about: Reference, told: list[Told], state: Mapping[str, Any]
) -> None:
    now, asker = desk.clock(), desk.asker(click.user)
    zone = asker.clocks(desk.rules(now).book.timezone)
    end = chosen(_option(state, "until"), now, zone)
    reason = blocks.clip(blocks.clean(_text(state, "reason")), modals.MOST_REASON)
    scope = _option(state, "scope") or "alert"
    grown = _text(state, "wake")
    wake = parse_usd(grown) if grown else None
    if end is None or not reason or scope not in _scopes(told, about) or (grown and not (wake and wake > 0)):
        problem = "A silence needs an end, a reason, and dollars to grow by if any. Nothing was silenced."
        click.respond(reply(Outcome(problem, done=False, refused=True)))
        return
    ids, filters = _silenced(desk, told, scope)
    lasts = lasting(end, now)
    if end.value == OVER and not ids:
        # What is silenced besides the alert ends with the alert's own period.
        last = min(told[0].incident.span.ends_at, now + LONGEST)
        lasts = f"for {max(1, -((now - last) // timedelta(minutes=1)))}m"
    query = Query("silence", ids=ids, filters=filters, lasts=lasts, wake=wake, reason=reason)
    click.respond(reply(desk.ordered(query, click.user), query))


def _more(desk: "Desk", click: Click, told: Told, state: Mapping[str, Any]) -> None:
    asker, now = desk.asker(click.user), desk.clock()
    asked, reason = parse_usd(_text(state, "wish")), blocks.clean(_text(state, "reason"))
    if asker.why:
        desk.refused(asker, "more", told.incident.fingerprint, asker.why)
        click.respond(reply(Outcome(asker.why, done=False, refused=True)))
        return
    if not asked or asked <= 0 or not reason:
        problem = "To ask for more takes an amount in dollars and a reason. Nobody was asked."
        click.respond(reply(Outcome(problem, done=False, refused=True)))
        return
    # The view is one sending: a second delivery of it asks nobody twice.
    key = str(click.view.get("id") or click.trigger)
    reason = blocks.clip(reason, modals.MOST_REASON)
    click.respond(reply(wish(desk.store, desk.rules(now), told, asked, reason, asker, now, key)))


# -- what they share -------------------------------------------------------------------------------------


def answer(click: Click, body: Mapping[str, Any]) -> None:
    """Say something to who clicked, alone; the message that was clicked in stays as it is."""
    click.respond({**body, "response_type": "ephemeral", "replace_original": False})


def _metadata(click: Click, about: Reference) -> str:
    """Return what the modal is about, and where its answer is whispered."""
    plain = Reference(about.fingerprint, about.card_id, about.revision)
    return f"{plain}|{click.channel}"


def _open_ones(desk: "Desk", about: Reference) -> list[Told]:
    """Return the alerts that are meant and go on, the worst first."""
    now = desk.clock()
    with desk.store.reading() as tx:
        marks: tuple[str, ...] = (about.fingerprint,) if about.fingerprint else ()
        if not marks and (card := clicked.card(tx, about.card_id)):
            marks = card.members
        told = told_now(tx, desk.rules(now).book, marks, now)
    return sorted(
        (each for each in told if each.incident.state == "firing"),
        key=lambda each: each.incident.amount - each.incident.value,
    )


def _lacks(desk: "Desk", asker: Asker, told: list[Told]) -> str:
    """Return why somebody may not silence any of these, even for an hour; '' when they may."""
    why = asker.why or may(asker.role)
    if not why or asker.why:
        return why
    book = desk.rules(desk.clock()).book
    with desk.store.reading() as tx:
        names = records.names(tx)
    return "" if any(owns(book, asker, each.incident, names) for each in told) else why


def _line(told: list[Told]) -> str:
    first = f"{emoji(told[0].incident)} {headline(told[0])}"
    return f"{first}\nand {len(told) - 1} more" if len(told) > 1 else first


def _scopes(told: list[Told], about: Reference) -> dict[str, str]:
    """Return how much can be silenced: what the alert is, its rule and group, its whole project."""
    if about.card_id:
        return {"alert": f"These {len(told)} alerts" if len(told) > 1 else "This alert"}
    scopes = dict(modals.SCOPES)
    if "project" not in dict(told[0].telling.group):
        del scopes["project"]
    return scopes


def _silenced(desk: "Desk", told: list[Told], scope: str) -> tuple[tuple[str, ...], tuple[Filter, ...]]:
    """Return the alerts, or the conditions, that a scope comes to."""
    if scope == "alert":
        return tuple(each.incident.fingerprint for each in told), ()
    incident = told[0].incident
    rule = desk.rules(desk.clock()).book.rule(incident.rule_id)
    each = rule.scope.each if rule else tuple(dimension for dimension, _ in told[0].telling.group)
    group = [
        Filter(dimension, "=", (value or dict(told[0].telling.group).get(dimension, ""),))
        for dimension, value in zip(each, incident.group, strict=False)
        if scope == "rule" or dimension == "project"
    ]
    return (), (*([Filter("rule", "=", (incident.rule_id,))] if scope == "rule" else []), *group)


def _option(state: Mapping[str, Any], block_id: str) -> str:
    return str(_keys(_field(state, block_id).get("selected_option")).get("value") or "")


def _text(state: Mapping[str, Any], block_id: str) -> str:
    return str(_field(state, block_id).get("value") or "").strip()


def _field(state: Mapping[str, Any], block_id: str) -> Mapping[str, Any]:
    return _keys(_keys(state.get(block_id)).get(modals.FIELD))


def _keys(held: object) -> Mapping[str, Any]:
    """Return what should be keys and values; none where it is anything else."""
    return held if isinstance(held, Mapping) else {}


def _round_up(amount: int) -> int:
    """Return an amount as people propose it: two digits that mean something, the rest zeros."""
    dollars = -(-amount // NANO)
    step: int = 10 ** max(0, len(str(dollars)) - 2)
    return -(-dollars // step) * step * NANO
