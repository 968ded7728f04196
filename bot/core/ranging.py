"""The ranges of a question, the alert that may stand instead of one, and the range it is compared with."""

import re
from datetime import date

from bot.core.draft import Draft, Trouble
from bot.core.period import Span
from bot.core.ranges import MONTHS, WORDS, Refused, read_range
from bot.core.repair import dropped, filter_words, nearest, replaced
from bot.core.tokens import undash, unquoted
from bot.core.verbs import VERBS

VERSUS = ("vs", "versus")
"""Keys of a range to compare with."""
AGAINST = ("vs", "vs.", "versus", "with", "against")
"""Words before one."""
MARK = re.compile(r"[0-9a-f]{4,12}")
"""A fingerprint, or what it begins with."""
_MOVES = re.compile(rf"{'|'.join(WORDS)}|[0-9]{{1,4}}[dwm]")
"""Ranges that move along with the days."""


def days(tokens: list[str], place: int, today: date) -> tuple[str, int, Span | Refused | None]:
    """Return the words of the range at `place`, how many they are, and what they mean."""
    word = undash(unquoted(tokens[place]).rstrip(","))
    following = undash(tokens[place + 1]) if place + 1 < len(tokens) else ""
    length = 2 if word == "since" or (word in MONTHS and is_year(following)) else 1
    words = f"{word} {following}" if length == 2 else word
    return words, length, read_range(words, today)


def marked(draft: Draft, tokens: list[str], place: int, mark: str) -> int:
    """Read the fingerprint of the alert that is asked about instead of a range."""
    if draft.about not in ("", mark):
        problem = f"{draft.verb.name} speaks of one alert at a time: {draft.about} or {mark}."
        raise Trouble(problem, (dropped(tokens, place), [draft.verb.name, mark]), draft)
    draft.about = mark
    return place + 1


def either(draft: Draft, tokens: list[str]) -> None:
    """Refuse an alert and a range at once."""
    if draft.about and draft.span is not None:
        name = draft.verb.name
        problem = f"{name} speaks of an alert or of a range: {draft.about} or {draft.range_words}."
        raise Trouble(problem, ([name, draft.about], [t for t in tokens if undash(t) != draft.about]), draft)


def versus(draft: Draft, tokens: list[str], place: int, skipped: int = 0) -> int:
    """Read the range that another is compared with; `skipped` words before it say only that it is one."""
    words, length, span = days(tokens, place + skipped, draft.today)
    glued = "-".join(map(undash, tokens[place + skipped : place + skipped + 2]))
    if span is None and glued in WORDS:
        words, length, span = glued, 2, read_range(glued, draft.today)
    length += skipped
    if not isinstance(span, Span):
        problem = span.problem if span else f"“{words}” is no range to compare with."
        instead = span.instead if span else nearest(words, WORDS) or ("last-month",)
        repairs = [replaced(tokens, place, [f"vs={each}"], length) for each in instead]
        raise Trouble(problem, (*repairs, dropped(tokens, place, length)), draft)
    if draft.versus not in (None, span):
        raise Trouble("It is compared with one other range.", (dropped(tokens, place, length),), draft)
    since = words.startswith("since ")
    draft.versus = span
    draft.versus_words = f"{words.removeprefix('since ')}.." if since else words.replace(" ", "-")
    return place + length


def without_versus(tokens: list[str]) -> list[str]:
    places = [place for place, token in enumerate(tokens) if undash(token) in AGAINST]
    if places:
        return dropped(tokens, places[0], 2)
    return [token for token in tokens if (known := filter_words(token)) is None or known[0] not in VERSUS]


def take(draft: Draft, tokens: list[str], place: int, words: str, span: Span | Refused) -> None:
    length = words.count(" ") + 1
    if not draft.verb.ranged:
        others = tuple([other.name, *tokens[1:]] for other in VERBS.values() if other.span)
        problem = f"{draft.verb.name} takes no range: it speaks of now."
        raise Trouble(problem, (dropped(tokens, place, length), *others), draft)
    if draft.verb.schedules and not _MOVES.fullmatch(words):
        moving = (replaced(tokens, place, ["7d"], length), dropped(tokens, place, length))
        raise Trouble(f"A digest comes again and again: “{words}” stays where it is.", moving, draft)
    if isinstance(span, Refused):
        repairs = tuple(replaced(tokens, place, [word], length) for word in span.instead)
        raise Trouble(span.problem, repairs, draft)
    if draft.span is not None and draft.span != span:
        one, other = f"“{draft.range_words}”", f"“{words}”"
        if draft.verb.versus:
            rest = [token for token in dropped(tokens, place, length) if undash(token) != draft.range_words]
            dashed = words.replace(" ", "-")
            pairs = ((draft.range_words, dashed), (dashed, draft.range_words))
            both = tuple([*rest, each, f"vs={against}"] for each, against in pairs)
            raise Trouble(f"Which of {one} and {other} is compared with the other?", both, draft)
        earlier = [
            t for t in tokens[1:place] if read_range(undash(t), date(2099, 12, 31)) is None and t != "since"
        ]
        both = (dropped(tokens, place, length), [draft.verb.name, *earlier, *tokens[place:]])
        raise Trouble(f"There are two ranges: {one} and {other}.", both, draft)
    draft.span, draft.range_words = span, words.replace(" ", "-") if not words.startswith("since ") else words


def is_year(word: str) -> bool:
    return len(word) == 4 and word.isascii() and word.isdigit() and word[:2] in ("19", "20")
