"""The buttons of alerts: they carry a reference; who clicks decides what may be done, the database what is so.

Where something was done its card is edited and its thread says so; only somebody who is refused, or looked at what was
so no longer, is told anything besides.
"""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING

from bot.clicks import modals
from bot.clicks.click import Click
from bot.clicks.modals import answer
from bot.core.asker import Asker
from bot.core.drilling import drill
from bot.core.incident import Incident
from bot.core.outcome import Outcome
from bot.core.query import parse
from bot.core.question import Query
from bot.core.reference import VERSION, Reference
from bot.core.verbs import VERBS
from bot.edge.store import clicked, incidents
from bot.edge.store.clicked import Clicked
from bot.render import alert_answers, blocks
from bot.render.alert_buttons import LABELS
from bot.render.alert_tables import worst_first
from bot.render.replies import reply
from bot.told_now import told_now

if TYPE_CHECKING:
    from bot.desk import Desk

UNKNOWN = "This button is of another version of me. Try /budget alerts."
KEPT = 200
"""Characters of a strange button's value that the audit keeps."""
GONE = "I know nothing of that alert any more. Try /budget alerts."


def click(desk: "Desk", click: Click) -> None:
    """Do what a button of an alert, or of a table of them, says."""
    kind, _, what = click.action.partition(".")
    if what == "sure":
        _sure(desk, click)
        return
    about = Reference.read(click.value)
    if about is not None and what == "more":
        what = about.choice
    deeds = ALERT if kind == "alert" else TABLE
    if about is None or what not in deeds or bool(about.fingerprint) != (kind == "alert"):
        _unknown(desk, click)
        return
    deeds[what](desk, click, about)


# -- one alert -------------------------------------------------------------------------------------------


def _ack(desk: "Desk", click: Click, about: Reference) -> None:
    outcome = _order(desk, click, Query("ack", ids=(about.fingerprint,)))
    if outcome is not None and _stale(desk, click, about):
        with desk.store.reading() as tx:
            told = told_now(tx, desk.rules(desk.clock()).book, (about.fingerprint,), desk.clock())
        if told:
            answer(click, alert_answers.as_it_stands(told[0]))


def _unack(desk: "Desk", click: Click, about: Reference) -> None:
    _order(desk, click, Query("unack", ids=(about.fingerprint,)))


def _unsilence(desk: "Desk", click: Click, about: Reference) -> None:
    _order(desk, click, Query("unsilence", ids=(about.fingerprint,)))


def _drill(desk: "Desk", click: Click, about: Reference) -> None:
    now = desk.clock().astimezone(UTC)
    book = desk.rules(now).book
    with desk.store.reading() as tx:
        told = told_now(tx, book, (about.fingerprint,), now)
    if not told or not (told[0].telling.days or told[0].telling.start):
        answer(click, alert_answers.sentence(GONE))
        return
    incident = told[0].incident
    deeper = drill(book.rule(incident.rule_id), incident.group, told[0].telling, now.date())
    answer(click, alert_answers.drilled(desk.ask(deeper.report(), click.user), told[0], deeper))


def _csv(desk: "Desk", click: Click, about: Reference) -> None:
    now = desk.clock().astimezone(UTC)
    book = desk.rules(now).book
    incident = _incident(desk, about)
    telling = incidents.telling(incident) if incident and incident.facts else None
    if incident is None or telling is None or not (telling.days or telling.start):
        answer(click, alert_answers.sentence(GONE))
        return
    deeper = drill(book.rule(incident.rule_id), incident.group, telling, now.date())
    answer(click, desk.ask(deeper.export(), click.user))


def _asks(verb: str) -> "Deed":
    def ask(desk: "Desk", click: Click, about: Reference) -> None:
        answer(click, desk.ask(f"{verb} {about.fingerprint}", click.user))

    return ask


# -- a table ---------------------------------------------------------------------------------------------


