"""The words of an order: which alert, for how long, until when, and why."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.draft import Draft, Trouble
from bot.core.money import parse_usd
from bot.core.ranges import WEEKDAYS
from bot.core.repair import dropped, replaced
from bot.core.tokens import undash, unquoted
from bot.core.verbs import VERBS

MOST_REASON = 200
"""Characters of a reason."""
OVER = "over"
"""`until over`: until the incident is."""

_IDS = {
    "FINGERPRINT": re.compile(r"[0-9a-f]{4,12}"),
    "si_N": re.compile(r"si_[0-9]{1,9}"),
    "su_N": re.compile(r"su_[0-9]{1,9}"),
}
"""What a verb calls the ids it takes, and how they look."""
_DURATION = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(days=7)}
_LOOSE = {"minute": "m", "min": "m", "hour": "h", "hr": "h", "day": "d", "week": "w"}
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parted(tokens: list[str]) -> tuple[list[str], list[str]]:
    """Return the words of an order before its reason, and `-- why …`; of anything else all words and none."""
    verb = VERBS.get(undash(tokens[0]).lstrip("/-")) if tokens else None
    if verb is None or not verb.reason:
        return tokens, []
    place = next((place for place, token in enumerate(tokens) if undash(token) in ("--", "because")), None)
    return (tokens, []) if place is None else (tokens[:place], ["--", *tokens[place + 1 :]])


def give_reason(draft: Draft, tokens: list[str], tail: list[str]) -> None:
    """Take the reason over."""
    reason = " ".join(unquoted(word) for word in tail[1:]).strip()
    if len(reason) > MOST_REASON or not reason.isprintable():
        problem = f"A reason is one line of at most {MOST_REASON} characters."
        raise Trouble(
            problem, ([*tokens, "--", reason[:MOST_REASON]],) if reason.isprintable() else (), draft
        )
    draft.reason = reason


def argument(draft: Draft, tokens: list[str], place: int) -> int | None:
    """Read an id, `for 2d`, `until monday` or `wake=+$500`; None where the word is none of them."""
    verb, word = draft.verb, undash(unquoted(tokens[place]).rstrip(","))
    if verb.ids and any(_IDS[kind].fullmatch(word) for kind in verb.ids.split("|")):
        if word not in draft.ids:
            draft.ids.append(word)
        return place + 1
    for kind, pattern in _IDS.items():
        if verb.ids and kind != "FINGERPRINT" and pattern.fullmatch(word):
            ends = "unsilence" if kind == "si_N" else "unsubscribe"
            problem = f"{verb.name} takes no “{word}”: {ends} ends it."
            raise Trouble(problem, ([ends, word], dropped(tokens, place)), draft)
    numbered = next((kind for kind in verb.ids.split("|") if kind in ("si_N", "su_N")), "")
    if numbered and word.isascii() and word.isdigit():
        meant = f"{numbered[:3]}{word}"
        raise Trouble(f"“{word}” is written “{meant}”.", (replaced(tokens, place, [meant]),), draft)
    if not verb.lasts:
        return None
    following = undash(tokens[place + 1]) if place + 1 < len(tokens) else ""
    if word == "for":
        unit = undash(tokens[place + 2]).rstrip("s") if place + 2 < len(tokens) else ""
        if following.isascii() and following.isdigit() and unit in _LOOSE:
            meant = f"{following}{_LOOSE[unit]}"
            problem = f"“for {following} {tokens[place + 2]}” is written “for {meant}”."
            raise Trouble(problem, (replaced(tokens, place, ["for", meant], 3),), draft)
        if not _DURATION.fullmatch(following) or not int(following[:-1]):
            problem = "“for” needs a duration: for 30m, for 4h, for 2d, for 1w."
            raise Trouble(problem, (replaced(tokens, place, ["for", "4h"], 2),), draft)
        return _lasting(draft, tokens, place, f"for {following}")
    if word == "until":
        if not _is_when(following):
            problem = (
                f"“until” needs a day or a time: until 18:00, until tomorrow, until monday, until {OVER}."
            )
            raise Trouble(problem, (replaced(tokens, place, ["until", "tomorrow"], 2),), draft)
        return _lasting(draft, tokens, place, f"until {following}")
    if _DURATION.fullmatch(word):
        raise Trouble(f"“{word}” is written “for {word}”.", (replaced(tokens, place, ["for", word]),), draft)
    if word.startswith("wake="):
        grown = parse_usd(word.removeprefix("wake=").lstrip("+"))
        if not grown or grown < 0:
            problem = "“wake” needs dollars: wake=+$500."
            raise Trouble(problem, (replaced(tokens, place, ["wake=+$500"]), dropped(tokens, place)), draft)
        draft.wake = grown
        return place + 1
    return None


def complete(draft: Draft, tokens: list[str]) -> None:
    """Refuse an order that does not say what, for how long or why."""
    verb = draft.verb
    if verb.every:
        _either(draft, tokens)
    if verb.name == "unsubscribe":
        return
    if not draft.ids and not draft.filters and not draft.every:
        what = "the number of a silence, or a fingerprint" if verb.name == "unsilence" else "a fingerprint"
        more = ", or what it is to hold back, like project=labs" if verb.lasts else ""
        raise Trouble(f"{verb.name} needs {what}{more}: alerts shows them.", (["alerts"],), draft)
    if verb.lasts and not draft.lasts:
        problem = "A silence must end: for 4h, for 2d, until monday."
        raise Trouble(problem, tuple([*tokens, "for", span] for span in ("4h", "24h")), draft)
    if draft.lasts == f"until {OVER}" and not draft.ids:
        problem = f"“until {OVER}” ends with an incident: name it by its fingerprint."
        repairs = [token for token in tokens if undash(token) not in ("until", OVER)]
        raise Trouble(problem, ([*repairs, "for", "24h"],), draft)
    if verb.reason == "must" and not draft.reason:
        raise Trouble(
            f"{verb.name} needs a reason, after two dashes: -- load test.", (["help", verb.name],), draft
        )


def _either(draft: Draft, tokens: list[str]) -> None:
    """Refuse what names some and all, or does not say that all are meant."""
    name = draft.verb.name
    if name == "unsubscribe" and not (draft.ids or draft.every):
        problem = "unsubscribe needs the number of a digest of yours: subscribe list shows them."
        raise Trouble(problem, (["subscribe", "list"], ["unsubscribe", "all"]), draft)
    if draft.ids and (draft.every or draft.filters):
        others = [str(each) for each in draft.filters]
        repairs = ([name, *draft.ids], [name, "all", *others])
        raise Trouble(f"{name} takes either {draft.ids[0]} or {' '.join(['all', *others])}.", repairs, draft)
    if draft.filters and not draft.every:
        problem = f"{name} takes a fingerprint; for every alert that is so, say all."
        raise Trouble(problem, ([name, "all", *tokens[1:]],), draft)


def ends_at(lasts: str, now: datetime, zone: str) -> datetime | None:
    """Return the instant (UTC) that `for 2d` or `until monday` means by the clocks of `zone`.

    None for `until over`. A time of day is the next one; a day is its beginning.
    """
    word, _, value = lasts.partition(" ")
    if word == "for":
        return now + int(value[:-1]) * _UNITS[value[-1]]
    if value == OVER:
        return None
    local = ZoneInfo(zone)
    here = now.astimezone(local)
    today = here.date()
    if clock := _CLOCK.fullmatch(value):
        at = time(int(clock[1]), int(clock[2]))
        day = today if at > here.time().replace(tzinfo=None) else today + timedelta(days=1)
        return datetime.combine(day, at, local).astimezone(UTC)
    if value == "tomorrow":
        day = today + timedelta(days=1)
    elif value in WEEKDAYS:
        day = today + timedelta(days=(WEEKDAYS.index(value) - today.weekday() - 1) % 7 + 1)
    elif value == "month-end":
        day = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        day = date.fromisoformat(value)
    return datetime.combine(day, time(), local).astimezone(UTC)


def _lasting(draft: Draft, tokens: list[str], place: int, said: str) -> int:
    if draft.lasts not in ("", said):
        problem = f"There are two ends: {draft.lasts} and {said}."
        raise Trouble(problem, (dropped(tokens, place, 2),), draft)
    draft.lasts = said
    return place + 2


def _is_when(word: str) -> bool:
    if clock := _CLOCK.fullmatch(word):
        return int(clock[1]) < 24 and int(clock[2]) < 60
    if _DAY.fullmatch(word):
        try:
            date.fromisoformat(word)
        except ValueError:
            return False
        return True
    return word in (OVER, "tomorrow", "month-end", *WEEKDAYS)
