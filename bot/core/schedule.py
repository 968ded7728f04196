"""croniter behind two questions: is this an expression, and when is it next due?"""

from datetime import datetime

from croniter import croniter
from croniter.croniter import CroniterError

FIELDS = 5


def problem_of(expression: str) -> str:
    """Return what is wrong with a cron expression, '' when nothing is.

    croniter takes six and seven fields too, and calls `0 9 31 2 *` valid although it never comes.
    """
    if len(expression.split()) != FIELDS:
        return f"has {len(expression.split())} fields"
    try:
        croniter(expression, 0.0).get_next(float)
    except (CroniterError, ValueError, KeyError, AttributeError, TypeError):
        return "is no cron expression that ever comes"
    return ""


def last_due(expression: str, at: datetime) -> datetime:
    """Return the last instant up to `at` (aware) that the expression names, in `at`'s time zone.

    In the night an hour comes twice, what falls into it is due in the first of the two alone: croniter names both.
    In the night an hour is left out, what falls into it is due at its end.
    """
    # The one before the next: of the two, only the next leaves out the instant it is asked from.
    after_it: datetime = croniter(expression, at).get_next(datetime)
    due: datetime = croniter(expression, after_it).get_prev(datetime)
    return due.replace(fold=0)


def next_due(expression: str, after: datetime) -> datetime:
    """Return the first instant after `after` (aware) that the expression names, in `after`'s time zone."""
    due: datetime = croniter(expression, after).get_next(datetime)
    return due
