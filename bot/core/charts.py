"""What a chart shows of spend: a month against its budget, spend in time, the largest first."""

from collections.abc import Sequence
from datetime import date, timedelta

from bot.core.chart import Amounts, Chart, as_json, from_json
from bot.core.course import Course, Reach
from bot.core.filters import Filter, scope_of
from bot.core.money import NANO, show_percent, show_usd
from bot.core.period import DAY, Span, show_day, show_span
from bot.core.ranges import before
from bot.core.report import Report, pieces
from bot.core.spend import Spend

__all__ = ["Amounts", "Chart", "as_json", "bars", "columns", "columns_needed", "cumulative", "from_json"]

FEWEST_DAYS, SHOWN_DAYS = 5, 14
"""A range of fewer days is shown at the end of so many: one column alone says nothing."""
MOST_BESIDE = 14
"""Days of the range before are shown beside those of a range so long; of more, only their sum is told."""
MOST_DAYS, MOST_WEEKS = 31, 26
"""What is longer is drawn by week, and by month."""
MOST_BARS = 10


# -- a month against its budget --------------------------------------------------------------------------


def cumulative(course: Course, filters: Sequence[Filter] = (), today: date | None = None) -> Chart:
    """Return a month's spend as it adds up, its budget, and where it is likely to end."""
    month, known = course.month, len(course.spent)
    called = _month(month, today)
    nothing = (None,) * (month.days - known)
    band = _band(course.ahead, known, course.total) if course.ahead else ((), (), ())
    return Chart(
        "cumulative",
        f"Spend in {called}{_only(filters)}",
        _month_finding(course, called, filters, today),
        f"day of {called}, UTC",
        tuple(str(n + 1) for n in range(month.days)),
        (*course.spent, *nothing),
        budget=course.amount,
        low=band[0],
        forecast=band[1],
        high=band[2],
    )


def _band(ahead: Sequence[Reach], known: int, total: int) -> tuple[Amounts, Amounts, Amounts]:
    """Return low, middle and high, beginning where the known days end."""
    unknown: Amounts = (None,) * (known - 1)
    reached = [Reach(total, total, total), *ahead] if known else list(ahead)
    return (
        (*unknown, *(each.low for each in reached)),
        (*unknown, *(each.total for each in reached)),
        (*unknown, *(each.high for each in reached)),
    )


def _month_finding(course: Course, called: str, filters: Sequence[Filter], today: date | None) -> str:
    who = f"{_filtered(filters)}: " if filters else ""
    amount, end = course.amount, course.end
    over = course.known_until >= course.month.end
    spent = _usd(course.total)
    until = "" if over else f" by {show_day(course.known_until - DAY)}"
    said = f"{who}{spent} spent in {called}{until}"
    if amount is None:
        told = said
    elif course.total > amount:
        told = f"{said}, {_usd(course.total - amount)} over the budget of {_usd(amount)}"
    else:
        told = f"{said}, {show_percent(course.total, amount)} of the budget of {_usd(amount)}"
    if end is None:
        if not over and course.why and today is not None:
            told += f"; no forecast yet ({course.why})"
        return f"{told}."
    told += f"; on course for {_usd(end.total)}"
    if amount and course.total <= amount:
        told += f", {_usd(end.total - amount)} over" if end.total > amount else ", within it"
    return f"{told} (four times in five {_usd(end.low)} to {_usd(end.high)})."


# -- spend in time -----------------------------------------------------------------------------------------


def window(words: str, span: Span, unit: str = "") -> tuple[Span, str, Span | None]:
    """Return the days that a chart of a range shows, cut into what, and the days it is compared with, where it is."""
    if not unit:
        unit = "day" if span.days <= MOST_DAYS else "week" if span.days <= MOST_WEEKS * 7 else "month"
    if unit != "day":
        return span, unit, None
    if span.days < FEWEST_DAYS:
        return Span(span.end - timedelta(days=SHOWN_DAYS), span.end), unit, None
    earlier = before(words, span)
    return span, unit, earlier if span.days <= MOST_DAYS else None


def columns_needed(words: str, span: Span, unit: str = "") -> tuple[Span, ...]:
    """Return every span the scan must be cut at for `columns`."""
    shown, unit, earlier = window(words, span, unit)
    return tuple(piece for part in (shown, earlier) if part for piece, _ in pieces(part, unit))


