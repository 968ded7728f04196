"""Who may do what."""

from collections.abc import Collection
from datetime import timedelta
from typing import Literal

from bot.core.silence import SHORT

Role = Literal["viewer", "operator", "admin"]


def role_of(member: Collection[str], operators: Collection[str], admins: Collection[str]) -> Role:
    """Return the role of a full member who is known by these ids: their own, and those of their groups.

    While nobody is named an operator, every full member is one.
    """
    if any(each in admins for each in member):
        return "admin"
    if not operators or any(each in operators for each in member):
        return "operator"
    return "viewer"


def may(role: Role, span: timedelta | None = None) -> str:
    """Return why somebody may not change what is said of alerts, or silence for so long; '' when they may."""
    if role == "viewer":
        return "Only operators may do that: BUDGETBOT_OPERATORS names them."
    if span is not None and span > SHORT and role != "admin":
        return "Silences of more than 24 hours are for admins: BUDGETBOT_ADMINS names them."
    return ""
