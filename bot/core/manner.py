"""How an answer is given: how many rows, with a chart, as a file, to the last digit, and where it is heard."""

import re

from bot.core.draft import Draft, Trouble
from bot.core.repair import count_words, dropped, replaced
from bot.core.tokens import undash, unquoted

MOST_ROWS = 100
"""The largest N of `top=N`."""

_CHANNEL = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|[^>]*)?>|#?([CGD][A-Z0-9]+)")
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>|@?([UW][A-Z0-9]+)")


def flag(draft: Draft, tokens: list[str], place: int, word: str) -> int:
    """Read one word of FLAGS at `place` and return the place of the next argument."""
    verb = draft.verb
    without = dropped(tokens, place)
    taken = word in verb.formats if word in ("csv", "json", "jsonl") else verb.charts
    if not (verb.shared if word == "public" else taken):
        others = tuple([word] for word in verb.formats if word not in tokens)
        instead = tuple(
            replaced(tokens, place, other) for other in others if word in ("csv", "json", "jsonl")
        )
        raise Trouble(f"{verb.name} takes no “{word}”.", (*instead, without), draft)
    if word == "public":
        draft.public = True
    elif word == "raw":
        draft.raw = True
    elif word in ("chart", "nochart"):
        if draft.chart not in (None, word == "chart"):
            raise Trouble(
                "It is either chart or nochart.", (without, _without(tokens, "chart", "nochart")), draft
            )
        draft.chart = word == "chart"
    elif draft.format not in (None, word):
        raise Trouble(f"It is either {draft.format} or {word}.", (without,), draft)
    else:
        draft.format = word
    return place + 1


def receiver(draft: Draft, tokens: list[str], place: int) -> int:
    """Read `in #channel` or `to @person`, which Slack sends as ids."""
    raw = unquoted(tokens[place + 1]) if place + 1 < len(tokens) else ""
    without = dropped(tokens, place, 2)
    word = undash(tokens[place])
    if not draft.verb.shared:
        raise Trouble(f"{draft.verb.name} takes no “{word} …”: its answer is yours alone.", (without,), draft)
    found = _CHANNEL.fullmatch(raw) or _PERSON.fullmatch(raw)
    if found is None:
        problem = (
            f"“{word}” needs a channel or a person, picked from the list that Slack opens at # and @; "
            "in a shell it is their id."
        )
        raise Trouble(problem, (without, dropped(tokens, place)), draft)
    who = found[1] or found[2]
    if draft.to not in ("", who):
        raise Trouble("An answer goes to one place.", (without,), draft)
    draft.to = who
    return place + 2


def count(draft: Draft, tokens: list[str], place: int, number: str, length: int) -> int:
    """Read a number of rows, `length` words at `place`."""
    digits = number.isascii() and number.isdigit() and len(number) <= 9
    if not digits or not 1 <= int(number) <= MOST_ROWS:
        problem, repairs = count_words(tokens, place, number, length, MOST_ROWS)
        raise Trouble(problem, repairs, draft)
    if draft.top is not None and draft.top != int(number):
        repairs = (dropped(tokens, place, length),)
        raise Trouble(f"There are two numbers of rows: {draft.top} and {number}.", repairs, draft)
    draft.top = int(number)
    return place + length


def _without(tokens: list[str], *words: str) -> list[str]:
    return [token for token in tokens if undash(token) not in words]
