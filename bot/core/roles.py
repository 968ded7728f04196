"""Who may do what."""

from collections.abc import Collection
from datetime import timedelta
from typing import Literal

from bot.core.silence import SHORT

Role = Literal["viewer", "operator", "admin"]

NO_OPERATOR = "Only operators may do that, and who owns the budget: BUDGETBOT_OPERATORS names them."
NO_ADMIN = "That is for admins: BUDGETBOT_ADMINS names them."
TOO_LONG = "Silences of more than 24 hours are for admins: BUDGETBOT_ADMINS names them."


def role_of(member: Collection[str], operators: Collection[str], admins: Collection[str]) -> Role:
    """Return the role of a full member who is known by these ids: their own, and those of their groups.

    While nobody is named an operator, every full member is one. While nobody is named an admin, those who are named
    operators are admins as well: somebody chose them. Where nobody is named at all, nobody is an admin.
    """
    if any(each in admins for each in member):
        return "admin"
    if any(each in operators for each in member):
        return "operator" if admins else "admin"
    return "viewer" if operators else "operator"


def may(role: Role, span: timedelta | None = None, *, owns: bool = False) -> str:
    """Return why somebody may not change what is said of alerts, or silence for so long; '' when they may.

    `owns`: it is about a budget of theirs, so they are an operator for it.
    """
    if role == "viewer" and not owns:
        return NO_OPERATOR
    if span is not None and span > SHORT and role != "admin":
        return TOO_LONG
    return ""
