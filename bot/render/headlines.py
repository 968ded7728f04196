"""The first line of an answer, in Slack and in a shell alike: the figure, the days, what to make of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core.filters import Filter
from bot.core.listing import Listing, RuleLine
from bot.core.money import show_percent, show_usd
from bot.core.period import Span, show_day, show_span
from bot.core.question import Query
from bot.core.report import Report
from bot.core.status import Standing, Status
from bot.render import blocks


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
        figure = style.bold(show_usd(top))
        if answer.others[0]:
            figure += f" of {show_usd(answer.total)} ({show_percent(top, answer.total)})"
        what = f"Top {count}{by}{only}" if count > 1 else f"Top spend{by}{only}"
        return f"{what}, {when}: {figure}{part}"
    return f"Spend{by}{only}, {when}: {style.bold(show_usd(answer.total))}{part}{_change(answer)}"


def largest(answer: Report, style: Style) -> str:
    """Return the largest row in words; '' where there is none or nothing is grouped."""
    if not answer.by or not answer.rows:
        return ""
    row = max(answer.rows, key=lambda each: each.amount)
    return f"Largest: {style.name(' · '.join(row.names))} {show_usd(row.amount)}"


def of_status(answer: Status, query: Query | None, style: Style) -> str:
    """Return how many budgets passed a level, and the worst of them."""
    filters = query.filters if query else ()
    standings, counts = answer.standings, answer.counts
    judged = [each for each in standings if each.amount is not None]
    budgets = f"{counts.judged:,} budget{'s' if counts.judged != 1 else ''}"
    if not standings:
        return f"No budget matches {_filtered(filters, style)}" if filters else "No budget is watched"
    if not counts.judged:
        states = Counter(each.state for each in standings)
        told = ", ".join(f"{count} {state}" for state, count in states.items())
        return f"No budget is judged now: {told}"
    matching = f" ({_filtered(filters, style)})" if filters else ""
    if counts.firing:
        passed = budgets if counts.firing == counts.judged else f"{counts.firing:,} of {budgets}"
        return f"{style.bold(passed)}{matching} passed a level; worst is {_at(standings[0], style)}"
    if counts.judged == len(judged) == 1:
        return f"{style.bold('1 budget')}{matching}, under every level: {_at(judged[0], style)}"
    if not judged:  # twenty that could not be judged stand before them
        return f"{style.bold(budgets)}{matching} under every level, and others that could not be judged"
    unspent = judged[0].value <= 0
    fullest = "nothing is spent" if unspent else f"the fullest is {_at(judged[0], style)}"
    return f"All {style.bold(budgets)}{matching} are under every level; {fullest}"


def others(answer: Status, shown: int) -> str:
    """Return what is not shown: `980 others, 10 past a level`; '' where everything is."""
    rest = answer.counts.standings - shown
    firing = answer.counts.firing - sum(each.state == "firing" for each in answer.standings[:shown])
    return f"{rest:,} others, {f'{firing:,}' if firing else 'none'} past a level" if rest > 0 else ""


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
    if each.amount is None:
        return ""
    return f"{blocks.bar(each.value, each.amount)}  {minus(show_percent(each.value, each.amount))}"


def budget(each: RuleLine) -> str:
    """Return `$12,000 a month`, `a day: batch-* $900, else $150`."""
    if not each.amount:
        return each.period
    several = ", " in each.amount
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
    amount = each.amount or 0
    part = (
        f" at {style.bold(minus(show_percent(each.value, amount)))} of its {style.name(each.period)} budget"
    )
    money = f"{show_usd(each.value, cents=False)} of {show_usd(amount, cents=False)}"
    subject = style.bold(style.name(each.subject))
    return f"{subject}{part} ({money})" if amount else f"{subject}, {money} in {style.name(each.period)}"


def _filtered(filters: Sequence[Filter], style: Style) -> str:
    return style.name(" ".join(map(str, filters)))


def _change(answer: Report) -> str:
    if answer.before is None or answer.before <= 0:
        return ""
    change = percent(answer.total, answer.before)
    when = days(answer, answer.compared)
    if change == "0%":
        return f", as much as in {when}"
    return f", {'down' if change.startswith('−') else 'up'} {change[1:]} on {when}"