def _ack_all(desk: "Desk", click: Click, about: Reference) -> None:
    card, firing = _members(desk, about)
    if card is None:
        answer(click, alert_answers.sentence(GONE))
        return
    if not firing:
        said = "All of these ended or were corrected: there is nothing to look after."
        answer(click, alert_answers.sentence(said))
        return
    _order(desk, click, Query("ack", ids=tuple(firing)))


def _show(desk: "Desk", click: Click, about: Reference) -> None:
    now = desk.clock()
    with desk.store.reading() as tx:
        card = clicked.card(tx, about.card_id)
        told = told_now(tx, desk.rules(now).book, card.members if card else (), now)
    if card is None or not told:
        answer(click, alert_answers.sentence(GONE))
        return
    answer(click, alert_answers.listed(sorted(told, key=worst_first), card.revision))


# -- whoever is sure -------------------------------------------------------------------------------------


def _sure(desk: "Desk", click: Click) -> None:
    """Carry out an order that was counted first: the words are parsed, and who clicked may or may not."""
    version, _, words = click.value.partition("|")
    query = parse(words, desk.clock().astimezone(UTC).date())
    if version != VERSION or not isinstance(query, Query) or not VERBS[query.verb].orders:
        _unknown(desk, click)
        return
    answer(click, reply(*desk.answered(words, click.user, sure=True)))


# -- what they share -------------------------------------------------------------------------------------


def _unknown(desk: "Desk", click: Click) -> None:
    """Refuse what no button of ours says; kept, for it may have been written by hand."""
    desk.refused(Asker(click.user), "click", blocks.clip(f"{click.action} {click.value}", KEPT), UNKNOWN)
    answer(click, alert_answers.sentence(UNKNOWN))


def _order(desk: "Desk", click: Click, query: Query) -> Outcome | None:
    """Carry out an order; return its outcome where it was done, and tell why where it was not."""
    outcome = desk.ordered(query, click.user)
    assert isinstance(outcome, Outcome)
    if outcome.changed and not outcome.refused:
        return outcome
    answer(click, reply(outcome, query))
    return None


def _stale(desk: "Desk", click: Click, about: Reference) -> bool:
    """Tell whether the message has been edited since the revision that somebody clicked in."""
    if not (about.revision and click.ts):
        return False
    with desk.store.reading() as tx:
        card = clicked.message(tx, click.channel, click.ts)
    # The order itself is one revision more.
    return card is not None and about.fingerprint in card.members and card.revision > about.revision + 1


def _incident(desk: "Desk", about: Reference) -> Incident | None:
    with desk.store.reading() as tx:
        return incidents.by_fingerprint(tx, (about.fingerprint,)).get(about.fingerprint)


def _members(desk: "Desk", about: Reference) -> tuple[Clicked | None, list[str]]:
    """Return the message of a table, and which of its alerts go on and nobody looks after."""
    now = desk.clock()
    with desk.store.reading() as tx:
        card = clicked.card(tx, about.card_id)
        told = told_now(tx, desk.rules(now).book, card.members if card else (), now)
    open_ = [each for each in told if each.incident.state == "firing"]
    alone = [each for each in open_ if not each.acknowledged]
    # Where somebody looks after all of them already, the order tells who and since when.
    return card, [each.incident.fingerprint for each in (alone or open_)]


Deed = Callable[["Desk", Click, Reference], None]

ALERT: Mapping[str, Deed] = {
    "ack": _ack,
    "unack": _unack,
    "unsilence": _unsilence,
    "drill": _drill,
    "csv": _csv,
    "why": _asks("why"),
    "explain": _asks("explain"),
    "silence": modals.open_silence,
    "more": modals.open_more,
}
"""What a button of one alert is called, or a choice of its menu → what is done."""
TABLE: Mapping[str, Deed] = {"ack": _ack_all, "show": _show, "silence": modals.open_silence}

assert LABELS.keys() <= ALERT.keys()
