"""`in #channel`, `to @person`: one asks, and others read the answer where they are."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.core.asker import Asker
from bot.core.question import Query
from bot.edge.slack import Slack, SlackTrouble
from bot.edge.store import overlays
from bot.plainly import send
from bot.render import blocks
from bot.render.answering import command

if TYPE_CHECKING:
    from bot.desk import Desk

log = logging.getLogger("budgetbot.sharing")

ABSENT = {"not_in_channel", "channel_not_found"}


def share(desk: "Desk", query: Query, body: Mapping[str, Any], user: str) -> dict[str, Any]:
    """Post an answer where its question says, and return what its author is told.

    It speaks in a room of others, so it is for operators; who it was stands in the message and in the audit.
    """
    asker = desk.asker(user)
    if why := asker.lacks("operator"):
        desk.refused(asker, "share", query.to, why)
        return _told(f":information_source: {blocks.escape(why)}")
    where = f"<@{query.to}>" if _is_person(query.to) else f"<#{query.to}>"
    try:
        _post(desk.slack, query.to, _signed(body, asker, query))
    except SlackTrouble as trouble:
        log.info("not shared", extra={"target": query.to, "why": str(trouble)})
        if trouble.code in ABSENT:
            return _told(f":warning: I am not in {where}. Invite me there with `/invite`, then ask again.")
        unsure = "It may have been posted" if trouble.kind == "uncertain" else "Nothing was posted"
        return _told(f":warning: {unsure} in {where}: Slack says {blocks.escape(trouble.code)}.")
    with desk.store.writing() as tx:
        overlays.audit(tx, desk.clock(), asker.who, "share", query.to, {}, {"asked": query.command})
    return _told(
        f":white_check_mark: Posted in {where}."
        if where[1] == "#"
        else f":white_check_mark: Sent to {where}."
    )


def _post(slack: Slack, to: str, message: Mapping[str, Any]) -> None:
    """Post once; more plainly where Slack will not take it as it is drawn."""
    room = slack.direct(to) if _is_person(to) else to
    send(message, partial(slack.say, room), slack)


def _signed(body: Mapping[str, Any], asker: Asker, query: Query) -> dict[str, Any]:
    """Return the answer with who asked what: nobody is spoken to by a bot without knowing why."""
    by = blocks.context(f"<@{asker.who}> asked {command(query.command)}")
    kept = {key: held for key, held in body.items() if key != "response_type"}
    return {**kept, **blocks.message(body["text"], [by, *body["blocks"]])}


def _is_person(who: str) -> bool:
    return who[:1] in ("U", "W")


def _told(said: str) -> dict[str, Any]:
    return {**blocks.message(said, [blocks.section(said)]), "response_type": "ephemeral"}
