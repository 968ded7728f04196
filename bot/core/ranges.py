"""The days a question is about: `mtd`, `7d`, `nov-2025`, `2026-10-01..2026-10-31`, all of them UTC days."""

import re
from calendar import month_abbr, month_name, monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from bot.core.period import DAY, Period, Span, show_day

MOST_DAYS = 366

WORDS = ("today", "yesterday", "this-week", "last-week", "this-month", "mtd", "last-month", "qtd", "ytd")
"""Ranges that are one fixed word."""

EXAMPLES = (
    *WORDS,
    *("7d", "4w", "3m", "nov", "nov-2025", "2026", "2026-10", "2026-10-31"),
    *("2026-10-01..2026-10-31", "since 2026-10-01"),
)
"""One of each form, for help."""

MONTHS = {
    **{month_abbr[number].lower(): number for number in range(1, 13)},
    **{month_name[number].lower(): number for number in range(1, 13)},
    "sept": 9,
}

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Unit = Literal["week", "month", "quarter", "year", ""]


@dataclass(frozen=True, slots=True)
class Refused:
    """A range that was understood and cannot be answered: why, and what may be asked instead."""

    problem: str
    instead: tuple[str, ...] = ()


def read_range(words: str, today: date) -> Span | Refused | None:
    """Return the days that `words` (lower case) mean, a refusal with its reason, or None: not a range at all.

    A named month, quarter or year that is not over ends with today; a date in the future is refused.
    """
    start, dots, end = words.partition("..")
    if words.startswith("since "):
        start, dots, end = words.removeprefix("since "), "..", ""
    if not dots:
        return _checked(words, _one(words, today), today)
    if any(re.fullmatch(r"\d{1,4}[dwm]", each.strip(), re.ASCII) for each in (start, end)):
        # 40d and 3d both end today: as two ends of a range they would not mean what they say.
        counted = [_one(each.strip(), today) for each in (start, end) if each.strip()]
        if all(isinstance(each, Span) for each in counted):
            days = sorted(each.start.isoformat() for each in counted if isinstance(each, Span))
            return Refused(
                f"The ends of “{words}” are days, and not counted back from today.",
                ("..".join([*days, ""][:2]),),
            )
    first = _one(start.strip(), today)
    last = _one(end.strip(), today) if end.strip() else Span(today, today + DAY)
    for part in (first, last):
        if not isinstance(part, Span):
            return part
    assert isinstance(first, Span)
    assert isinstance(last, Span)
    if last.end <= first.start:
        if first.start > today:
            return _future(words, today)
        turned = f"{end.strip()}..{start.strip()}"
        return Refused(f"“{words}” ends before it begins.", (turned,))
    return _checked(words, Span(first.start, last.end), today)


def before(words: str, span: Span) -> Span:
    """Return what `span` is compared with: the same days of the week, month, quarter or year before.

    For a range without such a unit it is the same number of days before it. The end of a complete month is
    the end of the month before, however long either is.
    """
    unit = _unit(words)
    if not unit:
        return Span(span.start - timedelta(days=span.days), span.start)
    period = Period(unit)
    whole, previous = period.containing(span.start), period.containing(span.start - DAY)
    assert whole is not None
    assert previous is not None
    if span.end == whole.end:
        return previous
    return Span(previous.start, min(previous.start + timedelta(days=span.days), previous.end))


def _unit(words: str) -> Unit:
    if words in ("this-week", "last-week"):
        return "week"
    if (
        words in ("mtd", "this-month", "last-month")
        or re.fullmatch(r"\d{4}-\d{2}|[a-z]+-\d{4}", words)
        or words in MONTHS
    ):
        return "month"
    if words == "qtd":
        return "quarter"
    if words == "ytd" or re.fullmatch(r"\d{4}", words):
        return "year"
    return ""


