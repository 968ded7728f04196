"""@mentions: slash commands cannot be typed in threads, so there people speak to the bot by its name."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Self

from bot.core.alerts import rank_of
from bot.core.asker import Asker
from bot.core.errors import Unanswered
from bot.core.mentioned import Topic, addressed, aimed, status_of, together
from bot.core.query import parse
from bot.core.question import Query
from bot.core.recalled import recalled
from bot.core.verbs import VERBS
from bot.edge.slack import SlackTrouble
from bot.edge.store import incidents, past, records
from bot.plainly import forms
from bot.render import blocks, mentioned

if TYPE_CHECKING:
    from bot.desk import Desk

log = logging.getLogger("budgetbot.mentions")

PATIENCE = 30.0
"""Seconds at most that an answer waits where Slack asks for a pause."""

KEPT = 200
"""Characters of a stranger's words that the audit keeps."""

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mention:
    """What somebody said to the bot, as Slack told it."""

    words: str
    user: str
    channel: str
    thread: str
    """The message whose thread it was said in; its own where it was said in the channel."""
    inside: bool
    """It was said in a thread."""
    stranger: bool

    @classmethod
    def of(cls, payload: Payload) -> Self | None:
        """Return what an `app_mention` tells; None where nobody is to be answered: bots, and what Slack itself says."""
        event: Payload = payload.get("event") or {}
        bots = {str(each.get("user_id") or "") for each in payload.get("authorizations") or ()} - {""}
        user, channel = str(event.get("user") or ""), str(event.get("channel") or "")
        if event.get("bot_id") or event.get("subtype") or not user or not channel or user in bots:
            return None
        home = payload.get("team_id")
        teams = {event[key] for key in ("user_team", "source_team", "team") if event.get(key)}
        return cls(
            addressed(str(event.get("text") or ""), bots),
            user,
            channel,
            str(event.get("thread_ts") or event.get("ts") or ""),
            bool(event.get("thread_ts")),
            bool(home and teams - {home}),
        )


def heard(desk: "Desk", payload: Payload) -> None:
    """Answer somebody who mentions the bot: in the thread, or where they alone see it if it is theirs alone."""
    mention = Mention.of(payload)
    if mention is None:
        return
    try:
        if mention.stranger:
            body, alone = mentioned.stranger(), True
            desk.refused(Asker(mention.user), "mention", blocks.clip(mention.words, KEPT), body["text"])
        else:
            body, alone = _answer(desk, mention)
    except Unanswered as failed:
        body, alone = mentioned.trouble(str(failed)), False
    _say(desk, mention, body, alone=alone)


def _answer(desk: "Desk", mention: Mention) -> tuple[dict[str, Any], bool]:
    """Return what is said, and whether to one person alone."""
    topic = _topic(desk, mention) if mention.inside else None
    if not mention.words:
        return mentioned.hello(topic), False
    today = desk.clock().astimezone(UTC).date()
    words = mention.words
    if topic is not None:
        every = together(words, topic, today)
        if every is not None:
            return mentioned.which(topic, every), True
        words = aimed(words, topic, today)
    query = parse(words, today)
    body = desk.ask(words, mention.user)
    # An order is told in the thread by itself; what may not be shared is nobody else's.
    mine = isinstance(query, Query) and not VERBS[query.verb].shared and query.verb != "help"
    return body, mine or (isinstance(query, Query) and bool(query.to))


def _topic(desk: "Desk", mention: Mention) -> Topic | None:
    """Return what the thread is about; None where its message is not about alerts."""
    now = desk.clock().astimezone(UTC)
    with desk.store.reading() as tx:
        thread = past.thread(tx, mention.channel, mention.thread)
        if thread is None:
            return None
        known = incidents.by_fingerprint(tx, thread.fingerprints)
        names = records.names(tx)
    book = desk.rules(now).book
    held = [
        recalled(each, incidents.telling(each) if each.facts else None, book, names)
        for each in known.values()
    ]
    if not held:
        return None
    held.sort(key=lambda each: (each.state != "firing", *rank_of(each)))
    standing = [each for each in held if each.state == "firing"]
    marks = tuple(each.fingerprint for each in held)
    return Topic(marks, len(standing), status_of(standing or held), thread.card, thread.revision)


def _say(desk: "Desk", mention: Mention, body: Payload, *, alone: bool) -> None:
    """Say it, as plainly as Slack takes it; what may have arrived is not said again."""
    whole = {key: held for key, held in body.items() if key != "response_type"}
    # What one person alone sees cannot show a file.
    plainer = forms(whole, None if alone else desk.slack)
    message: dict[str, Any] | None = whole
    waited = False
    while message is not None:
        try:
            if alone:
                desk.slack.whisper(
                    mention.channel, mention.user, message, mention.thread if mention.inside else None
                )
            else:
                desk.slack.say(mention.channel, message, thread_ts=mention.thread)
        except SlackTrouble as trouble:
            log.warning("not said", extra={"why": str(trouble)})
            if trouble.kind == "payload":
                message = next(plainer, None)
            elif trouble.kind == "passing" and not waited:
                waited = True
                time.sleep(min(1.0 if trouble.retry_after is None else trouble.retry_after, PATIENCE))
            else:
                return
        else:
            return
