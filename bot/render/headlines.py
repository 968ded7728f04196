"""The first line of an answer, in Slack and in a shell alike: the figure, the days, what to make of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.filters import Filter
from bot.core.listing import Listing, RuleLine
from bot.core.money import show_exact, show_percent, show_usd
from bot.core.period import Span, show_day, show_span
from bot.core.question import Query
from bot.core.report import Report
from bot.core.status import BUDGET, Rest, Standing, Status
from bot.core.units import unit_of
from bot.render import alert_limits, blocks
from bot.render.figures import Figures, Show, alone, estimate, short, whole
from bot.render.kinds import AS_IT_IS, KINDS


@dataclass(frozen=True, slots=True)
class Style:
    """How a room writes names from outside and what matters."""

    name: Callable[[str], str]
    strong: str = "{}"

    def bold(self, text: str) -> str:
        return self.strong.format(text)


SLACK = Style(lambda text: blocks.name(text, 60), "*{}*")
SPOKEN = Style(lambda text: blocks.name(text, 60))
"""For `text`, which notifications and screen readers say: no markup, and still escaped."""
PLAIN = Style(blocks.clean)


def of_report(answer: Report, style: Style) -> str:
    """Return `Spend by project, 1–22 Nov: $41,907.55, up 12% on 1–22 Oct`; never a part as if it were the whole."""
    by = f" by {' and '.join(map(words, answer.by))}" if answer.by else ""
    only = f" ({_filtered(answer.query.filters, style)})" if answer.query.filters else ""
    when = days(answer, answer.span)
    if answer.history_from is None or answer.as_of is None:
        return "No costs are stored yet. The first poll fetches them; ask again in some minutes"
    if answer.stored is None:
        early = answer.span.end <= answer.history_from
        return f"The costs of {when} are not stored" if early else f"The costs of {when} were not read yet"
    part = ""
    if answer.stored.start > answer.span.start:
        part = f" since {show_day(answer.stored.start)} (earlier days are not stored)"
    elif answer.stored.end < answer.span.end:
        part = f" up to {show_day(answer.stored.last)} (later days were not read yet)"
    if answer.query.verb == "top":
        top = sum(row.amount for row in answer.shown)
        count = len(answer.shown)
        figure = style.bold(money(answer, top))
        if answer.others[0]:
            figure += f" of {money(answer, answer.total)} ({show_percent(top, answer.total)})"
        what = f"Top {count}{by}{only}" if count > 1 else f"Top spend{by}{only}"
        return f"{what}, {when}: {figure}{part}"
    return f"Spend{by}{only}, {when}: {style.bold(money(answer, answer.total))}{part}{change(answer)}"


def largest(answer: Report, style: Style) -> str:
    """Return the largest row in words; '' where there is none or nothing is grouped."""
    if not answer.by or not answer.rows:
        return ""
    row = max(answer.rows, key=lambda each: each.amount)
    return f"Largest: {style.name(' · '.join(row.names))} {money(answer, row.amount)}"


def of_status(answer: Status, query: Query | None, style: Style) -> str:
    """Return how many budgets passed a level and the worst of them, and what rules of other kinds speak of."""
    filters = query.filters if query else ()
    standings, counts = answer.standings, answer.counts
    matching = f" ({_filtered(filters, style)})" if filters else " of yours" if answer.rest else ""
    if not standings:
        return f"No budget matches {_filtered(filters, style)}" if filters else "No budget is watched"
    if not counts.judged and not counts.watched:
        states = Counter(each.state for each in standings)
        told = ", ".join(f"{count} {state}" for state, count in states.items())
        return f"No {'budget' if _only_budgets(answer) else 'rule'} is judged now: {told}"
    if not counts.judged:
        if counts.alerts:
            return f"{_alerts(answer, 'alert', style)}{matching}"
        return f"Nothing stands out among {style.bold(f'{counts.watched:,} watched')}{matching}"
    said = _budgets(answer, matching, style)
    if counts.alerts:
        return f"{said}; {_alerts(answer, 'other alert', style)}"
    return f"{said}; nothing else stands out" if counts.watched else said


def _budgets(answer: Status, matching: str, style: Style) -> str:
    """Return how many budgets passed a level, and the worst of them."""
    counts = answer.counts
    judged = [each for each in answer.standings if each.amount is not None and each.kind == BUDGET]
    budgets = f"{counts.judged:,} budget{'s' if counts.judged != 1 else ''}"
    if counts.firing:
        passed = budgets if counts.firing == counts.judged else f"{counts.firing:,} of {budgets}"
        worst = next((each for each in judged if each.state == "firing"), None)
        which = f"; worst is {_at(worst, style)}" if worst else ""
        return f"{style.bold(passed)}{matching} passed a level{which}"
    stale = [each for each in judged if each.state == "nodata"]
    if stale:
        which = "none of them is" if len(stale) == len(judged) else f"{len(stale)} of them not"
        many = f"{style.bold(budgets)}{matching}, {which} judged now: the data is too old"
        return (
            many
            if counts.judged > 1
            else f"{style.bold(budgets)}{matching}, not judged now: the data is too old"
        )
    if counts.judged == len(judged) == 1:
        return f"{style.bold('1 budget')}{matching}, under every level: {_at(judged[0], style)}"
    if not judged:  # twenty others stand before them
        more = (
            " under every level"
            if counts.alerts
            else " under every level, and others that could not be judged"
        )
        return f"{style.bold(budgets)}{matching}{more}"
    unspent = judged[0].value <= 0
    fullest = "nothing is spent" if unspent else f"the fullest is {_at(judged[0], style)}"
    return f"All {style.bold(budgets)}{matching} are under every level; {fullest}"


def _alerts(answer: Status, called: str, style: Style) -> str:
    """Return `3 other alerts, the gravest gpt-5.2 · search-prod ($310, usually about $95)`."""
    count = answer.counts.alerts
    said = style.bold(f"{count:,} {called}{'s' if count != 1 else ''}")
    first = next((each for each in answer.standings if each.state == "firing" and each.kind != BUDGET), None)
    if first is None:
        return said
    which = ", the gravest " if count > 1 else ": "
    return f"{said}{which}{style.bold(style.name(first.subject))} ({style.name(figures(first, short))})"


def _only_budgets(answer: Status) -> bool:
    return all(each.kind == BUDGET for each in answer.standings)


def others(answer: Status, shown: int) -> str:
    """Return what is not shown: `980 others, 10 past a level`; '' where everything is."""
    counts, here = answer.counts, answer.standings[:shown]
    rest = counts.standings - shown
    firing = counts.firing + counts.alerts - sum(each.state == "firing" for each in here)
    what = "past a level" if not counts.watched else "alerting"
    return f"{rest:,} others, {f'{firing:,}' if firing else 'none'} {what}" if rest > 0 else ""


def not_mine(rest: Rest, style: Style) -> str:
    """Return `And 12 others: 2 past a level, worst payments-ml at 122%`; '' where there are none."""
    counts, worst = rest.counts, rest.worst
    if not counts.standings:
        return ""
    firing = counts.firing + counts.alerts
    what = "past a level" if not counts.watched else "alerting"
    said = f"And {counts.standings:,} other{'s' if counts.standings != 1 else ''}: "
    said += f"{firing:,} {what}" if firing else f"none {what}"
    if not firing or worst is None:
        return said
    at = minus(show_percent(worst.value, worst.amount)) if worst.amount and worst.kind == BUDGET else ""
    return f"{said}, worst {style.bold(style.name(worst.subject))}{f' at {at}' if at else ''}"


def of_rules(answer: Listing, query: Query | None, style: Style) -> str:
    """Return how many rules there are, and how much is watched by none."""
    count = len(answer.rules)
    filters = query.filters if query else ()
    which = f" for {_filtered(filters, style)}" if filters else ""
    active = sum(rule.state == "active" for rule in answer.rules)
    said = style.bold(f"{count} rule{'s' if count != 1 else ''}") + which
    if not count:
        said = f"No rule looks at {_filtered(filters, style)}" if filters else "There are no rules"
    elif active < count:
        said += f", {active} of them active"
    if answer.uncovered:
        bare = len(answer.uncovered)
        total = show_usd(sum(each.amount for each in answer.uncovered))
        projects = style.bold(f"{bare} project{'s' if bare != 1 else ''}")
        spent = f"{total} in {show_span(answer.span)}" if answer.span else total
        said += f"; {projects} watched by no budget spent {spent}"
    return said


def words(dimension: str) -> str:
    """Return a dimension as people say it."""
    return {"api_key": "API key"}.get(dimension, dimension.replace("_", " "))


def percent(value: int, before: int | None) -> str:
    """Return `+12%`, `−3%`, `new`; a dash where there is nothing to compare."""
    if before is None:
        return blocks.NOTHING
    if before <= 0:
        return "new" if value > 0 else blocks.NOTHING
    change = round((value - before) * 100 / before)
    return f"+{change:,}%" if change > 0 else f"−{-change:,}%" if change else "0%"


def share(part: float) -> str:
    """Return `4.0%`, `−0.7%`."""
    return minus(f"{round(part, 3) + 0.0:.1%}")


def used(each: Standing) -> str:
    """Return the bar and the percentage of a budget; '' where it has no amount."""
    if each.amount is None or each.kind != BUDGET:
        return ""
    return f"{blocks.bar(each.value, each.amount)}  {minus(show_percent(each.value, each.amount))}"


def figures(each: Standing, show: Show) -> str:
    """Return what a standing comes to: `$10,284 of $12,000`, `$310, usually about $95`; its reason where unjudged."""
    if each.amount is None:
        return each.reason
    level = each.level if each.state == "firing" else ""
    unit = unit_of(each.unit)
    told = Figures(each.kind, unit, each.value, each.amount, level, each.days, each.note, each.estimated)
    return KINDS[each.kind].cell(told, show)


def titles(standings: Sequence[Standing]) -> tuple[str, str]:
    """Return what the columns of the subjects and of the figures are called."""
    if all(each.kind == BUDGET for each in standings):
        return ("budget", "spent" if not any(each.unit for each in standings) else "so far")
    return ("what", "figures")


def period(each: Standing) -> str:
    """Return `November`, `7 days to 20 Nov`; of what is so now, `now`."""
    if each.kind in AS_IT_IS and each.span:
        return "now"
    if each.kind != "anomaly" and each.days and each.days.days > 1:
        return f"{each.days.days} days to {show_day(each.days.last)}"
    return each.period


def cut_offs(standings: Sequence[Standing], as_of: datetime | None, style: Style) -> list[str]:
    """Return when OpenAI stops answering whom, once for each project."""
    found: dict[str, str] = {}
    for each in standings:
        limited = each.limited
        at = limited.cut_off_at or as_of if limited else None
        if limited is None or at is None or not (limited.enforcing or limited.cut_off_at):
            continue
        whom = dict(zip(each.each, each.group_names, strict=True)).get("project", "the organization")
        reached = as_of is not None and at <= as_of
        found[whom] = cut_off(whom, at, limited.amount, style, enforcing=limited.enforcing, reached=reached)
    return list(found.values())


def cut_off(whom: str, at: datetime, limit: int, style: Style, *, enforcing: bool, reached: bool) -> str:
    """Return when OpenAI cuts somebody off at this pace."""
    named = style.bold(style.name(whom))
    bound = f"hard limit of {short(limit)} a month"
    if enforcing:
        return f"OpenAI refuses requests of {named} now: its {bound} is reached"
    if reached:
        return f"OpenAI may refuse requests of {named} at any time: its {bound} is reached"
    return f"At this pace OpenAI cuts {named} off {style.bold(alert_limits.when(at))}, by its {bound}"


def budget(each: RuleLine) -> str:
    """Return `$12,000 a month`, `a day: batch-* $900, else $150`."""
    if not each.amount:
        return each.period
    several = ", " in each.amount
    if not each.period:
        return each.amount
    return f"{each.period}: {each.amount}" if several else f"{each.amount} {each.period}"


def state(each: Standing) -> str:
    """Return `critical 100%` of what passed a level, and the state of what did not."""
    laid_over = ", silenced" if each.silenced_by else ", acknowledged" if each.acknowledged_by else ""
    said = f"{each.severity or each.state} {each.level}".strip() if each.state == "firing" else each.state
    return said + laid_over


def minus(figure: str) -> str:
    """Return the figure with the sign that stands as wide as a plus."""
    return figure.replace("-", "−")


def days(answer: Report, span: Span) -> str:
    """Return the days, with their year where it is not the current one and not said anyway."""
    told = show_span(span)
    same = span.start.year == span.last.year
    return f"{told} {span.last.year}" if same and span.last.year != answer.today.year else told


def _at(each: Standing, style: Style) -> str:
    amount, unit = each.amount or 0, unit_of(each.unit)
    part = (
        f" at {style.bold(minus(show_percent(each.value, amount)))} of its {style.name(each.period)} budget"
    )
    of = f"{whole(each.value, unit)} of {alone(amount, unit, whole)}{estimate(each.estimated, unit)}"
    subject = style.bold(style.name(each.subject))
    return f"{subject}{part} ({of})" if amount else f"{subject}, {of} in {style.name(each.period)}"


def _filtered(filters: Sequence[Filter], style: Style) -> str:
    return style.name(" ".join(map(str, filters)))


def money(answer: Report, amount: int) -> str:
    """Return dollars and cents; every digit where the question says `raw`."""
    return show_exact(amount) if answer.query.raw else show_usd(amount)


def change(answer: Report) -> str:
    """Return `, up 12% on 1–22 Oct`; '' where there is nothing to compare with."""
    if answer.before is None or answer.before <= 0:
        return ""
    change = percent(answer.total, answer.before)
    when = days(answer, answer.compared)
    if change == "0%":
        return f", as much as in {when}"
    return f", {'down' if change.startswith('−') else 'up'} {change[1:]} on {when}"
