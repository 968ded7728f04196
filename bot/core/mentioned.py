"""Words said to the bot by its name: in the thread of an alert they are about that alert, unless they say more."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from bot.core.filters import Filter
from bot.core.query import parse
from bot.core.question import Query
from bot.core.status import Standing
from bot.core.tokens import split
from bot.core.verbs import COST_KEYS, VERBS

ABOUT = ("why", "explain", "history")
"""Questions that may be about one alert."""
_MENTION = re.compile(r"<@([UWB][A-Z0-9]+)(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Topic:
    """What a thread is about."""

    fingerprints: tuple[str, ...]
    """Its alerts: those that are open first, the gravest first."""
    open: int
    """How many of them are open."""
    status: str
    """The command that asks where they stand."""
    card: int
    revision: int


def addressed(text: str, bots: Collection[str]) -> str:
    """Return what is said to the bot: what follows its name, or what stands before it where nothing follows.

    `bots` are its ids; where none is known, whoever is mentioned first is it.
    """
    names = [found for found in _MENTION.finditer(text) if found[1] in bots or not bots]
    if not names:
        return text.strip()
    mine = names[0]
    ids = {*bots, mine[1]}
    after = _MENTION.sub(lambda found: "" if found[1] in ids else found[0], text[mine.end() :]).strip()
    words = after or text[: mine.start()].strip()
    # “why?” is asked of a person; “?” alone asks for help.
    return words.rstrip("?!").rstrip() or words


def aimed(words: str, topic: Topic, today: date) -> str:
    """Return words said in a thread as the command they mean: about its worst alert where they name none."""
    tokens, _ = split(words)
    verb = tokens[0].lower() if tokens else ""
    query = parse(words, today)
    if not isinstance(query, Query):
        takes = verb in ABOUT or (verb in VERBS and VERBS[verb].orders)
        return _about(tokens, topic) if takes else words
    if query.verb == "status" and not query.filters:
        return topic.status
    if query.verb in ABOUT and not query.about:
        about = _about(tokens, topic)
        # `why yesterday` is about a day: an alert has days of its own.
        return about if isinstance(parse(about, today), Query) else words
    return words


def together(words: str, topic: Topic, today: date) -> str | None:
    """Return the command that acknowledges every open alert of a thread; None where that cannot be meant.

    It names them one by one, so that it is about those that somebody saw; '' where they are too many for that.
    """
    tokens, _ = split(words)
    bare = bool(tokens) and tokens[0].lower() == "ack" and not isinstance(parse(words, today), Query)
    if topic.open < 2 or not bare or not isinstance(parse(_about(tokens, topic), today), Query):
        return None
    every = " ".join(["ack", *topic.fingerprints[: topic.open], *tokens[1:]])
    return every if isinstance(parse(every, today), Query) else ""


def status_of(standings: Sequence[Standing]) -> str:
    """Return the command that asks where these alerts stand."""
    rules = tuple(dict.fromkeys(each.rule_id for each in standings))
    conditions = [Filter("rule", "=", rules)]
    if len(standings) == 1:
        (only,) = standings
        conditions += [
            Filter(key, "=", (value or name,))
            for key, value, name in zip(only.each, only.group, only.group_names, strict=True)
            if key in COST_KEYS
        ]
    return " ".join(["status", *map(str, conditions)])


def _about(tokens: Sequence[str], topic: Topic) -> str:
    return " ".join([tokens[0].lower(), topic.fingerprints[0], *tokens[1:]])
