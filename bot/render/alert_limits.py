"""OpenAI's own hard limit, in every alert of a project that has one: what it is, and when it is reached."""

from datetime import datetime, timedelta

from bot.core.period import show_day
from bot.render.alert_words import Told, instant
from bot.render.figures import short

NATIVE = "native_limit"
"""The kind whose alerts are about the limit itself."""


def line(told: Told) -> str:
    """Return when OpenAI cuts the project off at this pace, as a line of its own; '' where that is not foreseen."""
    telling = told.telling
    if not telling.hard_limit or telling.kind == NATIVE or over(told):
        return ""
    limit = f"hard limit of {short(telling.hard_limit)} a month"
    if telling.enforcing:
        return f"*OpenAI refuses {whose(told)} requests now*: its {limit} is reached"
    at = instant(telling.cut_off_at)
    if at is None:
        return ""
    if _reached(told, at):
        return f"OpenAI's {limit} is reached: it may refuse {whose(told)} requests at any time"
    return f"At this pace OpenAI cuts {what(told)} off *{when(at)}*, by its {limit}"


def fact(told: Told) -> str:
    """Return the limit as a fact of the card; '' where none is known to be set. When it is reached, `line` says."""
    telling = told.telling
    if not telling.hard_limit or telling.kind == NATIVE:
        return ""
    limit = f"*OpenAI's hard limit*\n{short(telling.hard_limit)} a month"
    return limit if over(told) or line(told) else f"{limit}; no cut-off foreseen this month"


def what(told: Told) -> str:
    """Return whose limit it is: a project's, or the organization's."""
    return "the project" if "project" in dict(told.telling.group) else "the organization"


def whose(told: Told) -> str:
    """Return `the project's`."""
    return f"{what(told)}'s"


def when(at: datetime) -> str:
    """Return `Thursday 26 Nov 14:00 UTC`: the hour by which it is so, for a sharper figure would be none."""
    hour = (at + timedelta(minutes=59, seconds=59)).replace(minute=0, second=0, microsecond=0)
    return f"{hour:%A} {show_day(hour.date())} {hour:%H:%M} UTC"


def over(told: Told) -> bool:
    """Tell whether nothing ahead is told of it any more."""
    return told.incident.state == "ended" and not told.incident.late


def _reached(told: Told, at: datetime) -> bool:
    known = instant(told.telling.as_of)
    return known is not None and at <= known
