"""Which chart a report is drawn as: a month as it adds up against its budget, other ranges in time or by size."""

from datetime import date

from bot.core import charts
from bot.core.chart import Chart
from bot.core.course import Course, days_needed, month_of
from bot.core.period import DAY, Period, Span
from bot.core.question import Query
from bot.core.report import Report
from bot.core.spend import Spend
from bot.core.verbs import TIMES


def wanted(query: Query) -> bool:
    """Tell whether a report is drawn: as it is asked; where nobody said, if it follows time alone."""
    if query.chart is not None:
        return query.chart
    return len(query.by) == 1 and query.by[0] in TIMES and query.top is None


def follows_time(query: Query) -> bool:
    """Tell whether a report is drawn in time: then its chart needs more of the scan than the report does."""
    return bool(_unit(query))


def month_shown(query: Query, today: date) -> Span:
    """Return the month that a question is about, or else the running one."""
    assert query.span is not None
    month = month_of(query.span, today) or Period("month").containing(today)
    assert month is not None
    return month


def cuts_for(query: Query, today: date) -> tuple[Span, ...]:
    """Return every span the scan must be cut at for the chart, and for the course of its month."""
    assert query.span is not None
    days = days_needed(month_shown(query, today), today)
    return (
        *(Span(days.start + n * DAY, days.start + (n + 1) * DAY) for n in range(days.days)),
        *charts.columns_needed(query.range_words, query.span, _unit(query)),
        *charts.columns_needed(query.range_words, query.span),
    )


def in_time(report: Report, spend: Spend, course: Course | None, today: date, unit: str = "") -> Chart | None:
    """Return a report in time: a month as it adds up, any other range in columns; None of what is nothing.

    `unit` is how it is to be cut; '' leaves that to the length of the range.
    """
    query = report.query
    if course is not None and unit in ("", "day") and month_of(report.span, today) == course.month:
        return charts.cumulative(course, query.filters, today) if any(course.spent) else None
    pace = None
    if course is not None and course.amount and report.span.last in course.month:
        pace = course.amount // course.month.days
    chart = charts.columns(spend, query.range_words, report.span, query.filters, unit=unit, pace=pace)
    return chart if chart is not None and any(chart.actual) else None


def charted(report: Report, spend: Spend, course: Course | None, today: date) -> Chart | None:
    """Return a report as it was asked: in time where it follows time, by size where it does not."""
    unit = _unit(report.query)
    return in_time(report, spend, course, today, unit) if unit else charts.bars(report)


def _unit(query: Query) -> str:
    return next((dimension for dimension in query.by if dimension in TIMES), "")
