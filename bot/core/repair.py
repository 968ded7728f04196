"""What was probably meant: word lists to try again, the likeliest first. Nothing here is ever run by guess."""

import re
from collections.abc import Iterable
from datetime import date

from bot.core.filters import OPS
from bot.core.ranges import MONTHS, WEEKDAYS, WORDS, read_range
from bot.core.tokens import undash, unquoted
from bot.core.verbs import ALIASES, COST_KEYS, DEFAULT, GROUPINGS, VERBS, WORDS_OF, Verb, canonical

SYNONYMS = {
    **dict.fromkeys(("budget", "budgets", "summary", "overview", "all"), "status"),
    **dict.fromkeys(("spend", "spent", "spending", "cost", "costs", "usage", "bill"), "report"),
    **dict.fromkeys(("diff", "difference", "vs", "versus"), "compare"),
    **dict.fromkeys(("reason", "cause"), "why"),
    **dict.fromkeys(("acknowledge", "claim"), "ack"),
    **dict.fromkeys(("unacknowledge", "release"), "unack"),
    **dict.fromkeys(("mute", "snooze", "pause", "quiet"), "silence"),
    **dict.fromkeys(("unmute", "unsnooze", "resume"), "unsilence"),
    **dict.fromkeys(("log", "incidents", "past"), "history"),
    **dict.fromkeys(("open", "firing", "alarms"), "alerts"),
    **dict.fromkeys(("download", "file", "csv"), "export"),
    **dict.fromkeys(("digest", "digests", "remind"), "subscribe"),
    **dict.fromkeys(("update", "fetch", "reload", "sync", "poll"), "refresh"),
    **dict.fromkeys(("health", "check", "diagnose"), "doctor"),
    **dict.fromkeys(("commands", "man", "info"), "help"),
}
"""What people call the verbs as well."""
MINE = ("mine", "my", "me", "own")

Repairs = tuple[list[str], ...]

_UNITS = {"day": "d", "week": "w", "month": "m", "d": "d", "w": "w", "m": "m"}
_LONGEST = 30
"""No word of the grammar is longer than this by any typo."""


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known words that `word` was probably meant to be: all of the smallest distance, or begun so."""
    if not word or len(word) > _LONGEST:
        return ()
    allowed = 1 if len(word) <= 4 else 2 if len(word) <= 7 else 3
    by_distance: dict[int, list[str]] = {}
    for other in dict.fromkeys(known):
        begun = len(word) >= 3 and other.startswith(word)
        distance = 1 if begun else _distance(word, other)
        if distance <= min(allowed, len(other) - 1):
            by_distance.setdefault(distance, []).append(other)
    return tuple(by_distance[min(by_distance)]) if by_distance else ()


def _distance(one: str, other: str) -> int:
    """Return how many letters must be put in, left out, changed or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


def replaced(tokens: list[str], place: int, words: list[str], length: int = 1) -> list[str]:
    """Return the words with those at `place` replaced."""
    return [*tokens[:place], *words, *tokens[place + length :]]


def dropped(tokens: list[str], place: int, length: int = 1) -> list[str]:
    """Return the words without those at `place`."""
    return replaced(tokens, place, [], length)


def filter_words(token: str) -> tuple[str, str, str] | None:
    """Return (key, operator, value) of `line-item>=x`, or None when the word is no filter."""
    places = [(token.index(op), -len(op), op) for op in OPS if op in token]
    if not places:
        return None
    place, _, op = min(places)
    key = undash(token[:place]).strip().lstrip("-")
    if not key or key[0] in "\"'“‘<(":
        return None
    return canonical(key), op, token[place + len(op) :]