def _one(word: str, today: date) -> Span | Refused | None:
    """Return the days of a single word, which may reach into the future."""
    tomorrow = today + DAY
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    match word:
        case "today":
            return Span(today, tomorrow)
        case "yesterday":
            return Span(today - DAY, today)
        case "this-week":
            return Span(monday, tomorrow)
        case "last-week":
            return Span(monday - timedelta(days=7), monday)
        case "mtd" | "this-month":
            return Span(first, tomorrow)
        case "last-month":
            return Span((first - DAY).replace(day=1), first)
        case "qtd":
            return Span(date(today.year, (today.month - 1) // 3 * 3 + 1, 1), tomorrow)
        case "ytd":
            return Span(date(today.year, 1, 1), tomorrow)
    if found := re.fullmatch(r"(\d{1,4})([dwm])", word, re.ASCII):
        return _back(int(found[1]), found[2], today)
    if word in MONTHS:
        # The latest one that has begun: `dec` asked in November is last year's.
        return _month(today.year - (MONTHS[word] > today.month), MONTHS[word], today)
    if (found := re.fullmatch(r"([a-z]+)[- ]((?:19|20)\d\d)", word, re.ASCII)) and found[1] in MONTHS:
        return _month(int(found[2]), MONTHS[found[1]], today)
    if found := re.fullmatch(r"((?:19|20)\d\d)(?:-(\d\d?)(?:-(\d\d?))?)?", word, re.ASCII):
        return _calendar(int(found[1]), found[2], found[3], today)
    return None


def _back(number: int, unit: str, today: date) -> Span | Refused:
    if number == 0:
        return Refused(f"“{number}{unit}” is no days at all.", (f"1{unit}",))
    if number * {"d": 1, "w": 7, "m": 28}[unit] > MOST_DAYS:
        return Refused(f"“{number}{unit}” is more than {MOST_DAYS} days.", (f"{MOST_DAYS}d",))
    if unit != "m":
        return Span(today + DAY - timedelta(days=number * (1 if unit == "d" else 7)), today + DAY)
    years, month = divmod(today.month - 1 - number, 12)
    year = today.year + years
    length = monthrange(year, month + 1)[1]
    day = date(year, month + 1, min(today.day, length))
    return Span(day + DAY, today + DAY)


def _calendar(year: int, month: str | None, day: str | None, today: date) -> Span | Refused:
    if month is None:
        return _clipped(Span(date(year, 1, 1), date(year + 1, 1, 1)), today)
    if not 1 <= int(month) <= 12:
        return Refused(f"“{year}-{month}” is no month.", (str(year),))
    if day is None:
        return _month(year, int(month), today)
    length = monthrange(year, int(month))[1]
    if not 1 <= int(day) <= length:
        return Refused(f"“{year}-{month}-{day}” is no day.", (f"{year}-{int(month):02d}-{length}",))
    start = date(year, int(month), int(day))
    return Span(start, start + DAY)


def _month(year: int, month: int, today: date) -> Span:
    start = date(year, month, 1)
    return _clipped(Span(start, start + timedelta(days=monthrange(year, month)[1])), today)


def _clipped(span: Span, today: date) -> Span:
    return Span(span.start, today + DAY) if today in span else span


def _checked(words: str, span: Span | Refused | None, today: date) -> Span | Refused | None:
    if not isinstance(span, Span):
        return span
    if span.last > today:
        instead = f"{span.start}..{today}" if span.start <= today else ""
        return _future(words, today, instead)
    if span.days > MOST_DAYS:
        shorter = f"{span.end - timedelta(days=MOST_DAYS)}..{span.last}"
        return Refused(f"“{words}” is {span.days} days; {MOST_DAYS} can be asked at once.", (shorter,))
    return span


def _future(words: str, today: date, instead: str = "") -> Refused:
    problem = f"“{words}” reaches into the future: today is {show_day(today)} {today.year} (UTC)."
    return Refused(problem, tuple(word for word in (instead, "mtd") if word))