def columns(
    spend: Spend,
    words: str,
    span: Span,
    filters: Sequence[Filter] = (),
    *,
    unit: str = "",
    pace: int | None = None,
) -> Chart | None:
    """Return spend by day, week or month, from a scan cut at `columns_needed`; None where nothing of it is stored.

    `pace` is a day's share of the month's budget.
    """
    shown, unit, earlier = window(words, span, unit)
    begins, read = spend.history_from, spend.as_of
    if begins is None or read is None:
        return None
    known = Span(max(shown.start, begins), min(shown.end, read.date() + DAY))
    if known.start >= known.end:
        return None
    found = [
        (label, _sum(spend, filters, piece))
        for piece, label in pieces(shown, unit)
        if piece.start < known.end and piece.end > known.start
    ]
    was: Amounts = ()
    if earlier is not None and known == shown and begins <= earlier.start:
        sums = [_sum(spend, filters, piece) for piece, _ in pieces(earlier, unit)]
        was = tuple((*sums, *[None] * len(found))[: len(found)])
    days = [date.fromisoformat(f"{label}-01" if unit == "month" else label) for label, _ in found]
    years = len({day.year for day in days}) > 1
    labels = tuple(_label(day, unit, years=years) for day in days)
    amounts = tuple(amount for _, amount in found)
    of_span = _sum(spend, filters, span) if shown == span else sum(amounts)
    name = show_span(earlier) if was and earlier else ""
    axis = {"day": "day, UTC", "week": "week from, UTC", "month": "month, UTC"}[unit]
    if known.last == read.date():
        axis += f"; {labels[-1]} is not over"
    return Chart(
        "columns",
        f"Spend by {unit}, {show_span(known)}{_only(filters)}",
        _columns_finding(known, unit, days, amounts, was, name, of_span, filters),
        axis,
        labels,
        amounts,
        earlier=was if len(was) <= MOST_BESIDE else (),
        earlier_name=name if len(was) <= MOST_BESIDE else "",
        budget=pace if unit == "day" else None,
    )


def _columns_finding(
    span: Span,
    unit: str,
    days: Sequence[date],
    amounts: Sequence[int],
    was: Amounts,
    earlier_name: str,
    total: int,
    filters: Sequence[Filter],
) -> str:
    who = f"{_filtered(filters)}: " if filters else ""
    told = f"{who}{_usd(total)} spent in {show_span(span)}"
    if was and (then := sum(amount or 0 for amount in was)) > 0 and None not in was:
        told += f", {changed(total, then)} {earlier_name}"
    if len(amounts) > 1 and max(amounts) > 0:
        place = max(range(len(amounts)), key=lambda each: amounts[each])
        day = days[place]
        when = {"day": f"on {day:%a} {show_day(day)}", "week": f"in the week of {show_day(day)}"}
        told += f"; most {when.get(unit, f'in {day:%B}')}, {_usd(amounts[place])}"
    return f"{told}."


def changed(value: int, then: int) -> str:
    """Return `up 29% on`, `down 3% on`, `as much as in`."""
    percent = round((value - then) * 100 / then)
    if not percent:
        return "as much as in"
    return f"{'up' if percent > 0 else 'down'} {abs(percent):,}% on"


# -- spend by what it can be told apart by -----------------------------------------------------------------


def bars(report: Report, most: int = MOST_BARS) -> Chart | None:
    """Return the groups of a report, the largest first, the rest as one; None where there is nothing to draw."""
    if report.query.top is not None:
        most = min(most, report.query.top + 1)
    rows = sorted(report.rows, key=lambda row: (-row.amount, row.names, row.group))
    if not rows or report.total <= 0:
        return None
    shown = rows if len(rows) <= most else rows[: most - 1]
    rest = rows[len(shown) :]
    names = [" · ".join(row.names) for row in shown]
    amounts = [row.amount for row in shown]
    if rest:
        names.append(f"{len(rest):,} others")
        amounts.append(sum(row.amount for row in rest))
    by = " and ".join(dimension.replace("_", " ").replace("api key", "API key") for dimension in report.by)
    part = show_percent(shown[0].amount, report.total)
    told = (
        f"{names[0]} comes to {_usd(amounts[0])} in {show_span(report.span)}, {part} of {_usd(report.total)}"
    )
    if len(shown) > 3:
        told += f"; the first three are {show_percent(sum(amounts[:3]), report.total)}"
    title = f"Spend by {by}, {show_span(report.span)}{_only(report.query.filters)}"
    return Chart("bars", title, f"{told}.", by, tuple(names), tuple(amounts))


# -- words -------------------------------------------------------------------------------------------------


def _sum(spend: Spend, filters: Sequence[Filter], span: Span) -> int:
    return spend.within(scope_of(filters), span).get((), 0)


def _label(day: date, unit: str, *, years: bool) -> str:
    if unit == "month":
        return f"{day:%b %Y}" if years else f"{day:%b}"
    return f"{show_day(day)} {day.year}" if years else show_day(day)


def _month(month: Span, today: date | None) -> str:
    return f"{month.start:%B}" if today is None or month.start.year == today.year else f"{month.start:%B %Y}"


def _only(filters: Sequence[Filter]) -> str:
    return f", {_filtered(filters)}" if filters else ""


def _filtered(filters: Sequence[Filter]) -> str:
    """Return `search-prod`; the whole filters where they are more than one name."""
    if len(filters) == 1 and filters[0].op == "=" and len(filters[0].values) == 1:
        return filters[0].values[0]
    return " ".join(map(str, filters))


def _usd(amount: int) -> str:
    """Return whole dollars; cents of what is less than a hundred."""
    return show_usd(amount, cents=abs(amount) < 100 * NANO and amount % NANO != 0)