def unknown_verb(tokens: list[str], today: date) -> tuple[str, Repairs]:
    """Return what to say of a first word that is no verb, and the commands that may be meant."""
    word = undash(tokens[0]).lstrip("/-@#")
    if word in MINE:
        asked = [undash(token) for token in tokens[1:2] if undash(token) in VERBS]
        owned = [each for each in asked or (DEFAULT, "alerts") if "owner" in VERBS[each].keys]
        rest = tokens[1 + len(asked) :]
        repairs = tuple([each, "owner=@me", *rest] for each in owned)
        return f"“{tokens[0]}” is said with a filter: owner=@me.", repairs or ([DEFAULT, "owner=@me"],)
    if word in SYNONYMS:
        meant = SYNONYMS[word]
        return f"“{tokens[0]}” is called {meant} here.", (
            replaced(tokens, 0, [meant]),
            [meant],
            ["help", meant],
        )
    near = [replaced(tokens, 0, [verb]) for verb in nearest(word, VERBS)]
    later = next((place for place, token in enumerate(tokens) if undash(token) in VERBS), None)
    if later is not None:
        return f"“{tokens[0]}” stands before the verb.", (
            *near,
            [undash(tokens[later]), *dropped(tokens, later)],
            [undash(tokens[later]), *dropped(tokens, later)[1:]],
        )
    found = filter_words(tokens[0])
    takers: list[str] = []
    if found:
        takers = [verb.name for verb in VERBS.values() if found[0] in verb.keys and verb.alone]
    elif word == "by" or all(canonical(part) in GROUPINGS for part in word.split(",")):
        takers = [verb.name for verb in VERBS.values() if verb.by is not None and verb.alone]
    elif word and (word == "since" or word in MONTHS or read_range(word, today)):
        takers = [verb.name for verb in VERBS.values() if verb.span]
    if takers:
        problem = f"“{tokens[0]}” makes sense after a verb: {', '.join(takers)}."
        return problem, (*near, *([taker, *tokens] for taker in takers))
    if re.search(r"[\d_-]", word) and not near:
        # It looks like a name: of a project, most likely.
        near = [[verb, f"project={tokens[0]}", *tokens[1:]] for verb in ("status", "report")]
    few = ", ".join(verb.name for verb in VERBS.values() if verb.taught)
    return f"“{tokens[0]}” is nothing I know ({few}; help names the others).", (*near,) or (
        ["help"],
        [DEFAULT],
    )


def unknown_word(tokens: list[str], place: int, verb: Verb) -> tuple[str, Repairs]:
    """Return what to say of a word that `verb` does not know, and what may be meant."""
    token = tokens[place]
    found = filter_words(token)
    if found is not None:
        key, op, value = found
        near = nearest(key, (*verb.keys, *ALIASES, *(("by", "top", "vs") if op == "=" else ())))
        problem = f"“{key}” is nothing that {verb.name} can be filtered by{_list(verb.keys)}."
        repairs = [replaced(tokens, place, [f"{canonical(each)}{op}{value}"]) for each in near]
        return problem, (*repairs[:2], dropped(tokens, place))
    word = undash(token).strip("-#@.,;:!?")
    known = [*(("public",) if verb.shared else ()), *verb.formats]
    known += ["by", *GROUPINGS, *ALIASES] if verb.by is not None else []
    known += ["since", *WORDS, *MONTHS] if verb.ranged else []
    known += ["top"] if verb.counts else []
    known += ["chart", "nochart", "raw"] if verb.charts else []
    known += ["list", "daily", "weekly", "monthly", *WEEKDAYS] if verb.schedules else []
    known += ["all"] if verb.every else []
    known += ["for", "until"] if verb.lasts else []
    parts = " nor ".join(
        name
        for name, taken in (
            ("a range", verb.ranged),
            ("a dimension", verb.by is not None),
            ("a filter", verb.keys),
        )
        if taken
    )
    if word == "since":
        return "“since” needs a day: since 2026-10-01.", (dropped(tokens, place, 2), dropped(tokens, place))
    said = unquoted(token)
    problem = f"“{said}” is neither {parts}." if " nor " in parts else f"{verb.name} takes no “{said}”."
    if word.isascii() and word.isdigit():
        readings = [f"top={word}"] if verb.counts else []
        readings += [f"{word}d"] if verb.ranged else []
        return problem, (*(replaced(tokens, place, [each]) for each in readings), dropped(tokens, place))
    repairs = [replaced(tokens, place, [ALIASES.get(each, each)]) for each in nearest(word, known)]
    if word in MINE and "owner" in verb.keys:
        repairs = [replaced(tokens, place, ["owner=@me"])]
    for key, words in WORDS_OF.items():
        if word in words and key in verb.keys:
            repairs = [replaced(tokens, place, [f"{key}={word}"])]
    if verb.keys and not repairs and token == word:
        repairs = [replaced(tokens, place, [f"project={token}"])]
    return problem, (*repairs[:2], dropped(tokens, place))


