"""When a digest comes: `daily 09:00`, `weekly monday 09:00`, `monthly 1 09:00`, in any order."""

import re

from bot.core.draft import Draft, Trouble
from bot.core.ranges import WEEKDAYS
from bot.core.repair import dropped, replaced
from bot.core.tokens import undash, unquoted

CADENCES = ("daily", "weekly", "monthly")
AT = "09:00"
"""When nobody says a time."""
LAST_DAY = 28
"""The last day of a month that every month has."""

_FILLERS = ("at", "on", "every", "each")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_LOOSE_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?(am|pm|h)")
_DAY_OF_MONTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th|\.)?")


def argument(draft: Draft, tokens: list[str], place: int) -> int | None:
    """Read one word of when; None where it is none."""
    word = undash(unquoted(tokens[place]).rstrip(","))
    following = undash(tokens[place + 1]) if place + 1 < len(tokens) else ""
    if word == "list":
        draft.listed = True
        return place + 1
    if word in _FILLERS and following:
        return place + 1
    if word in ("day", "week", "month") and place > 1 and undash(tokens[place - 1]) in _FILLERS:
        word = {"day": "daily", "week": "weekly", "month": "monthly"}[word]
    if word in CADENCES:
        if draft.cadence not in ("", word):
            both = tuple([t for t in tokens if undash(t) != other] for other in (word, draft.cadence))
            raise Trouble(
                f"It comes either {draft.cadence} or {word}: subscribe twice for both.", both, draft
            )
        draft.cadence = word
        return place + 1
    if weekday := _weekday(word):
        return _day(draft, tokens, place, weekday)
    if clock := _CLOCK.fullmatch(word):
        if int(clock[1]) > 23 or int(clock[2]) > 59:
            raise Trouble(f"“{word}” is no time of day.", (replaced(tokens, place, [AT]),), draft)
        return _at(draft, tokens, place, f"{int(clock[1]):02d}:{clock[2]}")
    if (loose := _LOOSE_CLOCK.fullmatch(word)) and int(loose[1]) < 24:
        hour = int(loose[1]) % 12 + 12 * (loose[3] == "pm") if loose[3] != "h" else int(loose[1])
        meant = f"{hour:02d}:{loose[2] or '00'}"
        raise Trouble(f"“{word}” is written “{meant}”.", (replaced(tokens, place, [meant]),), draft)
    if number := _DAY_OF_MONTH.fullmatch(word):
        day = int(number[1])
        if draft.cadence != "monthly" and "monthly" not in map(undash, tokens):
            hours = [replaced(tokens, place, [f"{day:02d}:00"])] if day < 24 else []
            days = [replaced(tokens, place, ["monthly", word])] if 1 <= day <= LAST_DAY else []
            problem = f"“{word}” may be a time, 09:00, or a day of the month."
            raise Trouble(problem, (*hours, *days, dropped(tokens, place)), draft)
        if not 1 <= day <= LAST_DAY:
            meant = "1" if day < 1 else str(LAST_DAY)
            problem = f"A month's digest comes on a day that every month has, from 1 to {LAST_DAY}."
            raise Trouble(problem, (replaced(tokens, place, [meant]),), draft)
        return _day(draft, tokens, place, str(day))
    return None


def complete(draft: Draft, tokens: list[str]) -> None:
    """Fill in what was not said of when it comes; refuse what says nothing of it."""
    asked = draft.cadence or draft.day or draft.clock
    more = draft.range_words or draft.by or draft.filters or draft.top or draft.raw or draft.chart is not None
    if draft.listed:
        if asked or more:
            rest = [token for token in tokens if undash(token) != "list"]
            raise Trouble("“list” shows all of your digests.", (["subscribe", "list"], rest), draft)
        return
    if not asked:
        if more:
            repairs = tuple([*tokens, cadence] for cadence in ("weekly", "daily", "monthly"))
            raise Trouble("How often shall it come: daily, weekly or monthly?", repairs, draft)
        draft.listed = True
        return
    cadence = draft.cadence or ("weekly" if draft.day in WEEKDAYS else "monthly" if draft.day else "daily")
    day = draft.day
    fits = {"daily": not day, "weekly": not day or day in WEEKDAYS, "monthly": not day.isalpha()}
    if not fits[cadence]:
        without = [token for token in tokens if _weekday(undash(token)) != day and undash(token) != day]
        other = "weekly" if day in WEEKDAYS else "monthly"
        weekly = [other if undash(token) == cadence else token for token in tokens]
        raise Trouble(f"What comes {cadence} comes on no “{day}”.", (weekly, without), draft)
    draft.cadence = cadence
    draft.day = day or {"daily": "", "weekly": WEEKDAYS[0], "monthly": "1"}[cadence]
    draft.clock = draft.clock or AT


def _weekday(word: str) -> str:
    plain = word.removesuffix("s") if word.endswith("days") else word
    if plain in WEEKDAYS:
        return plain
    return next((day for day in WEEKDAYS if len(plain) >= 3 and day.startswith(plain)), "")


def _day(draft: Draft, tokens: list[str], place: int, day: str) -> int:
    if draft.day not in ("", day):
        problem = f"It comes on one day, {draft.day} or {day}: subscribe twice for both."
        raise Trouble(problem, (dropped(tokens, place),), draft)
    draft.day = day
    return place + 1


def _at(draft: Draft, tokens: list[str], place: int, clock: str) -> int:
    if draft.clock not in ("", clock):
        problem = f"It comes at one time, {draft.clock} or {clock}: subscribe twice for both."
        raise Trouble(problem, (dropped(tokens, place),), draft)
    draft.clock = clock
    return place + 1