def by_words(
    tokens: list[str], place: int, named: list[str], position: int, key: str = "", before: str = ""
) -> tuple[str, Repairs]:
    """Return what to say of one unknown word in a list of known ones, and the lists that may be meant."""
    word = named[position]
    known = WORDS_OF[key] if key else (*GROUPINGS, *ALIASES)
    lists = [
        [*named[:position], canonical(each), *named[position + 1 :]] for each in nearest(undash(word), known)
    ]
    if rest := [*named[:position], *named[position + 1 :]]:
        lists.append(rest)
    problem = (
        f"“{word}” is no {key or 'dimension'}{_list(known if key else (*COST_KEYS, 'day', 'week', 'month'))}."
    )
    repairs = [replaced(tokens, place, [before + ",".join(each)]) for each in lists]
    alone = (
        dropped(tokens, place - 1, 2)
        if place > 1 and undash(tokens[place - 1]) == "by"
        else dropped(tokens, place)
    )
    return problem, (*repairs, alone)


def count_words(tokens: list[str], place: int, number: str, length: int, most: int) -> tuple[str, Repairs]:
    """Return what to say of a number of rows that is none."""
    if not (number.isascii() and number.isdigit()):
        return "“top” needs a number.", (
            replaced(tokens, place, ["top=5"]),
            replaced(tokens, place, ["top=5"], length),
            ["top", *dropped(tokens[1:], place - 1)],
        )
    fits = "1" if not number.strip("0") else str(most)
    problem = f"From 1 to {most} rows can be asked, not {number[:12]}."
    return problem, (replaced(tokens, place, [f"top={fits}"], length),)


def phrase(tokens: list[str], place: int, verb: Verb, today: date) -> tuple[str, Repairs] | None:
    """Return the correction of a range written with blanks (`last week`, `7 days`), or None."""
    if not verb.ranged or place + 1 >= len(tokens):
        return None
    words = [undash(token) for token in tokens[place : place + 4]]
    first, second = words[0], words[1]
    if f"{first}-{second}" in WORDS:
        meant, length = f"{first}-{second}", 2
    elif first in ("last", "past", "previous") and second in ("week", "month"):
        meant, length = f"last-{second}", 2
    elif first in ("this", "current") and second in ("month", "quarter", "year"):
        meant, length = f"{second[0]}td", 2
    elif first in ("last", "past") and second == "year":
        meant, length = str(today.year - 1), 2
    elif first in ("last", "past") and second.isdigit() and len(words) > 2 and words[2].rstrip("s") in _UNITS:
        meant, length = f"{second}{_UNITS[words[2].rstrip('s')]}", 3
    elif first.isdigit() and second.rstrip("s") in _UNITS:
        meant, length = f"{first}{_UNITS[second.rstrip('s')]}", 2
    elif first == "from" and len(words) == 4 and words[2] in ("to", "until", "till", "-"):
        meant, length = f"{second}..{words[3]}", 4
    elif _joins(second, words[2:3], today) and read_range(first, today):
        meant, length = f"{first}..{words[2]}", 3
    else:
        return None
    said = " ".join(tokens[place : place + length])
    if second == "to" and verb.versus:
        both = replaced(tokens, place, [first, f"vs={words[2]}"], length)
        return f"“{said}” may be two ranges or one.", (both, replaced(tokens, place, [meant], length))
    repairs = [replaced(tokens, place, [meant], length)]
    if first.isdigit() and verb.name == "top" and length == 2:
        unit = {"d": "day", "w": "week", "m": "month"}[meant[-1]]
        repairs.append(replaced(tokens, place, [first, "by", unit], 2))
    return f"“{said}” is written “{meant}”.", tuple(repairs)


def _joins(word: str, after: list[str], today: date) -> bool:
    """Tell whether a word joins two days to a range; `to` may name a person as well."""
    if word == "to":
        return bool(after) and read_range(after[0], today) is not None
    return word in ("-", "until", "..") and bool(after)


def _list(words: Iterable[str]) -> str:
    listed = ", ".join(words)
    return f" ({listed})" if listed else ""
